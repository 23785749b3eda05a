import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createCache } from '../../src/cache/index.js'
import { createClient } from '../../src/client/index.js'
import { route, router } from '../../src/index.js'
import {
  after,
  cacheLife,
  cacheTag,
  connection,
  cookies,
  draftMode,
  fetch as nextFetch,
  forbidden,
  fromNext,
  headers,
  isHTTPAccessFallbackError,
  isRedirectError,
  NextRequest,
  NextResponse,
  notFound,
  patchFetch,
  permanentRedirect,
  redirect,
  refresh,
  revalidatePath,
  revalidateTag,
  unauthorized,
  unstable_cache,
  unstable_rethrow,
  updateTag,
  userAgent,
  userAgentFromString,
  type FromNextOptions,
  type RouteModule,
} from '../../src/next/index.js'
import { openapi } from '../../src/openapi/index.js'

afterEach(() => void vi.restoreAllMocks())

const at = (path: string, init?: RequestInit): Request => new Request(`http://test${path}`, init)
const onError = vi.fn()
beforeEach(() => void onError.mockReset())

const mount = (module: RouteModule, pattern = '/items/[slug]', options?: FromNextOptions) =>
  router({ it: fromNext(pattern, module, options) }, { onError })
const send = async (module: RouteModule, path = '/items/a', init?: RequestInit, options?: FromNextOptions) =>
  mount(module, '/items/[slug]', options).fetch(at(path, init))

describe('fromNext()', () => {
  it('runs each method that the module exports', async () => {
    const module = {
      GET: async (_request: Request, { params }: { params: Promise<{ slug: string }> }) => Response.json(await params),
      POST: async (request: NextRequest) => NextResponse.json({ body: await request.json() }, { status: 201 }),
    }
    expect(await (await send(module)).json()).toEqual({ slug: 'a' })
    const posted = await send(module, '/items/a', { method: 'POST', body: '{"a":1}' })
    expect([posted.status, await posted.json()]).toEqual([201, { body: { a: 1 } }])
    expect((await send(module, '/items/a', { method: 'PUT' })).headers.get('allow')).toBe('GET, POST, HEAD, OPTIONS')
    expect((await send(module, '/items/a', { method: 'HEAD' })).status).toBe(200)
  })

  it('passes params that can be awaited, chained with then() or read directly', async () => {
    const GET = async (_request: Request, { params }: { params: Promise<{ slug: string }> & { slug: string } }) =>
      Response.json([(await params).slug, await params.then(({ slug }) => slug), params.slug])
    expect(await (await send({ GET }, '/items/a%2Fb')).json()).toEqual(['a/b', 'a/b', 'a/b'])
  })

  it('is included in the typed client and the OpenAPI document', async () => {
    const item = fromNext('/items/[slug]', {
      GET: async (_request: Request, { params }: { params: Promise<{ slug: string }> }) => Response.json(await params),
    })
    const app = router({ item })
    const api = createClient<typeof app>({ fetch: app.fetch })
    const { data } = await api('/items/[slug]').get({ params: { slug: 'x y' } })
    expect(data).toEqual({ slug: 'x y' })
    expect(Object.keys((await openapi(app, { info: { title: 'x', version: '1' } })).paths!)).toEqual(['/items/{slug}'])
  })

  it('mounts an Edge API route, a default export for all methods', async () => {
    const module = { config: { runtime: 'edge' }, default: (request: Request) => new Response(request.method) }
    for (const method of ['GET', 'PUT']) expect(await (await send(module, '/items/a', { method })).text()).toBe(method)
  })

  it.each([
    [{}, /route '\/items\/\[slug\]' exports no method; export functions named GET/],
    [{ get: () => new Response() }, /exports 'get'; Next\.js reads 'GET'/],
    [{ GET: 'x' }, /exports GET, which is not a function/],
    [{ GET: () => new Response(), dynamic: 'sometimes' }, /exports dynamic = "sometimes"; use "auto"/],
    [{ GET: () => new Response(), revalidate: -1 }, /exports revalidate = -1/],
    [{ GET: () => new Response(), fetchCache: 'x' }, /exports fetchCache = "x"/],
    [{ GET: () => new Response(), runtime: 'deno' }, /exports runtime = "deno"/],
    [{ GET: () => new Response(), maxDuration: 0 }, /exports maxDuration = 0/],
    [{ GET: () => new Response(), revalidate: 60 }, /pass \{ cache: createCache\(\) \}/],
    [{ GET: () => new Response(), generateStaticParams: [] }, /generateStaticParams, which is not a function/],
  ] as [RouteModule, RegExp][])('throws for the module %j', (module, message) => {
    expect(() => mount(module)).toThrow(message)
  })

  it('responds with a 500 if a handler returns no Response', async () => {
    expect((await send({ GET: () => ({ a: 1 }) })).status).toBe(500)
    expect(String(onError.mock.calls[0]![0])).toContain(
      "the handler of '/items/[slug]' returned object instead of a Response",
    )
  })

  it('limits params to those of generateStaticParams with dynamicParams = false', async () => {
    const module = {
      dynamicParams: false,
      dynamic: 'force-dynamic',
      generateStaticParams: ({ params }: { params: object }) => (Object.keys(params).length ? [] : [{ slug: 'a' }]),
      GET: () => new Response('x'),
    }
    expect((await send(module, '/items/a')).status).toBe(200)
    expect((await send(module, '/items/b')).status).toBe(404)
  })

  it('ends a handler that takes longer than maxDuration', async () => {
    vi.useFakeTimers()
    const pending = send({ maxDuration: 5, GET: () => new Promise(() => {}) })
    await vi.advanceTimersByTimeAsync(5_000)
    expect((await pending).status).toBe(503)
    vi.useRealTimers()
  })

  it('limits bodies to its bodyLimit option', async () => {
    const module = { POST: async (request: Request) => new Response(String((await request.text()).length)) }
    const init = { method: 'POST', body: 'x'.repeat(50) }
    expect(await (await send(module, '/items/a', init, { bodyLimit: 50 })).text()).toBe('50')
    expect((await send(module, '/items/a', init, { bodyLimit: 49 })).status).toBe(413)
  })
})

