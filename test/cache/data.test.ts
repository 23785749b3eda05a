import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  createCache,
  memoryStore,
  type Cache,
  type CacheStore,
  type CreateCacheOptions,
} from '../../src/cache/index.js'
import { route, router } from '../../src/index.js'
import * as reply from '../../src/replies/index.js'
import { turns } from '../fixtures/cache.js'

let pending = 0
/** Resolves when no call of a store is pending. */
const idle = (): Promise<void> => until(() => pending === 0)

/** A store whose calls take different times. */
function slow(store: CacheStore = memoryStore()): CacheStore {
  const later = async <value>(work: () => value | Promise<value>): Promise<value> => {
    pending++
    const pause = Math.random() * 3
    await (pause < 1 ? turn() : sleep(pause))
    const value = await work()
    await turn()
    setImmediate(() => pending--)
    return value
  }
  return {
    get: (key) => later(() => store.get(key)),
    set: (key, entry) => later(() => store.set(key, entry)),
    delete: (key) => later(() => store.delete(key)),
    versions: (marks) => later(() => store.versions(marks)),
    renew: (marks) => later(() => store.renew(marks)),
  }
}

/** Counts the calls of a store by method. */
function counting(store: CacheStore): { store: CacheStore; asked: Record<'get' | 'set' | 'versions', number> } {
  const asked = { get: 0, set: 0, versions: 0 }
  return {
    asked,
    store: {
      get: (key) => (asked.get++, store.get(key)),
      set: (key, entry) => (asked.set++, store.set(key, entry)),
      delete: (key) => store.delete(key),
      versions: (marks) => (asked.versions++, store.versions(marks)),
      renew: (marks) => store.renew(marks),
    },
  }
}

function gate(): { open: () => void; passed: Promise<void> } {
  let open!: () => void
  const passed = new Promise<void>((resolve) => (open = resolve))
  return { open, passed }
}

const until = (check: () => boolean): Promise<void> => vi.waitFor(() => expect(check()).toBe(true), { interval: 1 })

let errors: unknown[] = []
const createQuiet = (options: CreateCacheOptions = {}): Cache =>
  createCache({ onError: (error) => errors.push(error), ...options })

const unhandled: unknown[] = []
const note = (error: unknown): unknown => unhandled.push(error)

beforeEach(() => {
  errors = []
  unhandled.length = 0
  process.on('unhandledRejection', note)
})
afterEach(async () => {
  await turn()
  process.off('unhandledRejection', note)
  vi.useRealTimers()
  expect(unhandled).toEqual([])
})

const travel = (seconds: number): void => {
  const now = Date.now()
  vi.useFakeTimers({ toFake: ['Date'] })
  vi.setSystemTime(now + seconds * 1_000)
}

const ask = async (app: { fetch(request: Request): Response | Promise<Response> }, path = '/'): Promise<string> => {
  const response = await app.fetch(new Request(`http://test${path}`))
  const text = await response.text()
  expect(`${response.status} ${text}`).toMatch(/^200 /)
  return text
}

