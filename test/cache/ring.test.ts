import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { createCache, memoryStore, type CacheOptions, type CreateCacheOptions } from '../../src/cache/index.js'
import { cookies, timeout } from '../../src/middleware/index.js'
import { errorOf, middleware, rewrites, route, router, type RouteContext, type RouterOptions } from '../../src/index.js'
import * as reply from '../../src/replies/index.js'
import { at, deferred, read, slowStore, statusOf } from '../fixtures/cache.js'

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2026, 2, 1) }))
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

const pass = (seconds: number): void => void vi.setSystemTime(Date.now() + seconds * 1_000)

type Handler = (request: Request, context: RouteContext<'/items/[slug]'>, run: number) => unknown

/** An app whose one route is inside a cache, and what happens in it. */
function toApp(
  options: Partial<CacheOptions> = {},
  handler: Handler = (_request, _context, run) => run,
  { router: more, cache: created, ...rest }: { router?: RouterOptions; cache?: CreateCacheOptions } = {},
) {
  expect(rest).toEqual({})
  const cache = createCache(created)
  const errors: unknown[] = []
  let runs = 0
  const item = route('/items/[slug]')
    .use(cache({ revalidate: false, ...options }))
    .get((request, context) => handler(request, context, ++runs) as string)
  const app = router({ item }, { onError: (error, { phase }) => void errors.push([phase, error]), ...more })
  const ask = (path = '/items/a', headers?: Record<string, string>, method?: string) =>
    app.fetch(at(path, headers, method))
  return {
    cache,
    app,
    item,
    errors,
    get runs() {
      return runs
    },
    ask,
    get: (path?: string, headers?: Record<string, string>) => read(ask(path, headers)),
  }
}

const stored = (more = {}) => ({ fwd: 'uri-miss', stored: true, ...more })

describe('cache()', () => {
  it('runs the handler once, and then responds from the cache', async () => {
    const { app, ask, get } = toApp()
    expect(await get()).toEqual([200, 1, stored()])
    const second = app.fetch(at('/items/a'))
    expect(second).toBeInstanceOf(Response)
    expect(await read(second as Response)).toEqual([200, 1, { hit: true }])
    expect(await get('/items/b')).toEqual([200, 2, stored()])
    const { headers } = await ask()
    expect(Object.fromEntries(headers)).toEqual({
      age: '0',
      'cache-control': 'public, max-age=0, must-revalidate',
      'cache-status': 'byway; hit',
      'content-type': 'application/json',
      etag: expect.stringMatching(/^"[\w-]{22}"$/),
    })
  })

  it('sends the same response for the miss as for later hits', async () => {
    const { ask } = toApp({ vary: ['accept-language'], revalidate: 10 }, () =>
      reply.json({ a: 1 }, { headers: { 'x-own': 'yes', vary: 'Origin, ACCEPT-language' } as never }),
    )
    // Another Vary than the key's would not be stored.
    expect(statusOf(await ask())).toEqual({ fwd: 'uri-miss', detail: 'vary origin' })
    const own = toApp({ vary: ['accept-language'], revalidate: 10 }, () =>
      reply.json({ a: 1 }, { headers: { 'x-own': 'yes', vary: 'ACCEPT-language' } }),
    )
    const [first, second] = [await own.ask(), await own.ask()]
    const all = ({ headers }: Response) => Object.fromEntries([...headers].filter(([name]) => name !== 'cache-status'))
    expect(all(second)).toEqual(all(first))
    expect(all(first)).toMatchObject({ 'x-own': 'yes', vary: 'accept-language', age: '0' })
    expect(await second.text()).toBe(await first.text())
  })

  it('stores a response without a time limit by default', async () => {
    const { get } = toApp()
    await get()
    pass(100 * 365 * 24 * 3_600)
    expect(await get()).toEqual([200, 1, { hit: true }])
  })
})

describe('revalidate', () => {
  it('serves a fresh response, then the stale one once during the refresh, with Age and ttl', async () => {
    const { app, ask, get, ...it } = toApp({ revalidate: 60 })
    await get()
    pass(59.9)
    const fresh = await ask()
    expect([fresh.headers.get('age'), statusOf(fresh)]).toEqual(['59', { hit: true, ttl: 0 }])
    pass(0.1)
    const stale = await ask()
    expect([stale.headers.get('age'), statusOf(stale)]).toEqual(['60', { hit: true, ttl: 0 }])
    expect(await stale.json()).toBe(1)
    await app.settled()
    expect(await get()).toEqual([200, 2, { hit: true, ttl: 60 }])
    pass(61.5)
    expect(await get()).toEqual([200, 2, { hit: true, ttl: -2 }])
    await app.settled()
    expect(await get()).toEqual([200, 3, { hit: true, ttl: 60 }])
    expect(it.errors).toEqual([])
  })

  it('refreshes once for all concurrent requests', async () => {
    const slow = deferred<void>()
    const self = toApp({ revalidate: 60 }, async (_request, _context, run) => {
      if (run > 1) await slow.promise
      return run
    })
    await self.get()
    pass(61)
    for (let count = 0; count < 20; count++) expect(await self.get()).toEqual([200, 1, { hit: true, ttl: -1 }])
    expect(self.runs).toBe(2)
    slow.resolve()
    await self.app.settled()
    expect([await self.get(), self.runs]).toEqual([[200, 2, { hit: true, ttl: 60 }], 2])
  })

  it('serves no stale response after staleWhileRevalidate', async () => {
    const { app, get } = toApp({ revalidate: 60, staleWhileRevalidate: 30 })
    await get()
    pass(89.9)
    expect(await get()).toEqual([200, 1, { hit: true, ttl: -30 }])
    await app.settled()
    pass(90)
    expect(await get()).toEqual([200, 3, { fwd: 'stale', stored: true, ttl: 60 }])
  })

  it('serves no stale response if staleWhileRevalidate is 0', async () => {
    const { get } = toApp({ revalidate: 60, staleWhileRevalidate: 0, staleIfError: 0 })
    await get()
    pass(60)
    expect(await get()).toEqual([200, 2, stored({ ttl: 60 })])
  })

  it('accepts fractions of seconds', async () => {
    const { app, get } = toApp({ revalidate: 0.5 })
    await get()
    pass(0.4)
    expect(await get()).toEqual([200, 1, { hit: true, ttl: 0 }])
    pass(0.2)
    await get()
    await app.settled()
    expect((await get())[1]).toBe(2)
  })
})

