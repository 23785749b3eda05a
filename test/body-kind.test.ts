import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { type BodyKind, BodyLimitError, bytes, form, route, router, type Schema, stream, text } from '../src/index.js'
import type { RequestBody } from '../src/types.js'
import * as reply from '../src/replies/index.js'

// ── MessagePack, as a package would add it: https://github.com/msgpack/msgpack/blob/master/spec.md ──

type Value = null | boolean | number | string | Value[] | { [name: string]: Value }

function encode(value: Value): number[] {
  if (value === null) return [0xc0]
  if (typeof value === 'boolean') return [value ? 0xc3 : 0xc2]
  if (typeof value === 'number')
    return Number.isInteger(value) && value >= 0 && value < 128
      ? [value]
      : [0xcb, ...new Uint8Array(new Float64Array([value]).buffer).reverse()]
  const size = (count: number): number[] => [count >>> 24, (count >>> 16) & 255, (count >>> 8) & 255, count & 255]
  if (typeof value === 'string') {
    const bytes = new TextEncoder().encode(value)
    return [0xdb, ...size(bytes.length), ...bytes]
  }
  if (Array.isArray(value)) return [0xdd, ...size(value.length), ...value.flatMap(encode)]
  const entries = Object.entries(value)
  return [0xdf, ...size(entries.length), ...entries.flatMap(([name, inner]) => [...encode(name), ...encode(inner)])]
}

function decode(bytes: Uint8Array): Value {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  const count = (): number => {
    at += 4
    return view.getUint32(at - 4)
  }
  const read = (): Value => {
    const type = view.getUint8(at++)
    if (type < 128) return type
    if (type === 0xc0) return null
    if (type === 0xc2 || type === 0xc3) return type === 0xc3
    if (type === 0xcb) {
      at += 8
      return view.getFloat64(at - 8)
    }
    if (type === 0xdb) {
      const length = count()
      if (at + length > bytes.length) throw new RangeError('the string ends early')
      at += length
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(at - length, at))
    }
    if (type === 0xdd) return Array.from({ length: Math.min(count(), bytes.length) }, read)
    if (type === 0xdf)
      return Object.fromEntries(Array.from({ length: Math.min(count(), bytes.length) }, () => [String(read()), read()]))
    throw new RangeError(`the type ${type} is not supported`)
  }
  const value = read()
  if (at < bytes.length) throw new RangeError('bytes follow the value')
  return value
}

/** A body as MessagePack. */
const msgpack = <schema extends Schema>(schema: schema): BodyKind<'msgpack', schema> => ({
  key: 'msgpack',
  schema,
  types: ['application/msgpack', 'application/vnd.msgpack', '+msgpack'],
  document: 'value',
  async read(body) {
    const bytes = await body.bytes()
    if (!bytes.length) return undefined
    try {
      return decode(bytes)
    } catch {
      throw reply.problem(400, { detail: 'The body is not valid MessagePack.' })
    }
  },
})

const Item = z.object({ name: z.string(), price: z.number() })
const onError = vi.fn()
const app = router(
  {
    items: route('/items').post({ body: msgpack(Item), bodyLimit: 200 }, (_request, { body }) => body),
    any: route('/any').post({ body: msgpack(z.any()) }, (_request, { body }) => ({ body: body as Value })),
    optional: route('/optional').put({ body: msgpack(Item.optional()) }, (_request, { body }) => ({
      has: body !== undefined,
    })),
  },
  { onError },
)
const post = async (body: BodyInit | null, type?: string, path = '/items', method = 'POST') =>
  app.fetch(
    // oxlint-disable-next-line unicorn/no-invalid-fetch-options
    new Request(`http://test${path}`, { method, body, headers: type === undefined ? {} : { 'content-type': type } }),
  )
const packed = (value: Value): Uint8Array<ArrayBuffer> => Uint8Array.from(encode(value))

