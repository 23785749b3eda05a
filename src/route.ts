import type { AnyMiddleware, ParamsSchema, RouteData, RouteOperation } from './app.js'
import type { BaseContext, RouteContext } from './context.js'
import { methods, type BodyKind, type InputName, type Method, type Operation } from './declaration.js'
import type { Added, AnyContext, Early, Next } from './middleware.js'
import { RouteError, toOperation, type RunnableOperation } from './operation.js'
import { checkOptions, hasMethod, show } from './options.js'
import { parsePattern, type InvalidPattern, type Params, type PatternMistake, type Segment } from './pattern.js'
import type { Status } from './problem.js'
import type { Reply } from './reply.js'
import { isSchema, type Input, type Output, type Schema } from './schema.js'
import { createServe, type RunnableRoute, type Serve } from './serve.js'

/** A function that handles requests of one pattern. */
export type Handler<pattern extends string = string, result = unknown> = (
  request: Request,
  context: RouteContext<pattern>,
) => result

/** What a route's own function takes in addition to the Request: in a unit test, or from Next.js. */
export interface OperationContext<pattern extends string> {
  /** The params as strings, which replace those of the request's pathname. The route's schema parses them. */
  readonly params?: Params<pattern> | Promise<Params<pattern>>
  /** @default process.env */
  readonly env?: unknown
  readonly waitUntil?: (promise: Promise<unknown>) => void
}

/**
 * One operation of a route as a function, which is what a Next.js `route.ts` exports. It runs the route's middleware,
 * validation and handler.
 */
export interface OperationFunction<pattern extends string, operation, result, early, context = any> {
  (request: Request, context?: OperationContext<pattern>): Promise<Response>
  /**
   * The declared handler, for tests: it runs without middleware and validation, and returns the raw value. Pass what
   * middleware and inputs would add to the context; byway's own members are optional.
   */
  readonly handler: (request: Request, context: HandlerContext<context & Declared<operation>>) => result
  // One member, because a result can be undefined.
  readonly '~types'?: { readonly operation: operation; readonly result: result; readonly early: early }
}

type OwnMembers = keyof BaseContext | 'params'
type HandlerContext<context> = Omit<context, OwnMembers> & Partial<Pick<context, OwnMembers & keyof context>>

// The inputs that an operation declares, as they are in its context.
type Declared<operation> = {
  readonly [key in keyof operation & InputName]: key extends 'body' ? BodyOutput<operation[key]> : Output<operation[key]>
}
// prettier-ignore
type BodyOutput<body> =
  body extends Schema                        ? Output<body> :
  body extends BodyKind<string, infer schema> ? Output<schema> :
  never

/**
 * What a handler can return: a Response, a value that JSON can represent, or nothing. Maps, Sets, buffers and functions are
 * recognized by members that plain values lack; looking deeper would cost each route its own types.
 */
export type Sendable = Sent | PromiseLike<Sent>
type Sent = string | number | boolean | null | undefined | void | Response | Plain
type Plain = object & {
  readonly [key in
    | typeof Symbol.toStringTag
    | typeof Symbol.hasInstance
    | typeof Symbol.asyncIterator
    | 'arrayBuffer'
    | 'then']?: never
}

// Narrower if the response is declared: the input of its schema, and typed Responses of other statuses.
// prettier-ignore
type Returned<operation> = operation extends { readonly response: infer response } ? Allowed<response> | Promise<Allowed<response>> : Sendable
// prettier-ignore
type Allowed<response> =
  response extends Schema ? Loose<Input<response>> | Reply<200, Loose<Input<response>>> | Reply<Exclude<Status, 200>, unknown> :
  | (response extends { readonly 200: infer schema } ? Loose<Input<schema>> : never)
  | (response extends { readonly 204: unknown } ? undefined | void : never)
  | { [status in keyof response]: Reply<status & number, Loose<Input<response[status]>>> }[keyof response]
  | Reply<Exclude<Status, keyof response>, unknown>

// Literals count as their base type: TypeScript has widened a returned `'a'` to `string` before it compares.
// prettier-ignore
type Loose<value> =
  value extends string      ? string :
  value extends number      ? number :
  value extends boolean     ? boolean :
  value extends Date | Blob ? value :
  value extends object      ? { readonly [key in keyof value]: Loose<value[key]> } :
  value

