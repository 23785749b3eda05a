import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { Agent, request as ask } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { serve, type Served, type ServeOptions } from '../../src/hosts/node.js'
import { route, router } from '../../src/index.js'
import { raw } from './contract.js'

const local: ServeOptions = { port: 0, hostname: '127.0.0.1', signals: false }
const app = router({
  all: route('/[[...path]]').get((request, { url, ip }) => ({ url: request.url, seen: url.href, ip: ip ?? null })),
})
const open: Served[] = []
async function start(served: Served): Promise<Served> {
  open.push(served)
  await served.ready
  return served
}
afterEach(() => Promise.all(open.splice(0).map((served) => served.close())))

describe('serve()', () => {
  it('selects a free port for port 0, and returns its URL', async () => {
    const { url } = await start(serve(app, local))
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d+$/)
    expect((await fetch(url)).status).toBe(200)
  })

  it('returns a URL with localhost if it listens on every address', async () => {
    const { url } = await start(serve(app, { port: 0, signals: false }))
    expect(url).toMatch(/^http:\/\/localhost:\d+$/)
    expect((await fetch(url)).status).toBe(200)
  })

  it('rejects ready if the port is in use, and names the port', async () => {
    const { url } = await start(serve(app, local))
    const port = Number(new URL(url).port)
    const second = serve(app, { ...local, port })
    await expect(second.ready).rejects.toThrow(
      `port ${port} of 127.0.0.1 is in use; choose another with serve(app, { port })`,
    )
    await second.close()
  })

  it('throws for an option that is out of range', () => {
    expect(() => serve(app, { port: 70_000 })).toThrow('serve() takes a port from 0 to 65535, not 70000')
    expect(() => serve(app, { port: 1.5 })).toThrow(RangeError)
    expect(() => serve(app, { ...local, grace: -1 })).toThrow(RangeError)
    expect(() => serve(app, { ...local, grace: Number.NaN })).toThrow(RangeError)
    expect(() => serve(app, { ...local, keepAliveTimeout: -1 })).toThrow(
      'serve() takes a keepAliveTimeout that is a non-negative integer, not -1',
    )
    expect(() => serve(app, { ...local, maxHeaderSize: 1.5 })).toThrow(RangeError)
  })

  it('returns its server, which keeps idle connections for longer than load balancers do', async () => {
    const { server } = await start(serve(app, local))
    expect([server.listening, server.keepAliveTimeout]).toEqual([true, 65_000])
  })

  it('passes the timeouts and the largest header size to its server', async () => {
    const limits = { keepAliveTimeout: 200, headersTimeout: 300, requestTimeout: 400, maxHeaderSize: 1_000 }
    const { server, url } = await start(serve(app, { ...local, ...limits }))
    expect(server).toMatchObject({ keepAliveTimeout: 200, headersTimeout: 300, requestTimeout: 400 })
    expect((await fetch(url, { headers: { 'x-long': 'a'.repeat(1_000) } })).status).toBe(431)
  })

  it('responds with 501 to CONNECT and TRACE, which no Request can have', async () => {
    const { url } = await start(serve(app, local))
    for (const head of ['CONNECT a:80', 'TRACE /'])
      expect((await raw(url, `${head} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)).text).toMatch(
        /^HTTP\/1\.1 501 Not Implemented\r\n/,
      )
    expect((await fetch(url)).status).toBe(200)
  })

  it('prints nothing', async () => {
    const spies = [vi.spyOn(process.stdout, 'write'), vi.spyOn(process.stderr, 'write'), vi.spyOn(console, 'log')]
    await (await start(serve(app, local))).close()
    for (const spy of spies) {
      expect(spy).not.toHaveBeenCalled()
      spy.mockRestore()
    }
  })

  it('uses the host of an absolute target, and rejects a target with a user', async () => {
    const { url } = await start(serve(app, local))
    const answer = async (target: string): Promise<string> =>
      (await raw(url, `GET ${target} HTTP/1.1\r\nHost: other.example\r\nConnection: close\r\n\r\n`)).text
    expect(await answer('HTTP://Example.COM/a/../b?c')).toContain('"url":"http://example.com/b?c"')
    expect(await answer("http://example.com/$&/$1?$'=$$")).toContain('"url":"http://example.com/$&/$1?$%27=$$"')
    for (const refused of [
      '*',
      'http://user@example.com/',
      'ftp://example.com/',
      'example.com:80',
      'http://',
      '/a#b',
      '/\xe9',
      '/a/../b#',
    ])
      expect(await answer(refused)).toMatch(/^HTTP\/1\.1 400 /)
  })

  it('responds to HTTP/1.0 without a Host', async () => {
    const { url } = await start(serve(app, local))
    expect((await raw(url, 'GET /a HTTP/1.0\r\n\r\n')).text).toContain(`"url":"${url}/a"`)
  })

  it.each([
    ['EXAMPLE.com:80', 'http://example.com'],
    ['example.com:8080', 'http://example.com:8080'],
    ['[::1]:3000', 'http://[::1]:3000'],
    ['0x7f.1', 'http://127.0.0.1'],
  ])('serializes the host %s as the URL parser does', async (given, origin) => {
    const { url } = await start(serve(app, local))
    const { text } = await raw(url, `GET /a HTTP/1.1\r\nHost: ${given}\r\nConnection: close\r\n\r\n`)
    expect(text).toContain(`"url":"${origin}/a"`)
  })

  it('uses the address, scheme and host that the trusted proxies send, and ignores earlier values', async () => {
    const headers = {
      'x-forwarded-for': '6.6.6.6, 1.1.1.1, 2.2.2.2',
      'x-forwarded-proto': 'gopher, https',
      'x-forwarded-host': 'evil.example, shop.example',
    }
    const one = await start(serve(app, { ...local, trustProxy: 1 }))
    expect(await (await fetch(one.url, { headers })).json()).toMatchObject({
      url: 'https://shop.example/',
      ip: '2.2.2.2',
    })
    expect(await (await fetch(one.url)).json()).toMatchObject({ url: `${one.url}/`, ip: '127.0.0.1' })
    expect((await fetch(one.url, { headers: { 'x-forwarded-host': 'a/b' } })).status).toBe(400)
    const two = await start(serve(app, { ...local, trustProxy: 2 }))
    expect((await fetch(two.url, { headers })).status).toBe(400)
    expect(
      await (await fetch(two.url, { headers: { 'x-forwarded-for': headers['x-forwarded-for'] } })).json(),
    ).toMatchObject({ ip: '1.1.1.1' })
  })
})

describe('context.ip', () => {
  it.each([
    ['1.2.3.4', '1.2.3.4'],
    ['1.2.3.4:5678', '1.2.3.4'],
    ['2001:db8::1', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['[2001:db8::1]:443', '2001:db8::1'],
    ['6.6.6.6, 1.2.3.4:80 ', '1.2.3.4'],
    ['unknown', null],
    ['1.2.3.4.5:80', null],
    ['', null],
  ])('of X-Forwarded-For: %s is %s', async (given, ip) => {
    const { url } = await start(serve(app, { ...local, trustProxy: 1 }))
    expect(await (await fetch(url, { headers: { 'x-forwarded-for': given } })).json()).toMatchObject({ ip })
  })
})

describe('request.url', () => {
  // A router would respond itself to a malformed percent-escape and to a path that ends with a slash.
  const echo = { fetch: ({ url }: Request) => Response.json(url) }
  let served: Served
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  beforeAll(async () => {
    served = serve(echo, local)
    await served.ready
  })
  afterAll(() => {
    agent.destroy()
    return served.close()
  })
  const get = (path: string, headers = {}): Promise<{ status: number; text: string }> =>
    new Promise((resolve, reject) => {
      ask(served.url, { path, agent, headers }, (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
        response.on('end', () => resolve({ status: response.statusCode!, text }))
      })
        .on('error', reject)
        .end()
    })

  it('is what the URL parser makes of the target, or the response is a 400', async () => {
    const piece = fc.oneof(
      fc.constantFrom(
        '/',
        '.',
        '..',
        '%2e',
        '%2E',
        '\\',
        '?',
        '%',
        '%2F',
        "'",
        '"',
        '<',
        '|',
        '^',
        '`',
        '{',
        ';',
        '//',
        '@',
        ':',
        '#',
      ),
      fc.string({
        minLength: 1,
        maxLength: 3,
        unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
      }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 8 }), async (pieces) => {
        const target = `/${pieces.join('')}`
        const { status, text } = await get(target)
        expect(status).toBe(target.includes('#') ? 400 : 200)
        if (status === 200) expect(JSON.parse(text)).toBe(new URL(served.url + target).href)
      }),
      { numRuns: 300 },
    )
  })

  it('is its own serialization for any Host, or the response is a 400', async () => {
    const piece = fc.oneof(
      fc.constantFrom('[', ']', '::1', ':', '.', 'xn--', '0x', '80', '-', '_', '%41', '@', '/'),
      fc.string({ maxLength: 4, unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)) }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { minLength: 1, maxLength: 5 }), async (pieces) => {
        const { status, text } = await get('/a', { host: pieces.join('') })
        if (status === 200) {
          const url = JSON.parse(text) as string
          expect(new URL(url).href).toBe(url)
          expect(new URL(url).pathname).toBe('/a')
        } else expect(status).toBe(400)
      }),
      { numRuns: 300 },
    )
  })
})

