import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { describeWithNginx, startNginx, type Nginx } from '../nginx.js'
import { startRedis, type RedisServer } from '../redis.js'

interface Answer {
  readonly status: number
  readonly body: any
  readonly cacheStatus: string
  /** The name of the process that responded. */
  readonly by: string
}

describeWithNginx('three processes behind nginx, with one Redis,', () => {
  const names = ['A', 'B', 'C']
  let redis: RedisServer
  let nginx: Nginx
  let processes: Map<string, ChildProcess>

  beforeAll(async () => {
    redis = await startRedis()
    const program = fileURLToPath(new URL('fixtures/server.ts', import.meta.url))
    processes = new Map(
      names.map((name) => [
        name,
        fork(program, [name, redis.url], { execArgv: ['--conditions=byway-source', '--import', 'tsx'] }),
      ]),
    )
    const messages = await Promise.all([...processes.values()].map((child) => once(child, 'message')))
    nginx = await startNginx(messages.map(([url]) => url as string))
  })
  afterAll(async () => {
    for (const child of processes?.values() ?? []) child.kill('SIGKILL')
    await Promise.all([nginx?.close(), redis?.close()])
  })

  const ask = async (path: string, init?: RequestInit): Promise<Answer> => {
    const response = await fetch(nginx.url + path, { signal: AbortSignal.timeout(30_000), ...init })
    return {
      status: response.status,
      body: await response.json(),
      cacheStatus: response.headers.get('cache-status') ?? '',
      by: response.headers.get('x-process') ?? '',
    }
  }
  const askTogether = (count: number, path: string): Promise<Answer[]> =>
    Promise.all(Array.from({ length: count }, () => ask(path)))
  const change = async (slug: string, by: 'tag' | 'max' | 'path'): Promise<number> => {
    const headers = { 'content-type': 'application/json' }
    const { status, body } = await ask(`/items/${slug}`, { method: 'POST', headers, body: JSON.stringify({ by }) })
    expect(status).toBe(200)
    return body.value
  }
  const runsOf = async (slug: string): Promise<string[]> =>
    (await redis.command('LRANGE', `runs:${slug}`, '0', '-1')).split('\n').filter((name) => name !== '')
  const arrivals = (slug: string, count: number): Promise<unknown> =>
    vi.waitUntil(async () => Number(await redis.command('GET', `arrived:${slug}`)) >= count, { timeout: 8_000 })
  const expectNoLeases = (): Promise<unknown> =>
    vi.waitUntil(async () => (await redis.command('KEYS', 'byway:l:*')) === '', { timeout: 10_000 })

  it('run the handler once for 300 concurrent requests that miss', async () => {
    const answers = askTogether(300, '/gated/many')
    // The handler ends after the last request has arrived.
    await arrivals('many', 300)
    expect(await runsOf('many')).toHaveLength(1)
    await redis.command('SET', 'open:many', '1')
    const all = await answers
    expect(await runsOf('many')).toHaveLength(1)
    for (const { status, body } of all) expect([status, body]).toEqual([200, { slug: 'many' }])
    expect(all.filter(({ cacheStatus }) => cacheStatus.includes('stored'))).toHaveLength(1)
    const waited = all.filter(({ cacheStatus }) => cacheStatus.includes('collapsed'))
    expect([...new Set(waited.map(({ by }) => by))].sort()).toEqual(names)
    await expectNoLeases()
  })

  it('run the handler once, even if it ends immediately', async () => {
    for (let round = 0; round < 40; round++) {
      const slug = `s-${round}`
      await askTogether(60, `/items/${slug}?delay=${round % 4}`)
      expect(await runsOf(slug)).toHaveLength(1)
    }
  })

  it.each(['tag', 'path'] as const)(
    'serve no older entry after one of them has revalidated it by its %s',
    async (by) => {
      const slug = `by-${by}`
      let least = 0
      let isOver = false
      let hits = 0
      const check = async (): Promise<void> => {
        const expected = least
        const { status, body, cacheStatus } = await ask(`/items/${slug}?delay=3`)
        if (cacheStatus.includes('hit')) hits++
        expect(status).toBe(200)
        expect(body.value).toBeGreaterThanOrEqual(expected)
      }
      const load = Promise.all(
        Array.from({ length: 12 }, async () => {
          while (!isOver) await check()
        }),
      )
      load.catch(() => {})
      try {
        for (let round = 0; round < 60; round++) {
          least = await change(slug, by)
          // One for each process.
          await Promise.all([check(), check(), check()])
          if (round % 3 === 0) await check()
        }
      } finally {
        isOver = true
      }
      await load
      expect(hits).toBeGreaterThan(0)
    },
  )

  it("send the stale response one more time after revalidating with 'max', while one of them refreshes it", async () => {
    for (let round = 0; round < 15; round++) {
      const slug = `max-${round}`
      const before = (await ask(`/items/${slug}`)).body.value
      // A response can arrive before it is stored. The lease ends afterwards.
      await expectNoLeases()
      const after = await change(slug, 'max')
      const first = await ask(`/items/${slug}`)
      expect(first).toMatchObject({ status: 200, body: { value: before }, cacheStatus: expect.stringContaining('hit') })
      for (const { body } of await askTogether(30, `/items/${slug}`)) expect([before, after]).toContain(body.value)
      await vi.waitUntil(async () => (await ask(`/items/${slug}`)).body.value === after, { timeout: 10_000 })
      for (const { body } of await askTogether(3, `/items/${slug}`)) expect(body.value).toBe(after)
      expect(await runsOf(slug)).toHaveLength(2)
    }
    await expectNoLeases()
  })

  it('run the handler concurrently if its response cannot be stored', async () => {
    for (const runs of [300, 600]) {
      // None of them ends before all of them run, but for the first ones, which tell the processes that they need not wait.
      await redis.command('SET', 'together:cookie', String(runs))
      const answers = askTogether(300, '/mine/cookie')
      await arrivals('cookie', runs)
      const begin = performance.now()
      await redis.command('SET', 'open:cookie', '1')
      for (const { status, cacheStatus } of await answers) {
        expect(status).toBe(200)
        expect(cacheStatus).not.toMatch(/hit|stored|collapsed/)
      }
      // A request that waits for another one would wait for ten seconds.
      expect(performance.now() - begin).toBeLessThan(8_000)
      expect(await runsOf('cookie')).toHaveLength(runs)
    }
    await expectNoLeases()
  })

  it('respond to the waiting requests if the process that runs the handler is killed', async () => {
    const answers = [ask('/lost/killed')]
    await arrivals('killed', 1)
    await vi.waitUntil(async () => (await runsOf('killed')).length === 1)
    answers.push(...Array.from({ length: 30 }, () => ask('/lost/killed')))
    await arrivals('killed', 31)
    const [name] = await runsOf('killed')
    const begin = performance.now()
    const child = processes.get(name!)!
    child.kill('SIGKILL')
    await once(child, 'exit')
    await redis.command('SET', 'open:killed', '1')
    const all = await Promise.all(answers)
    // They wait for 2 seconds at most.
    expect(performance.now() - begin).toBeLessThan(8_000)
    for (const { status, body, by } of all) {
      expect([status, body]).toEqual([200, { slug: 'killed' }])
      expect(by).not.toBe(name)
    }
    expect((await ask('/lost/killed')).cacheStatus).toContain('hit')
    await expectNoLeases()
  })
})