// A misspelled key has a type that no value has.
type OnlyKnown<operation> = { readonly [key in Exclude<keyof operation, keyof Operation>]: never }

/** Adds an operation to `self`, the route with its operations so far. */
export interface Define<method extends Method, pattern extends string, context, early, self> {
  /**
   * Declares an operation with inputs, and its handler.
   *
   * @throws RouteError if the route already has this method, or the operation is invalid.
   */
  <operation extends Operation, result extends Returned<operation>>(
    operation: operation & OnlyKnown<operation>,
    handler: (request: Request, context: context & Declared<operation>) => result,
  ): self & { readonly [name in method]: OperationFunction<pattern, operation, result, early, context> }
  /**
   * Declares an operation without inputs.
   *
   * @throws RouteError if the route already has this method.
   */
  <result extends Sendable>(
    handler: (request: Request, context: context) => result,
  ): self & { readonly [name in method]: OperationFunction<pattern, {}, result, early, context> }
}

/** Adds a handler for the methods that are not declared otherwise. */
export interface DefineRest<context, self> {
  <operation extends Operation, result extends Returned<operation>>(
    operation: operation & OnlyKnown<operation>,
    handler: (request: Request, context: context & Declared<operation>) => result,
  ): self
  <result extends Sendable>(handler: (request: Request, context: context) => result): self
}

/** A pattern with operations. Each call returns a new route, which has the operation's function as a member. */
export interface Route<pattern extends string, context, early = never, params = unknown> {
  readonly pattern: pattern
  /** The operations as data, by method: for code that reads routes, as the router and documents do. */
  readonly operations: ReadonlyMap<Method, RouteOperation>
  /** Handles GET, and HEAD if the route does not declare it. */
  readonly get: Define<'GET', pattern, context, early, this>
  /** Handles POST. */
  readonly post: Define<'POST', pattern, context, early, this>
  /** Handles PUT. */
  readonly put: Define<'PUT', pattern, context, early, this>
  /** Handles PATCH. */
  readonly patch: Define<'PATCH', pattern, context, early, this>
  /** Handles DELETE. */
  readonly delete: Define<'DELETE', pattern, context, early, this>
  /** Handles HEAD. By default, HEAD runs the GET handler and sends no body. */
  readonly head: Define<'HEAD', pattern, context, early, this>
  /** Handles OPTIONS. By default, OPTIONS is a 204 with `Allow`. */
  readonly options: Define<'OPTIONS', pattern, context, early, this>
  /** Handles QUERY, a safe method with a body. */
  readonly query: Define<'QUERY', pattern, context, early, this>
  /** Handles every method that is not declared otherwise, to mount another fetch handler. It is not in the client or the document. */
  readonly all: DefineRest<context, this>
  /**
   * Wraps the operations that are declared after it.
   *
   * @throws RouteError if `middleware` is not a function.
   */
  use<result extends Response | Promise<Response>>(
    middleware: (request: Request, context: context, next: Next) => result,
  ): Route<pattern, context & Added<result>, early | Early<result>, params> & Pick<this, Method & keyof this>
  readonly '~params'?: params
}

