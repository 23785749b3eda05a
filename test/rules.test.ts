import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { middleware, PatternError, rewrites, route, router, RouterError } from '../src/index.js'
import type { Rule } from '../src/types.js'
import * as reply from '../src/replies/index.js'

const item = route('/items/[slug]').get((request, { params, url, pattern }) => ({
  slug: params.slug,
  path: url.pathname + url.search,
  pattern,
  requested: new URL(request.url).pathname + new URL(request.url).search,
}))
const files = route('/files/[[...path]]').get((_request, { params }) => params.path ?? [])
const search = route('/search').get((_request, { url }) => [...url.searchParams])

const toApp = (rules: readonly Rule[], basePath = '') =>
  router({ item, files, search }, { rewrites: rewrites(rules), basePath, onError: vi.fn() })

async function get(rules: readonly Rule[], path: string, basePath?: string): Promise<[number, unknown]> {
  const response = await toApp(rules, basePath).fetch(new Request(`http://test${path}`))
  const isJson = response.headers.get('content-type') === 'application/json'
  return [response.status, isJson ? await response.json() : null]
}

describe('rewrites()', () => {
  it('match the destination, which is context.url, and leave request.url unchanged', async () => {
    expect(await get([{ source: '/old/[slug]', destination: '/items/[slug]' }], '/old/a%20b?x=1&x=2')).toEqual([
      200,
      { slug: 'a b', path: '/items/a%20b?x=1&x=2', pattern: '/items/[slug]', requested: '/old/a%20b?x=1&x=2' },
    ])
  })

  it('pass the same Request to the handler', async () => {
    const echo = route('/echo').post(async (request) => request.text())
    const app = router({ echo }, { rewrites: rewrites([{ source: '/e', destination: '/echo' }]) })
    const response = await app.fetch(new Request('http://test/e', { method: 'POST', body: 'hello' }))
    expect(await response.json()).toBe('hello')
  })

  it('take precedence over routes', async () => {
    const [, body] = await get([{ source: '/items/a', destination: '/items/b' }], '/items/a')
    expect(body).toMatchObject({ slug: 'b' })
  })

  it('are applied once', async () => {
    const rules = [
      { source: '/one', destination: '/two' },
      { source: '/two', destination: '/items/three' },
    ]
    expect((await get(rules, '/one'))[0]).toBe(404)
    expect((await get(rules, '/two'))[0]).toBe(200)
    const swap = [
      { source: '/items/a', destination: '/items/b' },
      { source: '/items/b', destination: '/items/a' },
    ]
    expect((await get(swap, '/items/a'))[1]).toMatchObject({ slug: 'b' })
  })

  it('leave the guards to the destination', async () => {
    const guard = middleware((request, _context, next) =>
      request.headers.has('authorization') ? next() : reply.unauthorized(),
    )
    const secret = route('/admin/[page]')
      .use(guard)
      .get((_request, { params }) => params.page)
    const open = route('/open/[page]').get(() => 'open')
    const app = router(
      { secret, open },
      {
        rewrites: rewrites([
          { source: '/public/[page]', destination: '/admin/[page]' },
          { source: '/admin/help', destination: '/open/help' },
        ]),
      },
    )
    const status = async (path: string, headers: HeadersInit = {}) =>
      (await app.fetch(new Request(`http://test${path}`, { headers }))).status
    expect(await status('/public/a')).toBe(401)
    expect(await status('/public/a', { authorization: 'x' })).toBe(200)
    expect(await status('/admin/a')).toBe(401)
    expect(await status('/admin/help')).toBe(200)
  })

  it('fill a catch-all in the destination, or leave out an absent one', async () => {
    const rules = [{ source: '/f/[[...path]]', destination: '/files/[[...path]]' }]
    expect(await get(rules, '/f/a/b%2Fc')).toEqual([200, ['a', 'b/c']])
    expect(await get(rules, '/f')).toEqual([200, []])
    expect(await get([{ source: '/f/[...path]', destination: '/files/[[...path]]' }], '/f/a/b')).toEqual([
      200,
      ['a', 'b'],
    ])
  })

  it('fill the query, and its names replace those of the request', async () => {
    const rules = [{ source: '/find/[what]', destination: '/search?q=[what]&page=1' }]
    expect(await get(rules, '/find/a%26b?page=2&%70age=3&q=x&sort=up')).toEqual([
      200,
      [
        ['q', 'a&b'],
        ['page', '1'],
        ['sort', 'up'],
      ],
    ])
  })

  it('use the most specific source', async () => {
    const rules = [
      { source: '/x/[...rest]', destination: '/items/rest' },
      { source: '/x/[one]', destination: '/items/one' },
      { source: '/x/a', destination: '/items/static' },
    ]
    expect((await get(rules, '/x/a'))[1]).toMatchObject({ slug: 'static' })
    expect((await get(rules, '/x/b'))[1]).toMatchObject({ slug: 'one' })
    expect((await get(rules, '/x/b/c'))[1]).toMatchObject({ slug: 'rest' })
  })

  it('match below the basePath, which is part of context.url', async () => {
    const rules = [{ source: '/old/[slug]', destination: '/items/[slug]' }]
    expect((await get(rules, '/api/old/a', '/api'))[1]).toMatchObject({ slug: 'a', path: '/api/items/a' })
    expect((await get(rules, '/old/a', '/api'))[0]).toBe(404)
  })

  it('do not change other pathnames', async () => {
    const rules = [{ source: '/old', destination: '/search' }]
    expect((await get(rules, '/search'))[0]).toBe(200)
    expect((await get(rules, '/old/x'))[0]).toBe(404)
    expect((await get(rules, '/old/'))[0]).toBe(308)
    expect((await get(rules, '/%zz'))[0]).toBe(400)
  })

  it.each<[string, string, typeof RouterError | typeof PatternError, RegExp]>([
    ['/a/[x]', '/b/[y]', RouterError, /uses \[y\], which its source does not capture/],
    [
      '/a',
      'https://else.example/',
      RouterError,
      /has an origin; a rewrite must have a path of this app as its destination/,
    ],
    ['/a', '//else.example', PatternError, /a segment must not be empty/],
    ['/a', '/b/', PatternError, /must not end with \//],
    ['a', '/b', PatternError, /must start with \//],
  ])('throw for a rule from %s to %s', (source, destination, error, message) => {
    expect(() => toApp([{ source, destination }])).toThrow(error)
    expect(() => toApp([{ source, destination }])).toThrow(message)
  })

  it('keep each param in its segment of the destination', async () => {
    const segment = fc.array(fc.constantFrom('/', '\\', '.', '%2F', '%2E', '%252e', '%5C', '%00', '?', '#', 'é', 'a'), {
      minLength: 1,
      maxLength: 5,
    })
    const app = toApp([{ source: '/old/[slug]', destination: '/items/[slug]' }])
    const plain = toApp([])
    await fc.assert(
      fc.asyncProperty(segment, async (parts) => {
        const text = parts.join('')
        const [rewritten, direct] = await Promise.all([
          app.fetch(new Request(`http://test/old/${text}`)),
          plain.fetch(new Request(`http://test/items/${text}`)),
        ])
        expect(rewritten.status).toBeLessThan(500)
        if (rewritten.status !== 200) return
        const [one, other] = [await rewritten.json(), await direct.json()]
        expect(one).toMatchObject({ slug: (other as { slug: string }).slug, pattern: '/items/[slug]' })
      }),
      { numRuns: 500 },
    )
  })
})
