import type { HrefParams, QueryValue } from '../pattern.js'
import type { Jsonify } from '../jsonify.js'
import type { ErrorStatus, Problem, RedirectStatus, SuccessStatus } from '../problem.js'
import type { Reply } from '../reply.js'
import type { Method } from '../operation.js'
import type { Router } from '../router.js'
import type { Input, InputName, Output, Schema } from '../schema.js'
import { call, type ClientSettings } from './call.js'
import { toBase, toUrl, type AnyCallOptions, type CallOptions } from './request.js'
import { toRetry } from './retry.js'

// ── the routes of an app, by pattern ──

// `app` may also be an interface that names the routes, or what `Calls` gives for them, by their patterns: then a call
// resolves its own route only.
// prettier-ignore
type Table<app> = app extends Router<infer routes, any> ? ByPattern<routes> : app

// A route stands under its pattern, a group under each pattern inside it. Values stay unresolved until one is looked up.
type ByPattern<routes, depth extends 0[] = []> = {
  readonly [key in keyof routes as Patterns<routes[key], depth>]: routes[key]
}
// prettier-ignore
type Patterns<value, depth extends 0[]> =
  value extends Callable | Schema ? never : // must stay first: after the next line, one exported factory cost more than 1,000 routes
  'pattern' extends keyof value   ? value['pattern'] & string :
  depth extends [0, 0, 0, 0]      ? never : // what else a module exports may be endless
  value extends object            ? keyof ByPattern<value, [...depth, 0]> :
  never
type Callable = ((...args: never) => unknown) | (abstract new (...args: never) => unknown)

// The route under a pattern, looked for in the group that `ByPattern` gave.
// prettier-ignore
type RouteOf<value, pattern> =
  'pattern' extends keyof value ? value :
  value extends WrittenRoute    ? value :
  RouteIn<ByPattern<value>, pattern>
type RouteIn<table, pattern> = pattern extends keyof table ? RouteOf<table[pattern], pattern> : never

// ── calls ──

/** Calls the routes of an app. The pattern is all that it knows of them at run time. */
export interface Client<app> {
  <pattern extends keyof Table<app> & string>(
    pattern: pattern,
  ): ClientRoute<pattern, RouteOf<Table<app>[pattern], pattern>, EarlyOf<app>>
}
type EarlyOf<app> = app extends Router<any, infer early> ? early : never

/**
 * Every call of an app, by pattern and method: `Calls<typeof app>['/items/[slug]']['GET']['result']`. `byway types` writes
 * it to a file, and `createClient` takes it in the place of the app.
 */
export type Calls<app> = {
  readonly [pattern in keyof Table<app> & string]: RouteCalls<RouteOf<Table<app>[pattern], pattern>, EarlyOf<app>>
}
type RouteCalls<route, early> = {
  readonly [method in keyof route & Method]: CallOf<route[method], early>
} & (route extends {
  readonly '~params'?: infer params
}
  ? { readonly '~params'?: params }
  : {})

type WrittenRoute = { readonly [method in Method]?: Call<unknown, unknown> }

/** One call: its options beside the params, and what it resolves to. */
export interface Call<options, result> {
  readonly options: options
  readonly result: result
}

export interface ClientOptions<app = unknown> extends ClientSettings {
  /**
   * Holds what a call resolves to against a schema of your own: by pattern and method, for the data of a success. What does
   * not fit rejects with `UnexpectedResponse`.
   *
   * @example
   * createClient<typeof app>({ responses: { '/items/[slug]': { get: Item } } })
   */
  readonly responses?: Responses<app>
}
// prettier-ignore
type Responses<app> = {
  readonly [pattern in keyof Table<app> & string]?: {
    readonly [method in keyof RouteOf<Table<app>[pattern], pattern> & Method as Lowercase<method>]?: Schema
  }
}

