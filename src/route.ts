import { defaultBodyLimit } from './body.js'
import { Context, Exchange, locate, type RouteContext, type Server } from './context.js'
import { Matcher, type Match } from './matcher.js'
import {
  compose,
  isRing,
  type Added,
  type AnyContext,
  type AnyMiddleware,
  type Answer,
  type Early,
  type Next,
} from './middleware.js'
import {
  methods,
  RouteError,
  toOperation,
  withParams,
  type Method,
  type RouteData,
  type RouteOperation,
} from './operation.js'
import { parsePattern, type Params, type PatternMistake } from './pattern.js'
import { toProblem, type Status } from './problem.js'
import type { Reply } from './reply.js'
import { createResponse } from '#response'
import { runRequest } from './scope.js'
import { narrow, StaticParams, type GenerateStaticParams, type StaticParamsOptions } from './static-params.js'
import { isSchema, type Input, type InputName, type Operation, type Output, type Schema } from './validate.js'

/** A function that answers requests for one pattern. */
export type Handler<pattern extends string = string, result = unknown> = (
  request: Request,
  context: RouteContext<pattern>,
) => result

/** What a route's own function takes beside the Request: in a unit test, or from Next.js. */
export interface OperationContext<pattern extends string> {
  /** In place of what the request's pathname says. */
  readonly params?: Params<pattern> | Promise<Params<pattern>>
  /** @default process.env */
  readonly env?: unknown
  readonly waitUntil?: (promise: Promise<unknown>) => void
}

/** One method of a route, and the function that answers it: what a Next.js `route.ts` exports. It runs the route's middleware, validation and handler. */
export interface OperationFunction<pattern extends string, operation, result, early> {
  (request: Request, context?: OperationContext<pattern>): Promise<Response>
  // In one member, since a result may well be undefined.
  readonly '~types'?: { readonly operation: operation; readonly result: result; readonly early: early }
}

// What an operation's own inputs add to its context: a member for each one declared, and none for the others.
type Declared<operation> = {
  readonly [key in keyof operation & InputName]: key extends 'stream'
    ? ReadableStream<Uint8Array<ArrayBuffer>>
    : Output<operation[key]>
}

/**
 * What a handler may return: a Response, what JSON carries, or nothing. Maps, Sets, buffers and functions are known by
 * members that plain values lack; a deeper look would cost each route its own.
 */
export type Sendable = Sent | PromiseLike<Sent>
type Sent = string | number | boolean | null | undefined | void | Response | AsyncIterable<unknown> | Plain
type Plain = object & {
  readonly [key in typeof Symbol.toStringTag | typeof Symbol.hasInstance | 'arrayBuffer' | 'then']?: never
}

// Narrower where the response is declared: what its schema accepts, and any typed Response of another status.
// prettier-ignore
type Returned<operation> = operation extends { readonly response: infer response } ? Allowed<response> | Promise<Allowed<response>> : Sendable
// prettier-ignore
type Allowed<response> =
  response extends Schema ? Loose<Input<response>> | Reply<200, Loose<Input<response>>> | Reply<Exclude<Status, 200>, unknown> :
  | (response extends { readonly 200: infer schema } ? Loose<Input<schema>> : never)
  | { [status in keyof response]: Reply<status & number, Loose<Input<response[status]>>> }[keyof response]
  | Reply<Exclude<Status, keyof response>, unknown>

// Literals count as their base type: TypeScript has widened a returned `'a'` to `string` before it is compared.
// prettier-ignore
type Loose<value> =
  value extends string      ? string :
  value extends number      ? number :
  value extends boolean     ? boolean :
  value extends Date | Blob ? value :
  value extends object      ? { readonly [key in keyof value]: Loose<value[key]> } :
  value

// A misspelled input has no type of its own: this gives it one that nothing fits.
type OnlyKnown<operation> = { readonly [key in Exclude<keyof operation, keyof Operation>]: never }

/** Adds an operation to `self`, which is the route with the operations it has so far. */
export interface Define<method extends Method, pattern extends string, context, early, self> {
  <result extends Sendable>(
    handler: (request: Request, context: context) => result,
  ): self & { readonly [name in method]: OperationFunction<pattern, {}, result, early> }
  <operation extends Operation, result extends Returned<operation>>(
    operation: operation & OnlyKnown<operation>,
    handler: (request: Request, context: context & Declared<operation>) => result,
  ): self & { readonly [name in method]: OperationFunction<pattern, operation, result, early> }
}

