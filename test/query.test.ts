import { toStandardJsonSchema } from '@valibot/to-json-schema'
import { type } from 'arktype'
import fc from 'fast-check'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { route, router, type Schema } from '../src/index.js'

const toRead = (query: Schema) => {
  const app = router({
    a: route('/a').get({ query }, (_request, context) => ({ query: (context as { query: unknown }).query })),
  })
  return async (search: string): Promise<unknown> => {
    const response = await app.fetch(new Request(`http://test/a${search}`))
    const body = (await response.json()) as { query?: unknown; errors?: { pointer: string; detail: string }[] }
    return response.status === 200 ? body.query : body.errors!.map(({ pointer, detail }) => [pointer, detail])
  }
}

describe('a query with objects', () => {
  const read = toRead(
    z.object({
      filter: z
        .object({
          color: z.string().optional(),
          sizes: z.array(z.coerce.number()).optional(),
          price: z.object({ min: z.coerce.number(), max: z.coerce.number().optional() }).optional(),
        })
        .optional(),
      tag: z.array(z.string()).optional(),
      q: z.string().optional(),
      'odd[name]': z.string().optional(),
    }),
  )

  it('is parsed from names with brackets, at any depth of the schema', async () => {
    expect(await read('?filter[color]=red')).toEqual({ filter: { color: 'red' } })
    expect(await read('?filter%5Bcolor%5D=red&filter[sizes]=1&filter[sizes]=2')).toEqual({
      filter: { color: 'red', sizes: [1, 2] },
    })
    expect(await read('?filter[sizes]=1')).toEqual({ filter: { sizes: [1] } })
    expect(await read('?filter[sizes][]=1&filter[sizes][]=2')).toEqual({ filter: { sizes: [1, 2] } })
    expect(await read('?filter[price][min]=1&filter[price][max]=9')).toEqual({ filter: { price: { min: 1, max: 9 } } })
  })

  it('can have arrays under name[]', async () => {
    expect(await read('?tag[]=a')).toEqual({ tag: ['a'] })
    expect(await read('?tag[]=a&tag=b&tag[]=c')).toEqual({ tag: ['a', 'b', 'c'] })
  })

  it('keeps a name with brackets if the schema has that name', async () => {
    expect(await read('?odd[name]=x')).toEqual({ 'odd[name]': 'x' })
  })

  it('is rejected with 400 and the pointer if a scalar is repeated', async () => {
    const once = 'This value can be given only once.'
    expect(await read('?q=1&q=2')).toEqual([['/q', once]])
    expect(await read('?filter[color]=a&filter[color]=b')).toEqual([['/filter/color', once]])
    expect(await read('?filter[price][min]=1&filter[price][min]=2')).toEqual([['/filter/price/min', once]])
  })

  it('is rejected with 400 if an object has a string value, alone or next to properties', async () => {
    for (const search of [
      '?filter=x&filter[color]=red',
      '?filter[color]=red&filter=x',
      '?filter=x',
      '?filter[price]=1',
    ])
      expect([search, await read(search)]).toEqual([search, [[expect.stringMatching(/^\/filter/), expect.any(String)]]])
  })

  it('is rejected with the pointer of the invalid value', async () => {
    expect(await read('?filter[price][min]=x')).toMatchObject([['/filter/price/min', expect.any(String)]])
  })

  it.each([
    [
      'valibot',
      toStandardJsonSchema(
        v.object({ filter: v.object({ color: v.string(), sizes: v.optional(v.array(v.string())) }) }),
      ),
    ],
    ['arktype', type({ filter: { color: 'string', 'sizes?': 'string[]' } })],
  ])('is parsed for a schema of %s', async (_name, schema) => {
    expect(await toRead(schema)('?filter[color]=red&filter[sizes]=1')).toEqual({
      filter: { color: 'red', sizes: ['1'] },
    })
  })

  it('leaves brackets in the name if the schema has no object there', async () => {
    const loose = toRead(z.looseObject({ q: z.string().optional(), list: z.array(z.string()).optional() }))
    expect(await loose('?q[a]=1&x[y]=2&list[0]=3&[]=4&[a]=5&a]=6&b[=7')).toEqual({
      'q[a]': '1',
      'x[y]': '2',
      'list[0]': '3',
      '[]': '4',
      '[a]': '5',
      'a]': '6',
      'b[': '7',
    })
  })
})

