import type { HeadersInput } from '../reply.js'
import { createResponse } from '#response'
import { problem } from './reply.js'
import { createStreamResponse } from './stream.js'

export interface ProxyOptions {
  /** Aborts the upstream's request, in addition to the signal of the request itself. Pass `context.signal`. */
  readonly signal?: AbortSignal
  /** Headers that replace the request's own, such as an `authorization` for the upstream. */
  readonly headers?: HeadersInput
  /**
   * Names of further request headers to forward, such as `authorization`. Forwarded by default: `Accept`, `Accept-Language`,
   * `Cache-Control`, `Content-Encoding`, `Content-Language`, `Content-Type`, `If-*`, `Last-Event-ID`, `Prefer`, `Range`, `User-Agent`.
   */
  readonly forward?: readonly string[]
  /** Whether the upstream gets the request's cookies, and can set cookies for this origin. @default false */
  readonly cookies?: boolean
  /** Milliseconds to wait for the head of the upstream's response; the body can take longer. 0: no limit. @default 60_000 */
  readonly timeout?: number
}

const allowed =
  'accept accept-language cache-control content-encoding content-language content-type if-match if-modified-since if-none-match if-range if-unmodified-since last-event-id prefer range user-agent'

// https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1, and other headers that belong to one connection.
const hopByHop =
  'connection keep-alive proxy-authenticate proxy-authentication-info proxy-authorization proxy-connection te trailer transfer-encoding upgrade'

// The codings that `fetch` decodes without removing the header.
const decoded = /^[ \t]*(?:x-)?(?:gzip|deflate|br)(?:[ \t]*,[ \t]*(?:gzip|deflate|br))*[ \t]*$/i

// Some versions of Node.js decode this too. If they do not, the body begins with the magic number:
// https://www.rfc-editor.org/rfc/rfc8878#section-3.1.1
const zstd = /^[ \t]*zstd[ \t]*$/i
const zstdMagic = [0x28, 0xb5, 0x2f, 0xfd]

declare const navigator: { userAgent?: string } | undefined

// Deno decodes only if it requested the coding itself, and Bun has an option not to decode.
const leavesCodings = (): boolean => 'Deno' in globalThis || 'Bun' in globalThis

// workerd decodes for readers, and encodes again when it sends one of these codings.
const isWorkerd = (): boolean => typeof navigator !== 'undefined' && navigator.userAgent === 'Cloudflare-Workers'
const recoded = /^(?:gzip|br)$/

/**
 * Forwards a request to another server, the upstream, and streams both ways. Redirects are passed on: none is followed, and no
 * `Location` is rewritten. A failure is a 502 problem, and a timeout a 504; the error goes to `onError`. When the client
 * disconnects, the upstream's request is aborted.
 *
 * The URL must not come from the client. A host that a user names makes this an open proxy, which reaches internal addresses
 * (`http://169.254.169.254`, `http://localhost`). Build a path from user input with `href`, which encodes each segment.
 *
 * Hop-by-hop headers, and those that `Connection` names, are not forwarded in either direction. `Via` is added, to detect a
 * request that comes back to this process, which gets a 508. Add `X-Forwarded-For` from `context.ip` in `headers` if the upstream
 * trusts it. `Accept-Encoding: identity` asks the upstream not to compress, because `fetch` would decode. `bodyLimit` does not apply: a route that
 * forwards declares no body.
 *
 * @throws TypeError if the URL is not an absolute http(s) URL, or has a password.
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-7.6
 * @example
 * route('/files/[...path]').get((request, { params, url, signal }) =>
 *   reply.proxy(request, `https://files.example${href('/v1/[...path]', params)}${url.search}`, { signal }))
 */
