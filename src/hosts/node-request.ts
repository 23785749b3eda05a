import type { IncomingMessage, ServerResponse } from 'node:http'
import { isIP, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import { NodeRequest } from 'srvx/node'
import { BodyLimitError, limitStream, limitWithin, readWithin, type BodySource } from '../inputs/source.js'
import { hasBody, readMessage, toStream, toUsedStream, type BodyOwner } from './node-body.js'

type Bytes = Uint8Array<ArrayBuffer>
type Body = ReadableStream<Bytes>
type Incoming = IncomingMessage & {
  /** The request target before Express or Connect removed the mount path. */
  readonly originalUrl?: string
  /** The bytes of the body that some platforms, and `verify` of Express's parsers, keep after reading it. */
  readonly rawBody?: unknown
  /** The body after a body parser: bytes from `express.raw()`, a string from `express.text()`, or a parsed value. */
  readonly body?: unknown
}

/** The sockets that a server closes before their responses end. Their requests abort with that as the reason. */
export const cutOff: WeakSet<Socket> = new WeakSet()

/**
 * The Request for a message that Node.js received, or `undefined` if its target or its `Host` is malformed. Its `url` is
 * serialized as the URL parser does it, so parsing it again returns the same URL.
 *
 * If `waits` is true, the client sent `Expect: 100-continue`, and the first read of the body sends the 100.
 */
export function toRequest(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  trustProxy: number,
  waits: boolean,
): Request | undefined {
  const href = toHref(incoming, trustProxy)
  return href === undefined ? undefined : new ServedRequest(incoming, outgoing, href, trustProxy, waits)
}

// As `text()` decodes: without a byte order mark, and with U+FFFD for invalid bytes.
const decoder = new TextDecoder()

// srvx creates `Headers` only when code reads them. The body and the signal differ from srvx's: a body that byway
// rejects leaves the connection usable, and canceling the body is no sign that the client disconnected.
class ServedRequest extends NodeRequest implements BodySource {
  readonly #incoming: Incoming
  readonly #outgoing: ServerResponse
  readonly #href: string
  readonly #trustProxy: number
  /** Whether other code read the message before byway got it. */
  readonly #wasRead: boolean
  /** Whether the client waits for a 100 before it sends the body. */
  #waits: boolean
  /** Whether the body was read without a stream. */
  #used = false
  #limit = Number.POSITIVE_INFINITY
  #reason: DOMException | undefined
  #body: Body | null | undefined
  #signal: AbortSignal | undefined
  #native: Request | undefined

  constructor(incoming: Incoming, outgoing: ServerResponse, href: string, trustProxy: number, waits: boolean) {
    super({ req: incoming, res: outgoing })
    this.#incoming = incoming
    this.#outgoing = outgoing
    this.#href = href
    this.#trustProxy = trustProxy
    this.#waits = waits
    this.#wasRead = incoming.readableDidRead
  }

  override get url(): string {
    return this.#href
  }

  override get ip(): string | undefined {
    const { socket } = this.#incoming
    return toIp(forwarded(this.#incoming, 'x-forwarded-for', this.#trustProxy) ?? socket?.remoteAddress ?? '')
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
    if (!hasBody(incoming)) return (this.#body = null)
    if (this.#used) return (this.#body = toUsedStream())
    const bytes = this.#bytes
    if (bytes) return (this.#body = limitStream(new Response(bytes).body!, this.#limit))
    return (this.#body = toStream(incoming, this.#outgoing, this.#owner, this.#waits))
  }

  // One reason for the signal and the body, so that an error of the body is recognized as the abort of the signal.
  #toReason(): DOMException {
    const text = cutOff.has(this.#incoming.socket) ? 'The server is shutting down.' : 'The client disconnected.'
    return (this.#reason ??= new DOMException(text, 'AbortError'))
  }

  get #owner(): BodyOwner {
    return {
      limit: () => this.#limit,
      toReason: () => this.#toReason(),
      onRead: () => {
        if (!this.#waits) return
        this.#waits = false
        if (!this.#outgoing.headersSent) this.#outgoing.writeContinue()
      },
    }
  }

  // The bytes of a body that other code read. Throws if that code did not keep them.
  get #bytes(): Bytes | undefined {
    const { method, body, rawBody = body } = this.#incoming
    if (rawBody instanceof Uint8Array) return rawBody as Bytes
    if (!this.#wasRead) return undefined
    if (typeof rawBody === 'string') return new TextEncoder().encode(rawBody)
    // A parsed value is not used: its serialization has other bytes, so a signature over them would not match.
    throw new Error(
      `the body of ${method} ${this.#href} was read before byway received the request; mount toNodeHandler() before ` +
        'the body parser, or keep the bytes: express.json({ verify: (req, res, bytes) => { req.rawBody = bytes } })',
    )
  }

  override get bodyUsed(): boolean {
    return this.#used || (!!this.#body && Readable.isDisturbed(this.#body as never))
  }

  [limitWithin](limit: number): void {
    this.#limit = limit
  }

  [readWithin](limit: number): Promise<Bytes> {
    const incoming = this.#incoming
    if (!hasBody(incoming)) return Promise.resolve(new Uint8Array())
    const body = this.#body
    // https://fetch.spec.whatwg.org/#body-unusable
    if (this.bodyUsed || body?.locked) throw new TypeError('Body is unusable: Body has already been read')
    if (body)
      return new Response(limit < this.#limit ? limitStream(body, limit) : body)
        .arrayBuffer()
        .then((buffer) => new Uint8Array(buffer))
    const bytes = this.#bytes
    this.#used = true
    if (!bytes) return readMessage(incoming, limit, this.#owner)
    return bytes.length > limit ? Promise.reject(new BodyLimitError(limit)) : Promise.resolve(bytes)
  }

  override async text(): Promise<string> {
    return decoder.decode(await this[readWithin](this.#limit))
  }
  override async json(): Promise<unknown> {
    return JSON.parse(await this.text())
  }
  override async bytes(): Promise<Bytes> {
    return new Uint8Array(await this[readWithin](this.#limit))
  }
  override async arrayBuffer(): Promise<ArrayBuffer> {
    return (await this.bytes()).buffer
  }
  override async blob(): Promise<Blob> {
    return (await this.#toResponse()).blob()
  }
  override async formData(): Promise<FormData> {
    return (await this.#toResponse()).formData()
  }

  async #toResponse(): Promise<Response> {
    const type = this.headers.get('content-type')
    return new Response(await this[readWithin](this.#limit), type === null ? {} : { headers: { 'content-type': type } })
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

  /** The native Request from which srvx takes the properties that are not defined here, such as `mode` and `cache`. */
  override get _request(): Request {
    return (this.#native ??= this.#toNative())
  }

  #toNative(body?: Body): Request {
    const { method, headers, signal } = this
    return new Request(this.#href, { method, headers, signal, ...(body && { body, duplex: 'half' }) } as RequestInit)
  }
}

/** The absolute URL of a request. */
function toHref(incoming: Incoming, trustProxy: number): string | undefined {
  const target = incoming.originalUrl ?? incoming.url ?? ''
  const origin = toOrigin(incoming, trustProxy)
  // Printable ASCII only, and no fragment: https://www.rfc-editor.org/rfc/rfc9112#section-3.2
  if (origin === undefined || !/^[!"$-~]+$/.test(target)) return undefined
  // Characters that the URL parser does not change, in the path and in the query.
  if (/^\/[\w\-.~!$&()*+,;=:@%/|]*(?:\?[\w\-.~!$&()*+,;=:@%/?|]*)?$/.test(target) && !/\/(?:\.|%2e)/i.test(target))
    return origin + target
  if (target.startsWith('/')) return new URL(origin + target).href
  // The host of an absolute target replaces the header's: https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2
  if (!/^https?:\/\//i.test(target) || !URL.canParse(target)) return undefined
  const { username, password, host, pathname, search } = new URL(target)
  if (username || password) return undefined
  return new URL(`${origin.slice(0, origin.indexOf(':'))}://${host}${pathname}${search}`).href
}

// Most requests of a process have the same host.
let known = { given: '', origin: '' }

function toOrigin(incoming: Incoming, trustProxy: number): string | undefined {
  const { headers, socket, httpVersion } = incoming
  const secure = (socket as { encrypted?: boolean }).encrypted
  const scheme = forwarded(incoming, 'x-forwarded-proto', trustProxy)?.toLowerCase() ?? (secure ? 'https' : 'http')
  const host =
    forwarded(incoming, 'x-forwarded-host', trustProxy) ??
    (headers[':authority'] as string | undefined) ??
    (httpVersion === '1.0' ? (headers.host ?? localAddress(socket)) : headers.host)
  if (host === undefined || isRepeated(incoming.rawHeaders, 'host')) return undefined
  const given = `${scheme}://${host}`
  if (given === known.given) return known.origin
  // Without a user and a path: https://www.rfc-editor.org/rfc/rfc9112#section-3.2
  if (!/^https?:\/\/[\w.:[\]-]+$/.test(given) || !URL.canParse(given)) return undefined
  const { origin } = new URL(given)
  known = { given, origin }
  return origin
}

const localAddress = ({ localAddress = 'localhost', localPort = 80 }: IncomingMessage['socket']): string =>
  `${localAddress.includes(':') ? `[${localAddress}]` : localAddress}:${localPort}`

// Node.js keeps the first and drops the others: https://www.rfc-editor.org/rfc/rfc9112#section-3.2
function isRepeated(rawHeaders: readonly string[], name: string): boolean {
  let count = 0
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const header = rawHeaders[index]!
    if (header.length === name.length && header.toLowerCase() === name) count++
  }
  return count > 1
}

// Each proxy appends the value it saw, so values that the client made up come first.
function forwarded({ headers }: IncomingMessage, name: string, trustProxy: number): string | undefined {
  const value = trustProxy ? headers[name] : undefined
  if (value === undefined) return undefined
  const values = String(value).split(',')
  return values[Math.max(0, values.length - trustProxy)]!.trim()
}

// Some proxies append the port, put IPv6 into brackets, or quote the value as in `Forwarded`. Anything but an address is unusable.
// A server that listens on every address gets those of IPv4 as `::ffff:1.2.3.4`.
function toIp(value: string): string | undefined {
  if (isIP(value) === 4) return value
  const text = value.replace(/^"(.*)"$/, '$1')
  const address = /^\[(.+)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text
  return isIP(address) ? address.replace(/^::ffff:(?=\d+\.)/i, '') : undefined
}
