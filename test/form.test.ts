import { setPath, stringToPathArray } from '@rvf/set-get'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { zfd } from 'zod-form-data'
import { form, route, router } from '../src/index.js'
import type { RequestBody } from '../src/types.js'

const anything = z.any().transform((form) => Object.fromEntries(Object.entries(form as object)))

// An app with one form for each kind of schema.
const app = router({
  any: route('/any').post({ body: form(anything) }, (_request, { body: form }) => ({ form })),
  zfd: route('/zfd').post({ body: form(zfd.formData(z.looseObject({}))) }, (_request, { body: form }) => ({ form })),
})

type Entries = readonly (readonly [name: string, value: string | File])[]

function send(entries: Entries, path = '/zfd', encoding: 'urlencoded' | 'multipart' = 'urlencoded', to = app) {
  let body: URLSearchParams | FormData
  if (encoding === 'urlencoded') body = new URLSearchParams(entries as [string, string][])
  else {
    body = new FormData()
    for (const [name, value] of entries)
      if (typeof value === 'string') body.append(name, value)
      else body.append(name, value, value.name)
  }
  return to.fetch(new Request(`http://test${path}`, { method: 'POST', body }))
}

async function refusal(entries: Entries, encoding?: 'multipart'): Promise<unknown> {
  const response = await send(entries, '/zfd', encoding)
  const problem = (await response.json()) as { errors?: { detail: string; pointer: string }[] }
  expect([response.status, problem]).toMatchObject([400, { detail: 'The input is not valid.', status: 400 }])
  return problem.errors?.map(({ detail, pointer }) => [pointer, detail])
}

const fields = (...names: string[]): Entries => names.map((name) => [name, 'x'])

