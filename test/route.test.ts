import { describe, expect, it, vi } from 'vitest'
import * as v from 'valibot'
import { z } from 'zod'
import { bytes, form, middleware, PatternError, route, RouteError, router, text } from '../src/index.js'
import * as reply from '../src/replies/index.js'

const at = (path: string, init?: RequestInit): Request => new Request(`http://test${path}`, init)

const methods = ['get', 'post', 'put', 'patch', 'delete', 'head', 'options', 'query'] as const

describe('route', () => {
  it('is a value that holds its pattern and its operations', () => {
    const handler = () => 'a'
    const query = z.object({})
    const item = route('/items/[slug]').get({ query }, handler)
    expect(item.pattern).toBe('/items/[slug]')
    expect([...item.operations.keys()]).toEqual(['GET'])
    expect(item.operations.get('GET')).toMatchObject({ method: 'GET', declaration: { query }, handler, middleware: [] })
  })

  it('takes an operation for each method of Next.js and QUERY', async () => {
    for (const method of methods) {
      const made = (route('/') as any)[method](() => 'here')
      const name = method.toUpperCase()
      expect([...made.operations.keys()]).toEqual([name])
      const response = await router({ made }).fetch(at('/', { method: name }))
      expect([name, response.status]).toEqual([name, 200])
    }
  })

  it('gives a new route with each call, so that a shared base can be extended twice', async () => {
    const base = route('/').get(() => 'base')
    const one = base.post(() => 'one')
    const two = base.post(() => 'two').delete(() => {})
    expect([...base.operations.keys()]).toEqual(['GET'])
    expect('POST' in base).toBe(false)
    expect(await (await one.POST(at('/', { method: 'POST' }))).json()).toBe('one')
    expect(await (await two.POST(at('/', { method: 'POST' }))).json()).toBe('two')
    expect([...one.operations.keys()]).toEqual(['GET', 'POST'])
    expect([...two.operations.keys()]).toEqual(['GET', 'POST', 'DELETE'])
  })

  it('gives a new route with .use() too', async () => {
    const layer = vi.fn(middleware((_request, _context, next) => next()))
    const base = route('/')
    const layered = base.use(layer).get(() => 1)
    await base.get(() => 1).GET(at('/'))
    expect(layer).not.toHaveBeenCalled()
    await layered.GET(at('/'))
    expect(layer).toHaveBeenCalledTimes(1)
  })

  it('gives new factories with .use(), .prefix() and .env()', async () => {
    const layer = vi.fn(middleware((_request, _context, next) => next({ user: 'ada' })))
    const v1 = route.prefix('/v1')
    const authed = v1.use(layer)
    const admin = authed.env<{ DB: string }>().prefix('/admin')
    expect(v1('/a').pattern).toBe('/v1/a')
    expect(v1('/').pattern).toBe('/v1')
    expect(authed('/a').pattern).toBe('/v1/a')
    expect(admin('/[id]').pattern).toBe('/v1/admin/[id]')
    await v1('/a')
      .get(() => 1)
      .GET(at('/v1/a'))
    expect(layer).not.toHaveBeenCalled()
    const me = admin('/[id]').get((_request, { params, user, env }) => `${params.id} ${user} ${env.DB}`)
    const response = await me.GET(at('/v1/admin/7'), { env: { DB: 'db' } })
    expect(await response.json()).toBe('7 ada db')
  })

  it('names the route whose method is defined twice, and says what to do', () => {
    const item = route('/items/[slug]').get(() => 1)
    expect(() => item.get(() => 2)).toThrow(RouteError)
    expect(() => item.get(() => 2)).toThrow("route '/items/[slug]' already has a GET handler; remove one of the two")
    expect(() => item.use((_request, _context, next) => next()).get(() => 2)).toThrow(/already has a GET/)
  })

  it('refuses what is no operation, when it is declared', () => {
    const base = route('/a') as any
    const handler = () => 1
    const schema = z.string()
    const mistakes: [message: RegExp, declare: () => unknown][] = [
      [/'\/a'.*\.get\(\).*handler/, () => base.get()],
      [/'\/a'.*\.get\(\).*handler/, () => base.get({})],
      [/'\/a'.*\.get\(\).*handler/, () => base.get({}, 'handler')],
      [/\(operation, handler\)/, () => base.get(null, handler)],
      [/\(operation, handler\)/, () => base.get('x', handler)],
      [/\(operation, handler\)/, () => base.post(schema, handler)],
      [/\(operation, handler\)/, () => base.post(handler, handler)],
      [/'querry'.*query, headers, body/, () => base.get({ querry: schema }, handler)],
      [/'query'.*Standard Schema/, () => base.get({ query: { page: 'number' } }, handler)],
      [/'body'.*Standard Schema/, () => base.post({ body: true }, handler)],
      [/'teapot'/, () => base.get({ response: { teapot: schema } }, handler)],
      [/'99'/, () => base.get({ response: { 99: schema } }, handler)],
      [/'201'/, () => base.get({ response: { 201: 'text' } }, handler)],
      [/bodyLimit/, () => base.post({ body: schema, bodyLimit: -1 }, handler)],
      [/bodyLimit/, () => base.post({ body: schema, bodyLimit: '1mb' }, handler)],
      [/bodyLimit/, () => base.post({ body: schema, bodyLimit: Number.NaN }, handler)],
      [/body and form/, () => base.post({ body: schema, body: form(schema) }, handler)],
      [/text and bytes/, () => base.post({ body: text(schema), body: bytes(schema) }, handler)],
      [/GET.*no body.*\.query\(\)/, () => base.get({ body: schema }, handler)],
      [/HEAD.*no body/, () => base.head({ body: text(schema) }, handler)],
      [/\.use\(\).*undefined/, () => base.use()],
      [/\.use\(\).*null/, () => base.use(null)],
      [/\.use\(\).*object/, () => route.use({} as never)],
      [/'parms'/, () => (route as any)('/a', { parms: schema })],
      [/'params'/, () => (route as any)('/a/[id]', { params: {} })],
    ]
    for (const [message, declare] of mistakes) {
      expect(declare, String(message)).toThrow(RouteError)
      expect(declare).toThrow(message)
    }
  })

  it('shows what is wrong with a pattern, also where a prefix and a pattern meet', () => {
    expect(() => route('items' as never)).toThrow(PatternError)
    expect(() => route('/files/[...path]/meta' as never)).toThrow(
      'a catch-all segment must come last\n\n  /files/[...path]/meta\n         ^',
    )
    expect(() => route.prefix('v1' as never)).toThrow(PatternError)
    expect(() => route.prefix('/[id]')('/[id]')).toThrow(/'id' is there twice/)
    expect(() => route.prefix('/[...all]')('/x')).toThrow(/must come last/)
    expect(() => route(7 as never)).toThrow(TypeError)
  })

  it('takes an input that is undefined as not declared', async () => {
    const item = route('/a').get({ query: undefined } as {}, () => 'here')
    expect((await item.GET(at('/a?x=1'))).status).toBe(200)
  })
})

