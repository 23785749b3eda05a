import type { InputName } from '../declaration.js'
import type { Early } from '../middleware.js'
import type { ErrorStatus, Problem, RedirectStatus, SuccessStatus } from '../problem.js'
import type { Reply } from '../reply.js'
import type { Output, Schema } from '../schema.js'

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

/** A status with its data, as the server has them. */
export interface Sent<status, data> {
  readonly status: status
  readonly data: data
}

/** The responses of a handler: those it returns, and those its operation declares. */
// prettier-ignore
export type Result<result, operation> =
  operation extends { readonly response: infer response } ? Declared<response> | Exclude<Returned<result>, { readonly status: DeclaredStatus<response> }> :
  Returned<result>
/** The responses of middleware that are not those of `next()`. `layers` are the results of all of it. */
export type EarlyResult<layers> = Returned<Early<layers>>

// `fetch` follows a redirect: https://fetch.spec.whatwg.org/#http-fetch. The data is that of another route or site.
// prettier-ignore
type Returned<result> =
  result extends Reply<infer status, infer data> ? status extends RedirectStatus ? Redirected<status> : Sent<status, data> :
  result extends Response         ? Sent<SuccessStatus, unknown> | Sent<ErrorStatus, unknown> :
  result extends undefined | void ? Sent<204, undefined> :
  Sent<200, result>
type Redirected<status> = status extends 301 | 302 | 303 | 307 | 308 ? Sent<SuccessStatus, unknown> : never

type DeclaredStatus<response> = response extends Schema ? 200 : keyof response
// prettier-ignore
type Declared<response> =
  response extends Schema ? Sent<200, Output<response>> :
  { [status in keyof response]: Sent<status, Output<response[status]>> }[keyof response]

/** byway's own problems, for the inputs and params that are declared. */
// prettier-ignore
export type OwnResult<operation, params> =
  | (unknown extends params ? never : Sent<404, Problem<404>>)
  | ([keyof operation & InputName] extends [never]         ? never :
     keyof operation & InputName extends 'query' | 'headers' ? Sent<400, Problem<400>> :
     Sent<400, Problem<400>> | Sent<413, Problem<413>> | Sent<415, Problem<415>>)
