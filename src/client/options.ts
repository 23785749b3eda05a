import type { HeadersInput } from '../reply.js'
import type { EncodeBody } from './bodies.js'
import type { Retry } from './retry.js'

/** The options of `fetch` that a call does not set itself: `credentials`, `cache`, `redirect`, and those that a host adds. */
export type FetchOptions = Omit<RequestInit, 'method' | 'headers' | 'body' | 'signal'>

/** Sends a request. An app's `fetch` can tell its `basePath`. */
export interface Fetch {
  (request: Request): Response | Promise<Response>
  readonly basePath?: string
}

/** The options of a client that do not depend on the app. */
export interface ClientSettings {
  /**
   * The URL of the app, with its `basePath` if it has one.
   * @default the page's origin in a browser, else `http://localhost`, with the `basePath` of `fetch`
   */
  readonly baseUrl?: string | URL
  /** Sends the request: `app.fetch` in a test. @default globalThis.fetch */
  readonly fetch?: Fetch
  /** Headers of every request; a function is called before each. A call's own headers replace those of the same name. */
  readonly headers?: HeadersInput | (() => HeadersInput | Promise<HeadersInput>)
  /** Other options of `fetch`, such as `{ credentials: 'include' }` for the cookies of another origin. */
  readonly init?: FetchOptions
  /** Milliseconds until a call rejects with a `TimeoutError`, including its retries. @default no timeout */
  readonly timeout?: number
  /** Repeats failed calls: `retry: retry({ limit: 3 })`. @default no retries */
  readonly retry?: Retry | false
  /** Encodes bodies of other kinds, by the names of their options: `{ msgpack: (value) => ({ body: encode(value) }) }`. */
  readonly bodies?: Readonly<Record<string, EncodeBody>>
  /** Called with each request before it is sent, also with retries. Can return another request in its place. */
  readonly onRequest?: (request: Request) => Request | void | Promise<Request | void>
  /** Called with each response before it is read, also before a retry. Can return another response; read a clone. */
  readonly onResponse?: (response: Response, request: Request) => Response | void | Promise<Response | void>
}

/** The options of every call, in addition to the inputs of its operation. */
export interface CallOptions {
  /** Headers of this call. */
  readonly headers?: HeadersInput
  /** Aborts the call, which rejects with the signal's reason. */
  readonly signal?: AbortSignal
  /** Milliseconds until the call rejects with a `TimeoutError`, including its retries. @default the client's `timeout` */
  readonly timeout?: number
  /** Repeats the call if it fails; `false` does not. @default the client's `retry` */
  readonly retry?: Retry | false
  /** Other options of `fetch`, which replace the client's of the same name: `{ keepalive: true }`. */
  readonly init?: FetchOptions
}
