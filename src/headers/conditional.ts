import { parseDate } from './date.js'
import { hasEntityTag, isEntityTag, isSameEntityTag } from './entity-tag.js'
import { parseRange, type ByteRange } from './range.js'

/** What tells one state of a resource from another. */
export interface Validators {
  /** With its quotes, and `W/` before them if it is weak. */
  readonly etag?: string | undefined
  /** Milliseconds of a whole second, as `Last-Modified` has them. */
  readonly lastModified?: number | undefined
}

/**
 * What a GET or a HEAD wants of an answer whose status is 200 without conditions: the whole (`undefined`), a part, or a
 * status in its place. The size is asked for only where a part is wanted; without it, there are no parts.
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
 * Whether a 304 has a header of the 200: what it says of the content is known to whoever has that.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-15.4.5
 */
export const isKeptByNotModified = (name: string): boolean =>
  !name.startsWith('content-') || name === 'content-location' || name.startsWith('content-security-policy')

/**
 * The status that a request's conditions lead to in place of the answer itself, if any.
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
 * Whether an `If-Range` header allows a part: only of the very bytes that the client has a part of already.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-13.1.5
 */
function isSameForRange(ifRange: string, { etag, lastModified }: Validators): boolean {
  if (isEntityTag(ifRange)) return etag !== undefined && isSameEntityTag(ifRange, etag, 'strong')
  // What changed in this very second may change again in it: https://www.rfc-editor.org/rfc/rfc9110#section-8.8.2.2
  return lastModified !== undefined && lastModified === parseDate(ifRange) && Date.now() - lastModified >= 1_000
}

// A date that is none, or that there is nothing to compare with, is no condition.
function isAfter(time: number | undefined, header: string | null): boolean | undefined {
  const date = header === null ? undefined : parseDate(header)
  return time === undefined || date === undefined ? undefined : time > date
}
