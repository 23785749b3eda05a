import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serve, type Served } from '../../src/hosts/node.js'
import { BodyLimitError, limitBody, readWithin, type BodySource } from '../../src/inputs/source.js'
import { raw } from './contract.js'

type Hosted = Request & BodySource

// An app that is only a `fetch`, so that these tests check the host without the router.
const readers: Record<string, (request: Hosted) => unknown> = {
  text: (request) => request.text(),
  json: (request) => request.json(),
  arrayBuffer: async (request) => (await request.arrayBuffer()).byteLength,
  bytes: async (request) => {
    const bytes = await request.bytes()
    return [bytes.constructor.name, bytes.buffer.byteLength]
  },
  blob: async (request) => (await request.blob()).size,
  formData: async (request) => [...(await request.formData())],
  body: async (request) => {
    let size = 0
    for await (const chunk of request.body as unknown as AsyncIterable<Uint8Array>) size += chunk.byteLength
    return size
  },
  clone: (request) => request.clone().text(),
  both: async (request) => [await request.clone().text(), await request.text()],
  rebuilt: (request) => new Request(request.url, request).text(),
  readWithin: async (request) => new TextDecoder().decode(await request[readWithin](10)),
  again: async (request) => {
    await request[readWithin](100)
    const errors = []
    for (const read of ['text', 'json', 'bytes', 'formData'] as const)
      errors.push(await request[read]().catch((error: Error) => error.constructor.name))
    return [request.bodyUsed, await new Response('').text(), ...errors, readAgain(request), isUnusable(request)]
  },
  text2: async (request) => [await request.text(), await request.text().catch((error: Error) => error.name)],
  unread: () => 'unread',
  reason: async (request) => {
    const { signal } = request
    const error = await request[readWithin](100).catch((error: unknown) => error)
    broken.push(error, signal.reason)
  },
}
const broken: unknown[] = []

function readAgain(request: Hosted): string {
  try {
    void request[readWithin](100)
    return 'read'
  } catch (error) {
    return (error as Error).constructor.name
  }
}
function isUnusable({ body }: Request): boolean {
  try {
    return !new Response(body)
  } catch {
    return true
  }
}

const app = {
  async fetch(request: Request): Promise<Response> {
    const [, name, limit] = new URL(request.url).pathname.split('/')
    if (limit) limitBody(request, Number(limit))
    try {
      return Response.json((await readers[name!]!(request as Hosted)) ?? null)
    } catch (error) {
      const known = error as Partial<BodyLimitError>
      return Response.json([known.name, known.limit, known instanceof BodyLimitError], { status: 413 })
    }
  },
}

let served: Served
beforeAll(async () => {
  served = serve(app, { port: 0, hostname: '127.0.0.1', signals: false })
  await served.ready
})
afterAll(() => served.close())

const post = async (path: string, body: BodyInit, init: object = {}): Promise<unknown[]> => {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const response = await fetch(served.url + path, { method: 'POST', headers, body, ...init } as RequestInit)
  return [response.status, await response.json()]
}
const streamOf = (text: string): ReadableStream => new Blob([text]).stream()
const unannounced = { duplex: 'half' }

