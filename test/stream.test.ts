import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { type AnyMiddleware, middleware, route, router } from '../src/index.js'
import * as reply from '../src/replies/index.js'
import type { Items, ServerSentEvent } from '../src/replies/index.js'

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

const at = (method = 'GET'): Request => new Request('http://test/', { method })
const turn = () => new Promise<void>((resolve) => setTimeout(resolve, 0))

/** Items that tell what was asked of them. Without an end, unless `end` says how it comes. */
function source(end?: { readonly after: number; readonly error?: unknown; readonly onClose?: () => void }) {
  const told = { started: 0, asked: 0, closed: 0 }
  const items: AsyncIterable<string> = {
    [Symbol.asyncIterator]() {
      told.started++
      return {
        async next() {
          told.asked++
          if (end && told.asked > end.after) {
            if ('error' in end) throw end.error
            return { done: true, value: undefined }
          }
          return { done: false, value: String(told.asked) }
        },
        async return() {
          told.closed++
          end?.onClose?.()
          return { done: true, value: undefined }
        },
      }
    },
  }
  return { items, told }
}

/** An app with one route, and what its `onError` was told. */
function toApp(handler: () => unknown, ...layers: AnyMiddleware[]) {
  const errors: (readonly [unknown, string])[] = []
  const it = route('/').get(handler as () => string)
  const app = router({ it }, { use: layers, onError: (error, { phase }) => void errors.push([error, phase]) })
  return { app, errors, fetch: async (method?: string) => app.fetch(at(method)) }
}

const kinds: readonly (readonly [name: string, answer: (items: Items<string>) => unknown, first: string])[] = [
  ['reply.stream', (items) => reply.stream(items), '1'],
  ['reply.ndjson', (items) => reply.ndjson(items), '"1"\n'],
  [
    'reply.sse',
    (items) =>
      reply.sse({
        [Symbol.asyncIterator]() {
          const iterator = (items as AsyncIterable<string>)[Symbol.asyncIterator]()
          return {
            next: () => iterator.next().then(({ done, value }) => ({ done: !!done, value: { data: value } })),
            return: () => iterator.return!() as never,
          }
        },
      } as AsyncIterable<ServerSentEvent<string>>),
    'data: "1"\n\n',
  ],
  ['an async iterable that is returned', (items) => items, '"1"\n'],
]

describe.each(kinds)('%s', (_name, answer, first) => {
  it('asks for no item before it is read, and for one with each read', async () => {
    const { items, told } = source()
    const reader = (await toApp(() => answer(items)).fetch()).body!.getReader()
    await turn()
    expect(told).toEqual({ started: 0, asked: 0, closed: 0 })
    for (const count of [1, 2, 3]) {
      await reader.read()
      await turn()
      expect(told.asked).toBe(count)
    }
    await reader.cancel()
    expect(told).toEqual({ started: 1, asked: 3, closed: 1 })
  })

  it('ends with its items, and does not close what has ended', async () => {
    const { items, told } = source({ after: 2 })
    const text = await (await toApp(() => answer(items)).fetch()).text()
    expect(text).toBe(first + first.replace('1', '2'))
    expect(told).toEqual({ started: 1, asked: 3, closed: 0 })
  })

  it('breaks off with an error of the items, and tells onError once', async () => {
    const error = new Error('half way')
    const { items, told } = source({ after: 1, error })
    const { fetch, errors } = toApp(() => answer(items))
    const response = await fetch()
    expect(response.status).toBe(200)
    const reader = response.body!.getReader()
    expect(new TextDecoder().decode((await reader.read()).value)).toBe(first)
    await expect(reader.read()).rejects.toBe(error)
    await expect(reader.read()).rejects.toBe(error)
    await turn()
    expect(errors).toEqual([[error, 'stream']])
    expect(told).toEqual({ started: 1, asked: 2, closed: 0 })
  })

  it('does not begin for HEAD', async () => {
    const { items, told } = source()
    const response = await toApp(() => answer(items)).fetch('HEAD')
    expect([response.status, response.body]).toEqual([200, null])
    expect(response.headers.get('content-type')).toBeTruthy()
    await turn()
    expect(told.asked).toBe(0)
  })
})

