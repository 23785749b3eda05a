import { toJson } from '../json.js'
import type { Status } from '../problem.js'
import type { Reply, ReplyInit } from '../reply.js'
import { withDefaults } from './reply.js'
import { createStreamResponse, type Items } from './stream.js'

/**
 * A Response that is written while it is read, as `text/plain` unless `init.headers` has another type. The next piece is
 * requested when the client has read the last one. When the client disconnects, the iterator is closed. An error breaks
 * the connection and goes to `onError`.
 *
 * The head of the response waits up to a second for the first piece. If the iterator throws before, the response is the thrown
 * reply, or a 500.
 *
 * @throws TypeError if `pieces` is not iterable.
 */
export function stream<status extends Status = 200>(
  pieces: Items<string | Uint8Array>,
  init?: ReplyInit<status>,
): Reply<status, unknown> {
  return sendItems(pieces, toPiece, 'text/plain;charset=UTF-8', init)
}

/**
 * A Response with one line of JSON for each item (`application/x-ndjson`), which the client reads as an async iterable. See
 * `stream` for the rest.
 *
 * @throws TypeError if `items` is not iterable.
 */
export function ndjson<item, status extends Status = 200>(
  items: Items<item>,
  init?: ReplyInit<status>,
): Reply<status, AsyncIterable<item>> {
  return sendItems(items, (item) => `${toJson(item)}\n`, 'application/x-ndjson', init)
}

function toPiece(piece: string | Uint8Array): string | Uint8Array {
  if (typeof piece === 'string' || piece instanceof Uint8Array) return piece
  throw new TypeError(
    `reply.stream() takes strings and Uint8Arrays, not a ${typeof piece}; use reply.ndjson() for JSON`,
  )
}

function sendItems<item, status extends Status, data>(
  items: Items<item>,
  encode: (item: item) => string | Uint8Array,
  type: string,
  init: ReplyInit<status> | undefined,
): Reply<status, data> {
  const headers = withDefaults([['content-type', type]], init?.headers) as [string, string][]
  return createStreamResponse(items, encode, { status: init?.status ?? 200, headers }) as Reply<status, data>
}
