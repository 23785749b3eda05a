import type { ParamsSchema, RouteData } from './app.js'
import { Context } from './context.js'
import type { Method } from './declaration.js'
import { Exchange, type Server } from './exchange.js'
import type { Host } from './host.js'
import { limitBody } from './inputs/source.js'
import { Matcher, type Match } from './matcher.js'
import { compose, notesOf, type Chain } from './middleware.js'
import { toAllow, type RunnableOperation } from './operation.js'
import type { Rewrites } from './paths/rewrites.js'
import { toProblem } from './problem.js'
import { after, attempt } from './promise.js'
import { createResponse, ownTarget } from '#response'
import { validate } from './schema.js'
import { runInScope } from './scope.js'
import { undeclared } from './undeclared.js'

/** A route whose operations can run. */
export interface RunnableRoute extends RouteData {
  readonly operations: ReadonlyMap<Method, RunnableOperation>
  readonly rest?: RunnableOperation | undefined
}

/** How requests are matched and sent. */
export interface ServeSettings extends Pick<Server, 'app' | 'report' | 'track'> {
  /** @default 'redirect' */
  readonly trailingSlash?: 'redirect' | 'ignore' | 'strict' | 'always' | undefined
  readonly rewrites?: Rewrites | undefined
  /** @default 1_048_576 */
  readonly bodyLimit?: number | undefined
  /** @default true */
  readonly responseValidation?: boolean | undefined
}

/** Sends a request through the route that matches it. `params` replaces what the pathname captures. */
export type Serve = (request: Request, host?: Host, params?: Params) => Response | Promise<Response>

// What runs inside the router's middleware: an operation, or byway's own response.
type Action = Pick<RunnableOperation, 'run'> & Partial<RunnableOperation>

interface Target {
  readonly route: RunnableRoute
  /** The response to a method that the route lacks. Made when it is first needed. */
  fallback?: Action
}

type Params = Record<string, unknown>

const notFound: Action = { run: () => toProblem(404, 'Not Found', { detail: undeclared }) }
// Params that do not match are in the client's types, so this 404 is a result.
const invalidParams: Action = { run: () => toProblem(404, 'Not Found') }
const malformed: Action = {
  run: () => toProblem(400, 'Bad Request', { detail: 'The URL has a malformed percent-escape.' }),
}

/**
 * Makes the function through which every request goes: to one route that is called on its own, or to all routes of a router.
 *
 * @throws RouterError if two patterns match the same pathnames with the same precedence.
 */
