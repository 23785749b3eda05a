import type { AnyMiddleware } from './app.js'
import { checkOptions } from './options.js'
import type { BaseContext, Context, NextOptions } from './context.js'
import type { Method, Operation } from './declaration.js'
import type { Exchange } from './exchange.js'
import type { MiddlewareNotes } from './notes.js'
import type { AnyParams } from './pattern.js'
import type { Reply } from './reply.js'
import { after, isPromise } from './promise.js'
import { isResponse } from '#response'

export type { AnyMiddleware } from './app.js'

/** The context of any route, for middleware that is written on its own. */
export interface AnyContext extends BaseContext {
  readonly params: AnyParams
}

/** The result of `next()`: the inner Response, typed with what was added to the context. Return this object. */
export interface Continued<added> extends Reply<number, unknown> {
  readonly '~added': added
}

/**
 * Runs the rest of the chain with more in its context. It always resolves to a Response: a thrown value is converted, and
 * `errorOf` returns it. It can be called after the middleware has returned.
 *
 * @throws Error if it is called twice.
 */
export type Next = <added extends object = {}>(added?: added, options?: NextOptions) => Promise<Continued<added>>

/** Code around the rest of the chain. `context` is what it demands; `result` has what it adds and its early responses. */
export type Middleware<context = AnyContext, result extends Response = Continued<{}>> = (
  request: Request,
  context: context,
  next: Next,
) => result | Promise<result>

/** The operation that a middleware made with `around` is built for. */
export interface AroundOperation {
  readonly method: Method
  readonly pattern: string
  /** The schemas and limits of the operation, as declared. */
  readonly declaration: Operation
  /**
   * Validates the declared query and headers before the rest of the chain runs, once for each request. Throws, or rejects
   * with, the 400 Response if they are invalid.
   */
  inputs(this: void, request: Request, context: object): Inputs | Promise<Inputs>
  /** `context.url.href`, without the cost of creating the `URL`. */
  href(this: void, context: object): string
}

/** The validated query and headers of a request. */
export interface Inputs {
  readonly query?: unknown
  readonly headers?: unknown
}

/** What a middleware declares in addition to its function. */
export interface MiddlewareOptions {
  /** What the OpenAPI document says about the operations behind it. */
  readonly openapi?: MiddlewareNotes
}

/**
 * Types a middleware that is written on its own. Annotate `context` to demand what an outer middleware adds:
 * `context: AnyContext & { user: User }`.
 *
 * With `{ around }`, the function is built once for each operation that it is around. Such a middleware can only be used on
 * routes.
 *
 * @throws TypeError if the options are invalid.
 * @example
 * const session = middleware(async (request, context, next) => {
 *   const user = await findUser(request.headers.get('authorization'))
 *   if (!user) return reply.unauthorized()
 *   return next({ user })
 * })
 */
export function middleware<result extends Response | Promise<Response>, context = AnyContext>(
  run: (request: Request, context: context, next: Next) => result,
): (request: Request, context: context, next: Next) => result
export function middleware<result extends Response | Promise<Response>, context = AnyContext>(
  options: MiddlewareOptions,
  run: (request: Request, context: context, next: Next) => result,
): (request: Request, context: context, next: Next) => result
export function middleware<result extends Response | Promise<Response>, context = AnyContext>(
  options: MiddlewareOptions & {
    /** Builds the middleware for one operation. */
    readonly around: (operation: AroundOperation) => (request: Request, context: context, next: Next) => result
  },
): (request: Request, context: context, next: Next) => result
export function middleware(
  given: AnyMiddleware | (MiddlewareOptions & { around?: (operation: AroundOperation) => AnyMiddleware }),
  run?: AnyMiddleware,
): AnyMiddleware {
  if (typeof given === 'function') return given
  checkOptions('middleware()', given, { openapi: 'object', around: 'function' }, TypeError)
  if (given.around ? run : typeof run !== 'function')
    throw new TypeError('middleware() takes a function, options and a function, or { around: function }')
  const around =
    run ??
    (() => {
      throw new TypeError('middleware with { around } must be used on a route: route.use(…)')
    })
  // A new function: the same one can be given other options elsewhere.
  return Object.defineProperty((request: Request, context: any, next: any) => around(request, context, next), notes, {
    value: given,
  })
}

