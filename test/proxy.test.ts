import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { serve, type Served } from '../src/hosts/node.js'
import { href, route, router, type ErrorInfo } from '../src/index.js'
import * as reply from '../src/replies/index.js'
import type { ProxyOptions } from '../src/replies/index.js'

let upstream: Server
let origin: string
let answer: RequestListener
let received: IncomingMessage[]
beforeEach(async () => {
  received = []
  answer = (_incoming, outgoing) => outgoing.end()
  upstream = createServer((incoming, outgoing) => {
    received.push(incoming)
    answer(incoming, outgoing)
  })
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`
})
afterEach(async () => {
  upstream.closeAllConnections()
  await new Promise((resolve) => upstream.close(resolve))
})

interface Told {
  readonly error: unknown
  readonly phase: ErrorInfo['phase']
}

/** An app that forwards every request, and the errors that its `onError` received. */
function toApp(options: Partial<ProxyOptions> = {}, target?: () => string) {
  const told: Told[] = []
  const all = route('/[[...path]]').use((_request, _context, next) => next())
  const handler = (
    request: Request,
    { params, url, signal }: { params: { path?: string[] }; url: URL; signal: AbortSignal },
  ) =>
    reply.proxy(request, target ? target() : `${origin}${href('/[[...path]]', params)}${url.search}`, {
      signal,
      ...options,
    })
  const app = router(
    { all: all.get(handler).post(handler).put(handler).patch(handler).delete(handler).options(handler).query(handler) },
    { onError: (error, { phase }) => told.push({ error, phase }) },
  )
  return { app, told }
}

const forward = async (init: RequestInit = {}, options?: Partial<ProxyOptions>, path = '/'): Promise<Response> =>
  toApp(options).app.fetch(new Request(`http://test${path}`, init))

describe('reply.proxy()', () => {
  it.each(['/%252e%252e/admin', '/a/.%252E/b', '/%252e'])(
    'sends a 400 for the path %s, which href() cannot build, and reports it',
    async (path) => {
      const { app, told } = toApp()
      const response = await app.fetch(new Request(`http://test${path}`))
      expect([response.status, await response.json()]).toEqual([400, { title: 'Bad Request', status: 400 }])
      expect(received).toEqual([])
      expect(told).toEqual([{ error: expect.objectContaining({ name: 'HrefError' }) as Error, phase: 'handler' }])
    },
  )

  it('forwards method, path, query and body, and sends the response of the upstream', async () => {
    answer = async (incoming, outgoing) => {
      let text = ''
      for await (const chunk of incoming) text += String(chunk)
      outgoing
        .writeHead(201, { 'content-type': 'text/plain', 'x-own': 'a' })
        .end(`${incoming.method} ${incoming.url} ${text}`)
    }
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'QUERY']) {
      const response = await forward({ method, body: 'ä' }, {}, '/a%20b/c%2Fd?e=f&e=g')
      expect([response.status, response.headers.get('x-own')]).toEqual([201, 'a'])
      expect(await response.text()).toBe(`${method} /a%20b/c%2Fd?e=f&e=g ä`)
    }
    expect(await (await forward()).text()).toBe('GET / ')
    expect((await forward({ method: 'OPTIONS' })).status).toBe(201)
  })

  it('forwards HEAD as HEAD', async () => {
    answer = (_incoming, outgoing) => outgoing.writeHead(200, { 'content-length': '5', etag: '"a"' }).end()
    const response = await forward({ method: 'HEAD' })
    expect(received[0]!.method).toBe('HEAD')
    expect([response.body, response.headers.get('content-length'), response.headers.get('etag')]).toEqual([
      null,
      '5',
      '"a"',
    ])
  })

  it('forwards responses without a body, errors, and redirects without following them', async () => {
    for (const [status, headers] of [
      [204, {}],
      [304, { etag: '"a"' }],
      [302, { location: '/elsewhere' }],
      [404, { 'content-type': 'application/problem+json' }],
      [500, {}],
      [503, { 'retry-after': '5' }],
    ] as const) {
      answer = (_incoming, outgoing) => outgoing.writeHead(status, headers).end()
      const response = await forward()
      expect(response.status).toBe(status)
      expect(Object.fromEntries(response.headers)).toMatchObject(headers)
    }
    expect(received).toHaveLength(6)
  })

  it('forwards the default headers, the headers in forward, and the headers in headers', async () => {
    const sent = {
      accept: 'text/plain',
      'content-type': 'text/x',
      'if-none-match': '"a"',
      range: 'bytes=0-1',
      'user-agent': 'test',
      authorization: 'Bearer a',
      cookie: 'a=b',
      origin: 'http://test',
      'x-forwarded-for': '1.2.3.4',
      'x-forwarded-host': 'evil',
      forwarded: 'for=1.2.3.4',
      'x-custom': 'c',
      'accept-encoding': 'gzip',
      'proxy-authorization': 'Basic a',
      te: 'trailers',
    }
    await forward({ method: 'POST', headers: sent, body: 'a' })
    const { headers } = received[0]!
    expect(headers).toMatchObject({
      accept: 'text/plain',
      'content-type': 'text/x',
      host: origin.slice('http://'.length),
      'if-none-match': '"a"',
      range: 'bytes=0-1',
      'user-agent': 'test',
    })
    // `fetch` adds it again if the request has a Range.
    expect(headers['accept-encoding']).toMatch(/^identity(?:, identity)?$/)
    for (const name of Object.keys(sent).slice(5))
      if (name !== 'accept-encoding') expect([name, headers[name]]).toEqual([name, undefined])

    await forward(
      { headers: sent },
      {
        forward: ['X-Custom', 'authorization', 'te'],
        cookies: true,
        headers: { authorization: 'Bearer own', 'x-forwarded-for': '5.6.7.8' },
      },
    )
    expect(received[1]!.headers).toMatchObject({
      authorization: 'Bearer own',
      cookie: 'a=b',
      'x-custom': 'c',
      'x-forwarded-for': '5.6.7.8',
    })
    expect(received[1]!.headers.te).toBe(undefined)
  })

  it('does not forward hop-by-hop headers, or headers that Connection names, in either direction', async () => {
    answer = (_incoming, outgoing) =>
      outgoing
        .writeHead(200, {
          connection: 'keep-alive, X-Hop',
          'keep-alive': 'timeout=5',
          'proxy-authenticate': 'Basic',
          upgrade: 'h2c',
          'alt-svc': 'h3=":443"',
          'x-hop': 'a',
          'x-end': 'b',
        })
        .end('a')
    const headers = {
      connection: 'close, x-named , Accept',
      'x-named': 'a',
      'x-kept': 'b',
      accept: 'text/x',
      'keep-alive': '1',
    }
    const { app } = toApp({ forward: ['x-named', 'x-kept'] })
    const server = serve(app, { port: 0, hostname: '127.0.0.1', signals: false })
    await server.ready
    try {
      const text = await raw(
        server,
        `GET / HTTP/1.1\r\nhost: a\r\n${Object.entries(headers)
          .map((pair) => pair.join(': '))
          .join('\r\n')}\r\n\r\n`,
      )
      expect(text).toMatch(/^HTTP\/1\.1 200 /)
      expect(text).toMatch(/^x-end: b\r$/m)
      expect(text).not.toMatch(/^(?:x-hop|proxy-authenticate|upgrade|alt-svc):/im)
    } finally {
      await server.close()
    }
    expect(received[0]!.headers['x-kept']).toBe('b')
    expect(received[0]!.headers['x-named']).toBe(undefined)
    // `fetch` sends this value by default.
    expect(received[0]!.headers.accept).toBe('*/*')
  })

  it('forwards cookies only with { cookies: true }', async () => {
    answer = (_incoming, outgoing) =>
      outgoing
        .writeHead(200, [
          ['set-cookie', 'a=1'],
          ['set-cookie', 'b=2'],
        ] as never)
        .end('a')
    expect((await forward()).headers.getSetCookie()).toEqual([])
    expect((await forward({}, { cookies: true })).headers.getSetCookie()).toEqual(['a=1', 'b=2'])
  })

  it('removes the headers of an encoding that fetch has decoded', async () => {
    const body = gzipSync('hello')
    answer = (_incoming, outgoing) =>
      outgoing.writeHead(200, { 'content-encoding': 'gzip', 'content-length': body.length, etag: '"a"' }).end(body)
    const response = await forward()
    expect(await response.text()).toBe('hello')
    expect(['content-encoding', 'content-length', 'etag'].map((name) => response.headers.get(name))).toEqual([
      null,
      null,
      'W/"a"',
    ])

    answer = (_incoming, outgoing) => outgoing.writeHead(200, { 'content-length': 5, etag: '"a"' }).end('hello')
    const plain = await forward()
    expect(['content-length', 'etag'].map((name) => plain.headers.get(name))).toEqual(['5', '"a"'])
  })

  it('sends the whole body for an encoding that only some versions of fetch decode', async () => {
    // One frame with one raw block. Node 20 does not decode it; newer versions decode it and keep the header.
    const body = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x20, 5, (5 << 3) | 1, 0, 0, ...Buffer.from('hello')])
    const plain = { 'content-encoding': null, 'content-length': null, etag: 'W/"a"' }
    const coded = { 'content-encoding': 'zstd', 'content-length': String(body.length), etag: '"a"' }
    const of = ({ headers }: Response): object =>
      Object.fromEntries(Object.keys(plain).map((name) => [name, headers.get(name)]))
    const head = { 'content-encoding': 'zstd', 'content-length': body.length, etag: '"a"' }

    answer = (_incoming, outgoing) => outgoing.writeHead(200, head).end(body)
    const whole = await forward()
    const bytes = Buffer.from(await whole.arrayBuffer())
    expect(of(whole)).toEqual(bytes.toString() === 'hello' ? plain : coded)
    if (bytes.toString() !== 'hello') expect(bytes).toEqual(body)

    // The response has begun and stalls: its first bytes decide.
    answer = (_incoming, outgoing) => void outgoing.writeHead(200, head).write(body.subarray(0, 10))
    const begun = await forward()
    expect(of(begun)).toEqual(of(whole))
    await begun.body!.cancel()

    answer = (_incoming, outgoing) => outgoing.writeHead(200, head).end()
    expect(of(await forward({ method: 'HEAD' }))).toEqual(plain)
  })

  it('streams in both directions', async () => {
    answer = (incoming, outgoing) => {
      outgoing.flushHeaders()
      incoming.on('data', (chunk) => outgoing.write(`<${String(chunk)}>`)).on('end', () => outgoing.end('.'))
    }
    const { app, told } = toApp()
    const server = serve(app, { port: 0, hostname: '127.0.0.1', signals: false })
    await server.ready
    try {
      let controller!: ReadableStreamDefaultController<Uint8Array>
      const body = new ReadableStream<Uint8Array>({ start: (made) => void (controller = made) })
      const send = (piece: string): void => controller.enqueue(new TextEncoder().encode(piece))
      // The head is sent with the first chunk.
      send('a')
      const response = await fetch(server.url, { method: 'POST', body, duplex: 'half' } as RequestInit)
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
      // The next chunk is sent after the previous one has come back.
      for (const piece of ['a', 'b', 'c']) {
        if (piece !== 'a') send(piece)
        expect(await reader.read()).toEqual({ done: false, value: `<${piece}>` })
      }
      controller.close()
      expect(await reader.read()).toEqual({ done: false, value: '.' })
      expect(await reader.read()).toMatchObject({ done: true })
    } finally {
      await server.close()
    }
    expect(told).toEqual([])
  })

  it('aborts the upstream when the client disconnects, before and during the response', async () => {
    for (const isBegun of [false, true]) {
      let gone = false
      const reached = new Promise<void>((resolve) => {
        answer = (_incoming, outgoing) => {
          if (isBegun) outgoing.write('a')
          outgoing.once('close', () => (gone = true))
          resolve()
        }
      })
      const { app, told } = toApp()
      const server = serve(app, { port: 0, hostname: '127.0.0.1', signals: false })
      await server.ready
      try {
        const controller = new AbortController()
        const asked = fetch(server.url, { signal: controller.signal })
        asked.catch(() => {})
        await reached
        if (isBegun) await (await asked).body!.getReader().read()
        controller.abort()
        for (let wait = 0; wait < 100 && !gone; wait++) await pause(20)
        expect([isBegun, gone]).toEqual([isBegun, true])
        await pause(20)
        expect(told).toEqual([])
      } finally {
        await server.close()
      }
    }
  })

  it('aborts the upstream when the reader of the response cancels', async () => {
    let gone = false
    answer = (_incoming, outgoing) => {
      outgoing.write('a')
      outgoing.once('close', () => (gone = true))
    }
    const response = await forward()
    const reader = response.body!.getReader()
    await reader.read()
    // This read is in progress and does not end by itself.
    void reader.read()
    await reader.cancel()
    for (let wait = 0; wait < 100 && !gone; wait++) await pause(20)
    expect(gone).toBe(true)
  })

  it('responds with 502 if the upstream cannot be reached or closes before its response', async () => {
    const nowhere = toApp({}, () => 'http://127.0.0.1:1')
    const broken = toApp()
    answer = (incoming) => incoming.socket.destroy()
    for (const { app, told } of [nowhere, broken]) {
      const response = await app.fetch(new Request('http://test/'))
      expect([response.status, await response.json()]).toEqual([
        502,
        { title: 'Bad Gateway', status: 502, detail: 'The upstream could not be reached.' },
      ])
      expect(told).toEqual([{ error: expect.any(TypeError), phase: 'handler' }])
    }
  })

  it('fails the stream, and reports it, if the upstream closes during its response', async () => {
    answer = (_incoming, outgoing) => {
      outgoing.writeHead(200, { 'content-length': '10' })
      outgoing.write('half', () => outgoing.destroy())
    }
    const { app, told } = toApp()
    const response = await app.fetch(new Request('http://test/'))
    expect(response.status).toBe(200)
    await expect(response.text()).rejects.toThrow()
    expect(told).toEqual([{ error: expect.any(Error), phase: 'stream' }])
  })

  it('responds with 504 if the head of the response is late', async () => {
    answer = () => {}
    for (const options of [{ timeout: 50 }, { signal: AbortSignal.timeout(50) }]) {
      const { app, told } = toApp(options)
      const response = await app.fetch(new Request('http://test/'))
      expect([response.status, await response.json()]).toEqual([
        504,
        { title: 'Gateway Timeout', status: 504, detail: 'The upstream took too long.' },
      ])
      expect(told).toEqual([{ error: expect.objectContaining({ name: 'TimeoutError' }), phase: 'handler' }])
    }
  })

  it('does not limit the time of the body', async () => {
    answer = (_incoming, outgoing) => {
      outgoing.write('a')
      setTimeout(() => outgoing.end('b'), 300)
    }
    expect(await (await forward({}, { timeout: 200 })).text()).toBe('ab')
  })

  it('responds with 500 if its signal aborts for another reason', async () => {
    answer = () => {}
    const controller = new AbortController()
    const reason = new Error('enough')
    const { app, told } = toApp({ signal: controller.signal })
    const answering = app.fetch(new Request('http://test/'))
    controller.abort(reason)
    expect((await answering).status).toBe(500)
    expect(told).toEqual([{ error: reason, phase: 'handler' }])
  })

  it('responds with 508 to a request that it has forwarded before', async () => {
    const { app } = toApp({}, () => server.url)
    const server: Served = serve(app, { port: 0, hostname: '127.0.0.1', signals: false })
    await server.ready
    try {
      const response = await fetch(server.url)
      expect([response.status, await response.json()]).toEqual([
        508,
        { title: 'Loop Detected', status: 508, detail: 'The request was forwarded to this server before.' },
      ])
    } finally {
      await server.close()
    }
    await forward({ headers: { via: '1.1 other' } })
    expect(received[0]!.headers.via).toMatch(/^1\.1 other, 1\.1 byway-[\da-f-]{36}$/)
  })

  it('cannot leave its path with params that href() builds', async () => {
    const files = route('/files/[...path]').get((request, { params }) =>
      reply.proxy(request, `${origin}${href('/v1/[...path]', params)}`, {}),
    )
    const { fetch } = router({ files }, { onError: () => {} })
    await fetch(new Request('http://test/files/a%2F..%2F..%2Fsecret/%40evil.example/%3Fq'))
    expect(received.map(({ url }) => url)).toEqual(['/v1/a%2F..%2F..%2Fsecret/@evil.example/%3Fq'])
    for (const path of ['..%2f..', '%5c..%5c..', '//evil.example', 'a%0d%0ahost:%20evil'])
      await fetch(new Request(`http://test/files/${path}`))
    expect(received.every(({ url, headers }) => url!.startsWith('/v1/') && headers.host === origin.slice(7))).toBe(true)
  })

  it('rejects for an invalid URL, a body that was read, and an invalid timeout', async () => {
    const request = new Request('http://test/')
    for (const url of ['/a', 'ftp://a/b', 'javascript:0', 'http://a:b@c/', 'http://a@c/'])
      await expect(reply.proxy(request, url, {})).rejects.toThrow('reply.proxy() takes an absolute http(s) URL')
    const read = new Request('http://test/', { method: 'POST', body: 'a' })
    await read.text()
    await expect(reply.proxy(read, origin, {})).rejects.toThrow('declare no body on its route')
    for (const timeout of [-1, Number.NaN, 2 ** 31])
      await expect(reply.proxy(request, origin, { timeout })).rejects.toThrow(RangeError)
    await expect(reply.proxy(request, origin, { forward: ['a b'] })).rejects.toThrow(TypeError)
    expect(received).toEqual([])
  })
})

/** Sends a raw request to a server, and returns the raw response. */
function raw({ url }: Served, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = ''
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(text))
    socket.on('data', (chunk) => (received += String(chunk))).on('error', reject)
    socket.on('close', () => resolve(received))
  })
}
