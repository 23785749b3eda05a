import { afterEach, describe, expect, it, vi } from 'vitest'
import { createCache } from '../../src/cache/index.js'
import { middleware, route, router } from '../../src/index.js'
import {
  cookies,
  fromNextApp,
  fromNextPages,
  fromNextProxy,
  NextResponse,
  redirect,
  toNext,
  type NextApiRequest,
  type NextApiResponse,
  type NextRequest,
  type RouteModule,
} from '../../src/next/index.js'

afterEach(() => void vi.restoreAllMocks())

const at = (path: string, init?: RequestInit): Request => new Request(`http://test${path}`, init)
const cache = createCache()
const hello = { GET: () => new Response('hello') }

describe('fromNextApp()', () => {
  it('finds the patterns of route files', () => {
    const files = {
      './app/route.ts': hello,
      './app/items/[slug]/route.js': hello,
      './app/(shop)/cart/route.ts': hello,
      './app/@modal/photo/route.tsx': hello,
      './app/docs/[...path]/route.ts': hello,
      './app/blog/[[...path]]/route.ts': hello,
      './app/%5Funderscore/route.ts': hello,
      './app/(a)/(b)/deep/@c/route.ts': hello,
    }
    expect(Object.keys(fromNextApp(files)).sort()).toEqual(
      ['/', '/items/[slug]', '/cart', '/photo', '/docs/[...path]', '/blog/[[...path]]', '/_underscore', '/deep'].sort(),
    )
    expect(Object.keys(fromNextApp({ '/src/app/a/route.ts': hello }))).toEqual(['/a'])
    expect(Object.keys(fromNextApp({ '../web/routes/a/route.ts': hello }, { root: '/routes' }))).toEqual(['/a'])
  })

  it('uses the patterns of a manifest', async () => {
    const app = router(
      fromNextApp({
        '/items/[slug]': {
          GET: async (_request: Request, { params }: { params: Promise<{ slug: string }> }) =>
            Response.json(await params),
        },
      }),
    )
    expect(await (await app.fetch(at('/items/a'))).json()).toEqual({ slug: 'a' })
  })

  it.each([
    [{ './app/a/route.ts': {} }, /\.\/app\/a\/route\.ts exports no method/],
    [{ './app/a/route.ts': () => import('./nothing.js' as string) }, /eager: true/],
    [{ './app/a/route.ts': 5 }, /is not a module/],
    [{ './app/a/page.tsx': hello }, /\.\/app\/a\/page\.tsx is not a route handler/],
    [{ './app/_private/route.ts': hello }, /private folder _private/],
    [{ './app/(..)photo/route.ts': hello }, /intercepting route/],
    [{ './app/(a)/x/route.ts': hello, './app/(b)/x/route.ts': hello }, /which another file has too/],
    [{ './app/a/sitemap.ts': hello }, /has no default export/],
    [{ './app/[a/route.ts': hello }, /whole segment/],
  ] as [Record<string, RouteModule>, RegExp][])('throws for %o', (files, message) => {
    expect(() => fromNextApp(files, { cache })).toThrow(message)
  })

  it('mounts sitemap, robots, manifest and image files', async () => {
    const app = router(
      fromNextApp(
        {
          './app/sitemap.ts': { default: async () => [{ url: 'https://a.example/', lastModified: new Date(0) }] },
          './app/products/sitemap.ts': {
            generateSitemaps: async () => [{ id: 0 }, { id: 1 }],
            default: async ({ id }: { id: Promise<number> }) => [{ url: `https://a.example/${await id}` }],
          },
          './app/robots.ts': { default: () => ({ rules: { userAgent: '*', disallow: '/private/' } }) },
          './app/manifest.ts': { default: () => ({ name: 'Shop' }) },
          './app/icon.tsx': {
            contentType: 'image/x-test',
            default: () => new Response('icon', { headers: { 'content-type': 'image/png' } }),
          },
          './app/items/[slug]/opengraph-image.tsx': {
            contentType: 'image/x-test',
            default: async ({ params }: { params: Promise<{ slug: string }> }) => `image of ${(await params).slug}`,
          },
          './app/many/icon.tsx': {
            generateImageMetadata: () => [
              { id: 'small', contentType: 'image/a' },
              { id: 'large', contentType: 'image/b' },
            ],
            default: async ({ id }: { id: Promise<string> }) => `icon ${await id}`,
          },
        },
        { cache: createCache() },
      ),
    )
    const get = async (path: string) => {
      const response = await app.fetch(at(path))
      return [response.status, response.headers.get('content-type'), await response.text()] as const
    }
    const [, xml, map] = await get('/sitemap.xml')
    expect([xml, map.includes('<loc>https://a.example/</loc>')]).toEqual(['application/xml;charset=UTF-8', true])
    expect((await get('/products/sitemap/1.xml'))[2]).toContain('https://a.example/1')
    expect((await get('/products/sitemap/2.xml'))[0]).toBe(404)
    expect((await get('/products/sitemap/1'))[0]).toBe(404)
    expect((await get('/robots.txt'))[2]).toContain('Disallow: /private/')
    expect((await get('/manifest.webmanifest')).slice(1)).toEqual(['application/manifest+json', '{"name":"Shop"}'])
    expect((await get('/icon')).slice(1)).toEqual(['image/png', 'icon'])
    expect((await get('/items/a/opengraph-image')).slice(1)).toEqual(['image/x-test', 'image of a'])
    expect((await get('/many/icon/large')).slice(1)).toEqual(['image/b', 'icon large'])
    expect((await get('/many/icon/none'))[0]).toBe(404)
  })
})

