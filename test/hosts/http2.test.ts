import { once } from 'node:events'
import {
  connect,
  constants,
  createSecureServer,
  createServer,
  type ClientHttp2Session,
  type Http2Server,
} from 'node:http2'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { toNodeHandler } from '../../src/hosts/node-handler.js'
import { route, router } from '../../src/index.js'
import * as reply from '../../src/replies/index.js'

const app = router({
  json: route('/json').post({ body: z.object({ a: z.number() }) }, (_request, { body }) => body),
  url: route('/url').get((request) => request.url),
  headers: route('/headers').get(() => {
    const headers = { connection: 'keep-alive', 'keep-alive': 'timeout=5', 'transfer-encoding': 'chunked', 'x-a': '1' }
    return new Response('a', { headers })
  }),
  cookies: route('/cookies').get(() =>
    reply.text('a', {
      headers: [
        ['set-cookie', 'a=1'],
        ['set-cookie', 'b=2'],
      ],
    }),
  ),
  optional: route('/optional').post({ body: z.object({}).optional() }, (_request, { body }) => body ?? 'none'),
  native: route('/native').get(() => {
    let sent = 0
    const pull = async (controller: ReadableStreamDefaultController): Promise<void> => {
      await sleep(20)
      if (sent++) controller.error(new Error('broken'))
      else controller.enqueue(new TextEncoder().encode('begun'))
    }
    return new Response(new ReadableStream({ pull }))
  }),
  early: route('/early').get(() =>
    reply.stream(
      (async function* () {
        yield* [] as string[]
        throw new Error('early')
      })(),
    ),
  ),
  broken: route('/broken').get(() =>
    reply.stream(
      (async function* () {
        yield 'begun'
        await sleep(20)
        throw new Error('broken')
      })(),
    ),
  ),
})
// Compiles without a cast.
void (() => createSecureServer({}, toNodeHandler(app)))

let server: Http2Server
let session: ClientHttp2Session
let origin = ''
beforeAll(async () => {
  server = createServer(toNodeHandler(app)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  session = connect(origin)
})
afterAll(() => {
  session.close()
  server.close()
})

interface Received {
  readonly headers: Record<string, unknown>
  readonly text: string
  readonly code: number
}

function send(headers: Record<string, string>, body?: string): Promise<Received> {
  return new Promise((resolve) => {
    const stream = session.request(headers, { endStream: body === undefined })
    let text = ''
    let received = {}
    stream.on('response', (headers) => (received = headers))
    stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    stream.on('error', () => {})
    stream.on('close', () => resolve({ headers: received, text, code: stream.rstCode ?? 0 }))
    if (body !== undefined) stream.end(body)
  })
}

describe('toNodeHandler() over HTTP/2', () => {
  it('reads a JSON body', async () => {
    const { headers, text } = await send(
      { ':path': '/json', ':method': 'POST', 'content-type': 'application/json' },
      '{"a":1}',
    )
    expect([headers[':status'], text]).toEqual([200, '{"a":1}'])
  })

  it('builds the request URL from the :authority header', async () => {
    expect((await send({ ':path': '/url?a=b' })).text).toBe(`"${origin}/url?a=b"`)
  })

  it('removes HTTP/1.1 connection headers, and keeps the others', async () => {
    const { headers, text } = await send({ ':path': '/headers' })
    expect(Object.keys(headers).sort()).toEqual([':status', 'content-type', 'date', 'x-a'])
    expect([headers[':status'], text]).toEqual([200, 'a'])
  })

  it('sends each Set-Cookie', async () => {
    expect((await send({ ':path': '/cookies' })).headers['set-cookie']).toEqual(['a=1', 'b=2'])
  })

  it('ends a stream that throws with INTERNAL_ERROR', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {})
    const { text, code } = await send({ ':path': '/broken' })
    expect([text, code]).toEqual(['begun', constants.NGHTTP2_INTERNAL_ERROR])
    log.mockRestore()
  })

  it('ends a foreign stream that fails with INTERNAL_ERROR, and responds with 500 before the first item', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {})
    const native = await send({ ':path': '/native' })
    expect([native.text, native.code]).toEqual(['begun', constants.NGHTTP2_INTERNAL_ERROR])
    const early = await send({ ':path': '/early' })
    expect([early.headers[':status'], early.code]).toEqual([500, 0])
    log.mockRestore()
  })

  it('validates a body without bytes as undefined, for any media type', async () => {
    for (const type of ['application/json', 'text/plain', 'application/x-www-form-urlencoded']) {
      const { headers, text } = await send({ ':path': '/optional', ':method': 'POST', 'content-type': type }, '')
      expect([headers[':status'], text]).toEqual([200, '"none"'])
    }
  })

  it('responds with 501 to TRACE', async () => {
    expect((await send({ ':path': '/url', ':method': 'TRACE' })).headers[':status']).toBe(501)
  })
})
