import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { bytes, form, route, router, type Router, stream } from '../../src/index.js'
import * as reply from '../../src/replies/index.js'

export interface Running {
  /** The origin, such as `http://127.0.0.1:4711`. */
  readonly url: string
  close(): Promise<unknown>
}

export type Start = (app: Router<unknown>) => Promise<Running>

/**
 * Sends bytes as they are, and returns what the server sends until it matches `done`, the server closes, or `milliseconds`
 * pass. In `parts`, a number is a pause, a RegExp waits until the text matches, and a function is called and awaited.
 */
export async function raw(
  url: string,
  parts: string | readonly (string | Buffer | number | RegExp | (() => unknown))[],
  done: RegExp = /$^/,
  milliseconds = 30_000,
): Promise<{ text: string; closed: boolean }> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  let text = ''
  let closed = false
  const ended = new Promise<void>((resolve) => {
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      if (done.test(text)) resolve()
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      closed = true
      resolve()
    })
  })
  await once(socket, 'connect')
  for (const part of typeof parts === 'string' ? [parts] : parts)
    if (typeof part === 'number') await sleep(part)
    else if (part instanceof RegExp)
      await vi.waitFor(() => expect(text).toMatch(part), { timeout: 30_000, interval: 5 })
    else if (typeof part === 'function') await part()
    else socket.write(part)
  await Promise.race([ended, sleep(milliseconds)])
  socket.destroy()
  return { text, closed }
}

