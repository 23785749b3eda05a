import { afterEach, describe, expect, it, vi } from 'vitest'
import { memoryStore } from '../../src/cache/stores/memory-store.js'
import type { Entry } from '../../src/cache/stores/store.js'
import { describeStore } from '../contracts/store.js'

describeStore(
  'memoryStore',
  () => {
    const store = memoryStore({ maxBytes: 8 * 2 ** 20 })
    // So many other versions are read that these are evicted.
    const lose = (): void => {
      for (let index = 0; index < 30_000; index++) void store.versions([`other ${index}`])
    }
    return { store, lose }
  },
  { lease: false },
)

const toEntry = (key: string, members: Partial<Entry> = {}): Entry => ({
  key,
  status: 200,
  headers: [],
  body: '',
  time: 0,
  revalidate: null,
  expires: null,
  marks: [],
  ...members,
})

describe('memoryStore', () => {
  afterEach(() => void vi.useRealTimers())

  it('returns values, not promises', () => {
    const store = memoryStore()
    expect(store.set('a', toEntry('a'))).toBeUndefined()
    expect(store.get('a')).toEqual(toEntry('a'))
    expect(store.versions(['t:a'])).toEqual([expect.any(String)])
    expect(store.renew(['t:a'])).toBeUndefined()
    expect(store.delete('a')).toBeUndefined()
    expect(store.get('a')).toBeUndefined()
  })

  it('returns the entry itself, not a copy', () => {
    const store = memoryStore()
    const entry = toEntry('a', { body: new Uint8Array(10) })
    store.set('a', entry)
    expect(store.get('a')).toBe(entry)
  })

  it.each([0, 4_095, -1, Number.NaN, Number.POSITIVE_INFINITY, '64mb', null])(
    'throws a RangeError for a maxBytes of %j',
    (maxBytes) => {
      const make = (): unknown => memoryStore({ maxBytes: maxBytes as number })
      expect(make).toThrow(RangeError)
      expect(make).toThrow(/memoryStore\(\) takes a maxBytes of at least 4096, not /)
    },
  )

  it('evicts the least recently used entry', () => {
    const store = memoryStore({ maxBytes: 100_000 })
    const set = (key: string): void => store.set(key, toEntry(key, { body: 'x'.repeat(24_000) })) as void
    for (const key of ['a', 'b', 'c', 'd']) set(key)
    expect(['d', 'a', 'c', 'b'].filter((key) => store.get(key))).toEqual(['d', 'a', 'c', 'b'])
    set('e')
    expect(store.get('d')).toBeUndefined()
    set('a')
    set('f')
    expect(store.get('c')).toBeUndefined()
    store.delete('e')
    set('g')
    expect(['a', 'b', 'f', 'g'].filter((key) => store.get(key))).toEqual(['a', 'b', 'f', 'g'])
  })

  it('evicts marks too, and keeps the recently used ones', () => {
    const store = memoryStore({ maxBytes: 100_000 })
    const [often, once] = store.versions(['often', 'once']) as string[]
    for (let index = 0; index < 1_000; index++) {
      store.set(`${index}`, toEntry(`${index}`))
      expect(store.versions(['often'])).toEqual([often])
    }
    expect(store.versions(['once'])).not.toEqual([once])
  })

  it.each<[string, Partial<Entry>]>([
    ['body', { body: 'x'.repeat(25_000) }],
    ['body of two bytes a character', { body: '€'.repeat(12_500) }],
    ['body of bytes', { body: new Uint8Array(25_000) }],
    ['header', { headers: [['x-long', 'x'.repeat(25_000)]] }],
    ['list of marks', { marks: Array.from({ length: 200 }, (_, index) => [`t:${index}`, 'v'] as const) }],
  ])(
    'does not store an entry whose %s is over a quarter of the bound, and deletes the replaced one',
    (_name, members) => {
      const store = memoryStore({ maxBytes: 100_000 })
      store.set('other', toEntry('other'))
      store.set('a', toEntry('a'))
      store.set('a', toEntry('a', members))
      expect(store.get('a')).toBeUndefined()
      expect(store.get('other')).toBeDefined()
    },
  )

  it('stores only the part of a buffer that the entry uses', () => {
    const store = memoryStore({ maxBytes: 100_000 })
    const body = new Uint8Array(1_000_000).fill(7).subarray(10, 20)
    store.set('a', toEntry('a', { body }))
    const kept = (store.get('a') as Entry).body as Uint8Array
    expect(kept).toEqual(body)
    expect(kept.buffer.byteLength).toBe(10)
  })

  it('reuses the space of expired, replaced and deleted entries', () => {
    vi.useFakeTimers({ now: 1_000, toFake: ['Date'] })
    const store = memoryStore({ maxBytes: 100_000 })
    for (let index = 0; index < 100; index++) {
      store.set('kept', toEntry('kept', { body: `${index}` }))
      store.set('again', toEntry('again', { body: 'x'.repeat(24_000) }))
      store.set(`deleted ${index}`, toEntry(`deleted ${index}`, { body: 'x'.repeat(24_000) }))
      store.delete(`deleted ${index}`)
      store.set(`expired ${index}`, toEntry(`expired ${index}`, { body: 'x'.repeat(24_000), expires: Date.now() + 5 }))
      vi.advanceTimersByTime(5)
      if (index % 2) expect(store.get(`expired ${index}`)).toBeUndefined()
    }
    expect(store.get('kept')).toEqual(toEntry('kept', { body: '99' }))
    expect(store.get('again')).toBeDefined()
  })

  it('returns an entry until the millisecond in which it expires', () => {
    vi.useFakeTimers({ now: 1_000, toFake: ['Date'] })
    const store = memoryStore()
    store.set('a', toEntry('a', { expires: 2_000 }))
    vi.setSystemTime(1_999)
    expect(store.get('a')).toBeDefined()
    vi.setSystemTime(2_000)
    expect(store.get('a')).toBeUndefined()
  })
})
