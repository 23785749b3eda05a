import { digest } from './digest.js'
import { formatEntry, parseEntry } from './entry-codec.js'
import type { CacheStore } from './store.js'

/** What `runtimeCacheStore` uses of what `getCache` of `@vercel/functions` gives. */
export interface RuntimeCache {
  get(key: string): Promise<unknown>
  set(key: string, value: unknown, options?: { name?: string; tags?: string[]; ttl?: number }): Promise<void>
  delete(key: string): Promise<void>
  expireTag(tag: string | string[]): Promise<void>
}

/**
 * Keeps entries in Vercel's runtime cache. Each region has its own entries. What is revalidated in one region is at once
 * in this one, and in the others as soon as Vercel has told them: they may serve what they have until then. An item that
 * is larger than Vercel takes (2 MB) is not kept, and there are no leases.
 *
 * `getCache` makes 32 bits of a key unless it is told otherwise, so that keys get into each other's way. Those that it is
 * given here are short already.
 *
 * @see https://vercel.com/docs/runtime-cache
 * @example
 * import { getCache } from '@vercel/functions'
 * const cache = createCache({ store: runtimeCacheStore(getCache({ keyHashFunction: (key) => key })) })
 */
export function runtimeCacheStore(cache: RuntimeCache): CacheStore {
  const entryKey = async (key: string): Promise<string> => `byway-entry-${await digest(key)}`
  const markKey = async (mark: string): Promise<string> => `byway-mark-${await digest(mark)}`

  // With its key before it, for the case that another item has the same place.
  const readVersion = async (key: string): Promise<string | undefined> => {
    const value = await cache.get(key)
    return typeof value === 'string' && value.startsWith(`${key}.`) ? value.slice(key.length + 1) : undefined
  }
  // The client keeps it to itself when it has failed: what counts is what is there afterwards.
  const writeVersion = async (key: string, version: string): Promise<string | undefined> => {
    await cache.set(key, `${key}.${version}`, { tags: [key] })
    return readVersion(key)
  }
  const version = async (mark: string): Promise<string> => {
    const key = await markKey(mark)
    // One that is not kept matches nothing later, which is safe.
    return (await readVersion(key)) ?? (await writeVersion(key, crypto.randomUUID())) ?? crypto.randomUUID()
  }
  const renew = async (mark: string): Promise<void> => {
    const key = await markKey(mark)
    // In all regions, which lose their versions by it.
    await cache.expireTag(key)
    let seen: string | undefined
    for (let attempt = 0; attempt < 3; attempt++) {
      const made = crypto.randomUUID()
      const found = await writeVersion(key, made)
      // Two of others, one after the other, mean that the later one was written after this began.
      if (found === made || (found !== undefined && seen !== undefined && found !== seen)) return
      seen = found ?? seen
    }
    throw new Error(`the runtime cache did not take a new version of '${mark}'; it may still serve what depends on it`)
  }

  return {
    async get(key) {
      const text = await cache.get(await entryKey(key))
      const entry = typeof text === 'string' ? parseEntry(text) : undefined
      return entry?.key === key && !(entry.expires !== null && entry.expires <= Date.now()) ? entry : undefined
    },
    async set(key, entry) {
      const name = await entryKey(key)
      if (entry.expires === null) return cache.set(name, formatEntry(entry))
      const ttl = Math.ceil((entry.expires - Date.now()) / 1000)
      return ttl > 0 ? cache.set(name, formatEntry(entry), { ttl }) : cache.delete(name)
    },
    async delete(key) {
      await cache.delete(await entryKey(key))
    },
    versions(marks) {
      return Promise.all(marks.map(version))
    },
    async renew(marks) {
      await Promise.all([...new Set(marks)].map(renew))
    },
  }
}
