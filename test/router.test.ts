import vm from 'node:vm'
import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { middleware, PatternError, rewrites, route, router, RouterError, type RouterOptions } from '../src/index.js'
import * as reply from '../src/replies/index.js'
import * as items from './fixtures/items.js'
import * as modules from './fixtures/modules.js'

afterEach(() => void vi.restoreAllMocks())

const at = (path: string, init?: RequestInit): Request => new Request(`http://test${path}`, init)
const here = (pattern: string) => route(pattern as '/').get(() => pattern)
const serve = (routes: object, options?: RouterOptions) => {
  const app = router(routes, options)
  return async (path: string, init?: RequestInit) => app.fetch(at(path, init))
}

describe('router()', () => {
  it('accepts routes, nested objects of them, and module namespaces', async () => {
    const fetch = serve({ a: here('/a'), nested: { b: here('/b'), deep: { c: here('/c') } }, items, all: modules })
    for (const path of ['/a', '/b', '/c', '/items', '/items/x', '/inner'])
      expect([path, (await fetch(path)).status]).toEqual([path, 200])
  })

  it('accepts a module namespace, and ignores its other exports', async () => {
    const fetch = serve(items)
    expect((await fetch('/items')).status).toBe(200)
    expect((await fetch('/items/x')).status).toBe(200)
  })

  it('accepts an object without a prototype, and a route under any name', async () => {
    const group = Object.assign(Object.create(null), { fetch: here('/f'), get: here('/g'), __proto: here('/p') })
    const fetch = serve({ group, fetch: here('/top'), plain: { fetch: here('/plain') } })
    for (const path of ['/f', '/g', '/p', '/top', '/plain'])
      expect([path, (await fetch(path)).status]).toEqual([path, 200])
  })

  it('accepts one route under several names', async () => {
    const a = here('/a')
    const group = { a }
    expect((await serve({ a, again: a, group, same: group })('/a')).status).toBe(200)
  })

  it('returns the given routes as declared', () => {
    const routes = { a: here('/a') }
    expect(router(routes).declared).toBe(routes)
  })

  it('throws for a value in a literal that is not a route, with its name', () => {
    const values = [
      '/a',
      7,
      undefined,
      null,
      () => 1,
      new Date(),
      new (class A {})(),
      [here('/b')],
      router({ b: here('/b') }),
    ]
    for (const value of values) {
      expect(() => router({ a: here('/a'), wrong: value })).toThrow(RouterError)
      expect(() => router({ a: here('/a'), wrong: value })).toThrow(/'wrong' is not a route/)
      expect(() => router({ group: { wrong: value } })).toThrow(/'group'.*'wrong' is not a route/)
    }
    for (const routes of [null, undefined, 'a', 7, () => 1]) expect(() => router(routes)).toThrow(RouterError)
    expect(() => router({ wrong: route('/a') })).toThrow(/'\/a' has no methods; add \.get\(/)
    expect(() => router({ base: route.prefix('/v1') })).toThrow(RouterError)
  })

  it('throws for two routes with the same structure, with both patterns', () => {
    for (const [one, other] of [
      ['/a', '/a'],
      ['/a/[x]', '/a/[y]'],
      ['/[...x]', '/[...y]'],
      ['/a', '/a/[[...x]]'],
      ['/a/[...x]', '/a/[[...y]]'],
      ['/é', '/%C3%A9'],
    ] as const)
      for (const [first, second] of [
        [one, other],
        [other, one],
      ] as const) {
        expect(() => router({ a: here(first), b: here(second) })).toThrow(RouterError)
        expect(() => router({ a: here(first), b: here(second) })).toThrow(`'${first}' and '${second}'`)
      }
    expect(() => router({ a: here('/a'), b: here('/a') })).toThrow(/declare their methods on one route/)
  })

  it('accepts params with different names at the same position of different structures', async () => {
    const fetch = serve({ a: here('/[x]/a'), b: here('/[y]/b'), c: here('/[z]') })
    expect(await (await fetch('/1/a')).json()).toBe('/[x]/a')
    expect(await (await fetch('/1/b')).json()).toBe('/[y]/b')
  })

  it('throws for invalid options', () => {
    for (const options of [
      { trailingSlash: 'never' },
      { rewrites: [{ source: '/a', destination: '/b' }] },
      { problems: { schema: z.any() } },
      { bodyLimit: -1 },
      { bodyLimit: '1mb' },
      { use: [undefined] },
      { use: middleware((_request, _context, next) => next()) },
      { basepath: '/api' },
      { onError: 'log' },
    ])
      expect(() => router({ a: here('/a') }, options as never), JSON.stringify(options)).toThrow(RouterError)
    expect(() => router({}, { basePath: 'api' })).toThrow(PatternError)
    expect(() => router({}, { basePath: '/api/' })).toThrow(PatternError)
    expect(() => router({}, { basePath: '/[tenant]' })).toThrow(/basePath '\/\[tenant\]' has a param/)
  })
})

describe('router().fetch', () => {
  it('can be called without its router', async () => {
    const { fetch } = router({ a: here('/a') })
    expect((await [at('/a')].map(fetch)[0]!).status).toBe(200)
  })

  it('returns a Response without a promise if the route and its middleware are synchronous', () => {
    const layer = middleware((_request, _context, next) => next({ a: 1 }))
    const app = router(
      {
        plain: here('/plain'),
        query: route('/query').get({ query: z.object({}) }, () => 1),
        layer: route('/layer')
          .use(layer)
          .get(() => 1),
      },
      { use: [layer] },
    )
    for (const path of ['/plain', '/query', '/layer', '/nowhere'])
      expect([path, app.fetch(at(path)) instanceof Promise]).toEqual([path, false])
  })

  it('matches the most specific route in any order of declaration', async () => {
    const patterns = ['/[[...all]]', '/a/[...rest]', '/a/[x]', '/a/b', '/[x]/b']
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(patterns, { minLength: patterns.length }), async (shuffled) => {
        const fetch = serve(Object.fromEntries(shuffled.map((pattern) => [pattern, here(pattern)])))
        for (const [path, pattern] of [
          ['/', '/[[...all]]'],
          ['/a/b', '/a/b'],
          ['/a/c', '/a/[x]'],
          ['/a/b/c', '/a/[...rest]'],
          ['/z/b', '/[x]/b'],
          ['/z/z', '/[[...all]]'],
        ])
          expect([path, await (await fetch(path!)).json()]).toEqual([path, pattern])
      }),
      { numRuns: 20 },
    )
  })

  it('responds with 405 if the matched route lacks the method, even if another route has it', async () => {
    const fetch = serve({ a: here('/items/new'), b: route('/items/[slug]').post(() => 'posted') })
    const response = await fetch('/items/new', { method: 'POST' })
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS'])
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(await response.json()).toEqual({
      title: 'Method Not Allowed',
      detail: 'No handler sent this response.',
      status: 405,
    })
  })

  it('responds with 405 to unknown methods, and to names such as __proto__', async () => {
    const fetch = serve({ a: here('/a') })
    for (const method of ['__proto__', 'constructor', 'toString', 'PROPFIND', 'get2', 'LINK'])
      expect([method, (await fetch('/a', { method })).status]).toEqual([method, 405])
  })

  it('runs GET for HEAD, and sends no body', async () => {
    const seen: string[] = []
    const it = route('/').get((request) => {
      seen.push(request.method)
      return reply.text('äö', { headers: { 'x-a': 'b' } })
    })
    const fetch = serve({ it })
    const response = await fetch('/', { method: 'HEAD' })
    expect(response.status).toBe(200)
    expect(response.body).toBe(null)
    expect(Object.fromEntries(response.headers)).toEqual({
      'content-type': 'text/plain;charset=UTF-8',
      'content-length': '4',
      'x-a': 'b',
    })
    expect(seen).toEqual(['HEAD'])
  })

  it('cancels the stream of a response to HEAD', async () => {
    const cancel = vi.fn()
    const it = route('/').get(
      () => new Response(new ReadableStream({ cancel }), { status: 203, headers: { 'x-a': 'b' } }),
    )
    const response = await serve({ it })('/', { method: 'HEAD' })
    expect([response.status, response.body, response.headers.get('x-a')]).toEqual([203, null, 'b'])
    expect(cancel).toHaveBeenCalledTimes(1)
  })

  it('runs a declared HEAD, and sends no body', async () => {
    const get = vi.fn(() => 'get')
    const it = route('/')
      .get(get)
      .head(() => reply.text('head', { headers: { 'x-head': 'yes' } }))
    const response = await serve({ it })('/', { method: 'HEAD' })
    expect([response.headers.get('x-head'), response.body]).toEqual(['yes', null])
    expect(get).not.toHaveBeenCalled()
  })

  it('sends errors without a body to HEAD', async () => {
    const fetch = serve({ it: route('/').post(() => 1) })
    for (const [path, status] of [
      ['/', 405],
      ['/nowhere', 404],
    ] as const) {
      const response = await fetch(path, { method: 'HEAD' })
      expect([response.status, response.body]).toEqual([status, null])
    }
  })

  it('responds to OPTIONS with 204 and Allow', async () => {
    const fetch = serve({
      it: route('/')
        .get(() => 1)
        .query(() => 2)
        .delete(() => {}),
      post: route('/p').post(() => 1),
    })
    const response = await fetch('/', { method: 'OPTIONS' })
    expect([response.status, response.body]).toEqual([204, null])
    expect(response.headers.get('allow')!.split(', ').sort()).toEqual(['DELETE', 'GET', 'HEAD', 'OPTIONS', 'QUERY'])
    expect((await fetch('/p', { method: 'OPTIONS' })).headers.get('allow')).toBe('POST, OPTIONS')
    expect((await fetch('/nowhere', { method: 'OPTIONS' })).status).toBe(404)
  })

  it('responds with 404 and 400 problems', async () => {
    const fetch = serve({ it: here('/[x]') })
    const missing = await fetch('/a/b')
    expect(missing.headers.get('content-type')).toBe('application/problem+json')
    expect(missing.headers.get('x-content-type-options')).toBe('nosniff')
    expect(await missing.json()).toEqual({ title: 'Not Found', detail: 'No handler sent this response.', status: 404 })
    const malformed = await fetch('/%zz')
    expect(await malformed.json()).toMatchObject({ title: 'Bad Request', status: 400, detail: expect.any(String) })
  })

  it('does not match the query or the fragment', async () => {
    const fetch = serve({ it: here('/a') })
    await fc.assert(
      fc.asyncProperty(fc.webQueryParameters(), fc.webFragments(), async (query, fragment) => {
        for (const path of [`/a?${query}`, `/a#${fragment}`, `/a?${query}#${fragment}`, `/a#${fragment}?${query}`])
          expect([path, (await fetch(path)).status]).toEqual([path, 200])
      }),
    )
    expect((await fetch('/a#b#c?d')).status).toBe(200)
  })

  it('never rejects or throws, for any pathname', async () => {
    const onError = vi.fn()
    const app = router({ a: here('/a/[x]'), b: here('/[...all]') }, { onError, basePath: '/api' })
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.boolean(), async (path, inside) => {
        const response = await app.fetch(at(`${inside ? '/api' : ''}/${path}`))
        expect([200, 308, 400, 404]).toContain(response.status)
      }),
    )
    expect(onError).not.toHaveBeenCalled()
  })

  it('sends a Response of another realm as the same object', async () => {
    const elsewhere = vm.runInNewContext(`
      class Response {
        status = 418
        ok = false
        bodyUsed = false
        get [Symbol.toStringTag]() { return 'Response' }
        async text() { return 'foreign' }
      }
      new Response()`) as Response
    const headers = new Headers({ 'x-a': 'b' })
    Object.assign(elsewhere, { headers, body: null })
    for (const handler of [() => elsewhere, async () => elsewhere] as (() => Response)[]) {
      const app = router({ it: route('/').get(handler) }, { use: [middleware((_request, _context, next) => next())] })
      expect(await app.fetch(at('/'))).toBe(elsewhere)
    }
    const thrown = router({
      it: route('/').get(() => {
        throw elsewhere
      }),
    })
    expect(await thrown.fetch(at('/'))).toBe(elsewhere)
  })

  it('sends a Response with immutable headers as the same object', async () => {
    const immutable = Response.redirect('http://elsewhere/x')
    const app = router({ it: route('/').get(() => immutable) }, { basePath: '/api' })
    expect(await app.fetch(at('/api'))).toBe(immutable)
  })
})

