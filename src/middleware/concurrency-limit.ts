import { middleware, type AnyContext, type Continued, type Middleware } from '../middleware.js'
import type { Problem } from '../problem.js'
import { problem } from '../replies/reply.js'
import type { Reply } from '../reply.js'

export interface ConcurrencyLimitOptions {
  /** How many requests this process runs concurrently. */
  readonly limit: number
  /** How many more wait for a place. Above it, a request gets a 503 immediately. @default 0 */
  readonly queue?: number
  /** Milliseconds that a request waits for a place. @default 5_000 */
  readonly timeout?: number
  /** Seconds after which the client can send the request again, sent as `Retry-After`. @default 1 */
  readonly retryAfter?: number
}

/**
 * Responds with a 503 problem if this process runs `limit` requests behind this middleware already, and the queue is full or
 * no place becomes free in time. A request takes its place until its `after()` work can begin: when its response has been
 * written, or its streamed body has ended. A client that disconnects leaves the queue. Waiting requests run in the order
 * of their arrival.
 *
 * @throws RangeError if an option is invalid.
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-15.6.4
 * @example
 * const report = route('/report').use(concurrencyLimit({ limit: 4, queue: 20 })).get(() => render())
 */
export function concurrencyLimit({
  limit,
  queue = 0,
  timeout = 5_000,
  retryAfter = 1,
}: ConcurrencyLimitOptions): Middleware<AnyContext, Continued<{}> | Reply<503, Problem<503>>> {
  if (!(Number.isInteger(limit) && limit > 0))
    throw new RangeError(`concurrencyLimit() takes a positive integer as limit, not ${String(limit)}`)
  if (!(Number.isInteger(queue) && queue >= 0))
    throw new RangeError(`concurrencyLimit() takes a number of requests as queue, not ${String(queue)}`)
  if (!(timeout > 0 && timeout < 2 ** 31))
    throw new RangeError(`concurrencyLimit() takes more than 0 and fewer than 2147483648 ms, not ${String(timeout)}`)
  if (!(Number.isInteger(retryAfter) && retryAfter >= 0))
    throw new RangeError(`concurrencyLimit() takes whole seconds as retryAfter, not ${String(retryAfter)}`)

  let running = 0
  const waiting = new Set<() => void>()
  const leave = (): void => {
    running--
    const [first] = waiting
    if (!first) return
    waiting.delete(first)
    running++
    first()
  }

  /** Resolves to whether the request has a place. */
  const enter = (context: AnyContext): true | Promise<boolean> => {
    if (running < limit) {
      running++
      return true
    }
    const { signal } = context
    if (waiting.size >= queue || signal.aborted) return Promise.resolve(false)
    return new Promise((resolve) => {
      const settle = (hasPlace: boolean): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', giveUp)
        waiting.delete(proceed)
        resolve(hasPlace)
      }
      const proceed = (): void => settle(true)
      const giveUp = (): void => settle(false)
      const timer = setTimeout(giveUp, timeout)
      signal.addEventListener('abort', giveUp, { once: true })
      waiting.add(proceed)
    })
  }

  return middleware(
    { openapi: { responses: { 503: 'The server runs too many requests.' } } },
    async function limitConcurrency(
      _request: Request,
      context: AnyContext,
      next,
    ): Promise<Continued<{}> | Reply<503, Problem<503>>> {
      const entered = enter(context)
      if (!(entered === true || (await entered)))
        return problem(
          503,
          { detail: 'The server runs too many requests.' },
          { headers: { 'retry-after': String(retryAfter) } },
        )
      context.after(leave)
      return next()
    },
  )
}
