import type { AnyMiddleware, App, NamedRoute } from './app.js'
import { toHost } from './host.js'
import { RouterError } from './matcher.js'
import { notesOf, type Early } from './middleware.js'
import { checkOptions, hasMethod, isLimit, show } from './options.js'
import type { Rewrites } from './paths/rewrites.js'
import { parsePattern } from './pattern.js'
import type { Phase } from './problem.js'
import type { Problems } from './replies/problem-format.js'
import { isRoute, type AnyRoute } from './route.js'
import { createServe } from './serve.js'

/** What `onError` gets in addition to the error. */
export interface ErrorInfo {
  readonly request: Request
  /** The pattern of the route, if a route matched. */
  readonly pattern: string | undefined
  readonly phase: Phase
}

export interface RouterOptions<
  use extends readonly AnyMiddleware[] = readonly AnyMiddleware[],
  problems = Problems<any, any>,
> {
  /** Middleware around everything, the outermost first: 404s, 405s and errors too. @default [] */
  readonly use?: use
  /** Rules that are applied once, before matching: `rewrites([{ source: '/old/[slug]', destination: '/new/[slug]' }])`. */
  readonly rewrites?: Rewrites
  /** The path under which the app is deployed, such as `/api`. It is removed before matching, and put before the root-relative `Location` of a reply. */
  readonly basePath?: string
  /**
   * What happens to a pathname with a trailing slash, if a route matches it without the slash: a 308, the same response, or a
   * 404. `'always'` redirects GET and HEAD requests without a slash to the pathname with one, except if the last segment has
   * a dot, or below `/.well-known`.
   * @default 'redirect'
   */
  readonly trailingSlash?: 'redirect' | 'ignore' | 'strict' | 'always'
  /** The maximum size of a request body in bytes, unless its operation declares another. @default 1_048_576 */
  readonly bodyLimit?: number
  /** Whether responses are validated against the `response` schemas. @default true */
  readonly responseValidation?: boolean
  /** The app's own error format. @default RFC 9457 problems */
  readonly problems?: problems
  /** Called once with each error that no middleware has handled. @default console.error */
  readonly onError?: (error: unknown, info: ErrorInfo) => unknown
}

/** One `fetch` for many routes. */
export interface Router<routes, early = never, problems = undefined> {
  /** Handles a request on any host: `export default router`, or pass it on. It never throws. */
  readonly fetch: (request: Request, ...host: readonly unknown[]) => Response | Promise<Response>
  /** The routes as they were given. It is not named `routes`, because Bun reads an option of that name from a default export. */
  readonly declared: routes
  /** Resolves when every `waitUntil`, `after` and stream cleanup has ended. */
  readonly settled: () => Promise<void>
  readonly '~early'?: early
  readonly '~problems'?: problems
}

// The same in every copy of byway: a command has its own.
const data: unique symbol = Symbol.for('byway.router') as never

/** The router's data, or `undefined` if `app` is not a router. */
export const dataOf = (app: unknown): App | undefined =>
  typeof app === 'object' && app !== null ? (app as { [data]?: App })[data] : undefined

// The early responses of one of the router's middlewares.
type EarlyOf<layer> = layer extends (...rest: never) => infer result ? Early<result> : never

/**
 * Makes one handler for many routes: an object of routes, nested or not, or a module namespace (`import * as items from
 * './items.js'`).
 *
 * @throws RouterError if two routes match the same pathnames, a value is not a route, or an option is invalid.
 * @example
 * export default router({ items, item }, { use: [cors({ origin: ['https://app.example'] })] })
 */
// `routes` has no constraint: TypeScript would resolve every route whenever the router is named.
export function router<
  routes,
  layer extends AnyMiddleware = never,
  problems extends Problems<any, any> | undefined = undefined,
