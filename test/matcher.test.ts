import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { middleware, route, router, RouterError, type RouterOptions } from '../src/index.js'
import * as reply from '../src/replies/index.js'
import { Matcher } from '../src/matcher.js'

// An app whose routes respond with the matched pattern and params.
function echo(patterns: readonly string[], options: RouterOptions = {}) {
  const routes = Object.fromEntries(
    patterns.map((pattern, index) => [
      `route${index}`,
      route(pattern as '/').get((_request, { params, url }) => ({ pattern, params, pathname: url.pathname })),
    ]),
  )
  return router(routes, { trailingSlash: 'strict', ...options } as {})
}

async function find(
  app: { fetch: (request: Request) => Response | Promise<Response> },
  path: string,
): Promise<unknown> {
  const response = await app.fetch(new Request(`http://test${path}`))
  if (response.status !== 200) return response.status
  const { pattern, params } = (await response.json()) as { pattern: string; params: Record<string, unknown> }
  return [pattern, params]
}

describe('matching', () => {
  it('prefers static, then [x], then [...x], then [[...x]]', async () => {
    const app = echo(['/[[...rest]]', '/a/[...rest]', '/a/[x]', '/a/b', '/a/[x]/c'])
    expect(await find(app, '/')).toEqual(['/[[...rest]]', {}])
    expect(await find(app, '/z')).toEqual(['/[[...rest]]', { rest: ['z'] }])
    expect(await find(app, '/a')).toEqual(['/[[...rest]]', { rest: ['a'] }])
    expect(await find(app, '/a/b')).toEqual(['/a/b', {}])
    expect(await find(app, '/a/z')).toEqual(['/a/[x]', { x: 'z' }])
    expect(await find(app, '/a/b/c')).toEqual(['/a/[x]/c', { x: 'b' }])
    expect(await find(app, '/a/b/d')).toEqual(['/a/[...rest]', { rest: ['b', 'd'] }])
  })

  it('compares segments from left to right among the matching patterns, in any order of declaration', async () => {
    const patterns = ['/a/[x]', '/[y]/b', '/[y]/[z]', '/a/b/c']
    for (const order of [patterns, patterns.toReversed()]) {
      const app = echo(order)
      expect(await find(app, '/a/b')).toEqual(['/a/[x]', { x: 'b' }])
      expect(await find(app, '/q/b')).toEqual(['/[y]/b', { y: 'q' }])
      expect(await find(app, '/a/b/c')).toEqual(['/a/b/c', {}])
      expect(await find(app, '/a/b/d')).toBe(404)
    }
  })

  it('continues with a param if a static branch has no match', async () => {
    const app = echo(['/a/b/c/d', '/[x]/b/c/[y]/e', '/[...rest]'])
    expect(await find(app, '/a/b/c/d')).toEqual(['/a/b/c/d', {}])
    expect(await find(app, '/a/b/c/d/e')).toEqual(['/[x]/b/c/[y]/e', { x: 'a', y: 'd' }])
    expect(await find(app, '/a/b/c/x')).toEqual(['/[...rest]', { rest: ['a', 'b', 'c', 'x'] }])
    expect(await find(app, '/a/b')).toEqual(['/[...rest]', { rest: ['a', 'b'] }])
  })

  it('distinguishes static segments with a common prefix', async () => {
    const app = echo(['/a', '/ab', '/abc', '/abd', '/a/b', '/ab/c', '/abc/[x]', '/b'])
    for (const path of ['/a', '/ab', '/abc', '/abd', '/a/b', '/ab/c', '/b'])
      expect(await find(app, path)).toEqual([path, {}])
    expect(await find(app, '/abc/d')).toEqual(['/abc/[x]', { x: 'd' }])
    for (const path of ['/abe', '/abcd', '/a/', '/a/bc', '/ab/', '/A', '/b/']) expect(await find(app, path)).toBe(404)
  })

  it('is case-sensitive', async () => {
    expect(await find(echo(['/Items']), '/items')).toBe(404)
  })

  it('responds with 404 to an empty segment, and does not collapse //', async () => {
    const app = echo(['/a/[x]', '/b/[...rest]', '/c/[[...rest]]', '/d'])
    for (const path of [
      '/a/',
      '//a/x',
      '/a//x',
      '/a/x/',
      '/b',
      '/b/',
      '/b//',
      '/b//x',
      '/b/x/',
      '/b/x//y',
      '/c/',
      '/c//',
      '/c/x/',
      '//d',
      '/d//',
      '//',
    ])
      expect([path, await find(app, path)]).toEqual([path, 404])
    expect(await find(app, '/c')).toEqual(['/c/[[...rest]]', {}])
  })

  it('resolves dot segments like the URL parser, and keeps an escaped slash in its segment', async () => {
    const app = echo(['/files/[...path]', '/a/[x]', '/b'])
    expect(await find(app, '/files/x/../../b')).toEqual(['/b', {}])
    expect(await find(app, '/files/%2e%2e/b')).toEqual(['/b', {}])
    expect(await find(app, '/files/x%2F..%2F..%2Fb')).toEqual(['/files/[...path]', { path: ['x/../../b'] }])
    expect(await find(app, '/files/%2e%2e%2fb')).toEqual(['/files/[...path]', { path: ['../b'] }])
    expect(await find(app, '/files/..%5Cb')).toEqual(['/files/[...path]', { path: ['..\\b'] }])
    expect(await find(app, '/a/%00')).toEqual(['/a/[x]', { x: '\0' }])
    expect(await find(app, '/a/b%2Fc')).toEqual(['/a/[x]', { x: 'b/c' }])
    expect(await find(app, '/a%2Fb')).toBe(404)
    // Decodes once: a double escape becomes a single escape.
    expect(await find(app, '/a/%252F')).toEqual(['/a/[x]', { x: '%2F' }])
    expect(await find(app, '/a/%25zz')).toEqual(['/a/[x]', { x: '%zz' }])
  })

  it.each(['/a/%', '/a/%2', '/a/%zz', '/%ff', '/a/%c3', '/nowhere/%e2%82', '/a/%ed%a0%80', '/%'])(
    'responds with 400 to %s',
    async (path) => {
      const response = await echo(['/a/[x]']).fetch(new Request(`http://test${path}`))
      expect(response.status).toBe(400)
      expect(response.headers.get('content-type')).toBe('application/problem+json')
      expect(await response.json()).toEqual({
        title: 'Bad Request',
        detail: 'The URL has a malformed percent-escape.',
        status: 400,
      })
    },
  )

  it('does not read escapes in the query or the hash as part of the pathname', async () => {
    const app = echo(['/a/[x]', '/b'])
    expect(await find(app, '/a/c?d=%')).toEqual(['/a/[x]', { x: 'c' }])
    expect(await find(app, '/a/c#%/d')).toEqual(['/a/[x]', { x: 'c' }])
    expect(await find(app, '/b?/a/c')).toEqual(['/b', {}])
    expect(await find(app, '/b?a#b?c')).toEqual(['/b', {}])
    expect(await find(app, '/b#x?y')).toEqual(['/b', {}])
  })

  it('ends the pathname at the first #, like the URL parser', async () => {
    const app = echo(['/a/[x]', '/b'])
    expect(await find(app, '/b#x#y')).toEqual(['/b', {}])
    expect(await find(app, '/b#x#y?z')).toEqual(['/b', {}])
    expect(await find(app, '/a/c#/d#e?f')).toEqual(['/a/[x]', { x: 'c' }])
  })

  it('matches a static segment in every encoding', async () => {
    const app = echo(['/café', '/x/%41', '/[a]/ü'])
    expect(await find(app, '/café')).toEqual(['/café', {}])
    expect(await find(app, '/caf%c3%a9')).toEqual(['/café', {}])
    expect(await find(app, '/%63%61f%C3%A9')).toEqual(['/café', {}])
    expect(await find(app, '/x/A')).toEqual(['/x/%41', {}])
    expect(await find(app, '/%78/%41')).toEqual(['/x/%41', {}])
    expect(await find(app, '/q/ü')).toEqual(['/[a]/ü', { a: 'q' }])
  })

  it.each(['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf', '__defineGetter__'])(
    'matches %s like any other segment',
    async (name) => {
      const app = echo(['/a/[x]', '/b/c', `/d/${name}`, '/e/[...rest]'])
      expect(await find(app, `/${name}`)).toBe(404)
      expect(await find(app, `/b/${name}`)).toBe(404)
      expect(await find(app, `/${name}/${name}`)).toBe(404)
      expect(await find(app, `/a/${name}`)).toEqual(['/a/[x]', { x: name }])
      expect(await find(app, `/d/${name}`)).toEqual([`/d/${name}`, {}])
      expect(await find(app, `/e/${name}/${name}`)).toEqual(['/e/[...rest]', { rest: [name, name] }])
    },
  )

  it('captures params in an object without a prototype', async () => {
    let params: object | undefined
    const app = router({ a: route('/[x]').get((_request, context) => void (params = context.params)) })
    await app.fetch(new Request('http://test/1'))
    expect(Object.keys(params!)).toEqual(['x'])
    expect('constructor' in params!).toBe(false)
    expect('__proto__' in params!).toBe(false)
  })

  it('captures a param with any valid name', async () => {
    const app = echo(['/[constructor]/[toString]/[hasOwnProperty]/[item-id]/[größe]/[0]'])
    expect(await find(app, '/a/b/c/d/e/f')).toMatchObject([
      expect.any(String),
      { constructor: 'a', toString: 'b', hasOwnProperty: 'c', 'item-id': 'd', größe: 'e', '0': 'f' },
    ])
  })

  it('matches pathnames of 100 kB', async () => {
    const app = echo(['/a/[x]', '/b/[...rest]', '/c/[[...rest]]', '/[x]/[y]/d'])
    const long = 'x'.repeat(100_000)
    const deep = 'x/'.repeat(50_000)
    const escaped = '%C3%A9'.repeat(17_000)
    expect(await find(app, `/a/${long}`)).toEqual(['/a/[x]', { x: long }])
    expect(await find(app, `/a/${escaped}`)).toEqual(['/a/[x]', { x: 'é'.repeat(17_000) }])
    expect(await find(app, `/b/${deep}y`)).toEqual(['/b/[...rest]', { rest: [...deep.split('/').slice(0, -1), 'y'] }])
    expect(await find(app, `/b/${deep}`)).toBe(404)
    expect(await find(app, `/b/${'/'.repeat(100_000)}`)).toBe(404)
    expect(await find(app, `/${'%2F'.repeat(33_000)}`)).toBe(404)
    expect(await find(app, `/${'%'.repeat(100_000)}`)).toBe(400)
    expect(await find(app, `/q/${deep}`)).toBe(404)
  })

  it('matches and misses with 2^10 overlapping patterns', async () => {
    // Each of ten segments is static or a param.
    const patterns = Array.from(
      { length: 1 << 10 },
      (_, bits) => `/${Array.from({ length: 10 }, (_, at) => (bits & (1 << at) ? 'a' : `[p${at}]`)).join('/')}`,
    )
    const app = echo(patterns)
    expect(await find(app, `/${'a/'.repeat(10)}z`)).toBe(404)
    expect(await find(app, `/${'a/'.repeat(9)}a`)).toEqual([`/${'a/'.repeat(9)}a`, {}])
    expect(await find(app, `/b/${'a/'.repeat(8)}c`)).toEqual([`/[p0]/${'a/'.repeat(8)}[p9]`, { p0: 'b', p9: 'c' }])
  })
})

