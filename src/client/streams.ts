import type { ServerSentEvent } from '../reply.js'

/** The lines of a body, decoded while they come. A line that the body's end cuts off is given too. */
async function* readLines(body: ReadableStream<Uint8Array>, end: RegExp): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  const reader = body.getReader()
  let rest = ''
  try {
    for (;;) {
      const { done, value } = await reader.read()
      rest += done ? decoder.decode() : decoder.decode(value, { stream: true })
      // A CR at the end may be the first half of a CRLF.
      const held = !done && rest.endsWith('\r') ? '\r' : ''
      const lines = (held ? rest.slice(0, -1) : rest).split(end)
      rest = lines.pop()! + held
      yield* lines
      if (done) break
    }
    if (rest) yield rest
  } finally {
    // Whoever stops early tells the server to stop too.
    await reader.cancel().catch(() => {})
  }
}

/** The items of an `application/x-ndjson` body. */
export async function* readNdjson(body: ReadableStream<Uint8Array>): AsyncGenerator<unknown> {
  for await (const line of readLines(body, /\r?\n/)) if (line.trim()) yield JSON.parse(line)
}

/** How often in a row a stream of events is asked for again before its error is the caller's. */
const maxRetries = 5

/**
 * The events of a `text/event-stream` answer. If the connection breaks after an event with an id, `again` asks for what
 * follows it; a clean end is the end.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
 */
export async function* readEvents(
  first: Response,
  again: (lastEventId: string) => Promise<Response>,
  signal: AbortSignal,
): AsyncGenerator<ServerSentEvent> {
  let response = first
  let id: string | undefined
  let wait = 3_000
  for (let failures = 0; ;) {
    try {
      let event: string | undefined
      let data: string[] = []
      for await (const line of readLines(response.body!, /\r\n|\n|\r/)) {
        if (line === '') {
          if (data.length)
            yield {
              data: JSON.parse(data.join('\n')),
              ...(event !== undefined && { event }),
              ...(id !== undefined && { id }),
            }
          event = undefined
          data = []
          failures = 0
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
      if (id === undefined || signal.aborted || error instanceof SyntaxError) throw error
      for (;;) {
        if (++failures > maxRetries) throw error
        await pause(wait * 2 ** (failures - 1), signal)
        try {
          response = await again(id)
          if (response.status === 204) return
          if (response.ok && response.body) break
        } catch {
          signal.throwIfAborted()
        }
      }
    }
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer)
      reject(signal.reason as Error)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop)
      resolve()
    }, milliseconds)
    signal.addEventListener('abort', stop, { once: true })
  })
}
