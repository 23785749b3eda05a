import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { zfd } from 'zod-form-data'
import { bytes, type ErrorInfo, form, middleware, route, router, text } from '../../src/index.js'
import * as reply from '../../src/replies/index.js'
import { runs } from './runs.js'

// Collects unhandled rejections. There must be none.
const escaped: unknown[] = []
const onEscape = (reason: unknown): void => void escaped.push(reason)
beforeAll(() => void process.on('unhandledRejection', onEscape))
afterAll(async () => {
  await new Promise((resolve) => setTimeout(resolve, 20))
  process.off('unhandledRejection', onEscape)
  expect(escaped).toEqual([])
})

const builtIns = [Object, Array, Function, String, Number, Promise, Map, Request, Response, Headers, URL]
const snapshot = (): string =>
  JSON.stringify(
    builtIns.flatMap((builtIn) => [
      Reflect.ownKeys(builtIn).map(String),
      Reflect.ownKeys(builtIn.prototype).map(String),
    ]),
  )

async function expectProblem(response: Response, method: string): Promise<void> {
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  expect(response.headers.get('x-content-type-options')).toBe('nosniff')
  const text = await response.text()
  if (method === 'HEAD') return expect(text).toBe('')
  const problem = JSON.parse(text) as Record<string, unknown>
  expect(problem['status']).toBe(response.status)
  expect(problem['title']).toEqual(expect.any(String))
  for (const key of Object.keys(problem)) expect(['title', 'status', 'detail', 'errors']).toContain(key)
  const errors = (problem['errors'] ?? []) as Record<string, unknown>[]
  expect(errors.length).toBeLessThanOrEqual(50)
  for (const error of errors) {
    expect(Object.keys(error)).toEqual(['in', 'pointer', 'detail'])
    expect(['query', 'headers', 'body']).toContain(error['in'])
    expect(error['pointer']).toMatch(/^(?:\/|$)/)
    expect((error['detail'] as string).length).toBeLessThanOrEqual(200)
  }
}

