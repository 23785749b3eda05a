/** One attempt of a call that did not lead to a result. */
export interface Attempt {
  readonly request: Request
  /** How many attempts came before this one. */
  readonly count: number
  /** The response, before its body is read; undefined if the network failed. */
  readonly response?: Response
  /** The error of `fetch`, or of reading the body. */
  readonly error?: unknown
}

/**
 * Decides what follows an attempt: the milliseconds until the call is repeated, or undefined if the attempt is the last.
 * `retry()` makes one. It is not called for a POST, a PATCH, or a body that is a ReadableStream.
 */
export type Retry = (attempt: Attempt) => number | undefined | Promise<number | undefined>

export interface RetryOptions {
  /** The maximum number of retries. @default 2 */
  readonly limit?: number
  /** Milliseconds before the first retry. Doubles with each retry, minus up to 50 % jitter. @default 300 */
  readonly delay?: number
  /**
   * The maximum milliseconds before a retry. A response with a longer `Retry-After` is the call's result.
   * @default 30_000
   */
  readonly maxDelay?: number
  /** The statuses that are repeated. @default [408, 425, 429, 502, 503, 504] */
  readonly statuses?: readonly number[]
}

/**
 * Repeats a call if the network fails, or if the status is 408, 425, 429, 502, 503 or 504: after an exponential backoff, or
 * after `Retry-After` if the response has it.
 *
 * @throws RangeError if `limit` is not a non-negative integer.
 * @example
 * const api = createClient<typeof app>({ baseUrl: 'https://api.example', retry: retry({ limit: 3 }) })
 */
export function retry({
  limit = 2,
  delay = 300,
  maxDelay = 30_000,
  statuses = [408, 425, 429, 502, 503, 504],
}: RetryOptions = {}): Retry {
  if (!Number.isInteger(limit) || limit < 0)
    throw new RangeError(`retry() takes a limit of 0 or more retries, not ${String(limit)}`)
  return ({ count, response, error }) => {
    if (count >= limit || !(response ? statuses.includes(response.status) : isNetworkError(error))) return undefined
    const after = toMilliseconds(response?.headers.get('retry-after'))
    if (after === undefined) return Math.min(maxDelay, delay * 2 ** count) * (0.5 + Math.random() / 2)
    return after > maxDelay ? undefined : after
  }
}

// A TypeError: https://fetch.spec.whatwg.org/#dom-global-fetch. On Workers, an Error with this property.
const isNetworkError = (error: unknown): boolean =>
  error instanceof TypeError || (error as { retryable?: unknown } | undefined)?.retryable === true

/** @see https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3 */
function toMilliseconds(retryAfter: string | null | undefined): number | undefined {
  if (retryAfter == null) return undefined
  const time = /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1_000 : Date.parse(retryAfter) - Date.now()
  return Number.isNaN(time) ? undefined : Math.max(0, time)
}
