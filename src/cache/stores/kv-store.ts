import { digest } from './digest.js'
import { formatEntry, parseEntry } from './entry-codec.js'
import type { CacheStore, Entry } from './store.js'

/** What `kvStore` uses of a binding to Cloudflare KV. */
export interface KvNamespace {
  get(key: string, type: 'text'): Promise<string | null>
  put(key: string, value: string, options?: { expirationTtl?: number }): Promise<void>
  delete(key: string): Promise<void>
}

export interface KvStoreOptions {
  /** What KV has: a location may see what another one wrote, or deleted, up to 60 seconds late. To write it down is to accept it. */
  readonly consistency: 'eventual'
  /** What its keys begin with, at most 200 characters of ASCII. @default 'byway' */
  readonly prefix?: string
}

/**
 * Keeps entries in Cloudflare KV, for all locations. It is for what may be late, and cannot promise what other stores do:
 *
 * - What was revalidated or deleted in one location may be served in others for up to 60 seconds more.
 * - There are no leases: several locations may make an entry at once, and the last one's is kept.
 * - A key takes one write a second: an entry, or a tag, that is written more often fails with what KV throws.
 * - A value has 25 MiB at most, and bytes that are not text take a third more than they are.
 *
 * Every tag that was ever revalidated stays in the namespace.
 *
 * @throws TypeError without `consistency`, or for a `prefix` that is none.
 * @see https://developers.cloudflare.com/kv/concepts/how-kv-works/#consistency
 * @example
 * const cache = createCache({ store: (env: Env) => kvStore(env.CACHE, { consistency: 'eventual' }) })
 */
export function kvStore(namespace: KvNamespace, options: KvStoreOptions): CacheStore {
  const { consistency, prefix = 'byway' } = options ?? {}
  if (consistency !== 'eventual')
    throw new TypeError(
      "kvStore() takes { consistency: 'eventual' }: what is revalidated may be served up to 60 seconds more elsewhere",
    )
  if (typeof prefix !== 'string' || !/^[!-~]{1,200}$/.test(prefix))
    throw new TypeError('kvStore() takes a prefix of 1 to 200 characters of ASCII without spaces')

  const entryKey = async (key: string): Promise<string> => `${prefix}/entry/${await digest(key)}`
  const markKey = async (mark: string): Promise<string> => `${prefix}/mark/${await digest(mark)}`

  // Writes are dear: what was never revalidated has one version in common, which is a new one if the namespace is emptied.
  // What was revalidated has its own for good, so that it never gets back to that one.
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
