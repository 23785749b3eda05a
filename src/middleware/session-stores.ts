import { toRedis, toText, type IORedisClient, type NodeRedisClient } from '../redis/client.js'

/** Stores sessions for `session()`. An ID is the SHA-256 of the one in the cookie, so who reads the store cannot use it. */
export interface SessionStore {
  /** Resolves to the text of a session, or `undefined`. */
  get(id: string): Promise<string | undefined>
  /** Stores a new session until `expires`, in milliseconds since 1970. */
  create(id: string, text: string, expires: number): Promise<void>
  /** Replaces a session. Does nothing if it no longer exists: a logout is final. Resolves to whether it exists. */
  update(id: string, text: string, expires: number): Promise<boolean>
  delete(id: string): Promise<void>
}

export interface MemorySessionsOptions {
  /** How many sessions are stored. Above it, the oldest one is deleted. @default 100_000 */
  readonly maxSessions?: number
}

/** Stores sessions in this process. They end with it. */
export function memorySessions({ maxSessions = 100_000 }: MemorySessionsOptions = {}): SessionStore {
  if (!(maxSessions >= 1))
    throw new RangeError(`memorySessions() takes maxSessions of at least 1, not ${String(maxSessions)}`)
  const sessions = new Map<string, { readonly text: string; readonly expires: number }>()
  const set = (id: string, text: string, expires: number): void => {
    sessions.delete(id)
    sessions.set(id, { text, expires })
    if (sessions.size > maxSessions) sessions.delete(sessions.keys().next().value!)
  }
  const find = (id: string): string | undefined => {
    const session = sessions.get(id)
    if (session && session.expires > Date.now()) return session.text
    sessions.delete(id)
    return undefined
  }
  return {
    get: async (id) => find(id),
    create: async (id, text, expires) => set(id, text, expires),
    async update(id, text, expires) {
      if (find(id) === undefined) return false
      set(id, text, expires)
      return true
    },
    delete: async (id) => void sessions.delete(id),
  }
}

export interface RedisSessionsOptions {
  /** The beginning of every key in Redis, before a `:`. @default 'byway:session' */
  readonly prefix?: string
}

/**
 * Stores sessions in Redis 6 or newer, or in Valkey, for all processes that share it. Configure Redis with a
 * `maxmemory-policy` that does not evict sessions, such as `noeviction`.
 *
 * @throws TypeError if `client` is not a client of the package `redis` or `ioredis`.
 */
export function redisSessions(
  client: NodeRedisClient | IORedisClient,
  { prefix = 'byway:session' }: RedisSessionsOptions = {},
): SessionStore {
  const redis = toRedis('redisSessions()', client)
  const keyOf = (id: string): string => `${prefix}:${id}`
  const rest = (expires: number): number => Math.max(1, Math.ceil(expires - Date.now()))
  return {
    get: async (id) => toText(await redis.get(keyOf(id))),
    create: async (id, text, expires) => void (await redis.set(keyOf(id), text, rest(expires))),
    update: async (id, text, expires) => (await redis.set(keyOf(id), text, rest(expires), 'XX')) !== null,
    delete: async (id) => void (await redis.delete(keyOf(id))),
  }
}