describe('RouterError', () => {
  const refused = [
    [['/a/[x]', '/a/[y]'], "'/a/[x]' and '/a/[y]' match the same pathnames; remove one of the two"],
    [['/caf%C3%A9', '/café'], "'/caf%C3%A9' and '/café' match the same pathnames; remove one of the two"],
    [['/a', '/%61'], "'/a' and '/%61' match the same pathnames; remove one of the two"],
    [['/a', '/a'], "'/a' and '/a' match the same pathnames; declare their methods on one route"],
    [['/a', '/a/[[...x]]'], "'/a' and '/a/[[...x]]' match the same pathnames; remove one of the two"],
    [['/a/[[...x]]', '/a'], "'/a/[[...x]]' and '/a' match the same pathnames; remove one of the two"],
    [['/', '/[[...x]]'], "'/' and '/[[...x]]' match the same pathnames; remove one of the two"],
    [['/a/[...x]', '/a/[[...y]]'], "'/a/[...x]' and '/a/[[...y]]' match the same pathnames; remove one of the two"],
    [['/[x]/[[...y]]', '/[z]'], "'/[x]/[[...y]]' and '/[z]' match the same pathnames; remove one of the two"],
  ] as const
  it.each(refused)('is thrown for %j', (patterns, message) => {
    expect(() => echo(patterns)).toThrow(new RouterError(message))
  })

  it.each([
    [['/[x]', '/[y]/a', '/[z]/b/[x]']],
    [['/a', '/a/[...x]']],
    [['/[x]', '/[...x]']],
    [['/[x]/[[...y]]', '/[[...z]]']],
    [['/a/[[...x]]', '/[y]']],
  ])('is not thrown for %j', (patterns) => {
    expect(() => echo(patterns)).not.toThrow()
  })
})