describe.each([
  ['memoryStore', () => memoryStore()],
  ['a store that takes its time', () => slow()],
])('cache.wrap with %s', (_name, makeStore) => {
  const make = (options?: CreateCacheOptions): Cache => createQuiet({ store: makeStore(), ...options })

  describe('stores results', () => {
    it('by their arguments', async () => {
      const fn = vi.fn((left: string, right: number) => `${left}${right}`)
      const wrapped = make().wrap(fn, { key: 'f' })
      expect([await wrapped('a', 1), await wrapped('a', 1), await wrapped('a', 2), await wrapped('b', 1)]).toEqual([
        'a1',
        'a1',
        'a2',
        'b1',
      ])
      expect(fn.mock.calls).toEqual([
        ['a', 1],
        ['a', 2],
        ['b', 1],
      ])
    })

    it('once for arguments that differ only in property order, and separately for no arguments, undefined and null', async () => {
      const fn = vi.fn((..._args: unknown[]) => 'x')
      const wrapped = make().wrap(fn, { key: 'f' })
      await wrapped({ a: 1, b: [new Date(5), new Map([[1, new Set([2n])]])] })
      await wrapped({ b: [new Date(5), new Map([[1, new Set([2n])]])], a: 1 })
      expect(fn).toHaveBeenCalledTimes(1)
      await wrapped()
      await wrapped()
      await wrapped(undefined)
      await wrapped(null)
      expect(fn).toHaveBeenCalledTimes(4)
    })

    it('by key, so that two functions do not share entries', async () => {
      const cache = make()
      const one = cache.wrap((id: string) => `one ${id}`, { key: 'one' })
      const two = cache.wrap((id: string) => `two ${id}`, { key: 'two' })
      const tricky = cache.wrap((id: string) => `tricky ${id}`, { key: 'one" ["a"] ' })
      expect([await one('a'), await two('a'), await tricky('a'), await one('a')]).toEqual([
        'one a',
        'two a',
        'tricky a',
        'one a',
      ])
    })

    it('by namespace', async () => {
      const store = makeStore()
      const [blue, green, again] = ['blue', 'green', 'blue'].map((namespace) => {
        const cache = createQuiet({ store, namespace })
        return { cache, find: cache.wrap(() => namespace, { key: 'f', tags: ['t'] }) }
      })
      expect([await blue!.find(), await green!.find()]).toEqual(['blue', 'green'])
      await idle()
      const fn = vi.fn(() => 'new')
      const find = again!.cache.wrap(fn, { key: 'f', tags: ['t'] })
      expect(await find()).toBe('blue')
      await green!.cache.revalidateTag('t')
      expect(await find()).toBe('blue')
      await again!.cache.revalidateTag('t')
      expect(await find()).toBe('new')
    })

    it('as JSON, and returns the JSON form for the first call too', async () => {
      const cache = make()
      let count = 0
      await fc.assert(
        fc.asyncProperty(
          fc.jsonValue().map((value) => ({ value, at: new Date(7), nothing: undefined })),
          async (result) => {
            const wrapped = cache.wrap(() => result, { key: `${count++}` })
            const expected = JSON.parse(JSON.stringify(result))
            expect(await wrapped()).toEqual(expected)
            expect(await wrapped()).toEqual(expected)
          },
        ),
        { numRuns: 30 },
      )
    })

    it.each([undefined, null, 0, '', false])('of %j', async (result) => {
      const fn = vi.fn(async () => result)
      const wrapped = make().wrap(fn, { key: 'f' })
      expect([await wrapped(), await wrapped()]).toEqual([result, result])
      expect(fn).toHaveBeenCalledTimes(1)
    })

    it('and returns its own copy to each caller', async () => {
      const source = { list: [1] }
      const wrapped = make().wrap(() => source, { key: 'f' })
      const [one, two] = await Promise.all([wrapped(), wrapped()])
      one.list.push(2)
      expect(two).toEqual({ list: [1] })
      expect(source).toEqual({ list: [1] })
      const three = await wrapped()
      three.list.push(3)
      source.list.push(4)
      expect(await wrapped()).toEqual({ list: [1] })
    })

    it('for the arguments at the time of the call, even if the caller changes them afterwards', async () => {
      const seen: unknown[] = []
      const wrapped = make().wrap(
        (filter: { page: number; at: Date; in: Map<string, Set<number>>; url: URL; list: number[] }) => {
          seen.push(JSON.stringify([filter.page, filter.at, [...filter.in.get('a')!], filter.url, filter.list]))
          filter.list.sort()
          return filter.page
        },
        { key: 'f', tags: ({ page, list }) => [`${page} ${list.join()}`] },
      )
      const filter = {
        page: 1,
        at: new Date(0),
        in: new Map([['a', new Set([1])]]),
        url: new URL('http://a/'),
        list: [2, 1],
      }
      const first = wrapped(filter)
      filter.page = 2
      filter.at.setTime(1)
      filter.in.get('a')!.add(2)
      filter.url.pathname = '/b'
      filter.list.push(3)
      expect(await first).toBe(1)
      expect(await wrapped(filter)).toBe(2)
      expect(seen).toEqual([
        '[1,"1970-01-01T00:00:00.000Z",[1],"http://a/",[2,1]]',
        '[2,"1970-01-01T00:00:00.001Z",[1,2],"http://a/b",[2,1,3]]',
      ])
      expect(filter.list).toEqual([2, 1, 3])
    })

    it('for `revalidate` seconds', async () => {
      let value = 1
      const wrapped = make().wrap(() => value++, { key: 'f', revalidate: 10, staleWhileRevalidate: 0, staleIfError: 0 })
      expect(await wrapped()).toBe(1)
      await idle()
      travel(9)
      expect(await wrapped()).toBe(1)
      travel(2)
      expect(await wrapped()).toBe(2)
    })
  })

  describe('runs once', () => {
    it('for all concurrent calls', async () => {
      const { open, passed } = gate()
      const fn = vi.fn(async (id: number) => (await passed, { id }))
      const wrapped = make().wrap(fn, { key: 'f', tags: (id) => [`${id}`] })
      const calls = Array.from({ length: 100 }, (_, index) => wrapped(index % 2))
      await until(() => fn.mock.calls.length === 2)
      await turns()
      open()
      expect(await Promise.all(calls)).toEqual(Array.from({ length: 100 }, (_, index) => ({ id: index % 2 })))
      expect(fn).toHaveBeenCalledTimes(2)
    })

    it('again for calls that follow a revalidation of its tags', async () => {
      const cache = make()
      let value = 'old'
      const { open, passed } = gate()
      const fn = vi.fn(async () => {
        const read = value
        await passed
        return read
      })
      const wrapped = cache.wrap(fn, { key: 'f', tags: ['t'] })
      const before = wrapped()
      await until(() => fn.mock.calls.length === 1)
      value = 'new'
      await cache.revalidateTag('t')
      const after = wrapped()
      open()
      expect([await before, await after, await wrapped()]).toEqual(['old', 'new', 'new'])
      // The older one may have been written last.
      await idle()
      expect(await wrapped()).toBe('new')
    })

    it('again for calls that follow a revalidation of data that it has read', async () => {
      const cache = make()
      let value = 'old'
      const { open, passed } = gate()
      const inner = cache.wrap(() => value, { key: 'inner', tags: ['t'] })
      let reads = 0
      const outer = cache.wrap(
        async () => {
          const read = await inner()
          reads++
          await passed
          return read
        },
        { key: 'outer' },
      )
      const before = outer()
      await until(() => reads === 1)
      value = 'new'
      await cache.revalidateTag('t')
      const after = outer()
      await turns()
      open()
      expect([await before, await after]).toEqual(['old', 'new'])
      expect(await outer()).toBe('new')
    })
  })

  describe('with errors', () => {
    it('rejects each concurrent call, and stores no error', async () => {
      let isBroken = true
      const fn = vi.fn(async () => {
        await turn()
        if (isBroken) throw new RangeError('down')
        return 'up'
      })
      const wrapped = make().wrap(fn, { key: 'f', tags: ['t'] })
      const results = await Promise.allSettled(Array.from({ length: 5 }, () => wrapped()))
      for (const result of results) expect(result).toMatchObject({ status: 'rejected', reason: new RangeError('down') })
      isBroken = false
      expect(await wrapped()).toBe('up')
      await idle()
      isBroken = true
      expect(await wrapped()).toBe('up')
    })

    it('rejects with the thrown value, also undefined, and also for a synchronous function', async () => {
      const thrown = { odd: true }
      const wrapped = make().wrap(
        (what: string): string => {
          throw what === 'object' ? thrown : undefined
        },
        { key: 'f' },
      )
      await expect(wrapped('object')).rejects.toBe(thrown)
      await expect(wrapped('nothing')).rejects.toBe(undefined)
    })

    it.each([
      ['a function', () => {}],
      ['a symbol', Symbol('s')],
      ['a bigint', 1n],
      ['a Map', new Map()],
      ['a Set', new Set()],
      ['bytes', new Uint8Array(2)],
      ['a Response', new Response('x')],
      ['a stream', new ReadableStream()],
      ['a generator', (function* () {})()],
      ['a circle', ((circle: { self?: unknown }) => (circle.self = circle))({})],
    ])('rejects with a TypeError for a result that is %s', async (_name, result) => {
      const wrapped = make().wrap(() => result as unknown, { key: 'f' })
      await expect(wrapped()).rejects.toThrow(TypeError)
      await expect(Promise.all([wrapped(), wrapped()])).rejects.toThrow(TypeError)
    })

    it.each([
      ['a function', () => {}],
      ['a symbol', Symbol('s')],
      ['an instance of a class', new (class Item {})()],
      ['a promise', Promise.resolve(1)],
      ['a Request', new Request('http://test/')],
    ])('rejects with a TypeError for an argument that is %s, and does not run', async (_name, argument) => {
      const fn = vi.fn((_argument: unknown) => 1)
      const wrapped = make().wrap(fn, { key: 'f' })
      await expect(wrapped(argument)).rejects.toThrow(TypeError)
      await expect(wrapped({ deep: [argument] })).rejects.toThrow(TypeError)
      expect(fn).not.toHaveBeenCalled()
    })

    it('rejects invalid tags', async () => {
      const wrapped = make().wrap((tags: unknown) => tags as string, { key: 'f', tags: (tags) => tags as string[] })
      await expect(wrapped('t')).rejects.toThrow(/cache\.wrap\(\) takes tags as an array of non-empty strings, not "t"/)
      await expect(wrapped([1])).rejects.toThrow(TypeError)
      await expect(wrapped([''])).rejects.toThrow(TypeError)
      expect(await wrapped(['t'])).toEqual(['t'])
    })

    it('returns a stale result within `staleIfError`, and tries again after a pause', async () => {
      let run = (): string => 'good'
      const fn = vi.fn(() => run())
      const wrapped = make().wrap(fn, { key: 'f', revalidate: 10, staleWhileRevalidate: 0, staleIfError: 100 })
      expect(await wrapped()).toBe('good')
      await idle()
      travel(11)
      run = () => {
        throw new Error('down')
      }
      expect(await Promise.all([wrapped(), wrapped(), wrapped()])).toEqual(['good', 'good', 'good'])
      expect(await wrapped()).toBe('good')
      expect(fn).toHaveBeenCalledTimes(2)
      travel(2)
      run = () => 'better'
      expect(await wrapped()).toBe('better')
      await idle()
      run = () => {
        throw new Error('down')
      }
      travel(111)
      await expect(wrapped()).rejects.toThrow('down')
    })
  })

  describe('past `revalidate`', () => {
    it('returns the stale result, and refreshes it once in the background', async () => {
      let value = 1
      const { open, passed } = gate()
      const fn = vi.fn(async () => {
        if (value > 1) await passed
        return value++
      })
      const wrapped = make().wrap(fn, { key: 'f', revalidate: 10, tags: ['t'] })
      expect(await wrapped()).toBe(1)
      await idle()
      travel(11)
      expect(await Promise.all([wrapped(), wrapped()])).toEqual([1, 1])
      await until(() => fn.mock.calls.length === 2)
      expect(await wrapped()).toBe(1)
      open()
      await turn()
      await idle()
      expect(await wrapped()).toBe(2)
      expect(fn).toHaveBeenCalledTimes(2)
    })

    it('keeps the stale result if the refresh fails, and waits before the next one', async () => {
      let isBroken = false
      const fn = vi.fn(() => {
        if (isBroken) throw new Error('down')
        return 'good'
      })
      const wrapped = make().wrap(fn, { key: 'f', revalidate: 10, staleWhileRevalidate: 100 })
      await wrapped()
      await idle()
      isBroken = true
      travel(11)
      for (let count = 0; count < 5; count++) {
        expect(await wrapped()).toBe('good')
        await turns()
      }
      expect(fn).toHaveBeenCalledTimes(2)
    })
  })

  describe('and revalidateTag', () => {
    it('invalidates results with the tag, and no others', async () => {
      const cache = make()
      let value = 1
      const wrapped = cache.wrap((slug: string) => `${slug}${value}`, { key: 'f', tags: (slug) => ['all', slug] })
      expect([await wrapped('a'), await wrapped('b')]).toEqual(['a1', 'b1'])
      await turns()
      value = 2
      await cache.revalidateTag('a')
      expect([await wrapped('a'), await wrapped('b')]).toEqual(['a2', 'b1'])
      // A slow store can still be writing when the result is requested again, and then it is made again.
      await turns()
      value = 3
      await cache.revalidateTag('al')
      expect([await wrapped('a'), await wrapped('b')]).toEqual(['a2', 'b1'])
      await cache.revalidateTag('all')
      expect([await wrapped('a'), await wrapped('b')]).toEqual(['a3', 'b3'])
    })

    it("returns the stale result one more time with 'max', while it is refreshed", async () => {
      const cache = make()
      let value = 1
      const fn = vi.fn(() => value)
      const wrapped = cache.wrap(fn, { key: 'f', tags: ['t'] })
      await wrapped()
      await idle()
      value = 2
      await cache.revalidateTag('t', 'max')
      expect(await wrapped()).toBe(1)
      await turn()
      await idle()
      expect(await wrapped()).toBe(2)
      expect(fn).toHaveBeenCalledTimes(2)
    })

    it("refreshes a result whose run was in progress during a revalidation with 'max'", async () => {
      const cache = make()
      let value = 1
      const { open, passed } = gate()
      const fn = vi.fn(async () => {
        const read = value
        await passed
        return read
      })
      const wrapped = cache.wrap(fn, { key: 'f', tags: ['t'] })
      const first = wrapped()
      await until(() => fn.mock.calls.length === 1)
      value = 2
      await cache.revalidateTag('t', 'max')
      open()
      expect(await first).toBe(1)
      await vi.waitFor(async () => expect(await wrapped()).toBe(2))
    })

    it('invalidates results that were computed from a result with the tag, at any depth', async () => {
      const cache = make()
      let value = 1
      const deep = cache.wrap((_id: string) => value, { key: 'deep', tags: (id) => [`deep:${id}`] })
      const middle = cache.wrap(async () => [await deep('a')], { key: 'middle' })
      const outer = cache.wrap(async () => ({ middle: await middle() }), { key: 'outer', tags: ['outer'] })
      // The middle function is stored already when the outer one runs.
      expect(await middle()).toEqual([1])
      expect(await outer()).toEqual({ middle: [1] })
      value = 2
      await cache.revalidateTag('deep:b')
      expect(await outer()).toEqual({ middle: [1] })
      await cache.revalidateTag('deep:a')
      expect(await outer()).toEqual({ middle: [2] })
      await idle()
      value = 3
      await cache.revalidateTag('deep:a', 'max')
      expect(await outer()).toEqual({ middle: [2] })
      await vi.waitFor(async () => expect(await outer()).toEqual({ middle: [3] }))
    })

    it('invalidates a result that used an older and a newer version', async () => {
      const cache = make()
      let value = 1
      const find = cache.wrap((_id: string) => value, { key: 'find', tags: ['t'] })
      let between = async (): Promise<void> => {
        value = 2
        await cache.revalidateTag('t')
      }
      for (const ids of ['ab', 'aa']) {
        const both = cache.wrap(
          async () => {
            const one = await find(ids[0]!)
            await between()
            return [one, await find(ids[1]!)]
          },
          { key: `both ${ids}` },
        )
        value = 1
        await cache.revalidateTag('t')
        between = async () => {
          value = 2
          await cache.revalidateTag('t')
        }
        expect(await both()).toEqual([1, 2])
        between = async () => {}
        expect(await both()).toEqual([2, 2])
      }
    })

    it('invalidates a result that used a newer version and then a slower, older one', async () => {
      const cache = make()
      let value = 1
      const { open, passed } = gate()
      let runs = 0
      const find = cache.wrap(
        async (id: string) => {
          const read = value
          runs++
          if (id === 'slow') await passed
          return read
        },
        { key: 'find', tags: ['t'] },
      )
      const both = cache.wrap(
        async () => {
          const first = find('slow')
          await until(() => runs === 1)
          value = 2
          await cache.revalidateTag('t')
          const second = await find('fast')
          open()
          return [await first, second]
        },
        { key: 'both' },
      )
      expect(await both()).toEqual([1, 2])
      await idle()
      runs = 0
      expect(await both()).toEqual([2, 2])
    })

    it('invalidates a result that was computed from a failed call with the tag', async () => {
      const cache = make()
      let isThere = false
      const find = cache.wrap(
        () => {
          if (!isThere) throw new Error('no such row')
          return 'row'
        },
        { key: 'find', tags: ['t'] },
      )
      const page = cache.wrap(() => find().catch(() => 'none'), { key: 'page' })
      expect(await page()).toBe('none')
      isThere = true
      expect(await page()).toBe('none')
      await cache.revalidateTag('t')
      expect(await page()).toBe('row')
    })
  })

  describe('in a request', () => {
    it('calls the store once per request for repeated calls', async () => {
      const { store, asked } = counting(makeStore())
      const cache = createQuiet({ store })
      const fn = vi.fn((id: string) => ({ id }))
      const find = cache.wrap(fn, { key: 'f', tags: (id) => [id] })
      const app = router({
        page: route('/').get(async () => {
          const [one, two] = await Promise.all([find('a'), find('a')])
          one.id = 'mine'
          return [two, await find('a')]
        }),
      })
      expect(await ask(app)).toBe('[{"id":"a"},{"id":"a"}]')
      expect([asked.get, fn.mock.calls.length]).toEqual([1, 1])
      await app.settled()
      await ask(app)
      expect([asked.get, fn.mock.calls.length]).toEqual([2, 1])
    })

    it('calls the store once for calls in outer middleware and in a cached handler', async () => {
      const { store, asked } = counting(makeStore())
      const cache = createQuiet({ store })
      const find = cache.wrap((id: string) => id, { key: 'f' })
      const other = createQuiet()
      const app = router({
        page: route('/')
          .use(async (_request, _context, next) => (await find('a'), next()))
          .use(other({ revalidate: false }))
          .get(() => find('a')),
      })
      expect(await ask(app)).toBe('"a"')
      expect(asked.get).toBe(1)
    })

    it('does not reuse a failed call', async () => {
      const cache = make()
      let count = 0
      const find = cache.wrap(
        () => {
          if (count++ === 0) throw new Error('down')
          return count
        },
        { key: 'f' },
      )
      const app = router({ page: route('/').get(async () => [await find().catch(String), await find(), await find()]) })
      expect(await ask(app)).toBe('["Error: down",2,2]')
    })

    it('does not reuse a result from before a revalidation, in this request or another', async () => {
      const cache = make()
      let value = 1
      const find = cache.wrap(() => value, { key: 'f', tags: ['t'] })
      const { open, passed } = gate()
      const seen: number[] = []
      const app = router({
        own: route('/own').get(async () => {
          const before = await find()
          value++
          await cache.revalidateTag('t')
          return [before, await find()]
        }),
        long: route('/long').get(async () => {
          seen.push(await find())
          await passed
          seen.push(await find())
          return seen
        }),
      })
      expect(await ask(app, '/own')).toBe('[1,2]')
      const long = ask(app, '/long')
      await until(() => seen.length === 1)
      expect(await ask(app, '/own')).toBe('[2,3]')
      open()
      expect(await long).toBe('[2,3]')
    })

    it('does not reuse a run that was in progress at a revalidation', async () => {
      const cache = make()
      let value = 1
      const { open, passed } = gate()
      let runs = 0
      const find = cache.wrap(
        async () => {
          const read = value
          runs++
          await passed
          return read
        },
        { key: 'f', tags: ['t'] },
      )
      const app = router({
        page: route('/').get(async () => {
          const before = find()
          await until(() => runs === 1)
          value = 2
          await cache.revalidateTag('t')
          const after = find()
          open()
          return [await before, await after, await find()]
        }),
      })
      expect(await ask(app)).toBe('[1,2,2]')
    })

    it('calls the store again after a second, so that a handler can wait for a change of another process', async () => {
      const store = makeStore()
      const [here, there] = [createQuiet({ store }), createQuiet({ store })]
      let value = 1
      const find = here.wrap(() => value, { key: 'f', tags: ['t'] })
      const app = router({
        page: route('/').get(async () => {
          const before = await find()
          value = 2
          await there.revalidateTag('t')
          travel(1)
          return [before, await find()]
        }),
      })
      expect(await ask(app)).toBe('[1,2]')
    })

    it('separates two caches with the same function key', async () => {
      const [one, two] = [make(), make()]
      const first = one.wrap(() => 'one', { key: 'f' })
      const second = two.wrap(() => 'two', { key: 'f' })
      const app = router({ page: route('/').get(async () => [await first(), await second(), await first()]) })
      expect(await ask(app)).toBe('["one","two","one"]')
    })

    it('returns to each of many concurrent requests the result for its own arguments', async () => {
      const cache = make()
      const find = cache.wrap(async (user: string) => (await turn(), `secret of ${user}`), { key: 'f' })
      const app = router({
        page: route('/[user]').get(async (_request, { params }) => [await find(params.user), await find(params.user)]),
      })
      const users = Array.from({ length: 40 }, (_, index) => `${index % 8}`)
      const texts = await Promise.all(users.map((user) => ask(app, `/${user}`)))
      expect(texts).toEqual(users.map((user) => JSON.stringify([`secret of ${user}`, `secret of ${user}`])))
    })

    it('keeps the host alive for a refresh after the response, and reports its errors to `onError`', async () => {
      const cache = make()
      let value = 1
      let isBad = false
      const find = cache.wrap(() => value, {
        key: 'f',
        revalidate: 10,
        tags: () => {
          if (isBad) throw new Error('bad tags')
          return []
        },
      })
      const told: unknown[] = []
      const app = router(
        { page: route('/').get(() => find()) },
        { onError: (error, { phase }) => told.push([error, phase]) },
      )
      expect(await ask(app)).toBe('1')
      await app.settled()
      value = 2
      travel(11)
      const kept: Promise<unknown>[] = []
      const waitUntil = (promise: Promise<unknown>): void => void kept.push(promise)
      expect(await (await app.fetch(new Request('http://test/'), {}, { waitUntil })).text()).toBe('1')
      expect(kept.length).toBeGreaterThan(0)
      await app.settled()
      expect(await ask(app)).toBe('2')
      if (_name !== 'memoryStore') return
      travel(11)
      isBad = true
      expect(await ask(app)).toBe('2')
      await app.settled()
      expect(told).toEqual([[new Error('bad tags'), 'waitUntil']])
    })
  })

  describe('in a cached response', () => {
    it('invalidates the response with its own tags, at any depth', async () => {
      const cache = make()
      let value = 1
      const inner = cache.wrap((_slug: string) => value, { key: 'inner', tags: (slug) => [`inner:${slug}`] })
      const outer = cache.wrap((slug: string) => inner(slug), { key: 'outer', tags: (slug) => [`outer:${slug}`] })
      const handler = vi.fn((slug: string) => outer(slug))
      const app = router({
        item: route('/[slug]')
          .use(cache({ revalidate: false, tags: ['ring'] }))
          .get((_request, { params }) => handler(params.slug)),
      })
      for (const tag of ['inner:a', 'outer:a', 'ring']) {
        await ask(app, '/a')
        await app.settled()
        const runs = handler.mock.calls.length
        const before = await ask(app, '/a')
        expect(handler).toHaveBeenCalledTimes(runs)
        value++
        await cache.revalidateTag('inner:b')
        expect(await ask(app, '/a')).toBe(before)
        expect(handler).toHaveBeenCalledTimes(runs)
        await cache.revalidateTag('inner:a')
        if (tag !== 'inner:a') await cache.revalidateTag(tag)
        expect(await ask(app, '/a')).toBe(String(value))
        expect(handler).toHaveBeenCalledTimes(runs + 1)
        await app.settled()
      }
    })

    it('invalidates the response also if the data was stored before', async () => {
      const cache = make()
      let value = 1
      const find = cache.wrap(() => value, { key: 'find', tags: ['data'] })
      await find()
      await cache.set('note', 'first', { tags: ['note'] })
      const app = router({
        item: route('/')
          .use(cache({ revalidate: false }))
          .get(async () => `${await find()} ${await cache.get('note')}`),
      })
      expect(await ask(app)).toBe('"1 first"')
      await app.settled()
      value = 2
      await cache.set('note', 'second', { tags: ['note'] })
      expect(await ask(app)).toBe('"1 first"')
      await cache.revalidateTag('note')
      await cache.set('note', 'third', { tags: ['note'] })
      expect(await ask(app)).toBe('"1 third"')
      await app.settled()
      await cache.revalidateTag('data')
      expect(await ask(app)).toBe('"2 third"')
    })

    it("refreshes the response in the background after a revalidation with 'max'", async () => {
      const cache = make()
      let value = 1
      const find = cache.wrap(() => value, { key: 'find', tags: ['data'] })
      const app = router({
        item: route('/')
          .use(cache({ revalidate: false }))
          .get(() => find()),
      })
      await ask(app)
      await app.settled()
      value = 2
      await cache.revalidateTag('data', 'max')
      expect(await ask(app)).toBe('1')
      await vi.waitFor(async () => {
        await app.settled()
        expect(await ask(app)).toBe('2')
      })
    })

    it('invalidates a streamed response with data that it reads while it is streamed', async () => {
      const cache = make()
      let value = 1
      const find = cache.wrap((id: string) => `${id}${value}`, { key: 'find', tags: (id) => [id] })
      const handler = vi.fn()
      const app = router({
        items: route('/')
          .use(cache({ revalidate: false }))
          .get(() => {
            handler()
            return reply.ndjson(
              (async function* () {
                yield await find('a')
                await turn()
                yield await find('b')
              })(),
            )
          }),
      })
      expect(await ask(app)).toBe('"a1"\n"b1"\n')
      await app.settled()
      value = 2
      expect(await ask(app)).toBe('"a1"\n"b1"\n')
      expect(handler).toHaveBeenCalledTimes(1)
      await cache.revalidateTag('b')
      expect(await ask(app)).toBe('"a1"\n"b2"\n')
      await app.settled()
      value = 3
      await cache.revalidateTag('a')
      expect(await ask(app)).toBe('"a3"\n"b2"\n')
    })

    it('does not invalidate the response with data that after() work reads', async () => {
      const cache = make()
      const late = cache.wrap(() => 1, { key: 'late', tags: ['late'] })
      const handler = vi.fn(() => 'x')
      const app = router({
        item: route('/')
          .use(cache({ revalidate: false }))
          .get((_request, { after }) => {
            after(() => late())
            return handler()
          }),
      })
      await ask(app)
      await app.settled()
      await cache.revalidateTag('late')
      await ask(app)
      expect(handler).toHaveBeenCalledTimes(1)
    })

    it('does not share a run with requests that follow a revalidation of data that the run has read', async () => {
      const cache = make()
      let value = 1
      const { open, passed } = gate()
      let reads = 0
      const find = cache.wrap(() => value, { key: 'find', tags: ['data'] })
      const app = router({
        item: route('/')
          .use(cache({ revalidate: false }))
          .get(async () => {
            const read = await find()
            reads++
            await passed
            return read
          }),
      })
      const before = ask(app)
      await until(() => reads === 1)
      value = 2
      await cache.revalidateTag('data')
      const after = ask(app)
      await turns()
      open()
      expect([await before, await after]).toEqual(['1', '2'])
    })
  })
})

