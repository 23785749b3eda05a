import { formatCacheControl, parseCacheControl } from '../headers/cache-control.js'
import type { Entry } from './store.js'

/** Seconds beyond `revalidate` in which a stale entry still serves; `Infinity` for no end. */
export interface Windows {
  /** While it is refreshed: https://www.rfc-editor.org/rfc/rfc5861#section-3 */
  readonly staleWhileRevalidate: number
  /** Where the refresh failed: https://www.rfc-editor.org/rfc/rfc5861#section-4 */
  readonly staleIfError: number
}

/** `fresh`; `stale`: serves while it is refreshed; `error`: serves where the refresh failed; `dead`: serves no more. */
export type State = 'fresh' | 'stale' | 'error' | 'dead'

/** What may be stored beside what nothing may. */
export interface Allowed {
  readonly statuses: ReadonlySet<number>
  /** The names of the headers in the key, in lower case. */
  readonly varied: ReadonlySet<string>
}

/**
 * Why an answer may not be stored, in few words, or `undefined` if it may.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9111#section-3
 */
export function toRefusal(
  { status, headers }: Pick<Response, 'status' | 'headers'>,
  allowed: Allowed,
): string | undefined {
  // A part, or what stands for an answer that somebody else has, is no answer to the next one.
  if (status < 200 || status === 206 || status === 304 || !allowed.statuses.has(status)) return `status ${status}`
  // https://www.rfc-editor.org/rfc/rfc9111#section-7.3: it would give one client's cookie to all.
  if (headers.has('set-cookie')) return 'set-cookie'
  const control = parseCacheControl(headers.get('cache-control') ?? '')
  // Those that name fields count as a whole, as https://www.rfc-editor.org/rfc/rfc9111#section-5.2.2.7 leaves open.
  for (const directive of ['no-store', 'private', 'no-cache']) if (control.has(directive)) return directive
  const unkeyed = toNames(headers.get('vary')).find((name) => !allowed.varied.has(name))
  if (unkeyed !== undefined) return `vary ${unkeyed}`
  // It never ends, and what it tells is for one listener at one moment.
  if (/^[ \t]*text\/event-stream[ \t]*(?:;|$)/i.test(headers.get('content-type') ?? '')) return 'event-stream'
  return undefined
}

/** What an entry may still be used for. */
export function stateOf({ time, revalidate, expires }: Entry, now: number, windows: Windows): State {
  if (expires !== null && now >= expires) return 'dead'
  if (revalidate === null) return 'fresh'
  // A clock that ran ahead must not keep an entry longer than its lifetime, hence no sign.
  const over = Math.abs(now - time) / 1_000 - revalidate
  if (over < 0) return 'fresh'
  if (over < windows.staleWhileRevalidate) return 'stale'
  return over < windows.staleIfError ? 'error' : 'dead'
}

/** The millisecond from which an entry is dead. */
export function expiresOf(time: number, revalidate: number | null, windows: Windows): number | null {
  if (revalidate === null) return null
  const end = Math.ceil(time + (revalidate + Math.max(windows.staleWhileRevalidate, windows.staleIfError)) * 1_000)
  return Number.isSafeInteger(end) ? end : null
}

/** Whole seconds since an entry's run began. A clock that is behind the one that wrote it sees 0. */
// https://www.rfc-editor.org/rfc/rfc9111#section-4.2.3
export const ageOf = ({ time }: Entry, now: number): number => Math.max(0, Math.floor((now - time) / 1_000))

/** Whole seconds for which an entry is still fresh, negative if it is not; `undefined` for ever. */
// https://www.rfc-editor.org/rfc/rfc9211#section-2.4
export const ttlOf = ({ time, revalidate }: Entry, now: number): number | undefined =>
  revalidate === null ? undefined : Math.floor(revalidate - Math.max(0, now - time) / 1_000)

/**
 * What other caches are told. Tags reach this cache and no other, so that the others ask each time, unless `cdn` lets
 * the shared ones among them be.
 */
export function toCacheControl({
  cdn,
  isPrivate,
}: {
  cdn?: number | undefined
  isPrivate?: boolean | undefined
}): string {
  return formatCacheControl([
    [isPrivate ? 'private' : 'public'],
    ['max-age', 0],
    ...(cdn === undefined || isPrivate ? [] : [['s-maxage', Math.floor(cdn)] as const]),
    // `s-maxage` has `proxy-revalidate` in it (RFC 9111 §5.2.2.10), which forbids shared caches to serve what is stale
    // (§4.2.4): `stale-while-revalidate` would be for browsers only, which are to ask each time.
    ['must-revalidate'],
  ])
}

// Of one connection (https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1), for one client (RFC 9111 §3.1), or of one moment.
// prettier-ignore
const unstored = new Set([
  'connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade',
  'proxy-authenticate', 'proxy-authentication-info', 'proxy-authorization', 'set-cookie',
  'age', 'cache-status', 'content-length', 'date',
])

/**
 * The headers of an answer as an entry keeps them. Bytes get their `content-length` again; a text gets it from the host.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9111#section-3.1
 */
export function toStoredHeaders(headers: Headers, body: Entry['body']): [name: string, value: string][] {
  const connection = toNames(headers.get('connection'))
  const stored = [...headers].filter(([name]) => !unstored.has(name) && !connection.includes(name))
  if (typeof body !== 'string' && body.length > 0) stored.push(['content-length', String(body.length)])
  return stored
}

const toNames = (header: string | null): string[] =>
  (header ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '')