describe('onError', () => {
  it('is called once for each error, with request, pattern and phase', async () => {
    const onError = vi.fn()
    const boom = () => {
      throw new Error('boom')
    }
    const fetch = serve(
      {
        handler: route('/handler/[id]').get(boom),
        middleware: route('/middleware')
          .use(boom as never)
          .get(() => 1),
        input: route('/input').get({ query: z.any().transform(boom) }, () => 1),
        response: route('/response').get({ response: z.any().transform(boom) }, () => 1),
      },
      { onError },
    )
    for (const [phase, path, pattern, status] of [
      ['handler', '/handler/1', '/handler/[id]', 500],
      ['middleware', '/middleware', '/middleware', 500],
      ['input', '/input', '/input', 400],
      ['response', '/response', '/response', 500],
    ] as const) {
      onError.mockClear()
      const response = await fetch(path)
      expect([phase, response.status]).toEqual([phase, status])
      expect(onError).toHaveBeenCalledTimes(1)
      const [error, info] = onError.mock.calls[0]!
      expect(error.message).toBe('boom')
      expect(info).toEqual({ request: expect.any(Request), pattern, phase })
      expect(info.request.url).toBe(`http://test${path}`)
    }
  })

  it('receives no pattern if no route matched', async () => {
    const onError = vi.fn()
    const broken = middleware(() => {
      throw new Error('layer')
    })
    await serve({}, { onError, use: [broken as never] })('/nowhere')
    expect(onError.mock.calls[0]![1]).toMatchObject({ pattern: undefined, phase: 'middleware' })
  })

  it('is not called for responses of any status', async () => {
    const onError = vi.fn()
    const fetch = serve(
      {
        it: route('/')
          .get(() => reply.problem(503))
          .post(() => {
            throw reply.problem(500)
          })
          .put({ body: z.string() }, () => 1),
      },
      { onError },
    )
    for (const method of ['GET', 'POST', 'PUT', 'DELETE']) await fetch('/', { method })
    await fetch('/nowhere')
    expect(onError).not.toHaveBeenCalled()
  })

  it('can throw or reject without an effect on the response', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {})
    const second = new Error('in onError')
    const broken = route('/').get(() => {
      throw new Error('first')
    })
    for (const onError of [
      () => {
        throw second
      },
      async () => {
        throw second
      },
    ]) {
      log.mockClear()
      const response = await serve({ broken }, { onError })('/')
      expect([response.status, await response.json()]).toEqual([
        500,
        { title: 'Internal Server Error', detail: 'No handler sent this response.', status: 500 },
      ])
      await new Promise((resolve) => setTimeout(resolve))
      expect(log.mock.calls.flat()).toContain(second)
    }
  })

  it('prints method, pattern and error by default', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {})
    const error = new Error('x')
    await serve({
      it: route('/').get(() => {
        throw error
      }),
    })('/')
    expect(log.mock.calls).toEqual([['GET / failed:', error]])
  })
})

