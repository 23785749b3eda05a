import { type Problem, route, router } from 'byway'
import type { Reply } from 'byway/types'
import * as reply from 'byway/reply'
import type { Items, ServerSentEvent, SseInit } from 'byway/reply'
import { createClient } from 'byway/client'
import { timeout, type TimeoutOptions } from 'byway/middleware'
import type { Early } from 'byway/types'
import { expectAssignable, expectError, expectNotAssignable, expectType } from 'tsd'
import { z } from 'zod'

interface Tick {
  at: Date
  price: number
}
declare const ticks: AsyncIterable<Tick>
declare const events: AsyncIterable<ServerSentEvent<Tick>>

// ── replies ──

expectType<Reply<200, unknown>>(reply.stream(['a', new Uint8Array()]))
expectType<Reply<201, AsyncIterable<Tick>>>(reply.ndjson(ticks, { status: 201 }))
expectType<Reply<200, AsyncIterable<ServerSentEvent<Tick>>>>(reply.sse(events))
expectType<Reply<200, AsyncIterable<ServerSentEvent<Tick>>>>(reply.sse(events, { retry: 1, keepAlive: 0, headers: {} }))
expectType<Reply<200, AsyncIterable<ServerSentEvent<number>>>>(reply.sse([{ data: 1, id: '1', event: 'tick' }]))
expectError(reply.stream([1]))
expectError(reply.sse(ticks))
expectError(reply.sse([{ data: 1, id: 1 }]))
expectError(reply.sse(events, { status: 201 }))
expectAssignable<Items<number>>([1])
expectAssignable<Items<number>>(
  (function* () {
    yield 1
  })(),
)
expectAssignable<Items<unknown>>(new ReadableStream())
expectNotAssignable<Items<number>>({ length: 1 })

// ── the schema of an event's data ──

const Price = z.object({ at: z.coerce.date().transform((date) => date.getTime()), price: z.number() })
declare const people: AsyncIterable<ServerSentEvent<{ name: string; secret: string }>>
const named = z.object({ name: z.string() })
expectType<Reply<200, AsyncIterable<ServerSentEvent<{ name: string }>>>>(reply.sse(people, { schema: named }))
expectType<Reply<200, AsyncIterable<ServerSentEvent<{ at: number; price: number }>>>>(
  reply.sse(events, { schema: Price, retry: 1 }),
)
expectError(reply.sse([{ data: { nam: 'a' } }], { schema: named }))
expectError(reply.sse([{ data: 1 }], { schema: named }))
expectError(reply.sse(events, { schema: {} }))
expectAssignable<SseInit>({ retry: 1 })

// @ts-expect-error an async iterable is returned through reply.ndjson(), reply.sse() or reply.stream()
route('/returned').get(async function* () {
  yield { at: new Date(), price: 1 }
})
// @ts-expect-error so is a ReadableStream
route('/returned').get(() => new ReadableStream())

// ── at the client ──

const app = router({
  sse: route('/sse').get(() => reply.sse(events)),
  checked: route('/checked').get(() => reply.sse(events, { schema: Price })),
  lines: route('/lines').get(() => reply.ndjson(ticks)),
  timed: route('/timed')
    .use(timeout(5_000, { retryAfter: 1 }))
    .get(() => 'in time'),
})
const api = createClient<typeof app>()

const sse = await api('/sse').get()
for await (const event of sse.data) {
  expectType<string>(event.data.at)
  expectType<string | undefined>(event.id)
}
const checked = await api('/checked').get()
for await (const { data } of checked.data) expectType<{ at: number; price: number }>(data)
for await (const { at } of (await api('/lines').get()).data) expectType<string>(at)

const timed = await api('/timed').get()
if (timed.status === 503) expectType<Problem<503>>(timed.error)
else expectType<'in time'>(timed.data)

// ── timeout ──

type ResultOf<layer> = layer extends (...rest: never) => infer result ? Awaited<result> : never
const layer = timeout(500)
expectType<Reply<503, Problem<503>>>({} as Early<ResultOf<typeof layer>>)
expectAssignable<TimeoutOptions>({ retryAfter: 5 })
expectError(timeout())
expectError(timeout('5'))
expectError(timeout(5_000, { retry: 5 }))
