import type { ServerResponse } from 'node:http'
import { wasReported } from '../replies/stream.js'

/** What byway's own Responses, and srvx's, tell a host that asks, so that no stream has to be made of a text. */
interface Prepared {
  readonly status: number
  readonly statusText: string
  readonly headers: readonly string[]
  readonly body: string | Uint8Array | ReadableStream<Uint8Array> | null | undefined
}

/**
 * Writes an answer. What breaks in the middle of a body cuts the connection, which is all that HTTP/1.1 can do then.
 *
 * @throws TypeError for what is no Response, or one whose body was read.
 */
export function send(outgoing: ServerResponse, answer: Response): void {
  const { status, statusText, headers, body } = prepare(answer)
  const stream = typeof body === 'object' && body !== null && !(body instanceof Uint8Array) ? toStream(body) : undefined
  if (stream?.locked) throw new TypeError('the body of the Response is being read elsewhere; answer with a clone')
  if (outgoing.destroyed || outgoing.headersSent) {
    stream?.cancel().catch(() => {})
    return
  }
  writeHead(outgoing, status, statusText, headers)
  if (!stream) outgoing.end(body ?? undefined)
  else if (outgoing.req.method === 'HEAD') {
    stream.cancel().catch(() => {})
    outgoing.end()
  } else void pump(stream, outgoing)
}

function prepare(answer: Response): Prepared {
  const own = (answer as { _toNodeResponse?: () => Prepared })._toNodeResponse
  if (own) return own.call(answer)
  if (answer.bodyUsed) throw new TypeError('the Response has been read already; answer with a clone')
  const headers: string[] = []
  for (const [name, value] of answer.headers) headers.push(name, value)
  const { status, statusText, body } = answer
  return { status, statusText, headers, body }
}

// srvx's own may hold a Node stream.
const toStream = (body: object): ReadableStream<Uint8Array> =>
  body instanceof ReadableStream ? body : new Response(body as never).body!

function writeHead(outgoing: ServerResponse, status: number, statusText: string, headers: readonly string[]): void {
  outgoing.statusCode = status
  // HTTP/2 has none.
  if (statusText && outgoing.req.httpVersionMajor === 1)
    outgoing.statusMessage = statusText.replace(/[^\t\x20-\x7e]/g, '')
  // Pairs given to Node 20's `writeHead` after any `setHeader` lose every Set-Cookie but the last, as do HTTP/2's.
  if (outgoing.req.httpVersionMajor === 1 && outgoing.getHeaderNames().length === 0) {
    outgoing.writeHead(status, headers as string[])
    return
  }
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index]!
    if (name === 'set-cookie') outgoing.appendHeader(name, headers[index + 1]!)
    else outgoing.setHeader(name, headers[index + 1]!)
  }
}

async function pump(stream: ReadableStream<Uint8Array>, outgoing: ServerResponse): Promise<void> {
  const reader = stream.getReader()
  let wake = (): void => {}
  const onClose = (): void => {
    reader.cancel().catch(() => {})
    wake()
  }
  outgoing.once('close', onClose)
  // A write to a connection that has just gone.
  outgoing.on('error', () => {})
  // The head goes out with the first chunk if there is one in this turn, else without.
  let begun = false
  setImmediate(() => begun || outgoing.destroyed || outgoing.flushHeaders())
  try {
    for (;;) {
      const { done, value } = await reader.read()
      begun = true
      if (done || outgoing.destroyed) break
      if (!outgoing.write(value)) await new Promise<void>((resolve) => outgoing.once('drain', (wake = resolve)))
    }
    outgoing.end()
  } catch (error) {
    outgoing.destroy()
    // A stream of byway's has told the app's `onError`.
    if (!wasReported(error)) console.error(error)
  } finally {
    outgoing.off('close', onClose)
  }
}