describe('a matcher with more states than it stores', () => {
  it('still matches correctly', () => {
    // Pattern n has its only static segment at place n, so each subset of the patterns is a state: 2^16, and 50,000 are stored.
    const depth = 16
    const patterns = Array.from(
      { length: depth },
      (_, one) => `/${Array.from({ length: depth + 1 }, (_, at) => (at === one ? 'a' : `[p${at}]`)).join('/')}`,
    )
    const matcher = new Matcher(patterns.map((pattern, index) => [pattern, index]))
    const value = (segments: string[]): number | undefined => {
      const url = `http://test/${segments.join('/')}`
      return matcher.find(url, 11, url.length)?.value
    }
    for (let bits = 0; bits < 1 << depth; bits++) {
      const segments = Array.from({ length: depth + 1 }, (_, at) => (bits & (1 << at) ? 'a' : 'b'))
      const first = segments.slice(0, depth).indexOf('a')
      const found = value(segments)
      if (found !== (first === -1 ? undefined : first))
        expect([segments.join('/'), found]).toEqual([segments.join('/'), first])
    }
    expect(value(Array.from({ length: depth + 1 }, () => 'b'))).toBe(undefined)
    expect(value(Array.from({ length: depth + 1 }, () => 'a'))).toBe(0)
  })
})