describe("a route's own functions", () => {
  it('run middleware, validation and handler without a router', async () => {
    const order: string[] = []
    const item = route('/items/[slug]')
      .use(async (_request, _context, next) => {
        order.push('in')
        const response = await next({ user: 'ada' })
        order.push('out')
        return response
      })
      .get({ query: z.object({ page: z.coerce.number() }) }, (_request, { params, query, user }) => {
        order.push('handler')
        return { slug: params.slug, page: query.page, user }
      })
    const response = await item.GET(at('/items/a%20b?page=2'))
    expect(await response.json()).toEqual({ slug: 'a b', page: 2, user: 'ada' })
    expect(order).toEqual(['in', 'handler', 'out'])
    expect((await item.GET(at('/items/a?page=x'))).status).toBe(400)
  })

  it('take params, plain or as a Promise, in place of what the URL says', async () => {
    const item = route('/items/[slug]').get((_request, { params }) => params.slug)
    const read = async (params: { slug: string } | Promise<{ slug: string }>) =>
      (await item.GET(at('/elsewhere'), { params })).json()
    expect(await read({ slug: 'plain' })).toBe('plain')
    expect(await read(Promise.resolve({ slug: 'promised' }))).toBe('promised')
    expect(await (await item.GET(at('/items/url'), { params: { slug: 'given' } })).json()).toBe('given')
  })

  it('give params as a plain object, which may be awaited', async () => {
    const item = route('/items/[slug]').get(async (_request, { params }) => {
      const { slug } = await params
      return { slug, same: params.slug === slug }
    })
    expect(await (await item.GET(at('/items/a'))).json()).toEqual({ slug: 'a', same: true })
  })

  it('answer 404 for the URL of another route, and 400 for a malformed escape', async () => {
    const item = route('/items/[slug]').get(() => 1)
    expect((await item.GET(at('/items'))).status).toBe(404)
    expect((await item.GET(at('/items/a/b'))).status).toBe(404)
    expect((await item.GET(at('/items/%zz'))).status).toBe(400)
  })

  it('parse the params with their schema, given or from the URL', async () => {
    const item = route('/items/[id]', { params: z.object({ id: z.coerce.number() }) }).get(
      (_request, { params }) => params.id + 1,
    )
    expect(await (await item.GET(at('/items/41'))).json()).toBe(42)
    expect(await (await item.GET(at('/'), { params: { id: '1' } })).json()).toBe(2)
    expect((await item.GET(at('/items/x'))).status).toBe(404)
    expect((await item.GET(at('/'), { params: { id: 'x' } })).status).toBe(404)
  })

  it('leave out the body for a HEAD request, and keep its headers', async () => {
    const item = route('/').get(() => 'äöü')
    const response = await item.GET(at('/', { method: 'HEAD' }))
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(await response.text()).toBe('')
  })

  it('stand alone once taken off the route, as the exports of a Next.js route.ts', async () => {
    const { GET, DELETE } = route('/items/[slug]')
      .get((_request, { params }) => params.slug)
      .delete(() => {})
    expect(await (await GET(at('/items/a'))).json()).toBe('a')
    const deleted = await DELETE(at('/anything', { method: 'DELETE' }), { params: Promise.resolve({ slug: 'a' }) })
    expect(deleted.status).toBe(204)
  })

  it('pass on env and waitUntil', async () => {
    const kept: Promise<unknown>[] = []
    const item = route('/').get((_request, { env, waitUntil }) => {
      waitUntil(Promise.resolve())
      return env as object
    })
    const response = await item.GET(at('/'), { env: { KEY: 'value' }, waitUntil: (promise) => kept.push(promise) })
    expect(await response.json()).toEqual({ KEY: 'value' })
    expect(kept).toHaveLength(1)
  })

  it('tell the console of an error, and the client nothing', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {})
    const error = new Error('secret')
    const response = await route('/')
      .get(() => {
        throw error
      })
      .GET(at('/'))
    expect(response.status).toBe(500)
    expect(await response.text()).not.toContain('secret')
    expect(log.mock.calls).toEqual([[error]])
    log.mockRestore()
  })

  it('resolve when a schema of the params throws', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {})
    const item = route('/[id]', {
      params: z.object({
        id: z.string().transform((): string => {
          throw new Error('schema')
        }),
      }),
    }).get(() => 1)
    expect((await item.GET(at('/1'))).status).toBe(404)
    log.mockRestore()
  })
})

