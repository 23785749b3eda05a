import type { Status } from './problem.js'

/** The `HeadersInit` of `fetch`, which not every host's types declare. */
export type HeadersInput = NonNullable<RequestInit['headers']>

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
  readonly '~statuses': { readonly [key in NoInfer<status>]: key }
}

// How a typed Response is compared with declared responses. Without the member `status`, because a generic function would
// infer its status from these types instead of taking its default.

/** A typed Response with a status and its declared data. */
export interface DeclaredReply<status extends number, data> {
  readonly '~data': data
  readonly '~statuses': { readonly [other: number]: status }
}

/** A typed Response with a status that is not in `declared`. */
export interface OtherReply<declared extends number> {
  readonly '~statuses': { readonly [key in declared]?: never } & { readonly [other: number]: number }
}

export interface ReplyInit<status extends Status = Status> {
  /** @default 200 */
  readonly status?: status
  readonly headers?: HeadersInput
}

/** The options of a problem reply. */
export interface ProblemInit extends ReplyHeaders {
  /** The error that the client does not see: `errorOf()` returns it to middleware, and it goes to `onError`. */
  readonly cause?: unknown
}

/** The options of a reply with a fixed status. */
export interface ReplyHeaders {
  readonly headers?: HeadersInput
}