>(routes: routes, options: RouterOptions<readonly layer[], problems> = {}): Router<routes, EarlyOf<layer>, problems> {
  checkOptions('router()', options, checks, RouterError)
  const { use = [] as readonly layer[], onError, rewrites, problems } = options
  if (use.some((layer) => notesOf(layer).around))
    throw new RouterError(
      'middleware with { around }, such as cache(), cannot be used in router({ use }); use it on routes',
    )
  const named = [...collect(routes)]
  const pending = new Set<Promise<unknown>>()
  const app: App = {
    routes: named,
    use,
    rewrites: rewrites?.rules ?? [],
    basePath: toBasePath(options.basePath || '/'),
    problems,
  }
  const serve = createServe(
    named.map(({ route }) => route),
    {
      ...options,
      app,
      track(promise) {
        pending.add(promise)
        void promise.finally(() => pending.delete(promise))
      },
      report(error, request, pattern, phase) {
        try {
          const result: unknown = onError
            ? onError(error, { request, pattern, phase })
            : console.error(`${request.method} ${pattern ?? request.url} failed:`, error)
          if (result instanceof Promise) result.catch(console.error)
        } catch (second) {
          console.error(second)
        }
      },
    },
  )
  const fetch = (request: Request, ...passed: readonly unknown[]): Response | Promise<Response> =>
    serve(request, passed.length ? toHost(request, passed) : undefined)
  const settled = async (): Promise<void> => {
    while (pending.size) await Promise.all(pending)
  }
  // A client in the same process adds it to its URLs: createClient({ fetch: app.fetch }).
  fetch.basePath = app.basePath
  return Object.defineProperty({ fetch, declared: routes, settled }, data, { value: app })
}

const checks = {
  use: (value: unknown) => Array.isArray(value) && value.every((layer) => typeof layer === 'function'),
  rewrites: hasMethod('apply'),
  basePath: 'string',
  trailingSlash: (value: unknown) => ['redirect', 'ignore', 'strict', 'always'].includes(value as string),
  bodyLimit: isLimit,
  responseValidation: 'boolean',
  problems: hasMethod('convert'),
  onError: 'function',
} as const

interface CollectedRoute extends NamedRoute {
  readonly route: AnyRoute
}

// Every route of a nested object. A value that is not a route is a mistake in a literal, and usual in a module.
function* collect(group: unknown, names: readonly string[] = [], seen = new Set<unknown>()): Generator<CollectedRoute> {
  const path = ['router()', ...names.map((name) => `'${name}'`)].join(': ')
  if (typeof group !== 'object' || group === null || Array.isArray(group))
    throw new RouterError(`${path} takes an object of routes, not ${show(group)}`)
  if (seen.has(group)) return
  seen.add(group)
  const isModule = isNamespace(group)
  for (const [name, value] of Object.entries(group)) {
    if (isRoute(value)) {
      if (seen.has(value)) continue
      seen.add(value)
      checkRoute(value, path)
      yield { route: value, names: [...names, name] }
    } else if (isNamespace(value) || (!isModule && isGroup(value))) yield* collect(value, [...names, name], seen)
    else if (!isModule) throw new RouterError(`${path}: '${name}' is not a route, an object of routes, or a module`)
  }
}

function checkRoute({ pattern, operations, middleware, rest }: AnyRoute, path: string): void {
  const all = [...operations.values(), ...(rest ? [rest] : [])]
  if (!all.length) throw new RouterError(`${path}: the route '${pattern}' has no methods; add .get(handler)`)
  if (all.every((operation) => operation.middleware.length < middleware.length))
    throw new RouterError(
      `${path}: no operation follows the last .use() of the route '${pattern}'; move it up, or remove it`,
    )
}

const isNamespace = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (value as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag] === 'Module'

// Not another router: its middleware would be lost.
function isGroup(value: unknown): boolean {
  const prototype: unknown = typeof value === 'object' && value !== null && Object.getPrototypeOf(value)
  return (
    (prototype === Object.prototype || prototype === null) && typeof (value as { fetch?: unknown }).fetch !== 'function'
  )
}

// As it is in a URL.
function toBasePath(basePath: string): string {
  if (parsePattern(basePath).some(({ kind }) => kind !== 'static'))
    throw new RouterError(`the basePath '${basePath}' has a param; use a fixed path`)
  return new URL(basePath, 'http://localhost').pathname.replace(/^\/$/, '')
}
