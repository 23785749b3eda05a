import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createCache, DynamicError, type CacheOptions } from '../../src/cache/index.js'
import { cookies, type Cookies } from '../../src/middleware/index.js'
import { middleware, route, router, type RouteContext } from '../../src/index.js'
import { at, read, statusOf } from '../fixtures/cache.js'

type Context = RouteContext<'/items/[slug]'> & {
  readonly user: { readonly id: string }
  readonly cookies: Cookies
  readonly session: () => string
}
type Look = (request: Request, context: Context) => unknown

/** A request with client data in every place. */
function toRequest(secret: string): Request {
  const request = at(`/items/a?q=${secret}`, { cookie: `id=${secret}`, 'x-a': secret, 'x-user': secret })
  return Object.assign(request, { ip: secret, cf: { city: secret }, runtime: { name: secret } })
}

const outside = middleware((request, _context, next) => {
  const secret = request.headers.get('x-user') ?? 'nobody'
  return next({ user: { id: secret }, session: () => secret })
})

function toApp(look: Look, options: Partial<CacheOptions> = {}) {
  const cache = createCache()
  const errors: unknown[] = []
  let runs = 0
  const item = route('/items/[slug]')
    .use(cookies())
    .use(outside)
    .use(cache({ revalidate: false, ...options }))
    .get(async (request, context) => {
      runs++
      return JSON.stringify((await look(request, context as never)) ?? null)
    })
  const app = router({ item }, { onError: (error, { phase }) => void errors.push([phase, error]) })
  return {
    errors,
    get runs() {
      return runs
    },
    ask: (secret: string) => app.fetch(toRequest(secret), { requestIP: () => ({ address: secret }) }),
  }
}

const json = async (value: Response) => JSON.parse((await value.json()) as string) as unknown

// Each way to read a value, and the name of the read.
const reads: readonly [name: string, look: Look, read: string][] = [
  ['headers.get', ({ headers }) => headers.get('X-A'), 'header x-a'],
  ['headers.has', ({ headers }) => headers.has('x-a'), 'header x-a'],
  ['headers.get of cookie', ({ headers }) => headers.get('cookie'), 'header cookie'],
  ['a header that is not there', ({ headers }) => headers.get('x-none'), 'header x-none'],
  ['headers spread', ({ headers }) => [...headers], 'all headers'],
  ['headers.entries', ({ headers }) => [...headers.entries()], 'all headers'],
  ['headers.keys', ({ headers }) => [...headers.keys()], 'all headers'],
  ['headers.values', ({ headers }) => [...headers.values()], 'all headers'],
  [
    'headers.forEach',
    ({ headers }) => {
      const all: string[] = []
      headers.forEach((value) => all.push(value))
      return all
    },
    'all headers',
  ],
  ['Object.fromEntries(headers)', ({ headers }) => Object.fromEntries(headers), 'all headers'],
  ['new Headers(headers)', ({ headers }) => new Headers(headers).get('x-a'), 'all headers'],
  ['new Map(headers)', ({ headers }) => new Map(headers).get('x-a'), 'all headers'],
  ['new Request(url, request)', (request) => new Request('http://up/', request).headers.get('x-a'), 'all headers'],
  [
    'a fetch with its headers',
    ({ headers }) => new Request('http://up/', { headers }).headers.get('x-a'),
    'all headers',
  ],
  ['request.clone()', (request) => request.clone().headers.get('x-a'), 'header x-a'],
  ['request.url', (request) => request.url, 'request.url'],
  ['new URL(request.url)', (request) => new URL(request.url).searchParams.get('q'), 'request.url'],
  ['request.clone().url', (request) => request.clone().url, 'request.url'],
  ['request.ip', (request) => (request as never as { ip: string }).ip, 'request.ip'],
  ['request.cf', (request) => (request as never as { cf?: object }).cf, 'request.cf'],
  ['request.runtime', (request) => (request as never as { runtime?: object }).runtime, 'request.runtime'],
  ['url.search', (_request, { url }) => url.search, 'the raw query'],
  ['url.searchParams', (_request, { url }) => url.searchParams.get('q'), 'the raw query'],
  ['url.href', (_request, { url }) => url.href, 'the raw query'],
  ['String(url)', (_request, { url }) => String(url), 'the raw query'],
  ['url.toJSON', (_request, { url }) => JSON.stringify(url), 'the raw query'],
  ['new URL(url)', (_request, { url }) => new URL(url).search, 'the raw query'],
  ['new URL(path, url)', (_request, { url }) => new URL('?', url).href, 'the raw query'],
  ['new Request(url)', (_request, { url }) => new Request(url).url, 'the raw query'],
  [
    'url.searchParams after a change',
    (_request, { url }) => {
      url.pathname = '/elsewhere'
      url.hash = 'x'
      return url.href
    },
    'the raw query',
  ],
  ['context.ip', (_request, { ip }) => ip, 'context.ip'],
  ['context.user', (_request, { user }) => user.id, 'context.user'],
  ['context.session', (_request, { session }) => session(), 'context.session'],
  ['context.cookies', (_request, context) => context.cookies.get('id')?.value, 'context.cookies'],
  ['{ ...context }', (_request, context) => ({ ...context }).user.id, 'all of context'],
  ['a rest', (_request, { params: _params, ...rest }) => rest.user.id, 'all of context'],
  [
    'Object.entries(context)',
    (_request, context) => Object.entries(context).map(([, value]) => JSON.stringify(value)),
    'all of context',
  ],
  ['Object.assign({}, context)', (_request, context) => Object.assign({}, context).user.id, 'all of context'],
  ['JSON.stringify(context)', (_request, context) => JSON.stringify({ ...context, cookies: 0 }), 'all of context'],
  [
    'a descriptor',
    (_request, context) => {
      const { get, value } = Object.getOwnPropertyDescriptor(context, 'user')!
      return (get ? get.call(context) : value).id
    },
    'context.user',
  ],
  ['Reflect.get', (_request, context) => Reflect.get(context, 'user').id, 'context.user'],
  ['an object made of it', (_request, context) => (Object.create(context) as Context).user.id, 'context.user'],
]

