import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createCache, DynamicError, type CacheOptions } from '../../src/cache/index.js'
import { middleware, rewrites, route, router } from '../../src/index.js'
import { cookies, type Cookies } from '../../src/middleware/index.js'
import * as reply from '../../src/replies/index.js'
import { at, read, statusOf } from '../fixtures/cache.js'

interface User {
  readonly id: string
  readonly role?: string
  readonly roles?: readonly string[]
}

// `x-user` is JSON of what an outer middleware adds to the context; without the header it adds nothing.
const session = middleware((request, _context, next) => {
  const user = request.headers.get('x-user')
  return next((user === null ? {} : JSON.parse(user)) as { user?: User; flag?: boolean })
})

function toApp(look: (context: any, request: Request) => unknown, options: Partial<CacheOptions<any>> = {}) {
  const cache = createCache()
  const errors: unknown[] = []
  let runs = 0
  const page = route('/page')
    .use(cookies())
    .use(session)
    .use(cache({ revalidate: false, ...options }))
    .get(async (request, context) => [((await look(context, request)) as string) ?? null, ++runs])
  const app = router({ page }, { onError: (error) => void errors.push(error) })
  return {
    errors,
    ask: (added?: object, headers: Record<string, string> = {}) =>
      app.fetch(at('/page', { ...(added && { 'x-user': JSON.stringify(added) }), ...headers })),
  }
}

describe('a context property that an outer middleware adds for some clients', () => {
  const reads: readonly [name: string, look: (context: any) => unknown, read: string][] = [
    ["'user' in context", (context) => 'user' in context, 'context.user'],
    ['Reflect.has', (context) => Reflect.has(context, 'user'), 'context.user'],
    ['context.user ?? default', (context) => context.user ?? 'nobody', 'context.user'],
    ['a destructured default', ({ user = 'nobody' }) => user, 'context.user'],
    ['Object.keys', (context) => Object.keys(context), 'all of context'],
    ['Object.hasOwn', (context) => Object.hasOwn(context, 'user'), 'context.user'],
    ['hasOwnProperty', (context) => context.hasOwnProperty('user'), 'context.hasOwnProperty'],
    ['spread', (context) => ({ ...context }).user ?? 'nobody', 'all of context'],
    ['rest', ({ url: _url, ...rest }) => rest.user ?? 'nobody', 'all of context'],
    [
      'for in',
      (context) => {
        const names: string[] = []
        for (const name in context) names.push(name)
        return names.includes('user')
      },
      'all of context',
    ],
    ['JSON.stringify', (context) => JSON.stringify(context).includes('user'), 'context.toJSON'],
    ['an object that inherits it', (context) => Object.create(context).user ?? 'nobody', 'context.user'],
  ]

  it.each(reads)('is a tracked read if it is absent: %s', async (_name, look, what) => {
    const { ask } = toApp(look)
    const anonymous = await ask()
    expect(statusOf(anonymous)).toMatchObject({ detail: expect.stringContaining(`reads ${what}`) })
    const [first] = (await anonymous.json()) as unknown[]
    const [second] = (await (await ask({ user: 'ann' })).json()) as unknown[]
    expect(second).not.toEqual(first)
  })

  it.each(reads)("causes a DynamicError with dynamic: 'error' if it is absent: %s", async (_name, look, what) => {
    const { ask, errors } = toApp(look, { dynamic: 'error' })
    expect((await ask()).status).toBe(500)
    expect(errors).toEqual([expect.any(DynamicError)])
    expect((errors[0] as DynamicError).read).toContain(what)
  })

  it("is absent for every client with dynamic: 'force-static'", async () => {
    const { ask } = toApp(
      (context) => ['user' in context, context.user ?? 'nobody', Object.keys(context).includes('user')],
      { dynamic: 'force-static' },
    )
    for (const user of [{ user: { id: 'a' } }, undefined])
      expect(((await (await ask(user)).json()) as unknown[])[0]).toEqual([false, 'nobody', false])
  })

  it('is not a tracked read for absent symbols and then', async () => {
    const { ask } = toApp(async (context) => [
      context[Symbol.toStringTag] ?? null,
      context[Symbol('own')] ?? null,
      (await context) === context,
    ])
    expect(statusOf(await ask())).toEqual({ fwd: 'uri-miss', stored: true })
    expect(statusOf(await ask())).toEqual({ hit: true })
  })
})