describe('trailingSlash', () => {
  const routes = {
    root: here('/'),
    a: route('/a')
      .get(() => 'a')
      .post(() => 'a'),
    x: route('/x/[id]').get((_r, { params }) => params.id),
  }

  it('redirects to the form without it, with the query, for every method but OPTIONS', async () => {
    const fetch = serve(routes)
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE']) {
      const response = await fetch('/a/?q=1&q=2', { method })
      expect([method, response.status, response.headers.get('location')]).toEqual([method, 308, '/a?q=1&q=2'])
    }
    expect((await fetch('/x/a%2Fb/?#f')).headers.get('location')).toBe('/x/a%2Fb?')
    const options = await fetch('/a/', { method: 'OPTIONS' })
    expect([options.status, options.headers.get('allow')]).toEqual([204, 'GET, POST, HEAD, OPTIONS'])
    expect(options.headers.has('location')).toBe(false)
  })

  it('redirects only if the pathname without the slash matches, and only once', async () => {
    const fetch = serve(routes)
    for (const path of ['/b/', '/a//', '//a/', '/x//', '/x/1//', '//', '///'])
      expect([path, (await fetch(path)).headers.get('location')]).toEqual([path, null])
    expect((await fetch('/')).status).toBe(200)
  })

  it('never redirects to another origin', async () => {
    const app = router({ all: here('/[[...all]]'), a: here('/a') })
    const based = router({ all: here('/[[...all]]') }, { basePath: '/api' })
    const part = fc.constantFrom('/', '//', '\\', '%2F', '%5C', '.', '..', 'evil.example', '@', ':', 'api', '%09', '\t')
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 8 }), async (parts) => {
        for (const [router, prefix] of [
          [app, ''],
          [based, '/api'],
        ] as const) {
          const request = at(`${prefix}/${parts.join('')}/`)
          const location = (await router.fetch(request)).headers.get('location')
          if (location === null) continue
          expect(location).toMatch(/^\/(?![/\\])/)
          expect(new URL(location, request.url).origin).toBe('http://test')
        }
      }),
    )
  })

  it("causes a 404 with 'strict'", async () => {
    const fetch = serve(routes, { trailingSlash: 'strict' })
    expect((await fetch('/a/')).status).toBe(404)
    expect((await fetch('/a')).status).toBe(200)
    expect((await fetch('/')).status).toBe(200)
  })

  it("is ignored with 'ignore'", async () => {
    const fetch = serve(routes, { trailingSlash: 'ignore' })
    expect(await (await fetch('/a/?q=1')).json()).toBe('a')
    expect(await (await fetch('/x/7/')).json()).toBe('7')
    expect((await fetch('/a//')).status).toBe(404)
  })
})