describe('a refresh that fails', () => {
  it('is repeated after pauses of 1 s, 2 s, 4 s …, calls onError, and the old response is served', async () => {
    let fails = true
    const self = toApp({ revalidate: 60 }, (_request, _context, run) => {
      if (run > 1 && fails) throw new Error(`run ${run}`)
      return run
    })
    const { get, app, errors } = self
    await get()
    pass(60)
    const runsAt: number[] = []
    for (let second = 0; second < 40; second++) {
      const before = self.runs
      expect((await get()).slice(0, 2)).toEqual([200, 1])
      await app.settled()
      if (self.runs > before) runsAt.push(second)
      pass(1)
    }
    expect(runsAt).toEqual([0, 1, 3, 7, 15, 31])
    expect(errors).toHaveLength(6)
    expect(errors[0]).toEqual(['handler', new Error('run 2')])
    fails = false
    pass(60)
    await get()
    await app.settled()
    expect((await get())[1]).toBe(8)
  })

  it('serves the old response within staleIfError, and names the error', async () => {
    const self = toApp({ revalidate: 10, staleWhileRevalidate: 0, staleIfError: 50 }, (_request, _context, run) =>
      run > 1 ? reply.problem(503) : run,
    )
    const { get, errors } = self
    await get()
    pass(10)
    expect(await get()).toEqual([200, 1, { fwd: 'stale', ttl: 0, detail: 'refresh failed' }])
    expect(await get()).toEqual([200, 1, { hit: true, ttl: 0, detail: 'refresh failed' }])
    expect(self.runs).toBe(2)
    pass(1)
    expect(await get()).toEqual([200, 1, { fwd: 'stale', ttl: -1, detail: 'refresh failed' }])
    expect(self.runs).toBe(3)
    pass(49)
    expect((await get())[0]).toBe(503)
    expect(errors).toEqual([])
  })

  it('sends the error if there is no response to serve', async () => {
    const self = toApp({}, () => {
      throw new Error('broken')
    })
    const response = await self.ask()
    expect([response.status, statusOf(response)]).toEqual([500, { fwd: 'uri-miss', detail: 'status 500' }])
    expect(errorOf(response)).toEqual(new Error('broken'))
    expect(self.errors).toEqual([['handler', new Error('broken')]])
  })

  it('does not serve the old entry for a 500 that follows a 404', async () => {
    const answers = [() => 1, () => reply.notFound(), () => reply.problem(500)]
    const { get } = toApp({ revalidate: 10, staleWhileRevalidate: 0 }, (_request, _context, run) => answers[run - 1]!())
    await get()
    pass(10)
    expect((await get())[0]).toBe(404)
    expect((await get())[0]).toBe(500)
  })

  it('deletes the entry after a 404', async () => {
    const { get, app } = toApp({ revalidate: 10 }, (_request, _context, run) => (run > 1 ? reply.notFound() : run))
    await get()
    pass(10)
    expect((await get())[0]).toBe(200)
    await app.settled()
    expect(await get()).toMatchObject([404, {}, { fwd: 'uri-miss', detail: 'status 404' }])
  })
})

describe('revalidateTag', () => {
  it('invalidates responses with the tag, and no others', async () => {
    const { cache, get } = toApp({ tags: ({ params }) => ['items', `item:${String(params['slug'])}`] })
    await get('/items/a')
    await get('/items/b')
    await cache.revalidateTag('item:a')
    expect(await get('/items/a')).toEqual([200, 3, stored()])
    expect(await get('/items/b')).toEqual([200, 2, { hit: true }])
    await cache.revalidateTag('items')
    expect((await get('/items/a'))[1]).toBe(4)
    expect((await get('/items/b'))[1]).toBe(5)
    for (const other of ['item', 'item:', 'item:*', 'items ', 'Items', 'item:b ']) await cache.revalidateTag(other)
    expect((await get('/items/a'))[1]).toBe(4)
    expect((await get('/items/b'))[1]).toBe(5)
  })

  it('stores no response of a run that began before it', async () => {
    const slow = deferred<void>()
    const self = toApp({ tags: ['items'] }, async (_request, _context, run) => {
      if (run === 1) await slow.promise
      return run
    })
    const first = self.get()
    await vi.waitFor(() => expect(self.runs).toBe(1))
    await self.cache.revalidateTag('items')
    expect(await self.get()).toEqual([200, 2, stored()])
    slow.resolve()
    expect(await first).toMatchObject([200, 1, {}])
    await self.app.settled()
    expect((await self.get())[1]).not.toBe(1)
  })

  it('stores no response of an earlier run, even without a request in between', async () => {
    const slow = deferred<void>()
    const self = toApp({ tags: ['items'] }, async (_request, _context, run) => {
      if (run === 1) await slow.promise
      return run
    })
    const first = self.get()
    await vi.waitFor(() => expect(self.runs).toBe(1))
    await self.cache.revalidateTag('items')
    slow.resolve()
    expect((await first)[1]).toBe(1)
    await self.app.settled()
    expect(await self.get()).toEqual([200, 2, stored()])
  })

  it("with 'max' serves the stale response once, while it is refreshed", async () => {
    const { cache, get, app } = toApp({ tags: ['items'] })
    await get()
    await cache.revalidateTag('items', 'max')
    expect(await get()).toEqual([200, 1, { hit: true, ttl: 0 }])
    await app.settled()
    expect(await get()).toEqual([200, 2, { hit: true }])
  })

  it("without 'max' takes precedence over a call with it", async () => {
    const { cache, get } = toApp({ tags: ['items'] })
    await get()
    await cache.revalidateTag('items', 'max')
    await cache.revalidateTag('items')
    expect(await get()).toEqual([200, 2, stored()])
  })

  it('accepts only strings', async () => {
    const { cache } = toApp()
    await expect(cache.revalidateTag('')).rejects.toThrow(TypeError)
    await expect(cache.revalidateTag(['a'] as never)).rejects.toThrow(TypeError)
    await expect(cache.revalidateTag('a', 'min' as never)).rejects.toThrow("takes 'max' or nothing")
  })
})