describe('a query with a recursive schema', () => {
  const toWhere = (count: number): z.ZodType => {
    const where: z.ZodType = z.lazy(() =>
      z.object({
        ...Object.fromEntries(Array.from({ length: count }, (_, index) => [`r${index}`, where.optional()])),
        in: z.array(z.string()).optional(),
      }),
    )
    return z.object({ where: where.optional() })
  }

  it('is read from brackets, some levels deep', async () => {
    const read = toRead(toWhere(1))
    expect(await read('?where[in]=a')).toEqual({ where: { in: ['a'] } })
    expect(await read('?where[r0][r0][in]=a')).toEqual({ where: { r0: { r0: { in: ['a'] } } } })
  })

  // The parts of its JSON Schema would be 40 to the power of the depth.
  it('is read if the schema refers to itself 40 times', async () => {
    expect(await toRead(toWhere(40))('?where[r39][in]=a')).toEqual({ where: { r39: { in: ['a'] } } })
  })
})

describe('a query with a union', () => {
  it('has one value as an array or a string, depending on the member that matches', async () => {
    const read = toRead(
      z.discriminatedUnion('by', [
        z.object({ by: z.literal('ids'), of: z.array(z.string()) }),
        z.object({ by: z.literal('name'), of: z.string() }),
      ]),
    )
    expect(await read('?by=ids&of=1')).toEqual({ by: 'ids', of: ['1'] })
    expect(await read('?by=ids&of=1&of=2')).toEqual({ by: 'ids', of: ['1', '2'] })
    expect(await read('?by=name&of=a')).toEqual({ by: 'name', of: 'a' })
    expect(await read('?by=name&of=a&of=b')).toMatchObject([['/of', expect.any(String)]])
  })

  it('is validated by the first member that matches, and has the errors of the first one if none matches', async () => {
    const read = toRead(
      z.union([
        z.object({ page: z.coerce.number(), tag: z.array(z.string()) }),
        z.object({ cursor: z.string(), tag: z.string() }),
        z.object({ filter: z.object({ color: z.string() }) }),
      ]),
    )
    expect(await read('?page=1&tag=a')).toEqual({ page: 1, tag: ['a'] })
    expect(await read('?cursor=x&tag=a')).toEqual({ cursor: 'x', tag: 'a' })
    expect(await read('?filter[color]=red')).toEqual({ filter: { color: 'red' } })
    expect(await read('?nothing=1')).toEqual([['', expect.any(String)]])
  })

  it('can be validated by an asynchronous schema', async () => {
    const read = toRead(
      z
        .union([z.object({ a: z.array(z.string()) }), z.object({ a: z.string(), b: z.string() })])
        .refine(async () => true),
    )
    expect(await read('?a=1')).toEqual({ a: ['1'] })
    expect(await read('?a=1&b=2')).toMatchObject({ a: expect.anything() })
  })

  it('is parsed the same way inside an object, at any depth', async () => {
    const of = z.discriminatedUnion('by', [
      z.object({ by: z.literal('ids'), of: z.array(z.string()) }),
      z.object({ by: z.literal('name'), of: z.string() }),
    ])
    for (const [schema, prefix, wrap] of [
      [z.object({ f: of }), 'f', (f: unknown) => ({ f })],
      [z.object({ a: z.object({ f: of }) }), 'a[f]', (f: unknown) => ({ a: { f } })],
    ] as const) {
      const read = toRead(schema)
      expect(await read(`?${prefix}[by]=ids&${prefix}[of]=1`)).toEqual(wrap({ by: 'ids', of: ['1'] }))
      expect(await read(`?${prefix}[of]=1&${prefix}[of]=2&${prefix}[by]=ids`)).toEqual(
        wrap({ by: 'ids', of: ['1', '2'] }),
      )
      expect(await read(`?${prefix}[by]=name&${prefix}[of]=1`)).toEqual(wrap({ by: 'name', of: '1' }))
    }
  })

  it('has one value as an array if a property can be an array or an object', async () => {
    const read = toRead(z.object({ v: z.union([z.array(z.string()), z.object({ from: z.string() })]).optional() }))
    expect(await read('?v=a')).toEqual({ v: ['a'] })
  })
})

