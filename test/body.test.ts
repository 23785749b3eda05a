import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { readWithin } from '../src/inputs/source.js'
import { type BodyKind, bytes, type ErrorInfo, form, middleware, route, router, stream, text } from '../src/index.js'

const any = z.any()
const errors: { error: unknown; info: ErrorInfo }[] = []
const app = router(
  {
    json: route('/json').post({ body: any }, (_request, { body }) => ({ body })),
    optional: route('/optional').post({ body: z.object({ a: z.number() }).optional() }, (_request, { body }) => ({
      has: body !== undefined,
    })),
    object: route('/object').post({ body: z.object({}) }, () => 'ok'),
    text: route('/text').post({ body: text(z.string()) }, (_request, { body: text }) => text),
    bytes: route('/bytes').post({ body: bytes(z.instanceof(Uint8Array)) }, (_request, { body: bytes }) => [...bytes]),
    form: route('/form').post({ body: form(any) }, (_request, { body: form }) => Object.entries(form as object)),
    small: route('/small').post({ body: text(z.string()), bodyLimit: 100 }, (_request, { body: text }) => text.length),
    smallBytes: route('/small-bytes').post({ body: bytes(any), bodyLimit: 100 }, (_request, { body: bytes }) => [
      ...(bytes as Uint8Array),
    ]),
    smallJson: route('/small-json').post({ body: any, bodyLimit: 100 }, () => 'ok'),
    smallForm: route('/small-form').post({ body: form(any), bodyLimit: 100 }, () => 'ok'),
    video: route('/video').post(
      { body: stream('video/*') },
      async (_request, { body }) => (await new Response(body).text()).length,
    ),
    nobody: route('/nobody').post((request) => request.text()),
  },
  { onError: (error, info) => errors.push({ error, info }), bodyLimit: 10_000 },
)

interface Init {
  readonly body?: BodyInit | null
  readonly headers?: Record<string, string>
  readonly signal?: AbortSignal
}

async function post(path: string, init: Init = {}): Promise<Response> {
  return app.fetch(new Request(`http://test${path}`, { method: 'POST', duplex: 'half', ...init } as RequestInit))
}

const json = (body: BodyInit, type = 'application/json'): Promise<Response> =>
  post('/json', { body, headers: { 'content-type': type } })

// A stream that records how many bytes were read and whether it was canceled.
function source(chunks: readonly Uint8Array[], end: 'close' | 'error' | 'stall' = 'close') {
  let index = 0
  const seen = { pulled: 0, canceled: false }
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const chunk = chunks[index++]
        if (chunk) {
          seen.pulled += chunk.length
          controller.enqueue(chunk)
        } else if (end === 'close') controller.close()
        else if (end === 'error') controller.error(new Error('socket hang up'))
        else return new Promise<void>(() => {})
        return undefined
      },
      cancel() {
        seen.canceled = true
      },
    },
    { highWaterMark: 0 },
  )
  return { stream, seen }
}

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)

// The bytes in pieces, cut at the given places.
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const edges = [0, ...places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  return edges.slice(1).map((to, index) => bytes.slice(edges[index], to))
}