describe('the field names of form()', () => {
  it('become nested objects and arrays in zod-form-data, and keys in other schemas', async () => {
    const entries: Entries = [
      ['name', 'Ada'],
      ['address.city', 'London'],
      ['address.lines[0]', 'a'],
      ['address.lines[1]', 'b'],
      ['tags[0].name', 't'],
      ['tag', '1'],
      ['tag', '2'],
    ]
    for (const encoding of ['urlencoded', 'multipart'] as const) {
      expect(await (await send(entries, '/zfd', encoding)).json()).toEqual({
        form: {
          name: 'Ada',
          address: { city: 'London', lines: ['a', 'b'] },
          tags: [{ name: 't' }],
          tag: ['1', '2'],
        },
      })
      expect(await (await send(entries, '/any', encoding)).json()).toEqual({
        form: {
          name: 'Ada',
          'address.city': 'London',
          'address.lines[0]': 'a',
          'address.lines[1]': 'b',
          'tags[0].name': 't',
          tag: ['1', '2'],
        },
      })
    }
  })

  it.each([
    'toString.call',
    'a.toString.call',
    '__proto__',
    '__proto__.x',
    'a.__proto__.x',
    'a[__proto__]',
    'constructor',
    'constructor.prototype.x',
    'a.constructor',
    'prototype.x',
    'a[0].prototype',
    'hasOwnProperty',
    'valueOf.x',
    '__defineGetter__.x',
    '01',
    'a[01]',
    'a[00]',
    '99999999999999999999999',
  ])('get a 400 if a step is a name of a prototype or an index in a second spelling: %j', async (name) => {
    expect(await refusal(fields(name))).toEqual([[`/${name}`, 'A field cannot have this name.']])
    expect(await refusal(fields(name), 'multipart')).toEqual([[`/${name}`, 'A field cannot have this name.']])
  })

  it('can be the names of array methods', async () => {
    const names = [
      'sort',
      'filter',
      'length',
      'at',
      'values.from',
      'keys[0]',
      '5',
      '0.a',
      'a.push',
      'b.length',
      'c[0].map.call',
      'd[length]',
    ]
    const response = await send(fields(...names))
    expect([response.status, await response.json()]).toMatchObject([
      200,
      { form: { a: { push: 'x' }, b: { length: 'x' }, c: [{ map: { call: 'x' } }], d: { length: 'x' } } },
    ])
  })

  it.each([
    '',
    '.',
    '.a',
    'a.',
    'a..b',
    '[0]',
    '[a]',
    'a[][]',
    'a[][b]',
    'a[].b',
    'a[',
    'a]',
    'a[0',
    'a0]',
    'a[[0]]',
    'a[0]b',
    'a.[0]',
    'a[b.c]',
    'a\nb',
    'a.b\nc',
    'a\r.b',
    'a\u2028',
    'a[\u2029]',
    'Phone No.',
    'toString]',
    '__proto__]x',
  ])('are keys without structure, which zod-form-data does not receive: %j', async (name) => {
    const entries: Entries = [
      [name, 'x'],
      ['b', 'y'],
    ]
    const key = name.replace(/\[\]$/, '')
    const value = key === name ? 'x' : ['x']
    expect(await (await send(entries, '/any')).json()).toEqual({ form: { [key]: value, b: 'y' } })
    expect(await (await send(entries)).json()).toEqual({ form: { b: 'y' } })
    expect(Object.keys(Object.prototype)).toEqual([])
    expect(Object.prototype.toString.call([])).toBe('[object Array]')
  })

  it.each([
    ['a', 'a.b'],
    ['a.b', 'a'],
    ['a', 'a[0]'],
    ['a[0]', 'a'],
    ['a[0]', 'a.b'],
    ['a.b', 'a[0]'],
    ['a[0].b', 'a[0]'],
    ['a.b.c', 'a.b.c.d'],
    ['a.0', 'a.b'],
  ])('get a 400 if a field has both a value and properties: %j and %j', async (one, other) => {
    expect(await refusal(fields(one, other))).toEqual([
      [`/${other}`, 'Another field has a name that excludes this one.'],
    ])
  })

  it('get a 400 if two spellings name the same field', async () => {
    expect(await refusal(fields('a[0]', 'a.0'))).toEqual([['/a.0', 'Another field has a name that excludes this one.']])
    expect(await refusal(fields('a.b', 'a[b]'))).toEqual([
      ['/a[b]', 'Another field has a name that excludes this one.'],
    ])
  })

  it.each([
    [['list[3000000]'], 'list[3000000]'],
    [['list[1]'], 'list[1]'],
    [['list[0]', 'list[2]'], 'list[2]'],
    [['a.b[0].c', 'a.b[5].c'], 'a.b[5]'],
    [['a.1'], 'a[1]'],
    [['a[4294967295]'], 'a[4294967295]'],
  ])('get a 400 if an array has gaps: %j', async (names, key) => {
    expect(await refusal(fields(...names))).toEqual([[`/${key}`, 'A list has no gaps.']])
  })

  it('can fill an array in any order', async () => {
    const response = await send([
      ['l[2]', 'c'],
      ['l[0]', 'a'],
      ['l[1]', 'b'],
    ])
    expect(await response.json()).toEqual({ form: { l: ['a', 'b', 'c'] } })
  })

  it('get a 400 above 256 characters or ten steps', async () => {
    expect((await send(fields('x'.repeat(256)))).status).toBe(200)
    const long = 'x'.repeat(257)
    expect(await refusal(fields(long))).toEqual([
      [`/${long.slice(0, 256)}`, "A field's name has at most 256 characters."],
    ])
    expect((await send(fields(Array(10).fill('a').join('.')))).status).toBe(200)
    const deep = Array(11).fill('a').join('.')
    expect(await refusal(fields(deep))).toEqual([[`/${deep}`, "A field's name has at most 10 steps."]])
    expect((await send(fields(`a${'[0]'.repeat(9)}`))).status).toBe(200)
    const hundredKilobytes = 'a.'.repeat(50_000)
    expect(await refusal(fields(hundredKilobytes))).toEqual([
      [`/${hundredKilobytes.slice(0, 256)}`, "A field's name has at most 256 characters."],
    ])
  })

  it('get a 400 above a thousand fields, repeated names included', async () => {
    const message = [['', 'A form has at most 1000 fields.']]
    const many = (count: number, name: (index: number) => string): Entries =>
      Array.from({ length: count }, (_, index) => [name(index), 'x'])
    for (const name of [(index: number) => `f${index}`, (index: number) => `l[${index}]`, () => 'same']) {
      expect((await send(many(1_000, name))).status).toBe(200)
      expect(await refusal(many(1_001, name))).toEqual(message)
    }
    expect(
      await refusal(
        many(1_001, () => 'same'),
        'multipart',
      ),
    ).toEqual(message)
    expect(await refusal(many(100_000, (index) => String(index)))).toEqual(message)
  })

  it('get a 400 for the name of a prototype, and never change one', async () => {
    const snapshot = () =>
      [Object.prototype, Array.prototype, Function.prototype, Object.prototype.toString].map((object) =>
        Reflect.ownKeys(object).map((key) => [key, Object.getOwnPropertyDescriptor(object, key)?.value as unknown]),
      )
    const before = snapshot()
    for (const name of [
      'toString.call',
      '__proto__.polluted',
      'constructor.prototype.polluted',
      'a[0].__proto__.x',
      'a.b.toString.call',
    ])
      expect(
        (
          await send([
            ['a[0].ok', '1'],
            [name, 'x'],
          ])
        ).status,
      ).toBe(400)
    expect(snapshot()).toEqual(before)
    expect(Object.prototype.toString.call([])).toBe('[object Array]')
  })
})