describe('key', () => {
  it('allows reads of the property that it read, and not of other properties of the object', async () => {
    const { ask } = toApp(({ user }) => user.role, { key: ({ user }) => user.id })
    expect(statusOf(await ask({ user: { id: '1', role: 'admin' } }))).toMatchObject({
      detail: 'reads context.user.role',
    })
    expect((await (await ask({ user: { id: '1', role: 'guest' } })).json())[0]).toBe('guest')
    const id = toApp(({ user }) => user.id, { key: ({ user }) => user.id })
    expect(statusOf(await id.ask({ user: { id: '1', role: 'admin' } }))).toEqual({ fwd: 'uri-miss', stored: true })
    expect(statusOf(await id.ask({ user: { id: '1', role: 'guest' } }))).toEqual({ hit: true })
  })

  it('allows reads of nested properties that it read, and of whole arrays', async () => {
    const { ask } = toApp(({ user }) => [user.team.name, user.roles.includes('admin')], {
      key: ({ user }) => [user.team.name, user.roles.length],
    })
    const user = (name: string, roles: string[]) => ({ user: { team: { name }, roles } })
    expect(await read(ask(user('a', ['admin'])))).toEqual([200, [['a', true], 1], { fwd: 'uri-miss', stored: true }])
    expect((await read(ask(user('a', ['guest']))))[1]).toEqual([['a', false], 2])
    expect(await read(ask(user('a', ['admin'])))).toEqual([200, [['a', true], 1], { hit: true }])
  })

  it('adds the values that it reads to the key, in addition to its result', async () => {
    const { ask } = toApp(({ user }) => user.role, { key: ({ user }) => user.role === 'admin' })
    const roles = []
    for (const role of ['editor', 'guest', 'editor'])
      roles.push(((await (await ask({ user: { id: '1', role } })).json()) as unknown[])[0])
    expect(roles).toEqual(['editor', 'guest', 'editor'])
  })

  it('distinguishes a client without the value from one with it', async () => {
    const { ask } = toApp(({ user }) => user?.id ?? 'nobody', { key: ({ user }) => user?.id })
    const seen = []
    for (const user of [undefined, { user: { id: 'undefined' } }, undefined, { user: {} }])
      seen.push(((await (await ask(user)).json()) as unknown[])[0])
    expect(seen).toEqual(['nobody', 'undefined', 'nobody', 'nobody'])
  })

  it('allows reads of a cookie by its name', async () => {
    const key = ({ cookies }: { cookies: Cookies }) => cookies.get('theme')?.value
    const theme = toApp(({ cookies }) => [cookies.get('theme')?.value, cookies.has('theme')], { key })
    expect(statusOf(await theme.ask(undefined, { cookie: 'theme=dark; sid=1' }))).toEqual({
      fwd: 'uri-miss',
      stored: true,
    })
    expect(statusOf(await theme.ask(undefined, { cookie: 'theme=dark; sid=2' }))).toEqual({ hit: true })
    expect(statusOf(await theme.ask(undefined, { cookie: 'theme=light; sid=2' }))).toEqual({
      fwd: 'uri-miss',
      stored: true,
    })
    for (const look of [
      ({ cookies }: any) => cookies.get('sid')?.value,
      ({ cookies }: any) => cookies.has('sid'),
      ({ cookies }: any) => cookies.getAll(),
      ({ cookies }: any) => cookies.set('seen', '1'),
    ])
      expect(statusOf(await toApp(look, { key }).ask(undefined, { cookie: 'theme=dark; sid=1' }))).toMatchObject({
        detail: expect.stringContaining('reads context.cookies.'),
      })
  })

  it("hides values that it did not read, with dynamic: 'force-static'", async () => {
    const { ask } = toApp(({ user, cookies }) => [user.id, user.role ?? null, cookies.get('sid') ?? null], {
      key: ({ user, cookies }) => [user.id, cookies.get('theme')],
      dynamic: 'force-static',
    })
    const response = await ask({ user: { id: '1', role: 'admin' } }, { cookie: 'sid=1' })
    expect(((await response.json()) as unknown[])[0]).toEqual(['1', null, null])
  })

  it.each<[string, unknown]>([
    ['a Map', new Map()],
    ['a Date', new Date(0)],
    ['a class instance', new (class Session {})()],
    ['a function', () => 1],
  ])('causes a 500 if it reads %s, with the path in the error', async (_name, value) => {
    const cache = createCache()
    const errors: unknown[] = []
    const page = route('/page')
      .use(middleware((_request, _context, next) => next({ session: value })))
      .use(cache({ revalidate: false, key: ({ session }: any) => (session ? 1 : 2) }))
      .get(() => 1)
    const app = router({ page }, { onError: (error) => void errors.push(error) })
    expect((await app.fetch(at('/page'))).status).toBe(500)
    expect(String(errors[0])).toContain('cache({ key }) reads context.session, which is a')
  })
})