describe('the media type of a body', () => {
  it.each([
    'application/json',
    'APPLICATION/Json',
    'application/json; charset=utf-8',
    'application/json;charset="utf-8"',
    'application/json ; x=y',
    'application/json;',
    'application/problem+json',
    'application/vnd.api+JSON; ext="a"',
    ' application/json ',
    'text/x+json',
  ])('accepts JSON as %j', async (type) => {
    expect((await json('{"a":1}', type)).status).toBe(200)
  })

  it.each([
    'text/plain',
    'text/json',
    'application/jsonp',
    'application/x-json',
    'application/json+xml',
    'application/+json',
    'application/json, text/plain',
    'application/json; charset=utf-8, text/plain',
    'text/plain, application/json',
    'text/plain; application/json',
    'text/plain; a=+json',
    'application /json',
    'application/ json',
    'application/json charset=utf-8',
    'application/json/x',
    '/json',
    'json',
    '+json',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=b',
    '*/*',
    // Too long to be parsed.
    `application/json;${'x'.repeat(1_000)}`,
    '',
  ])('responds with 415 to JSON sent as %j', async (type) => {
    const response = await json('{"a":1}', type)
    expect([response.status, response.headers.get('accept')]).toEqual([415, 'application/json'])
    expect(await response.json()).toEqual({
      title: 'Unsupported Media Type',
      detail: 'The body must be application/json.',
      status: 415,
    })
  })

  it('accepts exactly application/json and +json, for any header value', async () => {
    const token = fc.string({ unit: fc.constantFrom(..."!#$%&'*+-.^_`|~09azAZ"), minLength: 1, maxLength: 6 })
    const type = fc.oneof(
      fc.tuple(token, token).map(([type, subtype]) => `${type}/${subtype}`),
      fc.tuple(token, token).map(([type, subtype]) => `${type}/${subtype}+json`),
      fc.constantFrom('application/json', 'Application/JSON', 'text/plain', 'application/xjson'),
      fc.string({ unit: fc.constantFrom(...'aj/+; ,json"='), maxLength: 12 }),
    )
    await fc.assert(
      fc.asyncProperty(type, fc.constantFrom('', ';', '; charset=utf-8', ' ;a=b;c="d"', ' '), async (type, tail) => {
        const header = new Headers({ 'content-type': type + tail }).get('content-type')!
        const essence = header
          .split(';')[0]!
          .replace(/[ \t]+$/, '')
          .toLowerCase()
        const [, subtype] = /^[!#$%&'*+\-.^_`|~0-9a-z]+\/([!#$%&'*+\-.^_`|~0-9a-z]+)$/.exec(essence) ?? []
        const isJson =
          !/[,"]/.test(header.replaceAll(/"[^"]*"/g, '')) &&
          (essence === 'application/json' || (!!subtype?.endsWith('+json') && subtype !== '+json'))
        expect([header, (await json('1', header)).status]).toEqual([header, isJson ? 200 : 415])
      }),
      { numRuns: 1_000 },
    )
  })

  it('needs a media type only if there are bytes', async () => {
    const without = (body: BodyInit | null): Promise<Response> => post('/optional', { body })
    expect((await without(encode('{"a":1}') as never)).status).toBe(415)
    expect((await without(source([encode('{"a":1}')]).stream)).status).toBe(415)
    expect(await (await without(null)).json()).toEqual({ has: false })
    // A Node host passes an empty stream for a POST without a body.
    expect(await (await without(source([]).stream)).json()).toEqual({ has: false })
  })

  it.each([null, ''])('passes undefined to the schema for a JSON body without bytes: %j', async (body) => {
    const headers = { 'content-type': 'application/json' }
    expect(await (await post('/optional', { body, headers })).json()).toEqual({ has: false })
    const response = await post('/object', { body, headers })
    expect([response.status, await response.json()]).toMatchObject([400, { errors: [{ in: 'body', pointer: '' }] }])
  })

  it.each([
    ['application/x-www-form-urlencoded', { 'content-length': '0' }],
    ['application/x-www-form-urlencoded', {}],
    ['multipart/form-data', {}],
    ['text/plain, application/json', {}],
  ])('is not checked if the body is empty: %s, %j', async (type, length) => {
    for (const [path, expected] of [
      ['/optional', { has: false }],
      ['/text', ''],
      ['/bytes', []],
      ['/form', []],
      ['/video', 0],
    ] as const)
      for (const body of [null, '', source([]).stream, source([new Uint8Array()]).stream]) {
        const response = await post(path, { body, headers: { 'content-type': type, ...length } })
        expect([path, response.status, await response.json()]).toEqual([path, 200, expected])
      }
  })

  it('must be multipart or urlencoded for a form; others get a 415 with Accept', async () => {
    for (const type of [
      'application/json',
      'text/plain',
      'multipart/mixed; boundary=b',
      'application/x-www-form-urlencoded, multipart/form-data',
    ]) {
      const response = await post('/form', { body: 'a=b', headers: { 'content-type': type } })
      expect([response.status, response.headers.get('accept')]).toEqual([
        415,
        'multipart/form-data, application/x-www-form-urlencoded',
      ])
      expect(await response.json()).toMatchObject({
        detail: 'The body must be multipart/form-data or application/x-www-form-urlencoded.',
      })
    }
    const urlencoded = { 'content-type': 'Application/X-WWW-Form-Urlencoded;charset=UTF-8' }
    expect(await (await post('/form', { body: 'a=b', headers: urlencoded })).json()).toEqual([['a', 'b']])
  })

  it('is not restricted for text() and bytes()', async () => {
    for (const headers of [{}, { 'content-type': 'image/png' }, { 'content-type': '///' }] as Record<
      string,
      string
    >[]) {
      expect(await (await post('/text', { body: encode('hé') as never, headers })).json()).toBe('hé')
      expect(await (await post('/bytes', { body: encode('hé') as never, headers })).json()).toEqual([0x68, 0xc3, 0xa9])
    }
    expect(await (await post('/text')).json()).toBe('')
    expect(await (await post('/bytes')).json()).toEqual([])
  })
})

describe('Content-Encoding', () => {
  it.each(['gzip', 'br', 'deflate', 'x', 'gzip, identity', 'identity, gzip', ''])(
    'responds with 415 to %j',
    async (encoding) => {
      for (const path of ['/json', '/text', '/bytes', '/form']) {
        const response = await post(path, {
          body: path === '/form' ? 'a=b' : '{}',
          headers: {
            'content-type': path === '/form' ? 'application/x-www-form-urlencoded' : 'application/json',
            'content-encoding': encoding,
          },
        })
        expect([path, response.status, response.headers.get('accept-encoding')]).toEqual([path, 415, 'identity'])
        expect(await response.json()).toMatchObject({ detail: 'The body must not have a Content-Encoding.' })
      }
    },
  )

  it('accepts identity', async () => {
    const headers = { 'content-type': 'application/json', 'content-encoding': 'Identity' }
    expect((await post('/json', { body: '{}', headers })).status).toBe(200)
  })
})

describe('bodyLimit', () => {
  it('counts bytes, not characters, and allows exactly the limit', async () => {
    expect(await (await post('/small', { body: 'x'.repeat(100) })).json()).toBe(100)
    expect((await post('/small', { body: 'x'.repeat(101) })).status).toBe(413)
    expect((await post('/small', { body: 'é'.repeat(50) })).status).toBe(200)
    expect((await post('/small', { body: 'é'.repeat(51) })).status).toBe(413)
    expect((await post('/text', { body: 'x'.repeat(10_000) })).status).toBe(200)
    expect((await post('/text', { body: 'x'.repeat(10_001) })).status).toBe(413)
  })

  it('is 1 MiB by default', async () => {
    const plain = router({ a: route('/').post({ body: bytes(any) }, () => 'ok') })
    const send = async (size: number): Promise<number> =>
      (await plain.fetch(new Request('http://test/', { method: 'POST', body: new Uint8Array(size) }))).status
    expect(await send(1_048_576)).toBe(200)
    expect(await send(1_048_577)).toBe(413)
  })

  it('responds with 413 for every kind of body above the limit', async () => {
    const boundary = `--b\r\ncontent-disposition: form-data; name="a"\r\n\r\n${'x'.repeat(100)}\r\n--b--`
    for (const [path, type, body] of [
      ['/small', 'text/plain', 'x'.repeat(101)],
      ['/small-bytes', 'text/plain', 'x'.repeat(101)],
      ['/small-json', 'application/json', `"${'x'.repeat(100)}"`],
      ['/small-form', 'application/x-www-form-urlencoded', 'x'.repeat(101)],
      ['/small-form', 'multipart/form-data; boundary=b', boundary],
    ] as const) {
      const response = await post(path, { body, headers: { 'content-type': type } })
      expect([path, response.status, await response.json()]).toEqual([
        path,
        413,
        { title: 'Content Too Large', detail: 'The body is larger than 100 bytes.', status: 413 },
      ])
    }
  })

  it('applies to any Content-Length and any chunks', async () => {
    const length = fc.option(
      fc.oneof(
        fc.nat({ max: 300 }).map(String),
        fc.constantFrom('', '-1', 'x', '1e9', '0x10', '99999999999999999999', '5, 5'),
      ),
      { nil: undefined },
    )
    const bytes = fc.uint8Array({ maxLength: 220, size: 'max' })
    await fc.assert(
      fc.asyncProperty(bytes, fc.array(fc.nat(), { maxLength: 6 }), length, async (bytes, places, length) => {
        const { stream, seen } = source(cut(bytes, places))
        const response = await post('/small-bytes', {
          body: stream,
          headers: length === undefined ? {} : { 'content-length': length },
        })
        const announced = Number(length ?? 0)
        if (bytes.length > 100 || announced > 100) {
          expect(response.status).toBe(413)
          if (announced > 100) expect(seen.pulled).toBe(0)
          if (announced > 100 || seen.pulled < bytes.length) expect(seen.canceled).toBe(true)
        } else expect([response.status, await response.json()]).toEqual([200, [...bytes]])
      }),
      { numRuns: 500 },
    )
  })

  it('cancels the stream at the limit', async () => {
    const chunk = new Uint8Array(40)
    const { stream, seen } = source([chunk, chunk, chunk, chunk, chunk])
    expect((await post('/small-bytes', { body: stream })).status).toBe(413)
    expect(seen).toEqual({ pulled: 120, canceled: true })
  })

  it('ends an endless stream with a 413', async () => {
    const stream = new ReadableStream<Uint8Array>({ pull: (controller) => controller.enqueue(new Uint8Array(1_000)) })
    expect((await post('/text', { body: stream })).status).toBe(413)
  })

  it('reads a body that arrives as single bytes', async () => {
    const bytes = Uint8Array.from({ length: 10_000 }, (_, index) => index & 255)
    const response = await post('/bytes', { body: source(Array.from(bytes, (byte) => Uint8Array.of(byte))).stream })
    expect(await response.json()).toEqual([...bytes])
  })

  it('cancels a body with an unsupported media type at its first byte', async () => {
    const { stream, seen } = source([encode('{'), encode('}')])
    const response = await post('/json', { body: stream, headers: { 'content-type': 'text/plain' } })
    expect([response.status, seen]).toEqual([415, { pulled: 1, canceled: true }])
  })
})

describe('a JSON body', () => {
  it.each(['{', ' ', 'undefined', 'NaN', "{'a':1}", '{"a":1,}', '[1,]', '01', '"\n"', '{}{}', '\u0000', 'tru'])(
    'is rejected with 400 if it is %j',
    async (text) => {
      const response = await json(text)
      expect([response.status, await response.json()]).toEqual([
        400,
        { title: 'Bad Request', detail: 'The body is not valid JSON.', status: 400 },
      ])
    },
  )

  it('can have any JSON value at the top', async () => {
    for (const text of ['1', '"a"', 'null', 'true', '[]', ' {"a":[1]} '])
      expect(await (await json(text)).json()).toEqual({ body: JSON.parse(text) as unknown })
  })

  it('is rejected with 400 if it is nested deeper than 64 levels', async () => {
    const nested = (depth: number, open: string, close: string, inner: string): string =>
      open.repeat(depth) + inner + close.repeat(depth)
    for (const [open, close, inner] of [
      ['[', ']', ''],
      ['[', ']', '"["'],
      ['{"a":', '}', '1'],
      ['[{"a":', '}]', '1'],
    ] as const) {
      const per = open.replace(/[^[{]/g, '').length
      const text = nested(64 / per, open, close, inner)
      expect([open, (await json(text)).status]).toEqual([open, 200])
      const response = await json(`[${text}]`)
      expect([open, response.status, await response.json()]).toEqual([
        open,
        400,
        { title: 'Bad Request', detail: 'The body is nested deeper than 64 levels.', status: 400 },
      ])
    }
  })

  it('is rejected with 400 if it is a million brackets, quotes or backslashes', async () => {
    const big = router({ a: route('/').post({ body: any }, () => 'ok') })
    for (const text of [
      '['.repeat(100_000),
      '['.repeat(100_000) + ']'.repeat(100_000),
      '{"a":'.repeat(100_000),
      '['.repeat(1_000_000),
      `"${'\\'.repeat(1_000_000)}`,
      ']'.repeat(1_000_000),
      `${'"'.repeat(1_000_001)}`,
    ]) {
      const request = new Request('http://test/', {
        method: 'POST',
        body: text,
        headers: { 'content-type': 'application/json' },
      })
      expect((await big.fetch(request)).status).toBe(400)
    }
  })

  it('can have brackets inside strings, which do not count as nesting', async () => {
    const deep = router({ a: route('/').post({ body: any }, (_request, { body }) => ({ body })) })
    const depthOf = (value: unknown): number =>
      typeof value === 'object' && value !== null
        ? 1 + Math.max(0, ...Object.values(value).map((inner) => depthOf(inner)))
        : 0
    const text = fc.string({ unit: fc.constantFrom('[', ']', '{', '}', '"', '\\', 'a', '\n', 'é'), maxLength: 40 })
    const leaf = fc.oneof(text, fc.integer(), fc.constant(null))
    const tree = fc
      .tuple(
        fc.integer({ min: 50, max: 75 }),
        fc.array(fc.tuple(fc.boolean(), text), { minLength: 75, maxLength: 75 }),
        leaf,
      )
      .map(([depth, choices, inner]) =>
        choices
          .slice(0, depth)
          .reduce<unknown>(
            (value, [isList, key]) => (isList ? [key, value, []] : { [key]: value, [`${key}2`]: key }),
            inner,
          ),
      )
    await fc.assert(
      fc.asyncProperty(tree, fc.constantFrom(undefined, 2), async (value, indent) => {
        const response = await deep.fetch(
          new Request('http://test/', {
            method: 'POST',
            body: JSON.stringify(value, null, indent),
            headers: { 'content-type': 'application/json' },
          }),
        )
        const depth = depthOf(value)
        if (depth > 64) expect([depth, response.status]).toEqual([depth, 400])
        else expect(await response.json()).toEqual({ body: value })
      }),
      { numRuns: 200 },
    )
  })

  it('can have the names __proto__ and constructor, without prototype pollution', async () => {
    const response = await json('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}')
    expect(response.status).toBe(200)
    expect(Object.keys({})).toEqual([])
    expect('polluted' in {}).toBe(false)
  })
})

describe('a body in UTF-8', () => {
  it.each([
    ['a lone byte', [0xff]],
    ['an unfinished character', [0x61, 0xc3]],
    ['an overlong form', [0xc0, 0xaf]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['UTF-16', [0xff, 0xfe, 0x61, 0x00]],
  ])('is rejected with 400 if it has %s', async (_name, bytes) => {
    const body = Uint8Array.from(bytes)
    for (const [path, type] of [
      ['/text', 'text/plain'],
      ['/json', 'application/json'],
      ['/form', 'application/x-www-form-urlencoded'],
    ] as const) {
      const response = await post(path, { body, headers: { 'content-type': type } })
      expect([path, response.status, await response.json()]).toEqual([
        path,
        400,
        { title: 'Bad Request', detail: 'The body is not valid UTF-8.', status: 400 },
      ])
    }
    // The decoder keeps no bytes for the next body.
    expect(await (await post('/text', { body: 'né' })).json()).toBe('né')
  })

  it('keeps its byte order mark in text() and bytes(), but not in JSON', async () => {
    const body = Uint8Array.of(0xef, 0xbb, 0xbf, 0x31)
    expect(await (await post('/json', { body, headers: { 'content-type': 'application/json' } })).json()).toEqual({
      body: 1,
    })
    expect(await (await post('/text', { body })).json()).toBe('\ufeff1')
    expect(await (await post('/bytes', { body })).json()).toEqual([...body])
  })

  it('is decoded correctly with any chunk boundaries', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme' }), fc.array(fc.nat(), { maxLength: 8 }), async (text, places) => {
        const response = await post('/text', { body: source(cut(encode(text), places)).stream })
        expect(await response.json()).toBe(text)
      }),
      { numRuns: 300 },
    )
  })
})

