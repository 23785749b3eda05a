import { notesOf } from '../middleware.js'
import type { MiddlewareNotes, OperationNotes, SecurityRequirement } from '../notes.js'
import type { NamedRoute, RouteOperation } from '../app.js'
import type { OpenApiOperation } from './document.js'
import { OpenApiError, toOperationId, toPascal } from './names.js'
import { toHeaderParameters, toPathParameters, toQueryParameters } from './parameters.js'
import type { Template } from './paths.js'
import { toRequestBody } from './request-body.js'
import { Responses } from './responses.js'
import type { JsonSchema } from './json-schema.js'
import type { Schemas } from './schemas.js'
import { standardOf } from '../schema.js'

/** What a document is made of, as far as its operations go. */
export interface Making {
  readonly schemas: Schemas
  readonly warn: (message: string) => void
  /** Of the middleware around everything. */
  readonly outer: readonly MiddlewareNotes[]
}

export const notesOfAll = (layers: readonly unknown[]): readonly MiddlewareNotes[] =>
  layers.flatMap((layer) => notesOf(layer).openapi ?? [])

/** One operation at one of its route's paths. */
export function toOperationObject(
  { route, names }: NamedRoute,
  { method, declaration, middleware }: RouteOperation,
  template: Template,
  { schemas, warn, outer }: Making,
): OpenApiOperation {
  const { openapi: notes = {} } = declaration
  const place = `${method} ${template.path}`
  const operationId = toId(method, names, notes, template, place)
  const hint = toPascal(operationId)
  const layers = [...outer, ...notesOfAll(middleware)]

  const parameters = toPathParameters(
    template,
    route.params.flatMap(({ schema }): JsonSchema | [] =>
      // A list of static params without a schema has no JSON Schema.
      'load' in schema && !standardOf(schema).jsonSchema ? [] : schemas.add(schema, 'input', place, `${hint}Params`),
    ),
    schemas,
  )
  if (declaration.query)
    parameters.push(...toQueryParameters(schemas.add(declaration.query, 'input', place, `${hint}Query`), schemas))
  if (declaration.headers)
    parameters.push(...toHeaderParameters(schemas.add(declaration.headers, 'input', place, `${hint}Headers`), schemas))
  const requestBody = toRequestBody(declaration, schemas, place, `${hint}Body`, warn)

  const responses = new Responses(schemas, place, `${hint}Response`)
  responses.addDeclared(declaration)
  responses.addOwn(declaration, !!route.params.length)
  for (const layer of layers) responses.addNotes(layer.responses, false)
  responses.addNotes(notes.responses, true)

  const security = notes.security ?? requireAll(layers)
  return {
    ...(notes.tags && { tags: [...notes.tags] }),
    ...(notes.summary !== undefined && { summary: notes.summary }),
    ...(notes.description !== undefined && { description: notes.description }),
    ...(notes.externalDocs && { externalDocs: notes.externalDocs }),
    operationId,
    ...(parameters.length && { parameters }),
    ...(requestBody && { requestBody }),
    responses: responses.finish(method),
    ...(notes.deprecated && { deprecated: true }),
    ...(security && { security: [...security] }),
  }
}

// Of two operations that one declaration has at two paths, the one with the optional param says so.
function toId(
  method: string,
  names: readonly string[],
  { operationId }: OperationNotes,
  { optional }: Template,
  place: string,
): string {
  if (operationId !== undefined && !/^[\w.~-]+$/.test(operationId))
    throw new OpenApiError(`${place}: the operationId '${operationId}' has more than letters, digits and _ . ~ -`)
  return (operationId ?? toOperationId(method, names)) + (optional === undefined ? '' : `With${toPascal(optional)}`)
}

/** Every layer demands something, and each of its alternatives is enough for it. */
function requireAll(layers: readonly MiddlewareNotes[]): readonly SecurityRequirement[] | undefined {
  const demands = layers.flatMap(({ security }) => (security?.length ? [security] : []))
  if (!demands.length) return undefined
  return demands.reduce((all, alternatives) => all.flatMap((one) => alternatives.map((other) => both(one, other))))
}

const both = (one: SecurityRequirement, other: SecurityRequirement): SecurityRequirement =>
  Object.fromEntries(
    [...new Set([...Object.keys(one), ...Object.keys(other)])].map((scheme) => [
      scheme,
      [...new Set([...(one[scheme] ?? []), ...(other[scheme] ?? [])])],
    ]),
  )