describe('fromNextProxy()', () => {
  const seen = route('/[[...path]]').get((request, { url }) => ({
    path: url.pathname,
    a: request.headers.get('x-a'),
    cookie: request.headers.get('cookie'),
  }))
  const admin = route('/admin')
    .use(middleware((_request, _context, _next) => new Response('guarded', { status: 401 })))
    .get(() => 'admin')
  const toApp = (module: RouteModule) => router({ seen, admin }, { use: [fromNextProxy(module)], onError() {} })
  const send = async (module: RouteModule, path = '/x', init?: RequestInit) => toApp(module).fetch(at(path, init))

  it('continues with other request headers, and adds response headers', async () => {
    const proxy = (request: NextRequest) => {
      const headers = new Headers(request.headers)
      headers.set('x-a', 'new')
      const response = NextResponse.next({ request: { headers } })
      response.headers.set('x-by', 'proxy')
      response.cookies.set('seen', '1')
      return response
    }
    const response = await send({ proxy }, '/x', { headers: { cookie: 'b=1' } })
    expect(await response.json()).toEqual({ path: '/x', a: 'new', cookie: 'b=1' })
    expect([response.headers.get('x-by'), response.headers.get('set-cookie')]).toEqual(['proxy', 'seen=1; Path=/'])
    expect([...response.headers.keys()].filter((name) => name.startsWith('x-middleware'))).toEqual([])
  })

  it('redirects, responds, rewrites, and continues without a result', async () => {
    expect(
      (
        await send({ middleware: (request: NextRequest) => NextResponse.redirect(new URL('/y', request.url)) })
      ).headers.get('location'),
    ).toBe('http://test/y')
    expect(await (await send({ default: () => new Response('own') })).text()).toBe('own')
    expect((await send({ proxy: () => redirect('/z') })).headers.get('location')).toBe('/z')
    expect(await (await send({ proxy: () => undefined })).json()).toMatchObject({ path: '/x' })
    const rewrite = (request: NextRequest) => NextResponse.rewrite(new URL('/y?a', request.url))
    expect(await (await send({ proxy: rewrite })).json()).toMatchObject({ path: '/y' })
  })

  it('runs the guards of the target of a rewrite', async () => {
    const response = await send({
      proxy: (request: NextRequest) => NextResponse.rewrite(new URL('/admin', request.url)),
    })
    expect([response.status, await response.text()]).toEqual([401, 'guarded'])
  })

  it('ignores proxy headers that a client sends', async () => {
    const response = await send({ proxy: () => NextResponse.next() }, '/admin', {
      headers: {
        'x-middleware-subrequest': 'middleware:middleware',
        'x-middleware-next': '1',
        'x-middleware-rewrite': '/x',
      },
    })
    expect(response.status).toBe(401)
  })

  it('sets cookies through cookies()', async () => {
    const proxy = async () => {
      ;(await cookies()).set('a', '1')
    }
    expect((await send({ proxy })).headers.get('set-cookie')).toBe('a=1; Path=/')
  })

  it('causes a 500 if it throws or returns an invalid value', async () => {
    expect((await send({ proxy: () => Promise.reject(new Error('x')) })).status).toBe(500)
    expect((await send({ proxy: () => 5 })).status).toBe(500)
  })

  it.each([
    ['/about/:path*', ['/about', '/about/a', '/about/a/b'], ['/abouts', '/']],
    ['/about/:path+', ['/about/a', '/about/a/b'], ['/about']],
    ['/about/:path?', ['/about', '/about/a'], ['/about/a/b']],
    ['/about/:path', ['/about/a', '/about/a/'], ['/about', '/about/a/b']],
    ['/item-:id(\\d+)', ['/item-12'], ['/item-x', '/item-']],
    ['/((?!api|_next/static|favicon.ico).*)', ['/', '/a/b'], ['/api', '/api/x', '/_next/static/a.js', '/favicon.ico']],
    ['/(a|b)/c', ['/a/c', '/b/c'], ['/c/c']],
    ['/a.b', ['/a.b'], ['/axb']],
  ] as [string, string[], string[]][])('runs for the matcher %s', async (matcher, matching, others) => {
    const module = { proxy: () => new Response('proxy'), config: { matcher } }
    for (const path of matching) expect(await (await send(module, path)).text()).toBe('proxy')
    for (const path of others) expect(await (await send(module, path)).text()).not.toBe('proxy')
  })

  it('applies the has and missing conditions of matchers', async () => {
    const matcher = [
      { source: '/x', has: [{ type: 'header', key: 'x-a', value: '1|2' }], missing: [{ type: 'cookie', key: 'off' }] },
    ]
    const module = { proxy: () => new Response('proxy'), config: { matcher } }
    const text = async (headers: Record<string, string>) => (await send(module, '/x', { headers })).text()
    expect(await text({ 'x-a': '2' })).toBe('proxy')
    expect(await text({ 'x-a': '12' })).not.toBe('proxy')
    expect(await text({ 'x-a': '1', cookie: 'a=1; off=1' })).not.toBe('proxy')
    expect(await text({})).not.toBe('proxy')
  })

  it('throws for invalid modules and matchers', () => {
    expect(() => fromNextProxy({})).toThrow(TypeError)
    for (const matcher of ['about', '/(?<x', '/(a|b'])
      expect(() => fromNextProxy({ proxy: () => {}, config: { matcher } })).toThrow(/matcher/)
  })
})

