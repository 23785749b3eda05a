import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { hasRedis, start } from './start.js'

const isUp = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
const seconds = { timeout: 10_000, interval: 50 }

// Four processes start, and the machine can be busy.
describe('npx tsx examples/catalogue/main.ts', () => {
  // In CI, a missing Redis is a failure.
  it.skipIf(!hasRedis && !process.env['CI'])(
    'restarts a killed process, and ends all processes when it stops',
    async () => {
      const { url, output, pids, stop } = await start()
      const redis = Number(/redis:\/\/127\.0\.0\.1:(\d+)/.exec(output())![1])
      const [first, second, third] = await pids()
      process.kill(first!, 'SIGKILL')
      await expect.poll(async () => (await pids()).length, seconds).toBe(2)
      expect((await fetch(`${url}/items/borage`)).status).toBe(200)
      await expect.poll(async () => (await pids()).length, { timeout: 30_000, interval: 50 }).toBe(3)
      const all = [...(await pids()), second!, third!]
      expect(all).not.toContain(first)
      expect(output()).toContain('Process A ended with SIGKILL, and is started again.')

      expect(await stop()).toBe(0)
      await expect.poll(() => all.filter(isUp), seconds).toEqual([])
      await expect
        .poll(() => fetch(`http://127.0.0.1:${redis}`).catch((error) => error.cause.code), seconds)
        .toBe('ECONNREFUSED')
    },
  )

  it('runs one process with the memory store and prints a message if redis-server is missing', async () => {
    const { url, output, stop } = await start({ PATH: '/nowhere' })
    expect(output()).toContain('there is no redis-server here')
    expect(await (await fetch(`${url}/demo/state`)).json()).toMatchObject({ store: 'memory', servers: [{ name: 'A' }] })
    expect((await fetch(`${url}/items/borage`)).headers.get('cache-status')).toContain('stored')
    expect((await fetch(`${url}/items/borage`)).headers.get('cache-status')).toContain('hit')
    expect(await stop()).toBe(0)
  })

  it('exits with 1 and a message if the port is in use', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const { url, output, stop } = await start({ PORT: String(port) })
    expect(url).toBe(undefined)
    expect(output()).toContain(`port ${port} of 127.0.0.1 is in use`)
    expect(await stop()).toBe(1)
    other.close()
  })
})
