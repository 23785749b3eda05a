import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createClient, UnexpectedResponse } from '../src/client/index.js'
import { route, router } from '../src/index.js'
import * as reply from '../src/replies/index.js'
import type { ServerSentEvent } from '../src/replies/index.js'

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

const encode = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text)

/** Bytes in the pieces that `places` cut them into. */
function cut(bytes: Uint8Array<ArrayBuffer>, places: readonly number[]): Uint8Array<ArrayBuffer>[] {
  const at = [...new Set(places.map((place) => place % (bytes.length + 1)))].toSorted((a, b) => a - b)
  return [0, ...at].map((from, index) => bytes.slice(from, at[index] ?? bytes.length))
}

/** A body of these chunks, which then ends, breaks with an error, or stays open. */
function toBody(chunks: readonly Uint8Array[], end: 'close' | 'open' | Error = 'close', cancelled = vi.fn()) {
  const left = [...chunks]
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      const chunk = left.shift()
      if (chunk) controller.enqueue(chunk as Uint8Array<ArrayBuffer>)
      else if (end === 'close') controller.close()
      else if (end !== 'open') controller.error(end)
      else return new Promise(() => {})
      return undefined
    },
    cancel: cancelled,
  })
}

const lines = route('/lines').get(() => reply.ndjson([] as unknown[]))
const events = route('/events').get(() => reply.sse([] as ServerSentEvent[]))
const both = router({ lines, events })
type Both = typeof both

const toLines = (body: ReadableStream<Uint8Array>): Response =>
  new Response(body as ReadableStream<Uint8Array<ArrayBuffer>>, { headers: { 'content-type': 'application/x-ndjson' } })
const toEvents = (body: ReadableStream<Uint8Array> | string): Response =>
  new Response(body as string, { headers: { 'content-type': 'text/event-stream;charset=utf-8' } })

async function all<item>(items: AsyncIterable<item>): Promise<item[]> {
  const seen: item[] = []
  for await (const item of items) seen.push(item)
  return seen
}
const readLines = async (body: ReadableStream<Uint8Array>, signal?: AbortSignal) =>
  (await createClient<Both>({ fetch: () => toLines(body) })('/lines').get(signal ? { signal } : {})).data!

describe('application/x-ndjson', () => {
  it('reads the same items wherever the bytes are cut', async () => {
    const text = fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('\u2028', '\r\n', '€😀', '\ufeff'))
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(fc.jsonValue(), text), { maxLength: 6 }),
        fc.array(fc.nat(), { maxLength: 30 }),
        fc.constantFrom('\n', '\r\n', '\n\n'),
        async (items, places, end) => {
          const bytes = encode(items.map((item) => JSON.stringify(item) + end).join(''))
          expect(await all(await readLines(toBody(cut(bytes, places))))).toEqual(
            items.map((item) => JSON.parse(JSON.stringify(item))),
          )
        },
      ),
      { numRuns: 300 },
    )
  })

  it('reads a character of each byte by itself, and a last line without an end', async () => {
    const bytes = encode('"€😀é"\n"ü"')
    const single = cut(bytes, [...bytes.keys()])
    expect(single.length).toBe(bytes.length + 1)
    expect(await all(await readLines(toBody(single)))).toEqual(['€😀é', 'ü'])
  })

  it('reads a line of many chunks in time that grows with its length', async () => {
    const chunk = encode('x'.repeat(1_000))
    const time = async (count: number): Promise<number> => {
      const begun = process.cpuUsage()
      const seen = await all(
        await readLines(toBody([encode('"'), ...Array.from({ length: count }, () => chunk), encode('"')])),
      )
      expect((seen[0] as string).length).toBe(count * 1_000)
      return process.cpuUsage(begun).user / 1_000
    }
    await time(1_000)
    const short = Math.max(await time(1_000), 5)
    expect(await time(8_000)).toBeLessThan(short * 40)
  })

  it('gives what came before a break, then the error', async () => {
    const seen: unknown[] = []
    const broken = new Error('the connection broke')
    await expect(
      (async () => {
        for await (const item of await readLines(toBody([encode('1\n2\n"hal')], broken))) seen.push(item)
      })(),
    ).rejects.toBe(broken)
    expect(seen).toEqual([1, 2])
  })

  it('is a SyntaxError where the end cuts an item off, or it is none', async () => {
    for (const text of ['1\n{"a":', 'x\n'])
      await expect(all(await readLines(toBody([encode(text)])))).rejects.toThrow(SyntaxError)
  })

  it('tells the server to stop where its reader stops', async () => {
    const cancelled = vi.fn()
    for await (const item of await readLines(toBody([encode('1\n')], 'open', cancelled))) {
      expect(item).toBe(1)
      break
    }
    await vi.waitFor(() => expect(cancelled).toHaveBeenCalledTimes(1))
  })
})