/** One route, by its methods in lower case, and its URL. */
export type ClientRoute<pattern extends string, route, early> = {
  readonly [method in keyof route & Method as Lowercase<method>]: ClientCall<
    pattern,
    route,
    CallOf<route[method], early>
  >
} & ClientUrl<pattern, route>
interface ClientUrl<pattern extends string, route> {
  /**
   * The route's URL, for a link or an `<img>`, with the query of its GET.
   *
   * @throws TypeError for params that would leave the pattern
   */
  url(...options: UrlArguments<ParamsOption<pattern, route> & UrlQuery<route>>): string
}
// prettier-ignore
type UrlQuery<route> =
  route extends { readonly GET: infer get } ? QueryOption<CallOf<get, never>> :
  AnyQuery
// prettier-ignore
type QueryOption<call> =
  call extends Call<{ readonly query?: unknown }, unknown> ? 'query' extends keyof call['options'] ? Pick<call['options'], 'query'> : AnyQuery :
  AnyQuery
interface AnyQuery {
  readonly query?: { readonly [name: string]: QueryValue | readonly QueryValue[] }
}
type UrlArguments<options> = {} extends options ? [options?: options] : [options: options]
type ClientCall<pattern extends string, route, call> =
  call extends Call<infer options, infer result>
    ? (...options: CallArguments<ParamsOption<pattern, route> & options>) => Promise<result>
    : never
type CallOf<operation, early> = operation extends {
  readonly '~types'?: {
    readonly operation: infer declared
    readonly result: infer result
    readonly early: infer layers
  }
}
  ? Call<
      InputOptions<declared>,
      Outcome<Answer<Awaited<result>, declared> | Answer<layers | early, {}> | OwnAnswer<declared>>
    >
  : operation

// An option is required when something in it is, and the argument when an option is.
type CallArguments<options> = {} extends options
  ? [options?: WithCallOptions<options>]
  : [options: WithCallOptions<options>]
// prettier-ignore
type WithCallOptions<options> =
  'headers' extends keyof options ? options & Omit<CallOptions, 'headers'> & OtherHeaders<NonNullable<options['headers']>> :
  options & CallOptions
// An index signature holds for the declared headers too, so it has to admit their values.
interface OtherHeaders<declared> {
  readonly headers?: HeadersInit | { readonly [name: string]: string | declared[keyof declared] }
}
type ParamsOption<pattern extends string, route> = pattern extends `${string}[${string}`
  ? Option<'params', ParamsInput<pattern, route>>
  : {}
type ParamsInput<pattern extends string, route> = route extends { readonly '~params'?: infer params }
  ? unknown extends params
    ? HrefParams<pattern>
    : NonNullable<params>
  : HrefParams<pattern>
type Option<key extends string, value> = {} extends value
  ? { readonly [name in key]?: value }
  : { readonly [name in key]: value }
type InputOptions<operation> = {
  readonly [key in keyof operation & InputName as {} extends InputOption<operation, key> ? never : key]: InputOption<
    operation,
    key
  >
} & {
  readonly [key in keyof operation & InputName as {} extends InputOption<operation, key> ? key : never]?: InputOption<
    operation,
    key
  >
}
// prettier-ignore
type InputOption<operation, key extends keyof operation> =
  key extends 'body'           ? Input<operation[key]> :
  key extends 'form'           ? FormInput<Input<operation[key]>, Output<operation[key]>> :
  key extends 'text' | 'bytes' | 'stream' ? (key extends 'text' ? string : key extends 'bytes' ? Uint8Array | Blob : ReadableStream<Uint8Array> | Blob) :
  TextInput<Input<operation[key]>, Output<operation[key]>>
// A form schema accepts any `FormData` (zod-form-data's do): what it gives tells the caller more.
type FormInput<input, output> = FormData | (FormData extends input ? output : input)
// A coercing schema accepts `unknown`: what it gives tells the caller more.
type TextInput<input, output> = {
  readonly [key in keyof input]: unknown extends input[key] ? output[key & keyof output] : input[key]
}

