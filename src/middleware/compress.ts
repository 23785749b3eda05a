import { codings, type Coding } from '#compression/codings'
import { parseQualities } from '../headers/quality.js'
import { withVary } from './vary.js'
import type { AnyContext, Continued, Middleware } from '../middleware.js'
import { headerOf, textOf } from '#response'

export interface CompressOptions {
  /** The smallest body in bytes that is compressed. A stream of unknown length is always compressed. @default 1_024 */
  readonly threshold?: number
  /**
   * The codings to use, in the order of preference if the client weighs them equally.
   * @default ['br', 'zstd', 'gzip'], as far as the host has them; only gzip on hosts without `node:zlib`
   */
  readonly encodings?: readonly ('br' | 'zstd' | 'gzip')[]
}

/**
 * Compresses responses by the client's `Accept-Encoding`. A stream is flushed after each of its chunks. Not compressed are
 * responses that are encoded already, small, partial, marked `no-transform` or of a media type that does not shrink, and event
 * streams. An `ETag` becomes weak. Hosts without `node:zlib` compress whole bodies only, not streams.
 *
 * Bun, Deno, Cloudflare and many proxies can compress themselves; use one of the two. Do not compress pages that repeat input
 * next to a secret: the length of the response can reveal the secret (BREACH).
 *
 * @throws TypeError if no coding of `encodings` is available on this host, or `threshold` is not a number of bytes.
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-12.5.3
 * @example
 * export default router({ items }, { use: [compress()] })
 */
export function compress({ threshold = 1_024, encodings }: CompressOptions = {}): Middleware<
  AnyContext,
  Continued<{}>
> {
  if (!(threshold >= 0))
    throw new TypeError(`compress() takes a number of bytes as threshold, not ${String(threshold)}`)
  const available = encodings ? encodings.flatMap((name) => codings.find((one) => one.name === name) ?? []) : codings
  if (!available.length)
    throw new TypeError(
      `compress() takes encodings that this host has: ${codings.map(({ name }) => `'${name}'`).join(', ')}, not ${JSON.stringify(encodings)}`,
    )

  const respond = (request: Request, response: Response): Response | Promise<Response> => {
    if (!isCompressible(response)) return response
    const text = textOf(response)
    const bytes = text === undefined ? undefined : new TextEncoder().encode(text)
    const length = bytes ? bytes.length : toLength(headerOf(response, 'content-length'))
    if (length !== undefined && length < threshold) return response
    const varied = withVary(response, 'Accept-Encoding')
    const coding = negotiate(request.headers.get('accept-encoding'), available)
    if (!coding || request.method === 'HEAD') return varied
    if (bytes) return coding.compress(bytes).then((body) => encode(varied, body, coding))
    const { body } = varied
    return body && coding.stream ? encode(varied, coding.stream(body), coding) : varied
  }

  return function respondCompressed(request, _context, next) {
    return next(undefined, { map: (response) => respond(request, response) })
  }
}

function isCompressible(response: Response): boolean {
  const { status } = response
  if (status === 204 || status === 205 || status === 206 || status === 304 || status < 200) return false
  if (headerOf(response, 'content-encoding') !== null) return false
  if (/\bno-transform\b/i.test(headerOf(response, 'cache-control') ?? '')) return false
  const type = (headerOf(response, 'content-type') ?? '').split(';', 1)[0]!.trim().toLowerCase()
  return types.test(type) && type !== 'text/event-stream'
}

const types =
  /^(?:text\/.+|.+\+(?:json|xml|text)|application\/(?:json|xml|javascript|ecmascript|x-ndjson|jsonl?|graphql|rtf|wasm|x-javascript|toml|yaml|sql|ld\+json)|image\/(?:bmp|x-icon)|font\/(?:otf|ttf))$/

const toLength = (header: string | null): number | undefined => (header === null ? undefined : Number(header))

/** Returns the coding with the highest weight, or `undefined` if the client prefers none of them. */
function negotiate(header: string | null, available: readonly Coding[]): Coding | undefined {
  const alternatives = parseQualities(header)
  const weightOf = (name: string): number | undefined => alternatives.find((one) => one.name === name)?.weight
  const any = weightOf('*') ?? 0
  const identity = weightOf('identity') ?? 0
  let best: { readonly coding: Coding; readonly weight: number } | undefined
  for (const coding of available) {
    const weight = weightOf(coding.name) ?? any
    if (weight > (best?.weight ?? 0)) best = { coding, weight }
  }
  return best && best.weight >= identity ? best.coding : undefined
}

function encode(
  response: Response,
  body: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array<ArrayBuffer>>,
  { name }: Coding,
): Response {
  const headers = new Headers(response.headers)
  headers.set('content-encoding', name)
  headers.delete('accept-ranges')
  headers.delete('content-length')
  if (body instanceof Uint8Array) headers.set('content-length', String(body.length))
  // https://www.rfc-editor.org/rfc/rfc9110#section-8.8.3.3: two codings of one content are equal, but not byte for byte.
  const tag = headers.get('etag')
  if (tag !== null && !tag.startsWith('W/')) headers.set('etag', `W/${tag}`)
  // Workers would encode the body again: https://developers.cloudflare.com/workers/runtime-apis/response/
  const init = { status: response.status, statusText: response.statusText, headers, encodeBody: 'manual' }
  return new Response(body, init)
}
