import type { ServerSentEvent } from '../sse.js'
import { sleep } from './retry.js'
import { UnexpectedResponse } from './unexpected-response.js'

type Body = ReadableStream<Uint8Array>

/**
 * The lines of a body, decoded while they come. A line that the body's end cuts off is given too. The call's signal ends
 * them, also where the app is called in process and knows nothing of it.
 */
function readLines(body: Body, end: RegExp, request: Request, signal: AbortSignal): AsyncGenerator<string> {
  const reader = body.getReader()
  // The request's signal follows the call's as long as the request is there: this keeps it.
  const stop = (): void => void reader.cancel(request.signal.reason).catch(() => {})
  if (signal.aborted) stop()
  else signal.addEventListener('abort', stop, { once: true })

  async function* read(): AsyncGenerator<string> {
    const decoder = new TextDecoder()
    let rest = ''
    let held = ''
    try {
      for (;;) {
        const { done, value } = await reader.read()
        signal.throwIfAborted()
        let text = held + (done ? decoder.decode() : decoder.decode(value, { stream: true }))
        // A CR at the end may be the first half of a CRLF.
        held = !done && text.endsWith('\r') ? '\r' : ''
        if (held) text = text.slice(0, -1)
        const lines = text.split(end)
        lines[0] = rest + lines[0]!
        rest = lines.pop()!
        yield* lines
        if (done) break
      }
      if (rest) yield rest
    } finally {
      signal.removeEventListener('abort', stop)
      // Whoever stops early tells the server to stop too.
      reader.cancel().catch(() => {})
    }
  }
  return read()
}

/** The items of an `application/x-ndjson` body. */
export function readNdjson(body: Body, request: Request, signal: AbortSignal): AsyncGenerator<unknown> {
  const lines = readLines(body, /\r?\n/, request, signal)
  return (async function* () {
    for await (const line of lines) if (line.trim()) yield JSON.parse(line) as unknown
  })()
}

/** How often in a row a stream of events is asked for again before its error is the caller's. */
const maxRetries = 5

/**
 * The events of a `text/event-stream` body. If the connection breaks after an event with an id, `again` asks for what
 * follows it, where that is safe; a clean end is the end.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
 */
export function readEvents(
  body: Body,
  request: Request,
  signal: AbortSignal,
  again: ((lastEventId: string) => Promise<Response>) | undefined,
): AsyncGenerator<ServerSentEvent> {
  return resume(readLines(body, /\r\n|\n|\r/, request, signal), request, signal, again)
}

async function* resume(
  lines: AsyncGenerator<string>,
  request: Request,
  signal: AbortSignal,
  again: ((lastEventId: string) => Promise<Response>) | undefined,
): AsyncGenerator<ServerSentEvent> {
  /** That of the last event that came whole. */
  let lastId = ''
  let wait = 3_000
  for (let failures = 0; ;) {
    try {
      let id: string | undefined
      let event = ''
      let data: string[] = []
      for await (const line of lines) {
        if (line === '') {
          failures = 0
          lastId = id ?? lastId
          const whole = data.length && {
            data: JSON.parse(data.join('\n')) as unknown,
            ...(event && { event }),
            ...(id !== undefined && { id }),
          }
          id = undefined
          event = ''
          data = []
          if (whole) yield whole
          continue
        }
        const [, name, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line)!
        if (name === 'data') data.push(value)
        else if (name === 'event') event = value
        else if (name === 'id' && !value.includes('\0')) id = value
        else if (name === 'retry' && /^\d+$/.test(value)) wait = Number(value)
      }
      return
    } catch (error) {
      if (!again || !lastId || signal.aborted || error instanceof SyntaxError) throw error
      let response: Response | undefined
      while (!response) {
        if (++failures > maxRetries) throw error
        await sleep(wait * 2 ** (failures - 1), signal)
        response = await again(toHeader(lastId)).catch(() => {
          signal.throwIfAborted()
          return undefined
        })
        if (response && (response.status >= 500 || response.status === 429)) {
          response.body?.cancel().catch(() => {})
          response = undefined
        }
      }
      if (response.status === 204) return
      const type = response.headers.get('content-type') ?? ''
      if (response.status !== 200 || !response.body || !/^text\/event-stream\b/i.test(type))
        throw new UnexpectedResponse(request, response, await response.text())
      lines = readLines(response.body, /\r\n|\n|\r/, request, signal)
    }
  }
}

// As bytes of UTF-8: https://html.spec.whatwg.org/multipage/server-sent-events.html#the-last-event-id-header
const toHeader = (id: string): string => String.fromCharCode(...new TextEncoder().encode(id))
