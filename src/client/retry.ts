/** When a call is repeated that the network or the server has refused. */
export interface RetryOptions {
  /** How many times more than once. */
  readonly limit: number
  /** Milliseconds before the first repeat; twice as long before each next one, and each time by chance less. @default 300 */
  readonly delay?: number
  /**
   * The most milliseconds before a repeat. A `Retry-After` that wants more makes the answer the call's result.
   * @default 30_000
   */
  readonly maxDelay?: number
  /** The statuses that are repeated. @default [408, 425, 429, 502, 503, 504] */
  readonly statuses?: readonly number[]
}

// What may be repeated without doing it twice: https://www.rfc-editor.org/rfc/rfc9110#section-9.2.2, and QUERY.
const idempotent: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'QUERY'])
const transient: readonly number[] = [408, 425, 429, 502, 503, 504]

/**
 * Sends a request, and again while that may help. `prepare` makes each anew. What is not safe to repeat is sent once: other
 * methods, and bodies that are streams.
 */
export async function sendRepeatedly(
  prepare: () => Promise<Request>,
  send: (request: Request) => Response | Promise<Response>,
  given: number | RetryOptions,
  canRepeat: boolean,
): Promise<{ request: Request; response: Response }> {
  const { limit, delay = 300, maxDelay = 30_000, statuses = transient } = toOptions(given)
  for (let count = 0; ; count++) {
    const request = await prepare()
    const isLast = count >= limit || !canRepeat || !idempotent.has(request.method)
    let pause = Math.min(maxDelay, delay * 2 ** count) * (0.5 + Math.random() / 2)
    try {
      const response = await send(request)
      if (isLast || !statuses.includes(response.status)) return { request, response }
      const after = toMilliseconds(response.headers.get('retry-after'))
      if (after !== undefined && after > maxDelay) return { request, response }
      pause = after ?? pause
      response.body?.cancel().catch(() => {})
    } catch (error) {
      // The network broke: https://fetch.spec.whatwg.org/#dom-global-fetch. What was aborted, or mistaken, stays so.
      if (isLast || request.signal.aborted || !(error instanceof TypeError)) throw error
    }
    await sleep(pause, request.signal)
  }
}

function toOptions(given: number | RetryOptions): RetryOptions {
  const options = typeof given === 'number' ? { limit: given } : given
  if (Number.isInteger(options.limit) && options.limit >= 0) return options
  throw new TypeError(`retry is how many times a call is repeated, such as 2, not ${String(options.limit)}`)
}

/** @see https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3 */
function toMilliseconds(retryAfter: string | null): number | undefined {
  if (retryAfter === null) return undefined
  const time = /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1_000 : Date.parse(retryAfter) - Date.now()
  return Number.isNaN(time) ? undefined : Math.max(0, time)
}

/** Until the time is over. @throws the signal's reason when it is aborted before. */
export function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer)
      reject(signal.reason as Error)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop)
      resolve()
    }, milliseconds)
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
}
