import { toJson } from '../json.js'
import { toInputErrors } from '../problem.js'
import type { Reply, ReplyHeaders } from '../reply.js'
import { ResponseError } from '../respond.js'
import { isSchema, validate, type Input, type Output, type Schema } from '../schema.js'
import { withDefaults } from './reply.js'
import { createStreamResponse, type Items } from './stream.js'

/** One event of a `text/event-stream`. */
export interface ServerSentEvent<data = unknown> {
  /** Sent as JSON, or as it is if the option `text` is set. */
  readonly data: data
  /** The type of the event. @default 'message' */
  readonly event?: string
  /** What the client sends as `Last-Event-ID` when it reconnects. Printable ASCII, because it is sent as a header. */
  readonly id?: string
}

export interface SseInit<schema extends Schema | undefined = undefined> extends ReplyHeaders {
  /** The schema of each event's data. Its output is sent; invalid data ends the stream with an error. */
  readonly schema?: schema
  /** Sends strings as they are instead of as JSON: HTML for htmx, or `[DONE]`. Each line becomes a `data` field. byway's client reads JSON only. @default false */
  readonly text?: boolean
  /** Milliseconds that the client waits before it reconnects. @default the client's own, about 3_000 */
  readonly retry?: number
  /** Milliseconds of silence after which a comment is sent, so that no proxy closes the connection. 0: never. @default 15_000 */
  readonly keepAlive?: number
}

/**
 * A `text/event-stream` Response, which the client reads as an async iterable of events. Resume after the request's
 * `Last-Event-ID` header. See `stream` for the rest.
 *
 * @throws RangeError if `retry` or `keepAlive` is not a number of milliseconds; TypeError if `schema` is not a Standard Schema.
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 * @example
 * route('/prices').get((request, { signal }) => reply.sse(ticks(request.headers.get('last-event-id'), signal)))
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
  { schema, text = false, retry, keepAlive = 15_000, headers }: SseInit<Schema | undefined> = {},
): Response {
  if (schema !== undefined && !isSchema(schema))
    throw new TypeError('reply.sse() takes a Standard Schema, such as z.object({ … })')
  if (!(keepAlive >= 0 && keepAlive < 2 ** 31))
    throw new RangeError(`reply.sse() takes a keepAlive from 0 to 2147483647 ms, not ${String(keepAlive)}`)
  if (retry !== undefined && !(retry >= 0 && Number.isFinite(retry)))
    throw new RangeError(`reply.sse() takes a retry of 0 ms or more, not ${String(retry)}`)
  let first = retry === undefined ? '' : `retry: ${Math.round(retry)}\n`
  const encode = ({ data, event, id }: ServerSentEvent): string | Promise<string> => {
    const fields = first + field('event', event, oneLine) + field('id', id, ascii)
    first = ''
    const write = (data: unknown): string => `${fields}${toDataFields(data, text)}\n`
    if (!schema) return write(data)
    return validate(schema, data, (result) => {
      if (result.issues) throw new ResponseError(200, toInputErrors('response', result.issues))
      return write(result.value)
    })
  }
  const init = { headers: withDefaults(defaults, headers) as [string, string][] }
  return createStreamResponse(events, encode, init, { milliseconds: keepAlive, text: ':\n\n' })
}

const defaults: [name: string, value: string][] = [
  ['content-type', 'text/event-stream'],
  ['cache-control', 'no-cache'],
  // nginx would buffer the events.
  ['x-accel-buffering', 'no'],
]

function toDataFields(data: unknown, isText: boolean): string {
  if (!isText) return `data: ${toJson(data)}\n`
  if (typeof data !== 'string')
    throw new TypeError(`reply.sse({ text: true }) takes strings as data, not a ${typeof data}`)
  return data
    .split(/\r\n|\r|\n/)
    .map((line) => `data: ${line}\n`)
    .join('')
}

// A line end ends a field. A lone surrogate would arrive as another character, and so would an id that a header cannot
// contain.
const oneLine = /^[^\0\r\n\p{Surrogate}]*$/u
const ascii = /^(?! )[ -~]*(?<! )$/

function field(name: string, value: string | undefined, allowed: RegExp): string {
  if (value === undefined) return ''
  if (!allowed.test(value))
    throw new TypeError(`a server-sent event cannot use ${JSON.stringify(value)} as its ${name}`)
  return `${name}: ${value}\n`
}
