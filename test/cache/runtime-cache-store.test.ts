import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { runtimeCacheStore, type RuntimeCache } from '../../src/cache/stores/runtime-cache-store.js'
import type { Entry } from '../../src/cache/stores/store.js'
import { describeStore } from '../contracts/store.js'

interface Item {
  readonly json: string
  readonly tags: readonly string[]
  readonly until: number
}

const items = new WeakMap<RuntimeCache, Map<string, Item>>()

/** A cache like Vercel's: JSON values, a ttl in whole seconds, and tags. `toKey` can shorten the keys. */
function createRuntimeCache(toKey = (key: string): string => key): RuntimeCache {
  const kept = new Map<string, Item>()
  const cache: RuntimeCache = {
    async get(key) {
      await turn()
      const item = kept.get(toKey(key))
      return item && item.until > Date.now() ? JSON.parse(item.json) : null
    },
    async set(key, value, { name = key, tags = [], ttl } = {}) {
      await turn()
      // The name is sent in a header.
      new Headers({ name })
      if (ttl !== undefined && !(Number.isInteger(ttl) && ttl > 0)) throw new TypeError(`a ttl of ${ttl}`)
      if (tags.length > 128 || tags.some((tag) => tag.length > 256 || tag.includes(',')))
        throw new TypeError('tags that are none')
      const json = JSON.stringify(value ?? null)
      kept.set(toKey(key), { json, tags, until: ttl ? Date.now() + ttl * 1_000 : Number.POSITIVE_INFINITY })
    },
    async delete(key) {
      await turn()
      kept.delete(toKey(key))
    },
    async expireTag(tag) {
      await turn()
      for (const [key, item] of kept) if ([tag].flat().some((one) => item.tags.includes(one))) kept.delete(key)
    },
  }
  items.set(cache, kept)
  return cache
}

const entry: Entry = {
  key: 'key',
  status: 200,
  headers: [],
  body: 'text',
  time: 0,
  revalidate: null,
  expires: null,
  marks: [],
}

describeStore(
  'runtimeCacheStore',
  () => {
    const cache = createRuntimeCache()
    const lose = (): void => items.get(cache)!.clear()
    return { store: runtimeCacheStore(cache), again: () => runtimeCacheStore(cache), lose }
  },
  { lease: false, firstVersionsAgree: false },
)

describe('runtimeCacheStore', () => {
  describe('with keys that collide', () => {
    const few = (key: string): string => String(key.charCodeAt(key.length - 1) % 3)
    const keys = Array.from({ length: 40 }, (_, index) => `key ${index}`)

    it('returns no entry of another cache', async () => {
      const store = runtimeCacheStore(createRuntimeCache(few))
      for (const key of keys) {
        await store.set(key, { ...entry, key, body: key })
        expect((await store.get(key))?.body).toBe(key)
        for (const other of keys) expect([undefined, other]).toContain((await store.get(other))?.body)
      }
    })

    it('returns no version of another mark', async () => {
      const store = runtimeCacheStore(createRuntimeCache(few))
      const seen = new Set<string>()
      for (const key of keys) {
        await store.set(key, { ...entry, key })
        const [version] = (await store.versions([key])) as [string]
        expect(await store.versions([key])).toEqual([version])
        expect(seen).not.toContain(version)
        seen.add(version)
      }
    })
  })

  it('renews a mark in every region, and keeps the versions of other marks there', async () => {
    const here = createRuntimeCache()
    const there = createRuntimeCache()
    const expireTag = async (tag: string | string[]): Promise<void> => {
      await Promise.all([here, there].map((cache) => cache.expireTag(tag)))
    }
    const store = runtimeCacheStore({ ...here, expireTag })
    const other = runtimeCacheStore({ ...there, expireTag })
    const [before, kept] = await other.versions(['t:a', 't:b'])
    await store.renew(['t:a'])
    const after = await other.versions(['t:a', 't:b'])
    expect(after[0]).not.toBe(before)
    expect(after[1]).toBe(kept)
  })

  it('rejects if the cache did not store the new version', async () => {
    const cache = createRuntimeCache()
    const store = runtimeCacheStore({ ...cache, set: async () => {}, expireTag: async () => {} })
    await runtimeCacheStore(cache).versions(['t:a'])
    await expect(async () => store.renew(['t:a'])).rejects.toThrow("did not store a new version of 't:a'")
  })

  it('returns versions that match no entry if none are stored', async () => {
    const cache = createRuntimeCache()
    const store = runtimeCacheStore({ ...cache, set: async () => {} })
    const [one] = await store.versions(['t:a'])
    expect(await store.versions(['t:a'])).not.toEqual([one])
  })

  it('treats an invalid or damaged value as missing', async () => {
    const cache = createRuntimeCache()
    const store = runtimeCacheStore(cache)
    await store.set('key', entry)
    const kept = items.get(cache)!
    const [place, item] = [...kept][0]!
    const text = JSON.parse(item.json) as string
    for (const value of [null, 1, {}, [], true, '', entry, text.slice(1), text.slice(0, -1), `${text} `]) {
      kept.set(place, { ...item, json: JSON.stringify(value) })
      expect(await store.get('key')).toBeUndefined()
    }
    kept.set(place, item)
    expect(await store.get('key')).toEqual(entry)
  })
})