/** A pattern, to which methods are added. Immutable: each call gives a new route, which has the operation's function as a member. */
export interface Route<pattern extends string, context, early = never, params = unknown> {
  readonly pattern: pattern
  /** What was declared, by method: for those who read routes, as the router, the client and documents do. */
  readonly operations: ReadonlyMap<Method, RouteOperation>
  /** What `.generateStaticParams()` was given. */
  readonly staticParams?: StaticParams | undefined
  readonly get: Define<'GET', pattern, context, early, this>
  readonly post: Define<'POST', pattern, context, early, this>
  readonly put: Define<'PUT', pattern, context, early, this>
  readonly patch: Define<'PATCH', pattern, context, early, this>
  readonly delete: Define<'DELETE', pattern, context, early, this>
  readonly head: Define<'HEAD', pattern, context, early, this>
  readonly options: Define<'OPTIONS', pattern, context, early, this>
  readonly query: Define<'QUERY', pattern, context, early, this>
  /** Wraps what is declared after it. */
  use<result extends Response | Promise<Response>>(
    middleware: (request: Request, context: context, next: Next) => result,
  ): Route<pattern, context & Added<result>, early | Early<result>, params> & Pick<this, Method & keyof this>
  /**
   * Names params ahead, as the pattern captures them: `prerender()` fills the route's cache for these. With
   * `dynamicParams: false` the route has no others: what has others leads to the next route that matches, or to a 404.
   *
   * @throws RouteError if it is called twice, or the pattern has no params.
   * @example
   * route('/items/[slug]').generateStaticParams(() => [{ slug: 'a' }, { slug: 'b' }], { dynamicParams: false })
   * @see https://nextjs.org/docs/app/api-reference/functions/generate-static-params
   */
  generateStaticParams<params extends Params<pattern>>(
    generate: GenerateStaticParams<pattern, params>,
    options?: StaticParamsOptions,
  ): this
  readonly '~params'?: params
}

/** Makes routes. */
export interface RouteFactory<prefix extends string, added, early> {
  /**
   * A route for a pattern in Next.js's grammar: `/items/new`, `[slug]`, `[...path]`, `[[...path]]`. With `params`, what a
   * pathname captures is parsed, and what does not fit is a 404.
   *
   * @throws PatternError
   * @example
   * export const item = route('/items/[slug]').get((request, { params }) => db.find(params.slug))
   */
  <pattern extends string>(
    pattern: pattern & PatternMistake<pattern>,
  ): Route<Join<prefix, pattern>, RouteContext<Join<prefix, pattern>> & added, early>
  <pattern extends string, params extends Schema>(
    pattern: pattern & PatternMistake<pattern>,
    options: { readonly params: params },
  ): Route<Join<prefix, pattern>, RouteContext<Join<prefix, pattern>, Output<params>> & added, early, Output<params>>
  /** A factory whose routes are all inside this middleware, and have what it adds. */
  use<result extends Response | Promise<Response>>(
    middleware: (request: Request, context: AnyContext & added, next: Next) => result,
  ): RouteFactory<prefix, added & Added<result>, early | Early<result>>
  /** A factory whose patterns all begin with this one. */
  prefix<pattern extends string>(
    pattern: pattern & PatternMistake<pattern>,
  ): RouteFactory<Join<prefix, pattern>, added, early>
  /** A factory whose contexts have an `env` of this type. */
  env<env>(): RouteFactory<prefix, added & { readonly env: env }, early>
}

type Join<prefix extends string, pattern extends string> = prefix extends ''
  ? pattern
  : pattern extends '/'
    ? prefix
    : `${prefix}${pattern}`

// ── the values ──

const brand: unique symbol = Symbol.for('byway.route') as never

/** A route as others read it. */
export interface AnyRoute extends RouteData {
  readonly [brand]: true
}

/** Whether a value is a route, of this copy of byway or another. */
export const isRoute = (value: unknown): value is AnyRoute =>
  typeof value === 'object' && value !== null && (value as { [brand]?: unknown })[brand] === true

function toRoute(shape: RouteData): AnyRoute {
  const self: Record<PropertyKey, unknown> = { [brand]: true, ...shape }
  for (const method of methods) {
    self[method.toLowerCase()] = (...rest: [Operation | RouteOperation['handler'], RouteOperation['handler']?]) => {
      const [operation, handler] =
        typeof rest[0] === 'function' && !rest[1] ? [{}, rest[0]] : [rest[0] as Operation, rest[1]]
      return toRoute({
        ...shape,
        operations: new Map(shape.operations).set(method, toOperation(shape, method, operation, handler)),
      })
    }
    const operation = shape.operations.get(method)
    if (operation) self[method] = toFunction(shape, operation)
  }
  self['use'] = (middleware: AnyMiddleware) =>
    toRoute({ ...shape, middleware: [...shape.middleware, asMiddleware(middleware)] })
  self['generateStaticParams'] = (generate: () => unknown, options?: StaticParamsOptions) =>
    toRoute({ ...shape, staticParams: toStaticParams(shape, generate, options) })
  return self as unknown as AnyRoute
}

