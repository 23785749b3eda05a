import type { SecurityRequirement, SecurityScheme } from '../notes.js'
import type { App, NamedRoute, RouteOperation } from '../app.js'
import { checkOptions } from '../options.js'
import { dataOf, type Router } from '../router.js'
import type {
  OpenApiDocument,
  OpenApiInfo,
  OpenApiOperation,
  OpenApiPathItem,
  OpenApiServer,
  OpenApiTag,
} from './document.js'
import { OpenApiError } from './names.js'
import { notesOfAll, toOperationObject } from './operation.js'
import { toTemplates, type Template } from './paths.js'
import { Schemas } from './schemas.js'

export interface OpenApiOptions {
  readonly info: OpenApiInfo
  /** The base URLs of the API, without the app's `basePath`, which is part of the paths. @default [{ url: '/' }] */
  readonly servers?: readonly OpenApiServer[]
  /** Tags in display order, with descriptions. Operations can use other tags too. */
  readonly tags?: readonly OpenApiTag[]
  readonly externalDocs?: { readonly url: string; readonly description?: string }
  /** The requirements of operations that declare none, neither themselves nor by middleware. @default [] */
  readonly security?: readonly SecurityRequirement[]
  /** Security schemes in addition to those that middleware declares. */
  readonly securitySchemes?: { readonly [name: string]: SecurityScheme }
  /** Called with a message for each operation or schema that the document cannot describe. @default console.warn */
  readonly onWarning?: (message: string) => void
}

const checks = {
  info: (info: unknown) =>
    typeof (info as OpenApiInfo | null)?.title === 'string' && typeof (info as OpenApiInfo).version === 'string',
  servers: Array.isArray,
  tags: Array.isArray,
  externalDocs: 'object',
  security: Array.isArray,
  securitySchemes: 'object',
  onWarning: 'function',
} as const

/**
 * Generates an OpenAPI 3.1 document from the paths, inputs and responses that an app's routes and middleware declare.
 * Schemas are converted to JSON Schema at this call, if their validator implements Standard JSON Schema (zod, arktype,
 * valibot with its wrapper). Other schemas are `{}` in the document, with a warning.
 *
 * @throws OpenApiError if two operations or two schemas have the same name, or a security scheme is missing.
 * @throws TypeError if `app` is not an app, an option is missing or unknown, or a value is invalid.
 * @example
 * const document = openapi(app, { info: { title: 'Items', version: '1.0.0' }, servers: [{ url: 'https://api.example' }] })
 * @see https://spec.openapis.org/oas/v3.1.0.html
 */
export function openapi(
  app: Pick<Router<unknown>, 'fetch' | 'settled'> | App,
  options: OpenApiOptions,
): OpenApiDocument {
  const data = dataOf(app) ?? (app as App | undefined)
  if (!Array.isArray(data?.routes))
    throw new TypeError('openapi() takes an app: the return value of router(), or context.app')
  checkOptions('the OpenAPI document', options, checks, TypeError)
  if (!options.info) throw new TypeError("the OpenAPI document needs info: { title: '…', version: '…' }")
  return toDocument(data, options)
}

function toDocument(data: App, options: OpenApiOptions): OpenApiDocument {
  const { info, servers = [{ url: '/' }], tags, externalDocs, security = [], onWarning = console.warn } = options
  const warn = (message: string): void => onWarning(message)
  const schemas = new Schemas(warn)
  const shared = { schemas, warn, outer: notesOfAll(data.use) }
  const paths = new Map<string, OpenApiPathItem>()
  const operations: (readonly [place: string, operation: OpenApiOperation])[] = []
  const layers = new Set<unknown>(data.use)
  for (const { named, template, described } of toPlaces(data, warn)) {
    const item: OpenApiPathItem = {}
    for (const operation of described) {
      const written = toOperationObject(named, operation, template, shared)
      item[operation.method.toLowerCase() as keyof OpenApiPathItem] = written
      operations.push([`${operation.method} ${template.path}`, written])
      for (const layer of operation.middleware) layers.add(layer)
    }
    paths.set(template.path, item)
  }
  checkIds(operations)
  const securitySchemes = toSecuritySchemes([...notesOfAll([...layers]), options])
  checkSecurity([...operations, ['openapi()', { security }]], securitySchemes)
  const document = {
    openapi: '3.1.0',
    info,
    servers,
    security,
    tags,
    externalDocs,
    paths: Object.fromEntries(paths),
    components: {
      schemas: {},
      ...(securitySchemes.size && { securitySchemes: Object.fromEntries(securitySchemes) }),
    },
  } as unknown as OpenApiDocument
  document.components.schemas = schemas.finish(document.paths)
  // A deep copy shares no object with the declarations, so callers can change the document.
  return JSON.parse(JSON.stringify(document)) as OpenApiDocument
}

