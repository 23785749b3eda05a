import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Core } from '../../src/cache/core.js'
import {
  createCache,
  memoryStore,
  type CacheOptions,
  type CacheStore,
  type CreateCacheOptions,
} from '../../src/cache/index.js'
import { route, router, type RouteContext } from '../../src/index.js'
import * as reply from '../../src/replies/index.js'
import { at, deferred, read, slowStore, statusOf, turns } from '../fixtures/cache.js'

// Only the cache can see its runs. They are counted here, because a run that stays after its end is a leak.
const cores = vi.hoisted((): Core[] => [])
vi.mock('../../src/cache/middleware.js', async (original) => {
  const actual = await original<typeof import('../../src/cache/middleware.js')>()
  return { ...actual, toLayer: (core: Core, options: never) => (cores.push(core), actual.toLayer(core, options)) }
})
const underWay = (): number => cores.reduce((sum, { flights }) => sum + flights.size, 0)

const escaped: unknown[] = []
const onEscape = (reason: unknown): void => void escaped.push(reason)
beforeAll(() => void process.on('unhandledRejection', onEscape))
afterEach(async () => {
  vi.useRealTimers()
  await sleep(0)
  const left = underWay()
  cores.length = 0
  expect(left).toBe(0)
})
afterAll(async () => {
  await sleep(20)
  process.off('unhandledRejection', onEscape)
  expect(escaped).toEqual([])
})

type Handler = (request: Request, context: RouteContext<'/items/[slug]'>, run: number) => unknown

function toApp(handler: Handler, options: Partial<CacheOptions> = {}, created: CreateCacheOptions = {}) {
  const cache = createCache(created)
  const errors: unknown[] = []
  let runs = 0
  const item = route('/items/[slug]')
    .use(cache({ revalidate: false, ...options }))
    .get((request, context) => handler(request, context, ++runs) as string)
  const app = router({ item }, { onError: (error, { phase }) => void errors.push([phase, error]) })
  return {
    cache,
    app,
    errors,
    get runs() {
      return runs
    },
    ask: async (signal?: AbortSignal, slug = 'a'): Promise<Response> =>
      app.fetch(new Request(`http://test/items/${slug}`, signal && { signal })),
  }
}

const stores: [string, () => CreateCacheOptions][] = [
  ['a store in memory', () => ({})],
  ['a store that takes its time', () => ({ store: slowStore(memoryStore(), () => sleep(Math.random() * 4)) })],
]

