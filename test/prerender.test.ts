import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { createCache, DynamicError, memoryStore } from '../src/cache/index.js'
import { generateStaticParams, href, middleware, route, router } from '../src/index.js'
import * as reply from '../src/replies/index.js'
import { fileStore, prerender, PrerenderError, type PrerenderOptions } from '../src/node.js'

const at = (url: string, init?: RequestInit): Request => new Request(new URL(url, 'http://localhost:3000'), init)
const quiet = { onProgress: () => {} }
const statusOf = (response: Response) => response.headers.get('cache-status')

const directories: string[] = []
function makeDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'byway-'))
  directories.push(directory)
  return directory
}
const filesIn = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .sort()

afterEach(() => {
  vi.restoreAllMocks()
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true })
})

async function failuresOf(app: Parameters<typeof prerender>[0], options: PrerenderOptions = quiet) {
  const error = await prerender(app, options).then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(error).toBeInstanceOf(PrerenderError)
  return error as PrerenderError
}

describe('prerender()', () => {
  it('requests only the patterns that filter returns true for', async () => {
    const cache = createCache()
    const requested: string[] = []
    const toRoute = (path: '/a' | '/b') =>
      route(path)
        .use(cache({ revalidate: false }))
        .get(() => {
          requested.push(path)
          return path
        })
    const app = router({ a: toRoute('/a'), b: toRoute('/b') })
    const { pages } = await prerender(app, { ...quiet, filter: (pattern) => pattern === '/b' })
    expect([pages.map(({ pathname }) => pathname), requested]).toEqual([['/b'], ['/b']])
  })

  it('prerenders a force-static route with a request without headers', async () => {
    const cache = createCache()
    const app = router({
      all: route('/all')
        .use(cache({ revalidate: false, dynamic: 'force-static' }))
        .get((request) => ({ cookie: request.headers.get('cookie') })),
    })
    expect((await prerender(app, quiet)).pages).toMatchObject([{ pathname: '/all', status: 200 }])
  })

  it('skips routes whose cache has a key', async () => {
    const cache = createCache()
    const app = router({
      me: route('/me')
        .use(middleware((_request, _context, next) => next({ user: 'a' })))
        .use(cache({ revalidate: false, key: ({ user }) => user }))
        .get((_request, { user }) => user),
      all: route('/all')
        .use(cache({ revalidate: false }))
        .get(() => 'all'),
    })
    const { pages, skipped } = await prerender(app, quiet)
    expect(pages.map(({ pathname }) => pathname)).toEqual(['/all'])
    expect(skipped).toEqual(['/me'])
  })

  it('requests routes with static params through the app, so that later requests hit the cache', async () => {
    const cache = createCache()
    const run = vi.fn()
    const cached = route.use(cache({ revalidate: 60 }))
    const app = router({
      home: cached('/').get(() => (run(), 'home')),
      item: cached('/items/[slug]', {
        params: generateStaticParams(async () => [{ slug: 'a' }, { slug: 'b c/d' }, { slug: 'a' }]),
      })
        .get((_request, { params }) => (run(), params.slug))
        .delete(() => void run()),
      files: cached('/files/[[...path]]', { params: generateStaticParams(() => [{}, { path: ['x', 'y'] }]) }).get(
        (_request, { params }) => (run(), params),
      ),
    })
    const { pages, skipped } = await prerender(app, quiet)
    expect(pages).toEqual([
      { pattern: '/', pathname: '/', status: 200, bytes: 6 },
      { pattern: '/items/[slug]', pathname: '/items/a', status: 200, bytes: 3 },
      { pattern: '/items/[slug]', pathname: '/items/b%20c%2Fd', status: 200, bytes: 7 },
      { pattern: '/files/[[...path]]', pathname: '/files', status: 200, bytes: 2 },
      { pattern: '/files/[[...path]]', pathname: '/files/x/y', status: 200, bytes: 18 },
    ])
    expect(skipped).toEqual([])
    expect(run).toHaveBeenCalledTimes(5)
    for (const { pathname } of pages) expect(statusOf(await app.fetch(at(pathname)))).toMatch(/^byway; hit/)
    expect(run).toHaveBeenCalledTimes(5)
    expect(statusOf(await app.fetch(at('/items/other')))).toMatch(/fwd=uri-miss/)
  })

  it('ignores routes without a cached GET, and lists routes without static params as skipped', async () => {
    const cache = createCache()
    const run = vi.fn()
    const closed = { dynamicParams: false }
    const app = router({
      plain: route('/plain').get(run),
      listed: route('/listed/[slug]', { params: generateStaticParams(() => [{ slug: 'a' }]) }).get(run),
      posted: route('/posted')
        .use(cache({ revalidate: 1 }))
        .post(run),
      unknown: route('/unknown/[slug]')
        .use(cache({ revalidate: 1 }))
        .get(run),
      none: route('/none/[slug]', { params: generateStaticParams(() => [], closed) })
        .use(cache({ revalidate: 1 }))
        .get(run),
    })
    expect(await prerender(app, quiet)).toEqual({ pages: [], skipped: ['/unknown/[slug]'] })
    expect(run).not.toHaveBeenCalled()
  })

  it('requests the origin of baseUrl and the basePath of the router', async () => {
    const cache = createCache()
    const home = route('/')
      .use(cache({ revalidate: 60 }))
      .get(() => 'home')
    const item = route('/items/[slug]', { params: generateStaticParams(() => [{ slug: 'a' }]) })
      .use(cache({ revalidate: 60 }))
      .get((_request, { params }) => params.slug)
    const app = router({ home, item }, { basePath: '/api/v1' })
    const { pages } = await prerender(app, { ...quiet, baseUrl: 'https://api.example/api/v1' })
    expect(pages.map(({ pathname }) => pathname)).toEqual(['/api/v1', '/api/v1/items/a'])
    for (const { pathname } of pages) {
      expect(statusOf(await app.fetch(at(`https://api.example${pathname}`)))).toMatch(/hit/)
      expect(statusOf(await app.fetch(at(`https://other.example${pathname}`)))).toMatch(/uri-miss/)
    }
  })

  it('replaces stored entries, and calls generateStaticParams again', async () => {
    const cache = createCache()
    let version = 1
    const generate = vi.fn(() => [{ slug: String(version) }])
    const item = route('/[slug]', { params: generateStaticParams(generate, { dynamicParams: false }) })
      .use(cache({ revalidate: false }))
      .get(() => version)
    const home = route('/')
      .use(cache({ revalidate: false }))
      .get(() => version)
    const app = router({ item, home })
    await prerender(app, quiet)
    version = 2
    expect(await (await app.fetch(at('/'))).json()).toBe(1)
    await prerender(app, quiet)
    expect(await (await app.fetch(at('/'))).json()).toBe(2)
    expect((await app.fetch(at('/2'))).status).toBe(200)
    expect((await app.fetch(at('/1'))).status).toBe(404)
    expect(generate).toHaveBeenCalledTimes(2)
  })

  it('fills a store that another app reads', async () => {
    const directory = makeDirectory()
    const toApp = (run: () => string) => {
      const cache = createCache({ store: fileStore(directory) })
      return router({
        home: route('/')
          .use(cache({ revalidate: 60 }))
          .get(run),
      })
    }
    await prerender(
      toApp(() => 'built'),
      quiet,
    )
    const response = await toApp(() => 'run').fetch(at('/'))
    expect([await response.json(), statusOf(response)]).toEqual(['built', expect.stringContaining('hit')])
  })

  it('reads a streamed response completely', async () => {
    const cache = createCache()
    const page = route('/')
      .use(cache({ revalidate: 60 }))
      .get(() =>
        reply.ndjson(
          (async function* () {
            yield { part: 1 }
            await new Promise((resolve) => setTimeout(resolve, 5))
            yield { part: 2 }
          })(),
        ),
      )
    const app = router({ page })
    const { pages } = await prerender(app, quiet)
    expect(pages).toMatchObject([{ bytes: 22 }])
    const response = await app.fetch(at('/'))
    expect([await response.text(), statusOf(response)]).toEqual([
      '{"part":1}\n{"part":2}\n',
      expect.stringContaining('hit'),
    ])
  })

  it('runs at most `concurrency` requests at the same time', async () => {
    const cache = createCache()
    let running = 0
    let most = 0
    const item = route('/[slug]', {
      params: generateStaticParams(() => Array.from({ length: 12 }, (_, index) => ({ slug: String(index) }))),
    })
      .use(cache({ revalidate: 60 }))
      .get(async () => {
        most = Math.max(most, ++running)
        await new Promise((resolve) => setTimeout(resolve, 2))
        running--
        return 1
      })
    const counts: number[] = []
    for (const concurrency of [undefined, 1, 7, 99]) {
      most = 0
      await prerender(router({ item }), { ...quiet, ...(concurrency && { concurrency }) })
      counts.push(most)
    }
    expect(counts).toEqual([4, 1, 7, 12])
  })

  it('throws for an invalid app, baseUrl and concurrency', async () => {
    const app = router({ home: route('/').get(() => 1) })
    await expect(prerender({ fetch: app.fetch }, quiet)).rejects.toThrow(
      'prerender() takes an app, the return value of router()',
    )
    await expect(prerender(app, { ...quiet, baseUrl: 'api.example' })).rejects.toThrow(TypeError)
    await expect(prerender(app, { ...quiet, baseUrl: 'file:///tmp' })).rejects.toThrow(/http or https URL as baseUrl/)
    await expect(prerender(app, { ...quiet, concurrency: 0 })).rejects.toThrow(RangeError)
    await expect(prerender(app, { ...quiet, concurrency: NaN })).rejects.toThrow(RangeError)
  })
})

