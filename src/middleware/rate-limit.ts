import { middleware, type AnyContext, type Continued, type Middleware, type Next } from '../middleware.js'
import type { Problem } from '../problem.js'
import { problem } from '../replies/reply.js'
import type { Reply } from '../reply.js'
import { withHeaders, type HeaderPairs } from '#response'
import { memoryRateLimits, type RateLimitStore, type Usage } from './rate-limit-stores.js'

export interface RateLimitOptions<context extends AnyContext = AnyContext> {
  /** How many requests a key can send in a window. */
  readonly limit: number
  /** The length of the window in milliseconds. It slides: a burst at its end counts in the next one. */
  readonly window: number
  /**
   * Returns what is counted: `({ ip }) => ip`, or `({ user }) => user.id` behind a middleware that adds the user. Do not use
   * a header that clients can set: each value would have a quota of its own. All requests with `undefined` share one quota.
   */
  readonly key: (context: context, request: Request) => string | undefined | Promise<string | undefined>
  /** The name of the policy in the headers, and of its counts in the store. @default 'default' */
  readonly name?: string
  /** Where requests are counted. @default memoryRateLimits(), for this process alone */
  readonly store?: RateLimitStore
  /** Milliseconds to wait for the store. @default 500 */
  readonly storeTimeout?: number
}

/**
 * Responds with a 429 problem and `Retry-After` to a client above its quota. Every other response has `RateLimit` and
 * `RateLimit-Policy`, which say what is left. If the store fails or is slow, the request continues, and the error is reported
 * to `onError`. Behind a proxy, `context.ip` is the proxy unless the host knows it: `serve(app, { trustProxy: 1 })`.
 *
 * @throws TypeError or RangeError if an option is missing or invalid.
 * @see https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-ratelimit-headers
 * @see https://www.rfc-editor.org/rfc/rfc6585#section-4
 * @example
 * const limited = route.use(rateLimit({ limit: 100, window: 60_000, key: ({ ip }) => ip }))
 */
export function rateLimit<context extends AnyContext = AnyContext>({
  limit,
  window,
  key,
  name = 'default',
  store = memoryRateLimits(),
  storeTimeout = 500,
}: RateLimitOptions<context>): Middleware<context, Continued<{}> | Reply<429, Problem<429>>> {
  if (typeof key !== 'function') throw new TypeError('rateLimit() takes { key }: a function such as ({ ip }) => ip')
  if (!(Number.isInteger(limit) && limit > 0))
    throw new RangeError(`rateLimit() takes a positive integer as limit, not ${String(limit)}`)
  if (!(Number.isInteger(window) && window > 0))
    throw new RangeError(`rateLimit() takes a window in whole milliseconds, not ${String(window)}`)
  // https://www.rfc-editor.org/rfc/rfc9651#section-3.3.3
  if (!/^[ !#-[\]-~]+$/.test(name))
    throw new TypeError(`rateLimit() takes a name in ASCII without quotes, not ${JSON.stringify(name)}`)
  const policy = `"${name}";q=${limit};w=${Math.ceil(window / 1_000)}`
  const quota = { limit, window }

  const count = (given: string | undefined): Usage | Promise<Usage> => {
    const own = toKey(given)
    if (typeof own !== 'string') return own.then((own) => within(store.count(`${name}:${own}`, quota), storeTimeout))
    const usage = store.count(`${name}:${own}`, quota)
    return usage instanceof Promise ? within(usage, storeTimeout) : usage
  }

  const toHeaders = ({ remaining, reset }: Usage): HeaderPairs => [
    ['ratelimit-policy', policy],
    ['ratelimit', `"${name}";r=${remaining};t=${Math.ceil(reset / 1_000)}`],
  ]

  type Limited = Continued<{}> | Reply<429, Problem<429>>
  const proceed = (usage: Usage, next: Next): Promise<Limited> | Limited => {
    const headers = toHeaders(usage)
    if (usage.isAllowed) return next(undefined, { map: (response) => withHeaders(response, headers) })
    const retryAfter = ['retry-after', String(Math.ceil(usage.reset / 1_000))] as const
    return problem(429, { detail: 'Too many requests.' }, { headers: [...headers, retryAfter] as [string, string][] })
  }

  const run = (given: string | undefined, context: context, next: Next): Promise<Limited> | Limited => {
    const skip = (error: unknown): undefined => context.report(error) as undefined
    let usage: Usage | Promise<Usage> | undefined
    try {
      usage = count(given)
    } catch (error) {
      skip(error)
    }
    const settle = (usage: Usage | undefined) => (usage ? proceed(usage, next) : next())
    return usage instanceof Promise ? usage.catch(skip).then(settle) : settle(usage)
  }

  return middleware(
    { openapi: { responses: { 429: { description: 'The client sent too many requests.', headers: notes } } } },
    function limitRate(request: Request, context: context, next: Next): Promise<Limited> | Limited {
      const given = key(context, request)
      return given instanceof Promise ? given.then((given) => run(given, context, next)) : run(given, context, next)
    },
  )
}

const notes = {
  RateLimit: 'What is left of the quota.',
  'RateLimit-Policy': 'The quota.',
  'Retry-After': 'Seconds until the next request is accepted.',
}

/** A key of a bounded length, and apart from the key of requests without one. */
function toKey(given: string | undefined): string | Promise<string> {
  if (given === undefined) return '-'
  if (given.length <= 128) return `=${given}`
  return crypto.subtle
    .digest('SHA-256', new TextEncoder().encode(given))
    .then((digest) => `#${Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')}`)
}

function within<value>(promise: value | Promise<value>, milliseconds: number): Promise<value> {
  let timer: ReturnType<typeof setTimeout>
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new DOMException(`the store of rateLimit() took over ${milliseconds} ms`, 'TimeoutError')),
      milliseconds,
    )
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}
