import { setTimeout as sleep } from 'node:timers/promises'
import { Cluster, Redis } from 'ioredis'
import { createClient, createClientPool, createCluster } from 'redis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { guardStore, type SafeStore } from '../../src/cache/stores/guard.js'
import { redisStore } from '../../src/cache/stores/redis-store.js'
import type { IORedisClient, NodeRedisClient } from '../../src/redis/client.js'
import type { CacheStore, Entry } from '../../src/cache/stores/store.js'
import { describeStore } from '../contracts/store.js'
import { startLink } from './fixtures/link.js'
import { describeWithRedis, startRedis, startRedisCluster, type RedisCluster, type RedisServer } from '../redis.js'

interface Connected {
  readonly client: NodeRedisClient | IORedisClient
  close(): unknown
}

const nodeRedis = async (url: string, socketTimeout = 10_000): Promise<Connected> => {
  const client = createClient({
    url,
    disableOfflineQueue: true,
    pingInterval: 200,
    socket: { socketTimeout, reconnectStrategy: (tries) => Math.min(tries * 50, 200) },
  })
  await client.connect()
  return { client, close: () => client.destroy() }
}
const ioRedis = async (url: string, socketTimeout = 10_000): Promise<Connected> => {
  const client = new Redis(url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    socketTimeout,
    retryStrategy: (tries) => Math.min(tries * 50, 200),
    lazyConnect: true,
  })
  client.on('error', () => {})
  await client.connect()
  return { client, close: () => client.disconnect() }
}
const pool = async (url: string): Promise<Connected> => {
  const client = createClientPool({ url }, { minimum: 2 })
  await client.connect()
  return { client, close: () => client.destroy() }
}
const nodeCluster = async (url: string): Promise<Connected> => {
  const client = createCluster({ rootNodes: [{ url }], defaults: { disableOfflineQueue: true } })
  await client.connect()
  return { client, close: () => client.destroy() }
}
const ioCluster = async (url: string): Promise<Connected> => {
  const client = new Cluster([url], { lazyConnect: true })
  client.on('error', () => {})
  await client.connect()
  return { client, close: () => client.disconnect() }
}