// The same in every copy of byway: a command has its own.
const notes: unique symbol = Symbol.for('byway.notes') as never

/** The options that a middleware was made with. */
export const notesOf = (
  layer: unknown,
): MiddlewareOptions & { around?: (operation: AroundOperation) => AnyMiddleware } =>
  (layer as { [notes]?: object } | undefined)?.[notes] ?? {}

// The result of `next()`, whatever it adds.
interface AnyContinued {
  readonly '~added': unknown
}

/** What the result of a middleware adds to the context; `never` if it never returns the Response of `next()` itself. */
// prettier-ignore
export type AddedBy<result> =
  result extends AnyContinued            ? result['~added'] :
  result extends Promise<infer response> ? AddedBy<response> :
  never

/** The same, but `{}` for `never`. */
export type Added<result> = [AddedBy<result>] extends [never] ? {} : AddedBy<result>

/** The early responses in the result of a middleware. */
// prettier-ignore
export type Early<result> =
  result extends Promise<infer response> ? Early<response> :
  result extends AnyContinued            ? never :
  result

// ── composition ──

/** The rest of a chain: it never throws, and never rejects. */
export type Chain = (request: Request, context: Context) => Response | Promise<Response>

/** Composes middleware around the rest of a chain, the first one outermost. */
export function compose(layers: readonly AnyMiddleware[], inner: Chain): Chain {
  return layers.reduceRight(wrap, inner)
}

// If the middleware, its `map` and the rest of the chain are synchronous, there is no promise except the one of `next()`.
function wrap(inner: Chain, layer: AnyMiddleware): Chain {
  return (request, context) => {
    const exchange = context['~exchange']
    let response: Response | Promise<Response> | undefined
    let given: Promise<Response> | undefined
    const next = (added?: object, options?: NextOptions): Promise<Response> => {
      if (given) throw new Error('next() was called twice')
      const { request: passed = request, view, signal, map } = options ?? {}
      const changes = (view ?? signal) && options
      response = inner(passed, added || changes ? context['~with'](added, changes) : context)
      if (map) response = after(response, (response) => follow(exchange, map, response))
      return (given = response instanceof Promise ? response : exchange.promiseOf(response))
    }
    try {
      const result: unknown = layer(request, context['~seen'], next)
      // It has not looked at the response, so there is nothing to follow.
      return given && result === given ? response! : settleAny(exchange, result)
    } catch (error) {
      return exchange.thrown(error, 'middleware')
    }
  }
}

function follow(
  exchange: Exchange,
  map: (response: Response) => unknown,
  response: Response,
): Response | Promise<Response> {
  try {
    return settleAny(exchange, map(response))
  } catch (error) {
    return exchange.thrown(error, 'middleware')
  }
}

const settleAny = (exchange: Exchange, result: unknown): Response | Promise<Response> =>
  isPromise(result)
    ? Promise.resolve(result).then(
        (result) => settle(exchange, result),
        (error: unknown) => exchange.thrown(error, 'middleware'),
      )
    : settle(exchange, result)

const settle = (exchange: Exchange, result: unknown): Response =>
  isResponse(result) && !result.bodyUsed ? exchange.settle(result) : exchange.thrown(toMistake(result), 'middleware')

const toMistake = (result: unknown): TypeError =>
  new TypeError(
    isResponse(result)
      ? 'a middleware returned a Response whose body was read; return a clone'
      : `a middleware returned ${typeof result} instead of a Response; return next(), or a Response`,
  )