describe('cache.wrap with a store that fails', () => {
  const failures: Record<string, () => never> = {
    throws: () => {
      throw new Error('no store')
    },
    rejects: () => Promise.reject(new Error('no store')) as never,
    hangs: () => new Promise(() => {}) as never,
    'answers garbage': () => 'garbage' as never,
  }

  it.each(Object.keys(failures))('that %s, calls the function each time and returns its result', async (name) => {
    const fail = failures[name]!
    const store: CacheStore = { get: fail, set: fail, delete: fail, versions: fail, renew: fail, lease: fail }
    const cache = createQuiet({ store, storeTimeout: 20 })
    const fn = vi.fn((id: string) => `of ${id}`)
    const wrapped = cache.wrap(fn, { key: 'f', tags: (id) => [id], revalidate: 10 })
    expect([await wrapped('a'), await wrapped('a')]).toEqual(['of a', 'of a'])
    expect(fn).toHaveBeenCalledTimes(2)
    await cache.set('k', 1, { tags: ['t'] })
    expect(await cache.get('k')).toBe(undefined)
    await cache.delete('k')
    await cache.revalidateTag('a')
    expect(errors.length).toBeGreaterThan(0)
    const broken = cache.wrap(
      () => {
        throw new RangeError('mine')
      },
      { key: 'g', tags: ['t'] },
    )
    await expect(broken()).rejects.toThrow('mine')
  })

  it('returns no stored result with a tag that it could not revalidate', async () => {
    const inner = memoryStore()
    let isDown = false
    const store: CacheStore = {
      get: (key) => inner.get(key),
      set: (key, entry) => inner.set(key, entry),
      delete: (key) => inner.delete(key),
      versions: (marks) => inner.versions(marks),
      renew: (marks) => {
        if (isDown) throw new Error('read only')
        return inner.renew(marks)
      },
    }
    const cache = createQuiet({ store })
    let value = 1
    const find = cache.wrap(() => value, { key: 'f', tags: ['t'] })
    const page = cache.wrap(() => find(), { key: 'page' })
    await page()
    await cache.set('k', 'old', { tags: ['t'] })
    isDown = true
    value = 2
    await cache.revalidateTag('t')
    expect([await find(), await page(), await page(), await cache.get('k')]).toEqual([2, 2, 2, undefined])
    await cache.set('k', 'new', { tags: ['t'] })
    expect(await cache.get('k')).toBe(undefined)
    isDown = false
    await cache.revalidateTag('t')
    expect([await find(), await page(), await cache.get('k')]).toEqual([2, 2, undefined])
  })
})