describe('NextRequest', () => {
  it('is the request of the host, with nextUrl and cookies', async () => {
    const request = at('/items/a?b=1', { headers: { cookie: 'one=1; two=%C3%BC' } })
    let seen!: NextRequest
    const app = mount({ GET: (request: NextRequest) => ((seen = request), new Response()) })
    await app.fetch(request)
    expect(seen).toBe(request)
    expect(seen instanceof NextRequest).toBe(true)
    expect(request instanceof Request).toBe(true)
    expect([
      seen.nextUrl.pathname,
      seen.nextUrl.search,
      seen.nextUrl.searchParams.get('b'),
      seen.nextUrl.origin,
    ]).toEqual(['/items/a', '?b=1', '1', 'http://test'])
    expect(seen.cookies.get('two')).toEqual({ name: 'two', value: 'ü' })
    expect([seen.cookies.size, seen.cookies.has('one'), seen.cookies.getAll().length]).toEqual([2, true, 2])
    expect(String(seen.cookies.set('three', '3'))).toBe('one=1; two=%C3%BC; three=3')
    expect(await new Request(seen).text()).toBe('')
  })

  it('has a nextUrl without the base path, and a clone of its own', async () => {
    const it = fromNext('/items/[slug]', {
      GET: ({ nextUrl }: NextRequest) => {
        const clone = nextUrl.clone()
        clone.pathname = '/other'
        clone.searchParams.set('a', 'b')
        return Response.json([nextUrl.pathname, nextUrl.basePath, String(clone), nextUrl.href])
      },
    })
    const response = await router({ it }, { basePath: '/shop' }).fetch(at('/shop/items/a'))
    expect(await response.json()).toEqual([
      '/items/a',
      '/shop',
      'http://test/shop/other?a=b',
      'http://test/shop/items/a',
    ])
  })

  it('can be created from a URL', () => {
    const request = new NextRequest('https://a.example/x?y=1', { headers: { cookie: 'a=b' } })
    expect([request.nextUrl.pathname, request.cookies.get('a')!.value, request instanceof Request]).toEqual([
      '/x',
      'b',
      true,
    ])
    expect(at('/') instanceof NextRequest).toBe(false)
  })
})

