import { toFailure, toProblem } from './problem.js'
import { createResponse } from '#response'
import { createStreamResponse } from './stream.js'

export interface ProxyOptions {
  /** The request to forward: its method, its body as it comes, and those of its headers that are allowed. */
  readonly request: Request
  /** The context's, or another: when it aborts, the upstream's request does too. That of `request` always counts. */
  readonly signal?: AbortSignal
  /** What the upstream gets in place of the request's own headers, such as an `authorization` for it. */
  readonly headers?: HeadersInit
  /**
   * Names of further headers of the request to forward, such as `authorization`. Without it: `Accept`, `Accept-Language`,
   * `Cache-Control`, `Content-Encoding`, `Content-Language`, `Content-Type`, `If-*`, `Last-Event-ID`, `Prefer`, `Range`, `User-Agent`.
   */
  readonly forward?: readonly string[]
  /** Whether the upstream sees the request's cookies, and may set some for this origin. @default false */
  readonly cookies?: boolean
  /** Seconds to wait for the head of the upstream's answer; its body may take longer. 0: no end. @default 60 */
  readonly timeout?: number
}

const allowed =
  'accept accept-language cache-control content-encoding content-language content-type if-match if-modified-since if-none-match if-range if-unmodified-since last-event-id prefer range user-agent'

// https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1, and what is for the other end of one connection only.
const hopByHop =
  'connection keep-alive proxy-authenticate proxy-authentication-info proxy-authorization proxy-connection te trailer transfer-encoding upgrade'

// What `fetch` decodes by itself, and still names.
const decoded = /^[ \t]*(?:x-)?(?:gzip|deflate|br)(?:[ \t]*,[ \t]*(?:gzip|deflate|br))*[ \t]*$/i

// Some versions of Node decode this too. Where they did not, the body begins with its magic number:
// https://www.rfc-editor.org/rfc/rfc8878#section-3.1.1
const zstd = /^[ \t]*zstd[ \t]*$/i
const zstdMagic = [0x28, 0xb5, 0x2f, 0xfd]

declare const navigator: { userAgent?: string } | undefined

// Deno's decodes only what it asked for by itself, and Bun's can be told not to.
const leavesCodings = (): boolean => 'Deno' in globalThis || 'Bun' in globalThis

// It decodes for those who read, and encodes again what leaves under these names.
const isWorkerd = (): boolean => typeof navigator !== 'undefined' && navigator.userAgent === 'Cloudflare-Workers'
const recoded = /^(?:gzip|br)$/

/**
 * The answer of another server, the upstream: forwards the request there, and streams both ways. It follows no redirect
 * and rewrites no `Location`. A failure is a 502 problem, and a 504 when the time is up; the error goes to `onError`. When the client goes,
 * the upstream's request is aborted.
 *
 * The URL is yours alone. A host that a user names makes this an open proxy, which reaches what only this machine can
 * (`http://169.254.169.254`, `http://localhost`). A path that a user names is joined by `href`, which encodes each segment and refuses `..`.
 *
 * Hop-by-hop headers, and those that `Connection` names, stay here, both ways. Nothing is added but `Via`, by which a
 * request that comes round again is told: 508. Add `X-Forwarded-For` from `context.ip` by `headers` if the upstream trusts it.
 * The upstream is asked not to compress, since `fetch` would decode. What it sends is this origin's: its HTML runs here.
 * `bodyLimit` does not count what is forwarded; a route that forwards declares no body.
 *
 * @throws TypeError unless the URL is an absolute one for http or https, without a password.
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-7.6
 * @example
 * route('/files/[...path]').get((request, { params, url, signal }) =>
 *   reply.proxy(`https://files.example${href('/v1/[...path]', params)}${url.search}`, { request, signal }))
 */
export async function proxy(url: string | URL, options: ProxyOptions): Promise<Response> {
  const { request, timeout = 60 } = options
  const target = toTarget(url)
  if (request.bodyUsed || request.body?.locked)
    throw new TypeError('reply.proxy() got a request whose body was read; a route that forwards declares no body')
  if (!(timeout >= 0 && timeout * 1_000 < 2 ** 31))
    throw new RangeError(`reply.proxy() takes a timeout of 0 seconds or more, not ${String(timeout)}`)
  const via = request.headers.get('via')
  if (via?.includes(self())) return toProblem(508, { detail: 'The request has been here before.' })
  const headers = toUpstream(options)
  headers.set('via', `${via === null ? '' : `${via}, `}1.1 ${self()}`)

  const late = new AbortController()
  const signal = AbortSignal.any([request.signal, late.signal, ...(options.signal ? [options.signal] : [])])
  const timer =
    timeout > 0 &&
    setTimeout(() => {
      late.abort(new DOMException(`the upstream sent no answer in ${timeout} s`, 'TimeoutError'))
    }, timeout * 1_000)
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
    return await toAnswer(await fetch(target, init as RequestInit), request, options)
  } catch (error) {
    if (!signal.aborted) return toFailure(error, 'handler', 502, { detail: 'The upstream could not be reached.' })
    if ((signal.reason as { name?: unknown } | undefined)?.name !== 'TimeoutError') throw error
    return toFailure(signal.reason, 'handler', 504, { detail: 'The upstream took too long.' })
  } finally {
    if (timer) clearTimeout(timer)
  }
}

function toTarget(url: string | URL): URL {
  const target = URL.canParse(String(url)) ? new URL(url) : undefined
  if (!target || !/^https?:$/.test(target.protocol) || target.username || target.password)
    throw new TypeError(
      'reply.proxy() takes an absolute URL for http or https, without a password; join a path to it with href()',
    )
  return target
}

// Made when first needed: Workers give no random numbers while a module loads.
let pseudonym: string | undefined
const self = (): string => (pseudonym ??= `byway-${crypto.randomUUID()}`)

function toUpstream({ request, headers: given, forward = [], cookies = false }: ProxyOptions): Headers {
  // As it is, so that its length and its tag stay true.
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

async function toAnswer(upstream: Response, request: Request, { cookies = false }: ProxyOptions): Promise<Response> {
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
  // Other bytes than those that the tag is of: https://www.rfc-editor.org/rfc/rfc9110#section-8.8.1
  const etag = isChanged ? headers.find(([name, value]) => name === 'etag' && value[0] === '"') : undefined
  if (etag) etag[1] = `W/${etag[1]}`
  if (!reader) return createResponse(null, status, headers)
  return createStreamResponse(toItems(reader, first, request.signal), (chunk) => chunk, { status, headers })
}

// Its own iterator would close only after the chunk that it waits for.
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
          // It broke because the client did: no error of anyone's, and nobody reads its end.
          if (gone.aborted) return { done: true, value: undefined }
          throw error
        }
      },
      async return() {
        // What broke meanwhile is nobody's any more.
        await reader.cancel().catch(() => {})
        return { done: true, value: undefined }
      },
    }),
  }
}