describe.each(stores)('the run for a key, with %s', (_name, created) => {
  it('is shared by all concurrent requests for its key', async () => {
    const slow = deferred<void>()
    const self = toApp(async () => (await slow.promise, 'a'), {}, created())
    const answers = Array.from({ length: 50 }, () => self.ask())
    const others = Array.from({ length: 50 }, () => self.ask(undefined, 'b'))
    await vi.waitFor(() => expect(self.runs).toBe(2))
    await turns()
    expect(underWay()).toBe(2)
    slow.resolve()
    const all = await Promise.all([...answers, ...others].map(async (answer) => read(await answer)))
    expect(self.runs).toBe(2)
    expect(all.filter(([, , status]) => (status as { stored?: true }).stored)).toHaveLength(2)
    for (const [status, body, how] of all) {
      expect([status, body]).toEqual([200, 'a'])
      // A request that calls the store late can be a hit.
      expect([{ fwd: 'uri-miss', stored: true }, { fwd: 'uri-miss', collapsed: true }, { hit: true }]).toContainEqual(
        how,
      )
    }
    await self.app.settled()
  })

  it('is not shared if its response cannot be stored: then all requests run concurrently', async () => {
    const slow = deferred<void>()
    let now = 0
    let most = 0
    const self = toApp(
      async ({ headers }) => {
        most = Math.max(most, ++now)
        await slow.promise
        await sleep(5)
        now--
        return headers.get('cookie')
      },
      {},
      created(),
    )
    const answers = Array.from({ length: 10 }, (_, user) => self.app.fetch(at('/items/a', { cookie: `user=${user}` })))
    await vi.waitFor(() => expect(self.runs).toBe(1))
    await turns()
    expect(self.runs).toBe(1)
    slow.resolve()
    const texts = await Promise.all(answers.map(async (answer) => (await answer).json()))
    expect(texts).toEqual(Array.from({ length: 10 }, (_, user) => `user=${user}`))
    expect([self.runs, most]).toEqual([10, 9])
    // Requests do not wait for a response that is known not to be stored.
    most = 0
    await Promise.all(Array.from({ length: 5 }, () => self.ask()))
    expect([self.runs, most]).toEqual([15, 5])
    await self.app.settled()
  })

  it('is not shared if it failed: each request has its own error', async () => {
    const slow = deferred<void>()
    const self = toApp(
      async (_request, _context, run) => {
        await slow.promise
        if (run === 1) throw new Error('first')
        return run
      },
      {},
      created(),
    )
    const answers = Array.from({ length: 3 }, () => self.ask())
    await vi.waitFor(() => expect(self.runs).toBe(1))
    await turns()
    slow.resolve()
    const statuses = await Promise.all(answers.map(async (answer) => (await answer).status))
    expect(statuses.sort()).toEqual([200, 200, 500])
    expect([self.runs, self.errors]).toEqual([3, [['handler', new Error('first')]]])
    await self.app.settled()
  })

  it('delays other requests for at most maxWait', async () => {
    const slow = deferred<void>()
    const self = toApp(
      async (_request, _context, run) => {
        if (run === 1) await slow.promise
        return run
      },
      {},
      { ...created(), maxWait: 300 },
    )
    const first = self.ask()
    await turns()
    const start = performance.now()
    const others = await Promise.all([self.ask(), self.ask()])
    expect(performance.now() - start).toBeGreaterThan(200)
    expect((await Promise.all(others.map((answer) => answer.json()))).sort()).toEqual([2, 3])
    slow.resolve()
    expect(await (await first).json()).toBe(1)
    await self.app.settled()
  })

  it('continues for the waiting requests when the client that started it disconnects', async () => {
    const slow = deferred<void>()
    let aborted: AbortSignal | undefined
    const self = toApp(
      async (_request, { signal }) => {
        aborted = signal
        await slow.promise
        return signal.aborted
      },
      {},
      created(),
    )
    const [one, two] = [new AbortController(), new AbortController()]
    const first = self.ask(one.signal)
    const second = self.ask(two.signal)
    await vi.waitFor(() => expect(self.runs).toBe(1))
    await turns()
    one.abort()
    expect(aborted!.aborted).toBe(false)
    const third = self.ask()
    await turns()
    two.abort()
    expect(aborted!.aborted).toBe(false)
    slow.resolve()
    for (const answer of [first, second, third]) expect(await (await answer).json()).toBe(false)
    expect(self.runs).toBe(1)
    await self.app.settled()
  })

  it('is aborted when all clients have disconnected, and the next request starts its own', async () => {
    const self = toApp(
      (_request, { signal }, run) =>
        run > 1
          ? run
          : new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
      {},
      created(),
    )
    const [one, two] = [new AbortController(), new AbortController()]
    const answers = [self.ask(one.signal), self.ask(two.signal)]
    await vi.waitFor(() => expect(self.runs).toBe(1))
    await turns()
    one.abort()
    two.abort()
    await Promise.all(answers)
    expect(self.errors).toEqual([])
    expect(await (await self.ask()).json()).toBeGreaterThan(1)
    await self.app.settled()
  })

  it('is not aborted when the client disconnects, if it is a refresh', async () => {
    const slow = deferred<void>()
    const signals: AbortSignal[] = []
    const self = toApp(
      async (_request, { signal }, run) => {
        signals.push(signal)
        if (run > 1) await slow.promise
        return run
      },
      { tags: ['a'] },
      created(),
    )
    await self.ask()
    await self.app.settled()
    await self.cache.revalidateTag('a', 'max')
    const controller = new AbortController()
    expect(await (await self.ask(controller.signal)).json()).toBe(1)
    controller.abort()
    await vi.waitFor(() => expect(self.runs).toBe(2))
    expect(signals[1]!.aborted).toBe(false)
    slow.resolve()
    await self.app.settled()
    expect(await (await self.ask()).json()).toBe(2)
  })

  it('lets a handler that requests its own route continue after maxWait', async () => {
    const self = toApp(
      async (_request, _context, run) => (run > 1 ? run : [run, await (await self.ask()).json()]),
      {},
      { ...created(), maxWait: 20 },
    )
    expect(await (await self.ask()).json()).toEqual([1, 2])
    await self.app.settled()
  })

  it('is not joined by a request that follows a revalidation of its tag', async () => {
    const slow = deferred<void>()
    const self = toApp(
      async (_request, _context, run) => {
        if (run === 1) await slow.promise
        return run
      },
      { tags: ['a'] },
      created(),
    )
    const first = self.ask()
    await vi.waitFor(() => expect(self.runs).toBe(1))
    await self.cache.revalidateTag('a')
    expect(await (await self.ask()).json()).toBe(2)
    slow.resolve()
    expect(await (await first).json()).toBe(1)
    await self.app.settled()
    expect(await (await self.ask()).json()).toBeGreaterThan(1)
    await self.app.settled()
  })
})