describe('a read of a value that is not in the key', () => {
  it.each(reads)(
    '%s: the response is sent and not stored, and Cache-Status names what was read',
    async (_name, look, what) => {
      // The response of an app without a cache.
      let expected: unknown
      const bare = router({
        item: route('/items/[slug]')
          .use(cookies())
          .use(outside)
          .get(async (request, context) => JSON.stringify((await look(request, context as never)) ?? null)),
      })
      const self = toApp(look)
      for (const secret of ['first', 'second']) {
        expected = await json(await bare.fetch(toRequest(secret), { requestIP: () => ({ address: secret }) }))
        const response = await self.ask(secret)
        expect(statusOf(response)).toMatchObject({ fwd: 'uri-miss', detail: expect.stringContaining(`reads ${what}`) })
        expect(response.headers.get('cache-control')).toBe('private, no-cache')
        expect(await json(response)).toEqual(expected)
      }
      expect([self.runs, self.errors]).toEqual([2, []])
    },
  )

  it.each(reads)(
    "%s causes a 500 and a DynamicError that names the read, with dynamic: 'error'",
    async (_name, look, what) => {
      const self = toApp(look, { dynamic: 'error' })
      for (let count = 1; count <= 2; count++) {
        const response = await self.ask('secret')
        expect([response.status, await response.text()]).toEqual([500, expect.not.stringContaining('secret')])
        expect(self.runs).toBe(count)
        expect(self.errors).toHaveLength(count)
        const [phase, error] = self.errors[count - 1] as [string, DynamicError]
        expect([phase, error]).toEqual(['handler', expect.any(DynamicError)])
        expect(error.read).toContain(what)
        expect(error.message).toContain("the cached route '/items/[slug]' reads")
      }
    },
  )

  it.each(reads)("%s returns no data of the client, with dynamic: 'force-static'", async (_name, look) => {
    const self = toApp(
      (request, context) => {
        try {
          return look(request, context)
        } catch (error) {
          // For example a read of `user.id` without a user.
          return String(error)
        }
      },
      { dynamic: 'force-static' },
    )
    const first = await self.ask('secret')
    expect(statusOf(first)).toMatchObject({ fwd: 'uri-miss', stored: true })
    const text = JSON.stringify(await json(first))
    expect(text).not.toContain('secret')
    const second = await self.ask('other')
    expect([JSON.stringify(await json(second)), statusOf(second), self.runs]).toEqual([text, { hit: true }, 1])
  })

  it("causes a 500 with dynamic: 'error', even if the handler catches the error", async () => {
    const self = toApp(
      ({ headers }) => {
        try {
          return headers.get('cookie')
        } catch {
          return 'none'
        }
      },
      { dynamic: 'error' },
    )
    expect((await self.ask('secret')).status).toBe(500)
    expect(self.errors).toHaveLength(1)
  })

  it('is tracked in inner middleware too', async () => {
    const cache = createCache()
    const inner = middleware(({ headers }, _context, next) => next({ language: headers.get('accept-language') }))
    const item = route('/a')
      .use(cache({ revalidate: false }))
      .use(inner)
      .get((_request, { language }) => language)
    const app = router({ item })
    for (const language of ['de', 'en'])
      expect(await read(app.fetch(at('/a', { 'accept-language': language })))).toEqual([
        200,
        language,
        { fwd: 'uri-miss', detail: 'reads header accept-language' },
      ])
  })
})