describe('a body that middleware has read', () => {
  const read = middleware(async (request, _context, next) => {
    await request.text()
    return next()
  })
  const locked = middleware(async (request, _context, next) => {
    request.body!.getReader()
    return next()
  })

  it.each([
    ['json', any],
    ['form', form(any)],
    ['text', text(any)],
    ['bytes', bytes(any)],
    ['stream', stream('*/*')],
  ] as const)('causes a 500 and reports the reason to onError: %s', async (kind, body) => {
    const onError = vi.fn()
    const type = kind === 'form' ? 'application/x-www-form-urlencoded' : 'application/json'
    const one = router(
      {
        a: route('/a')
          .use(read)
          .post({ body: body as BodyKind }, () => 'ok'),
      },
      { onError },
    )
    const response = await one.fetch(
      new Request('http://test/a', { method: 'POST', body: '{}', headers: { 'content-type': type } }),
    )
    expect([response.status, await response.json()]).toEqual([
      500,
      { title: 'Internal Server Error', detail: 'No handler sent this response.', status: 500 },
    ])
    expect(onError).toHaveBeenCalledTimes(1)
    const [error, info] = onError.mock.calls[0] as [Error, ErrorInfo]
    expect(error.message).toBe('the body was read before it was validated; read context.body, or declare no body')
    expect([info.phase, info.pattern]).toEqual(['input', '/a'])
  })

  it('causes a 500 if middleware holds a reader of it', async () => {
    const onError = vi.fn()
    const one = router(
      {
        a: route('/a')
          .use(locked)
          .post({ body: text(any) }, () => 'ok'),
      },
      { onError },
    )
    const response = await one.fetch(new Request('http://test/a', { method: 'POST', body: 'x' }))
    expect(response.status).toBe(500)
    expect(onError).toHaveBeenCalledTimes(1)
    expect((onError.mock.calls[0] as [unknown])[0]).toBeInstanceOf(TypeError)
  })

  it('can be read by the handler if no body is declared', async () => {
    expect(await (await post('/nobody', { body: 'raw' })).json()).toBe('raw')
  })
})