describe('a method', () => {
  const answer = () => ({ ok: true })
  const app = router({
    items: route('/items').get(answer).post(answer),
    item: route('/items/[slug]').delete(answer).patch(answer),
    head: route('/head')
      .head(() => new Response(null, { headers: { 'x-from': 'head' } }))
      .get(() => new Response('get', { headers: { 'x-from': 'get' } })),
    options: route('/options').options(() => new Response(null, { status: 200, headers: { 'x-from': 'options' } })),
    search: route('/search').query(answer),
  })
  const send = async (method: string, path: string): Promise<Response> =>
    app.fetch(new Request(`http://test${path}`, { method }))

  it('that a route does not declare gets a 405 with Allow', async () => {
    for (const [path, method, allow] of [
      ['/items', 'DELETE', 'GET, POST, HEAD, OPTIONS'],
      ['/items', 'PUT', 'GET, POST, HEAD, OPTIONS'],
      ['/items/a', 'GET', 'PATCH, DELETE, OPTIONS'],
      ['/items/a', 'HEAD', 'PATCH, DELETE, OPTIONS'],
      ['/options', 'GET', 'OPTIONS'],
      ['/search', 'GET', 'OPTIONS, QUERY'],
      ['/items', 'QUERY', 'GET, POST, HEAD, OPTIONS'],
    ] as const) {
      const response = await send(method, path)
      expect([path, method, response.status, response.headers.get('allow')]).toEqual([path, method, 405, allow])
      expect(response.headers.get('content-type')).toBe('application/problem+json')
      const text = await response.text()
      if (method === 'HEAD') expect(text).toBe('')
      else
        expect(JSON.parse(text)).toEqual({
          title: 'Method Not Allowed',
          detail: 'No handler sent this response.',
          status: 405,
        })
    }
  })

  it.each(['PROPFIND', 'FOO', 'patch', 'M-SEARCH', '__proto__', 'constructor', 'toString', 'get_', 'x'.repeat(10_000)])(
    'that is unknown gets a 405: %.20s',
    async (method) => {
      expect((await send(method, '/items')).status).toBe(405)
      expect((await send(method, '/nowhere')).status).toBe(404)
    },
  )

  it.each(['TRACE', 'TRACK', 'CONNECT'])('%s, which only a socket can send, gets a 405', async (method) => {
    const request = new Proxy(new Request('http://test/items'), {
      get: (target, key) => (key === 'method' ? method : (Reflect.get(target, key, target) as unknown)),
    })
    const response = await app.fetch(request)
    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe('GET, POST, HEAD, OPTIONS')
  })

  it('HEAD runs GET and sends no body, unless the route declares HEAD', async () => {
    const head = await send('HEAD', '/items')
    expect([head.status, await head.text()]).toEqual([200, ''])
    expect(head.headers.get('content-type')).toBe('application/json')
    expect((await send('HEAD', '/head')).headers.get('x-from')).toBe('head')
    expect((await send('HEAD', '/nowhere')).status).toBe(404)
    expect(await (await send('HEAD', '/nowhere')).text()).toBe('')
  })

  it('OPTIONS gets a 204 with Allow, unless the route declares OPTIONS', async () => {
    const response = await send('OPTIONS', '/items')
    expect([response.status, response.headers.get('allow'), response.body]).toEqual([
      204,
      'GET, POST, HEAD, OPTIONS',
      null,
    ])
    expect((await send('OPTIONS', '/options')).headers.get('x-from')).toBe('options')
    expect((await send('OPTIONS', '/nowhere')).status).toBe(404)
  })

  it('that a route does not declare gets a 405, even if another pattern has it', async () => {
    const two = router({ a: route('/a/b').get(answer), b: route('/a/[x]').post(answer) })
    const response = await two.fetch(new Request('http://test/a/b', { method: 'POST' }))
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS'])
  })
})