describe('prerender() with failures', () => {
  it('rejects after all pages with every failure by pattern and pathname', async () => {
    const cache = createCache()
    const cached = route.use(cache({ revalidate: 60 }))
    const broken = new Error('no such row')
    const lost = new Error('no database')
    const outDir = makeDirectory()
    const onError = vi.fn()
    const app = router(
      {
        item: cached('/items/[slug]', {
          params: generateStaticParams(() => ['a', 'broken', 'missing', 'elsewhere'].map((slug) => ({ slug }))),
        }).get((_request, { params: { slug } }) => {
          if (slug === 'broken') throw broken
          if (slug === 'missing') return reply.notFound()
          if (slug === 'elsewhere') return reply.redirect('/items/a')
          return slug
        }),
        lost: cached('/lost/[slug]', { params: generateStaticParams(() => Promise.reject(lost)) }).get(() => 1),
        wrong: cached('/wrong/[slug]', { params: generateStaticParams((() => [{ slugg: 'a' }]) as never) }).get(
          () => 1,
        ),
        asked: cached('/asked').get({ query: z.object({ q: z.string() }) }, (_request, { query }) => query.q),
      },
      { onError },
    )
    const error = await failuresOf(app, { ...quiet, outDir })
    expect(error.failures).toEqual([
      { pattern: '/lost/[slug]', pathname: undefined, reason: 'no database', error: lost },
      {
        pattern: '/wrong/[slug]',
        pathname: undefined,
        reason: expect.stringContaining('returned {"slugg":"a"}'),
        error: expect.any(TypeError),
      },
      { pattern: '/items/[slug]', pathname: '/items/broken', reason: 'no such row', error: broken },
      { pattern: '/items/[slug]', pathname: '/items/missing', reason: 'status 404', error: expect.any(Error) },
      { pattern: '/items/[slug]', pathname: '/items/elsewhere', reason: 'status 307', error: expect.any(Error) },
      { pattern: '/asked', pathname: '/asked', reason: 'status 400', error: expect.any(Error) },
    ])
    expect(error.pages.map(({ pathname }) => pathname)).toEqual(['/items/a'])
    expect(error.message).toMatch(/^6 of 7 could not be prerendered:\n/)
    for (const { pattern, pathname, reason } of error.failures)
      expect(error.message).toContain(`\n  ${pattern}  ${pathname ?? ''}\n    ${reason}`)
    expect(filesIn(outDir)).toEqual(['items/a.json'])
    expect(onError).toHaveBeenCalledTimes(1)
  })

  const session = middleware((_request, _context, next) => next({ user: { id: 7 } }))
  it.each([
    ['a cookie', 'cookie', (request: Request) => request.headers.get('cookie')],
    ['a header', 'accept-language', (request: Request) => request.headers.get('accept-language')],
    ['the raw query', 'request.url', (request: Request) => new URL(request.url).search],
    ["the context's query", 'query', (_request: Request, context: { url: URL }) => context.url.searchParams.get('q')],
    ['a value of outer middleware', 'user', (_request: Request, context: any) => context.user.id],
  ])('fails for a route whose handler reads %s', async (_name, input, read) => {
    const cache = createCache()
    const onError = vi.fn()
    const page = route
      .use(session)('/page')
      .use(cache({ revalidate: 60 }))
      .get((request, context) => String(read(request, context)))
    const app = router({ page }, { onError })
    const { failures } = await failuresOf(app)
    expect(failures).toEqual([
      { pattern: '/page', pathname: '/page', reason: expect.any(String), error: expect.any(DynamicError) },
    ])
    expect(failures[0]!.reason).toContain(input)
    expect(onError).toHaveBeenCalledTimes(1)
    expect((await app.fetch(at('/page'))).status).toBe(200)
  })

  it.each([
    ['sets a cookie', () => reply.json(1, { headers: { 'set-cookie': 'a=b' } })],
    ['is private', () => reply.json(1, { headers: { 'cache-control': 'private' } })],
    ['is too large', () => 'x'.repeat(2000)],
    [
      'fails while it is read',
      () => new Response(new ReadableStream({ pull: (controller) => controller.error(new Error('broke')) })),
    ],
  ])('fails for a response that is not stored because it %s', async (_name, respond) => {
    const cache = createCache({ store: memoryStore() })
    const page = route('/page')
      .use(cache({ revalidate: 60, maxBytes: 1000 }))
      .get(() => respond() as Response)
    const { failures } = await failuresOf(router({ page }, { onError: () => {} }))
    expect(failures).toEqual([
      expect.objectContaining({
        pathname: '/page',
        reason: expect.stringMatching(/^the cache did not store the response/),
      }),
    ])
  })

  it('reports the status of an early response from outer middleware', async () => {
    const cache = createCache()
    const guard = middleware(() => reply.unauthorized())
    const page = route
      .use(guard)('/page')
      .use(cache({ revalidate: 60 }))
      .get(() => 1)
    expect((await failuresOf(router({ page }))).failures).toMatchObject([{ pathname: '/page', reason: 'status 401' }])
  })
})