describe('fromNextPages()', () => {
  type Run = (req: NextApiRequest, res: NextApiResponse) => unknown
  const send = async (run: Run, path = '/api/items/a', init?: RequestInit, config?: object) => {
    const onError = vi.fn()
    const it = fromNextPages('/api/items/[slug]', { default: run, ...(config && { config }) })
    const response = await router({ it }, { onError }).fetch(at(path, init))
    return Object.assign(response, { onError })
  }

  it('passes query with params, cookies, headers and the parsed body', async () => {
    const run: Run = (req, res) =>
      res.status(201).json([req.method, req.query, req.cookies, req.headers['x-a'], req.body, req.url])
    const response = await send(run, '/api/items/a?b=1&b=2&c=3', {
      method: 'POST',
      headers: { 'content-type': 'application/json', cookie: 'd=4', 'x-a': '5' },
      body: '{"e":6}',
    })
    expect([response.status, await response.json()]).toEqual([
      201,
      ['POST', { b: ['1', '2'], c: '3', slug: 'a' }, { d: '4' }, '5', { e: 6 }, '/api/items/a?b=1&b=2&c=3'],
    ])
    const form = await send((req, res) => res.json(req.body), undefined, {
      method: 'POST',
      body: new URLSearchParams('a=1&a=2'),
    })
    expect(await form.json()).toEqual({ a: ['1', '2'] })
  })

  it('sends text, bytes, objects, redirects, headers and streams', async () => {
    expect(await (await send((_req, res) => res.send('text'))).text()).toBe('text')
    expect(await (await send((_req, res) => res.send({ a: 1 }))).json()).toEqual({ a: 1 })
    expect((await send((_req, res) => res.send(Buffer.from('x')))).headers.get('content-type')).toBe(
      'application/octet-stream',
    )
    const moved = await send((_req, res) => res.redirect(308, '/ü'))
    expect([moved.status, moved.headers.get('location')]).toEqual([308, '/%C3%BC'])
    const cookies = await send((_req, res) => res.setHeader('set-cookie', ['a=1', 'b=2']).status(204).end())
    expect([cookies.status, cookies.headers.getSetCookie()]).toEqual([204, ['a=1', 'b=2']])
    const streamed = await send(async (_req, res) => {
      res.write('a')
      await Promise.resolve()
      res.write('b')
      res.end('c')
    })
    expect(await streamed.text()).toBe('abc')
  })

  it('responds with a 500 if the handler fails or sends nothing, and with 4xx to invalid bodies', async () => {
    const failed = await send(() => Promise.reject(new Error('x')))
    expect([failed.status, failed.onError.mock.calls.length]).toEqual([500, 1])
    const silent = await send(() => {})
    expect(silent.status).toBe(500)
    expect(String(silent.onError.mock.calls[0]![0])).toContain('returned without a response')
    const json = { method: 'POST', headers: { 'content-type': 'application/json' } }
    expect((await send((_req, res) => res.end(), undefined, { ...json, body: '{' })).status).toBe(400)
    const config = { api: { bodyParser: { sizeLimit: '1kb' } } }
    expect(
      (await send((_req, res) => res.end(), undefined, { ...json, body: JSON.stringify('x'.repeat(2_000)) }, config))
        .status,
    ).toBe(413)
    expect(() => fromNextPages('/a', {})).toThrow(TypeError)
    expect(() =>
      fromNextPages('/a', { default: () => {}, config: { api: { bodyParser: { sizeLimit: 'big' } } } }),
    ).toThrow(/sizeLimit/)
  })
})