/** Makes routes. */
export interface RouteFactory<prefix extends string, added, early, base = unknown> {
  /**
   * Makes a route for a pattern in Next.js's grammar: `/items/new`, `[slug]`, `[...path]`, `[[...path]]`. With `params`, a
   * schema parses what a pathname captures; a request whose params do not match continues with the next route.
   *
   * @throws PatternError if the pattern is malformed; RouteError if an option is invalid.
   * @example
   * export const item = route('/items/[slug]').get((request, { params }) => db.find(params.slug))
   */
  <pattern extends string>(
    pattern: pattern & PatternMistake<pattern>,
  ): Route<Join<prefix, pattern>, RouteContext<Join<prefix, pattern>, PlainRouteParams<prefix, pattern, base>> & added, early>
  <pattern extends string, params extends Schema>(
    pattern: pattern & PatternMistake<pattern>,
    options: { readonly params: params & ParamsMistake<params, Part<params, prefix, pattern>> },
  ): Route<
    Join<prefix, pattern>,
    RouteContext<Join<prefix, pattern>, With<FactoryParams<prefix, base>, OwnOutput<params, FactoryParams<prefix, base>>>> & added,
    early,
    With<FactoryParams<prefix, base>, ClientParams<Input<params>, Output<params>>>
  >
  /** Makes a factory whose routes are inside this middleware, and have what it adds. */
  use<result extends Response | Promise<Response>>(
    middleware: (request: Request, context: FactoryContext<prefix, base> & added, next: Next) => result,
  ): RouteFactory<prefix, added & Added<result>, early | Early<result>, base>
  /**
   * Makes a factory whose patterns begin with this one. `params` parses the params of this part.
   *
   * @throws PatternError if the pattern is malformed.
   */
  prefix<pattern extends string>(
    pattern: pattern & PatternMistake<pattern>,
  ): RouteFactory<Join<prefix, pattern>, added, early, unknown extends base ? unknown : base & Params<pattern>>
  prefix<pattern extends string, params extends Schema>(
    pattern: pattern & PatternMistake<pattern>,
    options: { readonly params: params & ParamsMistake<params, pattern> },
  ): RouteFactory<Join<prefix, pattern>, added, early, With<FactoryParams<prefix, base>, Output<params>>>
  /** Makes a factory whose contexts have an `env` of this type. */
  env<env>(): RouteFactory<prefix, added & { readonly env: env }, early, base>
}

type Join<prefix extends string, pattern extends string> = prefix extends ''
  ? pattern
  : pattern extends '/'
    ? prefix
    : `${prefix}${pattern}`

// `base` is `unknown` until a prefix has a schema.
// prettier-ignore
type FactoryParams<prefix extends string, base> =
  prefix extends ''    ? unknown :
  unknown extends base ? Params<prefix> :
  base
// prettier-ignore
type PlainRouteParams<prefix extends string, pattern extends string, base> =
  unknown extends base ? Params<Join<prefix, pattern>> : base & Params<pattern>
type With<base, own> = unknown extends base ? own : base & own

// Static params list the params of the whole pattern; a prefix's schema still parses its own.
type Part<params, prefix extends string, pattern extends string> = params extends { readonly load: unknown } ? Join<prefix, pattern> : pattern
// The params that the client takes. A param that a coercing schema accepts as `unknown` has the type of the output.
// prettier-ignore
type ClientParams<input, output> =
  unknown extends input ? unknown :
  { [name in keyof input]: unknown extends input[name] ? name extends keyof output ? output[name] : unknown : input[name] }
type OwnOutput<params, base> = params extends { readonly load: unknown } ? Omit<Output<params>, keyof base> : Output<params>
// prettier-ignore
type FactoryContext<prefix extends string, base> =
  prefix extends '' ? AnyContext : AnyContext & { readonly params: FactoryParams<prefix, base> }

/** Fails to compile, with the name, if the input of a params schema and the pattern differ in a name. */
// prettier-ignore
type ParamsMistake<schema, pattern extends string> =
  unknown extends Input<schema>                                          ? unknown :
  // No row, or any name.
  string extends keyof Input<schema>                                     ? unknown :
  [Exclude<keyof Input<schema>, keyof Params<pattern>>] extends [never]
    ? [Exclude<keyof Params<pattern>, keyof Input<schema>>] extends [never]
      ? unknown
      : InvalidPattern<`the schema lacks the param '${Exclude<keyof Params<pattern>, keyof Input<schema>> & string}'`>
    : InvalidPattern<`the pattern does not capture '${Exclude<keyof Input<schema>, keyof Params<pattern>> & string}'`>

// ── values ──

const brand: unique symbol = Symbol.for('byway.route') as never

/** A route as other code reads it. */
export interface AnyRoute extends RunnableRoute {
  readonly [brand]: true
}

/** Whether a value is a route, of this copy of byway or another. */
export const isRoute = (value: unknown): value is AnyRoute =>
  typeof value === 'object' && value !== null && (value as { [brand]?: unknown })[brand] === true

type DefineArguments = [Operation | RouteOperation['handler'], RouteOperation['handler']?]

class RouteValue implements RunnableRoute {
  declare readonly pattern: string
  declare readonly segments: readonly Segment[]
  declare readonly params: readonly ParamsSchema[]
  declare readonly middleware: readonly AnyMiddleware[]
  declare readonly operations: ReadonlyMap<Method, RunnableOperation>
  declare readonly rest?: RunnableOperation | undefined

