import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { middleware, route, router } from '../src/index.js'
import type { AnyMiddleware } from '../src/types.js'
import * as reply from '../src/replies/index.js'
import type { Items, ServerSentEvent } from '../src/replies/index.js'

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

const at = (method = 'GET'): Request => new Request('http://test/', { method })
const turn = () => new Promise<void>((resolve) => setTimeout(resolve, 0))

/** Items that count the calls of their iterator. They are endless unless `end` is given. */
function source(end?: { readonly after: number; readonly error?: unknown; readonly onClose?: () => void }) {
  const seen = { started: 0, asked: 0, closed: 0 }
  const items: AsyncIterable<string> = {
    [Symbol.asyncIterator]() {
      seen.started++
      return {
        async next() {
          seen.asked++
          if (end && seen.asked > end.after) {
            if ('error' in end) throw end.error
            return { done: true, value: undefined }
          }
          return { done: false, value: String(seen.asked) }
        },
        async return() {
          seen.closed++
          end?.onClose?.()
          return { done: true, value: undefined }
        },
      }
    },
  }
  return { items, seen }
}

/** An app with one route, and the calls of its `onError`. */
function toApp(handler: () => unknown, ...layers: AnyMiddleware[]) {
  const errors: (readonly [unknown, string])[] = []
  const it = route('/').get(handler as () => string)
  const app = router({ it }, { use: layers, onError: (error, { phase }) => void errors.push([error, phase]) })
  return { app, errors, fetch: async (method?: string) => app.fetch(at(method)) }
}

const kinds: readonly (readonly [name: string, toReply: (items: Items<string>) => unknown, first: string])[] = [
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
]

describe.each(kinds)('%s()', (_name, toReply, first) => {
  it('requests the first item before the head is sent, and one item with each read', async () => {
    const { items, seen } = source()
    const reader = (await toApp(() => toReply(items)).fetch()).body!.getReader()
    await turn()
    expect(seen).toEqual({ started: 1, asked: 1, closed: 0 })
    for (const count of [1, 2, 3]) {
      await reader.read()
      await turn()
      expect(seen.asked).toBe(count)
    }
    await reader.cancel()
    expect(seen).toEqual({ started: 1, asked: 3, closed: 1 })
  })

  it('ends with its items, and does not close an iterator that has ended', async () => {
    const { items, seen } = source({ after: 2 })
    const text = await (await toApp(() => toReply(items)).fetch()).text()
    expect(text).toBe(first + first.replace('1', '2'))
    expect(seen).toEqual({ started: 1, asked: 3, closed: 0 })
  })

  it('fails with the error of its items, and reports it once', async () => {
    const error = new Error('half way')
    const { items, seen } = source({ after: 1, error })
    const { fetch, errors } = toApp(() => toReply(items))
    const response = await fetch()
    expect(response.status).toBe(200)
    const reader = response.body!.getReader()
    expect(new TextDecoder().decode((await reader.read()).value)).toBe(first)
    await expect(reader.read()).rejects.toBe(error)
    await expect(reader.read()).rejects.toBe(error)
    await turn()
    expect(errors).toEqual([[error, 'stream']])
    expect(seen).toEqual({ started: 1, asked: 2, closed: 0 })
  })

  it.each([
    ['the reply that its items throw', () => reply.notFound({ detail: 'No such row.' }), 404],
    ['a 500 without details for another error', () => new Error('secret'), 500],
    ['a 500 for undefined', () => undefined, 500],
  ])('sends %s before the first item', async (_name, toError, status) => {
    for (const delay of [0, 20]) {
      const error = toError()
      const items = (async function* (): AsyncGenerator<string> {
        await sleep(delay)
        yield* [] as string[]
        throw error
      })()
      const { fetch, errors } = toApp(
        () => toReply(items),
        (_request, _context, next) => next(),
      )
      const response = await fetch()
      expect([response.status, response.headers.get('content-type')]).toEqual([status, 'application/problem+json'])
      expect(await response.text()).not.toContain('secret')
      expect(errors.map(([, phase]) => phase)).toEqual(status === 404 ? [] : ['response'])
    }
  })

  it('sends its head without the first item if that takes longer than a second', async () => {
    const error = new Error('late')
    const begun = performance.now()
    const { fetch, errors } = toApp(() =>
      toReply(
        (async function* () {
          await sleep(1_200)
          yield* [] as string[]
          throw error
        })(),
      ),
    )
    const response = await fetch()
    expect(response.status).toBe(200)
    expect(performance.now() - begun).toBeGreaterThan(900)
    await expect(response.text()).rejects.toBe(error)
    expect(errors).toEqual([[error, 'stream']])
  })

  it('is awaited by settled() until the finally block of its canceled items has ended', async () => {
    let isCleaned = false
    const { app, fetch } = toApp(() =>
      toReply(
        (async function* () {
          try {
            for (;;) yield 'a'
          } finally {
            await sleep(20)
            isCleaned = true
          }
        })(),
      ),
    )
    const reader = (await fetch()).body!.getReader()
    await reader.read()
    void reader.cancel()
    await app.settled()
    expect(isCleaned).toBe(true)
  })

  it('requests no item for HEAD', async () => {
    const { items, seen } = source()
    const response = await toApp(() => toReply(items)).fetch('HEAD')
    expect([response.status, response.body]).toEqual([200, null])
    expect(response.headers.get('content-type')).toBeTruthy()
    await turn()
    expect(seen.asked).toBe(0)
  })
})