describe('a body after middleware', () => {
  const pass = middleware(async (_request, _context, next) => next())
  const look = middleware(async (request, _context, next) => next({ hasBody: request.body !== null }))
  it.each([
    ['only calls next()', pass],
    ['accesses request.body', look],
  ])('is read as without middleware if the middleware %s', async (_name, layer) => {
    const onError = vi.fn()
    const one = router(
      {
        json: route('/json').post({ body: any }, (_request, { body }) => ({ body })),
        text: route('/text').post({ body: text() }, (_request, { body }) => body),
        bytes: route('/bytes').post({ body: bytes() }, (_request, { body }) => [...body]),
        stream: route('/stream').post({ body: stream('*/*') }, (_request, { body }) => new Response(body)),
        nobody: route('/nobody').post((request) => request.text()),
      },
      { use: [layer], onError, bodyLimit: 10 },
    )
    const read = async (path: string, body: BodyInit, type?: string) => {
      const headers = type === undefined ? {} : { 'content-type': type }
      const request = new Request(`http://test${path}`, {
        method: 'POST',
        body,
        headers,
        duplex: 'half',
      } as RequestInit)
      const response = await one.fetch(request)
      return [response.status, await response.text()]
    }
    for (const wrap of [(text: string) => encode(text) as never, (text: string) => source([encode(text)]).stream]) {
      expect(await read('/json', wrap('1'), 'application/json')).toEqual([200, '{"body":1}'])
      expect((await read('/json', wrap('1')))[0]).toBe(415)
      expect((await read('/json', wrap(''))).at(0)).toBe(200)
      expect(await read('/text', wrap('hé'))).toEqual([200, '"hé"'])
      expect(await read('/bytes', wrap('a'))).toEqual([200, '[97]'])
      expect(await read('/stream', wrap('ab'))).toEqual([200, 'ab'])
      expect(await read('/nobody', wrap('ab'))).toEqual([200, '"ab"'])
      for (const path of ['/json', '/text', '/bytes', '/nobody'])
        expect([path, (await read(path, wrap('"123456789"'), 'application/json'))[0]]).toEqual([path, 413])
    }
    expect(onError).not.toHaveBeenCalled()
  })
})

