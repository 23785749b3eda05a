import { toPath } from '../pattern.js'
import { toFormBody, toText } from './form-body.js'
import type { RetryOptions } from './retry.js'

/** What every call takes beside the inputs of its operation. */
export interface CallOptions {
  /** Sent with this call. */
  readonly headers?: HeadersInit
  /** Ends the call: it rejects with the signal's reason. */
  readonly signal?: AbortSignal
  /** Milliseconds until the call rejects with a `TimeoutError`, unless it has its result. @default the client's `timeout` */
  readonly timeout?: number
  /** How often the call is repeated where that is safe and may help. @default the client's `retry` */
  readonly retry?: number | RetryOptions
  /** What else `fetch` knows, in place of what the client has by the same name: `{ keepalive: true }`. */
  readonly init?: FetchOptions
}

/** What `fetch` knows beside what a call is made of: `credentials`, `cache`, `redirect`, and what a host adds. */
export type FetchOptions = Omit<RequestInit, 'method' | 'headers' | 'body' | 'signal'>

/** A call's options, whatever its operation declares. */
export interface AnyCallOptions extends Omit<CallOptions, 'headers'> {
  readonly params?: Record<string, unknown>
  readonly query?: Record<string, unknown>
  readonly headers?: HeadersInit | Record<string, unknown>
  readonly body?: unknown
  readonly form?: unknown
  readonly text?: string
  readonly bytes?: Uint8Array<ArrayBuffer> | Blob
  readonly stream?: ReadableStream<Uint8Array> | Blob
}

/** Where an app is: an origin, and the path that all of its routes stand under. */
export function toBase(baseUrl: string | URL): string {
  const { protocol, origin, pathname } = new URL(baseUrl)
  // `localhost:3000` is a URL too, whose scheme is `localhost`.
  if (!/^https?:$/.test(protocol))
    throw new TypeError(`createClient() takes a baseUrl such as 'https://api.example', not '${String(baseUrl)}'`)
  return origin + pathname.replace(/\/+$/, '')
}

/** The request of one call. */
export function toRequest(
  base: string,
  pattern: string,
  method: string,
  given: AnyCallOptions,
  init: RequestInit,
): Request {
  const headers = new Headers(init.headers)
  if (!headers.has('accept')) headers.set('accept', 'application/json, */*;q=0.5')
  const [body, type] = toBody(given)
  // The body's own, or what `Request` finds: a form's has the boundary in it.
  if (type) headers.set('content-type', type)
  else headers.delete('content-type')
  for (const [name, value] of toPairs(given.headers)) headers.set(name, value)
  return new Request(toUrl(base, pattern, given), {
    ...init,
    method,
    headers,
    ...(body !== undefined && { body }),
    // A stream is sent while it is made: https://fetch.spec.whatwg.org/#dom-requestinit-duplex
    ...(body instanceof ReadableStream && { duplex: 'half' }),
  })
}

function toBody({ body, form, text, bytes, stream }: AnyCallOptions): [body?: BodyInit, type?: string] {
  if (body !== undefined) return [JSON.stringify(body), 'application/json']
  if (form !== undefined) return [toFormBody(form)]
  if (text !== undefined) return [text]
  const raw = bytes ?? stream
  if (raw !== undefined)
    return [raw as BodyInit, raw instanceof Blob && raw.type ? raw.type : 'application/octet-stream']
  return []
}

// An object may be what a schema accepts: with dates and numbers, and `undefined` for what is left out.
const toPairs = (headers: AnyCallOptions['headers'] = {}): Iterable<[string, string]> =>
  Symbol.iterator in headers
    ? new Headers(headers as [string, string][])
    : Object.entries(headers).flatMap(([name, value]) => (value == null ? [] : [[name, toText(value)]]))

/** The URL of a route. @throws TypeError for params that its pattern does not have */
export function toUrl(base: string, pattern: string, { params = {}, query = {} }: AnyCallOptions): string {
  const path = toPath(pattern, toTexts(params), toTexts(query))
  // The root under a path is that path: `/api`, not `/api/`.
  return base + (base.indexOf('/', 8) > 0 ? path.replace(/^\/(?=\?|$)/, '') : path)
}

const toTexts = (values: Record<string, unknown>): Record<string, never> =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      (Array.isArray(value) ? value.map(toTextOrNothing) : toTextOrNothing(value)) as never,
    ]),
  )

const toTextOrNothing = (value: unknown): string | undefined => (value == null ? undefined : toText(value))