  constructor(data: RunnableRoute) {
    Object.assign(this, data)
  }

  get [brand](): true {
    return true
  }

  use(layer: AnyMiddleware): RouteValue {
    return new RouteValue({ ...this, middleware: withLayer(this.middleware, layer) })
  }

  all(...given: DefineArguments): RouteValue {
    return new RouteValue({ ...this, rest: define(this, 'ALL', given) })
  }
}

for (const method of methods)
  Object.defineProperties(RouteValue.prototype, {
    [method.toLowerCase()]: {
      value(this: RouteValue, ...given: DefineArguments) {
        const operations = new Map(this.operations).set(method, define(this, method, given))
        return new RouteValue({ ...this, operations })
      },
    },
    // Made when it is first read: a router does not need it.
    [method]: {
      get(this: RouteValue) {
        const operation = this.operations.get(method)
        const value = operation && Object.assign(toFunction(this), { handler: operation.handler })
        Object.defineProperty(this, method, { value })
        return value
      },
    },
  })

const define = (route: RouteValue, method: Method | 'ALL', [first, second]: DefineArguments): RunnableOperation =>
  typeof first === 'function' && !second
    ? toOperation(route, method, {}, first)
    : toOperation(route, method, first as Operation, second)

function withLayer(layers: readonly AnyMiddleware[], layer: unknown): readonly AnyMiddleware[] {
  if (typeof layer === 'function') return [...layers, layer as AnyMiddleware]
  throw new RouteError(`.use() takes a middleware (request, context, next) => response, not ${show(layer)}`)
}

// One route, called without a router: its errors are printed.
function toFunction(route: RouteValue): (request: Request, context?: OperationContext<string>) => Promise<Response> {
  let serve: Serve | undefined
  return async (request, { params, env, waitUntil } = {}) => {
    serve ??= createServe([route], {
      app: { routes: [{ route, names: [] }], use: [], rewrites: [], basePath: '' },
      trailingSlash: 'strict',
      report: (error) => console.error(error),
    })
    return serve(request, { env, waitUntil }, params && { ...(await params) })
  }
}

interface FactoryOptions {
  readonly params?: Schema
}

type Base = Pick<RouteData, 'pattern' | 'segments' | 'params' | 'middleware'>

function createFactory(base: Base): (pattern: string, options?: FactoryOptions) => RouteValue {
  const join = (pattern: string, options: FactoryOptions = {}): Base => {
    checkOptions(`route('${pattern}')`, options, { params: isSchema }, RouteError)
    const whole = pattern === '/' ? base.pattern || '/' : pattern[0] === '/' ? base.pattern + pattern : pattern
    const segments = parsePattern(whole)
    const { params: schema } = options
    if (!schema) return { ...base, pattern: whole, segments }
    // Static params list the params of the whole pattern, so they are compared before another schema parses a part.
    const isStatic = hasMethod('load')(schema)
    const names = namesOf(isStatic ? segments : segments.slice(base.segments.length))
    if (!names.length)
      throw new RouteError(`route '${whole}' has a params schema, but '${pattern}' has no params; remove the schema`)
    const own = [{ names, schema }]
    return { ...base, pattern: whole, segments, params: isStatic ? [...own, ...base.params] : [...base.params, ...own] }
  }
  const factory = (pattern: string, options?: FactoryOptions): RouteValue =>
    new RouteValue({ ...join(pattern, options), operations: new Map() })
  return Object.assign(factory, {
    use: (layer: AnyMiddleware) => createFactory({ ...base, middleware: withLayer(base.middleware, layer) }),
    prefix: (pattern: string, options?: FactoryOptions) => createFactory(join(pattern, options)),
    env: () => factory,
  })
}

const namesOf = (segments: readonly Segment[]): string[] =>
  segments.flatMap(({ kind, name }) => (kind === 'static' ? [] : name))

/** Makes routes; `route.use(middleware)`, `route.prefix('/v1')` and `route.env<Env>()` make factories of routes. */
export const route: RouteFactory<'', {}, never> = createFactory({
  pattern: '',
  segments: [],
  params: [],
  middleware: [],
}) as unknown as RouteFactory<'', {}, never>
