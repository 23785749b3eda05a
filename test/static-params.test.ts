import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { errorOf, generateStaticParams, middleware, PatternError, rewrites, route, RouteError, router, RouterError } from '../src/index.js'
import type { RouterOptions } from '../src/index.js'

const at = (path: string, init?: RequestInit): Request => new Request(`http://test${path}`, init)

/** A router that keeps what `onError` was told. */
function watch(routes: object, options: RouterOptions = {}) {
  const onError = vi.fn()
  const app = router(routes, { onError, ...options })
  const fetch = async (path: string, init?: RequestInit) => app.fetch(at(path, init))
  return { onError, fetch, text: async (path: string, init?: RequestInit) => (await fetch(path, init)).text() }
}

const only = (slug: string) => route('/items/[slug]', { params: generateStaticParams(() => [{ slug }], { dynamicParams: false }) })

describe('generateStaticParams', () => {
  it('is data on the route, before and after an operation, and leaves the route before it as it was', () => {
    const generate = () => [{ slug: 'a' }]
    const base = route('/items/[slug]')
    const before = base.generateStaticParams(generate).get(() => 1)
    const after = base.get(() => 1, { params: generateStaticParams(generate, { dynamicParams: false }) })
    expect(base.staticParams).toBeUndefined()
    expect(before.staticParams).toMatchObject({ generate, dynamicParams: true })
    expect(after.staticParams).toMatchObject({ generate, dynamicParams: false })
    expect(after.use((_request, _context, next) => next()).staticParams).toBe(after.staticParams)
    expect([...after.operations.keys()]).toEqual(['GET'])
  })

  it('is refused twice, without params, and with what it does not take', () => {
    const generate = () => []
    const item = route('/items/[slug]')
    const call =
      (...rest: unknown[]) =>
      () =>
        (item as any).generateStaticParams(...rest)
    expect(() => item.generateStaticParams(generate, { params: generateStaticParams(generate) })).toThrow(
      new RouteError("route '/items/[slug]': .generateStaticParams() was called twice; leave one of the two."),
    )
    expect(() => (route('/items') as any).generateStaticParams(generate)).toThrow(
      new RouteError("route '/items': .generateStaticParams() has nothing to generate: the pattern has no params."),
    )
    for (const wrong of [
      [],
      [[{ slug: 'a' }]],
      [generate, { dynamicParams: 'no' }],
      [generate, { dynamicParams: null }],
      [generate, { dynamicParam: false }],
    ])
      expect(call(...wrong)).toThrow(RouteError)
    expect(call(generate, { dynamicParams: undefined })().staticParams.dynamicParams).toBe(true)
  })

  it('runs for no request where other params are answered too', async () => {
    const generate = vi.fn(() => [{ slug: 'a' }])
    const item = route('/items/[slug]', { params: generateStaticParams(generate) })
      .get((_request, { params }) => params.slug)
    expect(await watch({ item }).text('/items/b')).toBe('"b"')
    expect(await (await item.GET(at('/items/b'))).text()).toBe('"b"')
    expect(generate).not.toHaveBeenCalled()
  })
})

