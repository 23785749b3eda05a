import type { ServerSentEvent } from '../replies/sse.js'
import { sleep } from './race.js'
import type { Attempt } from './retry.js'
import { UnexpectedResponse } from './unexpected-response.js'

/** The media type of a response in lower case, without parameters; `''` if it has no type. */
export const toMediaType = ({ headers }: Response): string =>
  /^[^;\s]*/.exec(headers.get('content-type') ?? '')![0].toLowerCase()

/**
 * Yields the lines of a body, decoded as its bytes arrive; the last one can lack its end. Aborting the call's signal ends
 * them, also if an app that is called in process does not look at its signal.
 */
export function readLines(
  body: ReadableStream<Uint8Array>,
  request: Request,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const reader = body.getReader()
  // Refers to the request, because its signal follows the call's only as long as the request is not collected.
  const stop = (): void => void reader.cancel(request.signal.reason).catch(() => {})
  signal.addEventListener('abort', stop)
  if (signal.aborted) stop()
  // An inner generator, because the listener is needed before the first line is.
  return (async function* () {
    const decoder = new TextDecoder()
    let rest = ''
    let endsInCr = false
    let chunk: ReadableStreamReadResult<Uint8Array>
    try {
      do {
        chunk = await reader.read()
        signal.throwIfAborted()
        let text = decoder.decode(chunk.value, { stream: !chunk.done })
        if (!text) continue
        // A CRLF can be in two chunks.
        if (endsInCr && text[0] === '\n') text = text.slice(1)
        endsInCr = text.endsWith('\r')
        const lines = text.split(/\r\n?|\n/)
        lines[0] = rest + lines[0]!
        rest = lines.pop()!
        yield* lines
      } while (!chunk.done)
      if (rest) yield rest
    } finally {
      signal.removeEventListener('abort', stop)
      // A reader that stops early stops the server too.
      reader.cancel().catch(() => {})
    }
  })()
}

/** Yields the items of an `application/x-ndjson` body. */
export async function* parseItems(lines: AsyncIterable<string>): AsyncGenerator<unknown> {
  for await (const line of lines) if (line.trim()) yield JSON.parse(line) as unknown
}

/**
 * Yields the events of a `text/event-stream` body. If the connection breaks after an event with an `id`, sends the request
 * again from there with `send`, up to five times in a row.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
 */
export async function* parseEvents(
  lines: AsyncIterable<string>,
  signal: AbortSignal,
  send: ((lastEventId: string) => Promise<Omit<Attempt, 'count'>>) | undefined,
): AsyncGenerator<ServerSentEvent> {
  let lastId = ''
  let wait = 3_000
  let failures = 0
  for (;;) {
    try {
      if (failures) {
        // As bytes of UTF-8: https://html.spec.whatwg.org/multipage/server-sent-events.html#the-last-event-id-header
        const { request, response, error } = await send!(String.fromCharCode(...new TextEncoder().encode(lastId)))
        if (!response) throw error
        if (response.status === 204) return
        if (toMediaType(response) !== 'text/event-stream')
          throw new UnexpectedResponse(request, response, await response.text())
        lines = readLines(response.body!, request, signal)
      }
      let event: { data?: string; event?: string; id?: string } = {}
      for await (const line of lines) {
        if (line) {
          const [, name, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line)!
          if (name === 'data') event.data = event.data == null ? value : `${event.data}\n${value}`
          else if ((name === 'event' && value) || (name === 'id' && !value.includes('\0'))) event[name] = value
          else if (name === 'retry' && /^\d+$/.test(value)) wait = +value
        } else {
          failures = 0
          lastId = event.id ?? lastId
          if (event.data != null) yield { ...event, data: JSON.parse(event.data) as unknown }
          event = {}
        }
      }
      return
    } catch (error) {
      const status = (error as UnexpectedResponse | undefined)?.status ?? 500
      if (!send || !lastId || failures > 4 || error instanceof SyntaxError || (status < 500 && status !== 429))
        throw error
      await sleep(wait * 2 ** failures++, signal)
    }
  }
}
