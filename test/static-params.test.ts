import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import {
  errorOf,
  generateStaticParams,
  middleware,
  PatternError,
  rewrites,
  route,
  RouteError,
  router,
  RouterError,
} from '../src/index.js'
import type { RouterOptions } from '../src/index.js'
import type { App } from '../src/types.js'

const at = (path: string, init?: RequestInit): Request => new Request(`http://test${path}`, init)

/** The app as data, as middleware sees it. */
async function appOf(routes: object): Promise<App> {
  let app: App | undefined
  const read = middleware((_request, context, next) => {
    app = context.app
    return next()
  })
  await router(routes, { use: [read] }).fetch(at('/'))
  return app!
}

/** A router with a spy as `onError`. */
function watch(routes: object, options: RouterOptions = {}) {
  const onError = vi.fn()
  const app = router(routes, { onError, ...options })
  const fetch = async (path: string, init?: RequestInit) => app.fetch(at(path, init))
  return { onError, fetch, text: async (path: string, init?: RequestInit) => (await fetch(path, init)).text() }
}

const only = (slug: string) =>
  route('/items/[slug]', { params: generateStaticParams(() => [{ slug }], { dynamicParams: false }) })

describe('generateStaticParams()', () => {
  it('returns a value for the params option, with its options', async () => {
    const params = generateStaticParams(() => [{ slug: 'a' }])
    expect(params.dynamicParams).toBe(true)
    expect(generateStaticParams(() => [], { dynamicParams: false }).dynamicParams).toBe(false)
    expect(generateStaticParams(() => [], {}).dynamicParams).toBe(true)
    const item = route('/items/[slug]', { params }).get(() => 1)
    const { routes } = await appOf({ item })
    expect(routes[0]!.route.params).toEqual([{ names: ['slug'], schema: params }])
  })

  it('throws a TypeError for invalid arguments', () => {
    const generate = () => []
    const call =
      (...rest: unknown[]) =>
      () =>
        (generateStaticParams as any)(...rest)
    for (const [rest, message] of [
      [[], 'generateStaticParams() takes a function that returns a list of params'],
      [[[{ slug: 'a' }]], 'generateStaticParams() takes a function that returns a list of params'],
      [[generate, { dynamicParams: 'no' }], 'generateStaticParams() has an invalid \'dynamicParams\': "no"'],
      [[generate, { dynamicParams: null }], "generateStaticParams() has an invalid 'dynamicParams': null"],
      [[generate, { schema: {} }], "generateStaticParams() has an invalid 'schema': {}"],
      [
        [generate, { dynamicParam: false }],
        "generateStaticParams() has no option 'dynamicParam'; use schema, dynamicParams",
      ],
    ] as const)
      expect(call(...rest)).toThrow(new TypeError(message))
  })

  it('causes a RouteError for a pattern without params', () => {
    expect(() => route('/items', { params: generateStaticParams(() => []) as never })).toThrow(RouteError)
  })

  it('loads rows that href() accepts, and rejects others with a TypeError that names the row', async () => {
    const load = (rows: unknown, pattern = '/items/[slug]') =>
      generateStaticParams((() => rows) as never).load(pattern) as Promise<unknown>
    expect(await load([{ slug: 'a' }, { slug: 1 }])).toEqual([{ slug: 'a' }, { slug: 1 }])
    expect(await load(Promise.resolve([{}, { path: ['a', 1] }]), '/[[...path]]')).toEqual([{}, { path: ['a', 1] }])
    for (const [rows, row] of [
      [['a'], '"a"'],
      [[null], 'null'],
      [[{}], '{}'],
      [[{ slug: 'a', more: 'b' }], '{"slug":"a","more":"b"}'],
      [[{ slug: ['a'] }], '{"slug":["a"]}'],
      [[{ slug: '' }], '{"slug":""}'],
      [[{ slug: 'a' }, { slug: '..' }], '{"slug":".."}'],
    ] as const) {
      await expect(load(rows)).rejects.toThrow(TypeError)
      await expect(load(rows)).rejects.toThrow(`generateStaticParams() returned ${row}`)
    }
    for (const rows of [{ slug: 'a' }, undefined, 'a'])
      await expect(load(rows)).rejects.toThrow(
        new TypeError(`generateStaticParams() returned ${JSON.stringify(rows)}, which is not an array`),
      )
  })

  it('does not run for a request if other params match too', async () => {
    const generate = vi.fn(() => [{ slug: 'a' }])
    const item = route('/items/[slug]', { params: generateStaticParams(generate) }).get(
      (_request, { params }) => params.slug,
    )
    expect(await watch({ item }).text('/items/b')).toBe('"b"')
    expect(await (await item.GET(at('/items/b'))).text()).toBe('"b"')
    expect(generate).not.toHaveBeenCalled()
  })
})