describe('the value of form()', () => {
  const file = (size: number, name = 'a.png', type = 'image/png'): File => new File(['x'.repeat(size)], name, { type })
  const entries: Entries = [
    ['name', 'Ada'],
    ['photo', file(3)],
  ]

  it.each([
    ['zfd.formData(shape)', zfd.formData({ name: zfd.text(), photo: zfd.file() })],
    ['zfd.formData(schema)', zfd.formData(z.object({ name: zfd.text(), photo: zfd.file() }))],
    ['z.object', z.object({ name: z.string(), photo: z.file() })],
    ['z.strictObject', z.strictObject({ name: z.string(), photo: z.instanceof(File) })],
    ['z.looseObject', z.looseObject({ name: z.string(), photo: z.file() })],
  ])('is validated by %s', async (_name, schema) => {
    const one = router({
      a: route('/a').post({ body: form(schema) }, (_request, { body: form }) => {
        const { name, photo } = form as { name: string; photo: File }
        return [name, photo.name, photo.size, photo.type]
      }),
    })
    const response = await send(entries, '/a', 'multipart', one as never)
    expect([response.status, await response.json()]).toEqual([200, ['Ada', 'a.png', 3, 'image/png']])
    const more = await send([...entries, ['extra', '1']], '/a', 'multipart', one as never)
    expect(more.status).toBe(_name === 'z.strictObject' ? 400 : 200)
    expect((await send([['name', 'Ada']], '/a', 'urlencoded', one as never)).status).toBe(400)
  })

  it('gets a 400 with errors in body, without the received values', async () => {
    const one = router({
      a: route('/a').post(
        { body: form(zfd.formData({ name: zfd.text(), address: z.object({ zip: zfd.numeric() }) })) },
        () => 1,
      ),
    })
    const response = await send([['address.zip', 'secret']], '/a', 'urlencoded', one as never)
    expect(response.status).toBe(400)
    const text = await response.text()
    expect(text).not.toContain('secret')
    expect((JSON.parse(text) as { errors: unknown }).errors).toEqual([
      { in: 'body', pointer: '/name', detail: 'Invalid input: expected string, received undefined' },
      { in: 'body', pointer: '/address/zip', detail: 'Invalid input: expected number, received string' },
    ])
  })

  it('is an array of one value if the schema expects an array', async () => {
    for (const schema of [
      z.object({ tag: z.array(z.string()) }),
      zfd.formData({ tag: zfd.repeatableOfType(zfd.text()) }),
    ]) {
      const one = router({ a: route('/a').post({ body: form(schema) }, (_request, context) => context.body.tag) })
      for (const values of [['x'], ['x', 'y']])
        expect(
          await (
            await send(
              values.map((value) => ['tag', value]),
              '/a',
              'urlencoded',
              one as never,
            )
          ).json(),
        ).toEqual(values)
    }
  })

  it('is an array under tags if the fields are named tags[]', async () => {
    const one = router({
      a: route('/a').post({ body: form(z.object({ tags: z.any() })) }, (_request, { body }) => body.tags as string[]),
      // A schema that has a member of this name gets that name.
      b: route('/b').post(
        { body: form(z.object({ 'tags[]': z.any() })) },
        (_request, { body }) => body['tags[]'] as string,
      ),
      zfd: route('/zfd').post(
        { body: form(zfd.formData({ tags: z.array(z.string()) })) },
        (_request, { body }) => body.tags,
      ),
    })
    const tags = async (path: string, ...values: string[]) =>
      (
        await send(
          values.map((value) => ['tags[]', value]),
          path,
          'urlencoded',
          one as never,
        )
      ).json()
    expect(await tags('/a', 'x')).toEqual(['x'])
    expect(await tags('/a', 'x', 'y')).toEqual(['x', 'y'])
    expect(await tags('/zfd', 'x')).toEqual(['x'])
    expect(await tags('/b', 'x')).toBe('x')
  })

  it('is empty for a file input without a file', async () => {
    const one = router({
      a: route('/a').post({ body: form(z.object({ photo: z.file().optional() })) }, (_request, { body }) =>
        Object.keys(body),
      ),
      zfd: route('/zfd').post({ body: form(zfd.formData({ photo: zfd.file().optional() })) }, (_request, { body }) =>
        String(body.photo),
      ),
    })
    // A browser sends this part for an empty file input.
    const part = 'content-disposition: form-data; name="photo"; filename=""\r\ncontent-type: application/octet-stream'
    const none = async (path: string): Promise<unknown> => {
      const request = new Request(`http://test${path}`, {
        method: 'POST',
        body: `--b\r\n${part}\r\n\r\n\r\n--b--\r\n`,
        headers: { 'content-type': 'multipart/form-data; boundary=b' },
      })
      return (await one.fetch(request)).json()
    }
    expect(await none('/a')).toEqual([])
    expect(await none('/zfd')).toBe('undefined')
    // A file without bytes is still a file.
    expect(await (await send([['photo', file(0)]], '/a', 'multipart', one as never)).json()).toEqual(['photo'])
  })

  it('is limited by the file schema to a 400, and by bodyLimit to a 413', async () => {
    const one = router({
      a: route('/a').post(
        { body: form(zfd.formData({ photo: zfd.file(z.file().max(1_000)) })), bodyLimit: 5_000 },
        (_request, { body: form }) => form.photo.size,
      ),
    })
    const size = async (bytes: number) => (await send([['photo', file(bytes)]], '/a', 'multipart', one as never)).status
    expect(await size(1_000)).toBe(200)
    expect(await size(1_001)).toBe(400)
    expect(await size(6_000)).toBe(413)
  })

  it('contains the file names of the request unchanged', async () => {
    const one = router({
      a: route('/a').post({ body: form(z.object({ f: z.file() })) }, (_request, { body: form }) => form.f.name),
    })
    for (const name of ['../../etc/passwd', 'a"b', '__proto__', 'a;b=c', 'né.png', '%2e%2e']) {
      const response = await send([['f', file(1, name)]], '/a', 'multipart', one as never)
      expect(await response.json()).toBe(name)
    }
  })

  it('is decoded once, and separated at & only', async () => {
    const post = async (body: string): Promise<unknown> => {
      const response = await app.fetch(
        new Request('http://test/any', {
          method: 'POST',
          body,
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
        }),
      )
      return ((await response.json()) as { form: unknown }).form
    }
    expect(await post('a=%2541&b=x;c=y&d=1+2')).toEqual({ a: '%41', b: 'x;c=y', d: '1 2' })
    expect(await post('')).toEqual({})
    expect(await post('a')).toEqual({ a: '' })
    expect(await post('a=%zz')).toEqual({ a: '%zz' })
  })

  it('can be empty if the schema allows it', async () => {
    const one = router({
      a: route('/a').post({ body: form(z.object({ a: z.string().optional() })) }, (_request, { body: form }) => form),
      b: route('/b').post({ body: form(zfd.formData({ a: zfd.text() })) }, () => 1),
    })
    const empty = (path: string, type?: string) =>
      one.fetch(new Request(`http://test${path}`, { method: 'POST', headers: type ? { 'content-type': type } : {} }))
    for (const type of [undefined, 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=b']) {
      expect(await (await empty('/a', type)).json()).toEqual({})
      expect((await empty('/b', type)).status).toBe(400)
    }
  })

  it.each([
    ['no boundary', 'multipart/form-data', 'x'],
    [
      'a wrong boundary',
      'multipart/form-data; boundary=b',
      '--c\r\ncontent-disposition: form-data; name="a"\r\n\r\nx\r\n--c--',
    ],
    ['a missing end', 'multipart/form-data; boundary=b', '--b\r\ncontent-disposition: form-data; name="a"\r\n\r\nx'],
    [
      'a part without a name',
      'multipart/form-data; boundary=b',
      '--b\r\ncontent-disposition: form-data\r\n\r\nx\r\n--b--',
    ],
    ['a part without headers', 'multipart/form-data; boundary=b', '--b\r\n\r\nx\r\n--b--'],
  ])('gets a 400 for multipart with %s', async (_name, type, body) => {
    const response = await app.fetch(
      new Request('http://test/any', { method: 'POST', body, headers: { 'content-type': type } }),
    )
    expect([response.status, await response.json()]).toEqual([
      400,
      { title: 'Bad Request', detail: 'The body is not valid multipart/form-data.', status: 400 },
    ])
  })

  // Busboy never finishes some of them.
  it.each([
    ['without a name', 'x-a: b\r\n\r\n'],
    ['without headers', '\r\n'],
    ['with another disposition', 'content-disposition: attachment; name="a"\r\n\r\n'],
    ['with a line end in its name', 'content-disposition: form-data; name="a\nb"\r\n\r\n'],
    ['whose headers have no end', ''],
  ])('gets a 400 for a part %s, whatever its size and place', async (_name, head) => {
    const named = '--b\r\ncontent-disposition: form-data; name=c\r\n\r\nd\r\n'
    for (const size of [0, 1, 16_383, 16_384, 20_000, 200_000])
      for (const [before, after] of [
        ['', ''],
        [named, ''],
        ['', named],
        [named, named],
      ] as const)
        for (const end of ['--b--', '--b--\r\n', '--b', '']) {
          const body = `${before}--b\r\n${head}${'x'.repeat(size)}\r\n${after}${end}`
          const headers = { 'content-type': 'multipart/form-data; boundary=b' }
          const response = await app.fetch(new Request('http://test/zfd', { method: 'POST', body, headers }))
          expect([size, before, after, end, response.status]).toEqual([size, before, after, end, 400])
        }
  })
})

describe('any form', () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom('a', 'b', 'c', '0', '1', '2') },
    {
      weight: 2,
      arbitrary: fc.constantFrom(
        '__proto__',
        'constructor',
        'prototype',
        'toString',
        'call',
        'length',
        'push',
        '01',
        '1e3',
        '-1',
        '3000000',
        '99999999999999999999',
      ),
    },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 5 }) },
  )
  const key = fc.oneof(
    {
      weight: 5,
      arbitrary: fc
        .tuple(step, fc.array(fc.tuple(fc.constantFrom('.', '[', '..', '].', '[['), step), { maxLength: 4 }))
        .map(([head, tail]) => head + tail.map(([open, text]) => open + text + (open === '[' ? ']' : '')).join('')),
    },
    {
      weight: 1,
      arbitrary: fc.string({ unit: fc.constantFrom('a', '0', '1', '.', '[', ']', '\n', '\u2028', ' '), maxLength: 8 }),
    },
  )
  const entries = fc.array(fc.tuple(key, fc.string({ maxLength: 3 })), { maxLength: 6 })

  const snapshot = (): string =>
    JSON.stringify(
      [Object.prototype, Array.prototype, Function.prototype, String.prototype, Object, Array].map((object) =>
        Reflect.ownKeys(object).map(String),
      ),
    )

  it('is accepted or rejected with 400, and changes no prototype', async () => {
    const errors: unknown[] = []
    const schema = z.looseObject({ a: z.any(), b: z.array(z.object({ a: z.string() })).optional() })
    const all = router(
      {
        zfd: route('/zfd').post({ body: form(zfd.formData(schema)) }, () => 'ok'),
        loose: route('/loose').post({ body: form(z.looseObject({})) }, () => 'ok'),
        strict: route('/strict').post({ body: form(z.strictObject({ a: z.string().optional() })) }, () => 'ok'),
        record: route('/record').post({ body: form(z.record(z.string(), z.any())) }, () => 'ok'),
      },
      { onError: (error) => errors.push(error) },
    )
    const before = snapshot()
    const { call } = Object.prototype.toString
    await fc.assert(
      fc.asyncProperty(entries, fc.boolean(), async (entries, isMultipart) => {
        for (const path of ['/zfd', '/loose', '/strict', '/record']) {
          const response = await send(entries, path, isMultipart ? 'multipart' : 'urlencoded', all as never)
          expect([200, 400]).toContain(response.status)
          if (response.status === 400)
            expect(await response.json()).toMatchObject({ status: 400, detail: 'The input is not valid.' })
        }
        expect(snapshot()).toBe(before)
        expect(Object.prototype.toString.call).toBe(call)
      }),
      { numRuns: 400 },
    )
    // No accepted name makes the validator throw.
    expect(errors).toEqual([])
  })

  // The object that the schema validates.
  const toForm = async (entries: readonly (readonly [string, string])[]): Promise<unknown> =>
    form(z.any()).read({
      type: 'application/x-www-form-urlencoded',
      text: async () => String(new URLSearchParams(entries as [string, string][])),
    } as RequestBody)

  // Other names are only keys.
  const isRegular = (name: string): boolean =>
    !/[\n\r\u2028\u2029]/.test(name) && /^[^.[\]]+(?:\.[^.[\]]+|\[[^.[\]]+\])*$/.test(name)

  // The structure that the names describe, with lists if a step after the first is a number.
  function model(entries: Entries): unknown {
    const form: Record<string, unknown> = {}
    // `tags[]` is a list under `tags`.
    const toKey = (name: string): string => name.replace(/\[\]$/, '')
    const lists = new Set(entries.flatMap(([name]) => (name.endsWith('[]') ? [toKey(name)] : [])))
    const fields = entries.map(([name, value]) => [toKey(name), value] as const).filter(([name]) => isRegular(name))
    for (const name of new Set(fields.map(([name]) => name))) {
      const values = fields.flatMap(([other, value]) => (other === name ? [value] : []))
      const steps = name.split(/[.[\]]+/).filter(Boolean)
      let at: any = form
      for (const [index, step] of steps.entries()) {
        const next = steps[index + 1]
        if (next === undefined) at[step] = values.length === 1 && !lists.has(name) ? values[0] : values
        else at = at[step] ??= /^\d+$/.test(next) ? [] : {}
      }
    }
    return form
  }

  it('has the same structure in zod-form-data and byway, if its names are accepted', async () => {
    const parser = zfd.formData(z.any())
    let accepted = 0
    await fc.assert(
      fc.asyncProperty(entries, async (entries) => {
        let form: unknown
        try {
          form = await toForm(entries)
        } catch (error) {
          expect(error).toMatchObject({ status: 400 })
          return
        }
        accepted++
        const names = [...new Set(entries.map(([name]) => name.replace(/\[\]$/, '')))].filter(isRegular)
        for (const name of names) {
          const steps = stringToPathArray(name).map(String)
          expect(steps).toEqual(name.split(/[.[\]]+/).filter(Boolean))
          expect(() => setPath({}, name, 'x')).not.toThrow()
        }
        expect(parser.parse(form)).toEqual(model(entries))
      }),
      { numRuns: 5_000 },
    )
    expect(accepted).toBeGreaterThan(500)
  })

  it('is accepted if its names describe a tree', async () => {
    const name = fc.constantFrom('a', 'b', 'first-name', 'zip code', 'größe', 'sort')
    const shape: fc.Arbitrary<unknown> = fc.letrec<{ node: unknown }>((tie) => ({
      node: fc.oneof(
        { maxDepth: 3, withCrossShrink: true },
        fc.string({ maxLength: 3 }),
        fc.array(tie('node'), { minLength: 1, maxLength: 3 }),
        fc.dictionary(
          name.filter((name) => name !== 'sort'),
          tie('node'),
          { minKeys: 1, maxKeys: 3 },
        ),
      ),
    })).node
    const write = (value: unknown, key: string): [string, string][] =>
      typeof value === 'string'
        ? [[key, value]]
        : Array.isArray(value)
          ? value.flatMap((element, index) => write(element, `${key}[${index}]`))
          : Object.entries(value as object).flatMap(([step, inner]) => write(inner, `${key}.${step}`))
    const parser = zfd.formData(z.any())
    await fc.assert(
      fc.asyncProperty(fc.dictionary(name, shape, { maxKeys: 4 }), async (tree) => {
        const entries = Object.entries(tree).flatMap(([key, value]) => write(value, key))
        expect(parser.parse(await toForm(entries))).toEqual({ ...tree })
      }),
      { numRuns: 1_000 },
    )
  })
})