describe('a declared body after middleware', () => {
  it.each([
    ['does not access it', () => {}],
    ['accesses request.body', (request: Request) => request.body === null],
    ['reads request.bodyUsed', (request: Request) => request.bodyUsed],
    ['reads a clone', (request: Request) => request.clone().text()],
  ])('is read if the middleware %s', async (_name, look) => {
    const any = z.any()
    const read = async (_request: Request, { body }: { body: unknown }): Promise<string> =>
      new Response(
        typeof body === 'object' && !(body instanceof ReadableStream) ? JSON.stringify(body) : (body as string),
      ).text()
    const app = router(
      {
        json: route('/json').post({ body: any }, read),
        text: route('/text').post({ body: text(any) }, read),
        stream: route('/stream').post({ body: stream('*/*') }, read),
        own: route('/own').post((request) => request.text()),
      },
      { use: [middleware(async (request, _context, next) => (await look(request), next()))] },
    )
    for (const path of ['/json', '/text', '/stream', '/own'])
      for (const body of ['{"a":1}', source([encode('{"a"'), encode(':1}')]).stream]) {
        const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body, duplex: 'half' }
        const response = await app.fetch(new Request(`http://test${path}`, init as RequestInit))
        expect([path, response.status, await response.json()]).toEqual([path, 200, '{"a":1}'])
      }
  })
})

