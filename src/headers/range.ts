/** A range of bytes; `start` is inclusive and `end` is exclusive. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/**
 * Parses a `Range` header for a body of `size` bytes. Returns the range, or 416 if it is not satisfiable. Returns
 * `undefined` if the header must be ignored and the whole body sent: another unit, a malformed header, or several ranges.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-14.1.2
 */
export function parseRange(header: string, size: number): ByteRange | 416 | undefined {
  const [, first, last, suffix] = /^bytes=[ \t]*(?:(\d+)-(\d*)|-(\d+))[ \t]*$/i.exec(header) ?? []
  if (suffix !== undefined) {
    const length = Math.min(Number(suffix), size)
    if (length > 0) return { start: size - length, end: size }
    // A suffix of an empty body is empty, and Content-Range cannot express an empty range.
    return Number(suffix) === 0 ? 416 : undefined
  }
  if (first === undefined) return undefined
  const start = Number(first)
  const end = last ? Number(last) + 1 : size
  if (last && Number(last) < start) return undefined
  return start < size ? { start, end: Math.min(end, size) } : 416
}
