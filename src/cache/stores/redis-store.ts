import { digest } from './digest.js'
import { formatEntry, parseEntry } from './entry-codec.js'
import type { CacheStore } from './store.js'

/** What `redisStore` needs of a client of the package `redis`: of `createClient`, `createClientPool` or `createCluster`. */
export interface NodeRedisClient {
  get(key: string): Promise<unknown>
  set(key: string, value: string, options: { PX: number; NX?: true }): Promise<unknown>
  del(key: string): Promise<unknown>
  pExpire(key: string, milliseconds: number): Promise<unknown>
  /** Redis's EVAL: the script is byway's own, and runs in Redis. */
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>
  on(event: 'error', listener: () => void): unknown
}

/** What `redisStore` needs of a client of the package `ioredis`: of `Redis` or `Cluster`. */
export interface IORedisClient {
  get(key: string): Promise<unknown>
  set(key: string, value: string, px: 'PX', milliseconds: number): Promise<unknown>
  set(key: string, value: string, px: 'PX', milliseconds: number, nx: 'NX'): Promise<unknown>
  del(key: string): Promise<unknown>
  pexpire(key: string, milliseconds: number): Promise<unknown>
  /** Redis's EVAL: the script is byway's own, and runs in Redis. */
  eval(script: string, numberOfKeys: number, key: string, ...args: string[]): Promise<unknown>
  defineCommand(name: string, definition: { lua: string }): unknown
}

export interface RedisStoreOptions {
  /** What every key in Redis begins with, before a `:`. @default 'byway' */
  readonly prefix?: string
}

// All that is asked of Redis. Each command has one key, so every one finds its node of a cluster.
interface Commands {
  get(key: string): Promise<unknown>
  set(key: string, value: string, milliseconds: number): Promise<unknown>
  /** Resolves to the version of a mark, which it makes where there is none. */
  begin(key: string, id: string, milliseconds: number): Promise<unknown>
  /** Resolves to null where there is a value already. */
  add(key: string, value: string, milliseconds: number): Promise<unknown>
  delete(key: string): Promise<unknown>
  deleteIfEqual(key: string, value: string): Promise<unknown>
  expire(key: string, milliseconds: number): Promise<unknown>
}

const isVersion = (text: string): boolean => /^[\da-f-]{36}:\d+:\d+$/.test(text)

const lifetime = 90 * 24 * 60 * 60 * 1_000

/**
 * Keeps entries in Redis 6 or newer, or in Valkey, for all machines that share it: as one server, behind a sentinel, or as a
 * cluster. A mark's version is a random id, so one that was evicted or lost with the server outdates what depended on it.
 *
 * An entry that nobody has made again for 90 days is a miss, `revalidate: false` or not. Give Redis a `maxmemory` and
 * `maxmemory-policy allkeys-lru`. Reads must come from masters, not from replicas or a client-side cache, which lag behind
 * `revalidateTag`. Likewise a server that comes back from an older snapshot, or a replica that takes over before it has
 * heard of them, has forgotten the latest invalidations.
 *
 * While Redis is down, a client that queues lets everyone wait for the cache's timeout first, so tell it not to. While a
 * connection is dead but open, only a `socketTimeout` ends it, and for node-redis only once that long nothing was written to
 * it either. node-redis then stays closed for good unless it has a `reconnectStrategy` of your own, and it ends the process
 * for want of an `error` listener, which this adds.
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
 * @throws TypeError for what is neither client, and for one that is seen to read from replicas or from a client-side cache.
 */
