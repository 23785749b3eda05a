import type { ServerResponse } from 'node:http'
import { wasReported } from '../replies/stream.js'
import { cutOff } from './node-request.js'

/** The parts of byway's own Responses, and of srvx's, that a host can write without a stream. */
interface Prepared {
  readonly status: number
  readonly statusText: string
  readonly headers: readonly string[]
  readonly body: string | Uint8Array | ReadableStream<Uint8Array> | null | undefined
}

/**
 * The streams that a server writes. Clients of event streams of GET reconnect by specification, so a server that closes
 * disconnects them immediately instead of waiting for their end.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#reestablish-the-connection
 */
export class Streams {
  readonly #open = new Set<() => void>()
  readonly #canceled = new Set<Promise<void>>()
  #isClosed = false

  add(disconnect: () => void): void {
    this.#open.add(disconnect)
    // Later than the head of the response.
    if (this.#isClosed) setImmediate(disconnect)
  }

  delete(disconnect: () => void): void {
    this.#open.delete(disconnect)
  }

  /** Disconnects the open event streams, and from now on every new one. */
  close(): void {
    this.#isClosed = true
    for (const disconnect of this.#open) disconnect()
  }

  /** Cancels a stream. `settled()` waits for it. */
  cancel(reader: ReadableStreamDefaultReader<unknown>): void {
    const canceled = reader.cancel().catch(() => {})
    this.#canceled.add(canceled)
    void canceled.then(() => this.#canceled.delete(canceled))
  }

  /** Resolves when every canceled stream has ended: the `finally` of a generator has run, for example. */
  async settled(): Promise<void> {
    while (this.#canceled.size) await Promise.all(this.#canceled)
  }
}

/**
 * Writes a Response. If its stream fails, the connection is closed early, and an HTTP/2 stream with INTERNAL_ERROR.
 *
 * @throws TypeError if the value is not a Response, or its body was read.
 */
export function send(outgoing: ServerResponse, response: Response, streams: Streams): void {
  const { status, statusText, headers, body } = prepare(response)
  const stream = typeof body === 'object' && body !== null && !(body instanceof Uint8Array) ? toStream(body) : undefined
  if (stream?.locked) throw new TypeError('the body of the Response is being read by other code; return a clone')
  if (outgoing.destroyed || outgoing.headersSent) {
    stream?.cancel().catch(() => {})
    return
  }
  writeHead(outgoing, status, statusText, headers)
  if (!stream) outgoing.end(body ?? undefined)
  else if (outgoing.req.method === 'HEAD') {
    stream.cancel().catch(() => {})
    outgoing.end()
  } else void pump(stream, outgoing, streams, isEventStream(outgoing, headers))
}

function prepare(response: Response): Prepared {
  const own = (response as { _toNodeResponse?: () => Prepared })._toNodeResponse
  if (own) return own.call(response)
  if (response.bodyUsed) throw new TypeError('the body of the Response was already read; return a clone')
  const headers: string[] = []
  for (const [name, value] of response.headers) headers.push(name, value)
  const { status, statusText, body } = response
  return { status, statusText, headers, body }
}

// srvx's Responses can have a Node.js stream.
const toStream = (body: object): ReadableStream<Uint8Array> =>
  body instanceof ReadableStream ? body : new Response(body as never).body!

const isEventStream = (outgoing: ServerResponse, headers: readonly string[]): boolean =>
  outgoing.req.method === 'GET' && !!headers[headers.indexOf('content-type') + 1]?.startsWith('text/event-stream')

// They describe an HTTP/1.1 connection: https://www.rfc-editor.org/rfc/rfc9113#section-8.2.2
const connectionHeaders = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade'])

function writeHead(outgoing: ServerResponse, status: number, statusText: string, headers: readonly string[]): void {
  outgoing.statusCode = status
  const isHttp1 = outgoing.req.httpVersionMajor === 1
  // HTTP/2 has no reason phrase.
  if (statusText && isHttp1) outgoing.statusMessage = statusText.replace(/[^\t\x20-\x7e]/g, '')
  // After a `setHeader`, `writeHead` of Node.js 20 drops every Set-Cookie but the last, and so does that of HTTP/2.
  if (isHttp1 && outgoing.getHeaderNames().length === 0) {
    outgoing.writeHead(status, headers as string[])
    return
  }
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index]!
    if (!isHttp1 && connectionHeaders.has(name)) continue
    if (name === 'set-cookie') outgoing.appendHeader(name, headers[index + 1]!)
    else outgoing.setHeader(name, headers[index + 1]!)
  }
}

async function pump(
  stream: ReadableStream<Uint8Array>,
  outgoing: ServerResponse & { flush?(): void },
  streams: Streams,
  isEventStream: boolean,
): Promise<void> {
  const reader = stream.getReader()
  let isDisconnected = false
  let wake = (): void => {}
  const onClose = (): void => {
    streams.cancel(reader)
    wake()
  }
  // After the bytes that were written. Without the last chunk of the encoding, so that the client sees no complete response.
  const disconnect = (): void => {
    isDisconnected = true
    onClose()
    const { socket } = outgoing
    if (!socket) return
    cutOff.add(socket)
    socket.destroySoon()
  }
  outgoing.once('close', onClose)
  // A write to a connection that just closed.
  outgoing.on('error', () => {})
  if (isEventStream) streams.add(disconnect)
  // The head is sent with the first chunk if there is one in this turn, and without it otherwise.
  let isBegun = false
  setImmediate(() => isBegun || outgoing.destroyed || outgoing.flushHeaders())
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (isDisconnected) return
      isBegun = true
      if (done || outgoing.destroyed) break
      const isWritten = outgoing.write(value)
      // `compression()` of Express would keep the chunk until it has more.
      outgoing.flush?.()
      if (!isWritten) await new Promise<void>((resolve) => outgoing.once('drain', (wake = resolve)))
    }
    outgoing.end()
  } catch (error) {
    breakOff(outgoing)
    // The app's `onError` was called for a stream of byway.
    if (!wasReported(error)) console.error(error)
  } finally {
    streams.delete(disconnect)
    outgoing.off('close', onClose)
  }
}

// https://www.rfc-editor.org/rfc/rfc9113#section-7
const INTERNAL_ERROR = 2

function breakOff(outgoing: ServerResponse & { stream?: { close(code: number): void } }): void {
  if (outgoing.stream) outgoing.stream.close(INTERNAL_ERROR)
  else outgoing.destroy()
}