describe('a cache whose store depends on the request', () => {
  it('creates the store once for each env, and serves no entry that it failed to invalidate', async () => {
    const inner = memoryStore()
    const makeStore = vi.fn((env: { name: string }): CacheStore => ({
      get: (key) => inner.get(env.name + key),
      set: (key, entry) => inner.set(env.name + key, entry),
      delete: (key) => inner.delete(env.name + key),
      versions: (marks) => inner.versions(marks),
      renew: () => Promise.reject(new Error('read only')),
    }))
    const cache = createQuiet({ store: makeStore })
    let value = 1
    const find = cache.wrap(() => value, { key: 'f', tags: ['t'] })
    const app = router({
      page: route('/')
        .get(() => find())
        .delete(() => cache.revalidateTag('t')),
    })
    const [one, two] = [{ name: 'one' }, { name: 'two' }]
    const get = async (env: object): Promise<string> => (await app.fetch(new Request('http://test/'), env)).text()
    expect([await get(one), await get(two), await get(one)]).toEqual(['1', '1', '1'])
    value = 2
    expect(await get(one)).toBe('1')
    await app.fetch(new Request('http://test/', { method: 'DELETE' }), one)
    expect(await get(one)).toBe('2')
    expect(makeStore.mock.calls).toEqual([[one], [two]])
  })
})