describe('a streamed response', () => {
  it('causes a 500 if a handler returns an async iterable, with a message that says what to do', async () => {
    const { items, seen } = source()
    for (const value of [items, (async function* () {})(), new ReadableStream()]) {
      const { fetch, errors } = toApp(() => value)
      expect((await fetch()).status).toBe(500)
      expect(errors).toEqual([
        [
          new TypeError('an async iterable cannot be sent; use reply.ndjson(), reply.sse() or reply.stream()'),
          'response',
        ],
      ])
    }
    expect(seen.started).toBe(0)
  })

  it('does not start a generator for HEAD', async () => {
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

  it('runs the finally of a generator when the reader cancels', async () => {
    const log: string[] = []
    async function* items() {
      try {
        for (;;) yield 'x'
      } finally {
        log.push('closed')
      }
    }
    const { fetch, errors } = toApp(() => reply.ndjson(items()))
    const reader = (await fetch()).body!.getReader()
    await reader.read()
    await reader.cancel()
    expect([log, errors]).toEqual([['closed'], []])
  })

  it('discards an item or an error that comes after the reader has canceled', async () => {
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
      const { fetch, errors } = toApp(() => reply.ndjson(items()))
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

  it('reports an error of closing the iterator', async () => {
    const error = new Error('closing')
    const { items } = source({
      after: 9,
      onClose() {
        throw error
      },
    })
    const { fetch, errors } = toApp(() => reply.ndjson(items))
    const reader = (await fetch()).body!.getReader()
    await reader.read()
    await reader.cancel()
    expect(errors).toEqual([[error, 'stream']])
  })

  it('closes the iterator if an item cannot be sent, and reports the first error only', async () => {
    for (const onClose of [
      () => {},
      () => {
        throw new Error('closing')
      },
    ]) {
      const { items, seen } = source({ after: 9, onClose })
      const { fetch, errors } = toApp(() =>
        reply.ndjson({
          async *[Symbol.asyncIterator]() {
            for await (const item of items) yield item === '2' ? () => {} : item
          },
        }),
      )
      const response = await fetch()
      await expect(response.text()).rejects.toThrow('JSON cannot represent function')
      expect(errors.map(([error, phase]) => [(error as Error).name, phase])).toEqual([['TypeError', 'stream']])
      expect(seen).toEqual({ started: 1, asked: 2, closed: 1 })
    }
  })

  it('fails with a message that says what reply.stream() takes', async () => {
    const message = 'reply.stream() takes strings and Uint8Arrays, not a number; use reply.ndjson() for JSON'
    const first = toApp(() => reply.stream([1] as never))
    expect((await first.fetch()).status).toBe(500)
    const later = toApp(() => reply.stream(['a', 1] as never))
    await expect((await later.fetch()).text()).rejects.toThrow(message)
    for (const { errors } of [first, later])
      expect(errors.map(([error]) => String(error))).toEqual([`TypeError: ${message}`])
  })

  it('causes a 500 if the value is not iterable', async () => {
    for (const items of [undefined, null, {}, 'text', 1, () => {}]) {
      const { fetch, errors } = toApp(() => reply.stream(items as never))
      expect((await fetch()).status).toBe(500)
      expect(String(errors[0]![0])).toContain('a stream takes an iterable or an async iterable')
    }
  })

  it('can be created from arrays, generators, promises in them, and ReadableStreams', async () => {
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

  it('sends bytes and strings unchanged', async () => {
    const bytes = new TextEncoder().encode('€')
    expect(await reply.stream(['a', bytes.subarray(0, 1), '', bytes.subarray(1)]).text()).toBe('a€')
  })

  it('has the status and the headers of init', async () => {
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

  it('reports its error if middleware changes its headers or copies it', async () => {
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
      const { fetch, errors } = toApp(() => reply.ndjson(items), layer)
      const response = await fetch()
      expect(response.headers.get('x-mark')).toBe(mark)
      await expect(response.text()).rejects.toBe(error)
      expect(errors).toEqual([[error, 'stream']])
    }
  })

  it('reports its error if middleware returns it', async () => {
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

  it('is canceled if middleware returns another response', async () => {
    const { items, seen } = source()
    const work = vi.fn()
    const layer = middleware(async (_request, { after }, next) => {
      after(work)
      await next()
      return reply.text('instead')
    })
    const { fetch, app } = toApp(() => reply.ndjson(items), layer)
    expect(await (await fetch()).text()).toBe('instead')
    await app.settled()
    expect([seen.closed, work.mock.calls.length]).toEqual([1, 1])
  })

  it('continues if middleware reads it for another response', async () => {
    const { items } = source({ after: 2 })
    const upper = middleware(async (_request, _context, next) => {
      const response = await next()
      const change = new TransformStream<Uint8Array, Uint8Array>({
        transform: (chunk, controller) => controller.enqueue(chunk.map((byte) => (byte === 0x31 ? 0x39 : byte))),
      })
      return new Response(response.body!.pipeThrough(change as never))
    })
    expect(await (await toApp(() => reply.ndjson(items), upper).fetch()).text()).toBe('"9"\n"2"\n')
    const { items: kept } = source({ after: 2 })
    const copies = middleware(async (_request, _context, next) => reply.text(await (await next()).clone().text()))
    expect(await (await toApp(() => reply.ndjson(kept), copies).fetch()).text()).toBe('"1"\n"2"\n')
  })
})

describe('context.after()', () => {
  const cases: readonly (readonly [string, { after: number; error?: unknown }, (response: Response) => unknown])[] = [
    ['ended', { after: 2 }, (response) => response.text()],
    ['broken', { after: 2, error: new Error('half way') }, (response) => response.text().catch(() => {})],
    [
      'been canceled',
      { after: 9 },
      async ({ body }) => {
        const reader = body!.getReader()
        await reader.read()
        await reader.cancel()
      },
    ],
  ]
  it.each(cases)('runs work when the stream has %s, and not before', async (_name, end, finish) => {
    const { items } = source(end)
    const log: string[] = []
    const it = route('/').get((_request, { after }) => {
      after(() => void log.push('one'))
      after(() => void log.push('two'))
      return reply.ndjson(items)
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

  it('runs work for HEAD', async () => {
    const work = vi.fn()
    const it = route('/').get((_request, { after }) => {
      after(work)
      return reply.ndjson(source().items)
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

describe('reply.sse({ text: true })', () => {
  it.each([
    ['[DONE]', 'data: [DONE]\n\n'],
    ['<li>\n  a\n</li>', 'data: <li>\ndata:   a\ndata: </li>\n\n'],
    ['a\r\nb\rc', 'data: a\ndata: b\ndata: c\n\n'],
    ['', 'data: \n\n'],
    ['{"a":1}', 'data: {"a":1}\n\n'],
  ])('sends %j without JSON encoding', async (data, sent) => {
    const { fetch, errors } = toApp(() => reply.sse([{ data }], { text: true }))
    expect([await (await fetch()).text(), errors]).toEqual([sent, []])
  })

  it('causes a 500 for data that is not a string, and sends JSON without the option', async () => {
    const { fetch, errors } = toApp(() => reply.sse([{ data: 1 }], { text: true }))
    expect((await fetch()).status).toBe(500)
    expect(String(errors[0]![0])).toContain('takes strings as data, not a number')
    expect(await (await toApp(() => reply.sse([{ data: '[DONE]' }])).fetch()).text()).toBe('data: "[DONE]"\n\n')
  })
})

describe('reply.sse()', () => {
  it('is parsed to the same events by a parser of the specification, or fails at an invalid event', async () => {
    let failed = 0
    await fc.assert(
      fc.asyncProperty(fc.array(anyEvent, { maxLength: 4 }), async (given) => {
        const { fetch, errors } = toApp(() => reply.sse(given))
        const chunks: Uint8Array[] = []
        const response = await fetch()
        const reader = response.body!.getReader()
        try {
          if (response.status === 500) throw new TypeError('an error in the first event')
          for (let read = await reader.read(); !read.done; read = await reader.read()) chunks.push(read.value)
        } catch (error) {
          expect(error).toBeInstanceOf(TypeError)
          failed++
        }
        // A chunk for each event, up to the one that is an error.
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
        // Only an event that would arrive as another one is an error.
        if (broken)
          expect(
            /[\0\r\n]|\p{Surrogate}/u.test(broken.event ?? '') || !/^[!-~]?$|^[!-~][ -~]*[!-~]$/.test(broken.id ?? ''),
          ).toBe(true)
      }),
      { numRuns: 500 },
    )
    expect(failed).toBeGreaterThan(20)
  })

  it('sends retry once, with the first event', async () => {
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
    // A longer timer would fire immediately.
    { keepAlive: 2 ** 31 },
  ])('throws for %j', (init) => {
    expect(() => reply.sse([], init)).toThrow(RangeError)
  })

  it('sends a comment after each keepAlive without an event, and none before', async () => {
    vi.useFakeTimers()
    let send = (_data: string): void => {}
    async function* events() {
      for (;;) yield { data: await new Promise<string>((resolve) => (send = resolve)) }
    }
    const reader = reply.sse(events(), { keepAlive: 10_000 }).body!.getReader()
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

  it('clears its timer at every kind of end', async () => {
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

  it('sends no comments that a slow reader has not requested', async () => {
    vi.useFakeTimers()
    async function* events() {
      await new Promise(() => {})
      yield { data: 1 }
    }
    const reader = reply.sse(events(), { keepAlive: 1_000 }).body!.getReader()
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

    it("sends the schema's output of each event's data", async () => {
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

    it('fails at invalid data, reports the error, and closes the iterator', async () => {
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

    it('throws if the schema is not a Standard Schema', () => {
      expect(() => reply.sse([], { schema: {} as never })).toThrow('reply.sse() takes a Standard Schema')
    })
  })
})
