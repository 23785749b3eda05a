import type { ParamsSchema, RouteData } from './app.js'
import { Context } from './context.js'
import type { Method } from './declaration.js'
import { Exchange, locate, type Server } from './exchange.js'
import type { Host } from './host.js'
import { Matcher, paramsOf, type Match } from './matcher.js'
import { compose, isPromise, notesOf, type Chain } from './middleware.js'
import { toAllow, type RunnableOperation } from './operation.js'
import type { Rewrites } from './paths/rewrites.js'
import { toProblem } from './problem.js'
import { createResponse, ownTarget } from '#response'
import { validate } from './schema.js'
import { runInScope } from './scope.js'

/** A route whose operations can run. */
export interface RunnableRoute extends RouteData {
  readonly operations: ReadonlyMap<Method, RunnableOperation>
  readonly rest?: RunnableOperation | undefined
}

/** How requests are matched and sent. */
export interface ServeSettings extends Omit<Server, 'dispatch'> {
  readonly trailingSlash: 'redirect' | 'ignore' | 'strict' | 'always'
  readonly rewrites?: Rewrites | undefined
}

/** Sends a request through the route that matches it. `params` replaces what the pathname captures. */
export type Serve = (request: Request, host?: Host, params?: Params) => Response | Promise<Response>

interface Target {
  readonly route: RunnableRoute
  /** The response to a method that the route lacks. Made when it is first needed. */
  fallback?: Chain
}

type Params = Record<string, unknown>

const notFound: Chain = () => toProblem(404, 'Not Found')
const malformed: Chain = () => toProblem(400, 'Bad Request', { detail: 'The URL has a malformed percent-escape.' })

/**
 * Makes the function through which every request goes: to one route that is called on its own, or to all routes of a router.
 *
 * @throws RouterError if two patterns match the same pathnames with the same precedence.
 */