describe('a body kind of a package', () => {
  it('reads its media types and suffix, and its schema validates the value', async () => {
    for (const type of [
      'application/msgpack',
      'Application/MsgPack; x=y',
      'application/vnd.msgpack',
      'application/item+msgpack',
    ]) {
      const response = await post(packed({ name: 'a', price: 1, more: true }), type)
      expect([type, response.status, await response.json()]).toEqual([type, 200, { name: 'a', price: 1 }])
    }
    const response = await post(packed({ name: 1, price: 'x' }), 'application/msgpack')
    expect([response.status, await response.json()]).toMatchObject([
      400,
      {
        errors: [
          { in: 'body', pointer: '/name' },
          { in: 'body', pointer: '/price' },
        ],
      },
    ])
  })

  it('responds with 415 to other media types, with its types in Accept and detail', async () => {
    for (const type of [undefined, 'application/json', 'application/+msgpack', 'text/plain']) {
      const response = await post(packed({ name: 'a', price: 1 }), type)
      expect([type, response.status, response.headers.get('accept')]).toEqual([
        type,
        415,
        'application/msgpack, application/vnd.msgpack',
      ])
      expect(await response.json()).toMatchObject({
        detail: 'The body must be application/msgpack or application/vnd.msgpack.',
      })
    }
  })

  it('can throw a Response, which is sent and not reported', async () => {
    onError.mockClear()
    for (const bytes of [[0xff], [0xdb, 0, 0], [...encode('a'), 1]]) {
      const response = await post(Uint8Array.from(bytes), 'application/msgpack')
      expect([response.status, await response.json()]).toMatchObject([
        400,
        { detail: 'The body is not valid MessagePack.' },
      ])
    }
    expect(onError).not.toHaveBeenCalled()
  })

  it('reads empty bytes from a request without a body, and its schema validates the result', async () => {
    expect(await (await post(null, undefined, '/optional', 'PUT')).json()).toEqual({ has: false })
    expect(await (await post(null, 'application/msgpack', '/optional', 'PUT')).json()).toEqual({ has: false })
    expect((await post(null)).status).toBe(400)
  })

  it('is rejected with 413 above bodyLimit', async () => {
    const response = await post(packed({ name: 'x'.repeat(200), price: 1 }), 'application/msgpack')
    expect([response.status, await response.json()]).toMatchObject([
      413,
      { detail: 'The body is larger than 200 bytes.' },
    ])
  })

  it('decodes any encoded value, and is rejected with 400 if the bytes are invalid', async () => {
    const value = fc.letrec<{ value: Value }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        fc.constant(null),
        fc.boolean(),
        fc.oneof(
          fc.integer(),
          fc.double({ noNaN: true, noDefaultInfinity: true }).filter((n) => !Object.is(n, -0)),
        ),
        fc.string(),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(
          fc.string({ maxLength: 4 }).filter((name) => name !== '__proto__'),
          tie('value'),
          { maxKeys: 3 },
        ),
      ),
    })).value
    await fc.assert(
      fc.asyncProperty(value, async (value) => {
        const response = await post(packed(value), 'application/msgpack', '/any')
        expect(await response.json()).toEqual({ body: JSON.parse(JSON.stringify(value)) as unknown })
      }),
      { numRuns: 200 },
    )
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 30 }), async (bytes) => {
        const response = await post(bytes as Uint8Array<ArrayBuffer>, 'application/msgpack', '/any')
        expect([200, 400]).toContain(response.status)
      }),
      { numRuns: 200 },
    )
  })

  it('responds with 500 without details and reports the error if its reader throws another error', async () => {
    for (const read of [
      () => {
        throw new Error('secret')
      },
      async () => Promise.reject(new Error('secret')),
    ]) {
      const failing: BodyKind = { ...msgpack(z.any()), types: ['*/*'], read }
      const errors = vi.fn()
      const it = route('/').post({ body: failing }, () => 'ok')
      const response = await router({ it }, { onError: errors }).fetch(
        new Request('http://test/', { method: 'POST', body: 'x' }),
      )
      expect([response.status, await response.text()]).toEqual([
        500,
        '{"title":"Internal Server Error","detail":"No handler sent this response.","status":500}',
      ])
      expect(errors.mock.calls).toMatchObject([[new Error('secret'), { phase: 'input' }]])
    }
  })

  it('passes its reader the request, the media type, and the body as bytes, text or stream', async () => {
    const read = async (take: (body: RequestBody) => unknown, type: string) => {
      const kind: BodyKind<'raw', undefined> = {
        key: 'raw',
        schema: undefined,
        types: ['*/*'],
        document: 'bytes',
        read: take,
      }
      const it = route('/').post(
        { body: kind, bodyLimit: 5 },
        (_request, context) => (context as { body: unknown }).body as never,
      )
      const request = new Request('http://test/', { method: 'POST', body: 'héy', headers: { 'content-type': type } })
      return (await router({ it }).fetch(request)).json()
    }
    expect(await read((body) => [body.type, body.request.method], 'Text/X; charset=utf-8')).toEqual(['text/x', 'POST'])
    expect(await read((body) => body.text(), 'text/x')).toBe('héy')
    expect(await read(async (body) => [...(await body.bytes())], 'text/x')).toEqual([104, 195, 169, 121])
    expect(await read((body) => new Response(body.stream()).text(), 'text/x')).toBe('héy')
  })

  it('cannot be declared on GET or HEAD', () => {
    expect(() => route('/').get({ body: msgpack(Item) }, () => 1)).toThrow(
      'a GET request has none; use .query() or .post()',
    )
  })
})