describe('revalidatePath', () => {
  it.each([
    ['/items/a', '/items/a'],
    ['/items/a%20b', '/items/a b'],
    ['/items/caf%c3%a9', '/items/café'],
    ['/items/caf%C3%A9', '/items/caf%c3%a9'],
    ['/items/%61', '/items/a'],
    ['/items/a;b=1', '/items/a;b=1'],
    ['/items/a%2Fb', '/items/a%2fb'],
    ['/items/a?b=1', '/items/a'],
  ])('invalidates %s by %s', async (path, pathname) => {
    const { cache, get } = toApp()
    await get(path)
    await get('/items/other')
    await cache.revalidatePath(pathname)
    expect((await get(path))[1]).toBe(3)
    expect((await get('/items/other'))[1]).toBe(2)
  })

  it.each([
    ['/items/a%2Fb', '/items/a/b'],
    ['/items/a%2Fb', '/items/a'],
    ['/items/a', '/items/A'],
    ['/items/a', '/items'],
    ['/items/a', '/items/a/'],
    ['/items/a', '//items/a'],
    ['/items/a', '//test/items/a'],
  ])('does not invalidate %s by %s', async (path, pathname) => {
    const { cache, get } = toApp()
    await get(path)
    await cache.revalidatePath(pathname)
    expect((await get(path))[1]).toBe(1)
  })

  it('accepts only pathnames', async () => {
    const { cache } = toApp()
    for (const given of ['items', '', '/a?b', '/a#b', 'http://test/items/a', 1, undefined])
      await expect(cache.revalidatePath(given as string)).rejects.toThrow('takes a pathname')
    await expect(cache.revalidatePath('/%zz')).rejects.toThrow(URIError)
  })

  it('uses the pathname that the app matches', async () => {
    const { cache, get } = toApp({}, undefined, {
      router: {
        basePath: '/base',
        rewrites: rewrites([{ source: '/old/[slug]', destination: '/items/[slug]' }]),
        trailingSlash: 'ignore',
      },
    })
    for (const [path, pathname] of [
      ['/base/items/a', '/items/a'],
      ['/base/old/b', '/items/b'],
      ['/base/items/c/', '/items/c'],
    ] as const) {
      const [, run] = await get(path)
      expect(await get(path)).toEqual([200, run, { hit: true }])
      await cache.revalidatePath(pathname)
      expect(await get(path)).toEqual([200, (run as number) + 1, stored()])
    }
  })
})

