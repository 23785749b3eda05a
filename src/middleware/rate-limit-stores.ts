import { toRedis, type IORedisClient, type NodeRedisClient } from '../redis/client.js'

/** The limit that a store applies. */
export interface Quota {
  /** How many requests a key can send in a window. */
  readonly limit: number
  /** Milliseconds. */
  readonly window: number
}

/** The state of a key after a request. */
export interface Usage {
  readonly isAllowed: boolean
  /** How many more requests the key can send now. */
  readonly remaining: number
  /** Milliseconds until the key can send more requests than `remaining`. */
  readonly reset: number
}

/** Counts requests for `rateLimit()`. */
export interface RateLimitStore {
  /** Counts a request of a key, unless it is above the quota. Calls for one key must not interleave. */
  count(key: string, quota: Quota): Usage | Promise<Usage>
}

export interface MemoryRateLimitsOptions {
  /** How many keys are counted. Above it, the key that has been idle longest is forgotten. @default 100_000 */
  readonly maxKeys?: number
}

// A window that slides: of the previous window, the part that is still in it counts.
interface Counts {
  index: number
  current: number
  previous: number
}

/** Counts requests in this process. */
export function memoryRateLimits({ maxKeys = 100_000 }: MemoryRateLimitsOptions = {}): RateLimitStore {
  if (!(maxKeys >= 1)) throw new RangeError(`memoryRateLimits() takes maxKeys of at least 1, not ${String(maxKeys)}`)
  // In the order of their last request. While there is ample room, that of their last window is enough, and costs less.
  const keys = new Map<string, Counts>()
  return {
    count(key, { limit, window }) {
      const now = Date.now()
      const index = Math.floor(now / window)
      const known = keys.get(key)
      const counts = toCounts(known, index)
      if (counts !== known || keys.size > maxKeys / 2) {
        keys.delete(key)
        keys.set(key, counts)
        if (keys.size > maxKeys) keys.delete(keys.keys().next().value!)
      }
      const usage = measure(counts, limit, window, now)
      if (usage.isAllowed) counts.current++
      return usage
    },
  }
}

function toCounts(known: Counts | undefined, index: number): Counts {
  if (!known) return { index, current: 0, previous: 0 }
  if (index <= known.index) return known
  return { index, current: 0, previous: index === known.index + 1 ? known.current : 0 }
}

/** The usage if one more request is counted. The script for Redis computes the same. */
function measure({ current, previous }: Counts, limit: number, window: number, now: number): Usage {
  const elapsed = now % window
  const used = (previous * (window - elapsed)) / window + current
  const left = limit - used - 1
  const rest = window - elapsed
  if (left >= 0) return { isAllowed: true, remaining: Math.floor(left), reset: rest }
  // The previous window's part must shrink to `limit - current - 1`; else this window's, once it is the previous one.
  const reset =
    current < limit
      ? window - elapsed - Math.floor((window * (limit - current - 1)) / previous)
      : rest + window - Math.floor((window * (limit - 1)) / current)
  return { isAllowed: false, remaining: 0, reset: Math.max(1, reset) }
}

export interface RedisRateLimitsOptions {
  /** The beginning of every key in Redis, before a `:`. @default 'byway:rate' */
  readonly prefix?: string
}

/**
 * Counts requests in Redis 6 or newer, or in Valkey, for all processes that share it. One script for each request counts by
 * the clock of Redis. Counts expire after two windows.
 *
 * @throws TypeError if `client` is not a client of the package `redis` or `ioredis`.
 */
export function redisRateLimits(
  client: NodeRedisClient | IORedisClient,
  { prefix = 'byway:rate' }: RedisRateLimitsOptions = {},
): RateLimitStore {
  const redis = toRedis('redisRateLimits()', client)
  return {
    async count(key, { limit, window }) {
      const reply = (await redis.eval(count, `${prefix}:${key}`, [String(limit), String(window)])) as unknown[]
      const [isAllowed, remaining, reset] = reply.map(Number)
      if (!(remaining! >= 0 && reset! >= 0))
        throw new TypeError('Redis sent an invalid reply to the script of redisRateLimits()')
      return { isAllowed: isAllowed === 1, remaining: remaining!, reset: reset! }
    },
  }
}

const count = `
local limit, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local index = math.floor(now / window)
local known = redis.call('HMGET', KEYS[1], 'i', 'c', 'p')
local last, current, previous = tonumber(known[1]) or index, tonumber(known[2]) or 0, tonumber(known[3]) or 0
if index > last then
  previous = index == last + 1 and current or 0
  current = 0
end
local elapsed = now % window
local left = limit - (previous * (window - elapsed) / window + current) - 1
local rest = window - elapsed
if left >= 0 then
  redis.call('HSET', KEYS[1], 'i', index, 'c', current + 1, 'p', previous)
  redis.call('PEXPIRE', KEYS[1], 2 * window)
  return { 1, math.floor(left), rest }
end
if current < limit then
  return { 0, 0, math.max(1, rest - math.floor(window * (limit - current - 1) / previous)) }
end
return { 0, 0, math.max(1, rest + window - math.floor(window * (limit - 1) / current)) }`
