import type { Entry } from './store.js'

// The number changes with the format, so that other versions of byway see no entry instead of an invalid one.
const signature = 'byway-entry 1'
const header = /^byway-entry 1 (text|json|base64) (\d{1,10}) (\d{1,10})\n/

/** Formats an entry as a text that UTF-8 preserves: a line with format, version and lengths, the members as JSON, and the body. */
export function formatEntry({ body, ...members }: Entry): string {
  const { key, status, headers, time, revalidate, expires, marks } = members
  const json = JSON.stringify({ key, status, headers, time, revalidate, expires, marks })
  const [form, text] =
    typeof body !== 'string'
      ? ['base64', toBase64(body)]
      : // UTF-8 replaces a lone surrogate by another character of the same length.
        body.isWellFormed()
        ? ['text', body]
        : ['json', JSON.stringify(body)]
  return `${signature} ${form} ${json.length} ${text.length}\n${json}${text}`
}

/** Parses what `formatEntry` of this version has written. Returns `undefined` for any other text. */
export function parseEntry(text: string): Entry | undefined {
  const [line, form, jsonLength, length] = (typeof text === 'string' && header.exec(text)) || []
  if (line === undefined) return undefined
  const start = line.length + Number(jsonLength)
  if (start + Number(length) !== text.length) return undefined
  try {
    const { key, status, headers, time, revalidate, expires, marks } = JSON.parse(text.slice(line.length, start))
    const rest = text.slice(start)
    const body = form === 'text' ? rest : form === 'json' ? JSON.parse(rest) : fromBase64(rest)
    const entry: unknown = { key, status, headers, body, time, revalidate, expires, marks }
    return isEntry(entry) ? entry : undefined
  } catch {
    return undefined
  }
}

/** Whether a value has every member of an entry with its type, so that a Response can be made of it. */
export function isEntry(value: unknown): value is Entry {
  if (typeof value !== 'object' || value === null) return false
  const { key, status, headers, body, time, revalidate, expires, marks } = value as Record<keyof Entry, unknown>
  return (
    typeof key === 'string' &&
    // A Response cannot have other statuses: https://fetch.spec.whatwg.org/#dom-response
    Number.isInteger(status) &&
    (status as number) >= 200 &&
    (status as number) <= 599 &&
    isPairs(headers) &&
    headers.every(([name, content]) => headerName.test(name) && headerValue.test(content)) &&
    (typeof body === 'string' || body instanceof Uint8Array) &&
    Number.isFinite(time) &&
    (revalidate === null || Number.isFinite(revalidate)) &&
    (expires === null || Number.isFinite(expires)) &&
    isPairs(marks)
  )
}

// https://fetch.spec.whatwg.org/#concept-header, in lower case
const headerName = /^[!#$%&'*+\-.^_`|~\da-z]+$/
// No value has NUL, CR or LF.
// oxlint-disable-next-line no-control-regex
const headerValue = /^[^\0\r\n\u0100-\uffff]*$/

const isPairs = (value: unknown): value is [string, string][] =>
  Array.isArray(value) &&
  value.every((pair) => Array.isArray(pair) && pair.length === 2 && pair.every((part) => typeof part === 'string'))

function toBase64(bytes: Uint8Array): string {
  const parts: string[] = []
  // As many as a call can have arguments.
  for (let start = 0; start < bytes.length; start += 0x8000)
    parts.push(String.fromCharCode.apply(null, bytes.subarray(start, start + 0x8000) as never))
  return btoa(parts.join(''))
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const characters = atob(text)
  const bytes = new Uint8Array(characters.length)
  for (let index = 0; index < bytes.length; index++) bytes[index] = characters.charCodeAt(index)
  return bytes
}