describe('any request', () => {
  const reported: { error: unknown; info: ErrorInfo }[] = []
  const named = middleware(async (_request, _context, next) => {
    const response = await next()
    response.headers.append('x-through', 'use')
    return response
  })
  const query = z.object({
    page: z.coerce.number().int().default(1),
    tag: z.array(z.string()).default([]),
    only: z.enum(['a', 'b']).optional(),
  })
  const headers = z.object({ 'x-count': z.coerce.number().optional() })
  const body = z.object({ name: z.string(), list: z.array(z.object({ a: z.number() })).optional() })
  const fields = zfd.formData({ name: zfd.text(), tags: z.array(zfd.text()).optional(), file: zfd.file().optional() })
  const item = z.object({ id: z.string() })
  const app = router(
    {
      index: route('/').get(() => 'index'),
      items: route('/items')
        .get({ query, headers }, (_request, context) => ({ ...context.query, ...context.headers }))
        .post({ query, body, response: { 201: body } }, (_request, context) =>
          reply.json(context.body, { status: 201 }),
        ),
      item: route('/items/[id]')
        .get({ response: item }, (_request, { params }) => ({ id: params.id, more: 1 }))
        .delete(() => undefined)
        .put({ body: text(z.string()) }, (_request, { body: text }) => text.length)
        .patch({ body: bytes(z.instanceof(Uint8Array)) }, (_request, { body: bytes }) => bytes.length),
      form: route('/form').post({ body: form(fields), headers }, (_request, { body: form }) => form.name),
      strict: route('/strict').post(
        { body: form(z.strictObject({ name: z.string() })) },
        (_request, { body: form }) => form,
      ),
      number: route('/number/[n]', { params: z.object({ n: z.coerce.number().int() }) }).get(
        (_request, { params }) => params.n,
      ),
      files: route('/files/[...path]').get((_request, { params, url }) => [params.path, url.pathname]),
      docs: route('/docs/[[...path]]').query({ body: z.any() }, (_request, { body }) => ({ body })),
    },
    { use: [named], onError: (error, info) => reported.push({ error, info }), bodyLimit: 2_000 },
  )

  const hostile = fc.constantFrom(
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'toString.call',
    'hasOwnProperty',
  )
  const anyText = fc.oneof({ weight: 4, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) }, hostile)
  const piece = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom('', 'items', 'form', 'strict', 'number', 'files', 'docs', 'a', '1', 'x') },
    {
      weight: 2,
      arbitrary: fc.constantFrom('%', '%zz', '%2F', '%2e%2e%2f', '..', '.', '%00', '\\', '%ff', 'a%2Fb', '//'),
    },
    { weight: 1, arbitrary: hostile },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 6 }).map(encodeURIComponent) },
  )
  const pathname = fc.oneof(
    fc.constantFrom('/items', '/items/a', '/form', '/strict', '/docs/x', '/number/7', '/'),
    fc.array(piece, { maxLength: 5 }).map((pieces) => `/${pieces.join('/')}`),
  )
  const search = fc.oneof(
    fc.constant(''),
    fc
      .array(
        fc.tuple(
          fc.oneof(fc.constantFrom('page', 'tag', 'only'), anyText),
          fc.oneof(fc.constantFrom('1', 'a'), anyText),
        ),
        { maxLength: 5 },
      )
      .map((pairs) => `?${new URLSearchParams(pairs)}`),
    fc
      .string({ unit: fc.constantFrom('a', '&', '=', '%', ';', '#', '?', '+', '/', '['), maxLength: 12 })
      .map((raw) => `?${raw}`),
  )
  const method = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'QUERY') },
    { weight: 1, arbitrary: fc.constantFrom('FOO', 'PROPFIND', '__proto__', 'constructor', 'x') },
  )
  const type = fc.oneof(
    fc.constantFrom(
      'application/json',
      'application/x+json',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=b',
      'multipart/form-data',
      'text/plain',
      '',
    ),
    fc.string({ unit: fc.constantFrom(...'aj/+; ,=json"'), maxLength: 10 }),
  )
  const field = fc
    .tuple(
      fc.oneof(fc.constantFrom('name', 'tags[0]', 'tags[1]', 'tags', 'tags[7]', 'file', 'name.x', 'a[b'), anyText),
      anyText,
    )
    .map(([name, value]) => [name, value] as [string, string])
  const payload = fc.oneof(
    fc.constant(null),
    fc.json().map((json) => json as string | Uint8Array),
    fc
      .record({ name: fc.oneof(fc.string(), fc.integer()), list: fc.array(fc.anything()) }, { requiredKeys: [] })
      .map((value) => {
        try {
          return JSON.stringify(value) as string | Uint8Array
        } catch {
          return '{}'
        }
      }),
    fc.array(field, { maxLength: 6 }).map((fields) => new URLSearchParams(fields).toString()),
    fc
      .array(field, { maxLength: 4 })
      .map(
        (fields) =>
          fields
            .map(([name, value]) => `--b\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`)
            .join('') + '--b--\r\n',
      ),
    fc.uint8Array({ maxLength: 60 }),
    fc.constantFrom('['.repeat(1_500), 'x'.repeat(2_001), '{"__proto__":{"a":1}}', '\ud800', '"', 'null'),
  )
  // Mostly valid requests, so that some requests pass validation.
  const sound = fc.constantFrom(
    ['POST', '/items', 'application/json', '{"name":"a","more":1}'],
    ['POST', '/items', 'application/json', '{"name":1}'],
    ['POST', '/form', 'application/x-www-form-urlencoded', 'name=a&tags[0]=b'],
    ['POST', '/form', 'application/x-www-form-urlencoded', 'name=a&toString.call=b'],
    [
      'POST',
      '/strict',
      'multipart/form-data; boundary=b',
      '--b\r\ncontent-disposition: form-data; name="name"\r\n\r\na\r\n--b--\r\n',
    ],
    ['PUT', '/items/a', 'text/plain', 'é'],
    ['PATCH', '/items/a', 'text/plain', 'é'],
    ['QUERY', '/docs/a', 'application/json', '[[]]'],
    ['DELETE', '/items/a', '', ''],
    ['GET', '/items/a/?x', '', ''],
  )
  const headerPairs = fc.record(
    {
      'content-type': type,
      'content-encoding': fc.constantFrom('gzip', 'identity'),
      'content-length': fc.constantFrom('0', '5', '99999999', 'x', '-1'),
      'x-count': fc.constantFrom('1', 'x', ''),
      __proto__: fc.constant('x'),
      accept: fc.constantFrom('text/html', '*/*'),
    },
    { requiredKeys: [] },
  )

  it('gets a Response below 500, with a problem for errors, and changes no built-in object', async () => {
    const before = snapshot()
    const statuses = new Map<number, number>()
    await fc.assert(
      fc.asyncProperty(
        pathname,
        search,
        method,
        headerPairs,
        payload,
        fc.boolean(),
        fc.option(sound, { freq: 4 }),
        async (pathname, search, method, pairs, payload, chunked, sound) => {
          if (sound) {
            ;[method, pathname, , payload] = sound
            if (sound[2]) pairs = { ...pairs, 'content-type': sound[2] }
          }
          reported.length = 0
          const hasBody = payload !== null && method !== 'GET' && method !== 'HEAD'
          const bytes = typeof payload === 'string' ? new TextEncoder().encode(payload) : payload
          const stream = (): ReadableStream =>
            new ReadableStream({
              start(controller) {
                for (const byte of bytes!) controller.enqueue(Uint8Array.of(byte))
                controller.close()
              },
            })
          const request = new Request(`http://test${pathname}${search}`, {
            method,
            headers: Object.entries(pairs as Record<string, string>),
            ...(hasBody && { body: chunked ? stream() : bytes, duplex: 'half' }),
          } as RequestInit)
          const response = await app.fetch(request)
          statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1)
          expect(response).toBeInstanceOf(Response)
          expect(response.headers.get('x-through')).toBe('use')
          expect([response.status, reported]).toEqual([expect.any(Number), []])
          expect(response.status).toBeLessThan(500)
          if (response.status >= 400) await expectProblem(response, method)
          else if (response.status === 308)
            expect(new URL(response.headers.get('location')!, request.url).host).toBe('test')
          else if (response.status === 200 && method !== 'HEAD') await response.json()
          expect(snapshot()).toBe(before)
        },
      ),
      { numRuns: runs(3_000) },
    )
    // The requests reach all of these cases.
    for (const status of [200, 201, 204, 308, 400, 404, 405, 413, 415]) expect([...statuses.keys()]).toContain(status)
  })
})