describe('the cache key', () => {
  it('has the origin and the path in canonical form', async () => {
    const { app, get } = toApp()
    await get('/items/a')
    expect(await get('/items/%61')).toEqual([200, 1, { hit: true }])
    expect((await get('/items/b'))[1]).toBe(2)
    expect((await read(app.fetch(new Request('https://test/items/a'))))[1]).toBe(3)
    expect((await read(app.fetch(new Request('http://test:81/items/a'))))[1]).toBe(4)
    expect(await get('/items/a?q=1#x')).toEqual([200, 1, { hit: true }])
  })

  it('has the declared query after validation, which runs once', async () => {
    const cache = createCache()
    let validations = 0
    const query = z
      .object({ page: z.coerce.number().default(1), tag: z.array(z.string()).default([]) })
      .transform((value) => (validations++, value))
    const list = route('/items')
      .use(cache({ revalidate: false }))
      .get({ query }, (_request, context) => [context.query.page, ...context.query.tag, validations])
    const app = router({ list })
    expect(await read(app.fetch(at('/items?page=1')))).toEqual([200, [1, 1], stored()])
    for (const same of ['/items', '/items?page=01', '/items?unknown=1&page=1'])
      expect((await read(app.fetch(at(same))))[1]).toEqual([1, 1])
    expect(validations).toBe(4)
    expect((await read(app.fetch(at('/items?page=2'))))[1]).toEqual([2, 5])
    expect((await read(app.fetch(at('/items?tag=a&tag=b'))))[1]).toEqual([1, 'a', 'b', 6])
    expect((await read(app.fetch(at('/items?tag=b&tag=a'))))[1]).toEqual([1, 'b', 'a', 7])
    const refused = await app.fetch(at('/items?page=x'))
    expect([refused.status, refused.headers.get('cache-status')]).toEqual([400, null])
  })

  it('has the declared headers after validation', async () => {
    const cache = createCache()
    let runs = 0
    const list = route('/items')
      .use(cache({ revalidate: false }))
      .get({ headers: z.object({ 'x-count': z.coerce.number().default(0) }) }, (_request, { headers }) => [
        headers['x-count'],
        ++runs,
      ])
    const app = router({ list })
    expect((await read(app.fetch(at('/items', { 'x-count': '7', 'x-other': 'a' }))))[1]).toEqual([7, 1])
    expect((await read(app.fetch(at('/items', { 'x-count': '07', 'x-other': 'b' }))))[1]).toEqual([7, 1])
    expect((await read(app.fetch(at('/items'))))[1]).toEqual([0, 2])
    expect((await app.fetch(at('/items', { 'x-count': 'x' }))).status).toBe(400)
  })

  it('contains dates and bigints of the query, and the raw query if an output cannot be serialized', async () => {
    class Cursor {
      readonly #at: string
      constructor(at: string) {
        this.#at = at
      }
      get at() {
        return this.#at
      }
    }
    const cache = createCache()
    let runs = 0
    const query = z.object({
      since: z.coerce.date().optional(),
      id: z.coerce.bigint().optional(),
      cursor: z
        .string()
        .transform((text) => new Cursor(text))
        .optional(),
    })
    const list = route('/items')
      .use(cache({ revalidate: false }))
      .get({ query }, (_request, { query: { since, id, cursor } }) => [
        since?.getTime() ?? null,
        `${id}`,
        cursor?.at ?? null,
        ++runs,
      ])
    const app = router({ list })
    const get = async (search: string) => (await read(app.fetch(at(`/items?${search}`))))[1]
    expect(await get('since=2020-01-01')).toEqual([1_577_836_800_000, 'undefined', null, 1])
    expect(await get('since=2020-01-01T00:00:00Z')).toEqual([1_577_836_800_000, 'undefined', null, 1])
    expect(await get('since=2020-01-02')).toEqual([1_577_923_200_000, 'undefined', null, 2])
    expect(await get('id=1')).toEqual([null, '1', null, 3])
    expect(await get('id=01')).toEqual([null, '1', null, 3])
    expect(await get('cursor=a')).toEqual([null, 'undefined', 'a', 4])
    expect(await get('cursor=b')).toEqual([null, 'undefined', 'b', 5])
    expect(await get('cursor=a')).toEqual([null, 'undefined', 'a', 4])
  })

  it('has the headers in vary, which the handler can read', async () => {
    const { ask, get } = toApp({ vary: ['Accept-Language', 'x-b'] }, ({ headers }, _context, run) => [
      headers.get('accept-language'),
      headers.get('X-B'),
      run,
    ])
    expect(await get('/items/a', { 'accept-language': 'de', 'x-other': '1' })).toEqual([200, ['de', null, 1], stored()])
    expect(await get('/items/a', { 'accept-language': 'de', 'x-other': '2' })).toEqual([
      200,
      ['de', null, 1],
      { hit: true },
    ])
    expect(await get('/items/a', { 'x-b': 'de' })).toEqual([200, [null, 'de', 2], stored()])
    expect(await get('/items/a', { 'x-b': '' })).toEqual([200, [null, '', 3], stored()])
    expect(await get('/items/a')).toEqual([200, [null, null, 4], stored()])
    expect((await ask()).headers.get('vary')).toBe('accept-language, x-b')
  })

  it('sends Vary also with responses that are not stored', async () => {
    const answers: Record<string, () => unknown> = {
      json: () => Response.json(1),
      missing: () => reply.notFound(),
      private: () => reply.json(1, { headers: { 'cache-control': 'private' } }),
      large: () => 'x'.repeat(200),
      own: () => Response.json(1, { headers: { vary: 'Origin' } }),
    }
    const { ask } = toApp({ vary: ['x-b'], maxBytes: 100 }, (_request, { params }) => answers[params.slug]!())
    for (const name of Object.keys(answers))
      expect([name, (await ask(`/items/${name}`)).headers.get('vary')]).toEqual([
        name,
        name === 'own' ? 'origin, x-b' : 'x-b',
      ])
  })

  it('has the values of key, which the handler can read, and the response is private', async () => {
    const cache = createCache()
    let runs = 0
    const session = middleware((request, _context, next) =>
      next({ user: { id: request.headers.get('x-user')! }, other: 1 }),
    )
    const me = route('/me')
      .use(session)
      .use(cache({ revalidate: false, key: ({ user }: { user: { id: string } }) => user.id }))
      .get((_request, { user }) => [user.id, ++runs])
    const app = router({ me })
    expect(await read(app.fetch(at('/me', { 'x-user': 'a' })))).toEqual([200, ['a', 1], stored()])
    expect(await read(app.fetch(at('/me', { 'x-user': 'b' })))).toEqual([200, ['b', 2], stored()])
    const again = await app.fetch(at('/me', { 'x-user': 'a' }))
    expect(again.headers.get('cache-control')).toBe('private, max-age=0, must-revalidate')
    expect(await read(again)).toEqual([200, ['a', 1], { hit: true }])
  })

  it('causes a 500 if its values cannot be serialized, and can be replaced by a thrown Response', async () => {
    for (const key of [
      () => () => 1,
      () => Symbol('a'),
      () => new (class A {})(),
      async () => 'a',
      () => Promise.reject(new Error('key')),
    ]) {
      const self = toApp({ key })
      expect((await self.ask()).status).toBe(500)
      expect(self.errors).toEqual([['middleware', expect.any(TypeError)]])
    }
    const throwing = toApp({
      key() {
        throw reply.unauthorized()
      },
    })
    expect((await throwing.ask()).status).toBe(401)
  })

  it('has the params that were passed to a route function', async () => {
    const self = toApp({}, (_request, { params }, run) => [params.slug, run])
    const get = async (slug: string) => (await read(self.item.GET(at('/'), { params: { slug } })))[1]
    expect(await get('a')).toEqual(['a', 1])
    expect(await get('b')).toEqual(['b', 2])
    expect(await get('a')).toEqual(['a', 1])
    expect((await read(self.item.GET(at('/items/c'))))[1]).toEqual(['c', 3])
    expect((await read(self.item.GET(at('/items/c'), { params: Promise.resolve({ slug: 'd' }) })))[1]).toEqual(['d', 4])
  })

  it('separates namespaces, and shares entries without one', async () => {
    const store = memoryStore()
    const [one, two, three] = [{ store }, { store, namespace: 'two' }, { store }].map((cache) =>
      toApp({ tags: ['items'] }, undefined, { cache }),
    ) as [ReturnType<typeof toApp>, ReturnType<typeof toApp>, ReturnType<typeof toApp>]
    await one.get()
    expect(await three.get()).toEqual([200, 1, { hit: true }])
    expect(await two.get()).toEqual([200, 1, stored()])
    await two.cache.revalidateTag('items')
    expect(await one.get()).toEqual([200, 1, { hit: true }])
    await three.cache.revalidateTag('items')
    expect(await one.get()).toEqual([200, 2, stored()])
    expect(await two.get()).toEqual([200, 2, stored()])
  })
})