describe('a hostile query', () => {
  const nested = z.object({
    a: z.looseObject({ b: z.looseObject({ c: z.any(), list: z.array(z.any()).optional() }).optional() }).optional(),
    list: z.array(z.string()).optional(),
    s: z.string().optional(),
    either: z.union([z.array(z.string()), z.looseObject({ from: z.string().optional() })]).optional(),
  })
  const errors: unknown[] = []
  const routes = {
    nested: route('/nested').get({ query: z.looseObject(nested.shape) }, () => 'ok'),
    union: route('/union').get(
      { query: z.union([nested, z.looseObject({ list: z.string() }), z.looseObject({})]) },
      () => 'ok',
    ),
    record: route('/record').get({ query: z.record(z.string(), z.any()) }, () => 'ok'),
  }
  const app = router(routes, { onError: (error) => errors.push(error) })
  const snapshot = (): string =>
    JSON.stringify([Object, Array, Function, String].map(({ prototype }) => Reflect.ownKeys(prototype).map(String)))
  const status = async (path: string, search: string) =>
    (await app.fetch(new Request(`http://test${path}?${search}`))).status

  it('is accepted or rejected with 400, and changes no prototype', async () => {
    const before = snapshot()
    const step = fc.constantFrom(
      'a',
      'b',
      'c',
      'list',
      's',
      'either',
      'from',
      '__proto__',
      'constructor',
      'prototype',
      'toString',
      '0',
      '',
      'length',
    )
    const name = fc.oneof(
      fc
        .tuple(step, fc.array(step, { maxLength: 5 }))
        .map(([head, tail]) => head + tail.map((one) => `[${one}]`).join('')),
      fc.string({ unit: fc.constantFrom('a', '[', ']', '.', '%', '='), maxLength: 8 }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(name, fc.string({ maxLength: 2 })), { maxLength: 8 }), async (pairs) => {
        for (const path of ['/nested', '/union', '/record'])
          expect([200, 400]).toContain(await status(path, String(new URLSearchParams(pairs))))
        expect(snapshot()).toBe(before)
        // No name makes the reader or the validator throw.
        expect(errors).toEqual([])
      }),
      { numRuns: 500 },
    )
  })

  it('is accepted or rejected with 400 if a name has an array and properties', async () => {
    for (const search of [
      'either=a&either[from]=x',
      'either=a&either[length]=9',
      'either[from]=x&either=a',
      'either[]=a&either[0]=b',
      'either=a&either[__proto__]=x',
    ]) {
      expect([200, 400]).toContain(await status('/nested', search))
      expect([search, errors]).toEqual([search, []])
    }
  })

  it('does not change a prototype, even if the schema has the property __proto__', async () => {
    const shape = JSON.parse('{"__proto__":{"type":"object","properties":{"polluted":{"type":"string"}}}}') as object
    const schema: Schema = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: (value: unknown) => ({ value: JSON.stringify(value) }),
        jsonSchema: { input: () => ({ type: 'object', properties: shape }) },
      },
    }
    expect(await toRead(schema)('?__proto__[polluted]=1')).toContain('polluted')
    expect(({} as { polluted?: unknown }).polluted).toBe(undefined)
  })

  it('is parsed in linear time: 10,000 pairs, and brackets 10,000 deep', async () => {
    // Each takes about 0.03 s; a quadratic reader needs 15 s.
    const read = async (path: string, search: string): Promise<number> => {
      const started = performance.now()
      const result = await status(path, search)
      expect(performance.now() - started).toBeLessThan(3_000)
      return result
    }
    for (const pair of ['list=x', 'list[]=x', 'a[b][list]=x', 'a[b][list][]=x', 'x[y]=1', 's=1', 'unknown=1'])
      expect([200, 400]).toContain(await read('/nested', Array(10_000).fill(pair).join('&')))
    const many = Array.from({ length: 10_000 }, (_, index) => `a[k${index}]=1`).join('&')
    expect(await read('/nested', many)).toBe(200)
    for (const path of ['/nested', '/union', '/record'])
      for (const name of [
        `a${'[b]'.repeat(10_000)}`,
        `a${'['.repeat(10_000)}`,
        `${'['.repeat(5_000)}${']'.repeat(5_000)}`,
      ])
        expect([200, 400]).toContain(await read(path, `${name}=1`))
  })

  it('is validated at most 16 times, whatever the unions of the schema', async () => {
    const part = (index: number) =>
      z.union([z.object({ [`k${index}`]: z.string() }), z.object({ [`k${index}`]: z.array(z.string()) }), z.object({})])
    let schema: z.ZodType = part(0)
    for (let index = 1; index < 12; index++) schema = z.intersection(schema, part(index))
    const { jsonSchema, validate } = schema['~standard']
    const received: string[] = []
    const counting = {
      '~standard': {
        version: 1,
        vendor: 'test',
        jsonSchema,
        validate(value: unknown) {
          received.push(JSON.stringify(value))
          return received.length < 16 ? { issues: [{ message: 'invalid' }] } : validate(value)
        },
      },
    } as const
    const read = toRead(counting as never)
    const names = Array.from({ length: 12 }, (_, index) => `k${index}=a`)
    expect(await read(`?${names.join('&')}`)).toBeDefined()
    expect([received.length, new Set(received).size]).toEqual([16, 16])
  })
})