describe('basePath', () => {
  const routes = {
    root: here('/'),
    a: route('/a/[id]').get((_request, { params, url, pattern }) => ({ params, path: url.pathname, pattern })),
    away: route('/away').get(() => reply.redirect('/a/1?q=%2F')),
    absolute: route('/absolute').get(() => reply.redirect('https://elsewhere.example/a')),
    relative: route('/relative').get(() => reply.redirect('a/1')),
    created: route('/created').post(() => reply.json(1, { status: 201, headers: { location: '/a/1' } })),
    thrown: route('/thrown').get(() => {
      throw reply.seeOther('/a/1')
    }),
    foreign: route('/foreign').get(() => new Response(null, { status: 307, headers: { location: '/a/1' } })),
  }
  const fetch = serve(routes, { basePath: '/api/v1' })

  it('is removed before matching, as whole segments', async () => {
    expect(await (await fetch('/api/v1')).json()).toBe('/')
    expect(await (await fetch('/api/v1/')).json()).toBe('/')
    expect(await (await fetch('/api/v1?q')).json()).toBe('/')
    expect(await (await fetch('/api/v1/a/7')).json()).toMatchObject({ params: { id: '7' }, pattern: '/a/[id]' })
    for (const path of ['/', '/a/7', '/api', '/api/v1a/7', '/api/v12', '/API/v1/a/7', '/x/api/v1/a/7'])
      expect([path, (await fetch(path)).status]).toEqual([path, 404])
  })

  it('is added to the root-relative Location of a reply, and to no other', async () => {
    for (const [path, location] of [
      ['/away', '/api/v1/a/1?q=%2F'],
      ['/absolute', 'https://elsewhere.example/a'],
      ['/relative', 'a/1'],
      ['/thrown', '/api/v1/a/1'],
      ['/foreign', '/a/1'],
      ['/away/?q=1', '/api/v1/away?q=1'],
    ])
      expect([path, (await fetch(`/api/v1${path}`)).headers.get('location')]).toEqual([path, location])
    const created = await fetch('/api/v1/created', { method: 'POST' })
    expect([created.status, created.headers.get('location')]).toEqual([201, '/api/v1/a/1'])
  })

  it('is added once if a Response is returned several times', async () => {
    const away = reply.redirect('/x')
    const again = serve({ it: route('/').get(() => away) }, { basePath: '/api' })
    for (let times = 0; times < 3; times++) expect((await again('/api')).headers.get('location')).toBe('/api/x')
  })

  it("can be '/' or empty", async () => {
    for (const basePath of ['', '/']) expect((await serve(routes, { basePath })('/a/1')).status).toBe(200)
  })

  it('matches in its encoded form too', async () => {
    expect((await serve({ a: here('/a') }, { basePath: '/café' })('/café/a')).status).toBe(200)
  })
})