describe('text/event-stream', () => {
  const read = async (text: string, places: readonly number[] = []) => {
    const api = createClient<Both>({ fetch: () => toEvents(toBody(cut(encode(text), places))) })
    return all((await api('/events').get()).data)
  }

  it('gives the events that were sent, wherever the bytes are cut', async () => {
    const name = fc.string({
      unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
      minLength: 1,
    })
    const event = fc.record({ data: fc.jsonValue(), event: name, id: name }, { requiredKeys: ['data'] })
    await fc.assert(
      fc.asyncProperty(
        fc.array(event, { maxLength: 4 }),
        fc.array(fc.nat(), { maxLength: 20 }),
        fc.constantFrom('\n', '\r', '\r\n'),
        async (given, places, end) => {
          const text = (await reply.sse(given, { retry: 1 }).text()).replaceAll('\n', end)
          expect(await read(text, places)).toEqual(JSON.parse(JSON.stringify(given)))
        },
      ),
      { numRuns: 300 },
    )
  })

  it.each([
    ['data', 'several data lines', 'data: [1,\ndata:2]\n\n', [{ data: [1, 2] }]],
    ['comment', 'comments and unknown fields', ':x\nfoo: bar\n: y\ndata: 1\n:z\n\n', [{ data: 1 }]],
    ['bom', 'a byte order mark', '\ufeffdata: 1\n\n', [{ data: 1 }]],
    ['end', 'an event that the end cuts off', 'data: 1\n\ndata: 2\n', [{ data: 1 }]],
    ['space', 'one space after the colon', 'event:  x\ndata:1\n\n', [{ data: 1, event: ' x' }]],
    ['empty', 'an event without data', 'event: x\nid: 1\n\ndata: 2\n\n', [{ data: 2 }]],
    ['nul', 'an id with a NUL', 'id: a\0b\ndata: 1\n\n', [{ data: 1 }]],
    ['type', 'an empty type', 'event\ndata: 1\n\n', [{ data: 1 }]],
  ])('reads %s as the specification does: %s', async (_name, _what, text, expected) => {
    expect(await read(text)).toEqual(expected)
  })

  it('is a SyntaxError where the data is no JSON, and asks no more', async () => {
    const fetch = vi.fn(() => toEvents('id: 1\ndata: text\n\n'))
    const { data } = await createClient<Both>({ fetch })('/events').get()
    await expect(all(data)).rejects.toThrow(SyntaxError)
    expect(fetch).toHaveBeenCalledTimes(1)
  })
})