describe('a streamed answer', () => {
  it('runs no line of a generator for HEAD', async () => {
    const ran = vi.fn()
    async function* items() {
      ran()
      yield 1
    }
    const { fetch, app } = toApp(() => reply.ndjson(items()))
    expect((await fetch('HEAD')).body).toBe(null)
    await app.settled()
    expect(ran).not.toHaveBeenCalled()
    expect(await (await fetch()).text()).toBe('1\n')
    expect(ran).toHaveBeenCalledTimes(1)
  })

  it('runs what a generator has in finally when the reader goes', async () => {
    const log: string[] = []
    async function* items() {
      try {
        for (;;) yield 'x'
      } finally {
        log.push('closed')
      }
    }
    const { fetch, errors } = toApp(() => items())
    const reader = (await fetch()).body!.getReader()
    await reader.read()
    await reader.cancel()
    expect([log, errors]).toEqual([['closed'], []])
  })

  it('gives up an item that comes when the reader has gone, and an error too', async () => {
    for (const fail of [false, true]) {
      let settle = (): void => {}
      const closed = vi.fn()
      async function* items() {
        try {
          yield 1
          await new Promise<void>((resolve, reject) => (settle = fail ? () => reject(new Error('late')) : resolve))
          yield 2
        } finally {
          closed()
        }
      }
      const { fetch, errors } = toApp(() => items())
      const reader = (await fetch()).body!.getReader()
      await reader.read()
      void reader.read()
      await turn()
      void reader.cancel()
      settle()
      await vi.waitFor(() => expect(closed).toHaveBeenCalledTimes(1))
      await turn()
      expect(errors).toEqual([])
    }
  })

  it('tells onError of what closing the items throws', async () => {
    const error = new Error('closing')
    const { items } = source({
      after: 9,
      onClose() {
        throw error
      },
    })
    const { fetch, errors } = toApp(() => items)
    const reader = (await fetch()).body!.getReader()
    await reader.read()
    await reader.cancel()
    expect(errors).toEqual([[error, 'stream']])
  })

  it('closes the items where one cannot be written, and tells of that only', async () => {
    for (const onClose of [
      () => {},
      () => {
        throw new Error('closing')
      },
    ]) {
      const { items, told } = source({ after: 9, onClose })
      const { fetch, errors } = toApp(() =>
        reply.ndjson({
          async *[Symbol.asyncIterator]() {
            for await (const item of items) yield item === '2' ? () => {} : item
          },
        }),
      )
      const response = await fetch()
      await expect(response.text()).rejects.toThrow('JSON cannot carry a function')
      expect(errors.map(([error, phase]) => [(error as Error).name, phase])).toEqual([['TypeError', 'stream']])
      expect(told).toEqual({ started: 1, asked: 2, closed: 1 })
    }
  })

  it('says what reply.stream writes', async () => {
    const { fetch, errors } = toApp(() => reply.stream([1] as never))
    await expect((await fetch()).text()).rejects.toThrow('reply.stream() writes strings and Uint8Arrays, not a number')
    expect(errors).toHaveLength(1)
  })

  it('is a 500 where there is nothing to iterate over', async () => {
    for (const items of [undefined, null, {}, 'text', 1, () => {}]) {
      const { fetch, errors } = toApp(() => reply.stream(items as never))
      expect((await fetch()).status).toBe(500)
      expect(String(errors[0]![0])).toContain('a stream is written from an iterable or an async one')
    }
  })

  it('takes what for await takes: arrays, generators, promises in them, ReadableStreams', async () => {
    const given: (() => Items<unknown>)[] = [
      () => [1, 2],
      () => new Set([1, 2]),
      () => [Promise.resolve(1), 2],
      () =>
        new ReadableStream({
          start(controller) {
            for (const item of [1, 2]) controller.enqueue(item)
            controller.close()
          },
        }) as unknown as AsyncIterable<number>,
      function* () {
        yield 1
        yield Promise.resolve(2)
      },
      async function* () {
        yield 1
        yield Promise.resolve(2)
      },
    ]
    for (const items of given) expect(await reply.ndjson(items()).text()).toBe('1\n2\n')
    const broken = toApp(() => reply.ndjson([1, Promise.reject(new Error('no'))]))
    await expect((await broken.fetch()).text()).rejects.toThrow('no')
    expect(broken.errors).toHaveLength(1)
  })

  it('writes bytes and text as they are', async () => {
    const bytes = new TextEncoder().encode('€')
    expect(await reply.stream(['a', bytes.subarray(0, 1), '', bytes.subarray(1)]).text()).toBe('a€')
  })

  it('has the status and the headers that it was given', async () => {
    const { fetch } = toApp(() =>
      reply.stream(['a,b\n'], { status: 202, headers: { 'content-type': 'text/csv', etag: '"1"' } }),
    )
    const response = await fetch()
    expect([response.status, Object.fromEntries(response.headers)]).toEqual([
      202,
      { 'content-type': 'text/csv', etag: '"1"' },
    ])
    expect(await response.text()).toBe('a,b\n')
    const events = reply.sse([], { headers: { 'cache-control': 'no-store' } })
    expect(Object.fromEntries(events.headers)).toEqual({
      'cache-control': 'no-store',
      'content-type': 'text/event-stream',
      'x-accel-buffering': 'no',
    })
    expect(() => reply.ndjson([], { status: 204 })).toThrow(TypeError)
  })

  it('takes a header of a middleware, and is still watched where it is copied', async () => {
    const marks = middleware(async (_request, _context, next) => {
      const response = await next()
      response.headers.set('x-mark', 'set')
      return response
    })
    const copies = middleware(async (_request, _context, next) => {
      const response = await next()
      return new Response(response.body, { status: response.status, headers: { 'x-mark': 'copied' } })
    })
    for (const [layer, mark] of [
      [marks, 'set'],
      [copies, 'copied'],
    ] as const) {
      const error = new Error('half way')
      const { items } = source({ after: 1, error })
      const { fetch, errors } = toApp(() => items, layer)
      const response = await fetch()
      expect(response.headers.get('x-mark')).toBe(mark)
      await expect(response.text()).rejects.toBe(error)
      expect(errors).toEqual([[error, 'stream']])
    }
  })

  it('is watched where a middleware makes it', async () => {
    const error = new Error('half way')
    const { items } = source({ after: 1, error })
    const { fetch, errors } = toApp(
      () => 'not reached',
      middleware((_request, { after }) => {
        after(() => void errors.push(['after', 'work']))
        return reply.ndjson(items)
      }),
    )
    await expect((await fetch()).text()).rejects.toBe(error)
    await turn()
    expect(errors).toEqual([
      [error, 'stream'],
      ['after', 'work'],
    ])
  })

  it('is closed where a middleware answers something else', async () => {
    const { items, told } = source()
    const work = vi.fn()
    const layer = middleware(async (_request, { after }, next) => {
      after(work)
      await next()
      return reply.text('instead')
    })
    const { fetch, app } = toApp(() => items, layer)
    expect(await (await fetch()).text()).toBe('instead')
    await app.settled()
    expect([told.closed, work.mock.calls.length]).toEqual([1, 1])
  })

  it('goes on where a middleware reads it to answer something else', async () => {
    const { items } = source({ after: 2 })
    const upper = middleware(async (_request, _context, next) => {
      const response = await next()
      const change = new TransformStream<Uint8Array, Uint8Array>({
        transform: (chunk, controller) => controller.enqueue(chunk.map((byte) => (byte === 0x31 ? 0x39 : byte))),
      })
      return new Response(response.body!.pipeThrough(change as never))
    })
    expect(await (await toApp(() => items, upper).fetch()).text()).toBe('"9"\n"2"\n')
    const { items: kept } = source({ after: 2 })
    const copies = middleware(async (_request, _context, next) => reply.text(await (await next()).clone().text()))
    expect(await (await toApp(() => kept, copies).fetch()).text()).toBe('"1"\n"2"\n')
  })
})

