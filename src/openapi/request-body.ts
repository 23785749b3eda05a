import { toFormObject } from '../form.js'
import { bodyKindOf, parseWith, type Operation, type Schema } from '../schema.js'
import type { OpenApiMedia, OpenApiRequestBody } from './document.js'
import { binary, type JsonSchema } from './json-schema.js'
import { fieldsOf } from './parameters.js'
import type { Schemas } from './schemas.js'

/** What an operation reads as its body, if it reads one. */
export function toRequestBody(
  operation: Operation,
  schemas: Schemas,
  place: string,
  hint: string,
  warn: (message: string) => void,
): OpenApiRequestBody | undefined {
  const kind = bodyKindOf(operation)
  if (!kind) return undefined
  if (kind === 'stream') {
    const range = operation.stream!
    // Without a body there is no media type either, which only the widest range has room for.
    return { required: range !== '*/*', content: { [range]: { schema: { ...binary } } } }
  }
  const schema = operation[kind]!
  const required = !acceptsNothing(schema, kind)
  if (kind === 'bytes') return { required, content: { '*/*': { schema: { ...binary } } } }
  const json = schemas.add(schema, 'input', place, hint)
  if (kind === 'body') return { required, content: { 'application/json': { schema: json } } }
  if (kind === 'text') return { required, content: { '*/*': { schema: json } } }
  const form = toForm(json, schemas, place, warn)
  return {
    required,
    content: hasFile(json, schemas)
      ? { 'multipart/form-data': form }
      : { 'application/x-www-form-urlencoded': { schema: form.schema! }, 'multipart/form-data': form },
  }
}

// What an operation is given to validate where a request has no body.
const nothing = {
  body: (): unknown => undefined,
  form: (): unknown => toFormObject([], new Map()),
  text: (): unknown => '',
  bytes: (): unknown => new Uint8Array(),
}

// JSON Schema has no word for a value that is not there, so the schema itself is asked. One that has to wait for its
// answer looks further than that, and is taken for a no.
function acceptsNothing(schema: Schema, kind: keyof typeof nothing): boolean {
  try {
    const result = parseWith(schema, nothing[kind]())
    if (!(result instanceof Promise)) return result !== undefined
    result.catch(() => {})
  } catch {
    // As a request's would be: it is not accepted.
  }
  return false
}

const isBinary = ({ format }: JsonSchema): boolean => format === 'binary'

const hasFile = (json: JsonSchema, schemas: Schemas): boolean => [...schemas.parts(json)].some(isBinary)

function toForm(json: JsonSchema, schemas: Schemas, place: string, warn: (message: string) => void): OpenApiMedia {
  const schema = flatten(json, schemas, place, warn)
  const encoding: NonNullable<OpenApiMedia['encoding']> = {}
  for (const [name, field] of fieldsOf(schema, schemas)) {
    const parts = [...schemas.parts(field.schema)]
    if (!parts.some(isBinary)) continue
    const types = parts.flatMap(({ contentMediaType }) =>
      typeof contentMediaType === 'string' ? contentMediaType : [],
    )
    // A string is `text/plain` otherwise.
    encoding[name] = { contentType: [...new Set(types)].join(', ') || '*/*' }
  }
  return { schema, ...(Object.keys(encoding).length && { encoding }) }
}

// A form is flat: what is an object to its schema, comes as fields named `address.city`. OpenAPI would have it be JSON.
function flatten(json: JsonSchema, schemas: Schemas, place: string, warn: (message: string) => void): JsonSchema {
  const isNested = ({ schema }: { schema: JsonSchema }): boolean => 'properties' in schemas.resolve(schema)
  const fields = fieldsOf(json, schemas)
  for (const [name, { schema }] of fields) {
    const { items } = schemas.resolve(schema) as { items?: JsonSchema }
    if (items && isNested({ schema: items }))
      warn(`${place}: the form's fields ${name}[0].… cannot be told one by one in OpenAPI`)
  }
  if (![...fields.values()].some(isNested)) return json
  const properties: Record<string, JsonSchema> = {}
  const required: string[] = []
  const add = (
    fields: ReturnType<typeof fieldsOf>,
    prefix: string,
    isWanted: boolean,
    seen: readonly JsonSchema[],
  ): void => {
    for (const [name, { schema, isRequired }] of fields) {
      const target = schemas.resolve(schema)
      if ('properties' in target && !seen.includes(target))
        add(fieldsOf(target, schemas), `${prefix}${name}.`, isWanted && isRequired, [...seen, target])
      else {
        properties[prefix + name] = schema
        if (isWanted && isRequired) required.push(prefix + name)
      }
    }
  }
  add(fields, '', true, [])
  return { type: 'object', properties, ...(required.length && { required }) }
}
