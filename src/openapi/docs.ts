import type { RouteContext } from '../context.js'
import type { PatternMistake } from '../pattern.js'
import { file } from '../replies/file.js'
import { notFound } from '../replies/reply.js'
import { route, type OperationFunction, type Route, type RouteFactory } from '../route.js'
import type { App } from '../app.js'
import { openapi, type OpenApiOptions } from './openapi.js'

export interface DocsOptions extends OpenApiOptions {
  /** The factory that creates the route. Pass `route.use(session)` to restrict access to the page. @default route */
  readonly route?: RouteFactory<any, any, any>
}

// prettier-ignore
type DocsPattern<path extends string> = path extends '/' ? '/[[...asset]]' : `${path}/[[...asset]]`

/** The route that `docs()` returns. */
export type Docs<path extends string> = Route<DocsPattern<path>, RouteContext<DocsPattern<path>>> & {
  readonly GET: OperationFunction<DocsPattern<path>, {}, Promise<Response>, never>
}

/**
 * Returns a route that serves the OpenAPI document of its app: an interactive page at `path`, and the document at
 * `openapi.json` below it. The document is created at its first request. A mistake in a declaration goes to `onError`, and the
 * page shows it in place of its operation. All files of the page come from this package. The
 * `Content-Security-Policy` also allows requests to the `servers` in the options, and nothing else.
 *
 * The page sends real requests, with the permissions of the person who uses it.
 *
 * @throws PatternError if `path` is not a valid pattern. @throws TypeError if an option is missing or unknown.
 * @example
 * const app = router({ items, item, docs: docs('/docs', { info: { title: 'Items', version: '1.0.0' } }) })
 */
export function docs<const path extends string>(path: path & PatternMistake<path>, options: DocsOptions): Docs<path> {
  const { route: make = route, ...rest } = options ?? {}
  // Checks the options. The schemes that `security` names can be those of middleware, which no route has here.
  openapi({ routes: [], use: [], rewrites: [], basePath: '' }, { ...rest, security: [] })
  const policy = toPolicy(rest)
  const documents = new WeakMap<App['routes'], Promise<Asset>>()
  const documentOf = ({ app, report }: RouteContext<'/[[...asset]]'>): Promise<Asset> => {
    const known = documents.get(app.routes) ?? toDocumentAsset(app, rest, report)
    documents.set(app.routes, known)
    return known
  }

  const respond = async (request: Request, context: RouteContext<'/[[...asset]]'>): Promise<Response> => {
    const [name, ...more] = context.params.asset ?? []
    if (name === undefined) {
      const { toPage } = await import('./page/assets.js')
      const page = await toAsset('text/html; charset=utf-8', toPage(options.info.title, toBase(request.url)))
      return send(request, page, { 'content-security-policy': policy })
    }
    const asset = more.length ? undefined : name === 'openapi.json' ? documentOf(context) : assetOf(name)
    const found = await asset
    return found ? send(request, found) : notFound()
  }
  const pattern = path === '/' ? '/[[...asset]]' : `${path}/[[...asset]]`
  const made = (make as typeof route)(pattern as '/[[...asset]]').get({ openapi: { hidden: true } }, respond)
  return Object.defineProperty(made, docsOptions, { value: rest }) as unknown as Docs<path>
}

// The same in every copy of byway: a command has its own.
const docsOptions: unique symbol = Symbol.for('byway.docs') as never

/** The options of an app's `docs()`, if it has a page. */
export const docsOptionsOf = ({ routes }: App): OpenApiOptions | undefined =>
  routes.map(({ route }) => (route as { [docsOptions]?: OpenApiOptions })[docsOptions]).find(Boolean)

interface Asset {
  readonly type: string
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly etag: string
}

const encoder = new TextEncoder()

async function toAsset(type: string, text: string): Promise<Asset> {
  const bytes = encoder.encode(text)
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return { type, bytes, etag: `"${btoa(String.fromCharCode(...digest.subarray(0, 15)))}"` }
}

// This function is async, so an error becomes a rejection, which the WeakMap stores like a document.
const toDocumentAsset = async (app: App, options: OpenApiOptions, report: (error: unknown) => void): Promise<Asset> =>
  toAsset('application/json', JSON.stringify(openapi(app, { onMistake: report, ...options })))

const assetsByName = new Map<string, Promise<Asset>>()

async function assetOf(name: string): Promise<Asset | undefined> {
  const { assets } = await import('./page/assets.js')
  const asset = assets.get(name)
  if (!asset) return undefined
  const known = assetsByName.get(name) ?? toAsset(asset.type, asset.text)
  assetsByName.set(name, known)
  return known
}

const send = (request: Request, { type, bytes, etag }: Asset, headers: Record<string, string> = {}): Response =>
  // Browsers revalidate every time, so after a deployment the page, its script and the document have the same version.
  file(request, bytes, { type, etag, headers: { 'cache-control': 'no-cache', ...headers } })

// Returns a relative URL from the page to its files, which also works behind a proxy that adds a path prefix. The `./`
// prevents a `:` in the pathname from being parsed as the end of a scheme.
function toBase(href: string): string {
  const { pathname } = new URL(href)
  return `./${pathname.slice(pathname.lastIndexOf('/') + 1)}/`.replace('.//', './')
}

function toPolicy({ servers = [] }: OpenApiOptions): string {
  const origins = servers.flatMap(({ url, variables = {} }) => {
    const whole = url.replace(/\{([^}]*)\}/g, (_match, name: string) => variables[name]?.default ?? '')
    return /^https?:/i.test(whole) && URL.canParse(whole) ? new URL(whole).origin : []
  })
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    ["connect-src 'self'", ...new Set(origins)].join(' '),
    "img-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}