describe('after', () => {
  const cases: readonly (readonly [string, { after: number; error?: unknown }, (response: Response) => unknown])[] = [
    ['ended', { after: 2 }, (response) => response.text()],
    ['broken', { after: 2, error: new Error('half way') }, (response) => response.text().catch(() => {})],
    [
      'been cancelled',
      { after: 9 },
      async ({ body }) => {
        const reader = body!.getReader()
        await reader.read()
        await reader.cancel()
      },
    ],
  ]
  it.each(cases)('runs when the stream has %s, and not before', async (_name, end, finish) => {
    const { items } = source(end)
    const log: string[] = []
    const it = route('/').get((_request, { after }) => {
      after(() => void log.push('one'))
      after(() => void log.push('two'))
      return items
    })
    const app = router({ it }, { onError: () => {} })
    const response = await app.fetch(at())
    await turn()
    await turn()
    log.push('read')
    await finish(response)
    await app.settled()
    expect(log).toEqual(['read', 'one', 'two'])
  })

  it('runs for HEAD', async () => {
    const work = vi.fn()
    const it = route('/').get((_request, { after }) => {
      after(work)
      return source().items
    })
    const app = router({ it })
    await app.fetch(at('HEAD'))
    await app.settled()
    expect(work).toHaveBeenCalledTimes(1)
  })
})