describe('prerender(): outDir', () => {
  const respond = (body: string, type: string) => () => new Response(body, { headers: { 'content-type': type } })

  it('contains each response as a file, with the name that static file servers expect', async () => {
    const cache = createCache()
    const cached = route.use(cache({ revalidate: 60 }))
    const outDir = join(makeDirectory(), 'not', 'there', 'yet')
    const app = router({
      home: cached('/').get(respond('<p>', 'text/html; charset=utf-8')),
      docs: cached('/docs').get(respond('<p>', 'text/html')),
      page: cached('/page.html').get(respond('<p>', 'text/html')),
      version: cached('/docs/v1.x').get(respond('<p>', 'text/html')),
      feed: cached('/feed.xml').get(respond('<rss/>', 'application/rss+xml')),
      rss: cached('/rss').get(respond('<rss/>', 'application/rss+xml')),
      text: cached('/text').get(respond('ü', 'text/plain; charset=utf-8')),
      image: cached('/image').get(respond('<svg/>', 'image/svg+xml')),
      odd: cached('/odd').get(respond('?', 'application/vnd.api.very-odd')),
      bytes: cached('/bytes').get(() => new Response(new Uint8Array([0, 255, 128]))),
      number: cached('/v1.2').get(() => 1),
      item: cached('/items/[slug]', { params: generateStaticParams(() => [{ slug: 'a b' }, { slug: 'ü' }]) }).get(
        (_request, { params }) => params,
      ),
    })
    const { pages } = await prerender(app, { ...quiet, outDir })
    expect(filesIn(outDir)).toEqual(
      [
        'index.html',
        'docs/index.html',
        'page.html',
        'docs/v1.x/index.html',
        'feed.xml',
        'rss.xml',
        'text.txt',
        'image.svg',
        'odd.bin',
        'bytes.bin',
        'v1.2.json',
        'items/a b.json',
        'items/ü.json',
      ].sort(),
    )
    expect(readFileSync(join(outDir, 'items/a b.json'), 'utf8')).toBe('{"slug":"a b"}')
    expect([...readFileSync(join(outDir, 'bytes.bin'))]).toEqual([0, 255, 128])
    for (const { file, bytes } of pages) expect(readFileSync(file!)).toHaveLength(bytes)
    expect(pages[0]!.file).toBe(resolve(outDir, 'index.html'))
  })

  it('replaces its files, and does not change other files', async () => {
    const cache = createCache()
    const outDir = makeDirectory()
    writeFileSync(join(outDir, 'a.json'), 'old')
    writeFileSync(join(outDir, 'mine.txt'), 'mine')
    const page = route('/a')
      .use(cache({ revalidate: 60 }))
      .get(() => 'new')
    await prerender(router({ page }), { ...quiet, outDir })
    expect(filesIn(outDir)).toEqual(['a.json', 'mine.txt'])
    expect(readFileSync(join(outDir, 'a.json'), 'utf8')).toBe('"new"')
  })

  it('contains one file for each param inside the directory, for any param', async () => {
    const parent = makeDirectory()
    const outDir = join(parent, 'out')
    const hostile = [
      '../../etc/passwd',
      '..\\..\\x',
      '/etc/passwd',
      'a/b',
      'a%2Fb',
      'a%2fb',
      'nul\0byte',
      '...',
      '\r\n',
      '%2e%2e%2f',
      '.hidden',
    ]
    const cache = createCache()
    const page = route('/p/[x]', { params: generateStaticParams(() => hostile.map((x) => ({ x }))) })
      .use(cache({ revalidate: 60 }))
      .get((_request, { params }) => params.x)
    const { pages } = await prerender(router({ page }), { ...quiet, outDir })
    expect(readdirSync(parent)).toEqual(['out'])
    expect(readdirSync(outDir)).toEqual(['p'])
    expect(filesIn(join(outDir, 'p'))).toEqual(readdirSync(join(outDir, 'p')).sort())
    expect(pages.map(({ file }) => JSON.parse(readFileSync(file!, 'utf8')))).toEqual(hostile)
  })

  it('contains a different file for each param', async () => {
    const segment = fc
      .oneof(
        fc.string({ minLength: 1, maxLength: 8, unit: 'grapheme' }),
        fc.string({ minLength: 1, maxLength: 8, unit: fc.constantFrom('.', '/', '\\', '%', '2', 'F', 'f', '\0', 'a') }),
      )
      .filter((text) => !/^\.{1,2}$/.test(text) && text.isWellFormed() && canLink(text))
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(segment, { minLength: 1, maxLength: 20 }), async (texts) => {
        const parent = makeDirectory()
        const cache = createCache()
        const page = route('/[x]', { params: generateStaticParams(() => texts.map((x) => ({ x }))) })
          .use(cache({ revalidate: 60 }))
          .get((_request, { params }) => params.x)
        const { pages } = await prerender(router({ page }), { ...quiet, outDir: join(parent, 'out') })
        expect(pages.map(({ file }) => JSON.parse(readFileSync(file!, 'utf8')))).toEqual(texts)
        expect(readdirSync(join(parent, 'out'))).toHaveLength(texts.length)
      }),
      { numRuns: 60 },
    )
  })

  it('fails for the second of two pages with the same file name', async () => {
    const cache = createCache()
    const cached = route.use(cache({ revalidate: 60 }))
    const outDir = makeDirectory()
    const app = router({
      one: cached('/a').get(() => 1),
      two: cached('/a.json').get(() => 2),
    })
    const { failures } = await failuresOf(app, { ...quiet, outDir, concurrency: 1 })
    expect(failures).toMatchObject([{ pathname: '/a.json', reason: 'its file a.json is also the file of /a' }])
    expect(readFileSync(join(outDir, 'a.json'), 'utf8')).toBe('1')
  })

  it('contains no partial file after a failed write', async () => {
    const cache = createCache()
    const cached = route.use(cache({ revalidate: 60 }))
    const outDir = makeDirectory()
    writeFileSync(join(outDir, 'taken'), '')
    const app = router({
      inside: cached('/taken/a').get(() => 1),
      long: cached('/[x]', { params: generateStaticParams(() => [{ x: 'x'.repeat(300) }]) }).get(() => 1),
    })
    const { failures } = await failuresOf(app, { ...quiet, outDir })
    expect(failures.map(({ pattern }) => pattern)).toEqual(['/taken/a', '/[x]'])
    expect(filesIn(outDir)).toEqual(['taken'])
  })
})