describe('cache.wrap outside of a request', () => {
  it('causes no unhandled rejection if the caller handles the error', async () => {
    const cache = createQuiet()
    const wrapped = cache.wrap(
      () => {
        throw new Error('down')
      },
      { key: 'f' },
    )
    let caught: unknown
    wrapped().catch((error: unknown) => (caught = error))
    wrapped().catch(() => {})
    await turns()
    expect(caught).toEqual(new Error('down'))
    expect(unhandled).toEqual([])
  })

  it('rejects with a message that says what to do if the store depends on the request', async () => {
    const stores = new Map<unknown, CacheStore>()
    const cache = createQuiet({
      store: ({ name }: { name: string }) => {
        if (!stores.has(name)) stores.set(name, memoryStore())
        return stores.get(name)!
      },
    })
    const fn = vi.fn(() => 'x')
    const find = cache.wrap(fn, { key: 'f' })
    await expect(find()).rejects.toThrow(/inside of a request/)
    await expect(cache.get('k')).rejects.toThrow(/inside of a request/)
    const app = router({ page: route('/').get(() => find()) })
    for (const name of ['one', 'two', 'one']) await app.fetch(new Request('http://test/'), { name })
    expect(fn).toHaveBeenCalledTimes(2)
  })

  it('uses the store of the request in a streamed body', async () => {
    const stores = new WeakMap<object, CacheStore>()
    const cache = createQuiet({
      store: (env: object) => {
        if (!stores.has(env)) stores.set(env, memoryStore())
        return stores.get(env)!
      },
    })
    const find = cache.wrap((id: string) => id, { key: 'f' })
    const app = router({
      page: route('/').get(() =>
        reply.ndjson(
          (async function* () {
            yield await find('a')
            yield await find('b')
          })(),
        ),
      ),
    })
    const response = await app.fetch(new Request('http://test/'), {})
    expect(await response.text()).toBe('"a"\n"b"\n')
  })
})