describe('params of a pattern', () => {
  it('are parsed before everything else: middleware and handler see the output', async () => {
    const seen: unknown[] = []
    const item = route('/items/[id]', { params: z.object({ id: z.coerce.number().int() }) })
      .use((_request, { params }, next) => {
        seen.push(params)
        return next()
      })
      .get((_request, { params }) => params.id)
    const app = router({ item })
    expect(await (await app.fetch(at('/items/7'))).json()).toBe(7)
    expect(seen).toEqual([{ id: 7 }])
  })

  it('are a 404 if they do not fit, for every method, without the middleware of the route', async () => {
    const guard = vi.fn(() => reply.unauthorized())
    const app = router({
      item: route('/items/[id]', { params: z.object({ id: z.coerce.number() }) })
        .use(guard)
        .get(() => 1),
    })
    for (const method of ['GET', 'HEAD', 'POST', 'OPTIONS'])
      expect([method, (await app.fetch(at('/items/x', { method }))).status]).toEqual([method, 404])
    expect(guard).not.toHaveBeenCalled()
  })

  it('may be parsed by any Standard Schema, asynchronous ones too', async () => {
    const sync = route('/s/[id]', { params: v.object({ id: v.pipe(v.string(), v.transform(Number)) }) }).get(
      (_request, { params }) => params.id,
    )
    const slow = route('/a/[id]', {
      params: z.object({ id: z.string().refine(async (id) => id !== 'no') }),
    }).get((_request, { params }) => params.id)
    const app = router({ sync, slow })
    expect(await (await app.fetch(at('/s/3'))).json()).toBe(3)
    expect(await (await app.fetch(at('/a/yes'))).json()).toBe('yes')
    expect((await app.fetch(at('/a/no'))).status).toBe(404)
  })
})