export function redisStore(
  client: NodeRedisClient | IORedisClient,
  { prefix = 'byway' }: RedisStoreOptions = {},
): CacheStore {
  const redis = toCommands(client)
  const entryKey = async (key: string): Promise<string> => `${prefix}:e:${await digest(key)}`
  const leaseKey = async (key: string): Promise<string> => `${prefix}:l:${await digest(key)}`
  // Neither form can be the other's, and braces, which choose the node of a cluster, are in none.
  const markKey = async (mark: string): Promise<string> =>
    `${prefix}:m:${/^[\w:/.-]{1,100}$/.test(mark) ? mark : `#${await digest(mark)}`}`

  const versionOf = async (mark: string): Promise<string> => {
    const key = await markKey(mark)
    const { text, isOther } = await read(redis, key)
    if (text !== undefined && isVersion(text)) return text
    const id = crypto.randomUUID()
    // What is not from here may be there a second time, after another version.
    if (isOther || text !== undefined) await redis.delete(key)
    try {
      const version = toText(await redis.begin(key, id, lifetime))
      return version !== undefined && isVersion(version) ? version : id
    } catch (error) {
      // Nothing can be stored under it, and what is there can still be served.
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
        // For if it goes before the entry does, the entry was kept in vain.
        ...entry.marks.map(async ([mark]) => redis.expire(await markKey(mark), lifetime)),
      ])
    },

    async delete(key) {
      await redis.delete(await entryKey(key))
    },

    versions: (marks) => Promise.all(marks.map(versionOf)),

    async renew(marks) {
      // Whoever asks next gives it a new one. A Redis that is full still deletes.
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

/** The text under a key, or that there is something other than a text. */
async function read(redis: Commands, key: string): Promise<{ readonly text?: string; readonly isOther?: boolean }> {
  try {
    const text = toText(await redis.get(key))
    return text === undefined ? {} : { text }
  } catch (error) {
    // It is this key's trouble, not the server's.
    if (isReply(error, 'WRONGTYPE')) return { isOther: true }
    throw error
  }
}

const toText = (value: unknown): string | undefined =>
  // As clients answer whose type mapping says so.
  value instanceof Uint8Array ? new TextDecoder().decode(value) : typeof value === 'string' ? value : undefined

// From a script it may come with more around it.
const isReply = (error: unknown, code: string): boolean =>
  error instanceof Error && new RegExp(`^\\W*${code}\\b`).test(error.message)

// A client that has lost its connection may send a command again. With the time in it, that is another version then, and
// none that was outdated in between.
const begin = `
local time = redis.call('TIME')
local version = ARGV[1] .. ':' .. time[1] .. ':' .. time[2]
local done = redis.pcall('SET', KEYS[1], version, 'PX', ARGV[2], 'NX')
if done then return done.err and done or version end
local other = redis.pcall('GET', KEYS[1])
return type(other) == 'string' and other`

// Compared and deleted as one step.
const deleteIfEqual = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"

function toCommands(client: NodeRedisClient | IORedisClient): Commands {
  const members = client as Partial<NodeRedisClient & IORedisClient> | null | undefined
  if (typeof members?.pExpire === 'function') return fromNodeRedis(client as NodeRedisClient)
  if (typeof members?.pexpire === 'function' && typeof members.defineCommand === 'function')
    return fromIORedis(client as IORedisClient)
  throw new TypeError(
    typeof (client as { then?: unknown } | undefined)?.then === 'function'
      ? 'redisStore() takes a client, not a promise of one: await it.'
      : 'redisStore() takes a client of the package redis (4 or newer) or ioredis. For another one, write a CacheStore.',
  )
}

interface Lagging {
  readonly useReplicas: boolean
  readonly clientSideCache: object
}

function fromNodeRedis(client: NodeRedisClient): Commands {
  const { options, _options = options } = client as { [key in 'options' | '_options']?: Partial<Lagging> }
  if (_options?.useReplicas)
    throw new TypeError('redisStore() needs a client without useReplicas: a replica lags behind.')
  if (_options?.clientSideCache)
    throw new TypeError('redisStore() needs a client without clientSideCache: it lags behind Redis.')
  // Commands reject all the same, and without a listener the process would end.
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
    throw new TypeError("redisStore() needs a client with scaleReads: 'master': a replica lags behind.")
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
