import type { Method } from '../declaration.js'
import type { Jsonify } from '../jsonify.js'
import type { ErrorStatus, Problem } from '../problem.js'
import type { Call, ClientOf, WrittenRoute } from './client-of.js'
import type { InputOptions, ParamsInput } from './inputs.js'
import type { EarlyResult, Failure, OwnResult, Result, Sent, Success } from './outcome.js'
import type { Input } from '../schema.js'
import type { EarlyOf, FormatOf, RouteOf, Table } from './table.js'

/**
 * Every call of an app, by pattern and method: `Calls<typeof app>['/items/[slug]']['GET']['result']`. `byway types` writes
 * it to a file, and `createClient` takes it in the place of the app.
 */
export type Calls<app> = AppCalls<app>['calls']
/** Through its properties, because a hover then prints the calls, and not the app with the types of its server. */
export interface AppCalls<app> {
  readonly calls: { readonly [pattern in keyof Table<app>]: CallsOf<app, pattern> }
  readonly client: ClientOf<Calls<app>>
}

/** The calls of one route, by method. */
export type CallsOf<app, pattern extends keyof Table<app>> = RouteCalls<
  RouteOf<Table<app>[pattern], pattern, WrittenRoute>,
  app
>

// A route of a written file has its calls already. `unknown` means params without a schema; the pattern has their types.
// prettier-ignore
type RouteCalls<route, app> =
  route extends WrittenRoute ? route :
  { readonly [method in keyof route & Method]: CallOf<route[method], EarlyOf<app>, FormatOf<app>, ParamsOf<route>> } & { readonly '~params'?: ParamsInput<ParamsOf<route>> }
type ParamsOf<route> = route extends { readonly '~params'?: infer params } ? params : unknown

type CallOf<operation, early, format, params> = operation extends {
  readonly '~types'?: {
    readonly operation: infer declared
    readonly result: infer result
    readonly layers: infer layers
  }
}
  ? Call<
      InputOptions<declared>,
      Received<
        Formatted<Result<Awaited<result>, declared> | EarlyResult<layers | early> | OwnResult<declared, params>, format>
      >
    >
  : never

// The app's own error format in place of each problem.
// prettier-ignore
type Formatted<sent, format> =
  format extends { readonly '~types'?: { readonly schema: infer schema; readonly statuses: infer statuses } } ? WithFormat<sent, schema, statuses> :
  sent
// prettier-ignore
type WithFormat<sent, schema, statuses> =
  sent extends Sent<infer status, Problem> ? Sent<status extends keyof statuses ? statuses[status] : status, Input<schema>> :
  sent

// The results that a client receives, with each value as JSON leaves it. Not exported: a hover shows its members, not its name.
// prettier-ignore
type Received<sent> =
  sent extends Sent<infer status, infer data> ? status extends ErrorStatus ? Failure<status, ReceivedError<status, data>> : Success<status, ReceivedData<data>> :
  never
// A problem keeps its name. `rest` is its literal `type` and its extensions, or all of an error that is not a problem.
// prettier-ignore
type ReceivedError<status extends ErrorStatus, data> =
  data extends Problem<status> & infer rest ? rest extends Problem ? Jsonify<data> : Problem<status> & Jsonify<rest> :
  Jsonify<data>
// prettier-ignore
type ReceivedData<data> =
  data extends AsyncIterable<infer item> ? AsyncIterable<Jsonify<item>> :
  Jsonify<data>