describe('a handler', () => {
  const answer = async (handler: () => any, init?: RequestInit) => {
    const onError = vi.fn()
    const app = router({ it: route('/').get(handler).post(handler) }, { onError })
    const response = await app.fetch(at('/', init))
    return { response, text: await response.clone().text(), onError }
  }

  it('answers JSON with a plain value', async () => {
    const values = ['ok', '', 0, -1.5, true, false, null, [], [1, [2]], {}, { a: { b: null } }, new Date(0)]
    for (const value of values)
      for (const handler of [() => value, async () => value]) {
        const { response, text } = await answer(handler)
        expect(response.status).toBe(200)
        expect(response.headers.get('content-type')).toBe('application/json')
        expect(text).toBe(JSON.stringify(value))
      }
  })

  it('answers JSON with an object of a class, or without a prototype', async () => {
    class Item {
      name = 'a'
    }
    expect((await answer(() => new Item())).text).toBe('{"name":"a"}')
    expect((await answer(() => Object.assign(Object.create(null), { name: 'a' }))).text).toBe('{"name":"a"}')
    expect((await answer(() => ({ toJSON: () => 'seen' }))).text).toBe('"seen"')
  })

  it('answers 204 with undefined', async () => {
    for (const handler of [() => {}, async () => {}, () => undefined]) {
      const { response } = await answer(handler)
      expect(response.status).toBe(204)
      expect(response.body).toBe(null)
      expect([...response.headers]).toEqual([])
    }
  })

  it('answers what a thenable resolves to', async () => {
    // oxlint-disable-next-line unicorn/no-thenable
    const { text } = await answer(() => ({ then: (resolve: (value: unknown) => void) => resolve({ a: 1 }) }))
    expect(text).toBe('{"a":1}')
  })

  it('passes its Response through as the same object', async () => {
    const made = [
      new Response('a'),
      new Response(null, { status: 204 }),
      Response.redirect('http://test/b'),
      Response.json({ a: 1 }, { status: 418 }),
      reply.json({ a: 1 }),
    ]
    for (const response of made)
      for (const handler of [() => response, async () => response] as (() => Response)[]) {
        const app = router({ it: route('/').get(handler) })
        expect(await app.fetch(at('/'))).toBe(response)
      }
  })

  it('answers 500 for what JSON cannot carry, and says why in onError', async () => {
    const cycle: Record<string, unknown> = {}
    cycle['self'] = cycle
    const values: unknown[] = [1n, { a: 1n }, Symbol('a'), () => {}, cycle, new Map([[1, 2]]), new Set(), new Blob([])]
    for (const value of [...values, new ArrayBuffer(1), new Uint8Array(1), new URLSearchParams(), new FormData()]) {
      const { response, text, onError } = await answer(() => value)
      expect(response.status).toBe(500)
      expect(JSON.parse(text)).toEqual({ title: 'Internal Server Error', status: 500 })
      expect(onError).toHaveBeenCalledTimes(1)
      expect(onError.mock.calls[0]![0]).toBeInstanceOf(TypeError)
      expect(onError.mock.calls[0]![1]).toMatchObject({ phase: 'response', pattern: '/' })
    }
  })

  it('answers 500 for a Response that was read already', async () => {
    const used = new Response('a')
    await used.text()
    const lazy = reply.text('a')
    await lazy.text()
    for (const response of [used, lazy]) {
      const { response: answered, onError } = await answer(() => response)
      expect(answered.status).toBe(500)
      expect(String(onError.mock.calls[0]![0])).toMatch(/read already; return a clone/)
    }
  })

  it('answers with a Response that it throws', async () => {
    const thrown = new Response('mine', { status: 418 })
    for (const handler of [
      () => {
        throw thrown.clone()
      },
      async () => {
        throw thrown.clone()
      },
    ]) {
      const { response, text, onError } = await answer(handler)
      expect([response.status, text]).toEqual([418, 'mine'])
      expect(onError).not.toHaveBeenCalled()
    }
    expect((await answer(() => Promise.reject(reply.notFound()))).response.status).toBe(404)
  })

  it('answers a 500 that says nothing for anything else that it throws', async () => {
    const used = new Response('used')
    await used.text()
    const frozen = Object.freeze({ status: 418, message: 'secret' })
    for (const thrown of [new Error('secret'), 'secret', undefined, null, 0, frozen, Symbol('secret'), 1n, used])
      for (const handler of [
        () => {
          throw thrown
        },
        async () => {
          throw thrown
        },
      ]) {
        const { response, text, onError } = await answer(handler)
        expect(response.status).toBe(500)
        expect(response.headers.get('content-type')).toBe('application/problem+json')
        expect(response.headers.get('x-content-type-options')).toBe('nosniff')
        expect(text).toBe('{"title":"Internal Server Error","status":500}')
        expect(onError.mock.calls).toEqual([[thrown, { request: expect.any(Request), pattern: '/', phase: 'handler' }]])
      }
  })

  it('gets the very Request that the host made', async () => {
    const request = at('/')
    let seen: Request | undefined
    await router({ it: route('/').get((request) => void (seen = request)) }).fetch(request)
    expect(seen).toBe(request)
  })
})

