import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { NodeRequest } from 'srvx/node'

type Body = ReadableStream<Uint8Array<ArrayBuffer>>
type Incoming = IncomingMessage & {
  /** What Express and Connect leave of the target before they cut the mount path off it. */
  readonly originalUrl?: string
  /** What some platforms, and `verify` of Express's parsers, keep of a body that they have read. */
  readonly rawBody?: unknown
}

/** Connections that the server ends, which the requests on them are told as the reason of their abort. */
export const cutOff: WeakSet<Socket> = new WeakSet()

/**
 * The Request of a message that Node received, or `undefined` if its target or its host is malformed. Its `url` is as
 * the URL parser writes it, so that whoever parses it again sees the same.
 */
export function toRequest(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  trustProxy: number,
): Request | undefined {
  const href = toHref(incoming, trustProxy)
  return href === undefined ? undefined : new ServedRequest(incoming, outgoing, href, trustProxy)
}

// srvx's, for headers that are made only when asked for. The rest is byway's own, since a body that is refused
// must leave the connection fit for the answer, and a cancelled body is no sign that the client is gone.
class ServedRequest extends NodeRequest {
  readonly #incoming: Incoming
  readonly #outgoing: ServerResponse
  readonly #href: string
  readonly #trustProxy: number
  readonly #wasRead: boolean
  #reason: DOMException | undefined
  #body: Body | null | undefined
  #signal: AbortSignal | undefined
  #native: Request | undefined

  constructor(incoming: Incoming, outgoing: ServerResponse, href: string, trustProxy: number) {
    super({ req: incoming, res: outgoing })
    this.#incoming = incoming
    this.#outgoing = outgoing
    this.#href = href
    this.#trustProxy = trustProxy
    this.#wasRead = incoming.readableDidRead
  }

  override get url(): string {
    return this.#href
  }

