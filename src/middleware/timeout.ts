import { Context, innerSignal, isAbort, type Exchange, type Phase } from '../context.js'
import type { AnyContext, Continued, Middleware } from '../middleware.js'
import { causeOf, toFailure, type Problem } from '../problem.js'
import type { Reply } from '../reply.js'

export interface TimeoutOptions {
  /** Seconds after which the client may ask again, sent as `Retry-After`. @default no such header */
  readonly retryAfter?: number
}

/**
 * Answers a 503 problem when what is inside has given no Response in time, and aborts its `context.signal` with a
 * `TimeoutError`. That error is the answer's cause: `errorOf` tells it, and else `onError` is told.
 *
 * What comes after all is thrown away. The time is that until the Response is there: reading the request's body counts,
 * a streamed answer may go on for longer. For an upstream's time, `AbortSignal.timeout()` and a 504 of your own.
 *
 * @throws RangeError for a time that no timer can have.
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-15.6.4
 * @example
 * const report = route('/report').use(timeout(5)).get((request, { signal }) => fetch(upstream, { signal }))
 */
export function timeout(
  seconds: number,
  options: TimeoutOptions = {},
): Middleware<AnyContext, Continued<{}> | Reply<503, Problem<503>>> {
  // https://html.spec.whatwg.org/multipage/timers-and-user-prompts.html: longer ones would pass at once.
  if (!(Number.isFinite(seconds) && seconds > 0 && seconds * 1_000 < 2 ** 31))
    throw new RangeError(`timeout() takes more than 0 seconds and fewer than 2147483, not ${String(seconds)}`)
  const { retryAfter } = options
  if (retryAfter !== undefined && !(Number.isInteger(retryAfter) && retryAfter >= 0))
    throw new RangeError(`timeout() takes whole seconds as retryAfter, not ${String(retryAfter)}`)

  return function answerInTime({ method }, context, next) {
    const exchange = Context.exchange(context as unknown as Context)
    let passed: DOMException | undefined
    let controller: AbortController | undefined
    const toSignal = (): AbortSignal => {
      if (controller) return controller.signal
      const { signal } = (controller = new AbortController())
      if (passed) controller.abort(passed)
      else follow(context.signal, controller)
      return signal
    }
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        const what = context.pattern ?? context.url.pathname
        passed = new DOMException(`${method} ${what} took over ${seconds} s`, 'TimeoutError')
        controller?.abort(passed)
        const answer = toFailure(passed, 'middleware', 503, { detail: 'The answer took too long.' })
        if (retryAfter !== undefined) answer.headers.set('retry-after', String(retryAfter))
        resolve(answer as Reply<503, Problem<503>>)
      }, seconds * 1_000)
      void next({ [innerSignal]: toSignal }).then((response) => {
        clearTimeout(timer)
        if (passed) discard(response, passed, exchange)
        else resolve(response as Continued<{}>)
      })
    })
  }
}

function follow(outer: AbortSignal, controller: AbortController): void {
  const abort = (): void => controller.abort(outer.reason)
  if (outer.aborted) abort()
  else outer.addEventListener('abort', abort, { once: true })
}

// Nobody gets it: its stream ends, and an error that is more than the abort itself is told.
function discard(response: Response, reason: unknown, exchange: Exchange): void {
  const cause = causeOf(response)
  if (!cause) response.body?.cancel().catch(() => {})
  else if (!isAbort(cause.error, { aborted: true, reason })) exchange.report(cause.error, cause.phase as Phase)
}