describe('an entry', () => {
  it.each<[string, () => unknown, string]>([
    ['set-cookie', () => reply.json(1, { headers: { 'set-cookie': 'a=1' } }), 'set-cookie'],
    ['private', () => reply.json(1, { headers: { 'cache-control': 'Private' } }), 'private'],
    ['no-store', () => reply.json(1, { headers: { 'cache-control': 'max-age=60, NO-STORE' } }), 'no-store'],
    ['no-cache', () => reply.json(1, { headers: { 'cache-control': 'no-cache="x-a"' } }), 'no-cache'],
    ['Vary: *', () => reply.json(1, { headers: { vary: '*' } }), 'vary *'],
    ['Vary of another header', () => reply.json(1, { headers: { vary: 'cookie' } }), 'vary cookie'],
    ['a 404', () => reply.notFound(), 'status 404'],
    [
      'a thrown 404',
      () => {
        throw reply.notFound()
      },
      'status 404',
    ],
    ['a 201', () => reply.json(1, { status: 201 }), 'status 201'],
    ['a 206', () => new Response('1', { status: 206 }), 'status 206'],
    ['a redirect', () => reply.json(1, { status: 307 as never, headers: { location: '/x' } }), 'status 307'],
    ['an event stream', () => new Response('1', { headers: { 'content-type': 'text/event-stream' } }), 'event-stream'],
    ['too much', () => '🎉'.repeat(30), 'too large'],
  ])('is not stored for a response with %s', async (_name, answer, detail) => {
    const self = toApp({ maxBytes: 100 }, answer)
    for (const runs of [1, 2]) {
      expect((await self.get())[2]).toEqual({ fwd: 'uri-miss', detail })
      expect(self.runs).toBe(runs)
    }
    expect(self.errors).toEqual([])
  })

  it('has a body of at most maxBytes bytes', async () => {
    for (const [text, fits] of [
      ['x'.repeat(98), true],
      ['x'.repeat(99), false],
      ['ä'.repeat(49), true],
      [`${'ä'.repeat(49)}x`, false],
    ] as const) {
      const { get } = toApp({ maxBytes: 100 }, () => text)
      expect(await get()).toEqual([200, text, fits ? stored() : { fwd: 'uri-miss', detail: 'too large' }])
    }
  })

  it('can have any status in statuses', async () => {
    const answers = {
      gone: () => reply.problem(410, { detail: 'gone' }),
      empty: () => undefined,
      moved: () => reply.permanentRedirect('/items/gone'),
      native: () => new Response('1', { status: 307, headers: { location: '/elsewhere' } }),
      broken: () => reply.problem(500),
    }
    const self = toApp(
      { statuses: [204, 307, 308, 410, 500] },
      (_request, { params }) => answers[params.slug as 'gone'](),
      {
        router: { basePath: '/base' },
      },
    )
    for (const [name, status, location] of [
      ['gone', 410, null],
      ['empty', 204, null],
      ['moved', 308, '/base/items/gone'],
      ['native', 307, '/elsewhere'],
      ['broken', 500, null],
    ] as const)
      for (const hit of [undefined, undefined, true]) {
        const response = await self.ask(`/base/items/${name}`)
        await response.text()
        await self.app.settled()
        expect([response.status, response.headers.get('location')]).toEqual([status, location])
        if (hit) expect(statusOf(response)).toEqual({ hit })
      }
    expect(self.runs).toBe(5)
  })

  it('is never stored for a thrown error, even if its status is in statuses', async () => {
    const self = toApp({ statuses: [200, 500] }, () => {
      throw new Error('broken')
    })
    await self.get()
    await self.get()
    expect(self.runs).toBe(2)
  })

  it('has the bytes of the response unchanged', async () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte)
    const { ask, app } = toApp({}, () => reply.bytes(bytes, { headers: { 'content-type': 'text/plain' } }))
    for (let count = 0; count < 3; count++) {
      expect(new Uint8Array(await (await ask()).arrayBuffer())).toEqual(bytes)
      await app.settled()
    }
    const marked = toApp({}, () => new Response('\ufeffa\u0000ä', { headers: { 'content-type': 'text/plain' } }))
    const texts = new Set<string>()
    for (let count = 0; count < 3; count++) {
      texts.add(Buffer.from(await (await marked.ask()).arrayBuffer()).toString('hex'))
      await marked.app.settled()
    }
    expect([...texts]).toEqual([Buffer.from('\ufeffa\u0000ä').toString('hex')])
  })

  it('is validated once, when it is stored', async () => {
    const cache = createCache()
    let checks = 0
    const schema = z.object({ a: z.number() }).transform((value) => (checks++, value))
    const item = route('/items/[slug]')
      .use(cache({ revalidate: false }))
      .get({ response: schema }, (_request, { params }) => ({
        a: (params.slug === 'a' ? 1 : 'x') as number,
        secret: 1,
      }))
    const errors: unknown[] = []
    const app = router({ item }, { onError: (error, { phase }) => void errors.push(phase) })
    expect(await read(app.fetch(at('/items/a')))).toEqual([200, { a: 1 }, stored()])
    expect(await read(app.fetch(at('/items/a')))).toEqual([200, { a: 1 }, { hit: true }])
    expect(checks).toBe(1)
    expect((await app.fetch(at('/items/b'))).status).toBe(500)
    expect(errors).toEqual(['response'])
  })

  it('does not change if middleware changes a response', async () => {
    const cache = createCache()
    const spoil = middleware(async (_request, _context, next) => {
      const response = await next()
      response.headers.set('x-user', 'a')
      response.headers.append('set-cookie', 'a=1')
      response.headers.delete('etag')
      return response
    })
    let runs = 0
    const item = route('/a')
      .use(cache({ revalidate: false }))
      .get(() => ({ runs: ++runs }))
    const outside = router({ item }, { use: [spoil] })
    const plain = router({ item })
    await outside.fetch(at('/a'))
    await outside.fetch(at('/a'))
    const { headers } = await plain.fetch(at('/a'))
    expect([headers.get('x-user'), headers.get('set-cookie'), headers.has('etag'), runs]).toEqual([null, null, true, 1])
  })
})

