import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { middleware, route, router, type AnyContext } from '../../src/index.js'
import {
  concurrencyLimit,
  memoryRateLimits,
  rateLimit,
  type RateLimitOptions,
  type RateLimitStore,
} from '../../src/middleware/index.js'
import { openapi } from '../../src/openapi/index.js'
import * as reply from '../../src/replies/index.js'
import { describeRateLimitStore } from '../contracts/rate-limit-store.js'

const at = (headers: Record<string, string> = {}, signal: AbortSignal | null = null): Request =>
  new Request('http://test/', { headers, signal })

describeRateLimitStore('memoryRateLimits()', () => memoryRateLimits())

describe('memoryRateLimits()', () => {
  beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }))
  afterEach(() => void vi.useRealTimers())

  it('counts a burst at the end of a window in the next window', () => {
    const store = memoryRateLimits()
    const allowed = (count: number) =>
      Array.from(
        { length: count },
        () => store.count('a', { limit: 10, window: 1_000 }) as { isAllowed: boolean },
      ).filter(({ isAllowed }) => isAllowed).length
    vi.setSystemTime(1_000_999)
    expect(allowed(20)).toBe(10)
    vi.setSystemTime(1_001_001)
    expect(allowed(20)).toBe(0)
    vi.setSystemTime(1_001_500)
    expect(allowed(20)).toBe(5)
    vi.setSystemTime(1_003_500)
    expect(allowed(20)).toBe(10)
  })

  it('rejects requests until reset, and allows one then', () =>
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 50 }),
        fc.array(fc.nat(60), { minLength: 1, maxLength: 40 }),
        (limit, window, steps) => {
          const store = memoryRateLimits()
          const count = () =>
            store.count('a', { limit, window }) as { isAllowed: boolean; reset: number; remaining: number }
          let now = 1_000_000
          for (const step of steps) {
            vi.setSystemTime((now += step))
            const { isAllowed, reset, remaining } = count()
            expect(remaining).toBeLessThan(limit)
            if (isAllowed) continue
            vi.setSystemTime(now + reset - 1)
            expect(reset === 1 || !count().isAllowed).toBe(true)
            vi.setSystemTime((now += reset))
            expect(count().isAllowed).toBe(true)
          }
        },
      ),
    ))

  it('evicts the key that was idle longest above maxKeys', () => {
    const store = memoryRateLimits({ maxKeys: 2 })
    const quota = { limit: 1, window: 1_000 }
    const isAllowed = (key: string) => (store.count(key, quota) as { isAllowed: boolean }).isAllowed
    expect([isAllowed('a'), isAllowed('b'), isAllowed('a'), isAllowed('c'), isAllowed('a'), isAllowed('b')]).toEqual([
      true,
      true,
      false,
      true,
      false,
      true,
    ])
    expect(() => memoryRateLimits({ maxKeys: 0 })).toThrow(RangeError)
  })
})

