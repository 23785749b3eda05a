import { parseDate } from './date.js'
import { hasEntityTag, isEntityTag, isSameEntityTag } from './entity-tag.js'
import { parseRange, type ByteRange } from './range.js'

/** The validators of a representation (RFC 9110, section 8.8). */
export interface Validators {
  /** The entity tag with its quotes; a weak one starts with `W/`. */
  readonly etag?: string | undefined
  /** Milliseconds since 1970, at a whole second like a `Last-Modified` header. */
  readonly lastModified?: number | undefined
}

/**
 * Evaluates the conditional and `Range` headers of a GET or HEAD request whose response would be a 200. Returns `undefined`
 * for the whole body, a byte range, or the status to respond with instead. `toSize` is called only if the request has a
 * `Range` header that applies; if `toSize` is `undefined`, ranges are ignored.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-13.2.2
 */
export function toSelection(
  request: Request,
  validators: Validators,
  toSize: (() => number) | undefined,
): ByteRange | 304 | 412 | 416 | undefined {
  const status = toConditionalStatus(request, validators)
  if (status || !toSize || request.method !== 'GET') return status
  const range = request.headers.get('range')
  if (range === null) return undefined
  const ifRange = request.headers.get('if-range')
  return ifRange === null || isSameForRange(ifRange, validators) ? parseRange(range, toSize()) : undefined
}

/**
 * Returns whether a 304 repeats this header of the 200. Headers that describe the content are left out, because the client
 * already has them.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-15.4.5
 */
export const isKeptByNotModified = (name: string): boolean =>
  !name.startsWith('content-') || name === 'content-location' || name.startsWith('content-security-policy')

/**
 * Returns the status that the request's preconditions select, or `undefined` if the response is sent normally.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-13.2.2
 */
function toConditionalStatus({ method, headers }: Request, { etag, lastModified }: Validators): 304 | 412 | undefined {
  const ifMatch = headers.get('if-match')
  if (ifMatch !== null) {
    if (!hasEntityTag(ifMatch, etag, 'strong')) return 412
  } else if (isAfter(lastModified, headers.get('if-unmodified-since')) === true) return 412

  const isRead = method === 'GET' || method === 'HEAD'
  const ifNoneMatch = headers.get('if-none-match')
  if (ifNoneMatch !== null) {
    if (hasEntityTag(ifNoneMatch, etag, 'weak')) return isRead ? 304 : 412
  } else if (isRead && isAfter(lastModified, headers.get('if-modified-since')) === false) return 304
  return undefined
}

/**
 * Returns whether an `If-Range` header allows a partial response: its validator must match byte for byte.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-13.1.5
 */
function isSameForRange(ifRange: string, { etag, lastModified }: Validators): boolean {
  if (isEntityTag(ifRange)) return etag !== undefined && isSameEntityTag(ifRange, etag, 'strong')
  // A date within the last second is weak, because the file might change again: https://www.rfc-editor.org/rfc/rfc9110#section-8.8.2.2
  return lastModified !== undefined && lastModified === parseDate(ifRange) && Date.now() - lastModified >= 1_000
}

// Returns `undefined`, which means no condition, if the header is not a date or the representation has no modification time.
function isAfter(time: number | undefined, header: string | null): boolean | undefined {
  const date = header === null ? undefined : parseDate(header)
  return time === undefined || date === undefined ? undefined : time > date
}