const canLink = (text: string): boolean => {
  try {
    return href('/[x]', { x: text }) !== ''
  } catch {
    return false
  }
}

describe('prerender(): progress', () => {
  const toApp = () => {
    const cache = createCache()
    return router({
      item: route('/[slug]', { params: generateStaticParams(() => [{ slug: 'a' }, { slug: 'b' }]) })
        .use(cache({ revalidate: 60 }))
        .get((_request, { params }) => params.slug),
    })
  }
  const watchStderr = (isTTY: boolean): string[] => {
    const lines: string[] = []
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => (lines.push(String(text)), true))
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => (lines.push(`stdout: ${String(text)}`), true))
    const before = Object.getOwnPropertyDescriptor(process.stderr, 'isTTY')
    Object.defineProperty(process.stderr, 'isTTY', { value: isTTY, configurable: true })
    restore = () => {
      if (before) Object.defineProperty(process.stderr, 'isTTY', before)
      else delete (process.stderr as { isTTY?: boolean }).isTTY
    }
    return lines
  }
  let restore = () => {}
  afterEach(() => restore())

  it('is passed to onProgress instead of stderr', async () => {
    const lines = watchStderr(true)
    const onProgress = vi.fn()
    await prerender(toApp(), { onProgress, concurrency: 1 })
    expect(onProgress.mock.calls.map(([progress]) => progress)).toEqual([
      { done: 1, total: 2, pathname: '/a' },
      { done: 2, total: 2, pathname: '/b' },
    ])
    expect(lines).toEqual([])
  })

  it('is one final line if stderr is not a terminal', async () => {
    const lines = watchStderr(false)
    await prerender(toApp())
    expect(lines).toEqual([expect.stringMatching(/^prerendered 2 pages, 0\.0 kB, in \d+\.\d s\n$/)])
  })

  it('is a line that updates on a terminal', async () => {
    const lines = watchStderr(true)
    await prerender(toApp(), { concurrency: 1 })
    expect(lines).toEqual([
      '\r\u001b[K1/2 /a',
      '\r\u001b[K2/2 /b',
      expect.stringContaining('\r\u001b[Kprerendered 2 pages, '),
    ])
  })

  it('includes the number of failures', async () => {
    const lines = watchStderr(false)
    const cache = createCache()
    const page = route('/')
      .use(cache({ revalidate: 60 }))
      .get(() => reply.notFound())
    await failuresOf(router({ page }), {})
    expect(lines).toEqual([expect.stringMatching(/^prerendered 0 pages, .*; 1 failed\n$/)])
  })
})
