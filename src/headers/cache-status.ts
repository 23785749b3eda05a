/** What a cache did with a request. */
export interface CacheStatus {
  /** Whether the answer came from the cache, and nothing was run for it. */
  readonly hit?: boolean | undefined
  /** Why the handler was run. */
  // https://www.rfc-editor.org/rfc/rfc9211#section-2.2
  readonly fwd?: 'bypass' | 'method' | 'uri-miss' | 'vary-miss' | 'miss' | 'request' | 'stale' | 'partial' | undefined
  /** Whether its answer was kept. */
  readonly stored?: boolean | undefined
  /** Whether the request waited for another one's run. */
  readonly collapsed?: boolean | undefined
  /** Seconds that the answer is fresh for; negative since when it is not. */
  readonly ttl?: number | undefined
  /** More, for a person. */
  readonly detail?: string | undefined
}

const maxDetail = 128
// https://www.rfc-editor.org/rfc/rfc9651#section-3.3.1: integers have at most 15 digits.
const maxInteger = 999_999_999_999_999

/**
 * A `Cache-Status` header, or the part that byway adds to it.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9211#section-2
 */
export function formatCacheStatus({ hit, fwd, stored, collapsed, ttl, detail }: CacheStatus): string {
  let text = 'byway'
  if (hit) text += '; hit'
  if (fwd) text += `; fwd=${fwd}`
  if (ttl !== undefined) text += `; ttl=${toInteger(ttl)}`
  if (stored) text += '; stored'
  if (collapsed) text += '; collapsed'
  if (detail !== undefined) text += `; detail=${toItem(detail.slice(0, maxDetail))}`
  return text
}

// Without a minus before a zero.
const toInteger = (number: number): number => Math.max(-maxInteger, Math.min(maxInteger, Math.trunc(number))) || 0

// A token where it is one, else a string, which has printable ASCII only: https://www.rfc-editor.org/rfc/rfc9651#section-4.1.6
const toItem = (text: string): string =>
  /^[A-Za-z*][!#$%&'*+\-.^`|~:/\w]*$/.test(text)
    ? text
    : `"${text.replace(/[^\x20-\x7e]/g, '?').replace(/["\\]/g, '\\$&')}"`