describe('trailingSlash', () => {
  const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'QUERY', 'FOO']
  const toApp = (trailingSlash?: 'redirect' | 'strict' | 'ignore') =>
    router(
      {
        index: route('/').get(() => 'index'),
        items: route('/items')
          .get((_request, { url }) => url.pathname)
          .post(() => 'made'),
        item: route('/items/[slug]').get((_request, { params }) => params.slug),
        files: route('/files/[...path]').get((_request, { params }) => params.path),
        docs: route('/docs/[[...path]]').get((_request, { params }) => params.path ?? []),
      },
      trailingSlash ? { trailingSlash } : {},
    )
  const send = async (app: ReturnType<typeof toApp>, path: string, method = 'GET'): Promise<Response> =>
    app.fetch(new Request(`http://test${path}`, { method }))

  it.each(methods)("'redirect', the default, redirects %s to the pathname without the slash", async (method) => {
    for (const app of [toApp(), toApp('redirect')]) {
      for (const [path, location] of [
        ['/items/', '/items'],
        ['/items/a/', '/items/a'],
        ['/items/a%2F/', '/items/a%2F'],
        ['/files/a/b/?q=1&r=/', '/files/a/b?q=1&r=/'],
        ['/docs/', '/docs'],
        ['/docs/a/#top', '/docs/a'],
      ] as const) {
        const response = await send(app, path, method)
        expect([path, response.status, response.headers.get('location')]).toEqual([path, 308, location])
        expect(await response.text()).toBe('')
      }
    }
  })

  it("'redirect' does not redirect a pathname that matches nothing, or OPTIONS", async () => {
    const app = toApp()
    for (const path of ['/nowhere/', '/items//', '/files/', '/items/a//', '//items/', '///'])
      expect([path, (await send(app, path)).status]).toEqual([path, 404])
    expect((await send(app, '/')).status).toBe(200)
    const options = await send(app, '/items/', 'OPTIONS')
    expect([options.status, options.headers.get('allow')]).toEqual([204, 'GET, POST, HEAD, OPTIONS'])
  })

  it("'strict' responds with 404", async () => {
    for (const method of [...methods, 'OPTIONS'])
      for (const path of ['/items/', '/items/a/', '/files/a/', '/docs/'])
        expect([path, (await send(toApp('strict'), path, method)).status]).toEqual([path, 404])
  })

  it("'ignore' matches as without the slash, also for params and context.url", async () => {
    const app = toApp('ignore')
    for (const [path, answer] of [
      ['/items/', '/items'],
      ['/items/?a=/', '/items'],
      ['/items/a/', 'a'],
      ['/files/a/b/', ['a', 'b']],
      ['/docs/', []],
      ['/docs/a/?q', ['a']],
    ] as const) {
      const response = await send(app, path)
      expect([path, response.status, await response.json()]).toEqual([path, 200, answer])
    }
    expect((await send(app, '/items/', 'POST')).status).toBe(200)
    expect((await send(app, '/items/', 'DELETE')).status).toBe(405)
    for (const path of ['/items//', '/files/', '/nowhere/'])
      expect([path, (await send(app, path)).status]).toEqual([path, 404])
  })

  it('never redirects to another host', async () => {
    const app = router({ all: route('/[[...path]]').get(() => 1), one: route('/[a]/[b]').get(() => 1) })
    for (const path of [
      '//evil.example/',
      '///evil.example/',
      '/\\evil.example/',
      '/%2Fevil.example/',
      '/%5Cevil.example/',
      '/a%0D%0Ab:c/',
      '//',
      '/@evil.example/',
      '/http:/',
      '/.//evil.example/',
    ]) {
      const request = new Request(`http://test${path}`)
      const response = await app.fetch(request)
      const location = response.headers.get('location')
      if (location !== null) expect([path, new URL(location, request.url).host]).toEqual([path, 'test'])
      expect([200, 308, 404]).toContain(response.status)
    }
  })
})

