import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { route, router } from '../../src/index.js'
import { rateLimit, redisRateLimits, redisSessions } from '../../src/middleware/index.js'
import { describeRateLimitStore } from '../contracts/rate-limit-store.js'
import { describeSessionStore } from '../contracts/session-store.js'
import { describeWithRedis, startRedis, type RedisServer } from '../redis.js'

describeWithRedis('with a real Redis', () => {
  let server: RedisServer
  let node: ReturnType<typeof createClient>
  let io: Redis
  beforeAll(async () => {
    server = await startRedis()
    node = createClient({ url: server.url, disableOfflineQueue: true, socket: { reconnectStrategy: () => 50 } })
    await node.connect()
    io = new Redis(server.url, { enableOfflineQueue: true })
  })
  afterAll(async () => {
    node.destroy()
    io.disconnect()
    await server.close()
  })

  for (const [name, client] of [
    ['redis', () => node],
    ['ioredis', () => io],
  ] as const) {
    describeRateLimitStore(`redisRateLimits() with ${name}`, () => redisRateLimits(client() as Redis))
    describeSessionStore(`redisSessions() with ${name}`, () => redisSessions(client() as Redis))
  }

  it('sets an expiry on every key', async () => {
    await redisRateLimits(node as never).count('a', { limit: 1, window: 1_000 })
    await redisSessions(node as never).create('a', 'text', Date.now() + 10_000)
    for (const key of ['byway:rate:a', 'byway:session:a']) expect(await node.pTTL(key)).toBeGreaterThan(0)
  })

  it('shares a count between both clients', async () => {
    const quota = { limit: 3, window: 100_000 }
    const usages = []
    for (const client of [node, io, node, io])
      usages.push(await redisRateLimits(client as Redis).count('shared', quota))
    expect(usages.map(({ isAllowed }) => isAllowed)).toEqual([true, true, true, false])
  })

  describe('a stopped Redis', () => {
    it('disables the limit and calls onError, until Redis is back', async () => {
      const onError = vi.fn()
      const limited = rateLimit({ limit: 1, window: 60_000, key: () => 'a', store: redisRateLimits(node as never) })
      const app = router({ it: route('/').get(() => 'ok') }, { use: [limited], onError })
      const send = async () => (await app.fetch(new Request('http://test/'))).status
      expect([await send(), await send()]).toEqual([200, 429])
      await server.stop()
      await vi.waitFor(async () => expect(await send()).toBe(200))
      expect(onError).toHaveBeenCalled()
      await server.start()
      await vi.waitFor(async () => expect(await send()).toBe(429))
    })
  })
})
