import type { AnyMiddleware, ParamsSchema, RouteData, RouteOperation } from './app.js'
import type { BaseContext, RouteContext } from './context.js'
import type { HrefParams } from './href.js'
import { methods, type BodyKind, type InputName, type Method, type Operation } from './declaration.js'
import type { Added, AddedBy, AnyContext, Next } from './middleware.js'
import { RouteError, toOperation, type RunnableOperation } from './operation.js'
import { checkOptions, hasMethod, show } from './options.js'
import { parsePattern, type InvalidPattern, type Params, type PatternMistake, type Segment } from './pattern.js'
import type { DeclaredReply, OtherReply } from './reply.js'
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
export interface OperationFunction<pattern extends string, operation, result, layers, context = any> {
  (request: Request, context?: OperationContext<pattern>): Promise<Response>
  /**
   * The declared handler, for tests: it runs without middleware and validation, and returns the raw value. Pass what
   * middleware and inputs would add to the context; byway's own members are optional.
   */
  readonly handler: (request: Request, context: HandlerContext<context & Declared<operation>>) => result
  // One member, because a result can be undefined. `layers` has the results of the middleware.
  readonly '~types'?: { readonly operation: operation; readonly result: result; readonly layers: layers }
}

type OwnMembers = keyof BaseContext | 'params'
type HandlerContext<context> = Omit<context, OwnMembers> & Partial<Pick<context, OwnMembers & keyof context>>

// The inputs that an operation declares, as they are in its context.
type Declared<operation> = {
  readonly [key in keyof operation & InputName]: key extends 'body'
    ? BodyOutput<operation[key]>
    : Output<operation[key]>
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
type Sent = string | number | boolean | null | undefined | void | AnyResponse | Plain
// Without `status`, from which a generic function would infer its own.
type AnyResponse = Omit<Response, 'status'>
type Plain = object & {
  readonly [
    key in typeof Symbol.toStringTag | typeof Symbol.hasInstance | typeof Symbol.asyncIterator | 'arrayBuffer' | 'then'
  ]?: never
}

// Narrower if the response is declared: the input of its schema, or a typed Response. It is the contextual type of what the
// handler returns, so that literals and tuples keep their types.
// prettier-ignore
type Returned<response> =
  undefined extends response ? Sendable :
  response extends Schema  ? Allowed<Input<response> | DeclaredReply<200, Input<response>>, 200> :
  Allowed<ValueOf<response> | { [status in keyof response]: DeclaredReply<status & number, Input<response[status]>> }[keyof response], keyof response & number>
type Allowed<declared, statuses extends number> =
  | declared
  | OtherReply<statuses>
  | Promise<declared | OtherReply<statuses>>
// prettier-ignore
type ValueOf<response> =
  | (response extends { readonly 200: infer schema } ? Input<schema> : never)
  | (response extends { readonly 204: unknown } ? undefined | void : never)

type ResultOf<handler> = handler extends (...rest: never) => infer result ? result : never

// A misspelled key has a type that no value has.
type OnlyKnown<operation> = {
  readonly [
    key in Exclude<keyof operation, keyof Operation>
  ]: InvalidOperation<`an operation has no key '${key & string}'`>
}
/** For the compiler to print. */
export interface InvalidOperation<message extends string> {
  readonly '~message': message
}

/** Adds an operation to `self`, the route with its operations so far. */
export interface Define<method extends Method, pattern extends string, context, layers, self> {
  /**
   * Declares an operation with inputs, and its handler.
   *
   * @throws RouteError if the route already has this method, or the operation is invalid.
   */
  <
    operation extends Operation,
    handler extends (request: Request, context: context & Declared<operation>) => Returned<operation['response']>,
  >(
    operation: operation & OnlyKnown<operation>,
    handler: handler,
  ): self & { readonly [name in method]: OperationFunction<pattern, operation, ResultOf<handler>, layers, context> }
  /**
   * Declares an operation without inputs.
   *
   * @throws RouteError if the route already has this method.
   */
  <result extends Sendable>(
    handler: (request: Request, context: context) => result,
  ): self & { readonly [name in method]: OperationFunction<pattern, {}, result, layers, context> }
}

/** Adds a handler for the methods that are not declared otherwise. */
export interface DefineRest<context, self> {
  <operation extends Operation>(
    operation: operation & OnlyKnown<operation>,
    handler: (request: Request, context: context & Declared<operation>) => Returned<operation['response']>,
  ): self
  <result extends Sendable>(handler: (request: Request, context: context) => result): self
}

/** A pattern with operations. Each call returns a new route, which has the operation's function as a member. */
export interface Route<pattern extends string, context, layers = never, params = unknown> {
  readonly pattern: pattern
  /** The operations as data, by method: for code that reads routes, as the router and documents do. */
  readonly operations: ReadonlyMap<Method, RouteOperation>
  /** Handles GET, and HEAD if the route does not declare it. */
  readonly get: Define<'GET', pattern, context, layers, this>
  /** Handles POST. */
  readonly post: Define<'POST', pattern, context, layers, this>
  /** Handles PUT. */
  readonly put: Define<'PUT', pattern, context, layers, this>
  /** Handles PATCH. */
  readonly patch: Define<'PATCH', pattern, context, layers, this>
  /** Handles DELETE. */
  readonly delete: Define<'DELETE', pattern, context, layers, this>
  /** Handles HEAD. By default, HEAD runs the GET handler and sends no body. */
  readonly head: Define<'HEAD', pattern, context, layers, this>
  /** Handles OPTIONS. By default, OPTIONS is a 204 with `Allow`. */
  readonly options: Define<'OPTIONS', pattern, context, layers, this>
  /** Handles QUERY, a safe method with a body. */
  readonly query: Define<'QUERY', pattern, context, layers, this>
  /** Handles every method that is not declared otherwise, to mount another fetch handler. It is not in the client or the document. */
  readonly all: DefineRest<context, this>
  /**
   * Wraps the operations that are declared after it.
   *
   * @throws RouteError if `middleware` is not a function.
   */
  use<result extends Response | Promise<Response>>(
    middleware: (request: Request, context: context, next: Next) => result,
  ): Route<pattern, Joined<context, AddedBy<result>>, layers | result, params> &
    // No intersection if there are no operations yet: it would cost more than the rest.
    (keyof this & Method extends never ? unknown : Pick<this, keyof this & Method>)
  readonly '~params'?: params
}

/** Makes routes. */
export interface RouteFactory<prefix extends string, added, layers, base = unknown, sent = unknown> {
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
  ): Route<
    Join<prefix, pattern>,
    RouteContext<Join<prefix, pattern>, PlainRouteParams<prefix, pattern, base>> & added,
    layers,
    Below<sent, pattern>
  >
  <pattern extends string, params extends Schema>(
    pattern: pattern & PatternMistake<pattern>,
    options: { readonly params: params & ParamsMistake<params, Part<params, prefix, pattern>> },
  ): Route<
    Join<prefix, pattern>,
    RouteContext<
      Join<prefix, pattern>,
      With<FactoryParams<prefix, base>, OwnOutput<params, FactoryParams<prefix, base>>>
    > &
      added,
    layers,
    ParsedParams<Prefixed<prefix, sent>, params>
  >
  /** Makes a factory whose routes are inside this middleware, and have what it adds. */
  use<result extends Response | Promise<Response>>(
    middleware: (request: Request, context: FactoryContext<prefix, base> & added, next: Next) => result,
  ): RouteFactory<prefix, Joined<added, Added<result>>, layers | result, base, sent>
  /**
   * Makes a factory whose patterns begin with this one. `params` parses the params of this part.
   *
   * @throws PatternError if the pattern is malformed.
   */
  prefix<pattern extends string>(
    pattern: pattern & PatternMistake<pattern>,
  ): RouteFactory<
    Join<prefix, pattern>,
    added,
    layers,
    unknown extends base ? unknown : base & Params<pattern>,
    Below<sent, pattern>
  >
  prefix<pattern extends string, params extends Schema>(
    pattern: pattern & PatternMistake<pattern>,
    options: { readonly params: params & ParamsMistake<params, pattern> },
  ): RouteFactory<
    Join<prefix, pattern>,
    added,
    layers,
    With<FactoryParams<prefix, base>, Output<params>>,
    ParsedParams<Prefixed<prefix, sent>, params>
  >
  /** Makes a factory whose contexts have an `env` of this type. */
  env<env>(): RouteFactory<prefix, Joined<added, { readonly env: env }>, layers, base, sent>
}

