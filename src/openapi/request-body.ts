import type { BodyKind, Operation } from '../declaration.js'
import { toFormObject } from '../inputs/form.js'
import { toBodyKind } from '../prepare.js'
import { validate, type Schema } from '../schema.js'
import type { OpenApiMedia, OpenApiRequestBody } from './document.js'
import { binary, type JsonSchema } from './json-schema.js'
import { fieldsOf } from './parameters.js'
import type { Schemas } from './schemas.js'
import type { Part } from './wire.js'

/** The request body of an operation, if it declares one. */
export function toRequestBody(
  operation: Operation,
  schemas: Schemas,
  place: string,
  hint: string,
  warn: (message: string) => void,
): OpenApiRequestBody | undefined {
  const kind = toBodyKind(operation)
  if (!kind) return undefined
  const { description, examples } = operation.openapi?.body ?? {}
  const content = toContent(kind, schemas, place, hint, warn)
  if (examples) for (const media of Object.values(content)) media.examples = examples
  const schema = kind.schema as Schema | undefined
  return {
    ...(description !== undefined && { description }),
    // Without a body there is no media type either, which only the widest range accepts.
    required: schema ? !acceptsNothing(schema, kind) : kind.types[0] !== '*/*',
    content,
  }
}

function toContent(
  kind: BodyKind,
  schemas: Schemas,
  place: string,
  hint: string,
  warn: (message: string) => void,
): OpenApiRequestBody['content'] {
  const { types, document } = kind
  const [type = '*/*'] = types
  if (document === 'bytes') return { [type]: { schema: { ...binary } } }
  const schema = kind.schema as Schema | undefined
  const json = schema ? schemas.add(schema, 'input', place, hint, partOf(kind)) : { type: 'string' }
  if (document === 'value') {
    const named = types.filter((type) => type[0] !== '+')
    return Object.fromEntries(named.map((type) => [type, { schema: json }]))
  }
  const multipart = toForm(json, schemas, place, warn)
  if (hasFile(json, schemas)) return { 'multipart/form-data': multipart }
  return { 'application/x-www-form-urlencoded': { ...multipart }, 'multipart/form-data': multipart }
}

// The values of another kind, such as MessagePack, can have other types than JSON.
function partOf({ key, types, document }: BodyKind): Part | undefined {
  if (document === 'fields') return 'form'
  return key === 'text' ? 'text' : types.some(isJson) ? 'body' : undefined
}

const isJson = (type: string): boolean => /(?:^application\/|\+)json$/.test(type)

// The value of a body without bytes.
function toEmpty({ key, document }: BodyKind): unknown {
  if (document === 'fields') return toFormObject([], new Map())
  return document === 'bytes' ? new Uint8Array() : key === 'text' ? '' : undefined
}

// JSON Schema cannot describe a missing value, so the schema itself is called. A result that is a promise counts as a no.
function acceptsNothing(schema: Schema, kind: BodyKind): boolean {
  try {
    const result = validate(schema, toEmpty(kind), ({ issues }) => !issues)
    if (typeof result === 'boolean') return result
    result.catch(() => {})
  } catch {
    // A request would fail in the same way.
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
    const types = parts.flatMap((part) => schemas.marksOf(part)['~media'] ?? [])
    // The default for a string is `text/plain`: https://spec.openapis.org/oas/v3.1.0.html#encoding-object
    if (parts.some(isBinary)) encoding[name] = { contentType: [...new Set(types)].join(', ') || '*/*' }
    // One field for each value, under the same name. The default in some generators is JSON, or commas.
    else if (schemas.resolve(field.schema)['type'] === 'array') encoding[name] = { style: 'form', explode: true }
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
