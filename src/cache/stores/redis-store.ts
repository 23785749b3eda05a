import { toRedis, toText, type IORedisClient, type NodeRedisClient, type Redis } from '../../redis/client.js'
import { digest } from './digest.js'
import { formatEntry, parseEntry } from './entry-codec.js'
import type { CacheStore } from './store.js'

export interface RedisStoreOptions {
  /** The beginning of every key in Redis, before a `:`. @default 'byway' */
  readonly prefix?: string
}

const isVersion = (text: string): boolean => /^[\da-f-]{36}:\d+:\d+$/.test(text)

const lifetime = 90 * 24 * 60 * 60 * 1_000

/**
 * Stores entries in Redis 6 or newer, or in Valkey, for all machines that share it: one server, behind a sentinel, or a
 * cluster. The version of a mark is a random id. If it is evicted or lost, the entries that depend on it expire.
 *
 * An entry expires after 90 days, with `revalidate: false` too. Configure Redis with `maxmemory` and `maxmemory-policy
 * allkeys-lru`. Read from masters: replicas and client-side caches lag behind `revalidateTag`. A server that restarts from an
 * older snapshot, or a replica that takes over early, loses the latest invalidations.
 *
 * While Redis is down, a client with an offline queue makes each request wait for the cache's `storeTimeout`, so disable the
 * queue. Only a `socketTimeout` closes a dead connection; node-redis needs that long without a write, too. node-redis
 * reconnects only with a `reconnectStrategy` of your own, and ends the process without an `error` listener, which this adds.
 *
 * @example
 * ```ts
 * const client = createClient({
 *   url: process.env.REDIS_URL,
 *   disableOfflineQueue: true,
 *   pingInterval: 2_000,
 *   socket: { socketTimeout: 5_000, reconnectStrategy: (tries) => Math.min(tries * 100, 2_000) },
 * })
 * await client.connect()
 * const cache = createCache({ store: redisStore(client) })
 * ```
 *
 * @example
 * ```ts
 * const client = new Redis(process.env.REDIS_URL, {
 *   enableOfflineQueue: false,
 *   maxRetriesPerRequest: 0,
 *   socketTimeout: 5_000,
 * })
 * const cache = createCache({ store: redisStore(client) })
 * ```
 *
 * @throws TypeError if `client` is neither client, or is configured to read from replicas or from a client-side cache.
 */
export function redisStore(
  client: NodeRedisClient | IORedisClient,
  { prefix = 'byway' }: RedisStoreOptions = {},
): CacheStore {
  const redis = toRedis('redisStore()', client)
  const entryKey = async (key: string): Promise<string> => `${prefix}:e:${await digest(key)}`
  const leaseKey = async (key: string): Promise<string> => `${prefix}:l:${await digest(key)}`
  // The two forms are disjoint, and neither has braces, which select the node of a cluster.
  const markKey = async (mark: string): Promise<string> =>
    `${prefix}:m:${/^[\w:/.-]{1,100}$/.test(mark) ? mark : `#${await digest(mark)}`}`

  const versionOf = async (mark: string): Promise<string> => {
    const key = await markKey(mark)
    const { text, isOther } = await read(redis, key)
    if (text !== undefined && isVersion(text)) return text
    const id = crypto.randomUUID()
    // A value that byway did not write can return after another version.
    if (isOther || text !== undefined) await redis.delete(key)
    try {
      const version = toText(await redis.eval(begin, key, [id, String(lifetime)]))
      return version !== undefined && isVersion(version) ? version : id
    } catch (error) {
      // No entry can be stored with it, but stored entries can be served.
      if (isReply(error, 'OOM')) return id
      throw error
    }
  }

  return {
    async get(key) {
      const { text } = await read(redis, await entryKey(key))
      return text === undefined ? undefined : parseEntry(text)
    },

    async set(key, entry) {
      const name = await entryKey(key)
      const rest = Math.min(Math.ceil((entry.expires ?? Infinity) - Date.now()), lifetime)
      await Promise.all([
        rest > 0 ? redis.set(name, formatEntry(entry), rest) : redis.delete(name),
        // If a mark expires before the entry, the entry is lost.
        ...entry.marks.map(async ([mark]) => redis.expire(await markKey(mark), lifetime)),
      ])
    },

    async delete(key) {
      await redis.delete(await entryKey(key))
    },

    versions: (marks) => Promise.all(marks.map(versionOf)),

    async renew(marks) {
      // The next read creates a new version. A Redis that is full can still delete.
      await Promise.all(marks.map(async (mark) => redis.delete(await markKey(mark))))
    },

    async lease(key, milliseconds) {
      const name = await leaseKey(key)
      const token = crypto.randomUUID()
      if ((await redis.set(name, token, Math.max(1, Math.ceil(milliseconds)), 'NX')) === null) return undefined
      return { release: async () => void (await redis.eval(deleteIfEqual, name, [token])) }
    },
  }
}

/** Reads the text of a key, or finds that the key has a value of another type. */
async function read(redis: Redis, key: string): Promise<{ readonly text?: string; readonly isOther?: boolean }> {
  try {
    const text = toText(await redis.get(key))
    return text === undefined ? {} : { text }
  } catch (error) {
    // The error concerns this key, and not the server.
    if (isReply(error, 'WRONGTYPE')) return { isOther: true }
    throw error
  }
}

// The error of a script has more text around the code.
const isReply = (error: unknown, code: string): boolean =>
  error instanceof Error && new RegExp(`^\\W*${code}\\b`).test(error.message)

// A client that reconnects can send a command twice. The time makes the second version different, so that it is not one that
// was renewed in between.
const begin = `
local time = redis.call('TIME')
local version = ARGV[1] .. ':' .. time[1] .. ':' .. time[2]
local done = redis.pcall('SET', KEYS[1], version, 'PX', ARGV[2], 'NX')
if done then return done.err and done or version end
local other = redis.pcall('GET', KEYS[1])
return type(other) == 'string' and other`

// Compares and deletes atomically.
const deleteIfEqual = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"