describe('cdn', () => {
  it('lets shared caches reuse the response, and sends no Age', async () => {
    const { ask } = toApp({ cdn: 60 })
    await ask()
    pass(5)
    const { headers } = await ask()
    expect([headers.get('cache-control'), headers.get('age')]).toEqual([
      'public, max-age=0, s-maxage=60, must-revalidate',
      null,
    ])
  })

  it('has no effect if the handler sets Cache-Control, or the response is not stored', async () => {
    const own = toApp({ cdn: 60 }, () => reply.json(1, { headers: { 'cache-control': 'max-age=5' } }))
    expect((await own.ask()).headers.get('cache-control')).toBe('max-age=5')
    const personal = toApp({ cdn: 60 }, ({ headers }) => headers.get('cookie'))
    expect((await personal.ask()).headers.get('cache-control')).toBe('private, no-cache')
  })

  it('has no effect while a stream can still read untracked values', async () => {
    const self = toApp({ cdn: 60 }, ({ headers }) =>
      reply.ndjson(
        (async function* () {
          await Promise.resolve()
          yield headers.get('cookie')
        })(),
      ),
    )
    const first = await self.ask('/items/a', { cookie: 'a' })
    expect(first.headers.get('cache-control')).toBe('private, no-cache')
    expect(await first.text()).toBe('"a"\n')
    await self.app.settled()
    expect(await (await self.ask('/items/a', { cookie: 'b' })).text()).toBe('"b"\n')
    expect(self.runs).toBe(2)
  })

  it('cannot be combined with declared headers, which other caches do not know', () => {
    const cache = createCache()
    expect(() =>
      route('/a')
        .use(cache({ revalidate: false, cdn: 60 }))
        .get({ headers: z.object({ 'x-a': z.string() }) }, () => 1),
    ).toThrow("route '/a': cache({ cdn }) cannot tell other caches which of the declared headers")
  })
})