describe('a run for two processes', () => {
  const toLeases = (wait: () => Promise<unknown>, more?: () => Promise<unknown>) => {
    const memory = memoryStore()
    const held = new Set<string>()
    const make = (wait: () => Promise<unknown>): CacheStore => ({
      ...slowStore(memory, async () => {}),
      async lease(key) {
        await wait()
        if (held.has(key)) return undefined
        held.add(key)
        return { release: () => void held.delete(key) }
      },
    })
    return { held, stores: [make(wait), make(more ?? wait)] as const }
  }

  it('delays requests to the other process until the response is stored', async () => {
    const slow = deferred<void>()
    const { held, stores } = toLeases(async () => {})
    let runs = 0
    const handler = async (): Promise<number> => {
      runs++
      await slow.promise
      return runs
    }
    const [one, two] = stores.map((store) => toApp(handler, {}, { store })) as [
      ReturnType<typeof toApp>,
      ReturnType<typeof toApp>,
    ]
    const answers = [one.ask(), two.ask(), two.ask(), one.ask()]
    await turns()
    expect([runs, held.size]).toEqual([1, 1])
    slow.resolve()
    for (const answer of answers) expect(await (await answer).json()).toBe(1)
    await Promise.all([one.app.settled(), two.app.settled()])
    expect([runs, held.size]).toEqual([1, 0])
  })

  it('is not repeated by the other process if it ended before the other process got the lease', async () => {
    const late = deferred<void>()
    const { held, stores } = toLeases(
      async () => {},
      () => late.promise,
    )
    let runs = 0
    const [one, two] = stores.map((store) => toApp(() => ++runs, {}, { store })) as [
      ReturnType<typeof toApp>,
      ReturnType<typeof toApp>,
    ]
    const answer = two.ask()
    await sleep(5)
    expect(await (await one.ask()).json()).toBe(1)
    await one.app.settled()
    late.resolve()
    expect(await read(answer)).toEqual([200, 1, { fwd: 'uri-miss', collapsed: true }])
    await two.app.settled()
    expect([runs, held.size]).toEqual([1, 0])
  })

  it('is followed by concurrent runs if its response cannot be stored', async () => {
    const slow = deferred<void>()
    const { held, stores } = toLeases(async () => {})
    let now = 0
    let most = 0
    const handler: Handler = async ({ headers }) => {
      most = Math.max(most, ++now)
      await slow.promise
      await sleep(30)
      now--
      return headers.get('cookie') ?? 'none'
    }
    const [one, two] = stores.map((store) => toApp(handler, {}, { store })) as [
      ReturnType<typeof toApp>,
      ReturnType<typeof toApp>,
    ]
    const first = one.ask()
    await sleep(5)
    const answers = [first, two.ask(), two.ask(), two.ask()]
    await turns()
    expect(most).toBe(1)
    slow.resolve()
    for (const answer of answers) expect(await (await answer).json()).toBe('none')
    expect(most).toBeGreaterThan(1)
    await Promise.all([one.app.settled(), two.app.settled()])
    expect(held.size).toBe(0)
  })
})

