import type { CookieNotes, OperationNotes } from '../notes.js'
import type { Schema } from '../schema.js'
import type { OpenApiParameter } from './document.js'
import type { JsonSchema } from './json-schema.js'
import type { Template } from './paths.js'
import type { Schemas } from './schemas.js'

interface Field {
  readonly schema: JsonSchema
  readonly isRequired: boolean
}
type Fields = ReadonlyMap<string, Field>

/** Returns the properties of an object schema, or of an intersection or union of object schemas. */
export function fieldsOf(json: JsonSchema, schemas: Schemas, seen: readonly JsonSchema[] = []): Fields {
  const target = schemas.resolve(json)
  if (seen.includes(target)) return new Map()
  const inside = (keyword: string): Fields[] =>
    ((target[keyword] ?? []) as JsonSchema[]).map((one) => fieldsOf(one, schemas, [...seen, target]))
  const required = (target['required'] ?? []) as string[]
  const own = Object.entries((target['properties'] ?? {}) as Record<string, JsonSchema>).map(
    ([name, schema]) => [name, { schema, isRequired: required.includes(name) }] as const,
  )
  const alternatives = [...inside('anyOf'), ...inside('oneOf')]
  return merge('allOf', [new Map(own), ...inside('allOf'), merge('anyOf', alternatives)])
}

// In an intersection, a property is required if one member requires it. In a union, every member must require it.
function merge(keyword: 'allOf' | 'anyOf', all: readonly Fields[]): Fields {
  const names = new Set(all.flatMap((fields) => [...fields.keys()]))
  return new Map(
    [...names].map((name) => {
      const found = all.flatMap((fields) => fields.get(name) ?? [])
      const different = new Map(found.map(({ schema }) => [JSON.stringify(schema), schema]))
      return [
        name,
        {
          schema: different.size === 1 ? found[0]!.schema : { [keyword]: [...different.values()] },
          isRequired:
            keyword === 'allOf'
              ? found.some(({ isRequired }) => isRequired)
              : found.length === all.length && found.every(({ isRequired }) => isRequired),
        },
      ] as const
    }),
  )
}

function toParameter(
  name: string,
  where: 'path' | 'query' | 'header',
  { schema, isRequired }: Field,
): OpenApiParameter {
  // OpenAPI puts these keywords on the parameter, not on its schema.
  const { description, deprecated, ...rest } = schema as { description?: string; deprecated?: boolean }
  const isReference = '$ref' in schema
  return {
    name,
    in: where,
    ...(description !== undefined && { description }),
    ...(isRequired && { required: true }),
    ...(deprecated !== undefined && { deprecated }),
    schema: isReference || (description === undefined && deprecated === undefined) ? schema : rest,
  }
}

/** Returns the path parameters. A parameter without a schema is a string. */
export function toPathParameters(
  { params }: Template,
  parts: readonly JsonSchema[],
  schemas: Schemas,
): OpenApiParameter[] {
  const fields: Fields = new Map(parts.flatMap((json) => [...fieldsOf(json, schemas)]))
  return params.map(({ name, isCatchAll }) => {
    const schema = fields.get(name)?.schema ?? { type: 'string' }
    if (!isCatchAll) return toParameter(name, 'path', { schema, isRequired: true })
    const own = schema['description']
    return {
      name,
      in: 'path',
      description:
        (typeof own === 'string' ? `${own}\n\n` : '') +
        'One or more segments, separated by `/`. Percent-encode each segment, but not the `/` between them.',
      required: true,
      schema: { type: 'string' },
      'x-byway-catch-all': true,
    }
  })
}

/** Returns the query parameters. */
export function toQueryParameters(json: JsonSchema, schemas: Schemas): OpenApiParameter[] {
  const fields = fieldsOf(json, schemas)
  if (fields.size) return [...fields].map(([name, field]) => toParameter(name, 'query', field))
  const { properties, additionalProperties } = schemas.resolve(json)
  // An exploded object: each of its unknown properties is a parameter.
  return properties && !additionalProperties
    ? []
    : [
        {
          name: 'query',
          in: 'query',
          style: 'form',
          explode: true,
          schema: 'type' in schemas.resolve(json) ? json : { type: 'object' },
        },
      ]
}

// OpenAPI describes these headers elsewhere in a document: https://spec.openapis.org/oas/v3.1.0.html#fixed-fields-9
const describedElsewhere = new Set(['accept', 'authorization', 'content-type'])

/** Returns the header parameters. */
export const toHeaderParameters = (json: JsonSchema, schemas: Schemas): OpenApiParameter[] =>
  [...fieldsOf(json, schemas)]
    .filter(([name]) => !describedElsewhere.has(name.toLowerCase()))
    .map(([name, field]) => toParameter(name, 'header', field))

/** Returns the cookie parameters that an operation's notes declare. */
export const toCookieParameters = (
  cookies: OperationNotes['cookies'],
  toSchema: (schema: Schema) => JsonSchema,
): OpenApiParameter[] =>
  Object.entries(cookies ?? {}).map(([name, note]) => {
    const { description, required, deprecated, schema }: CookieNotes =
      typeof note === 'string' ? { description: note } : note
    return {
      name,
      in: 'cookie',
      ...(description !== undefined && { description }),
      ...(required && { required }),
      ...(deprecated && { deprecated }),
      schema: schema ? toSchema(schema) : { type: 'string' },
    }
  })