describe('cache.wrap', () => {
  it('throws for an invalid function, options or key when it is called', () => {
    const { wrap } = createQuiet() as unknown as { wrap(...given: unknown[]): unknown }
    const fn = (): number => 1
    expect(() => wrap()).toThrow(TypeError)
    expect(() => wrap({}, { key: 'f' })).toThrow('takes a function')
    expect(() => wrap(fn)).toThrow(TypeError)
    expect(() => wrap(fn, {})).toThrow('key')
    expect(() => wrap(fn, { key: '' })).toThrow('key')
    expect(() => wrap(fn, { key: 'f', ttl: 5 })).toThrow("no option 'ttl'")
    expect(() => wrap(fn, { key: 'f', revalidate: 0 })).toThrow(RangeError)
    expect(() => wrap(fn, { key: 'f', revalidate: '60' })).toThrow(RangeError)
    expect(() => wrap(fn, { key: 'f', staleIfError: -1 })).toThrow(RangeError)
    expect(() => wrap(fn, { key: 'f', tags: 'items' })).toThrow(TypeError)
  })
})

describe.each([
  ['memoryStore', () => memoryStore()],
  ['a store that takes its time', () => slow()],
])('cache.get, set and delete with %s', (_name, makeStore) => {
  const make = (options?: CreateCacheOptions): Cache => createQuiet({ store: makeStore(), ...options })

  it('store any value as JSON, and return a new copy each time', async () => {
    const cache = make()
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), fc.jsonValue(), async (key, value) => {
        await cache.set(key, value)
        const expected = JSON.parse(JSON.stringify(value))
        const one = await cache.get(key)
        expect(one).toEqual(expected)
        if (typeof one === 'object' && one !== null) {
          Object.assign(one, { added: 1 })
          expect(await cache.get(key)).toEqual(expected)
        }
        await cache.delete(key)
        expect(await cache.get(key)).toBe(undefined)
      }),
      { numRuns: 30 },
    )
    await cache.set('date', { at: new Date(0), nothing: undefined })
    expect(await cache.get('date')).toEqual({ at: '1970-01-01T00:00:00.000Z' })
    await cache.set('nothing', undefined)
    expect(await cache.get('nothing')).toBe(undefined)
    expect(await cache.get('never set')).toBe(undefined)
  })

  it('replace values, and separate keys, namespaces and wrapped functions', async () => {
    const store = makeStore()
    const [one, two] = [createQuiet({ store, namespace: 'one' }), createQuiet({ store, namespace: 'two' })]
    await one.set('k', 1)
    await one.set('k', 2)
    await two.set('k', 3)
    await one.set('', 4)
    const wrapped = one.wrap(() => 'wrapped', { key: 'k' })
    await wrapped()
    expect([await one.get('k'), await two.get('k'), await one.get(''), await wrapped()]).toEqual([2, 3, 4, 'wrapped'])
    await one.delete('k')
    expect([await one.get('k'), await two.get('k'), await one.get(''), await wrapped()]).toEqual([
      undefined,
      3,
      4,
      'wrapped',
    ])
    await one.delete('k')
  })

  it('return undefined after `ttl`, without a stale time', async () => {
    const cache = make()
    await cache.set('k', 1, { ttl: 10 })
    await cache.set('for ever', 2)
    travel(9)
    expect(await cache.get('k')).toBe(1)
    travel(1)
    expect(await cache.get('k')).toBe(undefined)
    travel(1e9)
    expect(await cache.get('for ever')).toBe(2)
  })

  it('return undefined after a revalidation of the tag', async () => {
    const cache = make()
    await cache.set('a', 1, { tags: ['one', 'both'] })
    await cache.set('b', 2, { tags: ['both'], ttl: 100 })
    await cache.revalidateTag('one')
    expect([await cache.get('a'), await cache.get('b')]).toEqual([undefined, 2])
    await cache.set('a', 3, { tags: ['one', 'both'] })
    expect([await cache.get('a'), await cache.get('b')]).toEqual([3, 2])
    await cache.revalidateTag('one', 'max')
    // No function refreshes it.
    expect([await cache.get('a'), await cache.get('b')]).toEqual([undefined, 2])
    await cache.revalidateTag('both')
    expect([await cache.get('a'), await cache.get('b')]).toEqual([undefined, undefined])
  })

  it('return a value that was set in the same request', async () => {
    const cache = make()
    const app = router({
      page: route('/').get(async () => {
        const before = await cache.get('k')
        await cache.set('k', 1)
        const after = await cache.get('k')
        await cache.delete('k')
        return [before ?? null, after, (await cache.get('k')) ?? null]
      }),
    })
    expect(await ask(app)).toBe('[null,1,null]')
  })

  it('reject values that JSON cannot represent, invalid keys and unknown options', async () => {
    const cache = make() as unknown as Record<'get' | 'set' | 'delete', (...given: unknown[]) => Promise<unknown>>
    await cache.set('k', 'before')
    for (const value of [() => {}, Symbol('s'), 1n, new Map(), new Response('x')])
      await expect(cache.set('k', value)).rejects.toThrow(TypeError)
    expect(await cache.get('k')).toBe('before')
    await expect(cache.get(1)).rejects.toThrow(TypeError)
    await expect(cache.set(undefined, 1)).rejects.toThrow(TypeError)
    await expect(cache.delete({})).rejects.toThrow(TypeError)
    await expect(cache.set('k', 1, { revalidate: 5 })).rejects.toThrow("no option 'revalidate'")
    await expect(cache.set('k', 1, { ttl: 0 })).rejects.toThrow(RangeError)
    await expect(cache.set('k', 1, { tags: 'one' })).rejects.toThrow(TypeError)
  })
})