describe('a run that ends late', () => {
  it('does not replace the entry of a run that started later', async () => {
    const slow = deferred<void>()
    const self = toApp(
      async (_request, _context, run) => {
        if (run === 1) await slow.promise
        return run
      },
      { tags: ['a'] },
    )
    const first = self.ask()
    await sleep(1)
    await self.cache.revalidateTag('a')
    expect(await (await self.ask()).json()).toBe(2)
    slow.resolve()
    await first
    await self.app.settled()
    expect(await read(self.ask())).toEqual([200, 2, { hit: true }])
  })

  it('does not serve requests that arrived after its response had expired', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const slow = deferred<void>()
    const self = toApp(
      async (_request, _context, run) => {
        if (run === 1) await slow.promise
        return run
      },
      { revalidate: 1, staleWhileRevalidate: 0, staleIfError: 0 },
    )
    const first = self.ask()
    const second = self.ask()
    await sleep(1)
    vi.setSystemTime(Date.now() + 2_000)
    const late = [self.ask(), self.ask()]
    await sleep(1)
    expect(self.runs).toBe(1)
    slow.resolve()
    for (const answer of [first, second]) expect(await (await answer).json()).toBe(1)
    for (const answer of late) expect(await (await answer).json()).toBe(2)
    expect(self.runs).toBe(2)
  })

  it('sends the stale entry to all waiting requests if it fails', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const slow = deferred<void>()
    const self = toApp(
      async (_request, _context, run) => {
        if (run === 1) return run
        await slow.promise
        throw new Error('broken')
      },
      { revalidate: 1, staleWhileRevalidate: 0 },
    )
    await self.ask()
    vi.setSystemTime(Date.now() + 2_000)
    const answers = [self.ask(), self.ask(), self.ask()]
    await sleep(1)
    slow.resolve()
    for (const answer of answers)
      expect(await read(answer)).toEqual([200, 1, { fwd: 'stale', ttl: -1, detail: 'refresh failed' }])
    expect([self.runs, self.errors]).toEqual([2, [['handler', new Error('broken')]]])
  })
})

describe('a refresh in progress', () => {
  it('does not count as failed when a waiting client disconnects', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const self = toApp(
      (_request, { signal }, run) =>
        run === 2
          ? new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
          : run,
      { revalidate: 1, staleWhileRevalidate: 0, staleIfError: 100 },
    )
    await self.ask()
    vi.setSystemTime(Date.now() + 2_000)
    const controller = new AbortController()
    const gone = self.ask(controller.signal)
    await sleep(5)
    controller.abort()
    await gone
    expect(await read(self.ask())).toEqual([200, 3, { fwd: 'stale', stored: true, ttl: 1 }])
    expect(self.errors).toEqual([])
  })

  it('is joined by requests for which the old response has expired', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const slow = deferred<void>()
    const self = toApp(
      async (_request, _context, run) => {
        if (run > 1) await slow.promise
        return run
      },
      { revalidate: 1, staleWhileRevalidate: 1, staleIfError: 0 },
    )
    await self.ask()
    vi.setSystemTime(Date.now() + 1_500)
    expect(await (await self.ask()).json()).toBe(1)
    vi.setSystemTime(Date.now() + 1_000)
    const controller = new AbortController()
    const [gone, waiting] = [self.ask(controller.signal), self.ask()]
    await sleep(5)
    controller.abort()
    slow.resolve()
    expect(await read(waiting)).toEqual([200, 2, { fwd: 'uri-miss', collapsed: true, ttl: expect.any(Number) }])
    await gone
    expect(self.runs).toBe(2)
    await self.app.settled()
  })
})

const encode = (text: string) => new TextEncoder().encode(text)

/** A stream that the test writes. */
function toStream() {
  let controller!: ReadableStreamDefaultController<Uint8Array>
  const canceled = deferred<unknown>()
  let isCanceled = false
  const body = new ReadableStream<Uint8Array>({
    start: (given) => void (controller = given),
    cancel(reason) {
      isCanceled = true
      canceled.resolve(reason)
    },
  })
  return {
    body,
    write: (text: string) => controller.enqueue(encode(text)),
    end: () => controller.close(),
    fail: (error: unknown) => controller.error(error),
    get isCanceled() {
      return isCanceled
    },
    canceled: canceled.promise,
  }
}