describe('the cache key', () => {
  it('contains the URL that an outer middleware changed', async () => {
    const cache = createCache()
    const tenant = middleware((request, context, next) => {
      context.url.pathname = `/${request.headers.get('x-tenant')}/page`
      return next()
    })
    const page = route('/page')
      .use(tenant)
      .use(cache({ revalidate: false }))
      .get((_request, { url }) => url.pathname)
    const app = router({ page })
    for (const name of ['a', 'b', 'a'])
      expect((await read(app.fetch(at('/page', { 'x-tenant': name }))))[1]).toBe(`/${name}/page`)
  })

  it('contains the URL of the request that an outer middleware passes', async () => {
    const cache = createCache()
    const tenant = middleware((request, _context, next) =>
      next({}, { request: new Request(`http://${request.headers.get('x-tenant')}.test/page`) }),
    )
    const page = route('/page')
      .use(tenant)
      .use(cache({ revalidate: false, dynamic: 'force-static' }))
      .get((request) => request.url)
    const app = router({ page })
    for (const name of ['a', 'b', 'a'])
      expect((await read(app.fetch(at('/page', { 'x-tenant': name }))))[1]).toBe(`http://${name}.test/page`)
  })

  it('contains the params that an outer middleware changed', async () => {
    const cache = createCache()
    const alias = middleware((request, context, next) => {
      ;(context.params as { slug: string }).slug = request.headers.get('x-tenant')!
      return next()
    })
    const item = route('/items/[slug]')
      .use(alias)
      .use(cache({ revalidate: false }))
      .get((_request, { params }) => params.slug)
    const app = router({ item })
    for (const name of ['a', 'b', 'a'])
      expect((await read(app.fetch(at('/items/x', { 'x-tenant': name }))))[1]).toBe(name)
  })

  it('is the same for all encodings of a path, and the handler sees one of them', async () => {
    const cache = createCache()
    let runs = 0
    const item = route('/items/[slug]')
      .use(cache({ revalidate: false, dynamic: 'force-static' }))
      .get((request, { params, url }) => [params.slug, url.pathname, new URL(request.url).pathname, ++runs])
    const app = router({ item })
    for (const spellings of [
      ['a%2Bb', 'a+b', '%61%2bb'],
      ['caf%C3%A9', 'caf%c3%a9', 'café'],
      ['%40me', '@me'],
    ]) {
      const seen = new Set<string>()
      for (const spelling of spellings) seen.add(await (await app.fetch(at(`/items/${spelling}`))).text())
      expect([...seen]).toHaveLength(1)
    }
    expect(runs).toBe(3)
    expect(await (await app.fetch(at('/items/a%2Fb'))).json()).toEqual(['a/b', '/items/a%2Fb', '/items/a%2Fb', 4])
  })

  it('differs for a rewritten URL, because the handler can read the URL of its request', async () => {
    const cache = createCache()
    const item = route('/items/[slug]')
      .use(cache({ revalidate: false, dynamic: 'force-static' }))
      .get((request) => new URL(request.url).pathname)
    const app = router({ item }, { rewrites: rewrites([{ source: '/old/[slug]', destination: '/items/[slug]' }]) })
    for (const path of ['/items/a', '/old/a', '/items/a', '/old/a'])
      expect(await (await app.fetch(at(path))).json()).toBe(path)
  })

  it('contains the raw query if the output of the schema has symbols, inherited or non-enumerable properties', async () => {
    const hidden = Symbol('hidden')
    const outputs: [string, (value: string) => any, (query: any) => unknown][] = [
      ['a symbol', (value) => ({ [hidden]: value }), (query) => query[hidden]],
      ['an inherited property', (value) => Object.create({ q: value }), (query) => query.q],
      [
        'a property of a prototype of null',
        (value) => Object.create(Object.assign(Object.create(null), { q: value })),
        (query) => query.q,
      ],
      ['a non-enumerable property', (value) => Object.defineProperty({}, 'q', { value }), (query) => query.q],
    ]
    for (const [name, make, get] of outputs) {
      const cache = createCache()
      const query = z.object({ q: z.string() }).transform(({ q }) => make(q))
      const page = route('/page')
        .use(cache({ revalidate: false }))
        .get({ query }, (_request, { query }) => get(query) as string)
      const app = router({ page })
      for (const value of ['a', 'b', 'a'])
        expect([name, (await read(app.fetch(at(`/page?q=${value}`))))[1]]).toEqual([name, value])
    }
  })
})

