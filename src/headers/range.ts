/** A part: from `start` up to, not with, `end`. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/**
 * The one part of `size` bytes that a `Range` header asks for. `undefined` where the header is to be overlooked and the
 * whole is the answer: other units, malformed ones, and several parts, which a server may always answer so.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-14.1.2
 */
export function parseRange(header: string, size: number): ByteRange | 416 | undefined {
  const [, first, last, suffix] = /^bytes=[ \t]*(?:(\d+)-(\d*)|-(\d+))[ \t]*$/i.exec(header) ?? []
  if (suffix !== undefined) {
    const length = Math.min(Number(suffix), size)
    if (length > 0) return { start: size - length, end: size }
    // The last bytes of nothing are nothing, which no Content-Range can say.
    return Number(suffix) === 0 ? 416 : undefined
  }
  if (first === undefined) return undefined
  const start = Number(first)
  const end = last ? Number(last) + 1 : size
  if (last && Number(last) < start) return undefined
  return start < size ? { start, end: Math.min(end, size) } : 416
}
