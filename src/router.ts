import { defaultBodyLimit } from './body.js'
import { Context, Exchange, locate, toHost, type Phase, type Server } from './context.js'
import { Matcher, mayFollow, paramsOf, RouterError, type Match } from './matcher.js'
import { compose, isRing, toThrown, type AnyMiddleware, type Answer, type Early } from './middleware.js'
import { parsePattern } from './pattern.js'
import { toProblem } from './problem.js'
import { permanentRedirect } from './reply.js'
import { isResponse, ownTarget } from '#response'
import { isRoute, toFallback, type AnyRoute } from './route.js'
import { hasScopes, runRequest } from './scope.js'
import { narrow } from './static-params.js'
import { toFollow, type Follow, type Rule, type RuleMistakes } from './rules.js'

/** What `onError` is told of an error beside the error. */
export interface ErrorInfo {
  readonly request: Request
  /** The pattern of the route, if one had matched. */
  readonly pattern: string | undefined
  readonly phase: Phase
}

export interface RouterOptions<
  use extends readonly AnyMiddleware[] = readonly AnyMiddleware[],
  rewrites extends readonly Rule[] = readonly Rule[],
> {
  /** Around everything, from the outside in: 404s, 405s and errors too. */
  readonly use?: use
  /** Applied once, before matching: `{ source: '/old/[slug]', destination: '/new/[slug]' }`. */
  readonly rewrites?: rewrites & RuleMistakes<rewrites>
  /** Where the whole app is deployed, such as `/api`: cut off before matching, and put before root-relative `Location`s. */
  readonly basePath?: string
  /**
   * What a pathname with a slash at its end gets, if the one without it has a route: a 308 to that one, the same answer,
   * or a 404. @default 'redirect'
   */
  readonly trailingSlash?: 'redirect' | 'ignore' | 'strict'
  /** The most bytes that a request body may have, unless its operation says otherwise. @default 1_048_576 */
  readonly bodyLimit?: number
  /** Whether answers are held against the `response` schemas. @default true */
  readonly responseValidation?: boolean
  /** Told once of each error that nothing has handled. @default console.error */
  readonly onError?: (error: unknown, info: ErrorInfo) => unknown
}

/** One `fetch` for many routes. */
export interface Router<routes, early = never> {
  /** Answers a request, on any host: `export default router`, or pass it on. It never throws. */
  readonly fetch: (request: Request, ...host: readonly unknown[]) => Response | Promise<Response>
  /** The routes as they were given. Not named `routes`: Bun reads an option of that name from a default export. */
  readonly declared: routes
  /** Resolves when every `waitUntil` and `after` has ended. */
  readonly settled: () => Promise<void>
  readonly '~early'?: early
}

/** A route of a router, and the names that lead to it in what was declared: `['users', 'me']`. */
export interface NamedRoute {
  readonly route: AnyRoute
  readonly names: readonly string[]
}

/** A router as data: for those who read it, as documents and commands do. */
export interface RouterData {
  readonly routes: readonly NamedRoute[]
  readonly use: readonly AnyMiddleware[]
  readonly rewrites: readonly Rule[]
  /** Without a slash at its end; `''` for none. */
  readonly basePath: string
}

// Of this copy of byway or another: a command has its own.
const data: unique symbol = Symbol.for('byway.router') as never

/** What a router is made of, or `undefined` for what is none. */
export const dataOf = (app: unknown): RouterData | undefined =>
  typeof app === 'object' && app !== null ? (app as { [data]?: RouterData })[data] : undefined

// What one of the router's middlewares answers by itself.
type EarlyOf<layer> = layer extends (...rest: never) => infer result ? Early<result> : never

interface Target {
  readonly answers: ReadonlyMap<string, Answer>
  readonly fallback: Answer
}

/**
 * One handler for many routes: an object of them, nested as you like, or a module namespace (`import * as items from './items.js'`).
 *
 * @throws RouterError if two routes fit the same pathnames, or something is not a route.
 * @example
 * export default router({ items, item }, { use: [cors({ origin: ['https://app.example'] })] })
 */