// The rules for every body kind.
describe.each<readonly [name: string, kind: BodyKind, type: string, body: string]>([
  ['a schema', z.any() as never, 'application/json', '"123456789"'],
  ['form()', form(z.any()), 'application/x-www-form-urlencoded', 'a=123456789'],
  ['text()', text(), 'text/plain', '12345678901'],
  ['bytes()', bytes(), 'image/png', '12345678901'],
  ['stream()', stream('video/*'), 'video/mp4', '12345678901'],
  ['msgpack()', msgpack(z.any()) as BodyKind, 'application/msgpack', String.fromCharCode(0xdb - 0xdb, 0)],
])('%s', (_name, body, type, sent) => {
  const handler = vi.fn(async (_request: Request, context: object) => {
    const { body } = context as { body: unknown }
    if (body instanceof ReadableStream) await new Response(body as ReadableStream).text()
    return 'read'
  })
  const send = async (bodyLimit: number, init: RequestInit, options: object = {}) => {
    const it = route('/').post({ body: body as BodyKind, bodyLimit }, handler)
    return router({ it }, { onError, ...options }).fetch(new Request('http://test/', { method: 'POST', ...init }))
  }

  it('responds with 415 to a body with a Content-Encoding', async () => {
    const response = await send(100, { body: sent, headers: { 'content-type': type, 'content-encoding': 'gzip' } })
    expect(response.status).toBe(415)
  })

  it('responds with 413 above the limit, also to a chunked body', async () => {
    for (const body of [sent, new Blob([sent]).stream()]) {
      const init = { body, duplex: 'half', headers: { 'content-type': type } } as RequestInit
      expect((await send(1, init)).status).toBe(413)
    }
    onError.mockClear()
  })

  it('is not read if middleware responds with 401', async () => {
    handler.mockClear()
    const guard = route.use(() => reply.unauthorized())
    const it = guard('/').post({ body: body as BodyKind }, handler)
    const request = new Request('http://test/', { method: 'POST', body: sent, headers: { 'content-type': type } })
    expect((await router({ it }).fetch(request)).status).toBe(401)
    expect([request.bodyUsed, handler.mock.calls.length]).toEqual([false, 0])
  })
})

describe('stream()', () => {
  it('fails with a BodyLimitError above the limit, which a handler can catch', async () => {
    const it = route('/').post({ body: stream('*/*'), bodyLimit: 3 }, async (_request, { body }) => {
      try {
        return await new Response(body).text()
      } catch (error) {
        return [error instanceof BodyLimitError, (error as BodyLimitError).limit]
      }
    })
    const response = await router({ it }).fetch(
      new Request('http://test/', { method: 'POST', body: new Blob(['abcd']).stream(), duplex: 'half' } as RequestInit),
    )
    expect(await response.json()).toEqual([true, 3])
  })

  it.each(['', 'video', 'video/', 'a b/c', '*', 'text/plain; charset=x', undefined])(
    'throws a TypeError for the range %j',
    (range) => {
      expect(() => stream(range as never)).toThrow(TypeError)
    },
  )
})