describe('NextResponse', () => {
  it('sets cookies, and reads the cookies that it has set', async () => {
    const GET = () => {
      const response = NextResponse.json({ a: 1 })
      response.cookies.set('a', '1').set({ name: 'b', value: 'ü', httpOnly: true, sameSite: true })
      response.cookies.set('a', '2').delete('c')
      expect(response.cookies.get('b')).toMatchObject({
        name: 'b',
        value: 'ü',
        httpOnly: true,
        sameSite: 'strict',
        path: '/',
      })
      expect(response.cookies.getAll().map(({ name }) => name)).toEqual(['b', 'a', 'c'])
      return response
    }
    const response = await send({ GET })
    expect(response.headers.getSetCookie()).toEqual([
      'b=%C3%BC; Path=/; HttpOnly; SameSite=Strict',
      'a=2; Path=/',
      'c=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT',
    ])
    expect(response.headers.get('content-type')).toBe('application/json')
  })

  it('redirects to absolute URLs only', () => {
    expect(NextResponse.redirect('https://a.example/').status).toBe(307)
    expect(NextResponse.redirect(new URL('https://a.example/'), 303).headers.get('location')).toBe('https://a.example/')
    expect(() => NextResponse.redirect('/relative')).toThrow(/absolute URL/)
    expect(() => NextResponse.redirect('javascript:alert(1)')).toThrow(/http\(s\) URL/)
    expect(() => NextResponse.redirect('https://a.example/', 200)).toThrow(RangeError)
  })

  it('rewrites to another route of the app, with its guards', async () => {
    const it = fromNext('/items/[slug]', {
      GET: (request: NextRequest) =>
        NextResponse.rewrite(new URL('/inner?x=1', request.url), { headers: { 'x-by': 'rewrite' } }),
    })
    const inner = route('/inner').get((_request, { url }) => ({ search: url.search }))
    const response = await router({ it, inner }).fetch(at('/items/a'))
    expect(await response.json()).toEqual({ search: '?x=1' })
    expect(response.headers.get('x-by')).toBe('rewrite')
    expect([...response.headers.keys()].filter((name) => name.startsWith('x-middleware'))).toEqual([])
  })

  it('responds with 500 to a rewrite to its own URL', async () => {
    const response = await send({ GET: (request: NextRequest) => NextResponse.rewrite(request.url) })
    expect(response.status).toBe(500)
  })

  it('applies the internal headers of a next/server response, and does not send them', async () => {
    const GET = () =>
      new Response(null, { headers: { 'x-middleware-next': '1', 'x-middleware-rewrite': 'http://test/nothing' } })
    const response = await send({ GET })
    expect(response.status).toBe(404)
    expect(response.headers.has('x-middleware-next')).toBe(false)
    expect((await send({ GET: () => NextResponse.next() })).status).toBe(500)
    expect(String(onError.mock.calls.at(-1)![0])).toContain('works in a proxy.ts only')
  })
})

describe('next/navigation', () => {
  it.each([
    ['redirect', () => redirect('/a;b?c=1'), 307, '/a;b?c=1'],
    ['redirect to another origin', () => redirect('https://other.example/x'), 307, 'https://other.example/x'],
    ['permanentRedirect', () => permanentRedirect('/new'), 308, '/new'],
    ['notFound', () => notFound(), 404, null],
    ['forbidden', () => forbidden(), 403, null],
    ['unauthorized', () => unauthorized(), 401, null],
  ] as [string, () => never, number, string | null][])('%s ends the handler', async (_name, end, status, location) => {
    const response = await send({ GET: async () => end() })
    expect([response.status, response.headers.get('location')]).toEqual([status, location])
    expect(onError).not.toHaveBeenCalled()
    if (status >= 400) expect(response.headers.get('content-type')).toBe('application/problem+json')
  })

  it('redirect() sends 303 after a form, and 307 otherwise', async () => {
    const POST = () => redirect('/done')
    for (const [type, status] of [
      ['application/x-www-form-urlencoded; charset=utf-8', 303],
      ['multipart/form-data;boundary=x', 303],
      ['application/json', 307],
    ] as const)
      expect(
        (await send({ POST }, '/items/a', { method: 'POST', body: 'a=1', headers: { 'content-type': type } })).status,
      ).toBe(status)
  })

  it('recognizes the errors of the real next/navigation, and no others', async () => {
    const throwing = (digest: unknown) => ({
      GET: () => {
        throw Object.assign(new Error('x'), { digest })
      },
    })
    expect((await send(throwing('NEXT_REDIRECT;replace;/x;307;'))).headers.get('location')).toBe('/x')
    expect((await send(throwing('NEXT_HTTP_ERROR_FALLBACK;404'))).status).toBe(404)
    expect((await send(throwing('NEXT_NOT_FOUND'))).status).toBe(404)
    for (const digest of [
      'NEXT_HTTP_ERROR_FALLBACK;200',
      'NEXT_REDIRECT;x;/;307;',
      'NEXT_REDIRECT;push;/;200;',
      'other',
      5,
    ])
      expect((await send(throwing(digest))).status).toBe(500)
    for (const url of ['javascript:alert(1)', ' data:text/html,x'])
      expect((await send(throwing(`NEXT_REDIRECT;push;${url};307;`))).status).toBe(500)
  })

  it('rejects targets that a browser would run', () => {
    for (const url of ['javascript:alert(1)', 'JavaScript:alert(1)', 'data:text/html,x', 'vbscript:x'])
      expect(() => redirect(url)).toThrow(TypeError)
  })

  it('unstable_rethrow() throws its errors again', () => {
    for (const end of [() => redirect('/'), () => notFound()])
      try {
        end()
      } catch (error) {
        expect(isRedirectError(error) || isHTTPAccessFallbackError(error)).toBe(true)
        expect(() => unstable_rethrow(error)).toThrow()
      }
    expect(() => unstable_rethrow(new Error('x'))).not.toThrow()
  })
})