describe('bypass', () => {
  it('runs the handler and stores nothing for the requests that it selects', async () => {
    const cache = createCache()
    let runs = 0
    const page = route('/page')
      .use(cookies())
      .use(cache({ revalidate: false, bypass: (_request, { cookies }: any) => cookies.has('draft') }))
      .get((request) => [request.headers.get('cookie'), ++runs])
    const app = router({ page })
    const draft = await app.fetch(at('/page', { cookie: 'draft=1' }))
    expect(draft.headers.get('cache-control')).toBe('private, no-cache')
    expect(await read(draft)).toEqual([200, ['draft=1', 1], { fwd: 'bypass' }])
  })

  it('leaves the stored response for other requests', async () => {
    const cache = createCache()
    let runs = 0
    const page = route('/page')
      .use(cache({ revalidate: false, bypass: ({ headers }) => headers.has('x-draft') }))
      .get(() => ++runs)
    const app = router({ page })
    expect((await read(app.fetch(at('/page'))))[1]).toBe(1)
    expect((await read(app.fetch(at('/page', { 'x-draft': '1' }))))[1]).toBe(2)
    expect(await read(app.fetch(at('/page')))).toEqual([200, 1, { hit: true }])
  })

  it('causes a 500 if it returns a promise', async () => {
    const cache = createCache()
    const errors: unknown[] = []
    const page = route('/page')
      .use(cache({ revalidate: false, bypass: (async () => false) as never }))
      .get(() => 1)
    const app = router({ page }, { onError: (error) => void errors.push(error) })
    expect((await app.fetch(at('/page'))).status).toBe(500)
    expect(String(errors)).toContain('cache({ bypass }) returned a promise')
  })
})

describe('a response from an upstream', () => {
  it('keeps its Age, to which the cache adds its own', async () => {
    for (const cdn of [undefined, 60]) {
      const cache = createCache()
      const page = route('/page')
        .use(cache({ revalidate: 60, ...(cdn && { cdn }) }))
        .get(() => reply.json(1, { headers: { age: '300', 'cache-control': 'max-age=600' } }))
      const app = router({ page })
      expect((await app.fetch(at('/page'))).headers.get('age')).toBe('300')
      expect((await app.fetch(at('/page'))).headers.get('age')).toBe('300')
    }
  })
})
