import type { IncomingMessage, ServerResponse } from 'node:http'
import { BodyLimitError } from '../inputs/source.js'

type Bytes = Uint8Array<ArrayBuffer>

/** What reading a body asks of its request. */
export interface BodyOwner {
  /** The limit in bytes that holds now. */
  limit(): number
  /** The reason for a body that ends early. */
  toReason(): DOMException
  /** Called before the first bytes are read. */
  onRead(): void
}

// https://www.rfc-editor.org/rfc/rfc9112#section-6.3. HTTP/2 frames its bodies without these headers. A Request with the
// method GET or HEAD has no body: https://fetch.spec.whatwg.org/#dom-request
export const hasBody = ({ method, headers, httpVersionMajor }: IncomingMessage): boolean =>
  method !== 'GET' &&
  method !== 'HEAD' &&
  (headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0' || httpVersionMajor > 1)

const announcesMore = ({ headers }: IncomingMessage, limit: number): boolean =>
  Number(headers['content-length']) > limit

// A list of very short chunks would cost a hundred times their bytes.
const maxChunks = 1_024

/**
 * Reads the whole body without a stream. A body of one chunk is a view of the buffer in which the connection received it:
 * a copy would cost 4 of the 28 µs of a small POST. Rejects with a `BodyLimitError`, or with the owner's reason if the body ends early.
 * The rest of a rejected body is read and dropped, so that the client can read the response and use the connection again.
 */
export function readMessage(incoming: IncomingMessage, limit: number, owner: BodyOwner): Promise<Bytes> {
  return new Promise((resolve, reject) => {
    let chunks: Uint8Array[] = []
    let size = 0
    let isDone = false
    const fail = (error: unknown): void => {
      if (isDone) return
      isDone = true
      chunks = []
      reject(error)
    }
    // Node.js reads and drops the rest itself. A client that waits for a 100 must not get one.
    if (announcesMore(incoming, limit)) return fail(new BodyLimitError(limit))
    if (incoming.destroyed && !incoming.readableEnded) return fail(owner.toReason())
    owner.onRead()
    incoming
      .on('data', (chunk: Buffer) => {
        if (isDone) return
        size += chunk.length
        if (size > limit) fail(new BodyLimitError(limit))
        else if (chunks.push(chunk) === maxChunks) chunks = [concat(chunks, size)]
      })
      .on('end', () => {
        if (isDone) return
        isDone = true
        resolve(chunks.length === 1 ? (chunks[0] as Bytes) : concat(chunks, size))
      })
      // Every message closes in the end, so only an early close makes a reason.
      .on('close', () => void (isDone || fail(owner.toReason())))
      // HTTP/2 throws an error that has no listener. 'close' follows it.
      .on('error', () => {})
      .resume()
  })
}

function concat(chunks: readonly Uint8Array[], size: number): Bytes {
  const bytes = new Uint8Array(size)
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.length
  }
  return bytes
}

/**
 * The body as a stream. Unlike `Readable.toWeb()`, canceling it does not destroy the message: the rest is read and
 * dropped, so that the client can read the response and use the connection again.
 */
export function toStream(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  owner: BodyOwner,
  waits: boolean,
): ReadableStream<Bytes> {
  let stop = (): void => {}
  return new ReadableStream<Bytes>(
    {
      start(controller) {
        let size = 0
        const fail = (error: unknown): void => {
          stop()
          controller.error(error)
        }
        const onData = (chunk: Buffer<ArrayBuffer>): void => {
          size += chunk.byteLength
          if (size > owner.limit()) {
            fail(new BodyLimitError(owner.limit()))
            incoming.resume()
            return
          }
          controller.enqueue(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength))
          if (controller.desiredSize! <= 0) incoming.pause()
        }
        const onEnd = (): void => {
          stop()
          controller.close()
        }
        const onClose = (): void => fail(owner.toReason())
        // Node.js drops the rest of a message only if it was never read. A paused one would block the connection.
        const onFinish = (): void => {
          if (incoming.readableEnded) return
          fail(new DOMException('The response was sent, so the request body can no longer be read.', 'AbortError'))
          incoming.resume()
        }
        stop = () => {
          incoming.off('data', onData).off('end', onEnd).off('close', onClose)
          outgoing.off('finish', onFinish)
        }
        // HTTP/2 throws an error that has no listener. 'close' follows it.
        incoming.on('error', () => {})
        if (announcesMore(incoming, owner.limit())) return fail(new BodyLimitError(owner.limit()))
        if (incoming.destroyed && !incoming.readableEnded) return onClose()
        incoming.on('data', onData).on('end', onEnd).on('close', onClose).pause()
        outgoing.once('finish', onFinish)
      },
      pull: () => {
        owner.onRead()
        incoming.resume()
      },
      cancel: () => {
        stop()
        incoming.resume()
      },
    },
    // The stream of a client that waits for a 100 is pulled when code reads it, and not before.
    { highWaterMark: waits ? 0 : 65_536, size: ({ byteLength }) => byteLength },
  )
}

/** The stream of a body that was already read. */
export function toUsedStream(): ReadableStream<Bytes> {
  const stream = new ReadableStream<Bytes>()
  void stream.cancel()
  return stream
}
