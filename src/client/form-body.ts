/**
 * What a form sends for an object: nested names as zod-form-data reads them (`address.city`, `lines[0].text`), several
 * values under one name, `true` as a checkbox sends it. Multipart only if there is a file in it.
 */
export function toFormBody(form: unknown): FormData | URLSearchParams {
  if (form instanceof FormData || form instanceof URLSearchParams) return form
  const fields: [string, string | Blob][] = []
  addFields(fields, form, '')
  if (!fields.some(([, value]) => value instanceof Blob)) return new URLSearchParams(fields as [string, string][])
  const body = new FormData()
  for (const [name, value] of fields) body.append(name, value as string)
  return body
}

function addFields(fields: [string, string | Blob][], value: unknown, name: string): void {
  if (value === undefined || value === null || value === false) return
  if (value === true) fields.push([name, 'on'])
  else if (value instanceof Blob) fields.push([name, value])
  else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) addFields(fields, item, isPlain(item) ? `${name}[${index}]` : name)
  } else if (isPlain(value)) {
    for (const [key, item] of Object.entries(value)) addFields(fields, item, name ? `${name}.${key}` : key)
  } else fields.push([name, toText(value)])
}

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !(value instanceof Date) && !(value instanceof Blob)

/** A value as a URL or a form holds it: a `Date` in ISO 8601. */
export const toText = (value: unknown): string => (value instanceof Date ? value.toISOString() : String(value))
