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

  const respond = (request: Request, response: Response): Response | Promise<Response> => {
    const { method } = request
    if ((method !== 'GET' && method !== 'HEAD') || response.status !== 200) return response
    const cacheControl = headerOf(response, 'cache-control')
    if (cacheControl !== null && /\bno-store\b/i.test(cacheControl)) return response
    const own = headerOf(response, 'etag')
    if (own !== null) return select(request, response, own)
    const add = (digest: string): Response => {
      // 96 bits of the digest: two bodies of one URL with the same tag are not to be expected.
      const tag = `W/"${digest.slice(0, 16)}"`
      return select(request, withHeaders(response, [['etag', tag]]), tag)
    }
    const body = bodyOf(response, limit)
    if (body === undefined) return response
    if (typeof body === 'string' && hash) return add(hash('sha256', body, 'base64'))
    return Promise.resolve(body).then(digest).then(add)
  }

  return function respondWithTag(request, _context, next) {
    return next(undefined, { map: (response) => respond(request, response) })
  }
}

declare const process: { getBuiltinModule?(name: string): unknown } | undefined

// Node.js and the hosts that have its modules: Web Crypto takes ten times as long for a short text.
const { hash } = ((typeof process === 'object' && process.getBuiltinModule?.('node:crypto')) || {}) as {
  readonly hash?: (algorithm: string, data: string, encoding: string) => string
}

async function digest(body: string | Uint8Array<ArrayBuffer>): Promise<string> {
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body
  return btoa(String.fromCharCode(...new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))))
}

/** The body, unless it is unknown or too long. Reads a clone, so that the response can still be sent. */
function bodyOf(response: Response, limit: number): string | Promise<Uint8Array<ArrayBuffer>> | undefined {
  const text = textOf(response)
  if (text !== undefined) return text.length > limit ? undefined : text
  const length = headerOf(response, 'content-length')
  if (length === null || !(Number(length) <= limit) || !response.body) return undefined
  return response
    .clone()
    .arrayBuffer()
    .then((buffer) => new Uint8Array(buffer))
}

function select(request: Request, response: Response, own: string): Response {
  if (!request.headers.has('if-none-match') || toSelection(request, { etag: own }, undefined) !== 304) return response
  response.body?.cancel().catch(() => {})
  return createResponse(
    null,
    304,
    [...response.headers].filter(([name]) => isKeptByNotModified(name)),
  )
}
