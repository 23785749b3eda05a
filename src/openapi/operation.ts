import { notesOf } from '../middleware.js'
import type { MiddlewareNotes, OperationNotes, SecurityRequirement } from '../notes.js'
import type { NamedRoute, ParamsSchema, ProblemFormat, RouteOperation } from '../app.js'
import type { OpenApiOperation } from './document.js'
import { OpenApiError, toOperationId, toPascal } from './names.js'
import { toCookieParameters, toHeaderParameters, toPathParameters, toQueryParameters } from './parameters.js'
import type { Template } from './paths.js'
import { toRequestBody } from './request-body.js'
import { Responses } from './responses.js'
import type { JsonSchema } from './json-schema.js'
import type { Schemas } from './schemas.js'
import { standardOf, type Schema } from '../schema.js'

/** The parts of a document that its operations share. */
export interface Shared {
  readonly schemas: Schemas
  readonly warn: (message: string) => void
  /** The notes of the router's own middleware. */
  readonly outer: readonly MiddlewareNotes[]
  /** The app's own error format. */
  readonly format: ProblemFormat | undefined
}

/** Returns the OpenAPI notes of several middleware functions. */
export const notesOfAll = (layers: readonly unknown[]): readonly MiddlewareNotes[] =>
  layers.flatMap((layer) => notesOf(layer).openapi ?? [])

/**
 * Describes an operation at one of its route's paths.
 *
 * @throws OpenApiError if a schema has values that cannot be sent, a note is unknown, or the operationId is invalid.
 */
export function toOperationObject(
  { route, names }: NamedRoute,
  { method, declaration, middleware }: RouteOperation,
  template: Template,
  { schemas, warn, outer, format }: Shared,
): OpenApiOperation {
  const { openapi: notes = {} } = declaration
  const place = `${method} ${template.path}`
  const unknown = Object.keys(notes).find((name) => !noteNames.has(name) && !name.startsWith('x-'))
  if (unknown !== undefined)
    throw new OpenApiError(`${place}: openapi has no note '${unknown}'; use ${[...noteNames].join(', ')}, or x-…`)
  const operationId = toId(method, names, notes, template, place)
  const hint = toPascal(operationId)
  const layers = [...outer, ...notesOfAll(middleware)]

  const parameters = toPathParameters(
    template,
    route.params.flatMap(({ schema }): JsonSchema[] =>
      isList(schema) ? [] : [schemas.add(schema, 'input', place, `${hint}Params`, 'params')],
    ),
    schemas,
  )
  if (declaration.query)
    parameters.push(
      ...toQueryParameters(schemas.add(declaration.query, 'input', place, `${hint}Query`, 'query'), schemas),
    )
  if (declaration.headers)
    parameters.push(
      ...toHeaderParameters(schemas.add(declaration.headers, 'input', place, `${hint}Headers`, 'headers'), schemas),
    )
  parameters.push(
    ...toCookieParameters(notes.cookies, (schema) => schemas.add(schema, 'input', place, `${hint}Cookie`)),
  )
  const requestBody = toRequestBody(declaration, schemas, place, `${hint}Body`, warn)

  const responses = new Responses(schemas, place, `${hint}Response`, format)
  responses.addDeclared(declaration)
  responses.addOwn(declaration, route.params.some(isValidated))
  for (const layer of layers) responses.addNotes(layer.responses, false)
  responses.addNotes(notes.responses, true)

  const security = notes.security ?? requireAll(layers)
  return {
    ...toExtensions(notes),
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

const noteNames: ReadonlySet<string> = new Set<keyof OperationNotes>([
  'summary',
  'description',
  'tags',
  'operationId',
  'deprecated',
  'security',
  'externalDocs',
  'responses',
  'body',
  'cookies',
  'hidden',
])

// A list of static params without a schema has no JSON Schema.
const isList = (schema: Schema): boolean => 'load' in schema && !standardOf(schema).jsonSchema

// A list to which other params can be added accepts all.
const isValidated = ({ schema }: ParamsSchema): boolean =>
  !isList(schema) || !(schema as { dynamicParams?: boolean }).dynamicParams

const toExtensions = (notes: OperationNotes): object =>
  Object.fromEntries(Object.entries(notes).filter(([name]) => name.startsWith('x-')))

// An optional catch-all gives an operation two paths. The id at the path with the param ends with `With` and its name.
function toId(
  method: string,
  names: readonly string[],
  { operationId }: OperationNotes,
  { optional }: Template,
  place: string,
): string {
  if (operationId !== undefined && !/^[\w.~-]+$/.test(operationId))
    throw new OpenApiError(`${place}: the operationId '${operationId}' can contain only letters, digits and _ . ~ -`)
  return (operationId ?? toOperationId(method, names)) + (optional === undefined ? '' : `With${toPascal(optional)}`)
}

/** Combines the requirements of all middleware. A request must satisfy one alternative of each. */
function requireAll(layers: readonly MiddlewareNotes[]): readonly SecurityRequirement[] | undefined {
  const required = layers.flatMap(({ security }) => (security?.length ? [security] : []))
  if (!required.length) return undefined
  return required.reduce((all, alternatives) => all.flatMap((one) => alternatives.map((other) => both(one, other))))
}

const both = (one: SecurityRequirement, other: SecurityRequirement): SecurityRequirement =>
  Object.fromEntries(
    [...new Set([...Object.keys(one), ...Object.keys(other)])].map((scheme) => [
      scheme,
      [...new Set([...(one[scheme] ?? []), ...(other[scheme] ?? [])])],
    ]),
  )
