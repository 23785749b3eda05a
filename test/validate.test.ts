import { runInNewContext } from 'node:vm'
import { toStandardJsonSchema } from '@valibot/to-json-schema'
import { type } from 'arktype'
import fc from 'fast-check'
import * as v from 'valibot'
import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { type ErrorInfo, errorOf, middleware, type Operation, route, router, type Schema, text } from '../src/index.js'
import * as reply from '../src/replies/index.js'

interface Problem {
  readonly status: number
  readonly detail: string
  readonly errors: readonly { in: string; pointer: string; detail: string }[]
}

type App = { readonly fetch: (request: Request) => Response | Promise<Response> }

const get = async (app: App, path: string, headers: HeadersInit = {}): Promise<Response> =>
  app.fetch(new Request(`http://test${path}`, { headers }))

const post = async (app: App, path: string, body: unknown): Promise<Response> =>
  app.fetch(
    new Request(`http://test${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    }),
  )

const errorsOf = async (response: Response): Promise<Problem['errors']> => ((await response.json()) as Problem).errors

// A hand-written Standard Schema.
const schemaOf = (validate: (value: unknown) => unknown, more: object = {}): Schema => ({
  '~standard': { version: 1, vendor: 'test', validate, ...more },
})

const libraries = {
  zod: {
    query: z.object({ page: z.coerce.number().int().default(1), tag: z.array(z.string()).default([]) }),
    headers: z.object({ 'x-token': z.string().min(3) }),
    body: z.object({ name: z.string(), price: z.number() }),
    response: z.object({ name: z.string() }),
  },
  valibot: {
    query: toStandardJsonSchema(
      v.object({
        page: v.optional(v.pipe(v.string(), v.transform(Number), v.integer()), '1'),
        tag: v.optional(v.array(v.string()), []),
        // JSON Schema has no word for it.
        q: v.optional(v.pipe(v.string(), v.trim())),
      }),
    ),
    headers: v.object({ 'x-token': v.pipe(v.string(), v.minLength(3)) }),
    body: v.object({ name: v.string(), price: v.number() }),
    response: v.object({ name: v.string() }),
  },
  arktype: {
    query: type({
      page: type('string.integer.parse').default('1'),
      tag: type('string[]').default(() => []),
      'at?': 'string.date.parse',
    }),
    headers: type({ 'x-token': 'string>=3' }),
    body: type({ name: 'string', price: 'number' }),
    response: type({ '+': 'delete', name: 'string' }),
  },
} as const

describe.each(Object.entries(libraries))('%s', (_library, schemas) => {
  const onError = vi.fn()
  const app = router(
    {
      query: route('/query').get(
        { query: schemas.query as typeof libraries.zod.query },
        (_request, { query }) => query,
      ),
      headers: route('/headers').get(
        { headers: schemas.headers as typeof libraries.zod.headers },
        (_request, { headers }) => headers['x-token'],
      ),
      body: route('/body').post(
        {
          body: schemas.body as typeof libraries.zod.body,
          response: schemas.response as typeof libraries.zod.response,
        },
        (_request, { body }) => body,
      ),
      broken: route('/broken').get(
        { response: schemas.response as typeof libraries.zod.response },
        () => ({ nome: 'secret' }) as never,
      ),
    },
    { onError },
  )

  it('validates a query, with defaults, and converts one value to an array of one', async () => {
    expect(await (await get(app, '/query')).json()).toEqual({ page: 1, tag: [] })
    expect(await (await get(app, '/query?page=2&tag=a')).json()).toEqual({ page: 2, tag: ['a'] })
    expect(await (await get(app, '/query?tag=a&tag=b')).json()).toEqual({ page: 1, tag: ['a', 'b'] })
  })

  it('responds with 400 to an invalid query', async () => {
    const response = await get(app, '/query?page=x')
    expect(response.status).toBe(400)
    expect(await errorsOf(response)).toEqual([{ in: 'query', pointer: '/page', detail: expect.any(String) }])
  })

  it('responds with 400 to a repeated scalar', async () => {
    const response = await get(app, '/query?page=1&page=2')
    expect(response.status).toBe(400)
    expect(await errorsOf(response)).toMatchObject([{ in: 'query', pointer: '/page' }])
  })

  it('validates headers by their names in lower case', async () => {
    expect(await (await get(app, '/headers', { 'X-Token': 'abc' })).json()).toBe('abc')
    const refused = await get(app, '/headers', { 'x-token': 'a' })
    expect(refused.status).toBe(400)
    expect(await errorsOf(refused)).toMatchObject([{ in: 'headers', pointer: '/x-token' }])
    expect((await get(app, '/headers')).status).toBe(400)
  })

  it('validates a body, and sends a response as its output', async () => {
    const response = await post(app, '/body', { name: 'a', price: 1, more: 2 })
    expect([response.status, await response.json()]).toEqual([200, { name: 'a' }])
    const refused = await post(app, '/body', { name: 1, price: '1' })
    expect(refused.status).toBe(400)
    expect(await errorsOf(refused)).toMatchObject([
      { in: 'body', pointer: '/name' },
      { in: 'body', pointer: '/price' },
    ])
  })

  it('responds with 500 without details if a response does not match', async () => {
    onError.mockClear()
    const response = await get(app, '/broken')
    expect([response.status, await response.json()]).toEqual([
      500,
      { title: 'Internal Server Error', detail: 'No handler sent this response.', status: 500 },
    ])
    expect(onError).toHaveBeenCalledTimes(1)
    const [error, info] = onError.mock.calls[0] as [Error & { errors: Problem['errors'] }, ErrorInfo]
    expect([error.name, info.phase]).toEqual(['ResponseError', 'response'])
    expect(error.errors).toMatchObject([{ in: 'response', pointer: '/name' }])
  })
})

describe('query', () => {
  const echo = (query: Schema) =>
    router({ a: route('/a').get({ query }, (_request, context) => ({ query: (context as { query: unknown }).query })) })

  it('is decoded as URLSearchParams does: percent-escapes and +, but not ;', async () => {
    const app = echo(z.looseObject({}))
    expect(await (await get(app, '/a?a=%26%3D&b=1+2&c;d=3&e&%66=%zz&=x')).json()).toEqual({
      query: { a: '&=', b: '1 2', 'c;d': '3', e: '', f: '%zz', '': 'x' },
    })
    expect(await (await get(app, '/a?')).json()).toEqual({ query: {} })
    expect(await (await get(app, '/a#?a=1')).json()).toEqual({ query: {} })
    expect(await (await get(app, '/a?a=1#&b=2')).json()).toEqual({ query: { a: '1' } })
  })

  it('is rejected with 400 if a scalar is repeated, before the schema runs', async () => {
    const app = echo(z.object({ 'a/b~c': z.coerce.string(), d: z.any() }))
    expect(await errorsOf(await get(app, '/a?a/b~c=1&a/b~c=2'))).toEqual([
      { in: 'query', pointer: '/a~1b~0c', detail: 'This value can be given only once.' },
    ])
    expect((await get(app, '/a?a/b~c=1&d=1&d=2')).status).toBe(200)
    for (const scalar of [
      z.coerce.number(),
      z.coerce.boolean(),
      z.coerce.string(),
      z.enum(['1']),
      z.literal('1'),
      z.stringbool(),
      z.string().optional(),
      z.string().nullable(),
      z.union([z.string(), z.coerce.number()]),
      z.coerce.number().default(1),
    ])
      expect((await get(echo(z.object({ v: scalar })), '/a?v=1&v=1')).status).toBe(400)
  })

  it.each([
    ['z.array', z.object({ v: z.array(z.string()) })],
    ['an optional array', z.object({ v: z.array(z.string()).optional() })],
    ['an array with a default', z.object({ v: z.array(z.string()).default([]) })],
    ['an array that is transformed', z.object({ v: z.array(z.string()).transform((list) => list) })],
    ['a tuple', z.object({ v: z.tuple([z.string()]) })],
    [
      'an array in an intersection',
      z.intersection(z.object({ v: z.array(z.string()) }), z.object({ w: z.string().optional() })),
    ],
    [
      'an array in a union',
      z.union([z.object({ v: z.array(z.string()) }), z.object({ v: z.array(z.string()), w: z.string() })]),
    ],
    ['an array with an id', z.object({ v: z.array(z.string()).meta({ id: 'byway-test-tags' }) })],
    ['an object with an id', z.object({ v: z.array(z.string()) }).meta({ id: 'byway-test-query' })],
    ['an object that is refined', z.object({ v: z.array(z.string()) }).refine(() => true)],
    ['an object that is piped', z.object({ v: z.array(z.string()) }).transform((query) => query)],
  ])('has one value as an array if the schema is %s', async (_name, schema) => {
    expect(await (await get(echo(schema), '/a?v=x')).json()).toEqual({ query: { v: ['x'] } })
  })

  it('has one value as a string if the schema accepts a string or an array', async () => {
    const app = echo(z.object({ v: z.union([z.string(), z.array(z.string())]) }))
    expect(await (await get(app, '/a?v=x')).json()).toEqual({ query: { v: 'x' } })
    expect(await (await get(app, '/a?v=x&v=y')).json()).toEqual({ query: { v: ['x', 'y'] } })
  })

  it('is validated by a schema without a JSON Schema, or whose JSON Schema throws', async () => {
    const validate = (value: unknown) => ({ value: { ...(value as object) } })
    const throwing = {
      jsonSchema: {
        input: () => {
          throw new Error('cannot be written')
        },
      },
    }
    for (const schema of [
      schemaOf(validate),
      schemaOf(validate, throwing),
      schemaOf(validate, { jsonSchema: { input: () => ({ properties: { v: true } }) } }),
    ])
      expect(await (await get(echo(schema), '/a?v=x&w=1&w=2')).json()).toEqual({ query: { v: 'x', w: ['1', '2'] } })
  })

  it('computes the JSON Schema once, with the first request', async () => {
    const input = vi.fn(() => ({}))
    const app = echo(schemaOf((value) => ({ value }), { jsonSchema: { input } }))
    expect(input).not.toHaveBeenCalled()
    await get(app, '/a?v=x')
    await get(app, '/a?v=x')
    expect(input).toHaveBeenCalledTimes(1)
  })

  it('is an object without a prototype, with any names', async () => {
    let seen: object | undefined
    const app = echo(schemaOf((value) => ((seen = value as object), { value: null })))
    await get(app, '/a?__proto__=1&constructor=2&toString=3&hasOwnProperty=4&__proto__=5')
    expect(Object.entries(seen!)).toEqual([
      ['__proto__', ['1', '5']],
      ['constructor', '2'],
      ['toString', '3'],
      ['hasOwnProperty', '4'],
    ])
    await get(app, '/a')
    expect('toString' in seen!).toBe(false)
    expect('__proto__' in seen!).toBe(false)
  })

  it('has the entries of URLSearchParams, for any names and values', async () => {
    let seen: Record<string, unknown> = {}
    const app = echo(schemaOf((value) => ((seen = value as typeof seen), { value: null })))
    const name = fc.oneof(
      fc.constantFrom('a', 'b', '__proto__', 'constructor', ''),
      fc.string({ unit: 'binary', maxLength: 4 }),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(name, fc.string({ unit: 'binary', maxLength: 4 })), { maxLength: 8 }),
        async (pairs) => {
          await get(app, `/a?${new URLSearchParams(pairs)}`)
          const names = [...new Set(pairs.map(([name]) => name))]
          expect(Object.keys(seen).sort()).toEqual(names.sort())
          for (const name of names) {
            const values = pairs.flatMap(([other, value]) => (other === name ? [value] : []))
            expect(seen[name]).toEqual(values.length === 1 ? values[0] : values)
          }
        },
      ),
      { numRuns: 300 },
    )
  })
})

describe('the errors of a 400', () => {
  const app = router({
    list: route('/list').post({ body: z.array(z.number()), bodyLimit: 5_000_000 }, () => 'ok'),
    record: route('/record').post(
      { body: z.record(z.string(), z.record(z.string(), z.number())), bodyLimit: 5_000_000 },
      () => 'ok',
    ),
    words: route('/words').post({ body: z.any().refine(() => false, 'é'.repeat(1_000)) }, () => 'ok'),
    secret: route('/secret').post(
      {
        body: z.object({
          n: z.number(),
          e: z.enum(['a', 'b']),
          m: z.email(),
          u: z.uuid(),
          l: z.array(z.boolean()),
          s: z.string().min(500),
          d: z.iso.date(),
          k: z.literal(1),
          x: z.union([z.number(), z.boolean()]),
          r: z.string().regex(/^a$/),
        }),
      },
      () => 'ok',
    ),
  })

  it('are at most 50', async () => {
    const response = await post(app, '/list', Array(500_000).fill('x'))
    expect(response.status).toBe(400)
    const text = await response.text()
    expect(text.length).toBeLessThan(10_000)
    const { errors } = JSON.parse(text) as Problem
    expect(errors).toHaveLength(50)
    expect(errors[49]).toEqual({
      in: 'body',
      pointer: '/49',
      detail: 'Invalid input: expected number, received string',
    })
  })

  it('have at most 200 characters of the schema’s message', async () => {
    expect(await errorsOf(await post(app, '/words', 1))).toEqual([{ in: 'body', pointer: '', detail: 'é'.repeat(200) }])
  })

  it('have pointers of at most 500 characters, for any names that the client sends', async () => {
    const name = 'k'.repeat(100_000)
    const response = await post(app, '/record', {
      [name]: Object.fromEntries(Array.from({ length: 60 }, (_, n) => [n, 'x'])),
    })
    const text = await response.text()
    expect(response.status).toBe(400)
    expect(text.length).toBeLessThan(50 * 1_000)
    expect((JSON.parse(text) as Problem).errors[0]?.pointer).toBe(`/${'k'.repeat(499)}`)
  })

  it('do not contain received values', async () => {
    const word = fc.string({ unit: fc.constantFrom(...'QWXYZ0123456789'), minLength: 12, maxLength: 30 })
    await fc.assert(
      fc.asyncProperty(word, async (word) => {
        const response = await post(app, '/secret', {
          n: word,
          e: word,
          m: word,
          u: word,
          l: [word],
          s: word,
          d: word,
          k: word,
          x: word,
          r: word,
        })
        const text = await response.text()
        expect(response.status).toBe(400)
        expect((JSON.parse(text) as Problem).errors).toHaveLength(10)
        expect(text).not.toContain(word)
      }),
      { numRuns: 50 },
    )
  })

  it('have JSON Pointers', async () => {
    const path = (path: unknown) => schemaOf(() => ({ issues: [{ message: 'no', path }] }))
    const pointer = async (steps: unknown): Promise<unknown> =>
      (await errorsOf(await post(router({ a: route('/').post({ body: path(steps) }, () => 1) }), '/', 1)))[0]?.pointer
    expect(await pointer(undefined)).toBe('')
    expect(await pointer([])).toBe('')
    expect(await pointer(['a', 0, 'b'])).toBe('/a/0/b')
    expect(await pointer(['a/b', 'm~n', '~1', ''])).toBe('/a~1b/m~0n/~01/')
    expect(await pointer([{ key: 'a' }, { key: 1 }])).toBe('/a/1')
    expect(await pointer([Symbol('s')])).toBe('/Symbol(s)')
  })

  it('have pointers that can be parsed to the same path', async () => {
    const key = fc.string({ unit: fc.constantFrom('~', '/', '0', '1', 'a', '%', '"'), maxLength: 5 })
    const schema = z.record(z.string(), z.record(z.string(), z.number()))
    const one = router({ a: route('/').post({ body: schema }, () => 1) })
    await fc.assert(
      fc.asyncProperty(key, key, async (first, second) => {
        const [error] = await errorsOf(await post(one, '/', { [first]: { [second]: 'x' } }))
        const steps = error!.pointer
          .slice(1)
          .split('/')
          .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
        expect(steps).toEqual([first, second])
      }),
      { numRuns: 200 },
    )
  })
})

describe('a schema', () => {
  it('can be asynchronous for every input', async () => {
    const later = <schema extends z.ZodType>(schema: schema) =>
      schema.refine(async () => {
        await Promise.resolve()
        return true
      })
    const app = router({
      a: route('/a/[id]', { params: later(z.object({ id: z.coerce.number() })) }).post(
        {
          query: later(z.object({ q: z.string() })),
          headers: later(z.object({ 'content-type': z.string() })),
          body: later(z.object({ b: z.number() })),
          response: later(z.object({ q: z.string(), id: z.number() })),
        },
        (_request, { params, query, body }) => ({ ...params, ...query, ...body }) as never,
      ),
    })
    const response = await post(app, '/a/1?q=x', { b: 1 })
    expect([response.status, await response.json()]).toEqual([200, { id: 1, q: 'x' }])
    expect((await post(app, '/a/1', { b: 1 })).status).toBe(400)
    expect((await post(app, '/a/1?q=x', { b: 'x' })).status).toBe(400)
    expect((await post(app, '/a/x?q=x', { b: 1 })).status).toBe(404)
  })

  it('can return a promise of another realm', async () => {
    const foreign = (result: object): unknown => runInNewContext('Promise.resolve(result)', { result })
    expect(foreign({})).not.toBeInstanceOf(Promise)
    const app = router({
      bad: route('/bad').get({ query: schemaOf(() => foreign({ issues: [{ message: 'no' }] })) }, () => 'ok'),
      good: route('/good').get({ query: schemaOf(() => foreign({ value: 7 })) }, (_request, context) =>
        Number((context as { query: unknown }).query),
      ),
    })
    expect((await get(app, '/bad')).status).toBe(400)
    expect(await (await get(app, '/good')).json()).toBe(7)
  })

  it('runs for query, headers, body in order, until one is invalid', async () => {
    const order: string[] = []
    const watch = (name: string, fails = false): Schema =>
      schemaOf(async (value) => {
        order.push(name)
        return fails ? { issues: [{ message: name }] } : { value }
      })
    const app = router({
      a: route('/a').post({ query: watch('query'), headers: watch('headers'), body: text(watch('text')) }, () => 'ok'),
      b: route('/b').post(
        { query: watch('query', true), headers: watch('headers'), body: text(watch('text')) },
        () => 'ok',
      ),
      c: route('/c').post(
        { query: watch('query'), headers: watch('headers', true), body: text(watch('text')) },
        () => 'ok',
      ),
    })
    for (const [path, status, asked] of [
      ['/a', 200, ['query', 'headers', 'text']],
      ['/b', 400, ['query']],
      ['/c', 400, ['query', 'headers']],
    ] as const) {
      order.length = 0
      const response = await post(app, path, 1)
      expect([path, response.status, order]).toEqual([path, status, asked])
    }
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('secret inside')
      },
    ],
    ['rejects', () => Promise.reject(new Error('secret inside'))],
    ['returns undefined', () => undefined],
    ['returns issues that are not an array', () => ({ issues: 7 })],
  ])('that %s causes a 400 without details, and its error is reported once', async (_name, validate) => {
    const schema = schemaOf(validate)
    for (const declaration of [{ query: schema }, { headers: schema }, { body: schema }, { body: text(schema) }]) {
      const onError = vi.fn()
      const app = router({ a: route('/a').post(declaration as Operation, () => 'ok') }, { onError })
      const response = await post(app, '/a', 1)
      const [input] = Object.keys(declaration)
      expect([response.status, await response.json()]).toEqual([
        400,
        { title: 'Bad Request', detail: `The ${input} could not be validated.`, status: 400 },
      ])
      expect(onError).toHaveBeenCalledTimes(1)
      const [error, info] = onError.mock.calls[0] as [Error, ErrorInfo]
      expect(error).toBeInstanceOf(Error)
      expect(info).toMatchObject({ phase: 'input', pattern: '/a' })
    }
  })

  it('that throws can be mapped by middleware with errorOf()', async () => {
    const cause = new Error('inside')
    const onError = vi.fn()
    const mapped = middleware(async (_request, _context, next) => {
      const response = await next()
      return errorOf(response) === cause ? reply.problem(422) : response
    })
    const schema = schemaOf(() => {
      throw cause
    })
    const app = router(
      {
        a: route('/a')
          .use(mapped)
          .get({ query: schema }, () => 'ok'),
      },
      { onError },
    )
    expect((await get(app, '/a')).status).toBe(422)
    expect(onError).not.toHaveBeenCalled()
  })

  it('of an input runs after the middleware, and before the handler', async () => {
    const handler = vi.fn(() => 'ok')
    const guard = middleware(async (request, _context, next) =>
      request.headers.has('authorization') ? next() : reply.unauthorized(),
    )
    const app = router({
      a: route('/a')
        .use(guard)
        .get({ query: z.object({ q: z.string() }) }, handler),
    })
    expect((await get(app, '/a')).status).toBe(401)
    expect((await get(app, '/a', { authorization: 'x' })).status).toBe(400)
    expect(handler).not.toHaveBeenCalled()
    expect((await get(app, '/a?q=1', { authorization: 'x' })).status).toBe(200)
    expect(handler).toHaveBeenCalledTimes(1)
  })
})

describe('headers', () => {
  it('are an object without a prototype', async () => {
    let seen: Record<string, unknown> = {}
    const schema = schemaOf((value) => ((seen = value as typeof seen), { value }))
    const app = router({ a: route('/a').get({ headers: schema }, () => 'ok') })
    await get(app, '/a', [
      ['__proto__', 'a'],
      ['Constructor', 'b'],
      ['x-two', '1'],
      ['X-Two', '2'],
    ])
    expect(Object.entries(seen)).toEqual([
      ['__proto__', 'a'],
      ['constructor', 'b'],
      ['x-two', '1, 2'],
    ])
    expect('toString' in seen).toBe(false)
  })

  it.each([
    ['zod', z.object({ 'X-Api-Key': z.string(), Origin: z.string().optional() })],
    [
      'a union of zod',
      z.union([
        z.object({ other: z.string() }),
        z.object({ 'X-Api-Key': z.string(), Origin: z.exactOptional(z.string()) }),
      ]),
    ],
    ['valibot', toStandardJsonSchema(v.object({ 'X-Api-Key': v.string(), Origin: v.exactOptional(v.string()) }))],
    ['arktype', type({ 'X-Api-Key': 'string', 'Origin?': 'string', '+': 'delete' })],
  ])('have the names as a schema of %s spells them, for any spelling of the client', async (_library, headers) => {
    const app = router({ a: route('/a').get({ headers }, (_request, { headers }) => headers as object) })
    for (const name of ['x-api-key', 'X-Api-Key', 'X-API-KEY']) {
      const response = await get(app, '/a', { [name]: 'k', 'x-other': '1' })
      expect([response.status, await response.json()]).toEqual([200, { 'X-Api-Key': 'k' }])
    }
    expect((await get(app, '/a')).status).toBe(400)
  })
})

describe('a declared response', () => {
  const Item = z.object({ name: z.string(), at: z.date().optional() })
  const onError = vi.fn()
  const app = router(
    {
      plain: route('/plain').get({ response: Item }, () => ({ name: 'a', secret: 1 })),
      json: route('/json').get({ response: { 201: Item } }, () =>
        reply.json(
          { name: 'a', secret: 1 },
          {
            status: 201,
            headers: [
              ['set-cookie', 'a=1'],
              ['set-cookie', 'b=2'],
              ['x-a', 'b'],
            ],
          },
        ),
      ),
      map: route('/map/[status]').get(
        { response: { 200: Item, 404: z.object({ status: z.literal(404), code: z.string() }) } },
        (_request, { params }) => {
          if (params.status === '404') return reply.problem(404, { code: 'gone', secret: 1 })
          if (params.status === '404-broken') return reply.notFound({ detail: 'secret' }) as never
          if (params.status === '418') return reply.problem(418, { anything: true })
          return { name: 1 } as never
        },
      ),
      thrown: route('/thrown').get({ response: Item }, () => {
        throw reply.json({ whatever: 'secret' }, { status: 200 })
      }),
      raw: route('/raw').get({ response: Item }, () => new Response('raw') as never),
      nothing: route('/nothing').get({ response: { 204: z.undefined() } }, () => undefined as never),
      codec: route('/codec').get({ response: z.object({ n: z.number().transform((n) => n * 2) }) }, () => ({ n: 2 })),
      async: route('/async').get({ response: Item.refine(async () => false, 'never') }, () => ({ name: 'a' })),
      throwing: route('/throwing').get(
        {
          response: schemaOf(() => {
            throw new Error('secret')
          }),
        },
        () => 1 as never,
      ),
      unsendable: route('/unsendable').get({ response: schemaOf(() => ({ value: () => 'secret' })) }, () => 1 as never),
      post: route('/post').post({ response: Item }, () => ({ name: 'a', secret: 1 })),
    },
    { onError },
  )

  it('is sent without undeclared keys', async () => {
    expect(await (await get(app, '/plain')).json()).toEqual({ name: 'a' })
    expect(await (await app.fetch(new Request('http://test/post', { method: 'POST' }))).json()).toEqual({ name: 'a' })
  })

  it('has the status and the headers of reply.json()', async () => {
    const response = await get(app, '/json')
    expect([response.status, await response.json()]).toEqual([201, { name: 'a' }])
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
    expect([response.headers.get('x-a'), response.headers.get('content-type')]).toEqual(['b', 'application/json'])
  })

  it('is chosen by status', async () => {
    const gone = await get(app, '/map/404')
    expect([gone.status, await gone.json(), gone.headers.get('content-type')]).toEqual([
      404,
      { status: 404, code: 'gone' },
      'application/problem+json',
    ])
    expect((await get(app, '/map/418')).status).toBe(418)
    for (const path of ['/map/404-broken', '/map/200']) {
      const response = await get(app, path)
      expect([path, response.status, await response.json()]).toEqual([
        path,
        500,
        { title: 'Internal Server Error', detail: 'No handler sent this response.', status: 500 },
      ])
    }
  })

  it('is the output of its schema', async () => {
    expect(await (await get(app, '/codec')).json()).toEqual({ n: 4 })
  })

  it('is not validated for a native or a thrown Response', async () => {
    expect(await (await get(app, '/raw')).text()).toBe('raw')
    expect((await get(app, '/thrown')).status).toBe(200)
  })

  it('can be a 204', async () => {
    expect((await get(app, '/nothing')).status).toBe(204)
  })

  it.each(['/async', '/throwing', '/unsendable'])(
    'causes a 500 without details if it cannot be validated or sent: %s',
    async (path) => {
      onError.mockClear()
      const response = await get(app, path)
      const text = await response.text()
      expect([response.status, text]).toEqual([
        500,
        '{"title":"Internal Server Error","detail":"No handler sent this response.","status":500}',
      ])
      expect(onError).toHaveBeenCalledTimes(1)
      expect((onError.mock.calls[0] as [unknown, ErrorInfo])[1]).toMatchObject({ phase: 'response', pattern: path })
    },
  )

  it('is reported with the pointer and the reason', async () => {
    onError.mockClear()
    await get(app, '/map/200')
    const [error] = onError.mock.calls[0] as [Error]
    expect(error.message).toBe(
      'the response does not match the schema declared for 200: /name: Invalid input: expected string, received number',
    )
  })

  it('is not validated with responseValidation: false', async () => {
    const off = router(
      { a: route('/a').get({ response: Item }, () => ({ name: 1, secret: 1 }) as never) },
      { responseValidation: false },
    )
    expect(await (await get(off, '/a')).json()).toEqual({ name: 1, secret: 1 })
  })
})

describe('params with a schema', () => {
  const onError = vi.fn()
  const seen: unknown[] = []
  const watch = middleware((_request, context: { readonly params: unknown }, next) => {
    seen.push(context.params)
    return next()
  })
  const cors = middleware(async (_request, _context, next) => {
    const response = await next()
    response.headers.set('x-around', 'yes')
    return response
  })
  const app = router(
    {
      item: route('/items/[id]', { params: z.object({ id: z.coerce.number().int().positive() }) })
        .use(watch)
        .get((_request, { params }) => params.id + 1),
      broken: route('/broken/[id]', {
        params: schemaOf(() => {
          throw new Error('secret')
        }) as never,
      }).get(() => 'ok'),
    },
    { use: [cors], onError },
  )

  it('are the output of the schema in middleware and handler', async () => {
    seen.length = 0
    expect(await (await get(app, '/items/41')).json()).toBe(42)
    expect(seen).toEqual([{ id: 41 }])
  })

  it('that do not match cause a 404 for any method, and the route’s middleware does not run', async () => {
    seen.length = 0
    for (const method of ['GET', 'HEAD', 'POST', 'OPTIONS', 'DELETE']) {
      const response = await app.fetch(new Request('http://test/items/x', { method }))
      expect([method, response.status, response.headers.get('allow')]).toEqual([method, 404, null])
      expect(response.headers.get('x-around')).toBe('yes')
    }
    expect(seen).toEqual([])
    expect(onError).not.toHaveBeenCalled()
  })

  it('whose schema throws cause a 500 inside the router’s middleware', async () => {
    onError.mockClear()
    const response = await get(app, '/broken/1')
    const text = await response.text()
    expect(response.status).toBe(500)
    expect(text).not.toContain('secret')
    expect(onError).toHaveBeenCalledTimes(1)
    expect(response.headers.get('x-around')).toBe('yes')
  })

  it('are parsed by the route’s own functions too', async () => {
    const { item } = app.declared
    expect((await item.GET(new Request('http://test/items/x'))).status).toBe(404)
    expect(await (await item.GET(new Request('http://test/items/1'))).json()).toBe(2)
  })
})