describe('rateLimit()', () => {
  const toApp = (options: Partial<RateLimitOptions> = {}) => {
    const onError = vi.fn()
    const it = route('/').get(() => 'ok')
    const byUser = rateLimit({
      limit: 2,
      window: 60_000,
      key: (_context, { headers }) => headers.get('user') ?? undefined,
      ...options,
    })
    return { app: router({ it }, { use: [byUser], onError }), onError }
  }

  it('sends the remaining requests in headers, and a 429 above the limit', async () => {
    const { app } = toApp({ name: 'api' })
    const responses = []
    for (let count = 0; count < 3; count++) responses.push(await app.fetch(at({ user: 'ann' })))
    expect(responses.map(({ status }) => status)).toEqual([200, 200, 429])
    for (const { headers } of responses) expect(headers.get('ratelimit-policy')).toBe('"api";q=2;w=60')
    expect(responses[0]!.headers.get('ratelimit')).toMatch(/^"api";r=1;t=\d+$/)
    const last = responses[2]!
    expect(last.headers.get('ratelimit')).toMatch(/^"api";r=0;t=\d+$/)
    expect(Number(last.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(last.headers.get('content-type')).toBe('application/problem+json')
    expect((await app.fetch(at({ user: 'bob' }))).status).toBe(200)
  })

  it('counts requests without a key together, and apart from keys such as "undefined"', async () => {
    const { app } = toApp()
    for (const status of [200, 200, 429]) expect((await app.fetch(at())).status).toBe(status)
    for (const user of ['-', 'undefined', '=', '#']) expect((await app.fetch(at({ user }))).status).toBe(200)
  })

  it('counts long keys by their digest', async () => {
    const keys = vi.fn()
    const memory = memoryRateLimits()
    const store: RateLimitStore = {
      count(key, quota) {
        keys(key)
        return memory.count(key, quota)
      },
    }
    const { app } = toApp({ store })
    const long = 'x'.repeat(5_000)
    for (const status of [200, 200, 429]) expect((await app.fetch(at({ user: long }))).status).toBe(status)
    expect((await app.fetch(at({ user: `${long}y` }))).status).toBe(200)
    for (const [key] of keys.mock.calls) expect(String(key).length).toBeLessThan(200)
  })

  it('sends the headers of several limits', async () => {
    const key = () => 'all'
    const it = route('/').get(() => 'ok')
    const use = [
      rateLimit({ name: 'a', limit: 5, window: 1_000, key }),
      rateLimit({ name: 'b', limit: 9, window: 60_000, key }),
    ]
    const { headers } = await router({ it }, { use }).fetch(at())
    expect(headers.get('ratelimit-policy')).toBe('"b";q=9;w=60, "a";q=5;w=1')
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('store')
      },
    ],
    ['rejects', () => Promise.reject(new Error('store'))],
    ['hangs', () => new Promise<never>(() => {})],
  ] as [string, () => never | Promise<never>][])(
    'lets requests continue and reports if the store %s',
    async (_name, count) => {
      const { app, onError } = toApp({ store: { count }, storeTimeout: 5 })
      const response = await app.fetch(at())
      expect([response.status, response.headers.has('ratelimit')]).toEqual([200, false])
      expect(onError).toHaveBeenCalledTimes(1)
    },
  )

  it('responds with a 500 if the key function fails, instead of skipping the limit', async () => {
    const { app } = toApp({
      key: () => {
        throw new Error('no user')
      },
    })
    expect((await app.fetch(at())).status).toBe(500)
  })

  it('documents the headers of its 429 in OpenAPI', async () => {
    const it = route('/')
      .use(rateLimit({ limit: 1, window: 1_000, key: ({ ip }) => ip }))
      .get(() => 'ok')
    const { paths } = await openapi(router({ it }), { info: { title: 'x', version: '1' } })
    expect(Object.keys((paths!['/']!.get!.responses!['429'] as { headers: object }).headers)).toContain('RateLimit')
  })

  it.each([
    [{ limit: 0 }],
    [{ limit: 1.5 }],
    [{ window: 0 }],
    [{ window: 1.5 }],
    [{ key: undefined }],
    [{ name: 'a"b' }],
    [{ name: '' }],
  ])('throws for %j', (options) => {
    expect(() => rateLimit({ limit: 1, window: 1, key: () => 'a', ...options } as never)).toThrow()
  })
})

