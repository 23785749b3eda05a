import { defaultBodyLimit } from './body.js'
import { Context, Exchange, locate, toHost, type Phase, type Server } from './context.js'
import { Matcher, RouterError, type Match } from './matcher.js'
import { compose, toThrown, type AnyMiddleware, type Answer, type Early } from './middleware.js'
import { parsePattern } from './pattern.js'
import { toProblem } from './problem.js'
import { permanentRedirect } from './reply.js'
import { isResponse, withHeaders } from './response.js'
import { isRoute, parseParams, toFallback, type AnyRoute } from './route.js'
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
  /** The routes as they were given. */
  readonly routes: routes
  /** Resolves when every `waitUntil` and `after` has ended. */
  readonly settled: () => Promise<void>
  readonly '~early'?: early
}

// What one of the router's middlewares answers by itself.
type EarlyOf<layer> = layer extends (...rest: never) => infer result ? Early<result> : never

interface Target {
  readonly route: AnyRoute
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
export function router<
  routes,
  const use extends readonly AnyMiddleware[] = [],
  const rewrites extends readonly Rule[] = [],
>(routes: routes, options: RouterOptions<use, rewrites> = {}): Router<routes, EarlyOf<use[number]>> {
  const { use = [], trailingSlash = 'redirect', onError } = options
  const basePath = checkBasePath(options.basePath)
  const follow = options.rewrites?.length ? toFollow(options.rewrites) : undefined
  const pending = new Set<Promise<unknown>>()
  const server: Server = {
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
  const matcher = new Matcher([...collect(routes)].map((route) => [route.pattern, toTarget(route, around)] as const))
  const notFound = around(() => toProblem(404))
  const malformed = around(() => toProblem(400, { detail: 'The URL has a malformed percent-escape.' }))
  const withoutSlash = around((_request, context) => {
    const { href, start, end } = Context.exchange(context)
    return permanentRedirect(href.slice(start, end - 1) + hrefTail(href, end))
  })

  const fetch = (request: Request, ...passed: readonly unknown[]): Response | Promise<Response> => {
    let href = request.url
    let start = href.length
    let end = start
    let match: Match<Target> | undefined
    let answer: Answer = notFound
    let route: AnyRoute | undefined
    try {
      ;({ href, start, end } = locate(href))
      const inside =
        !basePath ||
        (href.startsWith(basePath, start) &&
          (href.charCodeAt(start + basePath.length) === 47 || start + basePath.length === end))
      if (inside) {
        start += basePath.length
        if (follow) ({ href, start, end } = rewrite(follow, href, start, end))
        match = matcher.find(href, start, end)
        if (match) answer = chooseAnswer(match.value, request.method)
        else if (trailingSlash !== 'strict' && end - start > 1 && href.charCodeAt(end - 1) === 47) {
          match = matcher.find(href, start, end - 1)
          if (match && trailingSlash === 'redirect' && request.method !== 'OPTIONS') {
            match = undefined
            answer = withoutSlash
          } else if (match) {
            // Matched as if the slash were not there, so that params do not have it either.
            href = href.slice(0, end - 1) + href.slice(end)
            end--
            answer = chooseAnswer(match.value, request.method)
          }
        }
        route = match?.value.route
      }
    } catch {
      answer = malformed
    }
    const exchange = new Exchange(
      request,
      server,
      href,
      start,
      end,
      match,
      passed.length ? toHost(request, passed) : undefined,
    )
    const context = new Context(exchange)
    const finish = (response: Response): Response =>
      exchange.finish(basePath ? withBasePath(response, basePath) : response)
    if (route?.params) return parsed(route, answer, request, context, exchange).then(finish)
    const response = answer(request, context)
    return isResponse(response) ? finish(response) : response.then(finish)
  }

  const parsed = async (
    route: AnyRoute,
    answer: Answer,
    request: Request,
    context: Context,
    exchange: Exchange,
  ): Promise<Response> => {
    try {
      return await ((await parseParams(route, exchange)) ? answer : notFound)(request, context)
    } catch (error) {
      return toThrown(error, context, 'input')
    }
  }

  const settled = async (): Promise<void> => {
    while (pending.size) await Promise.all(pending)
  }
  return { fetch, routes, settled }
}

function toTarget(route: AnyRoute, around: (inside: Answer) => Answer): Target {
  const answers = new Map<string, Answer>()
  for (const [method, { answer }] of route.operations) answers.set(method, around(answer))
  const get = answers.get('GET')
  if (get && !answers.has('HEAD')) answers.set('HEAD', get)
  return { route, answers, fallback: around(toFallback(route)) }
}

const chooseAnswer = ({ answers, fallback }: Target, method: string): Answer => answers.get(method) ?? fallback

// Every route in an object, however nested. What is not one is an oversight in a literal, and usual in a module.
function* collect(group: unknown, path = 'router()', seen = new Set<unknown>()): Generator<AnyRoute> {
  if (typeof group !== 'object' || group === null)
    throw new RouterError(`${path} takes an object of routes, not ${group === null ? 'null' : typeof group}`)
  if (seen.has(group)) return
  seen.add(group)
  const isModule = (group as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag] === 'Module'
  for (const [name, value] of Object.entries(group)) {
    const prototype: unknown = typeof value === 'object' && value !== null ? Object.getPrototypeOf(value) : undefined
    if (isRoute(value)) {
      if (seen.has(value)) continue
      seen.add(value)
      if (!value.operations.size)
        throw new RouterError(`${path}: the route '${value.pattern}' has no methods; add .get(handler) or another`)
      yield value
    } else if (!isModule && (prototype === Object.prototype || prototype === null) && !('fetch' in (value as object)))
      yield* collect(value, `${path}: '${name}'`, seen)
    else if ((value as { [Symbol.toStringTag]?: unknown } | undefined)?.[Symbol.toStringTag] === 'Module')
      yield* collect(value, `${path}: '${name}'`, seen)
    else if (!isModule)
      throw new RouterError(`${path}: '${name}' is not a route; it takes routes, objects of routes, and modules`)
  }
}

function checkBasePath(basePath = ''): string {
  if (basePath === '' || basePath === '/') return ''
  if (parsePattern(basePath).some(({ kind }) => kind !== 'static'))
    throw new RouterError(`the basePath '${basePath}' has a param; it is a fixed path such as '/api'`)
  return basePath
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

// Only byway's own answers: what came from elsewhere is passed on as it is.
function withBasePath(response: Response, basePath: string): Response {
  const location = '~data' in response ? response.headers.get('location') : null
  return location !== null && /^\/(?![/\\])/.test(location)
    ? withHeaders(response, (headers) => headers.set('location', basePath + location))
    : response
}