describe('dynamicParams: false', () => {
  it('matches the listed params, and responds with 404 to others', async () => {
    const { fetch, onError } = watch({ item: only('a').get((_request, { params }) => params.slug) })
    expect(await (await fetch('/items/a')).json()).toBe('a')
    const response = await fetch('/items/b')
    expect(response.status).toBe(404)
    expect(await response.json()).toEqual({ title: 'Not Found', status: 404 })
    expect(onError).not.toHaveBeenCalled()
  })

  it('applies to every method, HEAD, OPTIONS and 405', async () => {
    const item = only('a')
      .get(() => 'got')
      .put(() => 'put')
    const { fetch } = watch({ item })
    const statuses = async (path: string) =>
      Promise.all(
        ['GET', 'HEAD', 'PUT', 'OPTIONS', 'DELETE'].map(async (method) => (await fetch(path, { method })).status),
      )
    expect(await statuses('/items/a')).toEqual([200, 200, 200, 204, 405])
    expect(await statuses('/items/b')).toEqual([404, 404, 404, 404, 404])
  })

  it('continues with the next matching route, with its own params, pattern, methods and middleware', async () => {
    const log: string[] = []
    const trace = (name: string) =>
      middleware((_request, context, next) => {
        log.push(`${name} ${context.pattern} ${JSON.stringify(context.params)}`)
        return next()
      })
    const item = only('a')
      .use(trace('item'))
      .get(() => 'item')
    const rest = route('/items/[...path]')
      .use(trace('rest'))
      .get((_request, { params, pattern }) => ({ params, pattern }))
      .post(() => 'posted')
    const { fetch } = watch({ item, rest }, { use: [trace('router')] })
    expect(await (await fetch('/items/b%2Fc')).json()).toEqual({
      params: { path: ['b/c'] },
      pattern: '/items/[...path]',
    })
    expect(log.map((line) => line.split(' ')[0])).toEqual(['rest'].flatMap((name) => ['router', name]))
    // The router's own middleware sees the route that runs.
    expect(log[0]).toBe('router /items/[...path] {"path":["b/c"]}')
    expect((await fetch('/items/b', { method: 'POST' })).status).toBe(200)
    expect((await fetch('/items/a', { method: 'POST' })).status).toBe(405)
    expect((await fetch('/items/b', { method: 'OPTIONS' })).headers.get('allow')).toBe('GET, POST, HEAD, OPTIONS')
  })

  it('passes no route to the router’s middleware if no route has the params', async () => {
    const seen: unknown[] = []
    const { fetch } = watch(
      { item: only('a').get(() => 1) },
      { use: [middleware((_request, { pattern, params }, next) => (seen.push(pattern, params), next()))] },
    )
    expect((await fetch('/items/b')).status).toBe(404)
    expect(seen).toEqual([undefined, {}])
  })

  it('continues over several routes in the order of precedence', async () => {
    const closed = { dynamicParams: false }
    const routes = {
      all: route('/[[...all]]').get(() => 'all'),
      path: route('/items/[...path]', {
        params: generateStaticParams(() => [{ path: ['b'] }, { path: ['c', 'd'] }], closed),
      }).get(() => 'path'),
      pair: route('/[x]/[y]', {
        params: generateStaticParams(
          () => [
            { x: 'items', y: 'e' },
            { x: 'items', y: 'b' },
          ],
          closed,
        ),
      }).get(() => 'pair'),
      item: only('a').get(() => 'item'),
    }
    const { text } = watch(routes)
    const responses = await Promise.all(
      ['/items/a', '/items/b', '/items/c/d', '/items/e', '/items/f', '/items/c', '/', '/x/y'].map((path) => text(path)),
    )
    expect(responses.map((text) => JSON.parse(text))).toEqual([
      'item',
      'path',
      'path',
      'pair',
      'all',
      'all',
      'all',
      'all',
    ])
  })

  it('continues with a route with the same number of segments', async () => {
    const pair = route('/[x]/[y]').get((_request, { params }) => params)
    const { fetch } = watch({ pair, item: only('a').get(() => 'item') })
    expect(await (await fetch('/items/b')).json()).toEqual({ x: 'items', y: 'b' })
  })

  it('compares decoded params, and a catch-all by segments', async () => {
    const files = route('/files/[[...path]]', {
      params: generateStaticParams(() => [{ path: ['a b', 'c/d'] }, { path: ['é'] }, {}, { path: ['%'] }], {
        dynamicParams: false,
      }),
    }).get(() => 1)
    const { fetch } = watch({ files })
    const statusOf = async (path: string) => (await fetch(path)).status
    for (const path of ['/files/a%20b/c%2Fd', '/files/%C3%A9', '/files/é', '/files', '/files/%25'])
      expect([path, await statusOf(path)]).toEqual([path, 200])
    for (const path of ['/files/a%20b/c/d', '/files/a%20b', '/files/a%2520b/c%2Fd', '/files/E', '/files/e%CC%81'])
      expect([path, await statusOf(path)]).toEqual([path, 404])
    expect(await statusOf('/files/%')).toBe(400)
  })

  it('compares an empty array as an absent catch-all, and params with names such as constructor', async () => {
    const files = route('/[constructor]/[[...toString]]', {
      params: generateStaticParams(() => [{ constructor: 'a', toString: [] }] as never, {
        dynamicParams: false,
      }) as never,
    }).get(() => 1)
    const { fetch } = watch({ files })
    expect((await fetch('/a')).status).toBe(200)
    expect((await fetch('/a/b')).status).toBe(404)
    expect((await (files as any).GET(at('/'), { params: { constructor: 'a' } })).status).toBe(200)
  })

  it('compares the strings of the pathname before the schema parses them', async () => {
    const byNumber = route('/n/[id]', {
      params: generateStaticParams(() => [{ id: 7 }, { id: 'x' }], {
        schema: z.object({ id: z.coerce.number() }),
        dynamicParams: false,
      }),
    }).get((_request, { params }) => params.id + 1)
    const { fetch } = watch({ byNumber })
    expect(await (await fetch('/n/7')).json()).toBe(8)
    expect((await fetch('/n/07')).status).toBe(404)
    expect((await fetch('/n/x')).status).toBe(404)
  })

  it('lists the params of a prefix too', async () => {
    const params = generateStaticParams(() => [{ org: 'a', user: 'b' }], { dynamicParams: false })
    const user = route
      .prefix('/orgs/[org]')('/[user]', { params })
      .get((_request, { params }) => ({ ...params }))
    const { fetch } = watch({ user })
    expect(await (await fetch('/orgs/a/b')).json()).toEqual({ org: 'a', user: 'b' })
    for (const path of ['/orgs/a/c', '/orgs/c/b']) expect([path, (await fetch(path)).status]).toEqual([path, 404])
    expect(await params.load('/orgs/[org]/[user]')).toEqual([{ org: 'a', user: 'b' }])
  })

  it('loads the list once, with the first request that needs it, for all concurrent requests', async () => {
    let give!: (rows: { slug: string }[]) => void
    const generate = vi.fn(() => new Promise<{ slug: string }[]>((resolve) => (give = resolve)))
    const item = route('/items/[slug]', { params: generateStaticParams(generate, { dynamicParams: false }) }).get(
      () => 1,
    )
    const home = route('/').get(() => 1)
    const { fetch } = watch({ item, home })
    await fetch('/')
    await fetch('/nowhere')
    expect(generate).not.toHaveBeenCalled()
    const responses = ['a', 'b', 'a'].map((slug) => fetch(`/items/${slug}`))
    await vi.waitFor(() => expect(generate).toHaveBeenCalledTimes(1))
    give([{ slug: 'a' }])
    expect((await Promise.all(responses)).map(({ status }) => status)).toEqual([200, 404, 200])
    expect((await fetch('/items/b')).status).toBe(404)
    expect(generate).toHaveBeenCalledTimes(1)
  })

  it('returns a Response without a promise once the list is loaded', async () => {
    const app = router({ item: only('a').get(() => 1) })
    await app.fetch(at('/items/a'))
    expect(app.fetch(at('/items/a'))).toBeInstanceOf(Response)
    expect(app.fetch(at('/items/b'))).toBeInstanceOf(Response)
  })

  it('causes a 500 inside the router’s middleware if loading fails, and loads again', async () => {
    const broken = new Error('no database')
    const generate = vi.fn(async () => [{ slug: 'a' }]).mockRejectedValueOnce(broken)
    const item = route('/items/[slug]', { params: generateStaticParams(generate, { dynamicParams: false }) }).get(
      () => 1,
    )
    const seen: unknown[] = []
    const look = middleware(async (_request, _context, next) => {
      const response = await next()
      seen.push(errorOf(response))
      return response
    })
    const { fetch, onError } = watch({ item }, { use: [look] })
    const response = await fetch('/items/a')
    expect(response.status).toBe(500)
    expect(await response.json()).toEqual({
      title: 'Internal Server Error',
      detail: 'No handler sent this response.',
      status: 500,
    })
    expect(seen).toEqual([broken])
    expect(onError.mock.calls).toEqual([
      [broken, expect.objectContaining({ pattern: '/items/[slug]', phase: 'input' })],
    ])
    expect((await fetch('/items/a')).status).toBe(200)
    expect(generate).toHaveBeenCalledTimes(2)
  })

  it.each([
    ['an object', { slug: 'a' }, /returned \{"slug":"a"\}, which is not an array/],
    ['undefined', undefined, /returned undefined, which is not an array/],
    ['a list of strings', ['a'], /returned .*"a"/],
    ['a list with null', [null], /returned .*null/],
  ])('causes a 500 and an onError call if the function returns %s', async (_name, rows, message) => {
    const params = generateStaticParams((() => rows) as never, { dynamicParams: false })
    const item = route('/items/[slug]', { params: params as never }).get(() => 1)
    const { fetch, onError } = watch({ item })
    expect((await fetch('/items/a')).status).toBe(500)
    expect(onError).toHaveBeenCalledTimes(1)
    const error = onError.mock.calls[0]![0]
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toMatch(message)
  })

  it('applies below a basePath, after a rewrite, and to a trailing slash', async () => {
    const routes = { item: only('a').get((_request, { params }) => params.slug) }
    const { fetch } = watch(routes, {
      basePath: '/api',
      trailingSlash: 'ignore',
      rewrites: rewrites([{ source: '/old/[slug]', destination: '/items/[slug]' }]),
    })
    for (const path of ['/api/items/a', '/api/items/a/', '/api/items/a?x#y'])
      expect([path, (await fetch(path)).status]).toEqual([path, 200])
    for (const path of ['/api/items/b', '/api/items/b/', '/items/a'])
      expect([path, (await fetch(path)).status]).toEqual([path, 404])
  })

  it("applies to the route's own function", async () => {
    const item = only('a').get((_request, { params }) => params.slug)
    expect((await item.GET(at('/items/a'))).status).toBe(200)
    expect((await item.GET(at('/items/b'))).status).toBe(404)
    expect((await item.GET(at('/'), { params: { slug: 'a' } })).status).toBe(200)
    expect((await item.GET(at('/items/a'), { params: Promise.resolve({ slug: 'b' }) })).status).toBe(404)
  })
})

