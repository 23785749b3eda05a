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
import { OpenApiError, toOperationId, toPascal, unique } from './names.js'
import { notesOfAll, toOperationObject, type Shared } from './operation.js'
import { toTemplates, type Template } from './paths.js'
import { Schemas } from './schemas.js'

export interface OpenApiOptions {
  /** The title and the version of the API, and what else OpenAPI's Info Object has. */
  readonly info: OpenApiInfo
  /** The base URLs of the API, without the app's `basePath`, which is part of the paths. @default [{ url: '/' }] */
  readonly servers?: readonly OpenApiServer[]
  /** Tags in display order, with descriptions. Operations can use other tags too. */
  readonly tags?: readonly OpenApiTag[]
  /** A link to more documentation. */
  readonly externalDocs?: { readonly url: string; readonly description?: string }
  /** The requirements of operations that declare none, neither themselves nor by middleware. @default [] */
  readonly security?: readonly SecurityRequirement[]
  /** Security schemes in addition to those that middleware declares. */
  readonly securitySchemes?: { readonly [name: string]: SecurityScheme }
  /** Called with a message for each operation or schema that the document cannot describe. @default console.warn */
  readonly onWarning?: (message: string) => void
  /**
   * Called with each contradiction in the declarations. The operation then has the message as `x-byway-error` in the document,
   * and the other operations are described. @default throws the error
   */
  readonly onMistake?: (error: OpenApiError) => void
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
  onMistake: 'function',
} as const

/**
 * Generates an OpenAPI 3.1 document from the paths, inputs and responses that an app's routes and middleware declare.
 * Schemas are converted to JSON Schema at this call, if their validator implements Standard JSON Schema (zod, arktype,
 * valibot with its wrapper). Other schemas are `{}` in the document, with a warning.
 *
 * @throws OpenApiError if a schema has values that cannot be sent, such as a `Date` in a JSON body; if two operations or two
 * schemas have the same name; or if a security scheme is missing. With `onMistake`, it is called instead.
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

interface Written {
  readonly place: string
  readonly operation: RouteOperation
  readonly written: OpenApiOperation
}

function toDocument(data: App, options: OpenApiOptions): OpenApiDocument {
  const { info, servers = [{ url: '/' }], tags, externalDocs, security = [], onWarning = console.warn } = options
  const warn = (message: string): void => onWarning(message)
  const general: string[] = []
  const operations: Written[] = []
  const report = (message: string, at?: Written): void => {
    const error = new OpenApiError(message, at?.operation)
    if (!options.onMistake) throw error
    options.onMistake(error)
    if (at) at.written['x-byway-error'] ??= message
    else general.push(message)
  }
  const schemas = new Schemas(warn)
  const shared = { schemas, warn, outer: notesOfAll(data.use), format: data.problems }
  const paths = new Map<string, OpenApiPathItem>()
  const layers = new Set<unknown>(data.use)
  for (const { named, template, described } of toPlaces(data, warn)) {
    const item: OpenApiPathItem = {}
    for (const operation of described) {
      const place = `${operation.method} ${template.path}`
      const [written, message] = tryOperation(named, operation, template, shared)
      const one = { place, operation, written }
      if (message !== undefined) report(message, one)
      item[operation.method.toLowerCase() as keyof OpenApiPathItem] = written
      operations.push(one)
      for (const layer of operation.middleware) layers.add(layer)
    }
    paths.set(template.path, item)
  }
  checkIds(operations, report)
  const securitySchemes = toSecuritySchemes([...notesOfAll([...layers]), options], report)
  checkSecurity(operations, security, securitySchemes, report)
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
  document.components.schemas = schemas.finish(document.paths, (message, place) =>
    report(
      message,
      operations.find((one) => one.place === place),
    ),
  )
  if (general.length) document['x-byway-errors'] = general
  // A deep copy shares no object with the declarations, so callers can change the document.
  return JSON.parse(JSON.stringify(document)) as OpenApiDocument
}

/** Returns the operations of an app whose schemas have values that cannot be sent, hidden operations too. */
export function findMistakes(data: App): readonly OpenApiError[] {
  const warn = (): void => {}
  const shared = { schemas: new Schemas(warn), warn, outer: [], format: undefined }
  return data.routes.flatMap((named) =>
    [...named.route.operations.values()].flatMap((operation) => {
      const [, message] = tryOperation(named, operation, toTemplates(data.basePath, named.route.pattern)[0]!, shared)
      return message === undefined ? [] : [new OpenApiError(message, operation)]
    }),
  )
}

function tryOperation(
  named: NamedRoute,
  operation: RouteOperation,
  template: Template,
  shared: Shared,
): [written: OpenApiOperation, message?: string] {
  try {
    return [toOperationObject(named, operation, template, shared)]
  } catch (error) {
    if (!(error instanceof OpenApiError)) throw error
    const { summary, tags, deprecated, operationId = '' } = operation.declaration.openapi ?? {}
    const written: OpenApiOperation = {
      operationId: toPascal(operationId) ? operationId : toOperationId(operation.method, named.names),
      ...(summary !== undefined && { summary }),
      ...(tags && { tags: [...tags] }),
      ...(deprecated && { deprecated }),
      responses: { default: { description: 'Not described, because the declaration has a mistake.' } },
    }
    return [written, error.message]
  }
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

type Report = (message: string, at?: Written) => void

function checkIds(operations: readonly Written[], report: Report): void {
  const places = new Map<string, string>()
  for (const one of operations) {
    const { place, written } = one
    const { operationId } = written
    const other = places.get(operationId)
    if (other !== undefined) {
      report(
        `${other} and ${place} both have the operationId '${operationId}'; give one of them openapi: { operationId }`,
        one,
      )
      written.operationId = unique(operationId, (id) => places.has(id))
    }
    places.set(written.operationId, place)
  }
}

function toSecuritySchemes(
  all: readonly { readonly securitySchemes?: { readonly [name: string]: SecurityScheme } }[],
  report: Report,
): ReadonlyMap<string, SecurityScheme> {
  const schemes = new Map<string, SecurityScheme>()
  for (const [name, scheme] of all.flatMap(({ securitySchemes = {} }) => Object.entries(securitySchemes))) {
    if (!/^[\w.-]+$/.test(name))
      report(`the name of the security scheme '${name}' can contain only letters, digits and _ . -`)
    if (schemes.has(name) && JSON.stringify(schemes.get(name)) !== JSON.stringify(scheme))
      report(`two different security schemes have the name '${name}'; rename one of the two`)
    schemes.set(name, scheme)
  }
  return schemes
}

function checkSecurity(
  operations: readonly Written[],
  general: readonly SecurityRequirement[],
  schemes: ReadonlyMap<string, SecurityScheme>,
  report: Report,
): void {
  const check = (place: string, security: readonly SecurityRequirement[], at?: Written): void => {
    for (const name of security.flatMap((requirement) => Object.keys(requirement)))
      if (!schemes.has(name))
        report(`${place} requires the security scheme '${name}', which is not declared; add it to securitySchemes`, at)
  }
  for (const one of operations) check(one.place, one.written.security ?? [], one)
  check('openapi()', general)
}