describeWithRedis('redisStore', () => {
  let server: RedisServer
  let cluster: RedisCluster
  beforeAll(async () => {
    ;[server, cluster] = await Promise.all([startRedis(), startRedisCluster()])
  })
  afterAll(() => Promise.all([server?.close(), cluster?.close()]))

  const clients = [
    ['redis', nodeRedis, () => [server]],
    ['a pool of redis', pool, () => [server]],
    ['ioredis', ioRedis, () => [server]],
    ['a cluster of redis', nodeCluster, () => cluster.nodes],
    ['a cluster of ioredis', ioCluster, () => cluster.nodes],
  ] as const
  for (const [name, connect, nodes] of clients)
    describeStore(
      `redisStore over ${name}`,
      async () => {
        await Promise.all(nodes().map((node) => node.command('FLUSHALL')))
        const [one, other] = await Promise.all([connect(nodes()[0]!.url), connect(nodes().at(-1)!.url)])
        return {
          store: redisStore(one.client),
          again: () => redisStore(other.client),
          lose: () => Promise.all(nodes().map((node) => node.command('FLUSHALL'))),
          close: () => Promise.all([one.close(), other.close()]),
        }
      },
      { lease: true, runs: 20 },
    )

  const entry: Entry = {
    key: '{"path":"/secret"}',
    status: 200,
    headers: [['content-type', 'text/plain']],
    body: 'body',
    time: Date.now(),
    revalidate: null,
    expires: null,
    marks: [['t:a', 'v']],
  }
  const keys = async (node = server): Promise<string[]> => (await node.command('KEYS', '*')).split('\n').sort()
  const day = 86_400_000

  describe('in Redis', () => {
    let connected: Connected
    let store: CacheStore
    beforeEach(async () => {
      await server.command('FLUSHALL')
      connected = await nodeRedis(server.url)
      store = redisStore(connected.client)
    })
    afterEach(() => connected.close() as void)

    it('writes keys with its prefix and a hash, which reveal no entry and select no node', async () => {
      await store.set(entry.key, entry)
      await store.versions(['t:a', 't:{a}', 't:größe', `t:${'a'.repeat(1_000)}`])
      await store.lease!(entry.key, 10_000)
      const hash = '[\\da-f]{64}'
      expect(await keys()).toEqual([
        expect.stringMatching(`^byway:e:${hash}$`),
        expect.stringMatching(`^byway:l:${hash}$`),
        expect.stringMatching(`^byway:m:#${hash}$`),
        expect.stringMatching(`^byway:m:#${hash}$`),
        expect.stringMatching(`^byway:m:#${hash}$`),
        'byway:m:t:a',
      ])
    })

    it('separates two prefixes', async () => {
      const other = redisStore(connected.client, { prefix: 'other' })
      await store.set(entry.key, entry)
      expect(await other.get(entry.key)).toBeUndefined()
      const [version] = await store.versions(['t:a'])
      await other.renew(['t:a'])
      expect(await store.versions(['t:a'])).toEqual([version])
      expect(await other.lease!('key', 10_000)).toBeDefined()
      expect(await store.lease!('key', 10_000)).toBeDefined()
    })

    it('sets an expiry on each key', async () => {
      await store.versions(['t:a'])
      await store.set('short', { ...entry, key: 'short', expires: Date.now() + 60_000 })
      await store.set('long', { ...entry, key: 'long' })
      await store.lease!('key', 5_000)
      const lives = await Promise.all((await keys()).map((key) => server.command('PTTL', key)))
      const [longest, ...others] = lives.map(Number).sort((one, other) => other - one)
      expect(longest).toBeGreaterThan(89 * day)
      expect(longest).toBeLessThanOrEqual(90 * day)
      expect(others.map((life) => [5, 60, 90 * 86_400].find((seconds) => life <= seconds * 1_000))).toEqual([
        90 * 86_400,
        60,
        5,
      ])
    })

    it('extends the expiry of a mark when an entry with the mark is stored', async () => {
      await store.versions(['t:a', 't:b'])
      for (const mark of ['a', 'b']) await server.command('PEXPIRE', `byway:m:t:${mark}`, '60000')
      await store.set(entry.key, entry)
      expect(Number(await server.command('PTTL', 'byway:m:t:a'))).toBeGreaterThan(89 * day)
      expect(Number(await server.command('PTTL', 'byway:m:t:b'))).toBeLessThanOrEqual(60_000)
    })

    it.each<[string, (key: string) => readonly string[]]>([
      ['an empty text', (key) => ['SET', key, '']],
      ['another text', (key) => ['SET', key, 'byway-entry 2 text 1 1\n..']],
      ['what is damaged', (key) => ['SETRANGE', key, '14', 'xyz']],
      ['more than it', (key) => ['APPEND', key, 'x']],
      ['a list', (key) => ['LPUSH', key, 'x']],
      ['a hash', (key) => ['HSET', key, 'x', 'y']],
    ])('treats an entry that was replaced by %s as a miss, and stores the next one', async (_name, replace) => {
      const report = vi.fn()
      const safe = guardStore(store, { timeout: 1_000, report })
      await safe.set(entry.key, entry)
      const key = (await keys()).find((one) => one.startsWith('byway:e:'))!
      const command = replace(key)
      if (/PUSH|HSET/.test(command[0]!)) await server.command('DEL', key)
      await server.command(...command)
      expect(await safe.get(entry.key)).toBeUndefined()
      await safe.set(entry.key, entry)
      expect(await safe.get(entry.key)).toEqual(entry)
      expect(report).not.toHaveBeenCalled()
    })

    it('treats the entry of another key as a miss', async () => {
      await store.set('one', { ...entry, key: 'one' })
      const [key] = await keys()
      await store.set('other', { ...entry, key: 'other' })
      const other = (await keys()).find((one) => one !== key && one.startsWith('byway:e:'))!
      await server.command('COPY', key!, other, 'REPLACE')
      expect(await guardStore(store, { timeout: 1_000, report: vi.fn() }).get('other')).toBeUndefined()
    })

    it('replaces an invalid value of a mark with a new version', async () => {
      const [before] = await store.versions(['t:a'])
      await server.command('DEL', 'byway:m:t:a')
      await server.command('LPUSH', 'byway:m:t:a', before!)
      const [after] = await store.versions(['t:a'])
      expect(after).not.toBe(before)
      expect(await store.versions(['t:a'])).toEqual([after])
      await server.command('DEL', 'byway:m:t:a')
      await server.command('LPUSH', 'byway:m:t:a', 'x')
      await store.renew(['t:a'])
      expect(await store.versions(['t:a'])).not.toEqual([after])
      for (const junk of ['', 'junk']) {
        await server.command('SET', 'byway:m:t:a', junk)
        const [version] = await store.versions(['t:a'])
        expect(version).not.toBe(junk)
        expect(await store.versions(['t:a'])).toEqual([version])
      }
    })

    it('serves and invalidates its entries if Redis is full', async () => {
      const report = vi.fn()
      const safe = guardStore(store, { timeout: 1_000, report })
      const [version] = (await safe.versions(['t:a']))!
      await safe.set(entry.key, entry)
      await server.command('CONFIG', 'SET', 'maxmemory', '1')
      try {
        await safe.set('other', { ...entry, key: 'other' })
        expect(report).toHaveBeenCalledTimes(1)
        expect(report.mock.calls[0]![0].message).toMatch(/^OOM/)
        expect(await safe.get(entry.key)).toEqual(entry)
        const [same, lost] = (await safe.versions(['t:a', 't:new']))!
        expect(same).toBe(version)
        expect((await safe.versions(['t:new']))![0]).not.toBe(lost)
        await safe.renew(['t:a'])
        expect((await safe.versions(['t:a']))![0]).not.toBe(version)
        expect(report).toHaveBeenCalledTimes(1)
      } finally {
        await server.command('CONFIG', 'SET', 'maxmemory', '0')
      }
      expect(await safe.versions(['t:new'])).toEqual(await safe.versions(['t:new']))
    })

    it('serves no invalidated entry if Redis evicts marks and keeps entries', async () => {
      const tags = Array.from({ length: 200 }, (_, index) => `t:${index}`)
      const versions = await store.versions(tags)
      await Promise.all(
        tags.map((tag, index) => store.set(tag, { ...entry, key: tag, marks: [[tag, versions[index]!]] })),
      )
      await store.renew(tags.slice(0, 100))
      // Redis can also lose the remaining marks.
      await server.command('DEL', ...tags.slice(50, 150).map((tag) => `byway:m:${tag}`))
      const current = await Promise.all(
        tags.map(async (tag) => {
          const found = await store.get(tag)
          return (await store.versions([tag]))[0] === found!.marks[0]![1]
        }),
      )
      expect(current).toEqual(tags.map((_, index) => index >= 150))
    })
  })

  it('distributes marks over the nodes of a cluster, also marks with braces', async () => {
    await Promise.all(cluster.nodes.map((node) => node.command('FLUSHALL')))
    const { client, close } = await nodeCluster(cluster.nodes[0]!.url)
    await redisStore(client).versions(Array.from({ length: 100 }, (_, index) => `t:{a}${index}`))
    const counts = await Promise.all(cluster.nodes.map(async (node) => (await keys(node)).length))
    expect(Math.min(...counts)).toBeGreaterThan(10)
    await close()
  })

  it('reads strings from a client that returns bytes', async () => {
    const client = createClient({ url: server.url }).withTypeMapping({ 36: Buffer })
    await client.connect()
    const store = redisStore(client)
    await store.set(entry.key, entry)
    expect(await store.get(entry.key)).toEqual(entry)
    expect(await store.versions(['t:bytes'])).toEqual(await store.versions(['t:bytes']))
    client.destroy()
  })

  describe('rejects a client', () => {
    it.each<[string, () => unknown, string]>([
      ['that is none', () => ({ get() {}, set() {} }), 'a client of the package redis (4 or newer) or ioredis'],
      ['that is missing', () => undefined, 'a client of the package redis (4 or newer) or ioredis'],
      ['that is promised', () => Promise.resolve(createClient()), 'await it'],
      ['that reads from replicas', () => createCluster({ rootNodes: [], useReplicas: true }), 'without useReplicas'],
      [
        'of ioredis that reads from replicas',
        () => new Cluster([{ port: 1 }], { lazyConnect: true, scaleReads: 'slave' }),
        "scaleReads: 'master'",
      ],
      ['that keeps answers', () => createClient({ clientSideCache: {} }), 'without clientSideCache'],
    ])('%s', (_name, make, advice) => {
      expect(() => redisStore(make() as NodeRedisClient)).toThrow(TypeError)
      expect(() => redisStore(make() as NodeRedisClient)).toThrow(advice)
    })
  })

  describe.each([
    ['redis', nodeRedis],
    ['ioredis', ioRedis],
  ])('over %s, behind the guard', (_name, connect) => {
    const timeout = 150
    let own: RedisServer
    let open: Connected[]
    beforeEach(async () => {
      own = await startRedis()
      open = []
    })
    afterEach(async () => {
      await own.close()
      for (const { close } of open) close()
    })

    // The value of the application, which counts up, and what the cache must know of it.
    interface World {
      truth: number
      /** The value whose invalidation Redis has confirmed, so every process must have it. */
      acknowledged: number
      slowest: number
      hits: number
      misses: number
    }

    /** A process with a cache: it returns the stored value, or the current one, which it stores. */
    async function startProcess(world: World) {
      const connected = await connect(own.url, 1_000)
      open.push(connected)
      const store = redisStore(connected.client)
      const reports: unknown[] = []
      const safe: SafeStore = guardStore(
        {
          ...store,
          renew: async (marks) => {
            const { truth } = world
            await store.renew(marks)
            world.acknowledged = Math.max(world.acknowledged, truth)
          },
        },
        { timeout, report: (error) => reports.push(error) },
      )
      const timed = async <Answer>(run: () => Answer): Promise<Awaited<Answer>> => {
        const begin = performance.now()
        const answer = await run()
        world.slowest = Math.max(world.slowest, performance.now() - begin)
        return answer
      }
      let renewed = 0
      const answer = async (key: string): Promise<void> => {
        const least = Math.max(renewed, world.acknowledged)
        const found = await timed(() => safe.get(key))
        if (found) {
          const now = await timed(() => safe.versions(found.marks.map(([mark]) => mark)))
          if (now && found.marks.every(([, version], index) => version === now[index])) {
            world.hits++
            expect(Number(found.body)).toBeGreaterThanOrEqual(least)
            return
          }
        }
        world.misses++
        const lease = await timed(() => safe.lease(key, 1_000))
        const versions = await timed(() => safe.versions(['t:a', `p:/${key}`]))
        const body = String(world.truth)
        await sleep(Math.random() * 10)
        if (versions)
          await timed(() =>
            safe.set(key, {
              ...entry,
              key,
              body,
              marks: [
                ['t:a', versions[0]!],
                [`p:/${key}`, versions[1]!],
              ],
            }),
          )
        if (lease && lease !== 'taken') await timed(() => lease.release())
      }
      const change = async (): Promise<void> => {
        const truth = ++world.truth
        await timed(() => safe.renew(['t:a']))
        renewed = Math.max(renewed, truth)
      }
      return { answer, change, reports }
    }

    it('responds while Redis is killed, paused, emptied or has invalid data, and never with an invalidated entry', async () => {
      const world: World = { truth: 1, acknowledged: 0, slowest: 0, hits: 0, misses: 0 }
      const processes = await Promise.all([startProcess(world), startProcess(world)])
      let isOver = false
      const traffic = Promise.all(
        processes.flatMap(({ answer, change }) => [
          ...['a', 'b', 'c'].map(async (key) => {
            while (!isOver) {
              await answer(key)
              await sleep(2)
            }
          }),
          (async () => {
            while (!isOver) {
              await change()
              await sleep(30)
            }
          })(),
        ]),
      )
      traffic.catch(() => {})
      const settled = async (): Promise<void> => {
        const { hits } = world
        await vi.waitUntil(() => world.hits > hits + 20, { timeout: 15_000, interval: 20 })
      }

      await settled()
      await own.stop()
      await sleep(1_200)
      await own.start()
      await settled()

      own.pause()
      await sleep(5_000)
      own.resume()
      await settled()

      for (let round = 0; round < 10; round++) {
        await own.command('FLUSHALL')
        await sleep(20)
      }
      await settled()

      for (const key of await keys(own)) {
        await own.command('DEL', key)
        await own.command('LPUSH', key, 'garbage')
        if (key.includes(':l:')) await own.command('PEXPIRE', key, '100')
      }
      await settled()

      isOver = true
      await traffic
      // Redis was paused for five seconds.
      expect(world.slowest).toBeLessThan(timeout + 4_000)
      for (const { reports } of processes) expect(reports.length).toBeGreaterThan(0)
    })

    it('invalidates in every process after Redis was paused', async () => {
      const world: World = { truth: 1, acknowledged: 0, slowest: 0, hits: 0, misses: 0 }
      const [one, other] = await Promise.all([startProcess(world), startProcess(world)])
      const hit = async (): Promise<void> => {
        const { hits } = world
        const ask = async (): Promise<boolean> => {
          await one.answer('a')
          await other.answer('a')
          return world.hits > hits
        }
        await vi.waitUntil(ask, { timeout: 10_000 })
      }
      await hit()
      // Redis is paused instead of killed, so that it keeps the entry and the mark.
      own.pause()
      await one.change()
      expect(one.reports.length).toBeGreaterThan(0)
      expect(world.acknowledged).toBe(0)
      own.resume()
      await vi.waitUntil(() => world.acknowledged === 2, { timeout: 10_000 })
      await hit()
    })

    it('serves no entry that Redis could not invalidate, and invalidates it later', async () => {
      const world: World = { truth: 1, acknowledged: 0, slowest: 0, hits: 0, misses: 0 }
      const { answer, change, reports } = await startProcess(world)
      const hit = async (): Promise<void> => {
        const { hits } = world
        await vi.waitUntil(async () => (await answer('a'), world.hits > hits), { timeout: 10_000 })
      }
      await hit()
      await own.command('ACL', 'SETUSER', 'default', '-del')
      await change()
      expect(reports.length).toBeGreaterThan(0)
      const { hits } = world
      for (let round = 0; round < 5; round++) await answer('a')
      expect(world).toMatchObject({ hits, acknowledged: 0 })
      await own.command('ACL', 'SETUSER', 'default', '+del')
      await vi.waitUntil(() => world.acknowledged === 2, { timeout: 10_000 })
      await hit()
    })
  })

  it('keeps a tag invalidated, even if a client repeats a command after a lost connection', async () => {
    const link = await startLink(server.port)
    const again = new Redis(link.port, '127.0.0.1', { retryStrategy: () => 20, lazyConnect: true })
    const direct = await nodeRedis(server.url)
    await again.connect()
    const stores = [redisStore(again), redisStore(direct.client)] as const
    // Commands after the first GET are executed, but their replies are lost.
    vi.spyOn(again, 'get').mockImplementationOnce(async (key) => {
      const value = await again.get(key)
      link.lose('replies')
      return value
    })
    const versions = stores[0].versions(['t:again'])
    await vi.waitUntil(async () => (await server.command('EXISTS', 'byway:m:t:again')) === '1', { timeout: 5_000 })
    const [version] = await stores[1].versions(['t:again'])
    await stores[1].renew(['t:again'])
    link.free()
    link.cut()
    await versions
    expect(await stores[1].versions(['t:again'])).not.toEqual([version])
    again.disconnect()
    direct.close()
    await link.shut()
  })

  it('does not end the process if the client has no error listener', async () => {
    const own = await startRedis()
    const onException = vi.fn()
    process.on('uncaughtException', onException)
    const client = createClient({ url: own.url })
    redisStore(client)
    await client.connect()
    await own.stop()
    await sleep(300)
    process.off('uncaughtException', onException)
    client.destroy()
    await own.close()
    expect(onException).not.toHaveBeenCalled()
  })

  it.each([
    ['redis', nodeCluster],
    ['ioredis', ioCluster],
  ])('responds during the loss of a node of a cluster, over %s', async (_name, connect) => {
    const { client, close } = await connect(cluster.nodes[0]!.url)
    const reports: unknown[] = []
    const safe = guardStore(redisStore(client), { timeout: 150, report: (error) => reports.push(error) })
    const tags = Array.from({ length: 30 }, (_, index) => `t:${index}`)
    const use = async (tag: string): Promise<boolean> => {
      const versions = await safe.versions([tag])
      if (versions) await safe.set(tag, { ...entry, key: tag, marks: [[tag, versions[0]!]] })
      return versions !== undefined && (await safe.get(tag))?.marks[0]![1] === (await safe.versions([tag]))?.[0]
    }
    // On a busy machine, a command can take longer than the timeout of 150 ms.
    for (const tag of tags) await vi.waitUntil(() => use(tag))
    await cluster.nodes[2]!.stop()
    const begin = performance.now()
    await Promise.all(tags.map(use))
    for (let round = 0; round < 4; round++) for (const tag of tags) await use(tag)
    // 40 of them are for the lost node. A wait of 150 ms for each call would take 18 seconds.
    expect(performance.now() - begin).toBeLessThan(12_000)
    expect(reports.length).toBeGreaterThan(0)
    await cluster.nodes[2]!.start()
    await vi.waitUntil(async () => (await Promise.all(tags.map(use))).every(Boolean), {
      timeout: 60_000,
      interval: 200,
    })
    await close()
  })
})