describe("trailingSlash: 'always'", () => {
  const app = router(
    {
      home: route('/').get(() => 'home'),
      item: route('/items/[slug]')
        .get((_request, { params }) => params.slug)
        .post(() => 'posted'),
      file: route('/files/[...path]').get((_request, { params }) => params.path),
      known: route('/.well-known/[name]').get((_request, { params }) => params.name),
    },
    { trailingSlash: 'always', basePath: '/api' },
  )
  const get = async (path: string, method = 'GET') => {
    const response = await app.fetch(new Request(`http://test/api${path}`, { method }))
    return [response.status, response.headers.get('location')]
  }

  it('redirects GET and HEAD to the pathname with a slash', async () => {
    for (const method of ['GET', 'HEAD'])
      expect([method, await get('/items/a?q=/x', method)]).toEqual([method, [308, '/api/items/a/?q=/x']])
    expect(await get('/items/a%2Fb')).toEqual([308, '/api/items/a%2Fb/'])
  })

  it('matches the pathname with a slash as without it', async () => {
    expect(await get('/items/a/')).toEqual([200, null])
    expect(await (await app.fetch(new Request('http://test/api/items/a/'))).json()).toBe('a')
    expect(await get('/')).toEqual([200, null])
    expect(await get('')).toEqual([200, null])
  })

  it('does not redirect other methods, files, /.well-known, or a pathname without a match', async () => {
    expect(await get('/items/a', 'POST')).toEqual([200, null])
    expect(await get('/items/a', 'OPTIONS')).toEqual([204, null])
    expect(await get('/files/a/b.css')).toEqual([200, null])
    expect(await get('/files/v1.0/b')).toEqual([308, '/api/files/v1.0/b/'])
    expect(await get('/.well-known/security')).toEqual([200, null])
    expect(await get('/nowhere')).toEqual([404, null])
    expect(await get('/items//')).toEqual([404, null])
  })

  it('never redirects to another origin', async () => {
    const all = router({ all: route('/[[...all]]').get(() => 1) }, { trailingSlash: 'always' })
    for (const path of ['//evil.example', '/\\evil.example', '/%2F/evil.example', '/%5Cevil', '/a//evil.example']) {
      const response = await all.fetch(new Request(`http://test${path}`))
      const location = response.headers.get('location') ?? '/'
      expect([path, new URL(location, 'http://test/x').origin]).toEqual([path, 'http://test'])
      expect(location).not.toMatch(/^\/[/\\]/)
    }
  })
})