// A name that an inner middleware adds again has the inner type. The first test saves most routes the second. Its own type,
// because TypeScript resolves the branches early.
// prettier-ignore
type Joined<outer, added> =
  keyof added extends never               ? outer & added :
  keyof outer & keyof added extends never ? outer & added :
  Replaced<outer, added>
// `never` is that of a middleware that does not return the Response of `next()`.
// prettier-ignore
type Replaced<outer, added> =
  [added] extends [never]    ? outer :
  string extends keyof added ? outer & added :
  Omit<outer, keyof added> & added

type Join<prefix extends string, pattern extends string> = prefix extends ''
  ? pattern
  : pattern extends '/'
    ? prefix
    : `${prefix}${pattern}`

/** Params of which a schema parses some. The client's params are the input of the schema. */
export interface ParsedParams<outer, schema> {
  /** The params of the prefix: strings, other parsed params, or `unknown` if the prefix has no params. */
  readonly outer: outer
  /** A Standard Schema, or the params as strings. */
  readonly schema: schema
}
// `sent` is `unknown` until a part of the pattern has a schema.
type Below<sent, pattern extends string> = unknown extends sent ? unknown : ParsedParams<sent, HrefParams<pattern>>
// prettier-ignore
type Prefixed<prefix extends string, sent> =
  unknown extends sent ? prefix extends '' ? unknown : HrefParams<prefix> :
  sent

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
type Part<params, prefix extends string, pattern extends string> = params extends { readonly load: unknown }
  ? Join<prefix, pattern>
  : pattern
// prettier-ignore
type OwnOutput<params, base> =
  unknown extends base                         ? Output<params> :
  params extends { readonly load: unknown } ? Omit<Output<params>, keyof base> :
  Output<params>
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
