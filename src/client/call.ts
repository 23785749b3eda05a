import type { Method } from '../operation.js'
import type { Schema } from '../schema.js'
import { toRequest, type AnyCallOptions, type FetchOptions } from './request.js'
import { checkData, toResult, type AnyResult } from './result.js'
import { isIdempotent, repeat, toRetry, toWait, type RetryOptions } from './retry.js'

/** What all calls of a client have in common. */
export interface ClientSettings {
  /** Where the app is, with its `basePath` if it has one. @default the page's own origin in a browser, else `http://localhost` */
  readonly baseUrl?: string | URL
  /** What sends the request: `app.fetch` for a test in process. @default globalThis.fetch */
  readonly fetch?: (request: Request) => Response | Promise<Response>
  /** Sent with every call; a function is asked before each request. A call's own headers replace those of the same name. */
  readonly headers?: HeadersInit | (() => HeadersInit | Promise<HeadersInit>)
  /** What else `fetch` knows, such as `{ credentials: 'include' }` for the cookies of another origin. */
  readonly init?: FetchOptions
  /** Milliseconds until a call rejects with a `TimeoutError`, with all its repeats, unless it has its result. @default none */
  readonly timeout?: number
  /**
   * How often a call is repeated when the network breaks or the server has no time (408, 425, 429, 502, 503, 504), after a
   * pause that doubles, or that `Retry-After` names. Only what does nothing twice is repeated: GET, HEAD, OPTIONS, QUERY,
   * PUT and DELETE, whose body is no stream. @default 0
   */
  readonly retry?: number | RetryOptions
  /** Sees each request before it is sent, each repeat too, and may give one in its place: `new Request(request, { … })`. */
  readonly onRequest?: (request: Request) => Request | void | Promise<Request | void>
  /**
   * Sees each Response before it is read, each one that leads to a repeat too, and may give another one in its place. Read
   * a clone.
   */
  readonly onResponse?: (response: Response, request: Request) => Response | void | Promise<Response | void>
}

/** Schemas by pattern and method. */
export interface ResponseSchemas {
  readonly [pattern: string]: { readonly [method in Lowercase<Method>]?: Schema } | undefined
}

// What a hook made a request of lives as long as that.
const origins = new WeakMap<Request, Request>()

/** One call, from its options to its result, with what its client does for all calls. */
export async function call(
  options: ClientSettings & { readonly responses?: ResponseSchemas },
  base: string,
  pattern: string,
  method: string,
  given: AnyCallOptions,
): Promise<AnyResult> {
  const { headers, onRequest, onResponse, fetch = globalThis.fetch } = options
  const { timeout = options.timeout } = given
  const retry = toRetry(given.retry ?? options.retry)
  const canRepeat = isIdempotent(method) && !(given.stream instanceof ReadableStream)
  const controller = new AbortController()
  const signal = given.signal ? AbortSignal.any([given.signal, controller.signal]) : controller.signal
  // A Request's signal follows the call's as long as the Request is there, which is kept by what listens to the signal.
  let sent: Request | undefined

  const prepare = async (lastEventId?: string): Promise<Request> => {
    const defaults = typeof headers === 'function' ? await headers() : headers
    signal.throwIfAborted()
    const init = { ...options.init, ...given.init, signal, headers: defaults ?? {} }
    const request = toRequest(base, pattern, method, given, init)
    if (lastEventId) request.headers.set('last-event-id', lastEventId)
    sent = (await onRequest?.(request)) ?? request
    origins.set(sent, request)
    return sent
  }
  const hear = async (response: Response, request: Request): Promise<Response> =>
    (await onResponse?.(response, request)) ?? response
  // A stream of events that broke off is asked for again, from where it was.
  const again = async (lastEventId: string): Promise<Response> => {
    const request = await prepare(lastEventId)
    return hear(await fetch(request), request)
  }
  const read = (response: Response, request: Request): Promise<AnyResult> =>
    toResult(request, response, signal, canRepeat ? again : undefined)

  const run = async (): Promise<AnyResult> => {
    const steps = { prepare, send: fetch, hear, read }
    const result = await repeat(steps, canRepeat ? retry : { ...retry, limit: 0 }, signal)
    const schema = options.responses?.[pattern]?.[method.toLowerCase() as Lowercase<Method>]
    if (schema && result.status < 400) await checkData(schema, result, sent!)
    return result
  }
  let timer: ReturnType<typeof setTimeout> | undefined
  let stop: (() => void) | undefined
  try {
    signal.throwIfAborted()
    // Raced, since an app that is called in process may not look at its signal.
    const stopped = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', (stop = () => reject(signal.reason as Error)))
      if (timeout !== undefined)
        timer = setTimeout(
          () => controller.abort(new DOMException(`${method} ${pattern} took over ${timeout} ms`, 'TimeoutError')),
          toWait(timeout),
        )
    })
    return await Promise.race([run(), stopped])
  } finally {
    clearTimeout(timer)
    if (stop) signal.removeEventListener('abort', stop)
  }
}