describe('a stream', () => {
  it('is sent while it is written, and stored at its end', async () => {
    const stream = toStream()
    const self = toApp(() => new Response(stream.body, { headers: { 'content-type': 'text/plain' } }))
    const first = await self.ask()
    expect(statusOf(first)).toEqual({ fwd: 'uri-miss', stored: true })
    const reader = first.body!.getReader()
    stream.write('a')
    expect((await reader.read()).value).toEqual(encode('a'))
    const waiting = self.ask()
    stream.write('b')
    expect((await reader.read()).value).toEqual(encode('b'))
    stream.end()
    expect((await reader.read()).done).toBe(true)
    const second = await waiting
    expect([statusOf(second), await second.text()]).toEqual([{ fwd: 'uri-miss', collapsed: true }, 'ab'])
    expect([statusOf(await self.ask()), self.runs]).toEqual([{ hit: true }, 1])
  })

  it('is stored even if its client disconnects or never reads it', async () => {
    for (const leave of [(response: Response) => response.body!.cancel(), () => {}]) {
      const stream = toStream()
      const self = toApp(() => new Response(stream.body))
      const first = await self.ask()
      stream.write('a')
      await leave(first)
      const waiting = self.ask()
      stream.write('b')
      stream.end()
      expect([await (await waiting).text(), stream.isCanceled]).toEqual(['ab', false])
      await self.app.settled()
      expect([statusOf(await self.ask()), self.runs]).toEqual([{ hit: true }, 1])
    }
  })

  it('does not delay other requests if one client reads slowly', async () => {
    const self = toApp(() => reply.stream(['a', 'b', 'c', 'd']))
    const first = await self.ask()
    const reader = first.body!.getReader()
    await reader.read()
    expect(await (await self.ask()).text()).toBe('abcd')
    const rest: string[] = []
    for (let next = await reader.read(); !next.done; next = await reader.read())
      rest.push(new TextDecoder().decode(next.value))
    expect([rest, self.runs]).toEqual([['b', 'c', 'd'], 1])
  })

  it('fails for its client if its source fails, and is not stored', async () => {
    const streams = [toStream(), toStream()]
    const self = toApp((_request, _context, run) => new Response(streams[run - 1]!.body))
    const first = await self.ask()
    streams[0]!.write('a')
    const waiting = self.ask()
    await sleep(5)
    streams[0]!.fail(new Error('broken'))
    await expect(first.text()).rejects.toThrow('broken')
    streams[1]!.write('whole')
    streams[1]!.end()
    expect(await (await waiting).text()).toBe('whole')
    await self.app.settled()
    expect([await (await self.ask()).text(), self.runs]).toEqual(['whole', 2])
  })

  it('from reply.stream() is reported to onError once if it fails', async () => {
    const self = toApp(() =>
      reply.stream(
        (async function* () {
          yield 'a'
          throw new Error('broken')
        })(),
      ),
    )
    await expect((await self.ask()).text()).rejects.toThrow('broken')
    await self.app.settled()
    expect(self.errors).toEqual([['stream', new Error('broken')]])
  })

  it('is sent as a whole if it is larger than maxBytes, at the pace of the client, and is not stored', async () => {
    let written = 0
    const self = toApp(
      () =>
        reply.stream(
          (function* () {
            for (; written < 1_000; written++) yield 'x'.repeat(100)
          })(),
        ),
      { maxBytes: 1_000 },
    )
    const first = await self.ask()
    await sleep(5)
    expect(written).toBeLessThan(15)
    expect((await first.text()).length).toBe(100_000)
    await self.app.settled()
    written = 0
    expect((await (await self.ask()).text()).length).toBe(100_000)
    expect(self.runs).toBe(2)
    await self.app.settled()
  })

  it('ends when its client disconnects, also if it is larger than maxBytes', async () => {
    let isClosed = false
    const self = toApp(
      () =>
        reply.stream(
          (function* () {
            try {
              for (;;) yield 'x'.repeat(100)
            } finally {
              isClosed = true
            }
          })(),
        ),
      { maxBytes: 1_000 },
    )
    await (await self.ask()).body!.cancel()
    await vi.waitFor(() => expect(isClosed).toBe(true))
    await self.app.settled()
  })

  it('is stored if it has maxBytes bytes, and not if it has one byte more', async () => {
    for (const [size, runs] of [
      [10, 1],
      [11, 2],
    ] as const) {
      const self = toApp(() => new Response(new Uint8Array(size)), { maxBytes: 10 })
      for (let count = 0; count < 2; count++) {
        expect((await (await self.ask()).arrayBuffer()).byteLength).toBe(size)
        await self.app.settled()
      }
      expect(self.runs).toBe(runs)
    }
  })

  it('is never stored or read ahead if it is an event stream', async () => {
    let written = 0
    const self = toApp(() =>
      reply.sse(
        (async function* () {
          for (;;) yield { data: ++written }
        })(),
      ),
    )
    const responses = [await self.ask(), await self.ask()]
    expect(self.runs).toBe(2)
    expect(statusOf(responses[0]!)).toEqual({ fwd: 'uri-miss', detail: 'no-cache' })
    await sleep(5)
    // The first event of each, before the head.
    expect(written).toBe(2)
    for (const response of responses) await response.body!.cancel()
  })

  it('has its own tags and those of the wrapped functions that it calls', async () => {
    const cache = createCache()
    let count = 0
    const find = cache.wrap(() => ++count, { key: 'find', tags: ['find'] })
    const item = route('/a')
      .use(cache({ revalidate: false, tags: ['a'] }))
      .get(() =>
        reply.stream(
          (async function* () {
            await sleep(1)
            yield `${String(await find())} `
            yield String(await find())
          })(),
        ),
      )
    const app = router({ item })
    const get = async () => {
      const text = await (await app.fetch(at('/a'))).text()
      await app.settled()
      return text
    }
    expect([await get(), await get()]).toEqual(['1 1', '1 1'])
    await cache.revalidateTag('find')
    expect([await get(), await get()]).toEqual(['2 2', '2 2'])
    await cache.revalidateTag('a')
    expect([await get(), count]).toEqual(['2 2', 2])
  })

  it('is not served after a revalidation of its tag if it began before', async () => {
    const streams = [toStream(), toStream()]
    const self = toApp((_request, _context, run) => new Response(streams[run - 1]!.body), { tags: ['a'] })
    const first = await self.ask()
    streams[0]!.write('old')
    await self.cache.revalidateTag('a')
    const second = self.ask()
    streams[0]!.end()
    expect(await first.text()).toBe('old')
    streams[1]!.write('new')
    streams[1]!.end()
    expect(await (await second).text()).toBe('new')
    await self.app.settled()
    expect(await (await self.ask()).text()).toBe('new')
    await self.app.settled()
  })
})

describe('input that a client controls', () => {
  it('leaves no run in progress after 500 requests', async () => {
    const self = toApp((_request, { params }, run) => {
      if (run % 4 === 0) throw new Error('broken')
      if (run % 4 === 1) return reply.notFound()
      if (run % 4 === 2) return reply.stream([params.slug])
      return params.slug
    })
    for (let count = 0; count < 500; count++) {
      const response = await self.ask(undefined, `${count}-${'x'.repeat(count * 10)}`)
      await response.body?.cancel()
    }
    await self.app.settled()
    expect(underWay()).toBe(0)
  })

  it('cannot add a line to a header', async () => {
    const self = toApp(({ headers }, { params }) => headers.get(params.slug.replace(/[^\w]/g, '-')))
    for (const slug of ['a%0d%0ax-evil:%201', 'a%22;%20hit', '%F0%9F%8E%89', 'x'.repeat(5_000), '%5C%22']) {
      const { headers } = await self.ask(undefined, slug)
      expect(statusOf(new Response(null, { headers }))).toMatchObject({ fwd: 'uri-miss' })
      expect(headers.get('cache-status')!.length).toBeLessThan(200)
      expect(headers.get('x-evil')).toBe(null)
    }
  })
})