// ── server-sent events ──

interface Parsed {
  readonly data: string
  readonly type: string
  readonly lastEventId: string
}

/** https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation, to the letter. */
function parseEventStream(bytes: Uint8Array): { events: Parsed[]; retry: number | undefined; comments: number } {
  const text = new TextDecoder().decode(bytes)
  const lines: string[] = []
  let line = ''
  for (let index = 0; index < text.length; index++) {
    const character = text[index]!
    if (character !== '\r' && character !== '\n') {
      line += character
      continue
    }
    if (character === '\r' && text[index + 1] === '\n') index++
    lines.push(line)
    line = ''
  }
  const events: Parsed[] = []
  let [data, type, id] = ['', '', '']
  let retry: number | undefined
  let comments = 0
  for (const line of lines) {
    if (line === '') {
      if (data !== '')
        events.push({ data: data.endsWith('\n') ? data.slice(0, -1) : data, type: type || 'message', lastEventId: id })
      data = ''
      type = ''
      continue
    }
    const colon = line.indexOf(':')
    if (colon === 0) {
      comments++
      continue
    }
    const name = colon === -1 ? line : line.slice(0, colon)
    let value = colon === -1 ? '' : line.slice(colon + 1)
    if (value.startsWith(' ')) value = value.slice(1)
    if (name === 'event') type = value
    else if (name === 'data') data += `${value}\n`
    else if (name === 'id') {
      if (!value.includes('\0')) id = value
    } else if (name === 'retry' && /^[0-9]+$/.test(value)) retry = Number(value)
  }
  return { events, retry, comments }
}

const nasty = fc.constantFrom(
  '\r',
  '\n',
  '\r\n',
  '\0',
  ':',
  ' ',
  'data: x',
  '\ud800',
  '\u2028',
  '\ufeff',
  'é',
  '😀',
  '',
)
const anyString = fc.oneof(
  fc.array(nasty, { maxLength: 4 }).map((parts) => parts.join('')),
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)) }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 5 }).map((codes) => String.fromCharCode(...codes)),
)
const anyEvent = fc.record(
  {
    data: fc.oneof(fc.jsonValue(), anyString),
    event: anyString,
    id: anyString,
  },
  { requiredKeys: ['data'] },
)