describe('headers() and cookies()', () => {
  it('read the request, and set cookies with the response', async () => {
    const GET = async () => {
      const jar = await cookies()
      jar.set('new', '1', { httpOnly: true, maxAge: 60 })
      jar.delete('old')
      const own = await headers()
      expect(() => (own as unknown as Headers).set('a', 'b')).toThrow(TypeError)
      return Response.json([
        own.get('x-a'),
        jar.get('old') ?? null,
        (await cookies()).get('new')!.value,
        jar.has('kept'),
      ])
    }
    const response = await send({ GET }, '/items/a', { headers: { 'x-a': '1', cookie: 'old=1; kept=2' } })
    expect(await response.json()).toEqual(['1', null, '1', true])
    expect(response.headers.getSetCookie()).toEqual([
      'new=1; Max-Age=60; Path=/; HttpOnly',
      'old=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT',
    ])
  })

  it("a response's own cookie takes precedence, redirect() keeps cookies, notFound() and errors do not", async () => {
    const setting = (end: () => unknown) => ({
      GET: async () => {
        ;(await cookies()).set('a', 'jar')
        return end()
      },
    })
    const of = async (end: () => unknown) => (await send(setting(end))).headers.getSetCookie()
    expect(await of(() => new Response(null, { headers: { 'set-cookie': 'a=own' } }))).toEqual(['a=own'])
    expect(await of(() => redirect('/'))).toEqual(['a=jar; Path=/'])
    expect(await of(() => notFound())).toEqual([])
    expect(await of(() => Promise.reject(new Error('x')))).toEqual([])
  })

  it('throw for names and attributes that could inject others, and encode values', async () => {
    for (const [name, value, options] of [
      ['a; Domain=evil', 'x', {}],
      ['a', 'x', { path: '/; Domain=evil' }],
      ['a', 'x', { domain: 'a\r\nx: y' }],
    ] as const)
      expect(
        (
          await send({
            GET: async () => {
              ;(await cookies()).set(name, value, options)
              return new Response()
            },
          })
        ).status,
      ).toBe(500)
    const response = await send({
      GET: async () => {
        ;(await cookies()).set('a', 'x; Domain=evil\r\n')
        return new Response()
      },
    })
    expect(response.headers.get('set-cookie')).toBe('a=x%3B%20Domain%3Devil%0D%0A; Path=/')
  })

  it('return the values of their own request among concurrent requests', async () => {
    let waiting = 0
    const gate =
      Promise.withResolvers?.() ??
      (() => {
        let resolve!: (value: unknown) => void
        const promise = new Promise((done) => (resolve = done))
        return { promise, resolve }
      })()
    const app = mount({
      GET: async () => {
        if (++waiting === 5) gate.resolve(undefined)
        await gate.promise
        ;(await cookies()).set('own', (await headers()).get('x-id')!)
        return new Response((await headers()).get('x-id'))
      },
    })
    const responses = await Promise.all(
      [0, 1, 2, 3, 4].map((id) => app.fetch(at('/items/a', { headers: { 'x-id': String(id) } }))),
    )
    for (const [id, response] of responses.entries()) {
      expect(await response.text()).toBe(String(id))
      expect(response.headers.get('set-cookie')).toBe(`own=${id}; Path=/`)
    }
  })

  it.each([
    ['headers', headers, 'request.headers'],
    ['cookies', cookies, 'cookies()'],
    ['draftMode', draftMode, 'cache({ bypass })'],
    ['connection', connection, 'handlers run'],
    ['after', async () => after(() => {}), 'context.after()'],
    ['revalidateTag', async () => revalidateTag('a'), 'cache.revalidateTag()'],
    ['revalidatePath', async () => revalidatePath('/a'), 'cache.revalidatePath()'],
    ['unstable_cache', async () => unstable_cache(async () => 1, ['a'])(), 'cache.wrap()'],
    ['cacheTag', async () => cacheTag('a'), 'cache({ tags })'],
  ] as [string, () => Promise<unknown>, string][])(
    '%s() outside of a request throws an error that names the alternative',
    async (name, call, instead) => {
      await expect(call()).rejects.toThrow(`${name}() was called outside of a request`)
      await expect(call()).rejects.toThrow(instead)
    },
  )
})

