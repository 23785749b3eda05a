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

/** Cuts the bytes at `places`. */
function cut(bytes: Uint8Array<ArrayBuffer>, places: readonly number[]): Uint8Array<ArrayBuffer>[] {
  const at = [...new Set(places.map((place) => place % (bytes.length + 1)))].toSorted((a, b) => a - b)
  return [0, ...at].map((from, index) => bytes.slice(from, at[index] ?? bytes.length))
}

/** A body of these chunks that then closes, fails or stays open. */
function toBody(chunks: readonly Uint8Array[], end: 'close' | 'open' | Error = 'close', canceled = vi.fn()) {
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
    cancel: canceled,
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
  it('yields the same items for any chunk boundaries', async () => {
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

  it('decodes characters split into single bytes, and a last line without a line end', async () => {
    const bytes = encode('"€😀é"\n"ü"')
    const single = cut(bytes, [...bytes.keys()])
    expect(single.length).toBe(bytes.length + 1)
    expect(await all(await readLines(toBody(single)))).toEqual(['€😀é', 'ü'])
  })

  it('reads a line of many chunks in linear time', async () => {
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

  it('yields the items before a failure, then throws the error', async () => {
    const seen: unknown[] = []
    const broken = new Error('the connection broke')
    await expect(
      (async () => {
        for await (const item of await readLines(toBody([encode('1\n2\n"hal')], broken))) seen.push(item)
      })(),
    ).rejects.toBe(broken)
    expect(seen).toEqual([1, 2])
  })

  it('throws a SyntaxError for a truncated or invalid item', async () => {
    for (const text of ['1\n{"a":', 'x\n'])
      await expect(all(await readLines(toBody([encode(text)])))).rejects.toThrow(SyntaxError)
  })

  it('cancels the body when the reader stops', async () => {
    const canceled = vi.fn()
    for await (const item of await readLines(toBody([encode('1\n')], 'open', canceled))) {
      expect(item).toBe(1)
      break
    }
    await vi.waitFor(() => expect(canceled).toHaveBeenCalledTimes(1))
  })
})

describe('text/event-stream', () => {
  const read = async (text: string, places: readonly number[] = []) => {
    const api = createClient<Both>({ fetch: () => toEvents(toBody(cut(encode(text), places))) })
    return all((await api('/events').get()).data)
  }

  it('yields the events that were sent, for any chunk boundaries', async () => {
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
    ['end', 'a truncated last event', 'data: 1\n\ndata: 2\n', [{ data: 1 }]],
    ['space', 'one space after the colon', 'event:  x\ndata:1\n\n', [{ data: 1, event: ' x' }]],
    ['empty', 'an event without data', 'event: x\nid: 1\n\ndata: 2\n\n', [{ data: 2 }]],
    ['nul', 'an id with a NUL', 'id: a\0b\ndata: 1\n\n', [{ data: 1 }]],
    ['type', 'an empty type', 'event\ndata: 1\n\n', [{ data: 1 }]],
  ])('follows the specification for %s: %s', async (_name, _what, text, expected) => {
    expect(await read(text)).toEqual(expected)
  })

  it('throws a SyntaxError if the data is not JSON, and does not reconnect', async () => {
    const fetch = vi.fn(() => toEvents('id: 1\ndata: text\n\n'))
    const { data } = await createClient<Both>({ fetch })('/events').get()
    await expect(all(data)).rejects.toThrow(SyntaxError)
    expect(fetch).toHaveBeenCalledTimes(1)
  })
})

describe('a broken event stream', () => {
  /** An app that counts up from Last-Event-ID, with connections that break after `each` chunks. */
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

  it('reconnects after the last event until the stream ends', async () => {
    const { api, asked, closed } = toCounter(7, 3)
    const { data } = await api('/ticks').get()
    expect((await all(data)).map(({ data, id }) => [data.tick, id])).toEqual(
      [1, 2, 3, 4, 5, 6, 7].map((tick) => [tick, String(tick)]),
    )
    expect(asked).toEqual([null, '3', '6'])
    expect(closed).toHaveBeenCalledTimes(3)
  })

  /** A client whose server sends these responses in order, with the Last-Event-ID of each request. */
  function toServer(...answers: (() => Response | Promise<Response>)[]) {
    const asked: (string | null)[] = []
    const fetch = (request: Request): Response | Promise<Response> => {
      asked.push(request.headers.get('last-event-id'))
      return (answers[asked.length - 1] ?? answers.at(-1)!)()
    }
    return { asked, api: createClient<Both>({ fetch, headers: { authorization: 'Bearer x' } }) }
  }
  const broken = (text: string) => (): Response => toEvents(toBody([encode(text)], new TypeError('terminated')))

  it('reconnects after the last complete event, not after a truncated one', async () => {
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

  it('sends an id as UTF-8 bytes like a browser, and does not reconnect after an empty id', async () => {
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

  it('fails without an id to continue from', async () => {
    const { api, asked } = toServer(broken('retry: 1\ndata: 1\n\n'))
    const { data } = await api('/events').get()
    await expect(all(data)).rejects.toThrow('terminated')
    expect(asked).toEqual([null])
  })

  it('doubles the retry time of the server, and fails after five attempts', async () => {
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

  it('waits three seconds if the server sends no retry time', async () => {
    vi.useFakeTimers()
    const { api, asked } = toServer(broken('id: 1\ndata: 1\n\n'), () => toEvents(''))
    const reading = all((await api('/events').get()).data)
    await vi.advanceTimersByTimeAsync(2_999)
    expect(asked).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1)
    await reading
    expect(asked).toHaveLength(2)
  })

  it('resets its failure count after an event', async () => {
    const { api, asked } = toServer(
      ...Array.from({ length: 9 }, (_, index) => broken(`retry: 0\nid: ${index}x\ndata: ${index}\n\n`)),
      () => new Response(null, { status: 204 }),
    )
    expect((await all((await api('/events').get()).data)).map(({ data }) => data)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
    expect(asked).toHaveLength(10)
  })

  it('ends with a 204, and throws UnexpectedResponse for other responses', async () => {
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

  it('does not reconnect after the caller aborts', async () => {
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

  it.each(['/lines', '/events'] as const)("ends the stream of %s and closes the server's iterator", async (pattern) => {
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

  it('ends a wait for data that does not arrive', async () => {
    const canceled = vi.fn()
    for (const type of ['application/x-ndjson', 'text/event-stream']) {
      const controller = new AbortController()
      const api = createClient<Both>({
        fetch: () => new Response(toBody([], 'open', canceled), { headers: { 'content-type': type } }),
      })
      const { data } = await api('/lines').get({ signal: controller.signal })
      setTimeout(() => controller.abort(new Error('enough')), 5)
      await expect(all(data!)).rejects.toThrow('enough')
    }
    expect(canceled).toHaveBeenCalledTimes(2)
  })

  it('cancels a body that was not read yet', async () => {
    const canceled = vi.fn()
    const controller = new AbortController()
    const lazy = createClient<Both>({ fetch: () => toLines(toBody([encode('1\n')], 'open', canceled)) })
    const { data } = await lazy('/lines').get({ signal: controller.signal })
    controller.abort(new Error('enough'))
    await vi.waitFor(() => expect(canceled).toHaveBeenCalledTimes(1))
    await expect(all(data)).rejects.toThrow('enough')
  })

  it('does not apply the timeout of the call to reading the stream', async () => {
    const { api } = toEndless()
    const { data } = await api('/lines').get({ timeout: 20 })
    let count = 0
    for await (const _ of data) if (++count === 40) break
    expect(count).toBe(40)
  })
})