describe('a request whose URL has dot segments', () => {
  // Deno and workerd keep dot segments in request.url.
  const kept = (url: string, init?: RequestInit): Request =>
    Object.defineProperty(new Request('http://h/', init), 'url', { value: url })
  const guard = middleware(() => reply.unauthorized())
  const app = router(
    {
      admin: route('/admin/[...path]')
        .use(guard)
        .get(() => 'admin'),
      open: route('/public/[[...path]]').get((_request, { params, url }) => [params.path ?? [], url.pathname]),
      home: route('/').get(() => 'home'),
    },
    { basePath: '/api' },
  )
  const read = async (path: string) => {
    const response = await app.fetch(kept(`http://h${path}`))
    return response.status === 200 ? ((await response.json()) as unknown) : response.status
  }

  it('is matched by the pathname that the URL parser produces', async () => {
    for (const path of [
      '/api/admin/../public/a',
      '/api/admin/%2e%2e/public/a',
      '/api/admin/.%2E/public/a',
      '/api/public/./a',
      '/api/public/%2E/a',
      '/api/x/../public/b/../a?q=/../#/../',
      '/api/admin/x\\..\\..\\public\\a',
      '/api\\public/a?q=\\..',
      '/api/admin/x/y\\..\\..\\../public/a',
    ])
      expect([path, await read(path)]).toEqual([path, [['a'], '/api/public/a']])
    // The parser leaves a trailing slash, which is redirected.
    expect(await read('/api/public/a/..')).toBe(308)
    expect(await read('/api/public/../admin/x')).toBe(401)
    expect(await read('/api/public/%2e%2e/admin/x')).toBe(401)
    expect(await read('/api/public/x\\..\\..\\admin\\x')).toBe(401)
  })

  it('cannot reach or leave the basePath with dots', async () => {
    expect(await read('/api/..')).toBe(404)
    expect(await read('/other/../api/public/a')).toEqual([['a'], '/api/public/a'])
    expect(await read('/api/../../public/a')).toBe(404)
  })

  it('keeps dots that are not a whole segment', async () => {
    for (const segment of ['...', '.a', 'a..', '%2e%2e%2e', '..;', '%252e%252e', 'a%2f..'])
      expect([segment, await read(`/api/public/${segment}`)]).toEqual([
        segment,
        [[decodeURIComponent(segment)], `/api/public/${segment}`],
      ])
  })

  it('is parsed one more time at most, whatever the number of its segments that begin with a dot', async () => {
    let count = 0
    vi.stubGlobal(
      'URL',
      class extends URL {
        constructor(...given: ConstructorParameters<typeof URL>) {
          super(...given)
          count++
        }
      },
    )
    const urlsOf = async (path: string): Promise<number> => {
      const before = count
      expect(await read(path)).toHaveLength(2)
      return count - before
    }
    const most = (await urlsOf('/api/public/a')) + 1
    for (const segment of ['/.a', '/%2ea', '\\a', '/.well-known'])
      expect([segment, await urlsOf(`/api/public${segment.repeat(2_000)}`)]).toEqual([segment, most])
    vi.unstubAllGlobals()
  })

  it('is matched like its parsed URL, for any pathname', async () => {
    const all = router(
      { all: route('/[[...all]]').get((_request, { params, url }) => [params.all ?? [], url.pathname]) },
      { trailingSlash: 'strict' },
    )
    const piece = fc.constantFrom(
      '/',
      '.',
      '..',
      '%2e',
      '%2E',
      'a',
      '%2F',
      '?',
      '#',
      '/./',
      '/../',
      '%',
      '\\',
      '\\..\\',
      '"',
      "'",
      '{',
      'ä',
    )
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 8 }), async (pieces) => {
        const url = `http://h/${pieces.join('')}`
        const [raw, parsed] = await Promise.all([all.fetch(kept(url)), all.fetch(new Request(url))])
        expect([raw.status, await raw.text()]).toEqual([parsed.status, await parsed.text()])
      }),
      { numRuns: 500 },
    )
  })
})