describe('HEAD, conditional and range requests', () => {
  it('get the headers of GET with HEAD, in either order', async () => {
    for (const methods of [
      ['GET', 'HEAD', 'HEAD'],
      ['HEAD', 'HEAD', 'GET'],
    ]) {
      const self = toApp({}, () => ({ a: 'ä' }))
      const heads = []
      for (const method of methods) {
        const response = await self.ask('/items/a', {}, method)
        const text = await response.text()
        expect(text).toBe(method === 'HEAD' ? '' : '{"a":"ä"}')
        if (method === 'HEAD') {
          heads.push(response.headers.get('content-length'))
          expect([response.headers.get('etag'), response.status]).toEqual([expect.stringMatching(/^"/), 200])
        }
      }
      expect([self.runs, heads]).toEqual([1, ['10', '10']])
    }
  })

  it('store the entry of a streamed response with HEAD', async () => {
    const self = toApp({}, () => reply.stream(['a', 'b']))
    expect(await (await self.ask('/items/a', {}, 'HEAD')).text()).toBe('')
    await self.app.settled()
    expect(await (await self.ask()).text()).toBe('ab')
    expect(self.runs).toBe(1)
  })

  it('get a 304 for a matching If-None-Match, on a hit and a miss', async () => {
    const self = toApp({}, () => ({ a: 1 }))
    const etag = (await self.ask()).headers.get('etag')!
    const other = toApp({}, () => ({ a: 1 }))
    for (const { ask } of [self, other]) {
      const response = await ask('/items/a', { 'if-none-match': `"x", W/${etag}` })
      expect([response.status, await response.text(), response.headers.get('etag')]).toEqual([304, '', etag])
      expect(response.headers.has('content-type')).toBe(false)
      expect((await ask('/items/a', { 'if-none-match': etag }, 'HEAD')).status).toBe(304)
      expect((await ask('/items/a', { 'if-match': '"x"' })).status).toBe(412)
      expect((await ask('/items/a', { 'if-none-match': '"x"' })).status).toBe(200)
    }
    expect([self.runs, other.runs]).toEqual([1, 1])
  })

  it('get a 206 for a range, on a hit and a miss', async () => {
    const self = toApp({}, () => 'abcdefgh')
    for (let count = 0; count < 2; count++) {
      const part = await self.ask('/items/a', { range: 'bytes=1-3' })
      expect([part.status, await part.text(), part.headers.get('content-range')]).toEqual([206, 'abc', 'bytes 1-3/10'])
      expect((await self.ask('/items/a', { range: 'bytes=50-' })).status).toBe(416)
      const whole = await self.ask('/items/a', { range: 'bytes=1-3', 'if-range': '"x"' })
      expect([whole.status, await whole.text()]).toEqual([200, '"abcdefgh"'])
    }
    expect(self.runs).toBe(1)
  })

  it('do not pass their conditional headers to the handler', async () => {
    const conditions = {
      range: 'bytes=0-0',
      'if-none-match': '*',
      'if-match': '"x"',
      'if-range': '"x"',
      'if-modified-since': new Date().toUTCString(),
      'if-unmodified-since': new Date(0).toUTCString(),
    }
    const { ask } = toApp({}, ({ headers }) =>
      Object.keys(conditions).map((name) => [headers.get(name), headers.has(name)]),
    )
    const response = await ask('/items/a', { range: 'bytes=0-0' })
    expect([response.status, statusOf(response)]).toEqual([206, stored()])
    expect(await (await ask()).json()).toEqual(Object.keys(conditions).map(() => [null, false]))
  })

  it('get a part of a reply.file() response, which is stored as a whole', async () => {
    const lastModified = Date.UTC(2020, 0, 1)
    const self = toApp({}, (request) => reply.file(request, new Blob(['abcdefgh']), { lastModified, etag: '"v1"' }))
    const first = await self.ask('/items/a', { range: 'bytes=2-3', 'if-none-match': '"v0"' })
    expect(await first.text()).toBe('abcdefgh')
    await self.app.settled()
    const part = await self.ask('/items/a', { range: 'bytes=2-3', 'if-range': '"v1"' })
    expect([part.status, await part.text(), part.headers.get('content-length')]).toEqual([206, 'cd', '2'])
    expect((await self.ask('/items/a', { 'if-modified-since': new Date(lastModified).toUTCString() })).status).toBe(304)
    const whole = await self.ask()
    expect([whole.headers.get('content-length'), whole.headers.get('accept-ranges'), await whole.text()]).toEqual([
      '8',
      'bytes',
      'abcdefgh',
    ])
    expect(self.runs).toBe(1)
  })
})

describe('methods', () => {
  it('only GET and HEAD use the cache', async () => {
    const cache = createCache()
    const seen: string[] = []
    const answer = (request: Request) => {
      seen.push(`${request.method} ${request.headers.get('cookie') ?? ''}`)
      return seen.length
    }
    const item = route('/a')
      .use(cache({ revalidate: false }))
      .get(answer)
      .post(answer)
      .put(answer)
      .patch(answer)
      .delete(answer)
      .query({ query: z.object({ a: z.coerce.number().optional() }) }, answer)
    const app = router({ item })
    const send = async (method: string) => {
      const response = await app.fetch(at('/a', { cookie: method }, method))
      return [response.status, response.headers.get('cache-status')]
    }
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'QUERY', 'POST'])
      expect(await send(method)).toEqual([200, null])
    expect(seen).toEqual(['POST POST', 'PUT PUT', 'PATCH PATCH', 'DELETE DELETE', 'QUERY QUERY', 'POST POST'])
    expect((await send('OPTIONS'))[0]).toBe(204)
    expect((await send('TRACE').catch(() => [405]))[0]).toBe(405)
    expect((await app.fetch(at('/a?a=x', {}, 'QUERY'))).status).toBe(400)
  })

  it('a declared HEAD does not use the cache', async () => {
    const cache = createCache()
    const item = route('/a')
      .use(cache({ revalidate: false }))
      .get(() => 1)
      .head(() => reply.json(null, { headers: { 'x-own': 'yes' } }))
    const app = router({ item })
    const { headers } = await app.fetch(at('/a', {}, 'HEAD'))
    expect([headers.get('x-own'), headers.get('cache-status')]).toEqual(['yes', null])
  })
})

describe('middleware', () => {
  it('runs for each request if it is outer, and only for a miss if it is inner', async () => {
    const cache = createCache()
    const log: string[] = []
    const named = (name: string) =>
      middleware(async (_request, _context, next) => {
        log.push(name)
        const response = await next({ [name]: name } as { inner: string })
        response.headers.append('x-through', name)
        return response
      })
    const item = route('/a')
      .use(named('outer'))
      .use(cache({ revalidate: false }))
      .use(named('inner'))
      .get((_request, context) => (context as never as { inner: string }).inner)
    const app = router({ item })
    for (const through of ['inner, outer', 'inner, outer', 'inner, outer']) {
      const response = await app.fetch(at('/a'))
      expect([await response.json(), response.headers.get('x-through')]).toEqual(['inner', through])
    }
    expect(log).toEqual(['outer', 'inner', 'outer', 'outer'])
  })

  it('that is inner and reads a header prevents the storage of the response', async () => {
    const cache = createCache()
    const guard = middleware((request, _context, next) =>
      request.headers.get('authorization') === 'yes' ? next() : reply.unauthorized(),
    )
    let runs = 0
    const item = route('/a')
      .use(cache({ revalidate: false }))
      .use(guard)
      .get(() => ++runs)
    const app = router({ item })
    expect((await app.fetch(at('/a', { authorization: 'yes' }))).status).toBe(200)
    expect((await app.fetch(at('/a'))).status).toBe(401)
    expect(statusOf(await app.fetch(at('/a', { authorization: 'yes' })))).toMatchObject({
      detail: 'reads header authorization',
    })
    expect(runs).toBe(2)
  })

  it('throws for two caches around one operation, and for one in router({ use })', () => {
    const cache = createCache()
    expect(() =>
      route('/a')
        .use(cache({ revalidate: false }))
        .use(cache({ revalidate: false }))
        .get(() => 1),
    ).toThrow("route '/a' has two caches around .get()")
    expect(() =>
      route
        .use(cache({ revalidate: false }))('/a')
        .use(createCache()({ revalidate: false }))
        .get(() => 1),
    ).toThrow('has two caches')
    expect(() => router({ a: route('/a').get(() => 1) }, { use: [cache({ revalidate: false }) as never] })).toThrow(
      'cannot be used in router({ use })',
    )
    expect(() => (cache({ revalidate: false }) as unknown as () => void)()).toThrow('must be used on a route')
  })

  it('a factory shares one cache among its routes', async () => {
    const cached = route.use(createCache()({ revalidate: 60 })).prefix('/v1')
    let runs = 0
    const app = router({ a: cached('/a').get(() => ++runs), b: cached('/b').get(() => ++runs) })
    for (const path of ['/v1/a', '/v1/b', '/v1/a', '/v1/b']) await app.fetch(at(path))
    expect(runs).toBe(2)
  })

  it('outer timeout() responds with 503, and the run continues for the next request', async () => {
    const cache = createCache()
    const slow = deferred<void>()
    let signal: AbortSignal | undefined
    let runs = 0
    const item = route('/a')
      .use(timeout(20))
      .use(cache({ revalidate: false }))
      .get(async (_request, context) => {
        signal = context.signal
        await slow.promise
        return ++runs
      })
    const app = router({ item }, { onError() {} })
    expect((await app.fetch(at('/a'))).status).toBe(503)
    expect(signal!.reason).toMatchObject({ name: 'TimeoutError' })
    slow.resolve()
    expect(await read(app.fetch(at('/a')))).toEqual([200, 1, { fwd: 'uri-miss', collapsed: true }])
    expect(await read(app.fetch(at('/a')))).toEqual([200, 1, { hit: true }])
  })

  it('inner timeout() fails the run, and no entry is stored', async () => {
    const cache = createCache()
    let runs = 0
    const item = route('/a')
      .use(cache({ revalidate: false }))
      .use(timeout(20))
      .get(async () => (++runs === 1 ? new Promise<never>(() => {}) : runs))
    const app = router({ item }, { onError() {} })
    expect((await read(app.fetch(at('/a'))))[0]).toBe(503)
    expect(await read(app.fetch(at('/a')))).toEqual([200, 2, stored()])
  })

  it('after() and waitUntil() in the handler run only on a miss', async () => {
    const done: string[] = []
    const self = toApp({}, (_request, { after, waitUntil }, run) => {
      after(() => done.push(`after ${run}`))
      waitUntil(Promise.resolve().then(() => done.push(`waited ${run}`)))
      return run
    })
    await self.get()
    await self.get()
    await self.app.settled()
    expect(done.sort()).toEqual(['after 1', 'waited 1'])
  })

  it('outer cookies() sends its cookies with hits, only to their client', async () => {
    const cache = createCache()
    const count = middleware(
      (request, context: RouteContext<'/a'> & { cookies: { set(name: string, value: string): void } }, next) => {
        context.cookies.set('seen', request.headers.get('x-user')!)
        return next()
      },
    )
    const item = route('/a')
      .use(cookies())
      .use(count)
      .use(cache({ revalidate: false }))
      .get(() => 1)
    const app = router({ item })
    for (const user of ['a', 'b', 'c']) {
      const { headers } = await app.fetch(at('/a', { 'x-user': user }))
      expect(headers.getSetCookie()).toEqual([expect.stringMatching(new RegExp(`^seen=${user};`))])
    }
    expect(statusOf(await app.fetch(at('/a', { 'x-user': 'd' })))).toEqual({ hit: true })
  })

  it('tags and the handler get the output of the params schema', async () => {
    const cache = createCache()
    const tags: unknown[] = []
    let runs = 0
    const item = route('/items/[id]', { params: z.object({ id: z.coerce.number().int() }) })
      .use(cache({ revalidate: false, tags: ({ params }) => (tags.push(params.id), [`item:${String(params.id)}`]) }))
      .get((_request, { params }) => [params.id, ++runs])
    const app = router({ item })
    expect(await read(app.fetch(at('/items/7')))).toEqual([200, [7, 1], stored()])
    await cache.revalidateTag('item:7')
    expect((await read(app.fetch(at('/items/7'))))[1]).toEqual([7, 2])
    expect((await app.fetch(at('/items/x'))).status).toBe(404)
    expect(new Set(tags)).toEqual(new Set([7]))
  })
})

describe('invalid tags', () => {
  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('tags')
      },
    ],
    ['gives no list', () => 'items'],
    ['gives a promise', async () => ['items']],
    [
      'rejects',
      async () => {
        throw new Error('tags')
      },
    ],
    ['gives a list of something else', () => [1]],
  ])('from a function that %s cause a 500 that is reported once, and delay no request', async (_name, tags) => {
    for (const store of [memoryStore(), slowStore(memoryStore(), () => Promise.resolve())]) {
      const self = toApp({ tags: tags as () => string[] }, undefined, { cache: { store } })
      expect((await self.ask()).status).toBe(500)
      expect((await self.ask()).status).toBe(500)
      expect([self.errors.length, self.runs]).toEqual([2, 0])
      await self.app.settled()
    }
  })

  it('from a function that throws during a refresh keep the stored entry', async () => {
    let broken = false
    const self = toApp({
      revalidate: 10,
      tags() {
        if (broken) throw new Error('tags')
        return ['a']
      },
    })
    await self.get()
    broken = true
    pass(11)
    expect((await self.get())[1]).toBe(1)
    await self.app.settled()
    expect(self.errors).toEqual([['waitUntil', new Error('tags')]])
    broken = false
    await self.get()
    await self.app.settled()
    expect((await self.get())[1]).toBe(2)
  })
})