describe('a broken stream of events', () => {
  /** An app that counts from where it is asked to, and the connections to it, each of which breaks after `each` chunks. */
  function toCounter(total: number, each: number) {
    const asked: (string | null)[] = []
    const closed = vi.fn()
    const ticks = route('/ticks').get((request) => {
      const last = request.headers.get('last-event-id')
      asked.push(last)
      async function* count() {
        try {
          for (let tick = Number(last ?? 0) + 1; tick <= total; tick++) yield { data: { tick }, id: String(tick) }
        } finally {
          closed()
        }
      }
      return reply.sse(count(), { retry: 10 })
    })
    const app = router({ ticks })
    const fetch = async (request: Request): Promise<Response> => {
      const response = await app.fetch(request)
      const reader = response.body!.getReader()
      let left = each
      const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
        async pull(controller) {
          if (left-- === 0) {
            controller.error(new TypeError('terminated'))
            await reader.cancel()
            return
          }
          const { done, value } = await reader.read()
          if (done) controller.close()
          else controller.enqueue(value)
        },
      })
      return new Response(body, response)
    }
    return { api: createClient<typeof app>({ fetch }), asked, closed }
  }

  it('is asked for again from the last event, until it ends', async () => {
    const { api, asked, closed } = toCounter(7, 3)
    const { data } = await api('/ticks').get()
    expect((await all(data)).map(({ data, id }) => [data.tick, id])).toEqual(
      [1, 2, 3, 4, 5, 6, 7].map((tick) => [tick, String(tick)]),
    )
    expect(asked).toEqual([null, '3', '6'])
    expect(closed).toHaveBeenCalledTimes(3)
  })

  /** A server that answers each request with the next of these, and what it was asked. */
  function toServer(...answers: (() => Response | Promise<Response>)[]) {
    const asked: (string | null)[] = []
    const fetch = (request: Request): Response | Promise<Response> => {
      asked.push(request.headers.get('last-event-id'))
      return (answers[asked.length - 1] ?? answers.at(-1)!)()
    }
    return { asked, api: createClient<Both>({ fetch, headers: { authorization: 'Bearer x' } }) }
  }
  const broken = (text: string) => (): Response => toEvents(toBody([encode(text)], new TypeError('terminated')))

  it('is asked for again after what came whole: not after an event that the break cut', async () => {
    for (const half of ['id: 2\n', 'id: 2\ndata: 2\n', 'data: 2\nid: 2']) {
      const { api, asked } = toServer(broken(`retry: 1\nid: 1\ndata: 1\n\n${half}`), () =>
        toEvents('id: 2\ndata: 2\n\n'),
      )
      expect(await all((await api('/events').get()).data)).toEqual([
        { data: 1, id: '1' },
        { data: 2, id: '2' },
      ])
      expect(asked).toEqual([null, '1'])
    }
  })

  it('sends an id as the bytes that a browser sends, and an empty one not at all', async () => {
    const { api, asked } = toServer(broken('retry: 1\nid: é€\ndata: 1\n\n'), () => toEvents(''))
    await all((await api('/events').get()).data)
    expect(Buffer.from(asked[1]!, 'latin1').toString()).toBe('é€')
    const reset = toServer(broken('retry: 1\nid: 1\ndata: 1\n\nid\ndata: 2\n\n'))
    await expect(all((await reset.api('/events').get()).data)).rejects.toThrow('terminated')
    expect(reset.asked).toEqual([null])
  })

  it('sends the headers of the call again', async () => {
    const seen: (string | null)[] = []
    let count = 0
    const api = createClient<Both>({
      headers: () => ({ authorization: `Bearer ${++count}` }),
      fetch(request) {
        seen.push(request.headers.get('authorization'))
        return seen.length === 1 ? broken('retry: 1\nid: 1\ndata: 1\n\n')() : toEvents('')
      },
    })
    await all((await api('/events').get()).data)
    expect(seen).toEqual(['Bearer 1', 'Bearer 2'])
  })

  it('is given up without an id to go on from', async () => {
    const { api, asked } = toServer(broken('retry: 1\ndata: 1\n\n'))
    const { data } = await api('/events').get()
    await expect(all(data)).rejects.toThrow('terminated')
    expect(asked).toEqual([null])
  })

  it('waits as the server says, twice as long each time, and gives up after five', async () => {
    vi.useFakeTimers()
    for (const [fail, message] of [
      [() => Promise.reject(new TypeError('fetch failed')), 'fetch failed'],
      [() => new Response('', { status: 503 }), 'unexpected response 503'],
      [() => new Response('', { status: 429 }), 'unexpected response 429'],
    ] as const) {
      const times: number[] = []
      const { api, asked } = toServer(broken('retry: 100\nid: 1\ndata: 1\n\n'), () => {
        times.push(Date.now())
        return fail()
      })
      const begun = Date.now()
      const { data } = await api('/events').get()
      const seen: unknown[] = []
      const reading = (async () => {
        for await (const event of data) seen.push(event)
      })()
      const outcome = expect(reading).rejects.toThrow(message)
      await vi.advanceTimersByTimeAsync(100 + 200 + 400 + 800 + 1_600)
      await outcome
      expect(times.map((time) => time - begun)).toEqual([100, 300, 700, 1_500, 3_100])
      expect(asked).toHaveLength(6)
      expect(seen).toEqual([{ data: 1, id: '1' }])
      expect(vi.getTimerCount()).toBe(0)
    }
  })

  it('waits three seconds where the server says nothing', async () => {
    vi.useFakeTimers()
    const { api, asked } = toServer(broken('id: 1\ndata: 1\n\n'), () => toEvents(''))
    const reading = all((await api('/events').get()).data)
    await vi.advanceTimersByTimeAsync(2_999)
    expect(asked).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1)
    await reading
    expect(asked).toHaveLength(2)
  })

  it('counts its failures anew once something has come', async () => {
    const { api, asked } = toServer(
      ...Array.from({ length: 9 }, (_, index) => broken(`retry: 0\nid: ${index}x\ndata: ${index}\n\n`)),
      () => new Response(null, { status: 204 }),
    )
    expect((await all((await api('/events').get()).data)).map(({ data }) => data)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
    expect(asked).toHaveLength(10)
  })

  it('ends with a 204, and is an UnexpectedResponse with any other answer that is no such stream', async () => {
    const ended = toServer(broken('retry: 1\nid: 1\ndata: 1\n\n'), () => new Response(null, { status: 204 }))
    expect(await all((await ended.api('/events').get()).data)).toHaveLength(1)
    for (const answer of [() => Response.json({ status: 401 }, { status: 401 }), () => new Response('<p>Hello')]) {
      const { api, asked } = toServer(broken('retry: 1\nid: 1\ndata: 1\n\n'), answer)
      const error = await all((await api('/events').get()).data).catch((error: unknown) => error)
      expect(error).toBeInstanceOf(UnexpectedResponse)
      expect((error as UnexpectedResponse).status).toBe(answer().status)
      expect(asked).toHaveLength(2)
    }
  })

  it('is not asked for again once the caller has aborted', async () => {
    vi.useFakeTimers()
    const controller = new AbortController()
    const { api, asked } = toServer(broken('retry: 1000\nid: 1\ndata: 1\n\n'))
    const { data } = await api('/events').get({ signal: controller.signal })
    const outcome = expect(all(data)).rejects.toThrow('enough')
    await vi.advanceTimersByTimeAsync(500)
    controller.abort(new Error('enough'))
    await outcome
    expect([asked.length, vi.getTimerCount()]).toEqual([1, 0])
  })
})

