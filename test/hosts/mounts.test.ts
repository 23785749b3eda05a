import { once } from 'node:events'
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createGzip } from 'node:zlib'
import express from 'express'
import fastify from 'fastify'
import { createServer as createVite } from 'vite'
import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { toNodeHandler } from '../../src/hosts/node-handler.js'
import { serve } from '../../src/hosts/node.js'
import { route, router, text } from '../../src/index.js'
import * as reply from '../../src/replies/index.js'
import { hostContract, type Running } from './contract.js'

async function listen(server: Server): Promise<Running> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

hostContract('serve', async (app) => {
  const server = serve(app, { port: 0, hostname: '127.0.0.1', signals: false })
  await server.ready
  return server
})

hostContract('toNodeHandler in node:http', (app) => listen(createServer(toNodeHandler(app))))

hostContract('toNodeHandler in Express', (app) =>
  listen(createServer(express().use('/api', toNodeHandler(app)) as RequestListener)),
)

hostContract('toNodeHandler in Fastify', async (app) => {
  const handler = toNodeHandler(app)
  const server = fastify()
  await server.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null))
    scope.all('/api/*', (request, reply) => {
      reply.hijack()
      handler(request.raw, reply.raw)
    })
  })
  await server.listen({ port: 0, host: '127.0.0.1' })
  return {
    url: `http://127.0.0.1:${(server.server.address() as AddressInfo).port}`,
    close: async () => {
      server.server.closeAllConnections()
      await server.close()
    },
  }
})

hostContract('toNodeHandler in Vite', async (app) => {
  const vite = await createVite({
    configFile: false,
    logLevel: 'silent',
    server: { middlewareMode: true, ws: false, watch: null, allowedHosts: true },
    optimizeDeps: { noDiscovery: true },
    appType: 'custom',
  })
  vite.middlewares.use('/api', toNodeHandler(app))
  const host = await listen(createServer(vite.middlewares))
  return { url: host.url, close: () => Promise.all([host.close(), vite.close()]) }
})

// Like `compression()`: the response writes into a gzip stream and has a `flush()`.
const compress = (_request: unknown, response: ServerResponse, next: () => void): void => {
  const gzip = createGzip()
  const { write, end } = response
  gzip
    .on('data', (chunk: Buffer) => (write as (chunk: Buffer) => boolean).call(response, chunk))
    .on('end', () => (end as () => void).call(response))
  response.setHeader('content-encoding', 'gzip')
  const flush = (): void => gzip.flush()
  Object.assign(response, { write: gzip.write.bind(gzip), end: gzip.end.bind(gzip), flush })
  next()
}

describe('toNodeHandler()', () => {
  const onError = vi.fn()
  const app = router(
    { json: route('/json').post({ body: z.object({ a: z.number() }) }, (_request, { body }) => body) },
    { onError },
  )
  const post = (url: string): Promise<Response> =>
    fetch(`${url}/json`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"a":1}' })

  it('responds with 500 after a body parser, and the error says to mount the handler first', async () => {
    const host = await listen(createServer(express().use(express.json(), toNodeHandler(app)) as RequestListener))
    const response = await post(host.url)
    expect(response.status).toBe(500)
    expect(String(onError.mock.calls[0]![0])).toMatch(/mount toNodeHandler\(\) before the body parser/)
    await host.close()
  })

  it('reads the bytes that a body parser stored as rawBody', async () => {
    const parser = express.json({ verify: (request, _response, bytes) => Object.assign(request, { rawBody: bytes }) })
    const host = await listen(createServer(express().use(parser, toNodeHandler(app)) as RequestListener))
    const response = await post(host.url)
    expect([response.status, await response.json()]).toEqual([200, { a: 1 }])
    await host.close()
  })

  it.each([
    ['express.raw()', express.raw({ type: '*/*' })],
    ['express.text()', express.text({ type: '*/*' })],
  ])('reads the bytes that %s stored as body', async (_name, parser) => {
    const host = await listen(createServer(express().use(parser, toNodeHandler(app)) as RequestListener))
    const response = await post(host.url)
    expect([response.status, await response.json()]).toEqual([200, { a: 1 }])
    await host.close()
  })

  it('responds with 500 if a body parser stored a parsed value as body', async () => {
    onError.mockReset()
    const signed = router({ text: route('/json').post({ body: text() }, (_request, { body }) => body) }, { onError })
    const host = await listen(createServer(express().use(express.json(), toNodeHandler(signed)) as RequestListener))
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{ "a": 1.0 }' }
    expect((await fetch(`${host.url}/json`, init)).status).toBe(500)
    expect(String(onError.mock.calls[0]![0])).toContain('req.rawBody = bytes')
    await host.close()
  })

  it('sends each event and chunk immediately through compression middleware', async () => {
    let more = (): void => {}
    const events = router({
      events: route('/events').get(() =>
        reply.sse(
          (async function* () {
            yield { data: 'one' }
            await new Promise<void>((resolve) => (more = resolve))
            yield { data: 'two' }
          })(),
        ),
      ),
      chunks: route('/chunks').get(() =>
        reply.stream(
          (async function* () {
            yield 'one'
            await new Promise<void>((resolve) => (more = resolve))
            yield 'two'
          })(),
        ),
      ),
    })
    const host = await listen(createServer(express().use(compress, toNodeHandler(events)) as RequestListener))
    for (const path of ['/events', '/chunks']) {
      const response = await fetch(host.url + path)
      expect(response.headers.get('content-encoding')).toBe('gzip')
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
      expect((await reader.read()).value).toContain('one')
      more()
      expect((await reader.read()).value).toContain('two')
      await reader.cancel()
    }
    await host.close()
  })

  it('keeps headers that earlier middleware has set, and adds its own Set-Cookie', async () => {
    const cookies = router({
      set: route('/set').get(
        () =>
          new Response('', {
            headers: [
              ['set-cookie', 'b=2'],
              ['x-by', 'byway'],
            ],
          }),
      ),
    })
    const before: RequestListener = (_request, response) =>
      response.setHeader('set-cookie', 'a=1').setHeader('x-by', 'other').setHeader('x-before', '1')
    const handler = toNodeHandler(cookies)
    const host = await listen(
      createServer((request, response) => (before(request, response), handler(request, response))),
    )
    const { headers } = await fetch(`${host.url}/set`)
    expect([headers.getSetCookie(), headers.get('x-by'), headers.get('x-before')]).toEqual([
      ['a=1', 'b=2'],
      'byway',
      '1',
    ])
    await host.close()
  })

  it('responds with 500 if fetch throws, rejects, or returns no Response', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {})
    for (const broken of [
      () => {
        throw undefined
      },
      () => Promise.reject(new Error('no')),
      () => 'text',
      () => undefined,
      async () => null,
    ]) {
      const host = await listen(createServer(toNodeHandler({ fetch: broken as never })))
      const response = await fetch(host.url)
      expect(response.status).toBe(500)
      expect(await response.json()).toEqual({ title: 'Internal Server Error', status: 500 })
      await host.close()
    }
    expect(log).toHaveBeenCalledTimes(5)
    log.mockRestore()
  })

  it('throws if trustProxy is not a non-negative integer', () => {
    expect(() => toNodeHandler(app, { trustProxy: true as never })).toThrow(RangeError)
    expect(() => toNodeHandler(app, { trustProxy: -1 })).toThrow('trustProxy is the number of proxies to trust, not -1')
  })
})