describe('a declared response', () => {
  const Item = z.object({ name: z.string() })
  const answer = async (response: any, handler: () => any, options = {}) => {
    const onError = vi.fn()
    const app = router({ it: route('/').get({ response }, handler) }, { onError, ...options })
    return { response: await app.fetch(at('/')), onError }
  }

  it('is sent as the output of its schema', async () => {
    const item = { name: 'a', secret: 'hash' }
    for (const handler of [() => item, async () => item, () => reply.json(item)]) {
      const { response } = await answer(Item, handler)
      expect(await response.json()).toEqual({ name: 'a' })
    }
    const created = await answer({ 201: Item }, () =>
      reply.json(item, { status: 201, headers: { location: '/items/a' } }),
    )
    expect(created.response.status).toBe(201)
    expect(created.response.headers.get('location')).toBe('/items/a')
    expect(created.response.headers.get('content-type')).toBe('application/json')
    expect(await created.response.json()).toEqual({ name: 'a' })
  })

  it('is a 500 that leaks nothing if it is broken', async () => {
    for (const handler of [() => ({ name: 7, secret: 'hash' }), () => reply.json({ secret: 'hash' }), () => null]) {
      const { response, onError } = await answer(Item, handler)
      expect(response.status).toBe(500)
      expect(await response.text()).toBe('{"title":"Internal Server Error","status":500}')
      expect(onError).toHaveBeenCalledTimes(1)
      expect(onError.mock.calls[0]![1].phase).toBe('response')
      expect(String(onError.mock.calls[0]![0])).not.toContain('hash')
    }
    const thrown = await answer(
      z.any().transform(() => {
        throw new Error('in the schema')
      }),
      () => 1,
    )
    expect(thrown.response.status).toBe(500)
    expect(thrown.onError.mock.calls[0]![1].phase).toBe('response')
  })

  it('keeps text and HTML as they are', async () => {
    const text = (await answer(z.string(), () => reply.text('hi'))).response
    expect(text.headers.get('content-type')).toBe('text/plain;charset=UTF-8')
    expect(await text.text()).toBe('hi')
    expect(await (await answer({ 200: z.string() }, () => reply.html('<p>'))).response.text()).toBe('<p>')
    expect(await (await answer(z.string(), () => 'hi')).response.text()).toBe('"hi"')
  })

  it('sees a problem as the document that is sent', async () => {
    const Missing = z.object({ title: z.string(), status: z.literal(404), detail: z.string() })
    const { response } = await answer({ 404: Missing }, () => reply.notFound({ detail: 'no such item' }))
    expect(response.status).toBe(404)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(await response.json()).toEqual({ title: 'Not Found', status: 404, detail: 'no such item' })
  })

  it('is not asked of statuses that it does not name, nor of a foreign Response', async () => {
    expect((await answer(Item, () => reply.notFound())).response.status).toBe(404)
    const foreign = Response.json({ other: true })
    expect((await answer(Item, () => foreign)).response).toBe(foreign)
  })

  it('may be checked asynchronously', async () => {
    const slow = z.object({ name: z.string().refine(async (name) => name !== 'no') })
    expect((await answer(slow, () => ({ name: 'yes', more: 1 }))).response.status).toBe(200)
    expect((await answer(slow, () => ({ name: 'no' }))).response.status).toBe(500)
  })

  it('is sent as it came with responseValidation: false', async () => {
    const { response } = await answer(Item, () => ({ name: 7, more: 1 }), { responseValidation: false })
    expect(await response.json()).toEqual({ name: 7, more: 1 })
  })
})
