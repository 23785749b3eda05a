import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { createCache } from '../../src/cache/create-cache.js'
import { redisStore } from '../../src/cache/stores/redis-store.js'
import type { IORedisClient, NodeRedisClient } from '../../src/redis/client.js'
import { serve } from '../../src/hosts/node.js'
import { route, router } from '../../src/index.js'
import { describeWithRedis, startRedis, type RedisServer } from '../redis.js'
import { startLink, type Link } from './fixtures/link.js'

const storeTimeout = 200
const maxWait = 1_000
// A wait for another's run and some timeouts are less than two seconds; the others are for a busy machine.
const longest = 12_000

interface Connected {
  readonly client: NodeRedisClient | IORedisClient
  close(): unknown
}
const connectors = {
  async redis(port: number): Promise<Connected> {
    const client = createClient({
      disableOfflineQueue: true,
      pingInterval: 200,
      socket: {
        host: '127.0.0.1',
        port,
        socketTimeout: 1_000,
        reconnectStrategy: (tries) => Math.min(tries * 50, 200),
      },
    })
    client.on('error', () => {})
    await client.connect()
    return { client, close: () => client.destroy() }
  },
  async ioredis(port: number): Promise<Connected> {
    const client = new Redis(port, '127.0.0.1', {
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      socketTimeout: 1_000,
      retryStrategy: (tries) => Math.min(tries * 50, 200),
      lazyConnect: true,
    })
    client.on('error', () => {})
    await client.connect()
    return { client, close: () => client.disconnect() }
  },
}

const slugs = ['a', 'b', 'c']
const marksOf = (slug: string): string[] => ['t:items', `t:item:${slug}`, `p:/items/${slug}`]
const changes = { all: 't:items', item: 't:item:', path: 'p:/items/', max: undefined } as const
const Change = z.object({ by: z.enum(['all', 'item', 'path', 'max']) })

/** The latest value at the last renewal of each mark. Values count up. */
type Known = Map<string, number>
const learn = (known: Known, mark: string, truth: number): void =>
  void known.set(mark, Math.max(known.get(mark) ?? 0, truth))