describe('body bytes from a host', () => {
  it('are copied if they are a view of a buffer with other data', async () => {
    const pool = Buffer.from('of another request: mine')
    const request = new Request('http://test/', { method: 'POST', body: 'mine' })
    Object.assign(request, { [readWithin]: async () => pool.subarray(-4) })
    const app = router({
      a: route('/').post({ body: bytes() }, (_request, { body }) => [
        body.constructor.name,
        new TextDecoder().decode(body.buffer),
      ]),
    })
    expect(await (await app.fetch(request)).json()).toEqual(['Uint8Array', 'mine'])
  })
})

describe('a body that fails', () => {
  it('is rejected with 400 if its stream fails', async () => {
    for (const [path, type] of [
      ['/json', 'application/json'],
      ['/text', 'text/plain'],
      ['/bytes', 'text/plain'],
      ['/form', 'multipart/form-data; boundary=b'],
    ] as const)
      for (const chunks of [[], [encode('{"a":')], [encode('{"a":1}')]]) {
        const { stream } = source(chunks, 'error')
        const response = await post(path, { body: stream, headers: { 'content-type': type } })
        expect([path, response.status, await response.json()]).toEqual([
          path,
          400,
          { title: 'Bad Request', detail: 'The body ended early.', status: 400 },
        ])
      }
  })

  it('is rejected with 400 if its stream has a chunk that is not bytes', async () => {
    const stream = new ReadableStream({
      start(controller) {
        controller.enqueue('text')
        controller.close()
      },
    })
    expect((await post('/text', { body: stream as never })).status).toBe(400)
  })

  it('is not reported to onError, and neither is a malformed or too large body', async () => {
    errors.length = 0
    await post('/text', { body: source([], 'error').stream })
    await json('{')
    await post('/small', { body: 'x'.repeat(101) })
    expect(errors).toEqual([])
  })

  it('is rejected with 400 if the client disconnects and the host fails the stream', async () => {
    const controller = new AbortController()
    const stream = new ReadableStream<Uint8Array>({
      start(source) {
        source.enqueue(encode('{"a":'))
        controller.signal.addEventListener('abort', () => source.error(controller.signal.reason))
      },
    })
    const response = post('/text', { body: stream, signal: controller.signal })
    setTimeout(() => controller.abort(), 5)
    expect((await response).status).toBe(400)
  })
})
