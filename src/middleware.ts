import { withNotes, type MiddlewareNotes } from './annotations.js'
import { Context, type BaseContext, type Phase } from './context.js'
import type { AnyParams } from './pattern.js'
import { toFailure } from './problem.js'
import type { Reply } from './reply.js'
import { isResponse } from '#response'

/** The context of a route that is not known yet: what a middleware sees that is written on its own. */
export interface AnyContext extends BaseContext {
  readonly params: AnyParams
}

/** What `next()` resolves to: the inner Response, which remembers what was added to the context. Return this very object. */
export interface Continued<added> extends Reply<number, unknown> {
  readonly '~added': added
}

/**
 * Runs what is inside, with more in its context. It always resolves: what is thrown inside has become a Response, whose
 * cause `errorOf` tells. @throws Error if it is called twice.
 */
export type Next = <added extends object = {}>(added?: added) => Promise<Continued<added>>

/** A layer around what is inside it. `context` is what it demands; `result` tells what it adds and what it answers by itself. */
export type Middleware<context = AnyContext, result extends Response = Continued<{}>> = (
  request: Request,
  context: context,
  next: Next,
) => result | Promise<result>

/** Any middleware, for lists of them. */
export type AnyMiddleware = Middleware<any, any>

/**
 * A middleware written on its own.
 *
 * Annotate `context` to demand what an outer one adds: `context: AnyContext & { user: User }`.
 *
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
/** A middleware that says what documents are to tell of it: `middleware({ openapi: { security, responses } }, run)`. */
export function middleware<result extends Response | Promise<Response>, context = AnyContext>(
  notes: { readonly openapi: MiddlewareNotes },
  run: (request: Request, context: context, next: Next) => result,
): (request: Request, context: context, next: Next) => result
export function middleware(
  notes: AnyMiddleware | { readonly openapi: MiddlewareNotes },
  run?: AnyMiddleware,
): AnyMiddleware {
  if (typeof notes === 'function') return notes
  if (typeof run !== 'function' || typeof notes?.openapi !== 'object' || Object.keys(notes).length > 1)
    throw new TypeError('middleware() takes a function, or { openapi: … } and a function')
  // A function of its own: the same one may be noted elsewhere in another way.
  return withNotes<AnyMiddleware>((request, context, next) => run(request, context, next), notes)
}

/** What a middleware's result adds to the context. */
// prettier-ignore
export type Added<result> =
  result extends Promise<infer response> ? Added<response> :
  result extends Continued<infer added>  ? added :
  never

/** What a middleware's result answers by itself. */
// prettier-ignore
export type Early<result> =
  result extends Promise<infer response> ? Early<response> :
  result extends Continued<any>          ? never :
  result extends Reply<any, any>         ? result :
  never

// ── composing ──

/** Something that answers: it never throws, and never rejects. */
export type Answer = (request: Request, context: Context) => Response | Promise<Response>

/** What a ring is told of the operation that it is around. */
export interface Inside {
  readonly method: string
  readonly pattern: string
  /** Whether it declares `headers`. */
  readonly readsHeaders: boolean
  /** Puts the declared query and headers into a context, or gives the answer for what does not fit. Nobody else does. */
  readonly validate:
    | ((request: Request, context: Context) => Response | undefined | Promise<Response | undefined>)
    | undefined
  readonly answer: Answer
}

/** The name under which a middleware says that it stands around one operation each, and replaces the request and the context that are seen inside. */
export const ring: unique symbol = Symbol('byway.ring') as never

/** A middleware that is made anew for each operation that it is around. */
export interface Ring {
  readonly [ring]: (inside: Inside) => Answer
}

export const isRing = (layer: AnyMiddleware): layer is AnyMiddleware & Ring => ring in layer

/** The layers around what is inside, the first one outermost. */
export function compose(layers: readonly AnyMiddleware[], inside: Answer): Answer {
  return layers.reduceRight(wrap, inside)
}

// Without a promise where the layer and what is inside are synchronous, but for the one that `next()` has to give.
function wrap(inside: Answer, layer: AnyMiddleware): Answer {
  return (request, context) => {
    let answer: Response | Promise<Response> | undefined
    let given: Promise<Response> | undefined
    const next = (added?: object): Promise<Response> => {
      if (given) throw new Error('next() was called twice; call it once, and return what it gives')
      answer = inside(request, added ? Context.with(context, added) : context)
      return (given = answer instanceof Promise ? answer : Promise.resolve(answer))
    }
    try {
      const result: unknown = layer(request, context as never, next as Next)
      return result === given && answer ? answer : settle(result, context, 'middleware', toAnswer)
    } catch (error) {
      return toThrown(error, 'middleware')
    }
  }
}

function toAnswer(result: unknown): Response {
  if (isResponse(result)) {
    if (result.bodyUsed)
      throw new TypeError('a middleware read the body of the Response that it returned; read a clone')
    return result
  }
  throw new TypeError(
    `a middleware returned ${result === undefined ? 'nothing' : 'no Response'}; return next(), or a Response of its own`,
  )
}

/** What `run` gave, made into an answer now or when it is there, with what it threw as an answer too. */
export function settle(
  result: unknown,
  context: Context,
  phase: Phase,
  make: (result: unknown, context: Context) => Response | Promise<Response>,
): Response | Promise<Response> {
  if (!isThenable(result)) return make(result, context)
  return Promise.resolve(result)
    .then((value) => make(value, context))
    .catch((error: unknown) => toThrown(error, phase))
}

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'

/** The answer to something thrown: a Response answers for itself, anything else is a 500 that says nothing. */
export function toThrown(error: unknown, phase: Phase): Response {
  return isResponse(error) && !error.bodyUsed ? error : toFailure(error, phase)
}