describe('rewrites', () => {
  const target = route('/new/[slug]').get((request, { params, pattern, url }) => ({
    params,
    pattern,
    path: url.pathname + url.search,
    request: new URL(request.url).pathname,
  }))
  const rules = rewrites([
    { source: '/old/[slug]', destination: '/new/[slug]' },
    { source: '/query/[slug]', destination: '/new/x?slug=[slug]&fixed=1' },
    { source: '/new/loop', destination: '/old/loop' },
    { source: '/gone', destination: '/nowhere' },
  ])

  it('are applied once, before matching, and do not change request.url', async () => {
    const fetch = serve({ target }, { rewrites: rules })
    expect(await (await fetch('/old/a%20b?q=1')).json()).toEqual({
      params: { slug: 'a b' },
      pattern: '/new/[slug]',
      path: '/new/a%20b?q=1',
      request: '/old/a%20b',
    })
    expect((await (await fetch('/query/a%26b?q=1')).json()).path).toBe('/new/x?slug=a%26b&fixed=1&q=1')
    expect((await fetch('/new/loop')).status).toBe(404)
    expect((await fetch('/gone')).status).toBe(404)
  })

  it('leave guards to the destination', async () => {
    const guarded = route('/admin')
      .use(middleware(() => reply.unauthorized()))
      .get(() => 'in')
    expect(
      (await serve({ guarded }, { rewrites: rewrites([{ source: '/x', destination: '/admin' }]) })('/x')).status,
    ).toBe(401)
  })

  it('match below the basePath', async () => {
    const fetch = serve({ target }, { rewrites: rules, basePath: '/api' })
    expect((await (await fetch('/api/old/a')).json()).params).toEqual({ slug: 'a' })
    expect((await fetch('/old/a')).status).toBe(404)
  })

  it('keep each captured param in its segment', async () => {
    const fetch = serve({ target, all: here('/[...all]') }, { rewrites: rules })
    await fc.assert(
      fc.asyncProperty(fc.string({ minLength: 1, unit: 'grapheme' }), async (slug) => {
        fc.pre(!/^\.{1,2}$/.test(slug) && slug.isWellFormed())
        const json = await (await fetch(`/old/${encodeURIComponent(slug)}`)).json()
        expect(json).toMatchObject({ params: { slug }, pattern: '/new/[slug]' })
      }),
    )
  })

  it('run after the redirect of a trailing slash', async () => {
    const fetch = serve({ target }, { rewrites: rules })
    const response = await fetch('/old/a/?q=1')
    expect([response.status, response.headers.get('location')]).toEqual([308, '/old/a?q=1'])
  })

  it('throw if a destination cannot be built', () => {
    for (const rules of [
      [{ source: '/a/[x]', destination: '/b/[y]' }],
      [{ source: '/a/[x]', destination: '/b/[...x]' }],
      [
        { source: '/a/[x]', destination: '/b' },
        { source: '/a/[y]', destination: '/c' },
      ],
    ])
      expect(() => rewrites(rules as never)).toThrow(RouterError)
    expect(() => rewrites([{ source: 'a', destination: '/b' }] as never)).toThrow(PatternError)
  })
})