describe('reply.sse', () => {
  it('is parsed back as it was given by whoever follows the specification, or breaks off at the event', async () => {
    let refused = 0
    await fc.assert(
      fc.asyncProperty(fc.array(anyEvent, { maxLength: 4 }), async (given) => {
        const { fetch, errors } = toApp(() => reply.sse(given))
        const chunks: Uint8Array[] = []
        const reader = (await fetch()).body!.getReader()
        try {
          for (let read = await reader.read(); !read.done; read = await reader.read()) chunks.push(read.value)
        } catch (error) {
          expect(error).toBeInstanceOf(TypeError)
          refused++
        }
        // A chunk for each event, up to the one that is refused.
        expect(errors).toHaveLength(chunks.length < given.length ? 1 : 0)
        const { events } = parseEventStream(Buffer.concat(chunks))
        let lastEventId = ''
        expect(events.map(({ data, type, lastEventId }) => [JSON.parse(data), type, lastEventId])).toEqual(
          given.slice(0, chunks.length).map(({ data, event, id }) => {
            lastEventId = id ?? lastEventId
            return [JSON.parse(JSON.stringify(data)), event || 'message', lastEventId]
          }),
        )
        const broken = given[chunks.length]
        // Only what cannot arrive as it is is refused.
        if (broken)
          expect(
            /[\0\r\n]|\p{Surrogate}/u.test(broken.event ?? '') || !/^[!-~]?$|^[!-~][ -~]*[!-~]$/.test(broken.id ?? ''),
          ).toBe(true)
      }),
      { numRuns: 500 },
    )
    expect(refused).toBeGreaterThan(20)
  })

  it('sends a retry with the first event, once', async () => {
    const bytes = new Uint8Array(await reply.sse([{ data: 1 }, { data: 2 }], { retry: 1_500.4 }).arrayBuffer())
    expect(parseEventStream(bytes)).toMatchObject({ retry: 1_500, events: [{ data: '1' }, { data: '2' }] })
    expect(new TextDecoder().decode(bytes).match(/retry/g)).toHaveLength(1)
  })

  it.each([
    { retry: -1 },
    { retry: Number.NaN },
    { retry: Infinity },
    { keepAlive: -1 },
    { keepAlive: Number.NaN },
    { keepAlive: Infinity },
  ])('throws for %j', (init) => {
    expect(() => reply.sse([], init)).toThrow(RangeError)
  })

  it('sends a comment for each keepAlive of silence, and none between events that come in time', async () => {
    vi.useFakeTimers()
    let send = (_data: string): void => {}
    async function* events() {
      for (;;) yield { data: await new Promise<string>((resolve) => (send = resolve)) }
    }
    const reader = reply.sse(events(), { keepAlive: 10 }).body!.getReader()
    const seen: string[] = []
    const reading = (async () => {
      for (let read = await reader.read(); !read.done; read = await reader.read())
        seen.push(new TextDecoder().decode(read.value))
    })()
    await vi.advanceTimersByTimeAsync(9_000)
    expect(seen).toEqual([])
    send('a')
    await vi.advanceTimersByTimeAsync(9_000)
    expect(seen).toEqual(['data: "a"\n\n'])
    await vi.advanceTimersByTimeAsync(12_000)
    expect(seen).toEqual(['data: "a"\n\n', ':\n\n', ':\n\n'])
    expect(parseEventStream(Buffer.from(seen.join('')))).toMatchObject({ comments: 2, events: [{ data: '"a"' }] })
    send('b')
    await vi.advanceTimersByTimeAsync(0)
    expect(seen.at(-1)).toBe('data: "b"\n\n')
    // Not awaited: its generator waits for an event that does not come.
    void reader.cancel()
    await reading
    await vi.advanceTimersByTimeAsync(60_000)
    expect(seen).toHaveLength(4)
  })

  it('leaves no timer behind, however it ends', async () => {
    vi.useFakeTimers()
    for (const end of [{ after: 1 }, { after: 1, error: new Error('half way') }]) {
      const { items } = source(end)
      const response = reply.sse({
        async *[Symbol.asyncIterator]() {
          for await (const data of items) yield { data }
        },
      })
      await response.text().catch(() => {})
      expect(vi.getTimerCount()).toBe(0)
    }
    await reply.sse([]).body!.cancel()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('piles up no comments for a reader that does not read', async () => {
    vi.useFakeTimers()
    async function* events() {
      await new Promise(() => {})
      yield { data: 1 }
    }
    const reader = reply.sse(events(), { keepAlive: 1 }).body!.getReader()
    const first = reader.read()
    await vi.advanceTimersByTimeAsync(100_000)
    expect(new TextDecoder().decode((await first).value)).toBe(':\n\n')
    expect(new TextDecoder().decode((await reader.read()).value)).toBe(':\n\n')
    const third = vi.fn()
    void reader.read().then(third)
    await vi.advanceTimersByTimeAsync(999)
    expect(third).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(third).toHaveBeenCalledTimes(1)
  })

  it('sends no comment with a keepAlive of 0', async () => {
    vi.useFakeTimers()
    async function* events() {
      await new Promise(() => {})
      yield { data: 1 }
    }
    const read = vi.fn()
    void reply.sse(events(), { keepAlive: 0 }).body!.getReader().read().then(read)
    await vi.advanceTimersByTimeAsync(3_600_000)
    expect(read).not.toHaveBeenCalled()
  })

  describe('with a schema', () => {
    const Tick = z.object({ price: z.number(), at: z.coerce.date().optional() })
    const read = async (response: Response): Promise<unknown[]> =>
      parseEventStream(new Uint8Array(await response.arrayBuffer())).events.map(
        ({ data }) => JSON.parse(data) as unknown,
      )

    it("sends what the schema makes of each event's data", async () => {
      const given = [{ data: { price: 1, secret: 'x' }, id: '1' }, { data: { price: 2, at: 0 } }]
      const slow = Tick.refine(async () => true)
      for (const schema of [Tick, slow])
        expect(await read(reply.sse(given, { schema }))).toEqual([
          { price: 1 },
          { price: 2, at: '1970-01-01T00:00:00.000Z' },
        ])
      expect(await reply.sse([{ data: { price: 1 }, event: 'tick', id: '1' }], { schema: slow, retry: 5 }).text()).toBe(
        'retry: 5\nevent: tick\nid: 1\ndata: {"price":1}\n\n',
      )
    })

    it('breaks off at what the schema refuses, tells onError why, and closes the items', async () => {
      const closed = vi.fn()
      async function* events() {
        try {
          yield { data: { price: 1 } }
          yield { data: { price: 'much' as never } }
          yield { data: { price: 3 } }
        } finally {
          closed()
        }
      }
      for (const schema of [Tick, Tick.refine(async () => true)]) {
        const { fetch, errors } = toApp(() => reply.sse(events(), { schema }))
        const reader = (await fetch()).body!.getReader()
        expect(new TextDecoder().decode((await reader.read()).value)).toBe('data: {"price":1}\n\n')
        await expect(reader.read()).rejects.toThrow('/price')
        await turn()
        expect(errors.map(([error, phase]) => [(error as Error).name, phase])).toEqual([['ResponseError', 'stream']])
      }
      expect(closed).toHaveBeenCalledTimes(2)
    })

    it('is refused where the schema is none', () => {
      expect(() => reply.sse([], { schema: {} as never })).toThrow('reply.sse() takes a Standard Schema')
    })
  })
})