export function createServe(routes: readonly RunnableRoute[], settings: ServeSettings): Serve {
  const { app, rewrites, trailingSlash = 'redirect', bodyLimit = 1_048_576, responseValidation = true } = settings
  const { use, basePath, problems } = app
  const matcher = new Matcher<Target>(routes.map((route) => [route.pattern, { route }, route.segments]))
  const chain = compose(use, (request, context) => context['~exchange'].run(request, context))

  const server: Server = {
    ...settings,
    bodyLimit,
    responseValidation,
    async dispatch(request, outer) {
      if (outer.isDispatched || outer.outer) throw new Error('context.app.dispatch() was called twice')
      outer.isDispatched = true
      const exchange = new Exchange(request, server, outer.host, outer)
      const { run } = await choose(exchange)
      return run(request, new Context(exchange))
    },
  }

  // Returns what runs inside the router's middleware. A trailing slash is removed before the pathname is rewritten, once.
  const choose = (exchange: Exchange): Action | Promise<Action> => {
    const { href, start, end, request, outer } = exchange
    if (!isBelow(basePath, exchange)) return notFound
    let target: string | false = false
    if (!outer) {
      if (end - start > 1 && href.charCodeAt(end - 1) === 47 && href.charCodeAt(end - 2) !== 47) {
        if (trailingSlash !== 'strict') exchange.cut()
        target = trailingSlash === 'redirect' && request.method !== 'OPTIONS' && href.slice(start, end - 1)
      } else if (trailingSlash === 'always') target = withSlash(href.slice(start, end), request.method)
      rewrites?.apply(exchange, basePath)
    }
    try {
      const action = accept(exchange, matcher.find(exchange.href, exchange.start, exchange.end))
      if (!target) return action
      return after(action, (action) => (exchange.match ? toRedirect(exchange, target + exchange.search) : action))
    } catch (error) {
      if (error instanceof URIError) return malformed
      throw error
    }
  }

  // Params are settled before any middleware runs. A request whose params do not match continues with the next match.
  const accept = (
    exchange: Exchange,
    match: Match<Target> | undefined,
    given?: Params,
    missing: Action = notFound,
  ): Action | Promise<Action> => {
    exchange.use(match, given)
    if (!match) return missing
    const action = actionOf(match.value, exchange.request.method)
    const { params: schemas } = match.value.route
    if (!schemas.length) return action
    return attempt<Params | undefined, Action>(
      () => parseParams(schemas, exchange.params),
      (params) => {
        if (!params)
          return accept(exchange, match.next && { ...match.next, isEscaped: match.isEscaped }, undefined, invalidParams)
        exchange.use(match, params)
        return action
      },
      (error) => ({ run: () => exchange.thrown(error, 'input') }),
    )
  }

  const start = (
    exchange: Exchange,
    { run, declaration = {}, middleware = [] }: Action,
  ): Response | Promise<Response> => {
    const { request, host } = exchange
    const { body, bodyLimit = server.bodyLimit } = declaration
    // A declared body that no middleware can read is counted by its reader.
    if (!body || use.length || middleware.length) limitBody(request, bodyLimit, host.isServer)
    exchange.run = run
    const context = new Context(exchange)
    return runInScope(context, () => chain(request, context))
  }

  const finish = (exchange: Exchange, response: Response): Response => {
    const converted = problems ? problems.convert(response) : response
    return exchange.finish(basePath ? withBasePath(converted, basePath) : converted)
  }

  return (request, host, params) => {
    const exchange = new Exchange(request, server, host)
    const action = params ? accept(exchange, toMatch(routes[0]!), params) : choose(exchange)
    const response =
      action instanceof Promise ? action.then((action) => start(exchange, action)) : start(exchange, action)
    return response instanceof Promise
      ? response.then((response) => finish(exchange, response))
      : finish(exchange, response)
  }
}

// The match of a route that gets its params from its caller.
const toMatch = (route: RunnableRoute): Match<Target> => ({ value: { route }, pattern: route.pattern, captures: [] })

function actionOf(target: Target, method: string): Action {
  const { operations, rest } = target.route
  return (
    operations.get(method as Method) ??
    (method === 'HEAD' ? operations.get('GET') : undefined) ??
    rest ??
    (target.fallback ??= { run: toFallback(target.route) })
  )
}

// OPTIONS, or a 405, inside the middleware that all operations of the route share.
function toFallback(route: RunnableRoute): Chain {
  const allow: [string, string] = ['allow', toAllow(route)]
  const shared = [...route.operations.values()]
    .map(({ middleware }) => middleware)
    .reduce((one, other) => (other.length < one.length ? other : one))
  return compose(
    shared.filter((layer) => !notesOf(layer).around),
    ({ method }) =>
      method === 'OPTIONS'
        ? createResponse(null, 204, [allow])
        : toProblem(405, 'Method Not Allowed', { detail: undeclared }, [allow]),
  )
}

function toRedirect(exchange: Exchange, location: string): Action {
  exchange.use()
  return { run: () => createResponse(null, 308, [['location', location]], { isReply: true }) }
}

// Each schema parses the names of its own part of the pattern. Returns `undefined` if one does not match.
function parseParams(
  [first, ...rest]: readonly ParamsSchema[],
  params: Params,
): Params | undefined | Promise<Params | undefined> {
  if (!first) return params
  const own: Params = {}
  const others: Params = {}
  for (const [name, value] of Object.entries(params)) (first.names.includes(name) ? own : others)[name] = value
  return validate(first.schema, own, (result) =>
    result.issues ? undefined : parseParams(rest, { ...(result.value as Params), ...others }),
  )
}

// Files and https://www.rfc-editor.org/rfc/rfc8615 have fixed pathnames.
const withSlash = (pathname: string, method: string): string | false =>
  (method === 'GET' || method === 'HEAD') && /^\/(?!\.well-known\/)(?:.*\/)?[^/.]+$/.test(pathname) && `${pathname}/`

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