  override get ip(): string | undefined {
    return forwarded(this.#incoming, 'x-forwarded-for', this.#trustProxy) ?? this.#incoming.socket?.remoteAddress
  }

  override get signal(): AbortSignal {
    if (this.#signal) return this.#signal
    const controller = new AbortController()
    const outgoing = this.#outgoing
    const onClose = (): void => {
      if (outgoing.writableEnded) return
      controller.abort(this.#toReason())
    }
    if (outgoing.destroyed) onClose()
    else outgoing.once('close', onClose)
    return (this.#signal = controller.signal)
  }

  override get body(): Body | null {
    if (this.#body !== undefined) return this.#body
    const incoming = this.#incoming
    const { method, rawBody } = incoming
    if (method === 'GET' || method === 'HEAD' || !hasBody(incoming)) return (this.#body = null)
    if (rawBody instanceof Uint8Array) return (this.#body = new Response(rawBody as Uint8Array<ArrayBuffer>).body)
    if (this.#wasRead)
      throw new Error(
        `the body of ${method} ${this.#href} was read before byway got the request; mount toNodeHandler() before the ` +
          'body parser, or keep the bytes: express.json({ verify: (req, res, bytes) => { req.rawBody = bytes } })',
      )
    return (this.#body = toStream(incoming, this.#outgoing, () => this.#toReason()))
  }

  // One for the signal and the body, so that what breaks off with the body is known as the signal's abort.
  #toReason(): DOMException {
    const text = cutOff.has(this.#incoming.socket) ? 'The server shuts down.' : 'The client is gone.'
    return (this.#reason ??= new DOMException(text, 'AbortError'))
  }

  override get bodyUsed(): boolean {
    return !!this.#body && Readable.isDisturbed(this.#body as never)
  }

  override async text(): Promise<string> {
    return this.#read().text()
  }
  override async json(): Promise<unknown> {
    return this.#read().json()
  }
  override async arrayBuffer(): Promise<ArrayBuffer> {
    return this.#read().arrayBuffer()
  }
  override async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return new Uint8Array(await this.#read().arrayBuffer())
  }
  override async blob(): Promise<Blob> {
    return this.#read().blob()
  }
  override async formData(): Promise<FormData> {
    return this.#read().formData()
  }

  // Throws for a body that was read: https://fetch.spec.whatwg.org/#body-unusable
  #read(): Response {
    const type = this.headers.get('content-type')
    return new Response(this.body, type === null ? {} : { headers: { 'content-type': type } })
  }

  override clone(): Request {
    const { body } = this
    let copy: Body | undefined
    if (body) {
      if (this.bodyUsed) throw new TypeError('Body is unusable: Body has already been read')
      ;[this.#body, copy] = body.tee()
    }
    return this.#toNative(copy)
  }

  /** What srvx takes every member from that is not defined here: `mode`, `cache`, `duplex` and the like. */
  override get _request(): Request {
    return (this.#native ??= this.#toNative())
  }

  #toNative(body?: Body): Request {
    const { method, headers, signal } = this
    return new Request(this.#href, { method, headers, signal, ...(body && { body, duplex: 'half' }) } as RequestInit)
  }
}

// https://www.rfc-editor.org/rfc/rfc9112#section-6.3; HTTP/2 has other means.
const hasBody = ({ headers, httpVersionMajor }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0' || httpVersionMajor > 1

// Unlike `Readable.toWeb`, whose `cancel` destroys the message. What is not wanted is read and dropped, as Node does
// with a body that nobody reads: the client gets to read the answer, and may use its connection again.
function toStream(incoming: IncomingMessage, outgoing: ServerResponse, toReason: () => DOMException): Body {
  let stop = (): void => {}
  return new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      start(controller) {
        const onData = (chunk: Buffer<ArrayBuffer>): void => {
          controller.enqueue(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength))
          if (controller.desiredSize! <= 0) incoming.pause()
        }
        const onEnd = (): void => {
          stop()
          controller.close()
        }
        const onClose = (): void => {
          stop()
          controller.error(toReason())
        }
        // Node drops what is left of a message only if nobody has begun to read it. Paused, it would hold up the connection.
        const onAnswered = (): void => {
          if (incoming.readableEnded) return
          stop()
          controller.error(new DOMException('The answer is out; its request can be read no more.', 'AbortError'))
          incoming.resume()
        }
        stop = () => {
          incoming.off('data', onData).off('end', onEnd).off('close', onClose)
          outgoing.off('finish', onAnswered)
        }
        // A message that breaks off says so by 'error' too, which nobody else may be listening for.
        incoming.on('error', () => {})
        if (incoming.destroyed && !incoming.readableEnded) return onClose()
        incoming.on('data', onData).on('end', onEnd).on('close', onClose).pause()
        outgoing.once('finish', onAnswered)
      },
      pull: () => void incoming.resume(),
      cancel: () => {
        stop()
        incoming.resume()
      },
    },
    { highWaterMark: 65_536, size: ({ byteLength }) => byteLength },
  )
}

/** The absolute URL that was asked for. */
function toHref(incoming: Incoming, trustProxy: number): string | undefined {
  const target = incoming.originalUrl ?? incoming.url ?? ''
  const origin = toOrigin(incoming, trustProxy)
  // Printable ASCII only, and no fragment: https://www.rfc-editor.org/rfc/rfc9112#section-3.2
  if (origin === undefined || !/^[!"$-~]+$/.test(target)) return undefined
  // Nothing that the parser would write otherwise, neither in the path nor in the query.
  if (/^\/[\w\-.~!$&()*+,;=:@%/|]*(?:\?[\w\-.~!$&()*+,;=:@%/?|]*)?$/.test(target) && !/\/(?:\.|%2e)/i.test(target))
    return origin + target
  if (target.startsWith('/')) return new URL(origin + target).href
  // https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2: the target's own host counts, not the header's.
  if (!/^https?:\/\//i.test(target) || !URL.canParse(target)) return undefined
  const { username, password, host, pathname, search } = new URL(target)
  return username || password ? undefined : new URL(origin.replace(/\/\/.*/, `//${host}${pathname}${search}`)).href
}

// Nearly all requests of a process are for one host.
let known = { given: '', origin: '' }

function toOrigin(incoming: Incoming, trustProxy: number): string | undefined {
  const { headers, socket, httpVersion } = incoming
  const secure = (socket as { encrypted?: boolean }).encrypted
  const scheme = forwarded(incoming, 'x-forwarded-proto', trustProxy) ?? (secure ? 'https' : 'http')
  const host =
    forwarded(incoming, 'x-forwarded-host', trustProxy) ??
    (headers[':authority'] as string | undefined) ??
    (httpVersion === '1.0' ? (headers.host ?? localAddress(socket)) : headers.host)
  if (host === undefined || isRepeated(incoming.rawHeaders, 'host')) return undefined
  const given = `${scheme}://${host}`
  if (given === known.given) return known.origin
  // No user, no path: https://www.rfc-editor.org/rfc/rfc9112#section-3.2
  if (!/^https?:\/\/[\w.:[\]-]+$/.test(given) || !URL.canParse(given)) return undefined
  const { origin } = new URL(given)
  known = { given, origin }
  return origin
}

const localAddress = ({ localAddress = 'localhost', localPort = 80 }: IncomingMessage['socket']): string =>
  `${localAddress.includes(':') ? `[${localAddress}]` : localAddress}:${localPort}`

// Node keeps the first and says nothing of the others: https://www.rfc-editor.org/rfc/rfc9112#section-3.2
function isRepeated(rawHeaders: readonly string[], name: string): boolean {
  let count = 0
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const header = rawHeaders[index]!
    if (header.length === name.length && header.toLowerCase() === name) count++
  }
  return count > 1
}

// Each proxy adds what it saw at the end, so that what the client made up comes first.
function forwarded({ headers }: IncomingMessage, name: string, trustProxy: number): string | undefined {
  const value = trustProxy ? headers[name] : undefined
  if (value === undefined) return undefined
  const values = String(value).split(',')
  return values[Math.max(0, values.length - trustProxy)]!.trim()
}