describe('concurrencyLimit()', () => {
  const toApp = (options: Parameters<typeof concurrencyLimit>[0]) => {
    const held: (() => void)[] = []
    let running = 0
    let most = 0
    const it = route('/')
      .use(concurrencyLimit(options))
      .get(async (request) => {
        most = Math.max(most, ++running)
        await new Promise<void>((resolve) => held.push(resolve))
        running--
        if (request.headers.has('fail')) throw new Error('fail')
        return request.headers.get('name')
      })
    const app = router({ it }, { onError() {} })
    const send = (name: string, signal?: AbortSignal) => Promise.resolve(app.fetch(at({ name }, signal ?? null)))
    return { app, send, held, most: () => most }
  }

  it('runs no more requests than the limit, and then queued requests in order', async () => {
    const { send, held, most } = toApp({ limit: 2, queue: 2 })
    const order: string[] = []
    const all = ['a', 'b', 'c', 'd', 'e'].map((name) =>
      send(name).then(async (response) => {
        order.push(`${name} ${response.status}`)
        return response
      }),
    )
    expect((await all[4]!).status).toBe(503)
    expect((await all[4]!).headers.get('retry-after')).toBe('1')
    for (let count = 0; count < 4; count++) {
      await vi.waitFor(() => expect(held.length).toBeGreaterThan(count))
      held[count]!()
    }
    await Promise.all(all)
    expect(order).toEqual(['e 503', 'a 200', 'b 200', 'c 200', 'd 200'])
    expect(most()).toBe(2)
  })

  it('frees the slot of a request that fails, is aborted or waits too long', async () => {
    const { app, send, held } = toApp({ limit: 1, queue: 5, timeout: 20 })
    const failing = Promise.resolve(app.fetch(at({ fail: '1' })))
    const client = new AbortController()
    const aborted = send('aborted', client.signal)
    client.abort()
    expect((await aborted).status).toBe(503)
    expect((await send('late')).status).toBe(503)
    held[0]!()
    expect((await failing).status).toBe(500)
    const next = await vi.waitFor(async () => {
      const pending = send('next')
      await vi.waitFor(() => expect(held.length).toBe(2))
      return pending.constructor === Promise ? { pending } : { pending }
    })
    held[1]!()
    expect((await next.pending).status).toBe(200)
  })

  it('occupies the slot until a streamed body has ended', async () => {
    let end!: () => void
    const it = route('/')
      .use(concurrencyLimit({ limit: 1 }))
      .get(() =>
        reply.stream(
          (async function* () {
            yield 'first'
            await new Promise<void>((resolve) => (end = resolve))
          })(),
        ),
      )
    const app = router({ it })
    const first = await app.fetch(at())
    const reader = first.body!.getReader()
    await reader.read()
    const rest = reader.read()
    expect((await app.fetch(at())).status).toBe(503)
    await vi.waitFor(() => expect(end).toBeDefined())
    end()
    await rest
    await vi.waitFor(async () => {
      const response = await app.fetch(at())
      void response.body?.cancel()
      expect(response.status).toBe(200)
    })
  })

  it('counts the requests of all routes that share it together', async () => {
    const shared = concurrencyLimit({ limit: 1 })
    let release!: () => void
    const slow = route('/slow')
      .use(shared)
      .get(() => new Promise<string>((resolve) => (release = () => resolve('x'))))
    const fast = route('/fast')
      .use(shared)
      .get(() => 'fast')
    const app = router({ slow, fast })
    const pending = app.fetch(new Request('http://test/slow'))
    await vi.waitFor(() => expect(release).toBeDefined())
    expect((await app.fetch(new Request('http://test/fast'))).status).toBe(503)
    release()
    await pending
    await app.settled()
    expect((await app.fetch(new Request('http://test/fast'))).status).toBe(200)
  })

  it.each([[{ limit: 0 }], [{ limit: 1, queue: -1 }], [{ limit: 1, timeout: 0 }], [{ limit: 1, retryAfter: 0.5 }]])(
    'throws for %j',
    (options) => {
      expect(() => concurrencyLimit(options)).toThrow(RangeError)
    },
  )
})

describe('rateLimit() by user', () => {
  it('reads the properties that outer middleware has added to the context', async () => {
    const user = middleware(({ headers }, _context, next) => next({ user: { id: headers.get('user') ?? 'nobody' } }))
    const it = route('/')
      .use(user)
      .use(rateLimit<AnyContext & { user: { id: string } }>({ limit: 1, window: 60_000, key: ({ user }) => user.id }))
      .get(() => 'ok')
    const app = router({ it })
    expect((await app.fetch(at({ user: 'a' }))).status).toBe(200)
    expect((await app.fetch(at({ user: 'a' }))).status).toBe(429)
    expect((await app.fetch(at({ user: 'b' }))).status).toBe(200)
  })
})