describe('dynamicParams: false', () => {
  it('answers the params that were given, and 404 for others', async () => {
    const { fetch, onError } = watch({ item: only('a').get((_request, { params }) => params.slug) })
    expect(await (await fetch('/items/a')).json()).toBe('a')
    const response = await fetch('/items/b')
    expect(response.status).toBe(404)
    expect(await response.json()).toEqual({ title: 'Not Found', status: 404 })
    expect(onError).not.toHaveBeenCalled()
  })

  it('is for every method of the route, and for those that it has by itself', async () => {
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

  it('goes on to the next route that matches, with its params, pattern, methods and middleware alone', async () => {
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
    // The router's own middleware sees the route that answers.
    expect(log[0]).toBe('router /items/[...path] {"path":["b/c"]}')
    expect((await fetch('/items/b', { method: 'POST' })).status).toBe(200)
    expect((await fetch('/items/a', { method: 'POST' })).status).toBe(405)
    expect((await fetch('/items/b', { method: 'OPTIONS' })).headers.get('allow')).toBe('GET, POST, HEAD, OPTIONS')
  })

  it('shows a middleware of the router no route where none has these params', async () => {
    const seen: unknown[] = []
    const { fetch } = watch(
      { item: only('a').get(() => 1) },
      { use: [middleware((_request, { pattern, params }, next) => (seen.push(pattern, params), next()))] },
    )
    expect((await fetch('/items/b')).status).toBe(404)
    expect(seen).toEqual([undefined, {}])
  })

  it('goes on over several routes, in the order of precedence', async () => {
    const closed = { dynamicParams: false }
    const routes = {
      all: route('/[[...all]]').get(() => 'all'),
      path: route('/items/[...path]', { params: generateStaticParams(() => [{ path: ['b'] }, { path: ['c', 'd'] }], closed) })
        .get(() => 'path'),
      pair: route('/[x]/[y]', { params: generateStaticParams(() => [
            { x: 'items', y: 'e' },
            { x: 'items', y: 'b' },
          ],
          closed) })
        .get(() => 'pair'),
      item: only('a').get(() => 'item'),
    }
    const { text } = watch(routes)
    const answers = await Promise.all(
      ['/items/a', '/items/b', '/items/c/d', '/items/e', '/items/f', '/items/c', '/', '/x/y'].map((path) => text(path)),
    )
    expect(answers.map((answer) => JSON.parse(answer))).toEqual([
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

  it('goes on to a route of the same length', async () => {
    const pair = route('/[x]/[y]').get((_request, { params }) => params)
    const { fetch } = watch({ pair, item: only('a').get(() => 'item') })
    expect(await (await fetch('/items/b')).json()).toEqual({ x: 'items', y: 'b' })
  })

  it('compares what is captured decoded, a catch-all segment by segment, an absent one as the empty', async () => {
    const files = route('/files/[[...path]]', { params: generateStaticParams(() => [{ path: ['a b', 'c/d'] }, { path: ['é'] }, {}, { path: ['%'] }], {
        dynamicParams: false,
      }) })
      .get(() => 1)
    const { fetch } = watch({ files })
    const statusOf = async (path: string) => (await fetch(path)).status
    for (const path of ['/files/a%20b/c%2Fd', '/files/%C3%A9', '/files/é', '/files', '/files/%25'])
      expect([path, await statusOf(path)]).toEqual([path, 200])
    for (const path of ['/files/a%20b/c/d', '/files/a%20b', '/files/a%2520b/c%2Fd', '/files/E', '/files/e%CC%81'])
      expect([path, await statusOf(path)]).toEqual([path, 404])
    expect(await statusOf('/files/%')).toBe(400)
  })

  it('takes an empty array for an absent catch-all, and params named like members of objects', async () => {
    const files = route('/[constructor]/[[...toString]]', { params: generateStaticParams(() => [{ constructor: 'a', toString: [] }] as any, { dynamicParams: false }) })
      .get(() => 1)
    const { fetch } = watch({ files })
    expect((await fetch('/a')).status).toBe(200)
    expect((await fetch('/a/b')).status).toBe(404)
    expect((await (files as any).GET(at('/'), { params: { constructor: 'a' } })).status).toBe(200)
  })

  it('compares the strings of the pathname where a schema parses them', async () => {
    const byNumber = route('/n/[id]', { params: z.object({ id: z.coerce.number() }) })
      .generateStaticParams(() => [{ id: '7' }, { id: 'x' }], { dynamicParams: false })
      .get((_request, { params }) => params.id + 1)
    const { fetch } = watch({ byNumber })
    expect(await (await fetch('/n/7')).json()).toBe(8)
    expect((await fetch('/n/07')).status).toBe(404)
    expect((await fetch('/n/x')).status).toBe(404)
  })

  it('asks for the params once, at the first request that needs them, for all that come meanwhile', async () => {
    let give!: (rows: { slug: string }[]) => void
    const generate = vi.fn(() => new Promise<{ slug: string }[]>((resolve) => (give = resolve)))
    const item = route('/items/[slug]', { params: generateStaticParams(generate, { dynamicParams: false }) })
      .get(() => 1)
    const home = route('/').get(() => 1)
    const { fetch } = watch({ item, home })
    await fetch('/')
    await fetch('/nowhere')
    expect(generate).not.toHaveBeenCalled()
    const answers = ['a', 'b', 'a'].map((slug) => fetch(`/items/${slug}`))
    await vi.waitFor(() => expect(generate).toHaveBeenCalledTimes(1))
    give([{ slug: 'a' }])
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 404, 200])
    expect((await fetch('/items/b')).status).toBe(404)
    expect(generate).toHaveBeenCalledTimes(1)
  })

  it('answers without a promise once they are known', async () => {
    const app = router({ item: only('a').get(() => 1) })
    await app.fetch(at('/items/a'))
    expect(app.fetch(at('/items/a'))).toBeInstanceOf(Response)
    expect(app.fetch(at('/items/b'))).toBeInstanceOf(Response)
  })

  it('is a 500 when they cannot be told, inside the middleware of the router, and asks again', async () => {
    const broken = new Error('no database')
    const generate = vi.fn(async () => [{ slug: 'a' }]).mockRejectedValueOnce(broken)
    const item = route('/items/[slug]', { params: generateStaticParams(generate, { dynamicParams: false }) })
      .get(() => 1)
    const seen: unknown[] = []
    const look = middleware(async (_request, _context, next) => {
      const response = await next()
      seen.push(errorOf(response))
      return response
    })
    const { fetch, onError } = watch({ item }, { use: [look] })
    const response = await fetch('/items/a')
    expect(response.status).toBe(500)
    expect(await response.json()).toEqual({ title: 'Internal Server Error', status: 500 })
    expect(seen).toEqual([broken])
    expect(onError.mock.calls).toEqual([
      [broken, expect.objectContaining({ pattern: '/items/[slug]', phase: 'handler' })],
    ])
    expect((await fetch('/items/a')).status).toBe(200)
    expect(generate).toHaveBeenCalledTimes(2)
  })

  it.each([
    ['no array', { slug: 'a' }, /gave \{"slug":"a"\}, which is not an array/],
    ['nothing', undefined, /gave undefined, which is not an array/],
    ['no object', ['a'], /gave "a", which is not what the pattern captures/],
    ['null', [null], /gave null/],
    ['a param too few', [{}], /gave \{\}/],
    ['a param too many', [{ slug: 'a', more: 'b' }], /gave \{"slug":"a","more":"b"\}/],
    ['a number', [{ slug: 1 }], /gave \{"slug":1\}/],
    ['an array for one segment', [{ slug: ['a'] }], /gave \{"slug":\["a"\]\}/],
    ['an empty param', [{ slug: '' }], /gave \{"slug":""\}/],
    ['what no URL can hold', [{ slug: 'a' }, { slug: '..' }], /gave \{"slug":"\.\."\}/],
  ])('reports a function that gives %s', async (_name, given, message) => {
    const item = route('/items/[slug]', { params: generateStaticParams((() => given) as never, { dynamicParams: false }) })
      .get(() => 1)
    const { fetch, onError } = watch({ item })
    expect((await fetch('/items/a')).status).toBe(500)
    expect(onError).toHaveBeenCalledTimes(1)
    const error = onError.mock.calls[0]![0]
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toMatch("route '/items/[slug]': generateStaticParams gave ")
    expect(error.message).toMatch(message)
  })

  it('is the same below a basePath, behind a rewrite, and with a slash at the end', async () => {
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

  it("is a 404 of the route's own function too", async () => {
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

describe('a router with routes that are passed over', () => {
  it('answers as one without them', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.tuple(pattern, fc.boolean()), { selector: ([text]) => text, minLength: 1, maxLength: 9 }),
        fc.array(pathname, { minLength: 1, maxLength: 6 }),
        async (declared, pathnames) => {
          const make = (text: string, isOpen: boolean): object => {
            const made = route(text).get((_request, context) => [context.pattern, context.params] as never)
            return isOpen ? made : (made as any).generateStaticParams(() => [], { dynamicParams: false })
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
            const answers = await Promise.all([app.fetch(at(path)), open.fetch(at(path))])
            expect(await answers[0].text()).toBe(await answers[1].text())
          }
        },
      ),
      { numRuns: 600 },
    )
  })
})
