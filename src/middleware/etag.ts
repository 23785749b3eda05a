import { isKeptByNotModified, toSelection } from '../headers/conditional.js'
import type { AnyContext, Continued, Middleware } from '../middleware.js'
import { createResponse, headerOf, textOf, withHeaders } from '#response'

export interface EtagOptions {
  /**
   * The largest body in bytes that is hashed. A response with a longer or unknown `Content-Length`, such as a stream, is
   * sent without an `ETag`.
   * @default 1_048_576
   */
  readonly limit?: number
}

/**
 * Adds a weak `ETag` to responses to GET and HEAD, and responds with a 304 if the request's `If-None-Match` has it. The
 * handler still runs: this saves bytes, `cache()` from `byway/cache` saves the work too and sends an `ETag` itself. An `ETag`
 * that the handler set is compared, not replaced. Responses with `no-store` and statuses but 200 are sent unchanged.
 *
 * @throws RangeError if `limit` is not a positive number.
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-8.8.3
 * @example
 * export const items = route('/items').use(etag()).get(() => db.list())
 */
export function etag({ limit = 1_048_576 }: EtagOptions = {}): Middleware<AnyContext, Continued<{}>> {
  if (!(limit > 0)) throw new RangeError(`etag() takes a positive number of bytes as limit, not ${String(limit)}`)

  const tag = async (request: Request, response: Response): Promise<Response> => {
    const bytes = bytesOf(response, limit)
    if (!bytes) return response
    const text = `W/"${toBase64(await crypto.subtle.digest('SHA-256', await bytes))}"`
    return select(request, withHeaders(response, [['etag', text]]), text)
  }

  return function respondWithTag(request, _context, next) {
    const { method } = request
    return next().then((response) => {
      if ((method !== 'GET' && method !== 'HEAD') || response.status !== 200) return response
      if (/\bno-store\b/i.test(headerOf(response, 'cache-control') ?? '')) return response
      const own = headerOf(response, 'etag')
      return (own === null ? tag(request, response) : select(request, response, own)) as Promise<Continued<{}>>
    })
  }
}

/** The body, unless it is unknown or too long. Reads a clone, so that the response can still be sent. */
function bytesOf(
  response: Response,
  limit: number,
): Promise<Uint8Array<ArrayBuffer>> | Uint8Array<ArrayBuffer> | undefined {
  const text = textOf(response)
  if (text !== undefined) return text.length > limit ? undefined : new TextEncoder().encode(text)
  const length = headerOf(response, 'content-length')
  if (length === null || !(Number(length) <= limit) || !response.body) return undefined
  return response
    .clone()
    .arrayBuffer()
    .then((buffer) => new Uint8Array(buffer))
}

function select(request: Request, response: Response, own: string): Response {
  if (toSelection(request, { etag: own }, undefined) !== 304) return response
  response.body?.cancel().catch(() => {})
  return createResponse(
    null,
    304,
    [...response.headers].filter(([name]) => isKeptByNotModified(name)),
  )
}

// 96 bits of the digest: two bodies of one URL with the same tag are not to be expected.
const toBase64 = (digest: ArrayBuffer): string => btoa(String.fromCharCode(...new Uint8Array(digest, 0, 12)))