describe('the body of a request on Node.js', () => {
  it.each([
    ['text', '{"a":1}', '{"a":1}'],
    ['text', '\uFEFFä', 'ä'],
    ['json', '{"a":1}', { a: 1 }],
    ['arrayBuffer', 'ä', 2],
    ['bytes', 'ä', ['Uint8Array', 2]],
    ['blob', 'ä', 2],
    [
      'formData',
      'a=b&c=d',
      [
        ['a', 'b'],
        ['c', 'd'],
      ],
    ],
    ['body', 'ä', 2],
    ['clone', 'ä', 'ä'],
    ['both', 'ä', ['ä', 'ä']],
    ['rebuilt', 'ä', 'ä'],
    ['readWithin', 'ä', 'ä'],
    ['text2', 'ä', ['ä', 'TypeError']],
  ])('is read by %s(): %j becomes %j', async (name, sent, value) => {
    expect(await post(`/${name}`, sent)).toEqual([200, value])
    expect(await post(`/${name}/100`, streamOf(sent), unannounced)).toEqual([200, value])
    expect(await post(`/${name}/${Buffer.byteLength(sent)}`, sent)).toEqual([200, value])
  })

  it.each([
    'text',
    'json',
    'arrayBuffer',
    'bytes',
    'blob',
    'formData',
    'body',
    'clone',
    'both',
    'rebuilt',
    'readWithin',
  ])('makes %s() reject with a BodyLimitError if the body is larger than the limit', async (name) => {
    const text = 'a'.repeat(11)
    const error = [413, ['BodyLimitError', 10, true]]
    expect(await post(`/${name}/10`, text)).toEqual(error)
    expect(await post(`/${name}/10`, streamOf(text), unannounced)).toEqual(error)
    expect(await post(`/${name}/10`, streamOf('a'.repeat(1_000_000)), unannounced)).toEqual(error)
  })

  it('cannot be read again after it was read without a stream', async () => {
    expect(await post('/again', 'a')).toEqual([
      200,
      [true, '', 'TypeError', 'TypeError', 'TypeError', 'TypeError', 'TypeError', true],
    ])
  })

  it('is complete after 5,000 chunks of one byte', async () => {
    const sent = Array.from({ length: 5_000 }, (_, index) => String(index % 10)).join('')
    const { text } = await raw(
      served.url,
      [
        'POST /text HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n',
        [...sent].map((digit) => `1\r\n${digit}\r\n`).join(''),
        '0\r\n\r\n',
      ],
      /"\d+"/,
    )
    expect(text).toContain(`"${sent}"`)
  })

  it.each(['text', 'readWithin', 'body', 'unread'])(
    'keeps the connection usable if the body is larger than the limit: %s',
    async (name) => {
      for (const framing of [`Content-Length: 200000\r\n\r\n${'a'.repeat(200_000)}`, chunked('a'.repeat(200_000))]) {
        const { text } = await raw(
          served.url,
          [
            `POST /${name}/10 HTTP/1.1\r\nHost: a\r\n${framing}`,
            'GET /unread HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
          ],
          /"unread"$/,
        )
        expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual([`HTTP/1.1 ${name === 'unread' ? 200 : 413}`, 'HTTP/1.1 200'])
      }
    },
  )

  it('rejects with the reason of the signal if the client disconnects early', async () => {
    broken.length = 0
    const socket = connect(Number(new URL(served.url).port), '127.0.0.1')
    await once(socket, 'connect')
    socket.write('POST /reason HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc')
    setTimeout(() => socket.destroy(), 30)
    await expect.poll(() => broken.length).toBe(2)
    expect(broken[0]).toBe(broken[1])
    expect(String(broken[0])).toBe('AbortError: The client disconnected.')
  })
})

describe('Expect: 100-continue', () => {
  const head = (path: string, length = 5): string =>
    `POST ${path} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: ${length}\r\n\r\n`

  it('sends no 100 if the app does not read the body, and closes the connection', async () => {
    const { text, closed } = await raw(served.url, head('/unread'))
    expect(text).toMatch(/^HTTP\/1\.1 200 [^]*connection: close/i)
    expect(closed).toBe(true)
  })

  it.each(['text', 'body', 'readWithin'])(
    'responds with 413 without a 100 to a Content-Length over the limit: %s',
    async (name) => {
      const { text } = await raw(served.url, head(`/${name}/10`, 11), /\]/)
      expect(text).toMatch(/^HTTP\/1\.1 413 /)
    },
  )

  it.each([
    ['text', '"hello"'],
    ['readWithin', '"hello"'],
    ['body', '5'],
    ['clone', '"hello"'],
  ])('sends a 100 when the app reads the body with %s', async (name, value) => {
    const { text } = await raw(served.url, [head(`/${name}`), 100, 'hello'], /HTTP\/1\.1 200 [^]*\r\n0\r\n\r\n$/)
    expect(text).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /)
    expect(text).toContain(`\r\n${value}\r\n`)
  })
})

const chunked = (text: string): string =>
  `Transfer-Encoding: chunked\r\n\r\n${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`