describe('any result of a handler', () => {
  const frozen = Object.freeze({ status: 418, message: 'secret' })
  const circular: Record<string, unknown> = { secret: 1 }
  circular['self'] = circular
  const used = async (): Promise<Response> => {
    const response = new Response('secret')
    await response.text()
    return response
  }
  const hostileGetters = {
    get [Symbol.toStringTag](): string {
      throw new Error('secret')
    },
    get bodyUsed(): boolean {
      throw new Error('secret')
    },
    get stack(): string {
      throw new Error('secret')
    },
  }
  const { proxy: revoked, revoke } = Proxy.revocable({}, {})
  revoke()

  const thrown: readonly (readonly [name: string, make: () => unknown])[] = [
    ['a string', () => 'secret'],
    ['a number', () => 404],
    ['a symbol', () => Symbol('secret')],
    ['a frozen object', () => frozen],
    ['an object with a status', () => ({ status: 401, statusCode: 401, headers: { 'x-a': 'b' }, body: 'secret' })],
    ['a frozen Error', () => Object.freeze(new Error('secret'))],
    ['an Error with a Response as its cause', () => new Error('secret', { cause: new Response('secret') })],
    ['an object whose getters throw', () => hostileGetters],
    ['a revoked proxy', () => revoked],
    ['a function', () => () => 'secret'],
    ['an Error without a prototype', () => Object.create(null) as unknown],
  ]

  it.each(thrown)('responds with a 500 without details and calls onError once if it throws %s', async (_name, make) => {
    const value = make()
    const places = {
      sync: route('/sync').get(() => {
        throw value
      }),
      async: route('/async').get(() => Promise.reject(value as Error)),
      layer: route('/layer')
        .use(() => {
          throw value
        })
        .get(() => 1),
      asyncLayer: route('/async-layer')
        .use(() => Promise.reject(value as Error))
        .get(() => 1),
    }
    for (const path of ['/sync', '/async', '/layer', '/async-layer']) {
      const reported: unknown[] = []
      const app = router(places, { onError: (error) => reported.push(error) })
      for (const method of ['GET', 'HEAD']) {
        reported.length = 0
        const response = await app.fetch(new Request(`http://test${path}`, { method }))
        expect([path, response.status]).toEqual([path, 500])
        expect(response.headers.get('x-a')).toBe(null)
        const text = await response.text()
        if (method === 'GET')
          expect(text).toBe('{"title":"Internal Server Error","detail":"No handler sent this response.","status":500}')
        expect(reported).toHaveLength(1)
        expect(Object.is(reported[0], value)).toBe(true)
      }
    }
  })

  it.each([
    ['a Response', () => new Response('mine', { status: 418 })],
    ['a reply', () => reply.problem(418)],
  ])('responds with %s if it throws it, without calling onError', async (_name, make) => {
    const reported: unknown[] = []
    const app = router(
      {
        a: route('/a').get(() => {
          throw make()
        }),
        b: route('/b')
          .use(async () => {
            throw make()
          })
          .get(() => 1),
      },
      { onError: (error) => reported.push(error) },
    )
    expect((await app.fetch(new Request('http://test/a'))).status).toBe(418)
    expect((await app.fetch(new Request('http://test/b'))).status).toBe(418)
    expect(reported).toEqual([])
  })

  it.each<readonly [string, () => unknown]>([
    ['a Response that was read', used],
    ['a bigint', () => 1n],
    ['an object that contains a bigint', () => ({ secret: 1n })],
    ['a symbol', () => Symbol('secret')],
    ['a function', () => () => 'secret'],
    ['a Map', () => new Map([['secret', 1]])],
    ['a Set', () => new Set(['secret'])],
    ['bytes', () => new ArrayBuffer(8)],
    ['a Blob', () => new Blob(['secret'])],
    ['a circular object', () => circular],
    [
      'a toJSON that throws',
      () => ({
        toJSON: () => {
          throw new Error('secret')
        },
      }),
    ],
    ['a toJSON() that returns undefined', () => ({ toJSON: () => undefined })],
    ['a revoked proxy', () => revoked],
    [
      'a getter that throws',
      () => ({
        get a() {
          throw new Error('secret')
        },
      }),
    ],
    ['an object of unbounded depth', () => Array.from({ length: 100_000 }).reduce((value) => [value], 0)],
    ['Response.error()', () => Response.error()],
  ])('responds with a 500 without details and calls onError once if it returns %s', async (_name, make) => {
    const reported: unknown[] = []
    const app = router(
      {
        sync: route('/sync').get(() => make() as never),
        async: route('/async').get(async () => (await make()) as never),
      },
      { onError: (error) => reported.push(error) },
    )
    for (const path of ['/sync', '/async'])
      for (const method of ['GET', 'HEAD']) {
        reported.length = 0
        const response = await app.fetch(new Request(`http://test${path}`, { method }))
        expect([path, method, response.status]).toEqual([path, method, 500])
        const text = await response.text()
        if (method === 'GET')
          expect(text).toBe('{"title":"Internal Server Error","detail":"No handler sent this response.","status":500}')
        expect(reported).toHaveLength(1)
      }
  })

  it('sends any JSON value that it returns', async () => {
    let value: unknown
    const app = router({ a: route('/').get(() => value as never) })
    await fc.assert(
      fc.asyncProperty(fc.jsonValue({ noUnicodeString: false } as object), async (json) => {
        value = json
        const response = await app.fetch(new Request('http://test/'))
        expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json'])
        expect(await response.text()).toBe(JSON.stringify(json))
      }),
      { numRuns: runs(300) },
    )
  })

  it('responds with 200, 204 or 500 if it returns or throws any value', async () => {
    let value: unknown
    const places = {
      returns: route('/returns').get(() => value as never),
      resolves: route('/resolves').get(async () => value as never),
      throws: route('/throws').get(() => {
        throw value
      }),
      around: route('/around')
        .use(() => value as never)
        .get(() => 1),
    }
    const app = router(places, { onError: () => {} })
    await fc.assert(
      fc.asyncProperty(
        fc.anything({
          withBigInt: true,
          withDate: true,
          withMap: true,
          withSet: true,
          withTypedArray: true,
          withSparseArray: true,
          withNullPrototype: true,
          withBoxedValues: true,
          withObjectString: true,
        }),
        async (anything) => {
          value = anything
          for (const path of ['/returns', '/resolves', '/throws', '/around']) {
            const response = await app.fetch(new Request(`http://test${path}`))
            expect([200, 204, 500]).toContain(response.status)
            await response.text()
          }
        },
      ),
      { numRuns: runs(500) },
    )
  })

  it('responds with a 500 if onError throws or rejects, and logs that error', async () => {
    const quiet = console.error
    const logged: unknown[] = []
    console.error = (...values: unknown[]) => void logged.push(...values)
    try {
      for (const onError of [
        () => {
          throw new Error('second')
        },
        async () => {
          throw new Error('second')
        },
      ]) {
        const app = router(
          {
            a: route('/').get(() => {
              throw new Error('first')
            }),
          },
          { onError },
        )
        const response = await app.fetch(new Request('http://test/'))
        expect(response.status).toBe(500)
        await new Promise((resolve) => setTimeout(resolve, 1))
      }
    } finally {
      console.error = quiet
    }
    expect(logged.map((error) => (error as Error).message)).toEqual(['second', 'second'])
  })
})
