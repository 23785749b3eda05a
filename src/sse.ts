import type { Reply, ReplyHeaders } from './reply.js'
import { createStreamResponse, type Items } from './stream.js'
import { isSchema, parseItem, type Input, type Output, type Schema } from './validate.js'
import { toJson } from './value.js'

/** One event of a `text/event-stream`. */
export interface ServerSentEvent<data = unknown> {
  /** Sent as JSON. */
  readonly data: data
  /** Its type. @default 'message' */
  readonly event?: string
  /** What the client sends as `Last-Event-ID` when it comes again: printable ASCII, since it comes as a header. */
  readonly id?: string
}

export interface SseInit<schema extends Schema | undefined = undefined> extends ReplyHeaders {
  /** That of each event's data. What is sent is its output; what it refuses breaks the stream off. */
  readonly schema?: schema
  /** Milliseconds that the client waits before it comes again. @default the client's own, some 3,000 */
  readonly retry?: number
  /** Seconds of silence after which a comment is sent, so that no proxy takes the connection for dead. 0: none. @default 15 */
  readonly keepAlive?: number
}

/**
 * A `text/event-stream` Response, which the client reads as an async iterable of events. Resume after the request's
 * `Last-Event-ID` header. Otherwise as `stream`.
 *
 * @throws RangeError for a `retry` or a `keepAlive` that is none; TypeError for a schema that is none.
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 * @example
 * route('/prices').get(async (request, { signal }) => reply.sse(ticks(request.headers.get('last-event-id'), signal)))
 */
export function sse<data>(
  events: Items<ServerSentEvent<data>>,
  init?: SseInit,
): Reply<200, AsyncIterable<ServerSentEvent<data>>>
export function sse<schema extends Schema>(
  events: Items<ServerSentEvent<Input<schema>>>,
  init: SseInit<schema> & { readonly schema: schema },
): Reply<200, AsyncIterable<ServerSentEvent<Output<schema>>>>
export function sse(
  events: Items<ServerSentEvent>,
  { schema, retry, keepAlive = 15, headers: given }: SseInit<Schema | undefined> = {},
): Response {
  if (schema !== undefined && !isSchema(schema))
    throw new TypeError('reply.sse() takes a Standard Schema, such as z.object({ … }), as its schema')
  if (!(keepAlive >= 0 && keepAlive < 2 ** 31 / 1_000))
    throw new RangeError(`reply.sse() takes a keepAlive of 0 seconds or more, not ${String(keepAlive)}`)
  if (retry !== undefined && !(retry >= 0 && Number.isFinite(retry)))
    throw new RangeError(`reply.sse() takes a retry of 0 milliseconds or more, not ${String(retry)}`)
  let first = retry === undefined ? '' : `retry: ${Math.round(retry)}\n`
  const encode = ({ data, event, id }: ServerSentEvent): string | Promise<string> => {
    const fields = first + field('event', event, oneLine) + field('id', id, ascii)
    first = ''
    const write = (data: unknown): string => `${fields}data: ${toJson(data)}\n\n`
    if (!schema) return write(data)
    const parsed = parseItem(schema, data)
    return parsed instanceof Promise ? parsed.then(write) : write(parsed)
  }
  return createStreamResponse(
    events,
    encode,
    { headers: given ? withDefaults(given) : defaults },
    { seconds: keepAlive, text: ':\n\n' },
  )
}

const defaults: [name: string, value: string][] = [
  ['content-type', 'text/event-stream'],
  ['cache-control', 'no-cache'],
  // nginx would hold the events back.
  ['x-accel-buffering', 'no'],
]

function withDefaults(given: HeadersInit): Headers {
  const headers = new Headers(given)
  for (const [name, value] of defaults) if (!headers.has(name)) headers.set(name, value)
  return headers
}

// A field ends at any line end, so that what is in it must not have one; nor what would not arrive as it is: half a
// surrogate pair, or in an id what a header does not carry.
const oneLine = /^[^\0\r\n\p{Surrogate}]*$/u
const ascii = /^(?! )[ -~]*(?<! )$/

function field(name: string, value: string | undefined, allowed: RegExp): string {
  if (value === undefined) return ''
  if (!allowed.test(value))
    throw new TypeError(`a server-sent event cannot have ${JSON.stringify(value)} as its ${name}`)
  return `${name}: ${value}\n`
}