describe('close()', () => {
  it('waits for requests in progress, closes their connections, and accepts no new ones', async () => {
    const slow = router({ slow: route('/').get(() => sleep(300).then(() => 'done')) })
    const served = await start(serve(slow, local))
    const asked = fetch(served.url)
    await sleep(50)
    const closing = served.close()
    await sleep(10)
    await expect(fetch(served.url)).rejects.toThrow()
    const response = await asked
    expect([response.status, await response.json()]).toEqual([200, 'done'])
    expect(await closing).toBeUndefined()
  })

  it('responds to the next request on an open connection, and closes the connection then', async () => {
    const served = await start(serve(app, local))
    const one = 'GET /a HTTP/1.1\r\nHost: a\r\n\r\n'
    const sent = raw(served.url, [one, 100, one])
    await sleep(60)
    await served.close()
    const { text, closed } = await sent
    expect(text.match(/HTTP\/1\.1 200 /g)).toHaveLength(2)
    expect(text.toLowerCase()).toMatch(/connection: keep-alive[^]*connection: close/)
    expect(closed).toBe(true)
  })

  it('does not wait for idle connections, or for ones without a request', async () => {
    const served = await start(serve(app, local))
    await (await fetch(served.url)).text()
    const unused = connect(Number(new URL(served.url).port), '127.0.0.1')
    await sleep(50)
    const begun = performance.now()
    await served.close()
    expect(performance.now() - begun).toBeLessThan(1_000)
    unused.destroy()
  })

  it('aborts the requests that are in progress after the grace, and closes their connections', async () => {
    const reasons: unknown[] = []
    const stuck = router({
      stuck: route('/').get((_request, { signal }) => {
        signal.addEventListener('abort', () => reasons.push((signal.reason as Error).name))
        return new Promise<string>(() => {})
      }),
    })
    const served = await start(serve(stuck, { ...local, grace: 200 }))
    const asked = fetch(served.url).catch((error: Error) => error.name)
    await sleep(50)
    const begun = performance.now()
    await served.close()
    expect(performance.now() - begun).toBeGreaterThan(150)
    expect(performance.now() - begun).toBeLessThan(1_000)
    expect(await asked).toBe('TypeError')
    expect(reasons).toEqual(['AbortError'])
  })

  it('waits for the work after the responses, for at most the grace', async () => {
    const done: string[] = []
    const works = router({
      ends: route('/ends').get((_request, { after }) => after(() => sleep(300).then(() => done.push('after')))),
      never: route('/never').get((_request, { waitUntil }) => waitUntil(new Promise(() => {}))),
    })
    const first = await start(serve(works, { ...local, grace: 5_000 }))
    await fetch(`${first.url}/ends`)
    await first.close()
    expect(done).toEqual(['after'])
    const second = await start(serve(works, { ...local, grace: 100 }))
    await fetch(`${second.url}/never`)
    const begun = performance.now()
    await second.close()
    expect(performance.now() - begun).toBeLessThan(2_000)
  })

  it('returns the same promise each time, and removes its signal handlers', async () => {
    const before = process.listenerCount('SIGTERM')
    const one = await start(serve(app, { ...local, signals: true }))
    const two = await start(serve(app, { ...local, signals: true }))
    expect(process.listenerCount('SIGTERM')).toBe(before + 1)
    expect(one.close()).toBe(one.close())
    await Promise.all([one.close(), two.close()])
    expect(process.listenerCount('SIGTERM')).toBe(before)
  })
})