/** The behavior of every way to run an app on Node.js. Hosts that have a mount path use `/api`. */
export function hostContract(name: string, start: Start): void {
  describe(name, () => {
    const onError = vi.fn()
    const aborts: string[] = []
    const seen: { signal?: AbortSignal; ip?: string | undefined } = {}
    const arrived: number[] = []
    let work: string[] = []
    // Lets the stream of /stream continue.
    let next = (): void => {}
    const v1 = route.prefix('/api')
    const app = router(
      {
        hello: v1('/hello').get(() => reply.text('hello')),
        where: v1('/where/[[...path]]').get((request) => ({ url: request.url, method: request.method })),
        echo: v1('/echo').post(
          { body: bytes(z.instanceof(Uint8Array)), bodyLimit: 1_000_000 },
          (_request, { body: bytes }) => new Response(bytes as Uint8Array<ArrayBuffer>),
        ),
        self: v1('/self').post(async (request) => {
          const copy = request.clone()
          return {
            text: await request.text(),
            copy: await copy.text(),
            bodyUsed: request.bodyUsed,
            again: await request.text().catch((error: Error) => error.name),
          }
        }),
        json: v1('/json').post(
          { body: z.object({ a: z.number() }).optional() },
          (_request, { body }) => body ?? 'none',
        ),
        limited: v1('/limited').post({ body: z.unknown(), bodyLimit: 1_000 }, () => 'ok'),
        upload: v1('/upload').post(
          { body: stream('application/octet-stream'), bodyLimit: 4_000_000 },
          async (_request, { body: stream }) => {
            let size = 0
            for await (const chunk of stream as unknown as AsyncIterable<Uint8Array>) {
              size += chunk.byteLength
              arrived.push(size)
            }
            return size
          },
        ),
        form: v1('/form').post(
          { body: form(z.object({ name: z.string(), file: z.instanceof(File) })) },
          async (_request, { body: form }) => ({
            name: form.name,
            file: form.file.name,
            size: (await form.file.text()).length,
          }),
        ),
        cookies: v1('/cookies').get(() =>
          reply.json('set', {
            headers: [
              ['set-cookie', 'a=1; Path=/'],
              ['set-cookie', 'b=2; Path=/'],
            ],
          }),
        ),
        cookiesOfResponse: v1('/cookies/response').get(
          () =>
            new Response('set', {
              headers: [
                ['set-cookie', 'a=1'],
                ['set-cookie', 'b=2'],
              ],
            }),
        ),
        empty: v1('/empty').get(() => undefined),
        gone: v1('/gone').get(() => reply.permanentRedirect('/api/hello')),
        notModified: v1('/not-modified').get(() => new Response(null, { status: 304, headers: { etag: '"1"' } })),
        words: v1('/words').get(() => new Response('ok', { status: 200, statusText: 'Quite Fine' })),
        used: v1('/used')
          .use(async (_request, _context, next) => {
            const response = await next()
            await response.text()
            return response
          })
          .get(() => reply.text('read')),
        stream: v1('/stream').get(() => {
          let count = 0
          return new Response(
            new ReadableStream({
              async pull(controller) {
                if (count++) await new Promise<void>((resolve) => (next = resolve))
                if (count > 3) return controller.close()
                controller.enqueue(new TextEncoder().encode(`data: ${count}\n\n`))
              },
            }),
            { headers: { 'content-type': 'text/event-stream' } },
          )
        }),
        silent: v1('/silent').get(
          ({ signal }) =>
            new Response(
              new ReadableStream({
                start: (controller) => signal.addEventListener('abort', () => controller.close()),
              }),
            ),
        ),
        endless: v1('/endless').get(
          () =>
            new Response(
              new ReadableStream({
                async pull(controller) {
                  await sleep(1)
                  controller.enqueue(new Uint8Array(65_536))
                },
                cancel: () => void aborts.push('stream canceled'),
              }),
            ),
        ),
        broken: v1('/broken/[how]').get((_request, { params }) => {
          let sent = false
          return new Response(
            new ReadableStream({
              async pull(controller) {
                await sleep(5)
                if (sent) controller.error(params.how === 'undefined' ? undefined : new Error('broken in the middle'))
                else controller.enqueue(new TextEncoder().encode('begun'))
                sent = true
              },
            }),
          )
        }),
        slow: v1('/slow').get(async (_request, { signal, ip }) => {
          seen.signal = signal
          seen.ip = ip
          signal.addEventListener('abort', () => aborts.push('aborted'))
          await sleep(300)
          return reply.text('late')
        }),
        throws: v1('/throws').get(() => {
          throw new Error('secret')
        }),
        later: v1('/later').get((_request, { waitUntil, after }) => {
          waitUntil(sleep(20).then(() => work.push('waited')))
          after(() => work.push('after'))
          return 'now'
        }),
      },
      { onError },
    )
    let host: Running
    const get = (path: string, init?: RequestInit): Promise<Response> => fetch(host.url + path, init)

    beforeAll(async () => {
      host = await start(app)
    })
    afterAll(() => host.close())
    beforeEach(() => {
      aborts.length = 0
      arrived.length = 0
      work = []
      onError.mockReset()
    })

    it('responds with the text, its length and its type', async () => {
      const response = await get('/api/hello')
      expect(response.status).toBe(200)
      expect(response.headers.get('content-length')).toBe('5')
      expect(response.headers.get('content-type')).toBe('text/plain;charset=UTF-8')
      expect(await response.text()).toBe('hello')
    })

    it('passes the complete URL of the request to the handler', async () => {
      expect(await (await get('/api/where/a%20b/%E2%82%AC?q=1&q=a%27b')).json()).toEqual({
        url: `${host.url}/api/where/a%20b/%E2%82%AC?q=1&q=a%27b`,
        method: 'GET',
      })
    })

    it('resolves dot segments as the URL parser does', async () => {
      const { text } = await raw(
        host.url,
        'GET /api/where/x/%2E%2e/./y HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n',
      )
      expect(text).toContain('"url":"http://example.com/api/where/y"')
    })

    it('echoes 300 kB', async () => {
      const bytes = new Uint8Array(300_000).map((_, index) => index % 251)
      const response = await get('/api/echo', { method: 'POST', body: bytes })
      expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true)
    })

    it('reads a chunked body', async () => {
      const { text } = await raw(host.url, [
        'POST /api/json HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n',
        '4\r\n{"a"\r\n',
        20,
        '3\r\n:1}\r\n',
        20,
        '0\r\n\r\n',
      ])
      expect(text).toMatch(/^HTTP\/1\.1 200 /)
      expect(text).toContain('{"a":1}')
    })

    const uploadInit = (body: ReadableStream<Uint8Array>): RequestInit =>
      ({ method: 'POST', headers: { 'content-type': 'application/octet-stream' }, body, duplex: 'half' }) as RequestInit

    it('passes a body to the handler as a stream while it arrives', async () => {
      let sent = 0
      const body = new ReadableStream<Uint8Array>({
        async pull(controller) {
          if (sent === 1) await vi.waitFor(() => expect(arrived.at(-1)).toBe(100_000))
          if (sent++ < 30) controller.enqueue(new Uint8Array(100_000))
          else controller.close()
        },
      })
      const response = await get('/api/upload', uploadInit(body))
      expect([response.status, await response.json()]).toEqual([200, 3_000_000])
    })

    it('responds with 413 to a stream over the limit, and with 415 to another media type', async () => {
      const chunk = `186a0\r\n${'x'.repeat(100_000)}\r\n`
      const head = 'POST /api/upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n'
      const past = await raw(
        host.url,
        [`${head}Content-Type: application/octet-stream\r\n\r\n`, chunk.repeat(41)],
        /\}/,
      )
      expect(past.text).toMatch(/^HTTP\/1\.1 413 /)
      const other = await raw(host.url, [`${head}Content-Type: text/plain\r\n\r\n`, chunk], /\}/)
      expect(other.text).toMatch(/^HTTP\/1\.1 415 /)
      expect(onError).not.toHaveBeenCalled()
    })

    it('continues to serve after a client disconnects during an upload, without calling onError', async () => {
      const begun = `POST /api/upload HTTP/1.1\r\nHost: a\r\nContent-Type: application/octet-stream\r\nContent-Length: 100\r\n\r\nabc`
      await raw(host.url, [begun, () => vi.waitFor(() => expect(arrived.at(-1)).toBe(3), { timeout: 30_000 })], /$^/, 1)
      expect((await get('/api/hello')).status).toBe(200)
      await sleep(50)
      expect(onError.mock.calls.map(([error]) => error as unknown)).toEqual([])
    })

    it('reads a multipart form', async () => {
      const body = new FormData()
      body.set('name', 'Ada')
      body.set('file', new File(['x'.repeat(1_000)], 'notes.txt'))
      expect(await (await get('/api/form', { method: 'POST', body })).json()).toEqual({
        name: 'Ada',
        file: 'notes.txt',
        size: 1_000,
      })
    })

    it('validates a POST without a body as undefined', async () => {
      const response = await get('/api/json', { method: 'POST' })
      expect([response.status, await response.json()]).toEqual([200, 'none'])
    })

    it('passes the handler a request that can be cloned, and read once', async () => {
      expect(await (await get('/api/self', { method: 'POST', body: 'words' })).json()).toEqual({
        text: 'words',
        copy: 'words',
        bodyUsed: true,
        again: 'TypeError',
      })
    })

    it.each(['/api/cookies', '/api/cookies/response'])('sends each Set-Cookie of %s', async (path) => {
      const cookies = (await get(path)).headers.getSetCookie()
      expect(cookies.map((cookie) => cookie.slice(0, 3))).toEqual(['a=1', 'b=2'])
    })

    it('sends each chunk of a stream immediately', async () => {
      const response = await get('/api/stream')
      const chunks: string[] = []
      // Each chunk arrives before the next one is written.
      for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
        chunks.push(chunk)
        next()
      }
      expect(chunks).toEqual(['data: 1\n\n', 'data: 2\n\n', 'data: 3\n\n'])
    })

    it('sends the head of a stream before its first chunk', async () => {
      const controller = new AbortController()
      expect((await get('/api/silent', { signal: controller.signal })).status).toBe(200)
      controller.abort()
    })

    it('closes the connection if a stream fails, and continues to serve', async () => {
      const log = vi.spyOn(console, 'error').mockImplementation(() => {})
      for (const how of ['error', 'undefined']) {
        const response = await get(`/api/broken/${how}`)
        expect(response.status).toBe(200)
        await expect(response.text()).rejects.toThrow()
      }
      expect(log).toHaveBeenCalledTimes(2)
      log.mockRestore()
      expect((await get('/api/hello')).status).toBe(200)
    })

    it('cancels the stream of a client that disconnects', async () => {
      const controller = new AbortController()
      await get('/api/endless', { signal: controller.signal })
      controller.abort()
      await vi.waitFor(() => expect(aborts).toEqual(['stream canceled']))
    })

    it('responds to HEAD as to GET, without the body', async () => {
      const { text } = await raw(host.url, 'HEAD /api/hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
      expect(text).toMatch(/^HTTP\/1\.1 200 /)
      expect(text.toLowerCase()).toContain('content-length: 5\r\n')
      expect(text.endsWith('\r\n\r\n')).toBe(true)
      expect((await get('/api/stream', { method: 'HEAD' })).headers.get('content-type')).toBe('text/event-stream')
    })

    it('sends no body and no length with 204 and 304', async () => {
      for (const path of ['/api/empty', '/api/not-modified']) {
        const { text } = await raw(host.url, `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
        expect(text).toMatch(/^HTTP\/1\.1 (204|304) /)
        expect(text.toLowerCase()).not.toMatch(/content-length|transfer-encoding/)
        expect(text.endsWith('\r\n\r\n')).toBe(true)
      }
    })

    it('sends Content-Length: 0 with an empty response', async () => {
      const response = await get('/api/gone', { redirect: 'manual' })
      expect([response.status, response.headers.get('location'), response.headers.get('content-length')]).toEqual([
        308,
        '/api/hello',
        '0',
      ])
    })

    it('sends statusText, or the usual reason phrase', async () => {
      expect((await get('/api/words')).statusText).toBe('Quite Fine')
      expect((await get('/api/hello')).statusText).toBe('OK')
    })

    it('responds with a 404 problem to an unknown path, also if a POST body is not read', async () => {
      expect((await get('/api/nowhere')).headers.get('content-type')).toBe('application/problem+json')
      const response = await get('/api/nowhere', { method: 'POST', body: new Uint8Array(300_000) })
      expect([response.status, ((await response.json()) as { status: number }).status]).toEqual([404, 404])
    })

    it('responds with 500 without the message of the error', async () => {
      const response = await get('/api/throws')
      expect(response.status).toBe(500)
      expect(await response.text()).not.toContain('secret')
      expect(onError).toHaveBeenCalledOnce()
    })

    it('responds with 500 if a middleware returns a Response that it has read', async () => {
      const log = vi.spyOn(console, 'error').mockImplementation(() => {})
      expect((await get('/api/used')).status).toBe(500)
      expect(log.mock.calls.length + onError.mock.calls.length).toBe(1)
      log.mockRestore()
    })

    it('aborts context.signal when the client disconnects, and discards the late response', async () => {
      const controller = new AbortController()
      const asked = get('/api/slow', { signal: controller.signal })
      await vi.waitFor(() => expect(seen.signal).toBeDefined())
      controller.abort()
      await expect(asked).rejects.toThrow()
      await vi.waitFor(() => expect(aborts).toEqual(['aborted']))
      await sleep(350)
      expect((await get('/api/hello')).status).toBe(200)
    })

    it('does not abort context.signal after a complete response, and sets context.ip', async () => {
      expect(await (await get('/api/slow')).text()).toBe('late')
      await sleep(20)
      expect(aborts).toEqual([])
      expect(seen.ip).toBe('127.0.0.1')
    })

    it('responds with 413 to a Content-Length over the limit, and keeps the connection usable', async () => {
      const { text } = await raw(
        host.url,
        [
          'POST /api/limited HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 200000\r\n\r\n',
          '"'.padEnd(100_000, 'x'),
          50,
          'x'.repeat(100_000),
          'GET /api/hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
        ],
        /hello$/,
      )
      expect(text).toMatch(/^HTTP\/1\.1 413 /)
      expect(text).toMatch(/HTTP\/1\.1 200 [^]*hello$/)
    })

    it('responds with 413 to a chunked body when it passes the limit', async () => {
      const { text } = await raw(
        host.url,
        [
          'POST /api/limited HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n',
          `3e9\r\n${'x'.repeat(1001)}\r\n`,
        ],
        /\}/,
      )
      expect(text).toMatch(/^HTTP\/1\.1 413 /)
    })

    it('continues to serve after a body that ends early', async () => {
      await raw(
        host.url,
        ['POST /api/json HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"a"', 30],
        /$^/,
        1,
      )
      expect((await get('/api/hello')).status).toBe(200)
    })

    it('responds to many requests on one connection', async () => {
      const one = 'GET /api/hello HTTP/1.1\r\nHost: a\r\n\r\n'
      const { text } = await raw(host.url, one + one + one, /(hello[^]*){3}/)
      expect(text.match(/HTTP\/1\.1 200 /g)).toHaveLength(3)
    })

    it.each(['a b', 'user@a', 'a/b', 'a?b', 'a#b', 'a\\b', 'a:b', 'a:99999', '[::', '999.1.1.1', '', 'a, b', '%61'])(
      'responds with 400 to the Host %j',
      async (given) => {
        const { text } = await raw(host.url, `GET /api/hello HTTP/1.1\r\nHost: ${given}\r\nConnection: close\r\n\r\n`)
        expect(text).toMatch(/^HTTP\/1\.1 400 /)
      },
    )

    it('responds with 400 to a missing and to a duplicate Host', async () => {
      for (const hosts of ['', 'Host: a\r\nhost: b\r\n', 'Host: a\r\nHost: a\r\n']) {
        const { text } = await raw(host.url, `GET /api/hello HTTP/1.1\r\n${hosts}Connection: close\r\n\r\n`)
        expect(text).toMatch(/^HTTP\/1\.1 400 /)
      }
    })

    it('ignores X-Forwarded-* by default', async () => {
      const response = await get('/api/where', {
        headers: { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https', 'x-forwarded-for': '6.6.6.6' },
      })
      expect(((await response.json()) as { url: string }).url).toBe(`${host.url}/api/where`)
    })

    it('finishes waitUntil() and after() work before settled() resolves', async () => {
      await (await get('/api/later')).text()
      await app.settled()
      expect(work.toSorted()).toEqual(['after', 'waited'])
    })
  })
}
