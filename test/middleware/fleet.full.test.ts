import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeWithNginx, startNginx, type Nginx } from '../nginx.js'
import { freePort, startRedis, type RedisServer } from '../redis.js'

const script = fileURLToPath(new URL('../fixtures/fleet.mjs', import.meta.url))

// The built package, so run `npm run build` first.
describeWithNginx('eight processes behind nginx with one Redis', () => {
  let redis: RedisServer
  let nginx: Nginx | undefined
  let ports: number[]
  const fleet = new Map<number, ChildProcess>()

  const start = async (port: number): Promise<void> => {
    // Without the condition that resolves to the sources.
    const child = fork(script, [String(port), redis.url], { execArgv: [] })
    fleet.set(port, child)
    const ended = once(child, 'exit').then(() => Promise.reject(new Error('a process of the fleet ended at its start')))
    await Promise.race([once(child, 'message'), ended])
    ended.catch(() => {})
  }
  const send = (path: string, init?: RequestInit) => fetch(nginx!.url + path, init)

  beforeAll(async () => {
    redis = await startRedis()
    ports = await Promise.all(Array.from({ length: 8 }, freePort))
    await Promise.all(ports.map(start))
    nginx = await startNginx(ports.map((port) => `http://127.0.0.1:${port}`))
  })
  afterAll(async () => {
    await nginx?.close()
    for (const child of fleet.values()) child.kill('SIGKILL')
    await redis.close()
  })

  it('share sessions: every process reads a new session, and none reads a destroyed one', async () => {
    const login = await send('/login/ann', { method: 'POST' })
    const cookie = login.headers.get('set-cookie')!.split(';')[0]!
    const read = async () =>
      Promise.all(
        Array.from(
          { length: 64 },
          async () => (await (await send('/me', { headers: { cookie } })).json()) as [number, string],
        ),
      )
    const seen = await read()
    expect(new Set(seen.map(([pid]) => pid)).size).toBe(8)
    expect(new Set(seen.map(([, user]) => user))).toEqual(new Set(['ann']))
    await send('/logout', { method: 'POST', headers: { cookie } })
    expect(new Set((await read()).map(([, user]) => user))).toEqual(new Set([null]))
  })

  it('share rate limits: together they allow exactly 50 of 200 requests', async () => {
    const responses = await Promise.all(
      Array.from({ length: 200 }, () => send('/limited', { headers: { 'x-key': 'ann' } })),
    )
    const allowed = responses.filter(({ status }) => status === 200)
    expect(allowed).toHaveLength(50)
    expect(responses.filter(({ status }) => status === 429)).toHaveLength(150)
    expect(new Set(await Promise.all(allowed.map((response) => response.text()))).size).toBeGreaterThan(1)
    expect((await send('/limited', { headers: { 'x-key': 'bob' } })).status).toBe(200)
  })

  it('share a cache: every process serves the same value, and a new one after revalidateTag()', async () => {
    const read = async () =>
      new Set(await Promise.all(Array.from({ length: 32 }, async () => (await send('/value')).text())))
    const before = await read()
    expect(before.size).toBe(1)
    expect(await read()).toEqual(before)
    await send('/change', { method: 'POST' })
    const after = await read()
    expect(after.size).toBe(1)
    expect(after).not.toEqual(before)
  })

  it('respond to every request with 200 while they restart one after the other', async () => {
    let isOver = false
    const statuses = new Map<number | string, number>()
    const client = async (): Promise<void> => {
      while (!isOver) {
        const status = await send('/pid').then(
          async (response) => (await response.text(), response.status),
          (error: unknown) => String((error as { cause?: unknown }).cause ?? error),
        )
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
      }
    }
    const clients = Array.from({ length: 16 }, client)
    for (const port of ports) {
      const child = fleet.get(port)!
      child.kill('SIGTERM')
      const [code] = (await once(child, 'exit')) as [number]
      expect(code).toBe(0)
      await start(port)
    }
    isOver = true
    await Promise.all(clients)
    expect([...statuses.keys()]).toEqual([200])
    expect(statuses.get(200)).toBeGreaterThan(100)
  })
})