describe('basePath', () => {
  const app = router(
    {
      index: route('/').get(() => 'index'),
      item: route('/items/[slug]').get((_request, { params }) => params.slug),
      docs: route('/docs/[[...path]]').get((_request, { params }) => ({ ...params })),
    },
    { basePath: '/api/v1' },
  )
  const get = async (path: string): Promise<Response> => app.fetch(new Request(`http://test${path}`))

  it('is removed before matching', async () => {
    expect(await (await get('/api/v1')).json()).toBe('index')
    expect(await (await get('/api/v1?a=b')).json()).toBe('index')
    expect(await (await get('/api/v1/')).json()).toBe('index')
    expect(await (await get('/api/v1/items/a')).json()).toBe('a')
    expect(await (await get('/api/v1/items/%C3%A9?x=/y')).json()).toBe('é')
    expect(await (await get('/api/v1/docs')).json()).toEqual({})
    expect(await (await get('/api/v1/docs/a/b')).json()).toEqual({ path: ['a', 'b'] })
  })

  it('matches whole segments only', async () => {
    for (const path of [
      '/',
      '/api',
      '/api/v1x',
      '/api/v1x/items/a',
      '/api/v1%2Fitems/a',
      '/api/v10/items/a',
      '/items/a',
      '/API/v1/items/a',
      '//api/v1',
      '/x/api/v1',
    ])
      expect([path, (await get(path)).status]).toEqual([path, 404])
  })

  it('is added to the Location of a redirect', async () => {
    const response = await get('/api/v1/items/a/?q=1')
    expect([response.status, response.headers.get('location')]).toEqual([308, '/api/v1/items/a?q=1'])
  })

  it('throws for a path with a param', () => {
    expect(() => router({}, { basePath: '/[tenant]' })).toThrow(
      new RouterError("the basePath '/[tenant]' has a param; use a fixed path"),
    )
  })

  it.each(['/café', '/caf%C3%A9', '/a%20b'])('can have any encoding: %s', async (basePath) => {
    const other = router({ a: route('/x').get(() => 1) }, { basePath })
    expect((await other.fetch(new Request(`http://test${basePath}/x`))).status).toBe(200)
    expect((await other.fetch(new Request(new URL(`${decodeURIComponent(basePath)}/x`, 'http://test')))).status).toBe(
      200,
    )
  })
})