export function createServe(routes: readonly RunnableRoute[], settings: ServeSettings): Serve {
  const { app, trailingSlash, rewrites } = settings
  const { use, basePath, problems } = app
  const matcher = new Matcher(routes.map((route): [string, Target] => [route.pattern, { route }]))
  const chain = compose(use, (request, context) => context['~exchange'].run(request, context))

  const server: Server = {
    ...settings,
    async dispatch(request, outer) {
      if (outer.isDispatched) throw new Error('context.app.dispatch() was called twice for one request')
      outer.isDispatched = true
      const exchange = toExchange(request, outer.host, outer)
      const run = await choose(exchange)
      return run(request, new Context(exchange))
    },
  }
  const toExchange = (request: Request, host?: Host, outer?: Exchange): Exchange => {
    const { href, start, end } = locate(request.url)
    return new Exchange(request, server, href, start + basePath.length, end, host, outer)
  }

  // Returns what runs inside the router's middleware. Params are settled before any middleware runs.
  const choose = (exchange: Exchange): Chain | Promise<Chain> => {
    const { href, start, end } = exchange
    if (!isBelow(basePath, exchange)) return notFound
    try {
      const match = matcher.find(href, start, end)
      return match ? accept(exchange, match) : notFound
    } catch (error) {
      if (error instanceof URIError) return malformed
      throw error
    }
  }

  // `others` has the matches with a lower precedence.
  const accept = (
    exchange: Exchange,
    match: Match<Target>,
    given?: Params,
    others?: Iterator<Match<Target>>,
  ): Chain | Promise<Chain> => {
    const { request, href, start, end } = exchange
    const { params: schemas } = match.value.route
    exchange.forget()
    exchange.match = match
    const proceed = (params: Params | undefined): Chain | Promise<Chain> => {
      if (params) {
        exchange.params = params
        return toChain(match.value, request.method)
      }
      exchange.forget()
      const rest = others ?? after(match, matcher.findAll(href, start, end))
      const { value: next } = rest.next()
      return next && !given ? accept(exchange, next, undefined, rest) : notFound
    }
    if (!schemas.length) return given ? proceed(given) : toChain(match.value, request.method)
    const fail = (error: unknown): Chain => () => exchange.thrown(error, 'input')
    try {
      const params = parseParams(schemas, given ?? paramsOf(match, href, start, end))
      return isPromise(params) ? params.then(proceed).catch(fail) : proceed(params)
    } catch (error) {
      return fail(error)
    }
  }

  // The trailing slash is removed before the pathname is rewritten and matched.
  const chooseBySlash = (exchange: Exchange): Chain | Promise<Chain> => {
    const { href, start, end, request } = exchange
    if (!isBelow(basePath, exchange)) return notFound
    const hasSlash = end - start > 1 && href.charCodeAt(end - 1) === 47 && href.charCodeAt(end - 2) !== 47
    if (hasSlash && trailingSlash !== 'strict') {
      exchange.href = href.slice(0, end - 1) + href.slice(end)
      exchange.end--
    }
    rewrites?.apply(exchange, basePath)
    const run = choose(exchange)
    const path = hasSlash
      ? trailingSlash === 'redirect' && request.method !== 'OPTIONS' && href.slice(start, end - 1)
      : trailingSlash === 'always' && wantsSlash(href.slice(start, end), request.method) && `${href.slice(start, end)}/`
    if (!path) return run
    const redirect = (run: Chain): Chain => {
      if (!exchange.match) return run
      exchange.forget()
      const location = path + href.slice(end).replace(/#.*/s, '')
      return () => createResponse(null, 308, [['location', location]], { isReply: true })
    }
    return isPromise(run) ? run.then(redirect) : redirect(run)
  }

  return (request, host, params) => {
    const exchange = toExchange(request, host)
    const start = (run: Chain): Response | Promise<Response> => {
      exchange.run = run as Exchange['run']
      const context = new Context(exchange)
      return runInScope(context, () => chain(request, context))
    }
    const finish = (response: Response): Response => {
      const converted = problems ? problems.convert(response) : response
      return exchange.finish(basePath ? withBasePath(converted, basePath) : converted)
    }
    const target = params && { route: routes[0]! }
    const run = target
      ? accept(exchange, { value: target, pattern: target.route.pattern, captures: [] }, params)
      : chooseBySlash(exchange)
    const response = isPromise(run) ? run.then(start) : start(run)
    return response instanceof Promise ? response.then(finish) : finish(response)
  }
}

function toChain(target: Target, method: string): Chain {
  const { operations, rest } = target.route
  const operation =
    operations.get(method as Method) ?? (method === 'HEAD' ? operations.get('GET') : undefined) ?? rest
  return operation ? operation.run : (target.fallback ??= toFallback(target.route))
}

// OPTIONS, or a 405, inside the middleware that all operations of the route share.
function toFallback(route: RunnableRoute): Chain {
  const allow: [string, string] = ['allow', toAllow(route)]
  const shared = [...route.operations.values()]
    .map(({ middleware }) => middleware)
    .reduce((one, other) => (other.length < one.length ? other : one), route.middleware)
  return compose(
    shared.filter((layer) => !notesOf(layer).around),
    ({ method }) =>
      method === 'OPTIONS'
        ? createResponse(null, 204, [allow])
        : toProblem(405, 'Method Not Allowed', undefined, [allow]),
  )
}

// Each schema parses the names of its own part of the pattern. Returns `undefined` if one does not match.
function parseParams(
  [first, ...rest]: readonly ParamsSchema[],
  params: Params,
): Params | undefined | Promise<Params | undefined> {
  if (!first) return params
  const own: Params = {}
  const others = { ...params }
  for (const name of first.names) {
    if (Object.hasOwn(params, name)) own[name] = params[name]
    delete others[name]
  }
  return validate(first.schema, own, (result) =>
    result.issues ? undefined : parseParams(rest, { ...others, ...(result.value as Params) }),
  )
}

function* after<value>(match: Match<value>, matches: Iterable<Match<value>>): Generator<Match<value>> {
  let isAfter = false
  for (const one of matches) {
    if (isAfter) yield one
    isAfter ||= one.value === match.value
  }
}

// Files and https://www.rfc-editor.org/rfc/rfc8615 have fixed pathnames.
const wantsSlash = (pathname: string, method: string): boolean =>
  (method === 'GET' || method === 'HEAD') && /^\/(?!\.well-known\/).*\/?[^/.]+$/.test(pathname)

// Whole segments only: /api is not a prefix of /apis.
function isBelow(basePath: string, { href, start, end }: Exchange): boolean {
  return (
    !basePath ||
    (href.startsWith(basePath, start - basePath.length) && (start === end || href.charCodeAt(start) === 47))
  )
}

// A copy, because a Response can be used again.
function withBasePath(response: Response, basePath: string): Response {
  const target = ownTarget(response)
  if (target === undefined) return response
  const copy = response.clone()
  copy.headers.set('location', basePath + target)
  return copy
}
