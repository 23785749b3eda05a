import type { SecurityRequirement, SecurityScheme } from '../notes.js'
import type { App, NamedRoute, RouteOperation } from '../app.js'
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
  /** Where the API is, never taken from a request. The app's `basePath` is in the paths. @default [{ url: '/' }] */
  readonly servers?: readonly OpenApiServer[]
  /** The tags in their order, with their descriptions. Operations may have others. */
  readonly tags?: readonly OpenApiTag[]
  readonly externalDocs?: { readonly url: string; readonly description?: string }
  /** What operations demand whose middleware says nothing of it. @default [] */
  readonly security?: readonly SecurityRequirement[]
  /** Schemes beside those that middleware brings. */
  readonly securitySchemes?: { readonly [name: string]: SecurityScheme }
  /** Told of what the document cannot say. @default console.warn */
  readonly onWarning?: (message: string) => void
}

const keys = ['info', 'servers', 'tags', 'externalDocs', 'security', 'securitySchemes', 'onWarning']

/**
 * The OpenAPI 3.1 document of what an app's routes declare: paths, inputs, answers, and what middleware says of itself.
 * Schemas are read here and not before; validators that write Standard JSON Schema (zod, arktype, valibot's wrapper)
 * are told, others leave a gap and a warning.
 *
 * @throws OpenApiError if two operations or two schemas have one name, or a security scheme is not there.
 * @example
 * const document = openapi(app, { info: { title: 'Items', version: '1.0.0' }, servers: [{ url: 'https://api.example' }] })
 * @see https://spec.openapis.org/oas/v3.1.0.html
 */
export function openapi(app: Pick<Router<unknown>, 'fetch' | 'settled'>, options: OpenApiOptions): OpenApiDocument {
  const data = dataOf(app)
  if (!data) throw new TypeError('openapi() takes an app, which is what router() returns')
  checkOptions(options)
  return toDocument(data, options)
}

/** The document of an app as data. */
export function toDocument(data: App, options: OpenApiOptions): OpenApiDocument {
  const { info, servers = [{ url: '/' }], tags, externalDocs, security = [], onWarning = console.warn } = options
  const warn = (message: string): void => onWarning(message)
  const schemas = new Schemas(warn)
  const making = { schemas, warn, outer: notesOfAll(data.use) }
  const paths = new Map<string, OpenApiPathItem>()
  const operations: (readonly [place: string, operation: OpenApiOperation])[] = []
  const layers = new Set<unknown>(data.use)
  for (const { named, template, told } of toPlaces(data, warn)) {
    const item: OpenApiPathItem = {}
    for (const operation of told) {
      const written = toOperationObject(named, operation, template, making)
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
  // Its own through and through: nothing in it is shared with another place, or with what was declared.
  return JSON.parse(JSON.stringify(document)) as OpenApiDocument
}

interface Place {
  readonly named: NamedRoute
  readonly template: Template
  /** The operations that are told of. */
  readonly told: readonly RouteOperation[]
}

// The paths of all routes, but for those that OpenAPI cannot tell from others: `/files/[...path]` beside `/files/[name]`.
// What the document said there would be said of both, and the router asks the one with fewer segments first.
function toPlaces({ routes, basePath }: App, warn: (message: string) => void): Place[] {
  const places = routes.flatMap((named) => {
    const { pattern, operations } = named.route
    const shown = [...operations.values()].filter(({ declaration }) => !declaration.openapi?.hidden)
    const told = shown.filter(({ method }) => method !== 'QUERY')
    if (told.length < shown.length)
      warn(`QUERY ${pattern}: left out of the document, since OpenAPI 3.1 does not have this method`)
    return told.length ? toTemplates(basePath, pattern).map((template) => ({ named, template, told })) : []
  })
  const single = new Map(places.filter((place) => !isCatchAll(place)).map((place) => [place.template.shape, place]))
  return places.filter((place) => {
    const other = single.get(place.template.shape)
    if (!isCatchAll(place) || !other) return true
    const { pattern } = place.named.route
    warn(
      `${pattern}: left out of the document at ${place.template.path}, since OpenAPI cannot tell it from '${other.named.route.pattern}'`,
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
      throw new OpenApiError(`the name of the security scheme '${name}' has more than letters, digits and _ . -`)
    if (schemes.has(name) && JSON.stringify(schemes.get(name)) !== JSON.stringify(scheme))
      throw new OpenApiError(`two security schemes that differ are called '${name}'; give one of them another name`)
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
          `${place} demands the security scheme '${name}', which nobody describes; add it to securitySchemes`,
        )
}

/** @throws TypeError for options that are none. `name` is the function that was given them, `others` those that it has beside. */
export function checkOptions(options: OpenApiOptions, name = 'openapi', others: readonly string[] = []): void {
  const { info } = options ?? {}
  if (typeof info?.title !== 'string' || typeof info.version !== 'string')
    throw new TypeError(`${name}() takes { info: { title: '…', version: '…' } }`)
  const known = [...keys, ...others]
  for (const key of Object.keys(options))
    if (!known.includes(key)) throw new TypeError(`${name}() takes no such option: ${key}; it has ${known.join(', ')}`)
}
