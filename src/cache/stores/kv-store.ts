import { digest } from './digest.js'
import { formatEntry, parseEntry } from './entry-codec.js'
import type { CacheStore, Entry } from './store.js'

/** The methods of a Cloudflare KV binding that `kvStore` uses. */
export interface KvNamespace {
  get(key: string, type: 'text'): Promise<string | null>
  put(key: string, value: string, options?: { expirationTtl?: number }): Promise<void>
  delete(key: string): Promise<void>
}

export interface KvStoreOptions {
  /** Accepts KV's consistency: a location can see writes and deletions of other locations up to 60 seconds late. */
  readonly consistency: 'eventual'
  /** The beginning of its keys, at most 200 characters of ASCII. @default 'byway' */
  readonly prefix?: string
}

/**
 * Stores entries in Cloudflare KV, for all locations. Its guarantees are weaker than those of other stores:
 *
 * - After an invalidation or a deletion, other locations can serve the old entry for up to 60 seconds.
 * - There are no leases: several locations can run concurrently for one key, and the last entry is stored.
 * - A key accepts one write per second. A second write of an entry or a tag fails with KV's error.
 * - A value has at most 25 MiB. Bytes that are not text need a third more.
 *
 * Every tag that was revalidated stays in the namespace.
 *
 * @throws TypeError if `consistency` is missing or `prefix` is invalid.
 * @see https://developers.cloudflare.com/kv/concepts/how-kv-works/#consistency
 * @example
 * const cache = createCache({ store: (env: Env) => kvStore(env.CACHE, { consistency: 'eventual' }) })
 */
export function kvStore(namespace: KvNamespace, options: KvStoreOptions): CacheStore {
  const { consistency, prefix = 'byway' } = options ?? {}
  if (consistency !== 'eventual')
    throw new TypeError(
      "kvStore() takes { consistency: 'eventual' }: other locations can serve an invalidated entry for up to 60 seconds",
    )
  if (typeof prefix !== 'string' || !/^[!-~]{1,200}$/.test(prefix))
    throw new TypeError('kvStore() takes a prefix of 1 to 200 characters of ASCII without spaces')

  const entryKey = async (key: string): Promise<string> => `${prefix}/entry/${await digest(key)}`
  const markKey = async (mark: string): Promise<string> => `${prefix}/mark/${await digest(mark)}`

  // Writes are expensive, so all marks that were never revalidated share one version, which changes if the namespace is
  // emptied. A mark that was revalidated keeps a version of its own, so that it never gets the shared one again.
  const shared = async (): Promise<string> => {
    const key = `${prefix}/version`
    const found = await namespace.get(key, 'text')
    if (found) return found
    const version = crypto.randomUUID()
    await namespace.put(key, version)
    return version
  }

  return {
    async get(key) {
      const text = await namespace.get(await entryKey(key), 'text')
      const entry = text === null ? undefined : parseEntry(text)
      return entry?.key === key && !(entry.expires !== null && entry.expires <= Date.now()) ? entry : undefined
    },
    async set(key, entry: Entry) {
      const name = await entryKey(key)
      if (entry.expires === null) return namespace.put(name, formatEntry(entry))
      const seconds = Math.ceil((entry.expires - Date.now()) / 1000)
      if (seconds <= 0) return namespace.delete(name)
      // https://developers.cloudflare.com/kv/api/write-key-value-pairs/#expiring-keys
      return namespace.put(name, formatEntry(entry), { expirationTtl: Math.max(60, seconds) })
    },
    async delete(key) {
      return namespace.delete(await entryKey(key))
    },
    async versions(marks) {
      if (!marks.length) return []
      const own = marks.map(async (mark) => namespace.get(await markKey(mark), 'text'))
      const [common, ...versions] = await Promise.all([shared(), ...own])
      return versions.map((version) => version || common)
    },
    async renew(marks) {
      const write = async (mark: string): Promise<void> => namespace.put(await markKey(mark), crypto.randomUUID())
      await Promise.all([...new Set(marks)].map(write))
    },
  }
}
