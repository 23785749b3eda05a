import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PatternError, rewrites, route, router, RouterError } from '../../src/index.js'
import { redirects, type Redirect } from '../../src/middleware/index.js'

const home = route('/').get(() => 'home')
const item = route('/items/[slug]').get((_request, { params }) => params.slug)

const toApp = (rules: readonly Redirect[], basePath?: string) =>
  router({ home, item }, { use: [redirects(rules)], ...(basePath && { basePath }) })

async function follow(rules: readonly Redirect[], path: string, method = 'GET'): Promise<[number, string | null]> {
  const response = await toApp(rules).fetch(new Request(`http://test${path}`, { method }))
  return [response.status, response.headers.get('location')]
}
const to = (source: string, destination: string, permanent = true): Redirect[] => [{ source, destination, permanent }]

describe('redirects()', () => {
  it('responds with 308 if permanent, else with 307, to every method', async () => {
    for (const method of ['GET', 'HEAD', 'POST', 'OPTIONS', 'DELETE']) {
      expect(await follow(to('/old', '/new'), '/old', method)).toEqual([308, '/new'])
      expect(await follow(to('/old', '/new', false), '/old', method)).toEqual([307, '/new'])
    }
  })

  it('does not redirect other pathnames', async () => {
    expect(await follow(to('/old/[x]', '/new'), '/')).toEqual([200, null])
    expect(await follow(to('/old/[x]', '/new'), '/old')).toEqual([404, null])
    expect(await follow(to('/old/[x]', '/new'), '/old/a/b')).toEqual([404, null])
    expect(await follow(to('/old/[x]', '/new'), '/older/a')).toEqual([404, null])
    expect(await follow([], '/old')).toEqual([404, null])
  })

  it.each([
    ['/a/[x]/[y]', '/[y]/b/[x]', '/a/1/2', '/2/b/1'],
    ['/a/[x]', '/b', '/a/1', '/b'],
    ['/a/[x]', '/b/[x]', '/a/%E2%82%AC%20%2F%5C%3F', '/b/%E2%82%AC%20%2F%5C%3F'],
    ['/a/[...x]', '/b/[...x]', '/a/1/2/3', '/b/1/2/3'],
    ['/a/[...x]', '/b/[[...x]]', '/a/1', '/b/1'],
    ['/a/[[...x]]', '/b/[[...x]]', '/a/1/2', '/b/1/2'],
    ['/a/[[...x]]', '/b/[[...x]]', '/a', '/b'],
    ['/a/[[...x]]', '/[[...x]]', '/a', '/'],
    ['/a/[x]', '/b?id=[x]', '/a/1&y=2', '/b?id=1%26y%3D2'],
    ['/a/[...x]', '/b?path=[...x]', '/a/1/2', '/b?path=1%2F2'],
    ['/a/[x]', '/b#[x]', '/a/1%20', '/b#1%20'],
    ['/a', '/b#there', '/a?q=1', '/b?q=1#there'],
    ['/a/[x]', 'https://new.example/b/[x]', '/a/1', 'https://new.example/b/1'],
    ['/a/[x]', 'https://new.example:8443/?x=[x]', '/a/1?y=2', 'https://new.example:8443/?x=1&y=2'],
    ['/a', 'http://new.example', '/a', 'http://new.example/'],
    ['/a/[x]', 'http://[::1]:80/[x]', '/a/1', 'http://[::1]/1'],
    ['/a b', '/c%20d', '/a%20b', '/c%20d'].map((text) => text.replace('/a b', '/a%20b')),
    ['/a', '/@me/x;y', '/a', '/@me/x;y'],
  ])('from %s to %s: redirects %s to %s', async (source, destination, path, location) => {
    expect(await follow(to(source!, destination!), path!)).toEqual([308, location])
  })

  it("adds the request's query, except for names in the destination's query", async () => {
    expect(await follow(to('/a', '/b'), '/a?x=1&x=2&y=%20+')).toEqual([308, '/b?x=1&x=2&y=%20+'])
    expect(await follow(to('/a', '/b?x=0'), '/a?y=1&x=2&%78=3&z')).toEqual([308, '/b?x=0&y=1&z'])
    expect(await follow(to('/a', '/b?x=0'), '/a?x=2')).toEqual([308, '/b?x=0'])
    expect(await follow(to('/a', '/b'), '/a?')).toEqual([308, '/b'])
    expect(await follow(to('/a', '/b'), '/a?x=?#hash')).toEqual([308, '/b?x=?'])
  })

  it('ignores a trailing slash', async () => {
    expect(await follow(to('/a/[x]', '/b/[x]'), '/a/1/?q=2')).toEqual([308, '/b/1?q=2'])
    expect(await follow(to('/a/[...x]', '/b/[...x]'), '/a/1/2/')).toEqual([308, '/b/1/2'])
    expect(await follow(to('/a', '/b'), '/a//')).toEqual([404, null])
    const strict = router({ home }, { trailingSlash: 'strict', use: [redirects(to('/', '/b'))] })
    expect((await strict.fetch(new Request('http://test//'))).status).toBe(404)
  })

  it('applies the most specific rule, in any order', async () => {
    const rules = [...to('/a/[...x]', '/rest'), ...to('/a/[x]', '/one', false), ...to('/a/b', '/static')]
    expect(await follow(rules, '/a/b')).toEqual([308, '/static'])
    expect(await follow(rules, '/a/c')).toEqual([307, '/one'])
    expect(await follow(rules, '/a/b/c')).toEqual([308, '/rest'])
  })

  it('matches without the basePath, and adds it to paths, but not to URLs', async () => {
    const app = toApp([...to('/a/[x]', '/b/[x]'), ...to('/far', 'https://new.example/c')], '/api')
    const location = async (path: string) =>
      (await app.fetch(new Request(`http://test${path}`))).headers.get('location')
    expect(await location('/api/a/1')).toBe('/api/b/1')
    expect(await location('/api/far')).toBe('https://new.example/c')
  })

  it('does not redirect pathnames outside of the basePath', async () => {
    const response = await toApp(to('/a', '/b'), '/api').fetch(new Request('http://test/a'))
    expect([response.status, response.headers.get('location')]).toEqual([404, null])
  })

  it('matches the pathname after rewrites', async () => {
    const app = router(
      { home },
      {
        rewrites: rewrites([{ source: '/x/[y]', destination: '/old/[y]' }]),
        use: [redirects(to('/old/[y]', '/new/[y]'))],
      },
    )
    expect((await app.fetch(new Request('http://test/x/1'))).headers.get('location')).toBe('/new/1')
  })

  it('on a route, redirects only pathnames that the route matches', async () => {
    const page = route('/items/[slug]')
      .use(redirects([{ source: '/items/old', destination: '/items/new', permanent: true }]))
      .get((_request, { params }) => params.slug)
    const moved = await page.GET(new Request('http://test/items/old'))
    expect([moved.status, moved.headers.get('location')]).toEqual([308, '/items/new'])
    expect(await (await page.GET(new Request('http://test/items/other'))).json()).toBe('other')
  })

  it('does not redirect a malformed escape, so the router responds with 400', async () => {
    expect(await follow(to('/a/[x]', '/b/[x]'), '/a/%zz')).toEqual([400, null])
  })

  it.each<[unknown, typeof RouterError | typeof PatternError | typeof TypeError, RegExp]>([
    [to('/a/[x]', '/b/[y]'), RouterError, /uses \[y\], which its source does not capture/],
    [to('/a/[x]', '/b/[...x]'), RouterError, /uses \[\.\.\.x\]/],
    [to('/a/[...x]', '/b/[x]'), RouterError, /uses \[x\]/],
    [to('/a/[[...x]]', '/b/[...x]'), RouterError, /uses \[\.\.\.x\]/],
    [to('/a', '/b?x=[x]'), RouterError, /uses \[x\]/],
    [to('/a', '/b#[x]'), RouterError, /uses \[x\]/],
    [to('/a/[x]', 'https://[x].example/'), RouterError, /must have a fixed origin/],
    [to('/a', 'ftp://files.example/'), RouterError, /must have a fixed origin/],
    [to('/a', 'https:///'), RouterError, /must have a fixed origin/],
    [to('/a', '//evil.example'), PatternError, /a segment must not be empty/],
    [to('/a', '/\\evil.example'), PatternError, /cannot contain/],
    [to('/a', 'javascript:alert(1)'), PatternError, /must start with \//],
    [to('/a', 'new'), PatternError, /must start with \//],
    [to('a', '/new'), PatternError, /must start with \//],
    [to('/a/', '/new'), PatternError, /must not end with \//],
    [[...to('/a/[x]', '/b'), ...to('/a/[x]', '/c')], RouterError, /two rules have the source '\/a\/\[x\]'/],
    [[...to('/a/[x]', '/b'), ...to('/a/[y]', '/c')], RouterError, /match the same pathnames/],
    [[{ source: '/a', destination: '/b' }], TypeError, /permanent: true or false for '\/a', not undefined/],
    [[{ source: '/a', permanent: true }], RouterError, /is not a string/],
  ])('throws for %j', (rules, error, message) => {
    expect(() => redirects(rules as Redirect[])).toThrow(error)
    expect(() => redirects(rules as Redirect[])).toThrow(message)
  })

  it('never redirects to another origin or out of the destination pattern, for any pathname', async () => {
    const app = toApp([
      ...to('/one/[x]', '/[x]'),
      ...to('/all/[...x]', '/[...x]'),
      ...to('/maybe/[[...x]]', '/[[...x]]'),
    ])
    const segment = fc.oneof(
      fc.string({
        unit: fc.constantFrom('/', '\\', '.', '%2F', '%5C', '%2e', '%252e', '%09', '%0d%0a', '@', ':', 'a'),
      }),
      fc.webSegment(),
    )
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('one', 'all', 'maybe'), segment, async (rule, rest) => {
        const response = await app.fetch(new Request(`http://test/${rule}/${rest}`))
        expect(response.status).toBeLessThan(500)
        const location = response.headers.get('location')
        if (location === null) return
        expect(location).toMatch(/^\/(?![/\\])[\x21-\x7e]*$/)
        const url = new URL(location, 'http://test')
        expect(url.origin).toBe('http://test')
        expect(url.href).toBe(`http://test${location}`)
        expect(new URL(`http://test/${rule}/${rest}`).pathname.replace(/\/$/, '').split('/').length).toBe(
          Math.max(location.split('?')[0]!.replace(/\/$/, '').split('/').length + 1, 2),
        )
      }),
      { numRuns: 1000 },
    )
  })
})
