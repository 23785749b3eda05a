import { middleware, type AnyContext, type Continued, type Middleware, type Next } from '../middleware.js'
import type { Problem } from '../problem.js'
import { problem } from '../replies/reply.js'
import type { Reply } from '../reply.js'

export interface TimeoutOptions {
  /** Seconds after which the client can send the request again, sent as `Retry-After`. @default no such header */
  readonly retryAfter?: number
}

/**
 * Responds with a 503 problem if the rest of the chain has not returned a Response within `milliseconds`, and aborts its
 * `context.signal` with a `TimeoutError`. The error goes to `onError`; outer middleware can read it with `errorOf()`.
 *
 * The limit includes reading the request body, but not sending a streamed response body. A late response is discarded. To limit
 * the time of one upstream, use `AbortSignal.timeout()` and a 504 of your own.
 *
 * @throws RangeError if `milliseconds` is not a positive number below 2 ** 31 (24.8 days), or `retryAfter` is not a whole number.
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-15.6.4
 * @example
 * const report = route('/report').use(timeout(5_000)).get((request, { signal }) => fetch(upstream, { signal }))
 */
export function timeout(
  milliseconds: number,
  options: TimeoutOptions = {},
): Middleware<AnyContext, Continued<{}> | Reply<503, Problem<503>>> {
  // https://html.spec.whatwg.org/multipage/timers-and-user-prompts.html: a longer timer would fire immediately.
  if (!(milliseconds > 0 && milliseconds < 2 ** 31))
    throw new RangeError(`timeout() takes more than 0 and fewer than 2147483648 ms, not ${String(milliseconds)}`)
  const { retryAfter } = options
  if (retryAfter !== undefined && !(Number.isInteger(retryAfter) && retryAfter >= 0))
    throw new RangeError(`timeout() takes whole seconds as retryAfter, not ${String(retryAfter)}`)
  const headers = retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }

  const respondInTime = (
    { method }: Request,
    context: AnyContext,
    next: Next,
  ): Promise<Continued<{}> | Reply<503, Problem<503>>> => {
    const controller = new AbortController()
    const { signal } = controller
    const outer = context.signal
    const follow = (): void => controller.abort(outer.reason)
    if (outer.aborted) follow()
    else {
      // Also while the body of the response is sent.
      outer.addEventListener('abort', follow, { once: true })
      signal.addEventListener('abort', () => outer.removeEventListener('abort', follow), { once: true })
    }
    return new Promise((resolve) => {
      let late: DOMException | undefined
      const timer = setTimeout(() => {
        const what = context.pattern ?? context.url.pathname
        late = new DOMException(`${method} ${what} took over ${milliseconds} ms`, 'TimeoutError')
        resolve(problem(503, { detail: 'The response took too long.' }, { headers, cause: late }))
        controller.abort(late)
      }, milliseconds)
      void next({}, { signal }).then((response) => {
        clearTimeout(timer)
        if (!late) return resolve(response)
        // No client receives it.
        response.body?.cancel().catch(() => {})
      })
    })
  }
  return middleware({ openapi: { responses: { 503: 'The response took too long.' } } }, respondInTime)
}
