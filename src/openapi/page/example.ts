import type { Schema, Spec } from './spec.js'

const formats: Readonly<Record<string, string>> = {
  'date-time': '2026-01-31T12:00:00Z',
  date: '2026-01-31',
  time: '12:00:00Z',
  email: 'name@example.com',
  ipv4: '192.0.2.1',
  uri: 'https://example.com',
  'uri-reference': '/',
  uuid: '123e4567-e89b-42d3-a456-426614174000',
}

/** Returns the example, constant, default or first `enum` value of a schema, or `undefined` if it has none. */
export function givenExample(schema: Schema): { readonly value: unknown } | undefined {
  const { example, examples, const: constant, default: preset } = schema
  const value = [examples?.[0], example, constant, preset, schema.enum?.[0]].find((one) => one !== undefined)
  return value === undefined ? undefined : { value }
}

/** Creates an example value for a schema. It can be invalid if the schema has a pattern or another format. */
export function exampleOf(spec: Spec, given: Schema, seen: readonly Schema[] = []): unknown {
  const { schema } = spec.resolve(given)
  const known = givenExample(given) ?? givenExample(schema)
  if (known) return known.value
  if (seen.includes(schema)) return undefined
  const inside = [...seen, schema]
  const flat = spec.flatten(schema)
  const [alternative] = flat.anyOf ?? flat.oneOf ?? []
  const type = typeof flat.type === 'string' ? flat.type : flat.type?.find((one) => one !== 'null')
  if (flat.properties || type === 'object') {
    const members = Object.entries(flat.properties ?? {}).map(
      ([name, property]) => [name, exampleOf(spec, property, inside)] as const,
    )
    const own = Object.fromEntries(members.filter(([, value]) => value !== undefined))
    const rest = alternative ? exampleOf(spec, alternative, inside) : undefined
    return typeof rest === 'object' ? { ...own, ...rest } : own
  }
  if (alternative) return exampleOf(spec, alternative, inside)
  if (flat.prefixItems) return flat.prefixItems.map((item) => exampleOf(spec, item, inside) ?? null)
  if (type === 'array') {
    const item = flat.items && flat.maxItems !== 0 ? exampleOf(spec, flat.items, inside) : undefined
    return item === undefined ? [] : Array.from({ length: Math.max(1, Math.min(flat.minItems ?? 1, 10)) }, () => item)
  }
  if (type === 'integer' || type === 'number') return toNumber(flat, type)
  if (type === 'boolean') return true
  if (type === 'null') return null
  return type === 'string' ? toText(flat) : {}
}

function toNumber(
  { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf: step }: Schema,
  type: string,
): number {
  const unit = step ?? (type === 'integer' ? 1 : 0.5)
  const least = minimum ?? (exclusiveMinimum === undefined ? undefined : exclusiveMinimum + unit)
  const most = maximum ?? (exclusiveMaximum === undefined ? undefined : exclusiveMaximum - unit)
  const number = Math.min(Math.max(step ?? 1, least ?? -Infinity), most ?? Infinity)
  return step ? Math.ceil(number / step) * step : number
}

const toText = ({ format = '', minLength = 0, maxLength = Infinity }: Schema): string =>
  formats[format] ?? 'text'.padEnd(Math.min(minLength, 100), 't').slice(0, maxLength)