// No constraint on `routes`: one would make TypeScript resolve every route whenever the router is named.
export function router<routes, layer extends AnyMiddleware = never, const rewrites extends readonly Rule[] = []>(
  routes: routes,
  options: RouterOptions<readonly layer[], rewrites> = {},
): Router<routes, EarlyOf<layer>> {
  checkOptions(options)
  const { use = [] as readonly layer[], trailingSlash = 'redirect', onError } = options
  const basePath = toBasePath(options.basePath || '/')
  const follow = options.rewrites?.length ? toFollow(options.rewrites) : undefined
  const pending = new Set<Promise<unknown>>()
  const server: Server = {
    app: () => own,
    bodyLimit: options.bodyLimit ?? defaultBodyLimit,
    responseValidation: options.responseValidation ?? true,
    track(promise) {
      pending.add(promise)
      promise.finally(() => pending.delete(promise))
    },
    report(error, request, pattern, phase) {
      try {
        const told: unknown = onError ? onError(error, { request, pattern, phase }) : console.error(error)
        if (told instanceof Promise) told.catch(console.error)
      } catch (second) {
        console.error(second)
      }
    },
  }
  const around = (inside: Answer): Answer => compose(use, inside)
  const own: RouterData = { routes: [...collect(routes)], use, rewrites: options.rewrites ?? [], basePath }
  // What has a pathname that a route has passed over: the routes below that one.
  const goOn = ({ pattern }: AnyRoute): Answer => {
    let below: Matcher<Target> | undefined
    return (request, context) => {
      below ??= new Matcher(targets.filter(([other]) => mayFollow(other, pattern)))
      const exchange = Context.exchange(context)
      const { href, start, end } = exchange
      const match = below.find(href, start, end)
      exchange.forget()
      if (!match) return notFound(request, context)
      exchange.match = match
      exchange.params = paramsOf(match, href, start, end)
      return (match.value.answers.get(request.method) ?? match.value.fallback)(request, context)
    }
  }
  const targets = own.routes.map(({ route }) => [route.pattern, toTarget(route, around, goOn(route))] as const)
  const matcher = new Matcher(targets)
  const notFound = around(() => toProblem(404))
  const malformed = around(() => toProblem(400, { detail: 'The URL has a malformed percent-escape.' }))
  const withoutSlash = around((request) => {
    const { href, start, end } = locate(request.url)
    return permanentRedirect(href.slice(start + basePath.length, end - 1) + hrefTail(href, end))
  })

  const fetch = (request: Request, ...passed: readonly unknown[]): Response | Promise<Response> => {
    const { method } = request
    let href = request.url
    let start = href.length
    let end = start
    let match: Match<Target> | undefined
    let answer: Answer = notFound
    try {
      ;({ href, start, end } = locate(href))
      if (!basePath || isBelow(basePath, href, start, end)) {
        start += basePath.length
        const bare =
          trailingSlash !== 'strict' &&
          end - start > 1 &&
          href.charCodeAt(end - 1) === 47 &&
          href.charCodeAt(end - 2) !== 47
        const short = bare ? { href: href.slice(0, end - 1) + href.slice(end), start, end: end - 1 } : undefined
        if (follow) ({ href, start, end } = rewrite(follow, href, start, end))
        match = matcher.find(href, start, end)
        if (!match && short) {
          // Matched as if the slash were not there, so that params do not have it either.
          ;({ href, start, end } = follow ? rewrite(follow, short.href, short.start, short.end) : short)
          match = matcher.find(href, start, end)
          if (match && trailingSlash === 'redirect' && method !== 'OPTIONS') {
            match = undefined
            answer = withoutSlash
          }
        }
        if (match) answer = match.value.answers.get(method) ?? match.value.fallback
      } else end = -1
    } catch (error) {
      match = undefined
      answer = error instanceof URIError ? malformed : around(() => toThrown(error, 'input'))
    }
    const host = passed.length ? toHost(request, passed) : undefined
    const exchange = new Exchange(request, server, href, start, end, match, host)
    const context = new Context(exchange)
    const response = hasScopes ? runRequest(context, () => answer(request, context)) : answer(request, context)
    const finish = (response: Response): Response =>
      exchange.finish(basePath ? withBasePath(response, basePath) : response)
    return isResponse(response) ? finish(response) : response.then(finish)
  }

  const settled = async (): Promise<void> => {
    while (pending.size) await Promise.all(pending)
  }
  return Object.defineProperty({ fetch, declared: routes, settled }, data, { value: own })
}

