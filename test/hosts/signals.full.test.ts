import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { Agent, request as ask } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it, vi } from 'vitest'

describe('signals', () => {
  const script = fileURLToPath(new URL('fixtures/server.mjs', import.meta.url))

  interface Child {
    readonly process: ChildProcess
    readonly url: string
    /** Resolves when the handler of /slow, /stuck or /long has begun. */
    readonly begun: () => Promise<unknown>
    readonly ended: Promise<{ code: number | null; output: string }>
  }
  async function run(...args: string[]): Promise<Child> {
    return start(args)
  }
  async function start(args: string[], env: Record<string, string> = {}): Promise<Child> {
    const child = spawn(process.execPath, [script, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...env },
    })
    let output = ''
    const ended = new Promise<{ code: number | null; output: string }>((resolve) =>
      child.on('close', (code) => resolve({ code, output })),
    )
    const url = await new Promise<string>((resolve, reject) => {
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
        output += chunk
        const line = /^http\S+/.exec(output)
        if (line) resolve(line[0])
      })
      child.on('close', () => reject(new Error('the server did not start; `npm run build` comes before this test')))
    })
    const begun = () => vi.waitUntil(() => output.includes('begun\n'), { timeout: 60_000 })
    return { process: child, url, begun, ended }
  }

  it.each(['SIGTERM', 'SIGINT'] as const)(
    '%s waits for requests in progress, then for after() work, and exits with 0',
    async (signal) => {
      const child = await run('5000')
      const asked = fetch(`${child.url}/slow`)
      await child.begun()
      child.process.kill(signal)
      const response = await asked
      expect([response.status, await response.text()]).toEqual([200, 'slow'])
      const { code, output } = await child.ended
      expect(code).toBe(0)
      expect(output).toContain('after')
    },
  )

  it('exits immediately on a second signal', async () => {
    const child = await run('60000')
    const asked = fetch(`${child.url}/stuck`).catch((error: Error) => error.name)
    await child.begun()
    // The server ignores a signal within 100 ms after another, and a busy process can receive two signals as one.
    const repeated = setInterval(() => child.process.kill('SIGTERM'), 300)
    const begun = performance.now()
    expect((await child.ended).code).toBe(143)
    clearInterval(repeated)
    // The grace is 60 seconds.
    expect(performance.now() - begun).toBeLessThan(30_000)
    expect(await asked).toBe('TypeError')
  })

  it('exits with 0 after the grace if a request is still in progress', async () => {
    const child = await run('300')
    const asked = fetch(`${child.url}/stuck`).catch((error: Error) => error.name)
    await child.begun()
    child.process.kill('SIGTERM')
    expect((await child.ended).code).toBe(0)
    expect(await asked).toBe('TypeError')
  })

  it('exits after half a second on Vercel by default', async () => {
    const child = await start(['default'], { VERCEL: '1' })
    const asked = fetch(`${child.url}/stuck`).catch((error: Error) => error.name)
    await child.begun()
    const begun = performance.now()
    child.process.kill('SIGTERM')
    expect((await child.ended).code).toBe(0)
    expect(performance.now() - begun).toBeGreaterThan(450)
    // The default elsewhere is 10 seconds.
    expect(performance.now() - begun).toBeLessThan(9_000)
    expect(await asked).toBe('TypeError')
  })

  it('waits for a longer request on other hosts by default', async () => {
    const child = await start(['default'], { VERCEL: '' })
    const asked = fetch(`${child.url}/long`)
    await child.begun()
    child.process.kill('SIGTERM')
    expect(await (await asked).text()).toBe('long')
    expect((await child.ended).code).toBe(0)
  })

  const counted = ({ output }: { output: string }): { begun: number; after: number } =>
    JSON.parse(/^\{.*\}$/m.exec(output)![0]) as { begun: number; after: number }

  /** Runs 32 clients. Each sends its next request up to `pause` ms after a response, until a request fails. */
  async function load(url: string, keepAlive: boolean, pause: number, halfway: () => void) {
    const agent = new Agent({ keepAlive, maxSockets: 32 })
    const count = { answered: 0, refused: 0 }
    const dropped: (string | undefined)[] = []
    const get = (path: string): Promise<boolean> =>
      new Promise((resolve) => {
        const asked = ask(url + path, { agent }, (response) => {
          let text = ''
          response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
          response.on('end', () => {
            if (response.statusCode === 200 && `/${text}` === path) count.answered++
            else dropped.push(`${response.statusCode} ${text}`)
            resolve(true)
          })
          response.on('error', ({ message }) => {
            dropped.push(`after its head: ${message}`)
            resolve(false)
          })
        })
        asked.on('error', ({ code }: NodeJS.ErrnoException) => {
          if (code === 'ECONNREFUSED') count.refused++
          else dropped.push(code)
          resolve(false)
        })
        asked.end()
      })
    const loops = Array.from({ length: 32 }, async (_, index) => {
      while (await get(index % 2 ? '/quick' : '/short')) if (pause) await sleep(Math.random() * pause)
    })
    await vi.waitUntil(() => count.answered > 200, { timeout: 60_000 })
    halfway()
    await Promise.all(loops)
    agent.destroy()
    return { ...count, dropped }
  }

  // A server can close an idle connection while the client sends the next request, and the client sees a reset.
  // A busy machine makes that likely: a client that does not run for 100 ms is idle. The server has not begun that request.
  // https://www.rfc-editor.org/rfc/rfc9112#section-9.3.1
  it.each([
    ['on busy connections', true, 0],
    ['on connections that are idle at times', true, 300],
    ['on a new connection for each request', false, 0],
  ])('responds to each request that it has begun, under load %s', async (_name, keepAlive, pause) => {
    const child = await run('5000')
    const { answered, refused, dropped } = await load(child.url, keepAlive, pause, () => child.process.kill('SIGTERM'))
    const ended = await child.ended
    expect(ended.code).toBe(0)
    expect(counted(ended)).toEqual({ begun: answered, after: answered })
    expect(dropped.filter((code) => code !== 'ECONNRESET' && code !== 'EPIPE')).toEqual([])
    expect(refused + dropped.length).toBe(32)
  })

  const wrk = '/usr/bin/wrk'
  it.skipIf(!existsSync(wrk) && !process.env['CI'])('responds to each request of wrk that it has begun', async () => {
    const child = await run('30000')
    const load = promisify(execFile)(wrk, ['-t1', '-c64', '-d120s', `${child.url}/quick`])
    await vi.waitUntil(async () => (await (await fetch(`${child.url}/count`)).json()) > 500, { timeout: 60_000 })
    child.process.kill('SIGTERM')
    const ended = await child.ended
    load.child.kill('SIGINT')
    const { stdout } = await load
    // wrk counts complete responses as requests. It reports a closed idle connection as a read error, like an interrupted one.
    const requests = Number(/(\d+) requests in/.exec(stdout)![1])
    expect([ended.code, counted(ended)]).toEqual([0, { begun: requests, after: requests }])
    expect(stdout).not.toMatch(/timeout [1-9]|Non-2xx/)
  })

  it('prints that the port is in use if the app does not await ready', async () => {
    const child = await run('5000')
    const error = await new Promise<string>((resolve) =>
      execFile(process.execPath, [script, '5', new URL(child.url).port], (_error, _stdout, stderr) => resolve(stderr)),
    )
    expect(error).toMatch(/port \d+ of 127\.0\.0\.1 is in use/)
    child.process.kill('SIGTERM')
    expect((await child.ended).code).toBe(0)
  })
})
