import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { middleware, route, router } from '../../src/index.js'
import * as reply from '../../src/replies/index.js'
import { docs, openapi } from '../../src/openapi/index.js'

const info = { title: 'Items & more', version: '1.0.0' }
const items = route('/items').get({ query: z.object({ page: z.string() }) }, () => [])

const make = (options: Partial<Parameters<typeof docs>[1]> = {}, basePath = '') => {
  const page = docs('/docs', { info, ...options })
  const app = router({ items, page }, { basePath })
  const fetch = async (path: string, init?: RequestInit): Promise<Response> =>
    app.fetch(new Request(`http://test${path}`, init))
  return { app, page, fetch }
}

/** Returns the pathnames of the page's files, resolved like in a browser. */
const filesOf = (html: string, at: string): string[] =>
  Array.from(html.matchAll(/(?:src|href)="([^"]+)"/g), ([, address]) => new URL(address!, at).pathname)

describe('docs()', () => {
  it('serves the document of its app, without the docs route itself', async () => {
    const { app, fetch } = make()
    const response = await fetch('/docs/openapi.json')
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json'])
    const document: unknown = await response.json()
    expect(document).toEqual(openapi(app, { info }))
    expect(Object.keys((document as { paths: object }).paths)).toEqual(['/items'])
  })

  it('serves a page with files below it and a Content-Security-Policy that allows only these files', async () => {
    const { fetch } = make()
    const page = await fetch('/docs')
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
    expect(page.headers.get('content-security-policy')).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    )
    const html = await page.text()
    expect(html).toContain('<title>Items &#38; more</title>')
    expect(html).not.toMatch(/<style|\son\w+=|\sstyle=|<script(?![^>]+src=)/)
    const files = filesOf(html, 'http://test/docs')
    expect(files).toEqual(['/docs/icon.svg', '/docs/page.css', '/docs/page.js'])
    const types = await Promise.all(files.map(async (file) => (await fetch(file)).headers.get('content-type')))
    expect(types).toEqual(['image/svg+xml', 'text/css; charset=utf-8', 'text/javascript; charset=utf-8'])
  })

  it('serves less than 25 kB, without external files, eval or innerHTML', async () => {
    const { fetch } = make()
    let size = 0
    for (const file of ['', '/page.js', '/page.css', '/icon.svg']) {
      const text = await (await fetch(`/docs${file}`)).text()
      expect(text).not.toMatch(/\beval\(|new Function|innerHTML|insertAdjacentHTML|document\.write|@import|url\(/)
      expect(text.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(
        /(?:src|href|from|import)\s*[=(]?\s*["'`]https?:/,
      )
      const packed = new Blob([text]).stream().pipeThrough(new CompressionStream('gzip'))
      size += (await new Response(packed).arrayBuffer()).byteLength
    }
    expect(size).toBeLessThan(25_000)
  })

  it('links its files relative to the request, with basePath, proxy prefix or trailing slash', async () => {
    const below = make({}, '/api/v1')
    for (const [path, pathname] of [
      ['/api/v1/docs', '/api/v1/docs/page.js'],
      ['/api/v1/docs?theme=dark', '/api/v1/docs/page.js'],
    ] as const)
      expect(filesOf(await (await below.fetch(path)).text(), `http://test${path}`)).toContain(pathname)
    expect((await below.fetch('/api/v1/docs/page.js')).status).toBe(200)
    expect((await below.fetch('/api/v1/docs/openapi.json')).status).toBe(200)

    // Behind a proxy that adds a path prefix, the browser requests the files with the prefix.
    const html = await (await make().fetch('/docs')).text()
    expect(filesOf(html, 'https://proxy.example/team/docs')).toContain('/team/docs/page.js')

    const root = router({ docs: docs('/', { info }) })
    const page = await root.fetch(new Request('http://test/'))
    expect(filesOf(await page.text(), 'http://test/')).toContain('/page.js')
    expect((await root.fetch(new Request('http://test/page.js'))).status).toBe(200)

    const ignoring = router({ docs: docs('/docs', { info }) }, { trailingSlash: 'ignore' })
    const slashed = await ignoring.fetch(new Request('http://test/docs/'))
    expect(filesOf(await slashed.text(), 'http://test/docs/')).toContain('/docs/page.js')

    const odd = router({ docs: docs('/a:"b', { info }) })
    const oddPage = await odd.fetch(new Request('http://test/a:%22b'))
    expect(filesOf(await oddPage.text(), 'http://test/a:%22b')).toContain('/a:%22b/page.js')
  })

  it('allows requests to the servers in the options', async () => {
    const servers = [
      { url: '/v1' },
      { url: 'https://api.example/v1' },
      { url: 'https://api.example/v2' },
      { url: 'https://{region}.example:8443/{rest}', variables: { region: { default: 'eu' }, rest: { default: '' } } },
      { url: 'javascript:alert(1)' },
    ]
    const page = await make({ servers }).fetch('/docs')
    expect(page.headers.get('content-security-policy')).toContain(
      "connect-src 'self' https://api.example https://eu.example:8443; ",
    )
  })

  it.each(['/docs', '/docs/page.js', '/docs/page.css', '/docs/openapi.json'])(
    'responds to %s with 304 if If-None-Match matches, and to HEAD without a body',
    async (path) => {
      const { fetch } = make()
      const first = await fetch(path)
      expect(first.headers.get('cache-control')).toBe('no-cache')
      expect(first.headers.get('x-content-type-options')).toBe('nosniff')
      const etag = first.headers.get('etag')!
      expect(etag).toMatch(/^"[\w+/=]+"$/)
      const again = await fetch(path, { headers: { 'if-none-match': etag } })
      expect([again.status, await again.text()]).toEqual([304, ''])
      expect(again.headers.get('content-security-policy')).toBe(first.headers.get('content-security-policy'))
      const head = await fetch(path, { method: 'HEAD' })
      expect([head.status, head.headers.get('etag'), await head.text()]).toEqual([200, etag, ''])
    },
  )

  it('creates the document once, at its first request, and warns once', async () => {
    const onWarning = vi.fn()
    const silent = { '~standard': { version: 1, vendor: 'silent', validate: (value: unknown) => ({ value }) } } as const
    const app = router({
      it: route('/it').post({ body: silent }, () => 1),
      docs: docs('/docs', { info, onWarning }),
    })
    const get = (path: string) => app.fetch(new Request(`http://test${path}`))
    await get('/docs')
    await get('/docs/page.js')
    expect(onWarning).not.toHaveBeenCalled()
    await Promise.all([get('/docs/openapi.json'), get('/docs/openapi.json')])
    await get('/docs/openapi.json')
    expect(onWarning).toHaveBeenCalledTimes(1)
    expect(onWarning.mock.lastCall![0]).toContain('POST /it')
  })

  it('serves the document of each app if two apps share the route', async () => {
    const page = docs('/docs', { info })
    const other = route('/other').get(() => 1)
    for (const [app, path] of [
      [router({ items, page }), '/items'],
      [router({ other, page }), '/other'],
    ] as const) {
      const response = await app.fetch(new Request('http://test/docs/openapi.json'))
      expect(Object.keys(((await response.json()) as { paths: object }).paths)).toEqual([path])
    }
  })

  it('describes a broken operation by its error, calls onError once, and describes the other operations', async () => {
    const onError = vi.fn()
    const broken = route('/broken').post({ body: z.object({ at: z.date() }), openapi: { summary: 'Broken' } }, () => 1)
    const same = route('/same')
      .get({ openapi: { operationId: 'same' } }, () => 1)
      .post({ openapi: { operationId: 'same' } }, () => 1)
    const app = router({ items, broken, same, docs: docs('/docs', { info }) }, { onError })
    const read = async () => (await app.fetch(new Request('http://test/docs/openapi.json'))).json()
    const { paths } = await read()
    expect(paths['/broken'].post).toEqual({
      operationId: 'postBroken',
      summary: 'Broken',
      responses: { default: { description: expect.any(String) } },
      'x-byway-error': expect.stringContaining('POST /broken: the body at /at must be of type Date'),
    })
    expect(paths['/same'].get).not.toHaveProperty('x-byway-error')
    expect(paths['/same'].post).toMatchObject({
      operationId: 'same2',
      'x-byway-error': expect.stringContaining("both have the operationId 'same'"),
    })
    expect(paths['/items'].get.parameters).toHaveLength(1)
    await read()
    expect(onError.mock.calls.map(([error]) => String(error))).toEqual([
      expect.stringContaining('OpenApiError: POST /broken'),
      expect.stringContaining("operationId 'same'"),
    ])
    expect(() => openapi(app, { info })).toThrow('POST /broken')
  })

  it('lists errors of the whole app in the document', async () => {
    const app = router({ items, docs: docs('/docs', { info, security: [{ key: [] }] }) }, { onError: () => {} })
    const response = await app.fetch(new Request('http://test/docs/openapi.json'))
    expect((await response.json())['x-byway-errors']).toEqual([expect.stringContaining("security scheme 'key'")])
  })

  it('responds with 404 to unknown files', async () => {
    const { fetch } = make()
    for (const path of ['/docs/page.ts', '/docs/a/page.js', '/docs/__proto__', '/docs/openapi.json/x'])
      expect([path, (await fetch(path)).status]).toEqual([path, 404])
  })

  it('runs the middleware of the factory in its route option', async () => {
    const guard = middleware(async (request, _context, next) =>
      request.headers.has('authorization') ? next() : reply.unauthorized(),
    )
    const { fetch } = make({ route: route.use(guard).prefix('/admin') })
    for (const path of ['/admin/docs', '/admin/docs/openapi.json', '/admin/docs/page.js']) {
      expect([path, (await fetch(path)).status]).toEqual([path, 401])
      const allowed = await fetch(path, { headers: { authorization: 'x' } })
      expect([path, allowed.status]).toEqual([path, 200])
    }
  })

  it('throws for missing and unknown options and for invalid paths', () => {
    expect(() => docs('/docs', {} as never)).toThrow("the OpenAPI document needs info: { title: '…', version: '…' }")
    expect(() => docs('/docs', { info, theme: 'dark' } as never)).toThrow(
      "the OpenAPI document has no option 'theme'; use info, servers",
    )
    expect(() => docs('docs' as never, { info })).toThrow('a pattern must start with /')
    expect(() => docs('/[[...all]]' as never, { info })).toThrow('a catch-all segment must come last')
  })
})