const pattern = fc
  .tuple(
    fc.array(fc.constantFrom('a', 'b', '[x]', '[x]'), { maxLength: 3 }),
    fc.constantFrom('', '', '[...r]', '[[...r]]'),
  )
  .map(
    ([segments, rest]) =>
      `/${[...segments.map((text, at) => text.replace(/\w(?=\])/, `$&${at}`)), rest].filter(Boolean).join('/')}`,
  )
const pathname = fc
  .array(fc.constantFrom('a', 'b', 'c', '%61', 'a%20b'), { maxLength: 4 })
  .map((segments) => `/${segments.join('/')}`)

describe('a router with routes whose params never match', () => {
  it('responds as a router without them', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.tuple(pattern, fc.boolean()), { selector: ([text]) => text, minLength: 1, maxLength: 9 }),
        fc.array(pathname, { minLength: 1, maxLength: 6 }),
        async (declared, pathnames) => {
          const make = (text: string, isOpen: boolean): object => {
            const made = route(text).get((_request, context) => [context.pattern, context.params] as never)
            return isOpen
              ? made
              : route(text, { params: generateStaticParams(() => [], { dynamicParams: false }) as never }).get(
                  () => 'closed',
                )
          }
          const closable = declared.map(([text, isOpen]) => [text, isOpen || !text.includes('[')] as const)
          const toApp = (list: typeof closable) =>
            router(Object.fromEntries(list.map(([text, isOpen], index) => [index, make(text, isOpen)])))
          let app
          try {
            app = toApp(closable)
          } catch (error) {
            if (error instanceof RouterError || error instanceof PatternError) return fc.pre(false)
            throw error
          }
          const open = toApp(closable.filter(([, isOpen]) => isOpen))
          for (const path of pathnames) {
            const responses = await Promise.all([app.fetch(at(path)), open.fetch(at(path))])
            expect(responses[0].status).toBe(responses[1].status)
            if (responses[0].status === 200) expect(await responses[0].text()).toBe(await responses[1].text())
          }
        },
      ),
      { numRuns: 600 },
    )
  })
})