describe("the caller's signal", () => {
  const toEndless = () => {
    const closed = vi.fn()
    async function* count() {
      try {
        for (let tick = 1; ; tick++) {
          yield { data: tick, id: String(tick) }
          await sleep(1)
        }
      } finally {
        closed()
      }
    }
    const app = router({
      lines: route('/lines').get(() => reply.ndjson(count())),
      events: route('/events').get(() => reply.sse(count())),
    })
    return { closed, api: createClient<typeof app>({ fetch: app.fetch }) }
  }

  it.each(['/lines', '/events'] as const)("ends what is read from %s, and the server's iterator", async (pattern) => {
    const { api, closed } = toEndless()
    const controller = new AbortController()
    const { data } = await api(pattern).get({ signal: controller.signal })
    let count = 0
    const reason = new Error('enough')
    await expect(
      (async () => {
        for await (const _ of data) if (++count === 3) controller.abort(reason)
      })(),
    ).rejects.toBe(reason)
    expect(count).toBe(3)
    await vi.waitFor(() => expect(closed).toHaveBeenCalledTimes(1))
  })

  it('ends a wait for what does not come', async () => {
    const cancelled = vi.fn()
    for (const type of ['application/x-ndjson', 'text/event-stream']) {
      const controller = new AbortController()
      const api = createClient<Both>({
        fetch: () => new Response(toBody([], 'open', cancelled), { headers: { 'content-type': type } }),
      })
      const { data } = await api('/lines').get({ signal: controller.signal })
      setTimeout(() => controller.abort(new Error('enough')), 5)
      await expect(all(data!)).rejects.toThrow('enough')
    }
    expect(cancelled).toHaveBeenCalledTimes(2)
  })

  it('ends what nobody has begun to read', async () => {
    const cancelled = vi.fn()
    const controller = new AbortController()
    const lazy = createClient<Both>({ fetch: () => toLines(toBody([encode('1\n')], 'open', cancelled)) })
    const { data } = await lazy('/lines').get({ signal: controller.signal })
    controller.abort(new Error('enough'))
    await vi.waitFor(() => expect(cancelled).toHaveBeenCalledTimes(1))
    await expect(all(data)).rejects.toThrow('enough')
  })

  it('does not end a stream by the timeout of the call, which is the time until its result', async () => {
    const { api } = toEndless()
    const { data } = await api('/lines').get({ timeout: 20 })
    let count = 0
    for await (const _ of data) if (++count === 40) break
    expect(count).toBe(40)
  })
})