export async function proxy(request: Request, url: string | URL, options: ProxyOptions = {}): Promise<Response> {
  const { timeout = 60_000 } = options
  const target = toTarget(url)
  if (request.bodyUsed || request.body?.locked)
    throw new TypeError('reply.proxy() needs an unread body; declare no body on its route')
  if (!(timeout >= 0 && timeout < 2 ** 31))
    throw new RangeError(`reply.proxy() takes a timeout from 0 to 2147483647 ms, not ${String(timeout)}`)
  const via = request.headers.get('via')
  if (via?.includes(self())) return problem(508, { detail: 'The request was forwarded to this server before.' })
  const headers = toUpstream(request, options)
  headers.set('via', `${via === null ? '' : `${via}, `}1.1 ${self()}`)

  const late = new AbortController()
  const signal = AbortSignal.any([request.signal, late.signal, ...(options.signal ? [options.signal] : [])])
  const timer =
    timeout > 0 &&
    setTimeout(() => {
      late.abort(new DOMException(`the upstream sent no response in ${timeout} ms`, 'TimeoutError'))
    }, timeout)
  try {
    const { method, body } = request
    const init = {
      method,
      headers,
      redirect: 'manual',
      signal,
      decompress: false,
      ...(body && { body, duplex: 'half' }),
    }
    return await toResponse(await fetch(target, init as RequestInit), request, options)
  } catch (error) {
    if (!signal.aborted) return problem(502, { detail: 'The upstream could not be reached.' }, { cause: error })
    if ((signal.reason as { name?: unknown } | undefined)?.name !== 'TimeoutError') throw error
    return problem(504, { detail: 'The upstream took too long.' }, { cause: signal.reason })
  } finally {
    if (timer) clearTimeout(timer)
  }
}

function toTarget(url: string | URL): URL {
  const target = URL.canParse(String(url)) ? new URL(url) : undefined
  if (!target || !/^https?:$/.test(target.protocol) || target.username || target.password)
    throw new TypeError('reply.proxy() takes an absolute http(s) URL without a password; build its path with href()')
  return target
}

// Made when it is first needed: Workers have no random numbers while a module loads.
let pseudonym: string | undefined
const self = (): string => (pseudonym ??= `byway-${crypto.randomUUID()}`)

function toUpstream(request: Request, { headers: given, forward = [], cookies = false }: ProxyOptions): Headers {
  // Without a coding, the length and the entity tag stay true.
  const headers = new Headers({ 'accept-encoding': 'identity' })
  const dropped = namedByConnection(request.headers)
  for (const name of [...allowed.split(' '), ...forward, ...(cookies ? ['cookie'] : [])]) {
    const value = request.headers.get(name)
    if (value !== null && !dropped.has(name.toLowerCase())) headers.set(name, value)
  }
  for (const [name, value] of new Headers(given)) headers.set(name, value)
  return headers
}

// The hop-by-hop headers of one message.
const namedByConnection = (headers: Headers): Set<string> =>
  new Set([...hopByHop.split(' '), ...(headers.get('connection') ?? '').toLowerCase().split(/[ \t]*,[ \t]*/)])

async function toResponse(upstream: Response, request: Request, { cookies = false }: ProxyOptions): Promise<Response> {
  const { status, body } = upstream
  const dropped = namedByConnection(upstream.headers).add('alt-svc')
  if (!cookies) dropped.add('set-cookie')
  const reader = body?.getReader()
  const encoding = upstream.headers.get('content-encoding') ?? ''
  let first: ReadableStreamReadResult<Uint8Array> | undefined
  let isChanged = false
  if (isWorkerd()) isChanged = recoded.test(encoding)
  else if (!leavesCodings()) {
    isChanged = decoded.test(encoding)
    if (zstd.test(encoding)) {
      first = await reader?.read()
      isChanged = !zstdMagic.every((byte, index) => first?.value?.[index] === byte)
    }
    if (isChanged) dropped.add('content-encoding')
  }
  if (isChanged) dropped.add('content-length')
  const headers = [...upstream.headers].filter(([name]) => !dropped.has(name))
  // The tag identifies other bytes: https://www.rfc-editor.org/rfc/rfc9110#section-8.8.1
  const etag = isChanged ? headers.find(([name, value]) => name === 'etag' && value[0] === '"') : undefined
  if (etag) etag[1] = `W/${etag[1]}`
  if (!reader) return createResponse(null, status, headers)
  return createStreamResponse(
    toItems(reader, first, request.signal),
    (chunk) => chunk,
    { status, headers },
    undefined,
    false,
  )
}

// The stream's own iterator would close only after the chunk that it waits for.
function toItems(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  first: ReadableStreamReadResult<Uint8Array> | undefined,
  gone: AbortSignal,
): AsyncIterable<Uint8Array> {
  let ahead = first
  return {
    [Symbol.asyncIterator]: () => ({
      async next() {
        try {
          const { done, value } = ahead ?? (await reader.read())
          ahead = undefined
          return done ? { done, value: undefined } : { done, value }
        } catch (error) {
          // It failed because the client disconnected, which is not an error.
          if (gone.aborted) return { done: true, value: undefined }
          throw error
        }
      },
      async return() {
        // A failure after the end is not reported.
        await reader.cancel().catch(() => {})
        return { done: true, value: undefined }
      },
    }),
  }
}