describe('toNext()', () => {
  const item = route('/items/[slug]')
    .get((_request, { params, url }) => [params.slug, url.pathname])
    .post(async (request) => request.text())
  const old = route('/old').get(() => Response.redirect('http://test/items/a'))
  const app = router({
    item,
    old,
    moved: route('/moved').get(() => new Response(null, { status: 307, headers: { location: '/items/a' } })),
  })
  const context = { params: Promise.resolve({ path: ['items', 'a'] }) }

  it('returns the exports of a catch-all route.ts', async () => {
    const handlers = toNext(app, { basePath: '/api' })
    expect(await (await handlers.GET(at('/api/items/a'), context)).json()).toEqual(['a', '/items/a'])
    expect(await (await handlers.POST(at('/api/items/a', { method: 'POST', body: 'text' }), context)).json()).toBe(
      'text',
    )
    expect((await handlers.GET(at('/apis/items/a'), context)).status).toBe(404)
    expect((await handlers.GET(at('/api/moved'), context)).headers.get('location')).toBe('/api/items/a')
    expect((await handlers.GET(at('/api/old'), context)).headers.get('location')).toBe('http://test/items/a')
    expect(await (await toNext(app).GET(at('/items/a'), context)).json()).toEqual(['a', '/items/a'])
  })

  it('throws for an invalid base path', () => {
    for (const basePath of ['api', '/api/', '/a?b', 'https://a.example'])
      expect(() => toNext(app, { basePath })).toThrow(TypeError)
  })
})