describeWithRedis('two servers, over redis and ioredis, with one Redis', () => {
  let redis: RedisServer
  let saboteur: ReturnType<typeof createClient>
  let servers: Awaited<ReturnType<typeof startServer>>[]
  let truth = 1
  /** The changes that Redis has stored, which every server knows. */
  const told: Known = new Map()

  async function startServer(library: keyof typeof connectors) {
    const link = await startLink(redis.port)
    const connected = await connectors[library](link.port)
    const store = redisStore(connected.client)
    const reports: unknown[] = []
    const cache = createCache({
      store: {
        ...store,
        async renew(marks) {
          const latest = truth
          await store.renew(marks)
          for (const mark of marks) learn(told, mark.trim(), latest)
        },
      },
      storeTimeout,
      maxWait,
      onError: (error) => reports.push(error),
    })
    const item = route('/items/[slug]')
      .use(cache({ revalidate: false, tags: ({ params }) => ['items', `item:${params.slug}`] }))
      .get(async () => {
        const value = truth
        await sleep(Math.random() * 8)
        return { value }
      })
      .post({ body: Change }, async (_request, { params: { slug }, body: { by } }) => {
        const value = ++truth
        if (by === 'path') await cache.revalidatePath(`/items/${slug}`)
        else await cache.revalidateTag(by === 'all' ? 'items' : `item:${slug}`, by === 'max' ? by : undefined)
        return { value }
      })
    const server = serve(router({ item }), {
      port: 0,
      hostname: '127.0.0.1',
      trustProxy: 1,
      grace: 1_000,
      signals: false,
    })
    await server.ready
    const close = async (): Promise<void> => {
      await server.close()
      connected.close()
      await link.shut()
    }
    /** The changes that this server has made, whether or not they reached Redis. */
    const own: Known = new Map()
    return { library, url: server.url, link, reports, own, hits: 0, close }
  }

  beforeAll(async () => {
    redis = await startRedis()
    saboteur = createClient({ url: redis.url, disableOfflineQueue: true })
    saboteur.on('error', () => {})
    await saboteur.connect()
    servers = await Promise.all([startServer('redis'), startServer('ioredis')])
  })
  afterAll(async () => {
    await Promise.all(servers?.map(({ close }) => close()) ?? [])
    saboteur?.destroy()
    await redis?.close()
  })

  type Server = (typeof servers)[number]
  const ask = async (server: Server, slug: string, init?: RequestInit): Promise<{ value: number; isHit: boolean }> => {
    const begin = performance.now()
    const response = await fetch(`${server.url}/items/${slug}`, {
      signal: AbortSignal.timeout(15_000),
      ...init,
      headers: { 'content-type': 'application/json', 'x-forwarded-host': 'shop.example' },
    })
    const text = await response.text()
    const duration = performance.now() - begin
    expect([response.status, text]).toEqual([200, expect.stringMatching(/^{"value":\d+}$/)])
    expect(duration).toBeLessThan(longest)
    const isHit = response.headers.get('cache-status')?.includes('hit') ?? false
    return { ...(JSON.parse(text) as { value: number }), isHit }
  }
  const read = async (server: Server, slug: string): Promise<void> => {
    const least = Math.max(...marksOf(slug).flatMap((mark) => [server.own.get(mark) ?? 0, told.get(mark) ?? 0]))
    const { value, isHit } = await ask(server, slug)
    expect(value, `from the server over ${server.library}, ${isHit ? 'a hit' : 'a miss'}`).toBeGreaterThanOrEqual(least)
    if (isHit) server.hits++
  }
  const change = async (server: Server, slug: string, by: keyof typeof changes): Promise<void> => {
    const { value } = await ask(server, slug, { method: 'POST', body: JSON.stringify({ by }) })
    const mark = changes[by]
    if (mark) learn(server.own, mark.endsWith('s') ? mark : mark + slug, value)
  }

  /** Every request gets a valid response during the work, and hits again after it. */
  async function answerThrough(work: () => Promise<void>): Promise<void> {
    let isOver = false
    const repeat = async (task: () => Promise<void>, pause: number): Promise<void> => {
      while (!isOver) {
        await task()
        await sleep(pause)
      }
    }
    const pick = <item>(items: readonly item[]): item => items[Math.floor(Math.random() * items.length)]!
    const kinds = Object.keys(changes) as (keyof typeof changes)[]
    const traffic = Promise.all(
      servers.flatMap((server) => [
        ...slugs.map((slug) => repeat(() => read(server, slug), 8)),
        repeat(() => change(server, pick(slugs), pick(kinds)), 40),
      ]),
    )
    const settled = async (): Promise<void> => {
      const before = servers.map(({ hits }) => hits)
      await vi.waitUntil(() => servers.every(({ hits }, index) => hits >= before[index]! + 15), { timeout: 20_000 })
    }
    const story = async (): Promise<void> => {
      await settled()
      await work()
      await settled()
    }
    try {
      await Promise.race([story(), traffic])
    } finally {
      isOver = true
    }
    await traffic
  }
  const times = async (count: number, pause: number, task: () => unknown): Promise<void> => {
    for (let round = 0; round < count; round++) {
      await task()
      await sleep(pause)
    }
  }
  const links = (): Link[] => servers.map(({ link }) => link)
  const outage = 1_000

  it('respond while Redis is killed, and restarts empty', () =>
    answerThrough(async () => {
      await Promise.all([redis.stop(), ...links().map((link) => link.shut())])
      await sleep(outage)
      await Promise.all([redis.start(), ...links().map((link) => link.open())])
    }))

  it('respond while Redis is paused', () =>
    answerThrough(async () => {
      redis.pause()
      await sleep(outage)
      redis.resume()
    }))

  it('respond while Redis loses its entries', () => answerThrough(() => times(12, 25, () => saboteur.flushAll())))

  it('respond while values in Redis are replaced by invalid ones', () =>
    answerThrough(() =>
      times(12, 40, async () => {
        const keys = await saboteur.keys('byway:*')
        await Promise.all(
          keys.map((key) => {
            const replaced = saboteur.multi().del(key)
            const kind = Math.random()
            if (kind < 0.4) return replaced.set(key, 'junk').exec()
            if (kind < 0.6) return replaced.set(key, '').exec()
            return replaced.lPush(key, 'junk').exec()
          }),
        )
      }),
    ))

  it('respond while Redis is full', () =>
    answerThrough(async () => {
      await saboteur.configSet('maxmemory', '1')
      await sleep(outage)
      await saboteur.configSet('maxmemory', '0')
    }))

  it('respond while Redis closes their connections', () =>
    answerThrough(() => times(8, 50, () => saboteur.sendCommand(['CLIENT', 'KILL', 'TYPE', 'normal']))))

  it('respond while Redis is slow', () =>
    answerThrough(async () => {
      for (const link of links()) link.delay = 60
      await sleep(2 * outage)
      for (const link of links()) link.delay = 0
    }))

  it('respond while Redis is slower than storeTimeout', () =>
    answerThrough(async () => {
      for (const link of links()) link.delay = 600
      await sleep(outage)
      for (const link of links()) link.delay = 0
    }))

  it('respond while the connections to Redis break', () =>
    answerThrough(() => times(20, 25, () => links().forEach((link) => Math.random() < 0.5 && link.cut()))))

  it('respond while the connections to Redis deliver no data', () =>
    answerThrough(async () => {
      for (const link of links()) link.lose()
      await sleep(outage)
      for (const link of links()) link.free()
    }))

  it.each([0, 1])('respond while the connection of one of them to Redis is dead (%i)', (index) =>
    answerThrough(async () => {
      const { link } = servers[index]!
      link.lose()
      await sleep(outage)
      link.free()
    }),
  )

  it('report timeouts and out-of-memory errors to onError', () => {
    for (const { library, reports } of servers) {
      const messages = reports.map((report) => (report as Error).message)
      expect(messages, library).toContain('the store of the cache did not respond within 200 ms')
      expect(messages, library).toContainEqual(expect.stringMatching(/^OOM/))
    }
  })
})
