import type { JsonSchema, Marks } from './json-schema.js'

/** The part of a request or response that has a schema. */
export type Part = 'params' | 'query' | 'headers' | 'body' | 'form' | 'text' | 'response'

/** The schemas of a document, as this comparison needs them. */
interface Schemas {
  resolve(json: JsonSchema): JsonSchema
  marksOf(json: JsonSchema): Marks
  replaceAlternatives(node: JsonSchema, keyword: 'anyOf' | 'oneOf', rest: readonly JsonSchema[]): void
}

/** A part of a schema whose values cannot be in a request or response. */
interface Mismatch {
  /** The type of the values: `Date`, `number`. */
  readonly type: string
  /** The position in the value, as a JSON Pointer. */
  readonly pointer: string
}

// A Date has `toJSON`, so it is sent as a string.
const accepts = (part: Part, type: string): boolean =>
  type === (part === 'form' ? 'File' : part === 'response' ? 'Date' : '')

const isText = (part: Part): boolean => part !== 'body' && part !== 'response'

/**
 * Compares a schema with what can be in a part of a request or response: JSON, or strings. Removes alternatives of unions
 * that no value can match there, and properties that must be absent. Returns the first other part of the schema that no value can match.
 */
export function findMismatch(json: JsonSchema, part: Part, vendor: string, schemas: Schemas): Mismatch | undefined {
  // The JSON Schema of another library can name the type after a conversion.
  const hasScalars = isText(part) && vendor in codecs
  const seen = new Set<JsonSchema>()
  const find = (given: JsonSchema, pointer: string): Mismatch | undefined => {
    const node = schemas.resolve(given)
    if (seen.has(node)) return undefined
    seen.add(node)
    const marks = { ...schemas.marksOf(node), ...schemas.marksOf(given) }
    const type = marks['~type'] ?? (hasScalars ? scalarOf(node, part) : undefined)
    const own = type === undefined || accepts(part, type) ? undefined : { type, pointer }
    // In a converted value there can be anything, but the alternatives inside are still compared.
    const inside = own ?? findInside(node, pointer)
    return marks['~converts'] ? undefined : inside
  }
  const findInside = (node: JsonSchema, pointer: string): Mismatch | undefined => {
    const found: (Mismatch | undefined)[] = []
    for (const keyword of ['anyOf', 'oneOf'] as const) {
      const alternatives = node[keyword] as JsonSchema[] | undefined
      if (!alternatives) continue
      const mismatches = alternatives.map((one) => find(one, pointer))
      const rest = alternatives.filter((_, index) => !mismatches[index])
      if (!rest.length) found.push(mismatches[0])
      else if (rest.length < alternatives.length) schemas.replaceAlternatives(node, keyword, rest)
    }
    for (const [name, property] of Object.entries((node['properties'] ?? {}) as Record<string, JsonSchema>)) {
      const mismatch = find(property, `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`)
      // A property that must be undefined must be absent.
      if (mismatch?.type === 'undefined') removeProperty(node, name)
      else found.push(mismatch)
    }
    const { allOf = [], prefixItems = [], items, additionalProperties } = node as { [keyword: string]: JsonSchema[] }
    for (const one of allOf) found.push(find(one, pointer))
    for (const [index, item] of prefixItems.entries()) found.push(find(item, `${pointer}/${index}`))
    for (const [inside, step] of [
      [items, 0],
      [additionalProperties, '*'],
    ])
      if (typeof inside === 'object') found.push(find(inside as unknown as JsonSchema, `${pointer}/${String(step)}`))
    return found.find(Boolean)
  }
  return find(json, '')
}

function removeProperty(node: JsonSchema, name: string): void {
  delete (node['properties'] as Record<string, JsonSchema>)[name]
  const required = ((node['required'] ?? []) as string[]).filter((one) => one !== name)
  if (required.length) node['required'] = required
  else delete node['required']
}

// The type of a schema that no string, and no list or object of strings, matches.
function scalarOf(node: JsonSchema, part: Part): string | undefined {
  const {
    type,
    enum: values,
    const: constant,
  } = node as { type?: string | string[]; enum?: unknown[]; const?: unknown }
  const constants = values ?? (constant === undefined ? [] : [constant])
  const types = [type ?? constants.map((value) => (value === null ? 'null' : typeof value))].flat()
  const isSendable = (one: string): boolean =>
    one === 'string' || (part !== 'text' && (one === 'array' || one === 'object'))
  return types.length && !types.some(isSendable) ? (types[0] === 'integer' ? 'number' : types[0]) : undefined
}

const codecs: { readonly [vendor: string]: { readonly [type: string]: string } } = {
  zod: {
    Date: 'z.codec(z.iso.datetime(), z.date(), { decode: (text) => new Date(text), encode: (date) => date.toISOString() })',
    bigint: 'z.codec(z.string().regex(/^-?\\d+$/), z.bigint(), { decode: BigInt, encode: String })',
    number: 'z.coerce.number()',
    boolean: 'z.stringbool()',
  },
  valibot: {
    Date: 'v.pipe(v.string(), v.isoTimestamp(), v.transform((text) => new Date(text)))',
    bigint: 'v.pipe(v.string(), v.regex(/^-?\\d+$/), v.transform(BigInt))',
    number: 'v.pipe(v.string(), v.decimal(), v.transform(Number))',
    boolean: "v.pipe(v.picklist(['true', 'false']), v.transform((text) => text === 'true'))",
  },
  arktype: {
    Date: "type('string.date.iso.parse')",
    bigint: "type('/^-?\\\\d+$/').pipe(BigInt)",
    number: "type('string.numeric.parse')",
    boolean: "type(\"'true' | 'false'\").pipe((text) => text === 'true')",
  },
}

const senders: { readonly [vendor: string]: string } = {
  zod: 'z.codec(z.bigint(), z.string(), { decode: String, encode: BigInt })',
  valibot: 'v.pipe(v.bigint(), v.transform(String), v.string())',
  arktype: "type('bigint').pipe(String).to('string')",
}

/** Returns what is wrong, and the codec to use instead. */
export function toMessage({ type, pointer }: Mismatch, part: Part, vendor: string): string {
  const place = `the ${part}${pointer && ` at ${pointer}`}`
  const known = part === 'response' ? (type === 'bigint' ? senders[vendor] : undefined) : codecs[vendor]?.[type]
  const advice =
    known ??
    (type === 'File'
      ? part === 'response'
        ? 'declare its mediaType in openapi.responses, and return reply.bytes() or reply.file()'
        : 'use a form() or bytes() body'
      : `a schema that converts ${isText(part) ? 'a string' : 'JSON'}`)
  const use = known === undefined && type === 'File' ? advice : `use ${advice}`
  return part === 'response'
    ? `${place} has values of type ${type}, which JSON cannot represent; ${use}`
    : `${place} must be of type ${type}, so every request is rejected: ${isText(part) ? 'its values are strings' : `JSON has no ${type}`}; ${use}`
}