describe('a read that is allowed', () => {
  it.each<[string, Look]>([
    ['params', (_request, { params }) => params.slug],
    ['pattern', (_request, { pattern }) => pattern],
    ['env', (_request, { env }) => typeof env],
    ['signals', (request, { signal }) => [request.signal.aborted, signal.aborted]],
    ['the URL without its query', (_request, { url }) => [url.origin, url.pathname, url.host, url.protocol, url.hash]],
    ['the method', (request) => request.method],
    ['the body that is none', async (request) => [request.body, await request.text()]],
    [
      'what fetch(request) sends',
      (request) => {
        const sent = new Request(request)
        return [sent.url, [...sent.headers]]
      },
    ],
    [
      'the prototypes',
      (request) => [
        Headers.prototype.get.call(request.headers, 'x-a'),
        Object.getOwnPropertyDescriptor(Request.prototype, 'url')!.get!.call(request),
        Object.getOwnPropertyDescriptor(Request.prototype, 'headers')!.get!.call(request).get('x-a'),
      ],
    ],
    ['JSON.stringify(request)', (request) => JSON.stringify([request.headers, request.method])],
    [
      'after and waitUntil',
      (_request, { after, waitUntil }) => {
        after(() => {})
        waitUntil(Promise.resolve())
        return 1
      },
    ],
  ])('%s', async (_name, look) => {
    const self = toApp(look)
    const first = await self.ask('secret')
    expect(statusOf(first)).toEqual({ fwd: 'uri-miss', stored: true })
    const text = await first.text()
    expect(text).not.toContain('secret')
    expect(await (await self.ask('other')).text()).toBe(text)
    expect(self.runs).toBe(1)
  })

  it('of a value that key reads', async () => {
    const cache = createCache()
    let runs = 0
    const item = route('/items/[slug]')
      .use(outside)
      .use(cache({ revalidate: false, key: (context: Omit<Context, 'cookies'>) => [context.user.id, context.ip] }))
      .get((_request, context) => {
        const { user, ip } = context as never as Context
        return [user.id, ip ?? null, ++runs]
      })
    const app = router({ item })
    const ask = (secret: string) => read(app.fetch(toRequest(secret)))
    expect(await ask('a')).toEqual([200, ['a', 'a', 1], { fwd: 'uri-miss', stored: true }])
    expect((await ask('b'))[1]).toEqual(['b', 'b', 2])
    expect(await ask('a')).toEqual([200, ['a', 'a', 1], { hit: true }])
  })

  it('of a declared input', async () => {
    const cache = createCache()
    const item = route('/a')
      .use(cache({ revalidate: false }))
      .get(
        { query: z.object({ q: z.string() }), headers: z.object({ 'x-a': z.string() }) },
        (_request, { query, headers }) => [query.q, headers['x-a']],
      )
    const app = router({ item })
    expect(await read(app.fetch(at('/a?q=1', { 'x-a': '2' })))).toEqual([
      200,
      ['1', '2'],
      { fwd: 'uri-miss', stored: true },
    ])
    expect(await read(app.fetch(at('/a?q=1', { 'x-a': '2' })))).toEqual([200, ['1', '2'], { hit: true }])
  })

  it('of a value that inner middleware adds or replaces', async () => {
    const cache = createCache()
    const inner = middleware((_request, _context, next) => next({ user: { id: 'inner' } }))
    let runs = 0
    const item = route('/items/[slug]')
      .use(outside)
      .use(cache({ revalidate: false }))
      .use(inner)
      .get((_request, context) => [context.user.id, ++runs])
    const app = router({ item })
    for (const secret of ['a', 'b']) expect((await read(app.fetch(toRequest(secret))))[1]).toEqual(['inner', 1])
  })
})

describe('the request in a cached handler', () => {
  it('has the method GET, also if the client sent HEAD', async () => {
    const cache = createCache()
    const methods: string[] = []
    const item = route('/a')
      .use(cache({ revalidate: false }))
      .get(({ method }) => methods.push(method))
    const app = router({ item })
    await app.fetch(at('/a', {}, 'HEAD'))
    expect(methods).toEqual(['GET'])
  })

  it('has immutable headers', async () => {
    const { ask } = toApp(({ headers }) =>
      [() => headers.set('x-a', 'b'), () => headers.append('x-a', 'b'), () => headers.delete('x-a')].map((change) => {
        try {
          return change()
        } catch (error) {
          return (error as Error).message
        }
      }),
    )
    const message = 'the headers of a cached request cannot be changed; add the value to the context instead'
    expect(await json(await ask('secret'))).toEqual([message, message, message])
  })

  it('is an instance of Request, and the same object each time it is read', async () => {
    const { ask } = toApp((request, { url }) => [
      request instanceof Request,
      request.headers instanceof Headers,
      url instanceof URL,
      Object.prototype.toString.call(request),
      Object.prototype.toString.call(request.headers),
      request.headers === request.headers,
      url === url,
    ])
    const response = await ask('secret')
    expect(statusOf(response)).toEqual({ fwd: 'uri-miss', stored: true })
    expect(await json(response)).toEqual([true, true, true, '[object Request]', '[object Headers]', true, true])
  })

  it('comes with a URL of its own, which the handler can change', async () => {
    const { ask } = toApp((_request, { url }) => {
      url.search = '?own=1'
      url.searchParams.append('more', '2')
      return [url.href, url.search, url.searchParams.get('q')]
    })
    for (const secret of ['a', 'b']) {
      const response = await ask(secret)
      expect(await json(response)).toEqual(['http://test/items/a?own=1&more=2', '?own=1&more=2', null])
    }
    expect(statusOf(await ask('c'))).toEqual({ hit: true })
  })
})
