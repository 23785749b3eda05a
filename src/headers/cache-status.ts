/** The parameters of a `Cache-Status` header: how a cache handled a request. */
export interface CacheStatus {
  /** Whether the response came from the cache without running the handler. */
  readonly hit?: boolean | undefined
  /** The reason for running the handler. */
  // https://www.rfc-editor.org/rfc/rfc9211#section-2.2
  readonly fwd?: 'bypass' | 'method' | 'uri-miss' | 'vary-miss' | 'miss' | 'request' | 'stale' | 'partial' | undefined
  /** Whether the cache stored the response. */
  readonly stored?: boolean | undefined
  /** Whether the request joined a run in progress. */
  readonly collapsed?: boolean | undefined
  /** Seconds for which the response remains fresh; negative if it is stale. */
  readonly ttl?: number | undefined
  /** Details for a human reader; only the first 128 characters are sent. */
  readonly detail?: string | undefined
}

const maxDetail = 128
// https://www.rfc-editor.org/rfc/rfc9651#section-3.3.1: integers have at most 15 digits.
const maxInteger = 999_999_999_999_999

/**
 * Formats byway's member of a `Cache-Status` header.
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

// `|| 0` turns -0 into 0.
const toInteger = (number: number): number => Math.max(-maxInteger, Math.min(maxInteger, Math.trunc(number))) || 0

// A token if `text` is one, else a string. Strings have only printable ASCII: https://www.rfc-editor.org/rfc/rfc9651#section-4.1.6
const toItem = (text: string): string =>
  /^[A-Za-z*][!#$%&'*+\-.^`|~:/\w]*$/.test(text)
    ? text
    : `"${text.replace(/[^\x20-\x7e]/g, '?').replace(/["\\]/g, '\\$&')}"`