describe('a cache without AsyncLocalStorage', () => {
  beforeEach(() => {
    vi.resetModules()
    vi.spyOn(process, 'getBuiltinModule').mockReturnValue(undefined as never)
  })
  afterEach(() => {
    vi.restoreAllMocks()
    vi.resetModules()
  })

  it('caches responses, functions and data, without the reuse within a request and the tags of functions', async () => {
    const { createCache, memoryStore } = await import('../../src/cache/index.js')
    const { route, router } = await import('../../src/index.js')
    const { store, asked } = counting(memoryStore())
    const cache = createCache({ store })
    let value = 1
    const fn = vi.fn((id: string) => `${id}${value}`)
    const find = cache.wrap(fn, { key: 'f', tags: (id) => [id] })
    const app = router({
      page: route('/page').get(async () => [await find('a'), await find('a')]),
      cached: route('/cached')
        .use(cache({ revalidate: false, tags: ['cached'] }))
        .get(async () => [await find('a'), await cache.get('k')]),
    })
    await cache.set('k', 'v', { tags: ['k'] })
    expect(await ask(app, '/page')).toBe('["a1","a1"]')
    expect(asked.get).toBe(2)
    expect(fn).toHaveBeenCalledTimes(1)
    expect(await ask(app, '/cached')).toBe('["a1","v"]')
    value = 2
    await cache.revalidateTag('a')
    expect(await ask(app, '/page')).toBe('["a2","a2"]')
    expect(await ask(app, '/cached')).toBe('["a1","v"]')
    await cache.revalidateTag('cached')
    expect(await ask(app, '/cached')).toBe('["a2","v"]')
    const failing = cache.wrap(() => Promise.reject(new Error('down')), { key: 'g' })
    await expect(failing()).rejects.toThrow('down')
  })

  it('rejects with a message that says what to do if the store depends on the request', async () => {
    const { createCache } = await import('../../src/cache/index.js')
    const { route, router } = await import('../../src/index.js')
    const cache = createCache({ store: () => memoryStore() })
    const find = cache.wrap(() => 1, { key: 'f' })
    const told: unknown[] = []
    const app = router({ page: route('/').get(() => find()) }, { onError: (error) => told.push(error) })
    expect((await app.fetch(new Request('http://test/'))).status).toBe(500)
    expect(String(told)).toContain('nodejs_compat')
  })
})