// ── answers ──

// What an operation may answer, one member a status.
interface Answered<status, data> {
  readonly status: status
  readonly data: data
}
// prettier-ignore
type Answer<result, operation> =
  operation extends { readonly response: infer response } ? DeclaredAnswer<response> | Exclude<ReturnedAnswer<result>, { readonly status: DeclaredStatus<response> }> :
  ReturnedAnswer<result>
// prettier-ignore
type ReturnedAnswer<result> =
  result extends Reply<infer status, infer data> ? status extends RedirectStatus ? never : Answered<status, data> : // fetch follows redirects
  result extends Response         ? Answered<SuccessStatus, unknown> | Answered<ErrorStatus, unknown> :
  result extends undefined | void ? Answered<204, undefined> :
  Answered<200, result>
type DeclaredStatus<response> = response extends Schema ? 200 : keyof response
// prettier-ignore
type DeclaredAnswer<response> =
  response extends Schema ? Answered<200, Output<response>> : { [status in keyof response]: Answered<status, Output<response[status]>> }[keyof response]
// byway's own problems, for the inputs that were declared.
// prettier-ignore
type OwnAnswer<operation> =
  [keyof operation & InputName] extends [never]              ? never :
  [keyof operation & InputName] extends ['query' | 'headers'] ? Answered<400, Problem<400>> :
  Answered<400, Problem<400>> | Answered<413, Problem<413>> | Answered<415, Problem<415>>

/** A call's result with a status below 400. */
export interface Success<status, data> {
  readonly status: status
  readonly data: data
  readonly error: undefined
  readonly response: Response
}
/** A call's result with a status of 400 or more. */
export interface Failure<status, error> {
  readonly status: status
  readonly data: undefined
  readonly error: error
  readonly response: Response
}
// prettier-ignore
type Outcome<answer> =
  answer extends Answered<infer status, infer data> ? status extends ErrorStatus ? Failure<status, ReceivedError<status, data>> : Success<status, Received<data>> : never
// A problem keeps its name. `rest` is its literal `type` and its extensions, or all of what was not made by `reply.problem`.
// prettier-ignore
type ReceivedError<status extends ErrorStatus, data> =
  data extends Problem<status> & infer rest ? rest extends Problem ? Jsonify<data> : Problem<status> & Jsonify<rest> :
  Jsonify<data>
type Received<data> = data extends AsyncIterable<infer item> ? AsyncIterable<Jsonify<item>> : Jsonify<data>

// ── at run time ──

const methods = ['get', 'post', 'put', 'patch', 'delete', 'head', 'options', 'query'] as const

/**
 * A client for the routes of an app, typed from the app alone: `import type app from './app.js'`.
 *
 * A call resolves to `{ data, error, status, response }`, discriminated by `status`; `error` is set exactly when it is 400
 * or more. It rejects with `UnexpectedResponse` for what is no answer of the route, and as `fetch` does when the network
 * breaks or the call is aborted.
 *
 * @throws TypeError for a `baseUrl` or a `retry` that is none.
 * @example
 * const api = createClient<typeof app>({ baseUrl: 'https://api.example' })
 * const { data, error, status } = await api('/items/[slug]').get({ params: { slug: 'a' } })
 */
export function createClient<app>(options: ClientOptions<app> = {}): Client<app> {
  const base = toBase(options.baseUrl ?? globalThis.location?.origin ?? 'http://localhost')
  toRetry(options.retry)
  const client = (pattern: string): object => ({
    url: (given: AnyCallOptions = {}) => toUrl(base, pattern, given),
    ...Object.fromEntries(
      methods.map((method) => [
        method,
        (given: AnyCallOptions = {}) => call(options, base, pattern, method.toUpperCase(), given),
      ]),
    ),
  })
  // Its patterns and calls are in the app's type alone.
  return client as unknown as Client<app>
}