interface Place {
  readonly named: NamedRoute
  readonly template: Template
  /** The operations in the document. */
  readonly described: readonly RouteOperation[]
}

// Returns the paths of all routes, except for ambiguous ones. OpenAPI cannot distinguish `/files/[...path]` from
// `/files/[name]`. The router prefers the pattern with fewer segments, so the document describes that one.
function toPlaces({ routes, basePath }: App, warn: (message: string) => void): Place[] {
  const places = routes.flatMap((named) => {
    const { pattern, operations } = named.route
    const shown = [...operations.values()].filter(({ declaration }) => !declaration.openapi?.hidden)
    const described = shown.filter(({ method }) => method !== 'QUERY')
    if (described.length < shown.length)
      warn(`QUERY ${pattern}: left out of the document, because OpenAPI 3.1 does not have this method`)
    return described.length ? toTemplates(basePath, pattern).map((template) => ({ named, template, described })) : []
  })
  const single = new Map(places.filter((place) => !isCatchAll(place)).map((place) => [place.template.shape, place]))
  return places.filter((place) => {
    const other = single.get(place.template.shape)
    if (!isCatchAll(place) || !other) return true
    const { pattern } = place.named.route
    warn(
      `${pattern}: left out of the document at ${place.template.path}, because OpenAPI cannot distinguish it from '${other.named.route.pattern}'`,
    )
    return false
  })
}

const isCatchAll = ({ template }: Place): boolean => template.params.some(({ isCatchAll }) => isCatchAll)

function checkIds(operations: readonly (readonly [place: string, operation: OpenApiOperation])[]): void {
  const places = new Map<string, string>()
  for (const [place, { operationId }] of operations) {
    const other = places.get(operationId)
    if (other)
      throw new OpenApiError(
        `${other} and ${place} both have the operationId '${operationId}'; give one of them openapi: { operationId }`,
      )
    places.set(operationId, place)
  }
}

function toSecuritySchemes(
  all: readonly { readonly securitySchemes?: { readonly [name: string]: SecurityScheme } }[],
): ReadonlyMap<string, SecurityScheme> {
  const schemes = new Map<string, SecurityScheme>()
  for (const [name, scheme] of all.flatMap(({ securitySchemes = {} }) => Object.entries(securitySchemes))) {
    if (!/^[\w.-]+$/.test(name))
      throw new OpenApiError(`the name of the security scheme '${name}' can contain only letters, digits and _ . -`)
    if (schemes.has(name) && JSON.stringify(schemes.get(name)) !== JSON.stringify(scheme))
      throw new OpenApiError(`two different security schemes have the name '${name}'; rename one of the two`)
    schemes.set(name, scheme)
  }
  return schemes
}

function checkSecurity(
  all: readonly (readonly [place: string, { readonly security?: readonly SecurityRequirement[] }])[],
  schemes: ReadonlyMap<string, SecurityScheme>,
): void {
  for (const [place, { security = [] }] of all)
    for (const name of security.flatMap((requirement) => Object.keys(requirement)))
      if (!schemes.has(name))
        throw new OpenApiError(
          `${place} requires the security scheme '${name}', which is not declared; add it to securitySchemes`,
        )
}