describe('signals', () => {
  const script = fileURLToPath(new URL('fixtures/server.mjs', import.meta.url))

  interface Child {
    readonly process: ChildProcess
    readonly url: string
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
    return { process: child, url, ended }
  }

  it.each(['SIGTERM', 'SIGINT'] as const)(
    '%s waits for requests in progress and the work after them, and exits with 0',
    async (signal) => {
      const child = await run('5000')
      const asked = fetch(`${child.url}/slow`)
      await sleep(100)
      child.process.kill(signal)
      const response = await asked
      expect([response.status, await response.text()]).toEqual([200, 'slow'])
      const { code, output } = await child.ended
      expect(code).toBe(0)
      expect(output).toContain('after')
    },
  )

  it('a second signal ends the process immediately', async () => {
    const child = await run('30000')
    const asked = fetch(`${child.url}/stuck`).catch((error: Error) => error.name)
    await sleep(100)
    child.process.kill('SIGTERM')
    await sleep(200)
    const begun = performance.now()
    child.process.kill('SIGTERM')
    expect((await child.ended).code).toBe(143)
    expect(performance.now() - begun).toBeLessThan(2_000)
    expect(await asked).toBe('TypeError')
  })

  it('the process exits with 0 after the grace', async () => {
    const child = await run('300')
    const asked = fetch(`${child.url}/stuck`).catch((error: Error) => error.name)
    await sleep(100)
    child.process.kill('SIGTERM')
    expect((await child.ended).code).toBe(0)
    expect(await asked).toBe('TypeError')
  })

  it('the default grace on Vercel is 500 ms', async () => {
    const child = await start(['default'], { VERCEL: '1' })
    const asked = fetch(`${child.url}/stuck`).catch((error: Error) => error.name)
    await sleep(100)
    const begun = performance.now()
    child.process.kill('SIGTERM')
    expect((await child.ended).code).toBe(0)
    expect(performance.now() - begun).toBeGreaterThan(450)
    // The default elsewhere is 10 seconds.
    expect(performance.now() - begun).toBeLessThan(5_000)
    expect(await asked).toBe('TypeError')
  })

  it('the default grace elsewhere lets longer requests end', async () => {
    const child = await start(['default'], { VERCEL: '' })
    const asked = fetch(`${child.url}/long`)
    await sleep(100)
    child.process.kill('SIGTERM')
    expect(await (await asked).text()).toBe('long')
    expect((await child.ended).code).toBe(0)
  })

  const counted = ({ output }: { output: string }): { begun: number; after: number } =>
    JSON.parse(/^\{.*\}$/m.exec(output)![0]) as { begun: number; after: number }

  /** 32 clients, each of which sends its next request after a pause when it has a response, until the server has closed. */
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
    await sleep(600)
    expect(count.answered).toBeGreaterThan(50)
    halfway()
    await Promise.all(loops)
    agent.destroy()
    return { ...count, dropped }
  }

  it('drops no request under load', async () => {
    const child = await run('5000')
    const { answered, refused, dropped } = await load(child.url, true, 0, () => child.process.kill('SIGTERM'))
    const ended = await child.ended
    expect([ended.code, dropped, refused]).toEqual([0, [], 32])
    expect(counted(ended)).toEqual({ begun: answered, after: answered })
  })

  // A request that was on its way while the server closed its side can be reset. Clients repeat it.
  it.each([
    ['on connections that are sometimes idle', true, 300],
    ['on a connection of its own', false, 0],
  ])('responds to each request under load that has reached it: %s', async (_name, keepAlive, pause) => {
    const child = await run('5000')
    const { answered, refused, dropped } = await load(child.url, keepAlive, pause, () => child.process.kill('SIGTERM'))
    const ended = await child.ended
    expect(ended.code).toBe(0)
    expect(counted(ended)).toEqual({ begun: answered, after: answered })
    expect(dropped.filter((code) => code !== 'ECONNRESET' && code !== 'EPIPE')).toEqual([])
    expect(refused + dropped.length).toBe(32)
  })

  it.skipIf(!existsSync('/usr/bin/wrk'))('drops no request under the load of wrk', async () => {
    const child = await run('5000')
    const load = promisify(execFile)('/usr/bin/wrk', ['-t1', '-c64', '-d1s', `${child.url}/quick`])
    await sleep(500)
    child.process.kill('SIGTERM')
    const ended = await child.ended
    const { stdout } = await load
    const requests = Number(/(\d+) requests in/.exec(stdout)![1])
    expect([ended.code, counted(ended)]).toEqual([0, { begun: requests, after: requests }])
    expect(requests).toBeGreaterThan(500)
    // After the server has closed, wrk continues to connect, and counts failed writes.
    expect(stdout).not.toMatch(/read [1-9]|timeout [1-9]|Non-2xx/)
  })

  it('a port in use ends the process with the reason if no code handles ready', async () => {
    const child = await run('5000')
    const error = await new Promise<string>((resolve) =>
      execFile(process.execPath, [script, '5000', new URL(child.url).port], (_error, _stdout, stderr) =>
        resolve(stderr),
      ),
    )
    expect(error).toMatch(/port \d+ of 127\.0\.0\.1 is in use/)
    child.process.kill('SIGTERM')
    expect((await child.ended).code).toBe(0)
  })
})