describe('after()', () => {
  it('runs work concurrently after the response, and the work can read the request', async () => {
    const log: string[] = []
    let release!: () => void
    const app = mount({
      GET: async () => {
        after(async () => {
          await new Promise<void>((resolve) => (release = resolve))
          log.push(`first ${(await headers()).get('x-a')}`)
        })
        after(() => {
          log.push('second')
          release()
        })
        after(Promise.resolve())
        after(async () => {
          ;(await cookies()).set('late', '1')
        })
        log.push('handler')
        return new Response()
      },
    })
    const response = await app.fetch(at('/items/a', { headers: { 'x-a': '1' } }))
    log.push('response')
    await app.settled()
    expect(log).toEqual(['handler', 'response', 'second', 'first 1'])
    expect(response.headers.has('set-cookie')).toBe(false)
    expect(String(onError.mock.calls[0]![0])).toContain('when the response has been sent')
  })
})

describe('caching', () => {
  const toApp = (module: RouteModule, options: FromNextOptions = {}) =>
    mount(module, '/items/[slug]', { cache: createCache(), ...options })
  const counting = (config: object, run: (request: NextRequest) => unknown = () => undefined) => {
    let runs = 0
    return { ...config, GET: async (request: NextRequest) => (await run(request), Response.json(++runs)) }
  }
  const valueOf = async (
    app: { fetch: (request: Request) => Response | Promise<Response> },
    init?: RequestInit,
    path = '/items/a',
  ) => (await app.fetch(at(path, init))).json()

  it.each([
    [{}, false],
    [{ dynamic: 'auto' }, false],
    [{ dynamic: 'force-static' }, true],
    [{ dynamic: 'error' }, true],
    [{ revalidate: 60 }, true],
    [{ revalidate: false }, true],
    [{ revalidate: 0 }, false],
    [{ dynamic: 'force-dynamic', revalidate: 60 }, false],
    [{ generateStaticParams: () => [{ slug: 'a' }] }, true],
    [{ revalidate: 60, POST: () => new Response() }, true],
  ])('with %j, a response is cached: %s', async (config, isCached) => {
    const app = toApp(counting(config))
    expect([await valueOf(app), await valueOf(app)]).toEqual(isCached ? [1, 1] : [1, 2])
  })

  it('does not store a response that read the request', async () => {
    for (const read of [
      (request: NextRequest) => request.headers.get('x-a'),
      (request: NextRequest) => request.cookies.get('a'),
      (request: NextRequest) => request.nextUrl.searchParams.get('a'),
      (request: NextRequest) => request.nextUrl.href,
      async () => (await headers()).get('a'),
      async () => (await cookies()).get('a'),
      () => connection(),
    ]) {
      const app = toApp(counting({ revalidate: 60 }, read))
      expect([await valueOf(app), await valueOf(app)]).toEqual([1, 2])
    }
    const free = toApp(
      counting({ revalidate: 60 }, ({ method, nextUrl }) => [method, nextUrl.pathname, nextUrl.origin]),
    )
    expect([await valueOf(free), await valueOf(free)]).toEqual([1, 1])
  })

  it("force-static hides the request, and 'error' causes a 500 if the handler reads it", async () => {
    const GET = async (request: NextRequest) =>
      Response.json([request.nextUrl.search, request.headers.get('x-a'), (await cookies()).get('a') ?? null])
    const app = toApp({ dynamic: 'force-static', GET })
    expect(await valueOf(app, { headers: { 'x-a': '1', cookie: 'a=1' } }, '/items/a?b=1')).toEqual(['', null, null])
    const strict = toApp({ dynamic: 'error', GET })
    expect((await strict.fetch(at('/items/a'))).status).toBe(500)
  })

  it("revalidateTag() invalidates responses by cacheTag() before it returns, and with 'max' makes them stale", async () => {
    const cache = createCache()
    let runs = 0
    const items = fromNext(
      '/items',
      { revalidate: 60, GET: async () => (cacheTag('items'), Response.json(++runs)) },
      { cache },
    )
    const change = fromNext('/change', { POST: async () => (revalidateTag('items'), new Response()) }, { cache })
    const stale = fromNext('/stale', { POST: async () => (revalidateTag('items', 'max'), new Response()) }, { cache })
    const expire = fromNext(
      '/expire',
      { POST: async () => (revalidateTag('items', { expire: 0 }), new Response()) },
      { cache },
    )
    const app = router({ items, change, stale, expire })
    const read = () => valueOf(app, undefined, '/items')
    expect([await read(), await read()]).toEqual([1, 1])
    await app.fetch(at('/change', { method: 'POST' }))
    expect(await read()).toBe(2)
    await app.fetch(at('/stale', { method: 'POST' }))
    expect(await read()).toBe(2)
    await app.settled()
    expect(await read()).toBe(3)
    await app.fetch(at('/expire', { method: 'POST' }))
    expect(await read()).toBe(4)
  })

  it('revalidatePath() accepts a pathname, a pattern or a layout', async () => {
    const cache = createCache()
    let runs = 0
    const module = { revalidate: 60, GET: async () => Response.json(++runs) }
    const app = router(
      {
        list: fromNext('/shop/items', module, { cache }),
        item: fromNext('/shop/items/[slug]', module, { cache }),
        other: fromNext('/other', module, { cache }),
        change: fromNext(
          '/change',
          {
            POST: async (request: Request) => {
              const [path, type] = (await request.json()) as [string, 'layout'?]
              revalidatePath(path, type)
              return new Response()
            },
          },
          { cache },
        ),
      },
      { onError },
    )
    const paths = ['/shop/items', '/shop/items/a', '/shop/items/b', '/other']
    const changed = async (...args: string[]) => {
      const before = await Promise.all(paths.map((path) => valueOf(app, undefined, path)))
      await app.fetch(at('/change', { method: 'POST', body: JSON.stringify(args) }))
      const then = await Promise.all(paths.map((path) => valueOf(app, undefined, path)))
      return paths.filter((_, index) => before[index] !== then[index])
    }
    expect(await changed('/shop/items/a')).toEqual(['/shop/items/a'])
    expect(await changed('/shop/items/[slug]')).toEqual(['/shop/items/a', '/shop/items/b'])
    expect(await changed('/shop', 'layout')).toEqual(['/shop/items', '/shop/items/a', '/shop/items/b'])
    expect(await changed('/', 'layout')).toEqual(paths)
    expect(await changed('/shop/items/a', 'layout')).toEqual(['/shop/items/a', '/shop/items/b'])
    expect(onError).not.toHaveBeenCalled()
    expect(await changed('/nothing/here')).toEqual([])
    expect(await changed('/nothing', 'layout')).toEqual([])
    expect(onError).toHaveBeenCalledTimes(2)
    expect(String(onError.mock.calls[0]![0])).toContain('revalidated nothing')
  })

  it('updateTag() and refresh() throw', () => {
    expect(() => updateTag('a')).toThrow('Server Actions only')
    expect(() => refresh()).toThrow('Server Actions only')
  })

  it('unstable_cache() stores by keys and arguments, with tags, for functions created in each request', async () => {
    const cache = createCache()
    let runs = 0
    const GET = async (_request: NextRequest, { params }: { params: Promise<{ slug: string }> }) => {
      const { slug } = await params
      const find = unstable_cache(async (more: number) => `${slug} ${more} ${++runs}`, ['item', slug], {
        tags: [`item:${slug}`],
      })
      return Response.json([await find(1), await find(2)])
    }
    const change = fromNext('/change', { POST: async () => (revalidateTag('item:a'), new Response()) }, { cache })
    const app = router({ it: fromNext('/items/[slug]', { GET }, { cache }), change }, { onError })
    expect(await valueOf(app)).toEqual(['a 1 1', 'a 2 2'])
    expect(await valueOf(app, undefined, '/items/b')).toEqual(['b 1 3', 'b 2 4'])
    expect(await valueOf(app)).toEqual(['a 1 1', 'a 2 2'])
    await app.fetch(at('/change', { method: 'POST' }))
    expect(await valueOf(app)).toEqual(['a 1 5', 'a 2 6'])
    expect(await valueOf(app, undefined, '/items/b')).toEqual(['b 1 3', 'b 2 4'])
    expect(onError).not.toHaveBeenCalled()
  })

  it('unstable_cache() refreshes a stale result with the function of its own request', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const cache = createCache()
    let runs = 0
    const GET = async () => Response.json(await unstable_cache(async () => ++runs, ['count'], { revalidate: 10 })())
    const app = router({ it: fromNext('/items/[slug]', { GET }, { cache }) }, { onError })
    expect(await valueOf(app)).toBe(1)
    vi.advanceTimersByTime(11_000)
    expect(await valueOf(app)).toBe(1)
    await app.settled()
    await vi.waitFor(async () => expect(await valueOf(app)).toBe(2))
    vi.useRealTimers()
  })

  it('unstable_cache() rejects if the function reads the request, and throws without keys', async () => {
    const app = toApp({
      GET: async () => Response.json(await unstable_cache(async () => (await headers()).get('a'), ['a'])()),
    })
    expect((await app.fetch(at('/items/a'))).status).toBe(500)
    expect(String(onError.mock.calls[0]![0])).toContain('in a function of unstable_cache()')
    expect(() => unstable_cache(async () => 1, [])).toThrow(TypeError)
    expect(() => unstable_cache(async () => 1, undefined as never)).toThrow(TypeError)
  })

  it('a cached response gets the tags and the smaller lifetime of the functions that it called', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const cache = createCache()
    let runs = 0
    const GET = async () => {
      cacheLife({ revalidate: 5 })
      return Response.json([++runs, await unstable_cache(async () => 1, ['one'], { tags: ['one'] })()])
    }
    const change = fromNext('/change', { POST: async () => (revalidateTag('one'), new Response()) }, { cache })
    const app = router({ it: fromNext('/items/[slug]', { revalidate: 600, GET }, { cache }), change })
    const read = async () => ((await valueOf(app)) as [number])[0]
    expect([await read(), await read()]).toEqual([1, 1])
    await app.fetch(at('/change', { method: 'POST' }))
    expect(await read()).toBe(2)
    vi.advanceTimersByTime(6_000)
    await read()
    await app.settled()
    expect(await read()).toBe(3)
    vi.useRealTimers()
  })

  it('draft mode bypasses the cache and stores nothing, only for a cookie with the secret', async () => {
    const draftSecret = 's'.repeat(32)
    const module = counting({ revalidate: 60 })
    const cache = createCache()
    const app = router(
      {
        it: fromNext('/items/[slug]', module, { cache, draftSecret }),
        enable: fromNext(
          '/enable',
          { GET: async () => ((await draftMode()).enable(), new Response()) },
          { draftSecret },
        ),
        seen: fromNext('/seen', { GET: async () => Response.json((await draftMode()).isEnabled) }, { draftSecret }),
        disable: fromNext(
          '/disable',
          { GET: async () => ((await draftMode()).disable(), new Response()) },
          { draftSecret },
        ),
        without: fromNext('/without', { GET: async () => ((await draftMode()).enable(), new Response()) }),
      },
      { onError },
    )
    const line = (await app.fetch(at('/enable'))).headers.get('set-cookie')!
    expect(line).toBe(`__prerender_bypass=${draftSecret}; Path=/; HttpOnly; Secure; SameSite=None`)
    const cookie = line.split(';')[0]!
    expect([await valueOf(app), await valueOf(app, { headers: { cookie } }), await valueOf(app)]).toEqual([1, 2, 1])
    expect(await valueOf(app, { headers: { cookie } }, '/seen')).toBe(true)
    for (const forged of [
      '__prerender_bypass=',
      '__prerender_bypass=x',
      `__prerender_bypass=${'x'.repeat(32)}`,
      `${cookie}s`,
    ]) {
      expect(await valueOf(app, { headers: { cookie: forged } }, '/seen')).toBe(false)
      expect(await valueOf(app, { headers: { cookie: forged } })).toBe(1)
    }
    expect((await app.fetch(at('/disable'))).headers.get('set-cookie')).toContain('Expires=Thu, 01 Jan 1970')
    expect((await app.fetch(at('/without'))).status).toBe(500)
    expect(String(onError.mock.calls[0]![0])).toContain('needs a secret')
    expect(() => mount(module, '/items/[slug]', { cache, draftSecret: 'short' })).toThrow(/32 characters/)
  })
})

