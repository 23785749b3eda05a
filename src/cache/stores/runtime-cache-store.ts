import { digest } from './digest.js'
import { formatEntry, parseEntry } from './entry-codec.js'
import type { CacheStore } from './store.js'

/** The methods of the runtime cache that `runtimeCacheStore` uses; `getCache` from `@vercel/functions` returns it. */
export interface RuntimeCache {
  get(key: string): Promise<unknown>
  set(key: string, value: unknown, options?: { name?: string; tags?: string[]; ttl?: number }): Promise<void>
  delete(key: string): Promise<void>
  expireTag(tag: string | string[]): Promise<void>
}

/**
 * Stores entries in Vercel's runtime cache. Each region has its own entries. An invalidation takes effect immediately in its
 * region, and in the others when Vercel has propagated it; until then they can serve the old entries. An item above Vercel's
 * limit (2 MB) is not stored, and there are no leases.
 *
 * By default, `getCache` hashes a key to 32 bits, so that two keys can collide. The keys of this store are short, so pass
 * `keyHashFunction` as in the example.
 *
 * @see https://vercel.com/docs/runtime-cache
 * @example
 * import { getCache } from '@vercel/functions'
 * const cache = createCache({ store: runtimeCacheStore(getCache({ keyHashFunction: (key) => key })) })
 */
export function runtimeCacheStore(cache: RuntimeCache): CacheStore {
  const entryKey = async (key: string): Promise<string> => `byway-entry-${await digest(key)}`
  const markKey = async (mark: string): Promise<string> => `byway-mark-${await digest(mark)}`

  // With its key in front, because another item can have the same place.
  const readVersion = async (key: string): Promise<string | undefined> => {
    const value = await cache.get(key)
    return typeof value === 'string' && value.startsWith(`${key}.`) ? value.slice(key.length + 1) : undefined
  }
  // The client does not report a failure, so the value is read again.
  const writeVersion = async (key: string, version: string): Promise<string | undefined> => {
    await cache.set(key, `${key}.${version}`, { tags: [key] })
    return readVersion(key)
  }
  const version = async (mark: string): Promise<string> => {
    const key = await markKey(mark)
    // A version that is not stored matches no later one, which is safe.
    return (await readVersion(key)) ?? (await writeVersion(key, crypto.randomUUID())) ?? crypto.randomUUID()
  }
  const renew = async (mark: string): Promise<void> => {
    const key = await markKey(mark)
    // All regions lose their versions.
    await cache.expireTag(key)
    let seen: string | undefined
    for (let attempt = 0; attempt < 3; attempt++) {
      const made = crypto.randomUUID()
      const found = await writeVersion(key, made)
      // Of two versions that others wrote, the second was written after this call began.
      if (found === made || (found !== undefined && seen !== undefined && found !== seen)) return
      seen = found ?? seen
    }
    throw new Error(
      `the runtime cache did not store a new version of '${mark}'; entries that depend on it can still be served`,
    )
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
