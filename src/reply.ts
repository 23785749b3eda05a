import type { Status } from './problem.js'

/**
 * A Response whose status and data are in the client's types.
 *
 * The members typed `any` keep it in a union: TypeScript drops from a function's return type each type that is a
 * subtype of another. Without them, `Response`, `{ ok: boolean }` or `{ url: string }` would replace it.
 */
export interface Reply<status extends number = number, data = unknown> extends Response {
  readonly status: status
  readonly ok: any
  readonly url: any
  readonly type: any
  readonly statusText: any
  readonly redirected: any
  readonly '~data': data
  readonly '~statuses': { readonly [key in NoInfer<status>]: true }
}

/** A typed Response of a status that is not in `declared`. It has no data, so that no data is inferred from it. */
export interface OtherReply<declared extends number> {
  readonly '~statuses': { readonly [key in declared]?: never } & { readonly [other: number]: true }
}

export interface ReplyInit<status extends Status = Status> {
  /** @default 200 */
  readonly status?: status
  readonly headers?: HeadersInit
}

/** The options of a problem reply. */
export interface ProblemInit extends ReplyHeaders {
  /** The error that the client does not see: `errorOf()` returns it to middleware, and it goes to `onError`. */
  readonly cause?: unknown
}

/** The options of a reply with a fixed status. */
export interface ReplyHeaders {
  readonly headers?: HeadersInit
}
