import { digest } from './digest.js'
import { formatEntry, parseEntry } from './entry-codec.js'
import type { CacheStore } from './store.js'

/** The methods of a client from the package `redis` that `redisStore` uses: from `createClient`, `createClientPool` or `createCluster`. */
export interface NodeRedisClient {
  get(key: string): Promise<unknown>
  set(key: string, value: string, options: { PX: number; NX?: true }): Promise<unknown>
  del(key: string): Promise<unknown>
  pExpire(key: string, milliseconds: number): Promise<unknown>
  /** Redis's EVAL. The script is a constant of byway, and runs in Redis. */
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>
  on(event: 'error', listener: () => void): unknown
}

/** The methods of a client from the package `ioredis` that `redisStore` uses: a `Redis` or a `Cluster`. */
export interface IORedisClient {
  get(key: string): Promise<unknown>
  set(key: string, value: string, px: 'PX', milliseconds: number): Promise<unknown>
  set(key: string, value: string, px: 'PX', milliseconds: number, nx: 'NX'): Promise<unknown>
  del(key: string): Promise<unknown>
  pexpire(key: string, milliseconds: number): Promise<unknown>
  /** Redis's EVAL. The script is a constant of byway, and runs in Redis. */
  eval(script: string, numberOfKeys: number, key: string, ...args: string[]): Promise<unknown>
  defineCommand(name: string, definition: { lua: string }): unknown
}

export interface RedisStoreOptions {
  /** The beginning of every key in Redis, before a `:`. @default 'byway' */
  readonly prefix?: string
}

// The commands that byway sends. Each has one key, so a cluster can route it.
interface Commands {
  get(key: string): Promise<unknown>
  set(key: string, value: string, milliseconds: number): Promise<unknown>
  /** Resolves to the version of a mark, and creates one if it is missing. */
  begin(key: string, id: string, milliseconds: number): Promise<unknown>
  /** Resolves to null if the key has a value. */
  add(key: string, value: string, milliseconds: number): Promise<unknown>
  delete(key: string): Promise<unknown>
  deleteIfEqual(key: string, value: string): Promise<unknown>
  expire(key: string, milliseconds: number): Promise<unknown>
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
  const redis = toCommands(client)
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
      const version = toText(await redis.begin(key, id, lifetime))
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
      if ((await redis.add(name, token, Math.max(1, Math.ceil(milliseconds)))) === null) return undefined
      return { release: async () => void (await redis.deleteIfEqual(name, token)) }
    },
  }
}

/** Reads the text of a key, or finds that the key has a value of another type. */
async function read(redis: Commands, key: string): Promise<{ readonly text?: string; readonly isOther?: boolean }> {
  try {
    const text = toText(await redis.get(key))
    return text === undefined ? {} : { text }
  } catch (error) {
    // The error concerns this key, and not the server.
    if (isReply(error, 'WRONGTYPE')) return { isOther: true }
    throw error
  }
}

const toText = (value: unknown): string | undefined =>
  // Clients with a type mapping return bytes.
  value instanceof Uint8Array ? new TextDecoder().decode(value) : typeof value === 'string' ? value : undefined

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

function toCommands(client: NodeRedisClient | IORedisClient): Commands {
  const members = client as Partial<NodeRedisClient & IORedisClient> | null | undefined
  if (typeof members?.pExpire === 'function') return fromNodeRedis(client as NodeRedisClient)
  if (typeof members?.pexpire === 'function' && typeof members.defineCommand === 'function')
    return fromIORedis(client as IORedisClient)
  throw new TypeError(
    typeof (client as { then?: unknown } | undefined)?.then === 'function'
      ? 'redisStore() takes a client, not a promise; await it'
      : 'redisStore() takes a client of the package redis (4 or newer) or ioredis; for other clients, write a CacheStore',
  )
}

interface Lagging {
  readonly useReplicas: boolean
  readonly clientSideCache: object
}

function fromNodeRedis(client: NodeRedisClient): Commands {
  const { options, _options = options } = client as { [key in 'options' | '_options']?: Partial<Lagging> }
  if (_options?.useReplicas)
    throw new TypeError('redisStore() needs a client without useReplicas, because a replica lags behind')
  if (_options?.clientSideCache)
    throw new TypeError('redisStore() needs a client without clientSideCache, because that cache lags behind')
  // Commands reject too, and without a listener the process would end.
  client.on('error', () => {})
  return {
    get: (key) => client.get(key),
    set: (key, value, milliseconds) => client.set(key, value, { PX: milliseconds }),
    begin: (key, id, milliseconds) => client.eval(begin, { keys: [key], arguments: [id, String(milliseconds)] }),
    add: (key, value, milliseconds) => client.set(key, value, { PX: milliseconds, NX: true }),
    delete: (key) => client.del(key),
    deleteIfEqual: (key, value) => client.eval(deleteIfEqual, { keys: [key], arguments: [value] }),
    expire: (key, milliseconds) => client.pExpire(key, milliseconds),
  }
}

function fromIORedis(client: IORedisClient): Commands {
  const { options } = client as { options?: { scaleReads?: unknown } }
  if ((options?.scaleReads ?? 'master') !== 'master')
    throw new TypeError("redisStore() needs a client with scaleReads: 'master', because a replica lags behind")
  return {
    get: (key) => client.get(key),
    set: (key, value, milliseconds) => client.set(key, value, 'PX', milliseconds),
    begin: (key, id, milliseconds) => client.eval(begin, 1, key, id, String(milliseconds)),
    add: (key, value, milliseconds) => client.set(key, value, 'PX', milliseconds, 'NX'),
    delete: (key) => client.del(key),
    deleteIfEqual: (key, value) => client.eval(deleteIfEqual, 1, key, value),
    expire: (key, milliseconds) => client.pexpire(key, milliseconds),
  }
}
