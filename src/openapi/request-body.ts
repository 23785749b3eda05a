import { toFormObject } from '../form.js'
import { bodyKindOf, parseWith, type Operation, type Schema } from '../validate.js'
import type { OpenApiMedia, OpenApiRequestBody } from './document.js'
import { binary, type JsonSchema } from './json-schema.js'
import { fieldsOf } from './parameters.js'
import type { Schemas } from './schemas.js'

/** Describes the request body of an operation, or returns `undefined` if the operation reads no body. */
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
    // A request without a body has no media type, which only `*/*` accepts.
    return { required: range !== '*/*', content: { [range]: { schema: { ...binary } } } }
  }
  const schema = operation[kind]!
  const required = !acceptsMissingBody(schema, kind)
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

// The values that an operation validates if a request has no body.
const missingBody = {
  body: (): unknown => undefined,
  form: (): unknown => toFormObject([], new Map()),
  text: (): unknown => '',
  bytes: (): unknown => new Uint8Array(),
}

// JSON Schema cannot express that a missing value is valid, so the schema validates one. A schema that validates
// asynchronously might do I/O; its result is not awaited, and the body counts as required.
function acceptsMissingBody(schema: Schema, kind: keyof typeof missingBody): boolean {
  try {
    const result = parseWith(schema, missingBody[kind]())
    if (!(result instanceof Promise)) return result !== undefined
    result.catch(() => {})
  } catch {
    // A schema that throws rejects the value.
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
    // The default for a string is `text/plain`: https://spec.openapis.org/oas/v3.1.0.html#encoding-object
    encoding[name] = { contentType: [...new Set(types)].join(', ') || '*/*' }
  }
  return { schema, ...(Object.keys(encoding).length && { encoding }) }
}

// A form is flat: the properties of a nested object are fields such as `address.city`. By default, OpenAPI describes nested
// objects as JSON.
function flatten(json: JsonSchema, schemas: Schemas, place: string, warn: (message: string) => void): JsonSchema {
  const isNested = ({ schema }: { schema: JsonSchema }): boolean => 'properties' in schemas.resolve(schema)
  const fields = fieldsOf(json, schemas)
  for (const [name, { schema }] of fields) {
    const { items } = schemas.resolve(schema) as { items?: JsonSchema }
    if (items && isNested({ schema: items }))
      warn(`${place}: OpenAPI cannot describe the form's fields ${name}[0].… one by one`)
  }
  if (![...fields.values()].some(isNested)) return json
  const properties: Record<string, JsonSchema> = {}
  const required: string[] = []
  const add = (
    fields: ReturnType<typeof fieldsOf>,
    prefix: string,
    isParentRequired: boolean,
    seen: readonly JsonSchema[],
  ): void => {
    for (const [name, { schema, isRequired }] of fields) {
      const target = schemas.resolve(schema)
      if ('properties' in target && !seen.includes(target))
        add(fieldsOf(target, schemas), `${prefix}${name}.`, isParentRequired && isRequired, [...seen, target])
      else {
        properties[prefix + name] = schema
        if (isParentRequired && isRequired) required.push(prefix + name)
      }
    }
  }
  add(fields, '', true, [])
  return { type: 'object', properties, ...(required.length && { required }) }
}