describe('fetch()', () => {
  const answering = (
    respond: (request: Request) => Response = (request) => Response.json([request.method, request.url]),
  ) => {
    const calls: Request[] = []
    vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
      const request = new Request(input as Request, init)
      calls.push(request)
      return respond(request)
    })
    return calls
  }
  const toApp = (run: () => Promise<unknown>, config: object = {}) =>
    mount({ ...config, GET: async () => Response.json((await run()) ?? null) }, '/items/[slug]', {
      cache: createCache(),
    })
  const times = async (count: number, run: () => Promise<unknown>, config?: object) => {
    const app = toApp(run, config)
    const statuses = []
    for (let index = 0; index < count; index++) statuses.push((await app.fetch(at('/items/a'))).status)
    return statuses
  }
  const url = 'https://api.example/x'

  it.each([
    [undefined, 2],
    [{ next: { tags: ['a'] } }, 2],
    [{ next: { revalidate: 0 } }, 2],
    [{ cache: 'no-store' }, 2],
    [{ cache: 'force-cache' }, 1],
    [{ next: { revalidate: 60 } }, 1],
    [{ next: { revalidate: false, tags: ['a'] } }, 1],
    [{ method: 'POST', body: 'x', cache: 'force-cache' }, 1],
    [{ method: 'POST', body: 'x' }, 2],
  ] as [object | undefined, number][])('with %j, two requests of the app send %i', async (init, count) => {
    const calls = answering()
    await times(2, async () => (await nextFetch(url, init)).json())
    expect(calls).toHaveLength(count)
  })

  it.each([
    ['force-no-store', { cache: 'force-cache' }, 2],
    ['force-cache', {}, 1],
    ['default-cache', {}, 1],
    ['default-cache', { cache: 'no-store' }, 2],
    ['default-no-store', {}, 2],
    ['only-cache', {}, 1],
  ] as [string, RequestInit, number][])('follows fetchCache = %j for %j', async (fetchCache, init, count) => {
    const calls = answering()
    await times(2, async () => (await nextFetch(url, init)).json(), { fetchCache })
    expect(calls).toHaveLength(count)
  })

  it('responds with 500 to a fetch() whose cache option contradicts fetchCache', async () => {
    answering()
    expect(await times(1, async () => nextFetch(url, { cache: 'no-store' }), { fetchCache: 'only-cache' })).toEqual([
      500,
    ])
    expect(
      await times(1, async () => nextFetch(url, { cache: 'force-cache' }), { fetchCache: 'only-no-store' }),
    ).toEqual([500])
  })

  it('distinguishes method, URL, headers and body, but not trace headers', async () => {
    const calls = answering()
    const app = toApp(async () => {
      for (const [target, init] of [
        [url, {}],
        [`${url}?a`, {}],
        [url, { headers: { 'x-a': '1' } }],
        [url, { headers: { traceparent: String(calls.length) } }],
        [url, { method: 'POST', body: 'a' }],
        [url, { method: 'POST', body: 'b' }],
      ] as [string, RequestInit][])
        await nextFetch(target, { ...init, cache: 'force-cache' })
    })
    await app.fetch(at('/items/a'))
    await app.fetch(at('/items/a'))
    expect(calls).toHaveLength(5)
  })

  it('does not store a 404, and returns its complete body', async () => {
    const calls = answering(() => new Response('no', { status: 404 }))
    const app = toApp(async () => {
      const response = await nextFetch(url, { cache: 'force-cache' })
      return [response.status, await response.text()]
    })
    expect(await (await app.fetch(at('/items/a'))).json()).toEqual([404, 'no'])
    await app.fetch(at('/items/a'))
    expect(calls).toHaveLength(2)
  })

  it('stores the bytes and headers of a response', async () => {
    const bytes = new Uint8Array([0, 255, 128, 10])
    answering(() => new Response(bytes, { headers: { 'content-type': 'image/x', 'x-a': '1' } }))
    const app = toApp(async () => {
      const response = await nextFetch(url, { cache: 'force-cache' })
      return [
        [...new Uint8Array(await response.arrayBuffer())],
        response.headers.get('content-type'),
        response.headers.get('x-a'),
      ]
    })
    for (let count = 0; count < 2; count++)
      expect(await (await app.fetch(at('/items/a'))).json()).toEqual([[0, 255, 128, 10], 'image/x', '1'])
  })

  it('calls the network once for equal GET requests within one request', async () => {
    const calls = answering()
    await times(1, async () => Promise.all([nextFetch(url), nextFetch(url), nextFetch(`${url}2`)]).then(() => 1))
    expect(calls).toHaveLength(2)
  })

  it('patches the global function, and restores it', async () => {
    const calls = answering()
    const original = globalThis.fetch
    const restore = patchFetch()
    expect(globalThis.fetch).not.toBe(original)
    await times(2, async () => (await fetch(url, { cache: 'force-cache' })).json())
    expect(calls).toHaveLength(1)
    await fetch(url)
    expect(calls).toHaveLength(2)
    restore()
    expect(globalThis.fetch).toBe(original)
  })
})

describe('userAgent()', () => {
  it('parses the header', async () => {
    const chrome =
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36'
    expect(userAgent(at('/', { headers: { 'user-agent': chrome } }))).toMatchObject({
      isBot: false,
      browser: { name: 'Chrome' },
      os: { name: 'Windows' },
    })
    expect(userAgentFromString('Googlebot/2.1 (+http://www.google.com/bot.html)').isBot).toBe(true)
    expect(userAgentFromString(undefined).isBot).toBe(false)
    expect(userAgentFromString('('.repeat(100_000)).ua.length).toBeLessThan(1_000)
  })
})