function toStaticParams(
  { pattern, staticParams }: RouteData,
  generate: () => unknown,
  options: StaticParamsOptions = {},
): StaticParams {
  const fail = (mistake: string): never => {
    throw new RouteError(`route '${pattern}': .generateStaticParams() ${mistake}`)
  }
  if (staticParams) fail('was called twice; leave one of the two.')
  if (!pattern.includes('[')) fail('has nothing to generate: the pattern has no params.')
  const { dynamicParams = true, ...rest } = options
  if (typeof generate !== 'function' || typeof dynamicParams !== 'boolean' || Object.keys(rest).length)
    fail('takes a function that gives an array of params, and { dynamicParams: true or false }.')
  return new StaticParams(pattern, generate, dynamicParams)
}

function asMiddleware(value: unknown): AnyMiddleware {
  if (typeof value === 'function') return value as AnyMiddleware
  throw new RouteError(
    `.use() takes a middleware, (request, context, next) => Response, not ${value === null ? 'null' : typeof value}`,
  )
}

// A route on its own: nobody else is there to be told of its errors.
const alone: Server = {
  bodyLimit: defaultBodyLimit,
  responseValidation: true,
  report: (error) => console.error(error),
  track: () => {},
}

function toFunction(
  shape: RouteData,
  { answer }: RouteOperation,
): (request: Request, context?: OperationContext<string>) => Promise<Response> {
  let matcher: Matcher<undefined> | undefined
  const elsewhere: Match<unknown> = { value: undefined, pattern: shape.pattern, captures: [] }
  const narrowed = narrow(
    shape.staticParams,
    answer,
    () => toProblem(404),
    (inside) => inside,
  )
  return async (request, given = {}) => {
    const { href, start, end } = locate(request.url)
    const { params, env, waitUntil } = given
    let match: Match<unknown> | undefined
    try {
      match = (matcher ??= new Matcher([[shape.pattern, undefined]])).find(href, start, end)
    } catch {
      return toProblem(400, { detail: 'The URL has a malformed percent-escape.' })
    }
    if (!match && !params) return toProblem(404)
    const exchange = new Exchange(request, alone, href, start, end, match ?? elsewhere, { env, waitUntil })
    if (params) exchange.params = { ...(await params) }
    const context = new Context(exchange)
    return exchange.finish(await runRequest(context, () => narrowed(request, context)))
  }
}

function createFactory(
  prefix: string,
  middleware: readonly AnyMiddleware[],
): (pattern: string, options?: { readonly params?: Schema }) => AnyRoute {
  const join = (pattern: string): string => {
    parsePattern(pattern)
    return prefix && pattern === '/' ? prefix : prefix + pattern
  }
  const factory = (pattern: string, options: { readonly params?: Schema } = {}): AnyRoute => {
    const whole = join(pattern)
    parsePattern(whole)
    for (const [key, value] of Object.entries(options))
      if (key !== 'params' || (value !== undefined && !isSchema(value)))
        throw new RouteError(`route '${whole}' takes { params: schema } as its options; '${key}' is not that.`)
    return toRoute({ pattern: whole, params: options.params, middleware, operations: new Map() })
  }
  return Object.assign(factory, {
    use: (layer: AnyMiddleware) => createFactory(prefix, [...middleware, asMiddleware(layer)]),
    prefix: (pattern: string) => createFactory(join(pattern), middleware),
    env: () => createFactory(prefix, middleware),
  })
}

/** Makes routes; `route.use(middleware)`, `route.prefix('/v1')` and `route.env<Env>()` make factories of routes. */
export const route: RouteFactory<'', {}, never> = createFactory('', []) as unknown as RouteFactory<'', {}, never>

/** The answer for a method that a route has not been given: OPTIONS by itself, HEAD as GET, else a 405. */
export function toFallback(route: AnyRoute): Answer {
  const { operations } = route
  const allow = methods
    .filter((method) => operations.has(method) || method === 'OPTIONS' || (method === 'HEAD' && operations.has('GET')))
    .join(', ')
  // Middleware is only ever added, so what all operations share is the shortest list.
  const shared = [...operations.values()]
    .map(({ middleware }) => middleware)
    .reduce((one, other) => (other.length < one.length ? other : one), route.middleware)
  const answer: Answer = ({ method }) =>
    method === 'OPTIONS' ? createResponse(null, 204, [['allow', allow]]) : toProblem(405, undefined, [['allow', allow]])
  const layers = shared.filter((layer) => !isRing(layer))
  return withParams(route.params, compose(layers, answer))
}