describe('invalid options', () => {
  it.each<[unknown, RegExp]>([
    [{ revalidate: 0 }, /revalidate in seconds, more than 0, not 0; to store nothing, remove cache\(\)/],
    [{ revalidate: -1 }, /revalidate/],
    [{ revalidate: NaN }, /revalidate/],
    [{ revalidate: '60' }, /revalidate/],
    [{ staleWhileRevalidate: -1 }, /staleWhileRevalidate/],
    [{ staleIfError: '1' }, /staleIfError/],
    [{ tags: 'a' }, /tags/],
    [{ tags: [''] }, /tags/],
    [{ vary: 'a' }, /vary/],
    [{ vary: ['*'] }, /vary/],
    [{ vary: ['a b'] }, /vary/],
    [{ key: 'a' }, /key/],
    [{ cdn: 0 }, /cdn/],
    [{ cdn: 60, key: () => 1 }, /cdn or key/],
    [{ dynamic: 'never' }, /dynamic/],
    [{ statuses: [206] }, /statuses/],
    [{ statuses: [304] }, /statuses/],
    [{ statuses: [100] }, /statuses/],
    [{ statuses: 200 }, /statuses/],
    [{ maxBytes: -1 }, /maxBytes/],
    [{ maxBytes: '1' }, /maxBytes/],
    [{ tag: ['a'] }, /no option 'tag'/],
    [null, /takes an object/],
  ])('make cache(%j) throw', (options, message) => {
    const cache = createCache()
    expect(() => cache(options as CacheOptions)).toThrow(message)
  })

  it.each<[unknown, RegExp]>([
    [{ namespace: 'a\nb' }, /namespace/],
    [{ namespace: 1 }, /namespace/],
    [{ maxWait: 0 }, /maxWait/],
    [{ storeTimeout: -1 }, /storeTimeout/],
    [{ stores: 1 }, /no option 'stores'/],
  ])('make createCache(%j) throw', (options, message) => {
    expect(() => createCache(options as CreateCacheOptions)).toThrow(message)
  })
})

describe('a store that depends on the request', () => {
  it('is selected by the env of the request', async () => {
    const stores = { one: memoryStore(), two: memoryStore() }
    const cache = createCache({ store: (env: { name: 'one' | 'two' }) => stores[env.name] })
    let runs = 0
    const item = route('/a')
      .use(cache({ revalidate: false, tags: ['a'] }))
      .get(() => ++runs)
      .post(async () => cache.revalidateTag('a'))
    const app = router({ item })
    const get = async (name: string) => (await read(await app.fetch(at('/a'), { name })))[1]
    expect([await get('one'), await get('two'), await get('one'), await get('two')]).toEqual([1, 2, 1, 2])
    await app.fetch(at('/a', {}, 'POST'), { name: 'one' })
    expect([await get('one'), await get('two')]).toEqual([3, 2])
    await expect(cache.revalidateTag('a')).rejects.toThrow('no request is known here')
  })
})
