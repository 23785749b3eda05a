import type { AnyMiddleware } from '../app.js'
import {
  middleware,
  notesOf,
  type AddedBy,
  type AnyContext,
  type AroundOperation,
  type Continued,
  type Early,
  type Next,
} from '../middleware.js'
import type { MiddlewareNotes, SecurityRequirement } from '../notes.js'
import { errorOf } from '../problem.js'

/** The context that the middleware demand. */
type Demanded<layers extends readonly AnyMiddleware[]> = AnyContext &
  (layers[number] extends (request: Request, context: infer context, next: any) => unknown ? context : unknown)
type Results<layers extends readonly AnyMiddleware[]> = ReturnType<layers[number]>
type Merged<union> = (union extends unknown ? (value: union) => void : never) extends (value: infer all) => void
  ? all
  : never
type AddedByAll<layers extends readonly AnyMiddleware[]> =
  Merged<{ [index in keyof layers]: { readonly added: AddedBy<ReturnType<layers[index]>> } }[number]> extends {
    readonly added: infer added
  }
    ? added
    : {}

type Combined<context, added, early> = (
  request: Request,
  context: context,
  next: Next,
) => Promise<Continued<added> | (early extends Response ? early : never)>

/**
 * Runs middleware in order until one calls `next()`, for alternatives such as two kinds of credentials. If none does, the
 * early response of the last one is sent. The context has what that middleware added, so a handler sees the union.
 *
 * @throws TypeError if there is no middleware.
 * @example
 * const authed = route.use(some(bearerAuth({ verify: byToken }), session()))
 */
export function some<const layers extends readonly AnyMiddleware[]>(
  ...layers: layers
): Combined<Demanded<layers>, AddedBy<Results<layers>>, Early<Results<layers>>> {
  check('some', layers)
  const build = (layers: readonly AnyMiddleware[]): AnyMiddleware =>
    async function runSome(request, context, next: Next) {
      let hasContinued = false
      const proceed: Next = (added, options) => {
        hasContinued = true
        return next(added, options)
      }
      let response: Response | undefined
      for (const layer of layers) {
        if (response) discard(response, context)
        response = await resolve(() => layer(request, context, proceed))
        if (hasContinued) break
      }
      return response!
    }
  return combine(
    layers,
    build,
    layers.flatMap((layer) => notesOf(layer).openapi?.security ?? []),
  ) as never
}

/**
 * Combines middleware into one, the first one outermost, as `.use()` for each of them does. Use it to pass several to `some()`
 * or `except()`.
 *
 * @throws TypeError if there is no middleware.
 * @example
 * const internal = some(ipRestriction({ allow: ['10.0.0.0/8'] }), every(bearerAuth({ verify }), csrf()))
 */
export function every<const layers extends readonly AnyMiddleware[]>(
  ...layers: layers
): Combined<Demanded<layers>, AddedByAll<layers>, Early<Results<layers>>> {
  check('every', layers)
  const build = (layers: readonly AnyMiddleware[]): AnyMiddleware =>
    layers.reduceRight((inner, layer) => (request, context, next) => {
      let outer: object = {}
      return layer(request, context, (added?: object, options?: { readonly request?: Request }) => {
        outer = { ...added }
        const proceed = (more?: object, inside?: object) => next({ ...outer, ...more }, { ...options, ...inside })
        return inner(options?.request ?? request, extend(context, outer), proceed)
      })
    })
  const alternatives = layers
    .map((layer) => notesOf(layer).openapi?.security ?? [{}])
    .reduce((all, own) => all.flatMap((one) => own.map((other) => ({ ...one, ...other }))))
  return combine(layers, build, alternatives) as never
}

/**
 * Runs a middleware for every route but those with one of the given patterns, such as `'/login'`. A request without a route
 * runs it. What it adds is optional in the context. Prefer a factory (`route.use(session)`) for routes that need the middleware:
 * a new route is then protected because of how it is declared.
 *
 * @throws TypeError if there are no patterns.
 * @example
 * router(routes, { use: [except(['/health', '/login'], bearerAuth({ verify }))] })
 */
export function except<const layer extends AnyMiddleware>(
  patterns: readonly string[],
  layer: layer,
): Combined<Demanded<readonly [layer]>, Partial<AddedBy<ReturnType<layer>>>, Early<ReturnType<layer>>> {
  check('except', [layer])
  if (!Array.isArray(patterns) || !patterns.length || !patterns.every((pattern) => pattern[0] === '/'))
    throw new TypeError("except() takes patterns such as ['/login'], which begin with /")
  const excluded = new Set(patterns)
  const build = ([own]: readonly AnyMiddleware[]): AnyMiddleware =>
    function runExcept(request, context, next) {
      return excluded.has(context.pattern) ? next() : own!(request, context, next)
    }
  return combine([layer], build, [...(notesOf(layer).openapi?.security ?? []), {}]) as never
}

function check(name: string, layers: readonly unknown[]): void {
  if (!layers.length || !layers.every((layer) => typeof layer === 'function'))
    throw new TypeError(`${name}() takes middleware: functions (request, context, next) => response`)
}

/** Makes one middleware of several, with what they declare. */
function combine(
  layers: readonly AnyMiddleware[],
  build: (layers: readonly AnyMiddleware[]) => AnyMiddleware,
  security: readonly SecurityRequirement[],
): AnyMiddleware {
  const notes = layers.map((layer) => notesOf(layer))
  const openapi: MiddlewareNotes = {
    responses: Object.assign({}, ...notes.map(({ openapi }) => openapi?.responses)),
    securitySchemes: Object.assign({}, ...notes.map(({ openapi }) => openapi?.securitySchemes)),
    ...(security.some((one) => Object.keys(one).length) && { security }),
  }
  const around = (operation: AroundOperation): AnyMiddleware =>
    build(layers.map((layer, index) => notes[index]!.around?.(operation) ?? layer))
  return notes.some(({ around }) => around) ? middleware({ openapi, around }) : middleware({ openapi }, build(layers))
}

/** Reports the error of a response that no client receives, and cancels its body. */
function discard(response: Response, context: AnyContext): void {
  const error = errorOf(response)
  if (error !== undefined) context.report(error)
  response.body?.cancel().catch(() => {})
}

/** A thrown Response is an early response. */
async function resolve(run: () => Response | Promise<Response>): Promise<Response> {
  try {
    return await run()
  } catch (error) {
    if (error instanceof Response) return error
    throw error
  }
}

/** The context with additions. Its own members are getters, which must be called on the context itself. */
const extend = (context: object, added: object): object =>
  new Proxy(context, {
    get: (target, name) => (Object.hasOwn(added, name) ? Reflect.get(added, name) : Reflect.get(target, name)),
    has: (target, name) => Object.hasOwn(added, name) || Reflect.has(target, name),
    ownKeys: (target) => [...new Set([...Reflect.ownKeys(target), ...Reflect.ownKeys(added)])],
    getOwnPropertyDescriptor: (target, name) =>
      Object.hasOwn(added, name)
        ? { ...Reflect.getOwnPropertyDescriptor(added, name)!, configurable: true }
        : Reflect.getOwnPropertyDescriptor(target, name),
  })
