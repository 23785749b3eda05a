import { parseCacheControl } from '../../headers/cache-control.js'
import type { Entry } from '../stores/store.js'

/** Seconds after `revalidate` for which a stale entry is served; `Infinity`: no limit. */
export interface Windows {
  /** While it is refreshed: https://www.rfc-editor.org/rfc/rfc5861#section-3 */
  readonly staleWhileRevalidate: number
  /** If the refresh failed: https://www.rfc-editor.org/rfc/rfc5861#section-4 */
  readonly staleIfError: number
}

/** `fresh`; `stale`: served while it is refreshed; `error`: served if the refresh fails; `expired`: not served. */
export type State = 'fresh' | 'stale' | 'error' | 'expired'

/** What a cache stores. */
export interface Allowed {
  readonly statuses: ReadonlySet<number>
  /** The names of the headers in the key, in lower case. */
  readonly varied: ReadonlySet<string>
}

/**
 * Returns the reason why a response must not be stored, in few words, or `undefined` if it can be stored.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9111#section-3
 */
export function toRefusal(
  { status, headers }: Pick<Response, 'status' | 'headers'>,
  allowed: Allowed,
): string | undefined {
  // A part, or a reference to a response that another client has, is not a response for the next request.
  if (status < 200 || status === 206 || status === 304 || !allowed.statuses.has(status)) return `status ${status}`
  // https://www.rfc-editor.org/rfc/rfc9111#section-7.3: every client would get the cookie of one.
  if (headers.has('set-cookie')) return 'set-cookie'
  const control = parseCacheControl(headers.get('cache-control') ?? '')
  // A directive that names fields counts for the whole response: https://www.rfc-editor.org/rfc/rfc9111#section-5.2.2.7
  for (const directive of ['no-store', 'private', 'no-cache']) if (control.has(directive)) return directive
  const unkeyed = toNames(headers.get('vary')).find((name) => !allowed.varied.has(name))
  if (unkeyed !== undefined) return `vary ${unkeyed}`
  // It has no end, and its events are for one client.
  if (/^[ \t]*text\/event-stream[ \t]*(?:;|$)/i.test(headers.get('content-type') ?? '')) return 'event-stream'
  return undefined
}

/** The state of an entry. */
export function stateOf({ time, revalidate, expires }: Entry, now: number, windows: Windows): State {
  if (expires !== null && now >= expires) return 'expired'
  if (revalidate === null) return 'fresh'
  // Without a sign, because a clock that ran ahead must not prolong the lifetime of an entry.
  const over = Math.abs(now - time) / 1_000 - revalidate
  if (over < 0) return 'fresh'
  if (over < windows.staleWhileRevalidate) return 'stale'
  return over < windows.staleIfError ? 'error' : 'expired'
}

/** The time from which an entry is expired, in milliseconds since 1970. */
export function expiresOf(time: number, revalidate: number | null, windows: Windows): number | null {
  if (revalidate === null) return null
  const end = Math.ceil(time + (revalidate + Math.max(windows.staleWhileRevalidate, windows.staleIfError)) * 1_000)
  return Number.isSafeInteger(end) ? end : null
}

/** Whole seconds since the run of an entry began, or 0 if this process's clock is behind. */
// https://www.rfc-editor.org/rfc/rfc9111#section-4.2.3
export const ageOf = ({ time }: Entry, now: number): number => Math.max(0, Math.floor((now - time) / 1_000))

/** Whole seconds for which an entry is still fresh, negative if it is stale; `undefined`: no time limit. */
// https://www.rfc-editor.org/rfc/rfc9211#section-2.4
export const ttlOf = ({ time, revalidate }: Entry, now: number): number | undefined =>
  revalidate === null ? undefined : Math.floor(revalidate - Math.max(0, now - time) / 1_000)

/**
 * The `Cache-Control` of a response that sets none. Tags do not reach other caches, so these must revalidate every time;
 * `cdn` lets shared caches reuse the response.
 */
export function toCacheControl(cdn: number | undefined, isPrivate: boolean): string {
  // `s-maxage` includes `proxy-revalidate` (RFC 9111 §5.2.2.10), which forbids shared caches to serve stale responses
  // (§4.2.4). `stale-while-revalidate` would have an effect in browsers only, which must revalidate.
  const shared = cdn === undefined ? '' : ` s-maxage=${Math.floor(cdn)},`
  return `${isPrivate ? 'private' : 'public'}, max-age=0,${isPrivate ? '' : shared} must-revalidate`
}

// Headers of one connection (https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1), of one client (RFC 9111 §3.1), or of one
// moment.
// prettier-ignore
const unstored = new Set([
  'connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade',
  'proxy-authenticate', 'proxy-authentication-info', 'proxy-authorization', 'set-cookie',
  'age', 'cache-status', 'content-length', 'date',
])

/**
 * The headers of a response as an entry has them. Bytes get their `content-length` again; a text gets it from the host. The
 * age that the response had at an upstream is the first header.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9111#section-3.1
 */
export function toStoredHeaders(headers: Headers, body: Entry['body']): [name: string, value: string][] {
  const connection = toNames(headers.get('connection'))
  const stored = [...headers].filter(([name]) => !unstored.has(name) && !connection.includes(name))
  if (typeof body !== 'string' && body.length > 0) stored.push(['content-length', String(body.length)])
  const age = /^\d{1,10}/.exec(headers.get('age') ?? '')
  return age ? [['age', age[0]], ...stored] : stored
}

/** A `Vary` header with more names. */
export const mergeVary = (given: string | null, vary: string): string =>
  [...new Set(toNames(`${given ?? ''},${vary}`))].join(', ')

const toNames = (header: string | null): string[] =>
  (header ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '')
