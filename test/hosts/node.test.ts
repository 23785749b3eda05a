import { once } from 'node:events'
import { Agent, request as ask } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { serve, type Served, type ServeOptions } from '../../src/hosts/node.js'
import { route, router } from '../../src/index.js'
import { raw } from './contract.js'

const local: ServeOptions = { port: 0, hostname: '127.0.0.1', signals: false }
const app = router({
  all: route('/[[...path]]').get((request, { url, ip }) => ({ url: request.url, seen: url.href, ip: ip ?? null })),
})
const patient = { timeout: 30_000 }
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

  it('returns its server, which keeps idle connections open for 65 seconds', async () => {
    const { server } = await start(serve(app, local))
    expect([server.listening, server.keepAliveTimeout]).toEqual([true, 65_000])
  })

  it('passes the timeouts and the largest header size to its server', async () => {
    const limits = { keepAliveTimeout: 200, headersTimeout: 300, requestTimeout: 400, maxHeaderSize: 1_000 }
    const { server, url } = await start(serve(app, { ...local, ...limits }))
    expect(server).toMatchObject({ keepAliveTimeout: 200, headersTimeout: 300, requestTimeout: 400 })
    expect((await fetch(url, { headers: { 'x-long': 'a'.repeat(1_000) } })).status).toBe(431)
  })

  it('responds with 501 to CONNECT and TRACE', async () => {
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

  it('uses the address, scheme and host from the trusted proxies, and ignores earlier values', async () => {
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
    expect(await (await fetch(one.url, { headers: { 'x-forwarded-proto': 'HTTPS' } })).json()).toMatchObject({
      url: one.url.replace('http', 'https') + '/',
    })
    expect((await fetch(one.url, { headers: { 'x-forwarded-host': 'a/b' } })).status).toBe(400)
    const two = await start(serve(app, { ...local, trustProxy: 2 }))
    expect((await fetch(two.url, { headers })).status).toBe(400)
    expect(
      await (await fetch(two.url, { headers: { 'x-forwarded-for': headers['x-forwarded-for'] } })).json(),
    ).toMatchObject({ ip: '1.1.1.1' })
  })
})

describe('context.ip', () => {
  it('is the IPv4 address of a client on a server that listens on every address', async () => {
    const { url } = await start(serve(app, { port: 0, signals: false }))
    expect(await (await fetch(url.replace('localhost', '127.0.0.1'))).json()).toMatchObject({ ip: '127.0.0.1' })
  })

  it.each([
    ['1.2.3.4', '1.2.3.4'],
    ['1.2.3.4:5678', '1.2.3.4'],
    ['2001:db8::1', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['[2001:db8::1]:443', '2001:db8::1'],
    ['6.6.6.6, 1.2.3.4:80 ', '1.2.3.4'],
    ['::ffff:1.2.3.4', '1.2.3.4'],
    ['[::FFFF:1.2.3.4]:80', '1.2.3.4'],
    ['"[2001:db8::1]:4711"', '2001:db8::1'],
    ['"1.2.3.4"', '1.2.3.4'],
    ['fe80::1%eth0', 'fe80::1%eth0'],
    ['_hidden', null],
    ['"1.2.3.4', null],
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

  it('is the target as the URL parser serializes it, or the request is rejected with 400', async () => {
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

  it('is a serialized URL for any Host, or the request is rejected with 400', async () => {
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
    const handler = vi.fn(() => sleep(300).then(() => 'done'))
    const slow = router({ slow: route('/').get(handler) })
    const served = await start(serve(slow, local))
    const asked = fetch(served.url)
    await vi.waitFor(() => expect(handler).toHaveBeenCalled(), patient)
    const closing = served.close()
    await sleep(10)
    await expect(fetch(served.url)).rejects.toThrow()
    const response = await asked
    expect([response.status, await response.json()]).toEqual([200, 'done'])
    expect(await closing).toBeUndefined()
  })

  it('responds to the next request on an open connection, and then closes the connection', async () => {
    const served = await start(serve(app, local))
    const one = 'GET /a HTTP/1.1\r\nHost: a\r\n\r\n'
    let closing: Promise<void> | undefined
    const { text, closed } = await raw(served.url, [one, /"ip"/, () => void (closing = served.close()), 40, one])
    await closing
    expect(text.match(/HTTP\/1\.1 200 /g)).toHaveLength(2)
    expect(text.toLowerCase()).toMatch(/connection: keep-alive[^]*connection: close/)
    expect(closed).toBe(true)
  })

  it('does not wait for idle connections, or for connections without a request', async () => {
    const served = await start(serve(app, local))
    await (await fetch(served.url)).text()
    const unused = connect(Number(new URL(served.url).port), '127.0.0.1')
    await once(unused, 'connect')
    await sleep(50)
    const begun = performance.now()
    await served.close()
    // The grace is 10 seconds.
    expect(performance.now() - begun).toBeLessThan(8_000)
    unused.destroy()
  })

  it('aborts the requests in progress after the grace, and closes their connections', async () => {
    const reasons: unknown[] = []
    const begins = vi.fn()
    const stuck = router({
      stuck: route('/').get((_request, { signal }) => {
        begins()
        signal.addEventListener('abort', () => reasons.push((signal.reason as Error).name))
        return new Promise<string>(() => {})
      }),
    })
    const served = await start(serve(stuck, { ...local, grace: 200 }))
    const asked = fetch(served.url).catch((error: Error) => error.name)
    await vi.waitFor(() => expect(begins).toHaveBeenCalled(), patient)
    const begun = performance.now()
    await served.close()
    expect(performance.now() - begun).toBeGreaterThan(150)
    // The default is 10 seconds.
    expect(performance.now() - begun).toBeLessThan(8_000)
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
    expect(performance.now() - begun).toBeLessThan(20_000)
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
