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

/** Whether a method does nothing twice: https://www.rfc-editor.org/rfc/rfc9110#section-9.2.2, and QUERY. */
export const isIdempotent = (method: string): boolean => method !== 'POST' && method !== 'PATCH'

/** Milliseconds, within what a timer can wait. */
export const toWait = (milliseconds: number): number => Math.min(milliseconds, 2 ** 31 - 1)

/** @throws TypeError for a limit that is none */
export function toRetry(given: number | RetryOptions = 0): Required<RetryOptions> {
  const options = typeof given === 'number' ? { limit: given } : given
  const { limit, delay = 300, maxDelay = 30_000, statuses = [408, 425, 429, 502, 503, 504] }: RetryOptions = options
  if (Number.isInteger(limit) && limit >= 0) return { limit, delay, maxDelay, statuses }
  throw new TypeError(`retry is how many times a call is repeated, such as 2, not ${String(limit)}`)
}

/** What is done with each try of a call. Only where `send` and `read` fail has the network broken. */
export interface Try<result> {
  prepare(): Promise<Request>
  send(request: Request): Response | Promise<Response>
  hear(response: Response, request: Request): Promise<Response>
  read(response: Response, request: Request): Promise<result>
}

/** Makes a request, sends it and reads its answer, and all of it again while that may help. */
export async function repeat<result>(
  { prepare, send, hear, read }: Try<result>,
  { limit, delay, maxDelay, statuses }: Required<RetryOptions>,
  signal: AbortSignal,
): Promise<result> {
  for (let count = 0; ; count++) {
    const orBreak = (error: unknown): undefined => {
      if (count >= limit || signal.aborted || !isNetworkError(error)) throw error
    }
    const request = await prepare()
    let pause = Math.min(maxDelay, delay * 2 ** count) * (0.5 + Math.random() / 2)
    const sent = await (async () => send(request))().catch(orBreak)
    if (sent) {
      const response = await hear(sent, request)
      const after = toMilliseconds(response.headers.get('retry-after'))
      if (count >= limit || !statuses.includes(response.status) || after! > maxDelay) {
        const result = await read(response, request).catch(orBreak)
        if (result) return result
      } else {
        pause = after ?? pause
        response.body?.cancel().catch(() => {})
      }
    }
    await sleep(pause, signal)
  }
}

// A TypeError: https://fetch.spec.whatwg.org/#dom-global-fetch. On Workers, an Error with this property.
const isNetworkError = (error: unknown): boolean =>
  error instanceof TypeError || (error as { retryable?: unknown } | undefined)?.retryable === true

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
    }, toWait(milliseconds))
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
}