function toTarget(route: AnyRoute, around: (inside: Answer) => Answer, pass: Answer): Target {
  const toAnswer = (inside: Answer): Answer => narrow(route.staticParams, around(inside), pass, around)
  const answers = new Map<string, Answer>()
  for (const [method, { answer }] of route.operations) answers.set(method, toAnswer(answer))
  const get = answers.get('GET')
  if (get && !answers.has('HEAD')) answers.set('HEAD', get)
  return { answers, fallback: toAnswer(toFallback(route)) }
}

// Every route in an object, however nested. What is not one is an oversight in a literal, and usual in a module.
function* collect(group: unknown, names: readonly string[] = [], seen = new Set<unknown>()): Generator<NamedRoute> {
  const path = ['router()', ...names.map((name) => `'${name}'`)].join(': ')
  if (typeof group !== 'object' || group === null || Array.isArray(group))
    throw new RouterError(`${path} takes an object of routes, not ${group === null ? 'null' : typeof group}`)
  if (seen.has(group)) return
  seen.add(group)
  const isModule = isNamespace(group)
  for (const [name, value] of Object.entries(group)) {
    const prototype: unknown = typeof value === 'object' && value !== null && Object.getPrototypeOf(value)
    if (isRoute(value)) {
      if (seen.has(value)) continue
      seen.add(value)
      if (!value.operations.size)
        throw new RouterError(`${path}: the route '${value.pattern}' has no methods; add .get(handler) or another`)
      yield { route: value, names: [...names, name] }
    } else if (isNamespace(value) || (!isModule && isGroup(value, prototype)))
      yield* collect(value, [...names, name], seen)
    else if (!isModule)
      throw new RouterError(`${path}: '${name}' is not a route; it takes routes, objects of routes, and modules`)
  }
}

const isNamespace = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (value as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag] === 'Module'

// Not another router: its middleware would be lost.
const isGroup = (value: unknown, prototype: unknown): boolean =>
  (prototype === Object.prototype || prototype === null) && typeof (value as { fetch?: unknown }).fetch !== 'function'

// Whole segments only: /api is not above /apis.
function isBelow(basePath: string, href: string, start: number, end: number): boolean {
  const after = start + basePath.length
  return href.startsWith(basePath, start) && (after === end || href.charCodeAt(after) === 47)
}

const optionChecks: Record<keyof RouterOptions, (value: unknown) => boolean> = {
  use: (value) => Array.isArray(value) && value.every((layer) => typeof layer === 'function'),
  rewrites: Array.isArray,
  basePath: (value) => typeof value === 'string',
  trailingSlash: (value) => value === 'redirect' || value === 'ignore' || value === 'strict',
  bodyLimit: (value) => (value as number) >= 0 && typeof value === 'number',
  responseValidation: (value) => typeof value === 'boolean',
  onError: (value) => typeof value === 'function',
}

function checkOptions(options: RouterOptions): void {
  for (const [name, value] of Object.entries(options)) {
    const check = Object.hasOwn(optionChecks, name) ? optionChecks[name as keyof RouterOptions] : undefined
    if (value !== undefined && !check?.(value))
      throw new RouterError(
        `router() takes no such option: ${name}${check ? ` (${JSON.stringify(value) ?? typeof value})` : `; it has ${Object.keys(optionChecks).join(', ')}`}`,
      )
  }
  if (options.use?.some(isRing))
    throw new RouterError(
      'a cache stands around a route, not the router: route.use(cache(…)) makes routes that have it',
    )
}

// As a URL holds it.
function toBasePath(basePath: string): string {
  if (parsePattern(basePath).some(({ kind }) => kind !== 'static'))
    throw new RouterError(`the basePath '${basePath}' has a param; it is a fixed path such as '/api'`)
  return new URL(basePath, 'http://localhost').pathname.replace(/^\/$/, '')
}

function rewrite(
  follow: Follow<Rule>,
  href: string,
  start: number,
  end: number,
): { href: string; start: number; end: number } {
  const followed = follow(href, start, end)
  return followed ? locate(new URL(followed.target, href).href) : { href, start, end }
}

// The query, from the `?` on.
function hrefTail(href: string, end: number): string {
  return href.charCodeAt(end) === 63 ? href.slice(end).replace(/#.*/s, '') : ''
}

// A copy, since a Response may be used again.
function withBasePath(response: Response, basePath: string): Response {
  const target = ownTarget(response)
  if (target === undefined) return response
  const copy = response.clone()
  copy.headers.set('location', basePath + target)
  return copy
}