describe('a wrapped function in a cached response', () => {
  it("is refreshed before the response after revalidateTag(tag, 'max'), so the old value is served once", async () => {
    const cache = createCache()
    let runs = 0
    const count = cache.wrap(async () => ++runs, { key: 'count', tags: ['count'] })
    const it = route('/')
      .use(cache({ revalidate: 60 }))
      .get(async () => count())
    const app = router({ it })
    const read = async () => {
      const response = await app.fetch(new Request('http://test/'))
      await app.settled()
      return response.json()
    }
    expect([await read(), await read()]).toEqual([1, 1])
    await cache.revalidateTag('count', 'max')
    expect([await read(), await read(), await read()]).toEqual([1, 2, 2])
  })

  it('limits the response to the smaller revalidate of the function, and returns its old value if it fails', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    try {
      const cache = createCache({ onError() {} })
      let runs = 0
      let fails = false
      const count = cache.wrap(
        async () => {
          if (fails) throw new Error('down')
          return ++runs
        },
        { key: 'count', revalidate: 1 },
      )
      const it = route('/')
        .use(cache({ revalidate: 60 }))
        .get(async () => count())
      const app = router({ it })
      const read = async () => {
        const response = await app.fetch(new Request('http://test/'))
        await app.settled()
        return response.json()
      }
      expect(await read()).toBe(1)
      vi.advanceTimersByTime(2_000)
      expect([await read(), await read()]).toEqual([1, 2])
      vi.advanceTimersByTime(2_000)
      fails = true
      expect([await read(), await read()]).toEqual([2, 2])
    } finally {
      vi.useRealTimers()
    }
  })
})
