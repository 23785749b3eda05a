import { brotliDecompressSync, gunzipSync, createGunzip } from 'node:zlib'
import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createCache } from '../../src/cache/index.js'
import { errorOf, middleware, route, router } from '../../src/index.js'
import {
  compress,
  etag,
  language,
  logger,
  requestId,
  secureHeaders,
  serverTiming,
  type LogEntry,
} from '../../src/middleware/index.js'
import * as reply from '../../src/replies/index.js'

afterEach(() => void vi.restoreAllMocks())

const at = (path = '/', init?: RequestInit): Request => new Request(`http://test${path}`, init)
const accepting = (encoding: string, path = '/', method = 'GET'): Request =>
  at(path, { method, headers: { 'accept-encoding': encoding } })

describe('requestId()', () => {
  const seen = route('/').get((_request, context) => (context as { requestId?: string }).requestId)
  const app = (options?: Parameters<typeof requestId>[0]) =>
    router({ seen }, { use: [requestId(options)], onError() {} })
  const given = { headers: { 'x-request-id': 'abc-123' } }

  it('adds a new ID, and sends it with every response', async () => {
    const response = await app().fetch(at('/', given))
    const id = response.headers.get('x-request-id')
    expect(id).toMatch(/^[\da-f-]{36}$/)
    expect(await response.json()).toBe(id)
    for (const [path, method] of [
      ['/nothing', 'GET'],
      ['/', 'PUT'],
      ['/', 'OPTIONS'],
      ['/', 'HEAD'],
      ['/%E0%A4%A', 'GET'],
    ])
      expect((await app().fetch(at(path, { method: method! }))).headers.get('x-request-id')).toHaveLength(36)
  })

  it('uses the ID of the request only if it is trusted', async () => {
    expect(await (await app({ trust: true }).fetch(at('/', given))).json()).toBe('abc-123')
    const named = app({ trust: true, header: 'X-Correlation', generate: () => 'made' })
    const response = await named.fetch(at('/', { headers: { 'x-correlation': 'mine' } }))
    expect(response.headers.get('x-correlation')).toBe('mine')
  })

  it('replaces the header of the handler', async () => {
    const it = route('/').get(() => reply.text('x', { headers: { 'x-request-id': 'upstream' } }))
    const response = await router({ it }, { use: [requestId({ generate: () => 'ours' })] }).fetch(at())
    expect(response.headers.get('x-request-id')).toBe('ours')
  })

  it('replaces an ID that could break a log or a header', () =>
    fc.assert(
      fc.asyncProperty(
        fc.string({ unit: fc.constantFrom(...'aZ0-_.:=+/ "<>\t\\{}%é'), maxLength: 140 }),
        async (text) => {
          const response = await app({ trust: true, generate: () => 'new' }).fetch(
            at('/', { headers: { 'x-request-id': text } }),
          )
          const id = response.headers.get('x-request-id')!
          expect(id === 'new' || id === text.trim()).toBe(true)
          expect(id).toMatch(/^[\w.:=+/-]{1,128}$/)
        },
      ),
    ))

  it('throws for a header name that is not a token', () => {
    expect(() => requestId({ header: 'a b' })).toThrow(TypeError)
  })
})

describe('logger()', () => {
  const toApp = (options: Parameters<typeof logger>[0] = {}) => {
    const entries: LogEntry[] = []
    const item = route('/items/[id]')
      .get((_request, { params }) => params.id)
      .post({ sensitive: true }, () => reply.problem(409))
    const secret = route('/secret/[token]').get({ sensitive: true }, () => 'ok')
    const broken = route('/broken').get((): string => {
      throw new RangeError('password=1')
    })
    const onError = vi.fn()
    const use = [requestId({ generate: () => 'id' }), logger({ sink: (entry) => void entries.push(entry), ...options })]
    return { app: router({ item, secret, broken }, { use, onError }), entries, onError }
  }

  it('records one entry for each request, even if no route matches', async () => {
    const { app, entries } = toApp()
    for (const [path, method] of [
      ['/items/7?token=1', 'GET'],
      ['/nothing', 'GET'],
      ['/items/7', 'PUT'],
      ['/broken', 'GET'],
    ])
      await app.fetch(at(path, { method: method!, headers: { authorization: 'Bearer x', cookie: 'sid=1' } }))
    expect(entries.map(({ time, duration, ...rest }) => [time.length, duration >= 0, rest])).toEqual([
      [
        24,
        true,
        { level: 'info', method: 'GET', pattern: '/items/[id]', path: '/items/7', status: 200, requestId: 'id' },
      ],
      [24, true, { level: 'warn', method: 'GET', pattern: null, path: '/nothing', status: 404, requestId: 'id' }],
      [
        24,
        true,
        { level: 'warn', method: 'PUT', pattern: '/items/[id]', path: '/items/7', status: 405, requestId: 'id' },
      ],
      [
        24,
        true,
        {
          level: 'error',
          method: 'GET',
          pattern: '/broken',
          path: '/broken',
          status: 500,
          requestId: 'id',
          error: 'RangeError',
        },
      ],
    ])
    expect(JSON.stringify(entries)).not.toMatch(/token|Bearer|sid|password/)
  })

  it('records no path of a sensitive operation', async () => {
    const { app, entries } = toApp()
    for (const [path, method] of [
      ['/secret/abc', 'GET'],
      ['/secret/abc', 'HEAD'],
      ['/items/7', 'POST'],
      ['/items/7', 'GET'],
    ])
      await app.fetch(at(path, { method: method! }))
    expect(entries.map(({ path }) => path)).toEqual([undefined, undefined, undefined, '/items/7'])
    expect(entries.map(({ pattern }) => pattern)).toEqual([
      '/secret/[token]',
      '/secret/[token]',
      '/items/[id]',
      '/items/[id]',
    ])
  })

  it('calls onError once for an error', async () => {
    const { app, onError } = toApp()
    await app.fetch(at('/broken'))
    expect(onError).toHaveBeenCalledTimes(1)
  })

  it('adds the result of its fields option to the entry', async () => {
    const { app, entries } = toApp({
      fields: (request, { pattern }, response) => ({ user: 1, more: [request.method, pattern, response.ok] }),
    })
    await app.fetch(at('/items/7'))
    expect(entries[0]).toMatchObject({ user: 1, more: ['GET', '/items/[id]', true] })
  })

  it('reports an error of the sink, and sends the response', async () => {
    const { app, onError } = toApp({
      sink: () => {
        throw new Error('disk full')
      },
    })
    expect((await app.fetch(at('/items/7'))).status).toBe(200)
    expect(onError.mock.calls[0]![0]).toMatchObject({ message: 'disk full' })
  })

  it('prints one line of JSON for any request', () =>
    fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), async (text) => {
        const print = vi.spyOn(console, 'log').mockImplementation(() => {})
        const app = router({}, { use: [logger()] })
        await app.fetch(at(`/${encodeURI(text.toWellFormed())}\n\u001b[31m`))
        const [[line]] = print.mock.calls as [[string]]
        print.mockRestore()
        // oxlint-disable-next-line no-control-regex
        expect(line).not.toMatch(/[\0-\x1f]/)
        expect(JSON.parse(line)).toMatchObject({ status: expect.any(Number), method: 'GET' })
      }),
      { numRuns: 50 },
    ))

  it('prints text on a terminal', async () => {
    const { isTTY } = process.stdout
    process.stdout.isTTY = true
    const print = vi.spyOn(console, 'log').mockImplementation(() => {})
    const it = route('/items/[id]').get(() => reply.problem(404))
    await router({ it }, { use: [logger({ fields: () => ({ user: 'ann' }) })] }).fetch(at('/items/7'))
    process.stdout.isTTY = isTTY
    // oxlint-disable-next-line no-control-regex
    const line = String(print.mock.calls[0]![0]).replace(/\u001b\[\d+m/g, '')
    expect(line).toMatch(/^\d\d:\d\d:\d\d GET {4}404 \/items\/7 \d+\.\d ms \{"user":"ann"\}$/)
  })

  it('throws for a sink that is not a function', () => {
    expect(() => logger({ sink: console as never })).toThrow(TypeError)
  })
})

describe('secureHeaders()', () => {
  const home = route('/').get(() => 'home')
  const framed = route('/framed').get(() =>
    reply.html('<p>', {
      headers: { 'x-frame-options': 'SAMEORIGIN', 'content-security-policy': "default-src 'self'" },
    }),
  )

  it('sends its defaults with every response', async () => {
    const app = router({ home }, { use: [secureHeaders()] })
    for (const path of ['/', '/nothing']) {
      const { headers } = await app.fetch(at(path))
      expect(Object.fromEntries(headers)).toMatchObject({
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
        'strict-transport-security': 'max-age=31536000; includeSubDomains',
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
      })
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.has('permissions-policy')).toBe(false)
    }
  })

  it('keeps headers of the response, and omits headers whose option is false', async () => {
    const app = router(
      { framed },
      { use: [secureHeaders({ strictTransportSecurity: false, permissionsPolicy: 'camera=()' })] },
    )
    const { headers } = await app.fetch(at('/framed'))
    expect(headers.get('x-frame-options')).toBe('SAMEORIGIN')
    expect(headers.get('content-security-policy')).toBe("default-src 'self'")
    expect(headers.get('permissions-policy')).toBe('camera=()')
    expect(headers.has('strict-transport-security')).toBe(false)
  })

  it('creates a new nonce for each response, even with an inner cache', async () => {
    const cache = createCache()
    const page = route('/')
      .use(
        secureHeaders({
          contentSecurityPolicy: { 'script-src': ["'strict-dynamic'"], 'upgrade-insecure-requests': [] },
          nonce: ['script-src'],
        }),
      )
      .use(cache({ revalidate: 60 }))
      .get((_request, { nonce }) => reply.html(`<script nonce="${nonce}"></script>`))
    const app = router({ page })
    const nonces = new Set<string>()
    for (let run = 0; run < 3; run++) {
      const response = await app.fetch(at())
      const [, nonce] = /nonce="([^"]{22}==)"/.exec(await response.text())!
      expect(response.headers.get('content-security-policy')).toBe(
        `script-src 'strict-dynamic' 'nonce-${nonce}'; upgrade-insecure-requests`,
      )
      nonces.add(nonce!)
    }
    expect(nonces.size).toBe(3)
  })

  it('sends only Content-Security-Policy-Report-Only if reportOnly is set', async () => {
    const app = router({ home }, { use: [secureHeaders({ reportOnly: true })] })
    const { headers } = await app.fetch(at())
    expect(headers.has('content-security-policy')).toBe(false)
    expect(headers.get('content-security-policy-report-only')).toContain('default-src')
  })

  it.each([
    [{ contentSecurityPolicy: { 'script-src': ["'self'; script-src *"] } }],
    [{ contentSecurityPolicy: { 'script-src': ['https://a, b'] } }],
    [{ contentSecurityPolicy: { 'Script Src': ["'self'"] } }],
    [{ nonce: ['script src'] }],
    [{ contentSecurityPolicy: false, nonce: ['script-src'] }],
    [{ referrerPolicy: 'a\r\nset-cookie: x' }],
    [{ frameOption: 'DENY' }],
  ])('throws for %j', (options) => {
    expect(() => secureHeaders(options as never)).toThrow(TypeError)
  })
})

describe('compress()', () => {
  const long = 'lorem ipsum '.repeat(500)
  const text = route('/').get(() => reply.text(long, { headers: { etag: '"v1"', 'accept-ranges': 'bytes' } }))
  const small = route('/small').get(() => reply.text('small'))
  const bytes = route('/image').get(
    () => new Response(new Uint8Array(5_000), { headers: { 'content-type': 'image/png' } }),
  )
  const done = route('/done').get(() => reply.text(long, { headers: { 'content-encoding': 'gzip' } }))
  const fixed = route('/fixed').get(() => reply.text(long, { headers: { 'cache-control': 'public, no-transform' } }))
  const part = route('/part').get((request) => reply.file(request, new Blob([long]), { type: 'text/plain' }))
  const events = route('/events').get(() => reply.sse([{ data: long }]))
  const empty = route('/empty').get(() => reply.text('', { status: 204 }))
  const all = { text, small, bytes, done, fixed, part, events, empty }
  const app = router(all, { use: [compress()] })
  const codingOf = async (accept: string, path = '/') =>
    (await app.fetch(accepting(accept, path))).headers.get('content-encoding')

  it('compresses with the coding that the client weighs highest', async () => {
    const response = await app.fetch(accepting('gzip, br'))
    expect(response.headers.get('content-encoding')).toBe('br')
    const body = Buffer.from(await response.arrayBuffer())
    expect(brotliDecompressSync(body).toString()).toBe(long)
    expect(response.headers.get('content-length')).toBe(String(body.length))
    expect(response.headers.get('vary')).toBe('Accept-Encoding')
    expect(response.headers.get('etag')).toBe('W/"v1"')
    expect(response.headers.has('accept-ranges')).toBe(false)
    const gzip = await app.fetch(accepting('br;q=0.5, gzip'))
    expect(gunzipSync(Buffer.from(await gzip.arrayBuffer())).toString()).toBe(long)
  })

  it.each([
    ['gzip;q=0', null],
    ['*', 'br'],
    ['*;q=0', null],
    ['*, br;q=0, zstd;q=0', 'gzip'],
    ['GZIP', 'gzip'],
    ['gzip;q=0.5, identity', null],
    ['deflate', null],
    ['gzip;q=2', null],
    ['gzip;q=1.0000', null],
    ['', null],
  ])('for Accept-Encoding %j sends %s', async (accept, coding) => {
    expect(await codingOf(accept)).toBe(coding)
  })

  it.each(['/small', '/image', '/fixed', '/events', '/empty'])('does not compress %s', async (path) => {
    const response = await app.fetch(accepting('gzip', path))
    expect([response.headers.get('content-encoding'), response.headers.get('vary')]).toEqual([null, null])
  })

  it('does not compress encoded and partial responses', async () => {
    expect(await (await app.fetch(accepting('br', '/done'))).text()).toBe(long)
    const part = await app.fetch(at('/part', { headers: { 'accept-encoding': 'gzip', range: 'bytes=0-4' } }))
    expect([part.status, await part.text()]).toEqual([206, 'lorem'])
    expect(await codingOf('gzip', '/part')).toBe('gzip')
  })

  it('sends Vary, but no Content-Encoding, for HEAD', async () => {
    const response = await app.fetch(accepting('gzip', '/', 'HEAD'))
    expect([response.headers.get('content-encoding'), response.headers.get('vary')]).toEqual([null, 'Accept-Encoding'])
  })

  it('adds to the Vary of the handler', async () => {
    const it = route('/').get(() => reply.text(long, { headers: { vary: 'Origin' } }))
    const response = await router({ it }, { use: [compress()] }).fetch(accepting('gzip'))
    expect(response.headers.get('vary')).toBe('Origin, Accept-Encoding')
  })

  it('flushes a stream after each chunk, and cancels it with the client', async () => {
    let release: (() => void) | undefined
    const canceled = vi.fn()
    const it = route('/').get(() =>
      reply.stream(
        (async function* () {
          try {
            yield 'first'
            await new Promise<void>((resolve) => (release = resolve))
            yield 'second'
            await new Promise(() => {})
          } finally {
            canceled()
          }
        })(),
        { headers: { 'content-type': 'text/plain' } },
      ),
    )
    const app = router({ it }, { use: [compress({ encodings: ['gzip'] })] })
    const response = await app.fetch(accepting('gzip'))
    expect(response.headers.get('content-encoding')).toBe('gzip')
    const gunzip = createGunzip()
    let text = ''
    gunzip.on('data', (chunk) => (text += String(chunk)))
    const reader = response.body!.getReader()
    const read = async () => gunzip.write((await reader.read()).value)
    await read()
    await vi.waitFor(() => expect(text).toBe('first'))
    const second = read()
    await vi.waitFor(() => expect(release).toBeDefined())
    release!()
    await second
    await vi.waitFor(() => expect(text).toBe('firstsecond'))
    void reader.cancel()
    await vi.waitFor(() => expect(canceled).toHaveBeenCalled())
    gunzip.destroy()
  })

  it('fails the compressed body if the stream fails', async () => {
    const onError = vi.fn()
    const it = route('/').get(() =>
      reply.stream(
        (async function* () {
          yield 'first'
          throw new Error('upstream')
        })(),
        { headers: { 'content-type': 'text/plain' } },
      ),
    )
    const response = await router({ it }, { use: [compress()], onError }).fetch(accepting('gzip'))
    await expect(response.arrayBuffer()).rejects.toThrow()
    await vi.waitFor(() => expect(onError).toHaveBeenCalledTimes(1))
  })

  it('works as inner and as outer middleware of a cache', async () => {
    const cache = createCache()
    let runs = 0
    const inside = route('/inside')
      .use(compress())
      .use(cache({ revalidate: 60 }))
      .get(() => reply.text(long + ++runs))
    const outside = route('/outside')
      .use(cache({ revalidate: 60, vary: ['accept-encoding'] }))
      .use(compress())
      .get(() => reply.text(long))
    const app = router({ inside, outside })
    for (const path of ['/inside', '/outside'])
      for (const accept of ['gzip', 'identity', 'gzip', 'br']) {
        const response = await app.fetch(accepting(accept, path))
        const coding = response.headers.get('content-encoding')
        expect(coding).toBe(accept === 'identity' ? null : accept)
        const body = Buffer.from(await response.arrayBuffer())
        const plain = coding === 'gzip' ? gunzipSync(body) : coding === 'br' ? brotliDecompressSync(body) : body
        expect(plain.toString().startsWith(long)).toBe(true)
      }
    expect(runs).toBe(1)
  })

  it('responds to any Accept-Encoding uncompressed, or with gzip, br or zstd', () =>
    fc.assert(
      fc.asyncProperty(fc.string({ unit: fc.constantFrom(...'gzip br;q=0.15,*identystd\t"') }), async (accept) => {
        const response = await app.fetch(accepting(accept))
        const body = Buffer.from(await response.arrayBuffer())
        const coding = response.headers.get('content-encoding')
        if (coding === null) expect(body.toString()).toBe(long)
        else expect(['gzip', 'br', 'zstd']).toContain(coding)
      }),
      { numRuns: 100 },
    ))

  it('throws for codings that the host lacks, and a threshold that is not a number', () => {
    expect(() => compress({ encodings: [] })).toThrow(/encodings that this host has/)
    expect(() => compress({ threshold: Number.NaN })).toThrow(TypeError)
  })
})

describe('etag()', () => {
  let body: unknown = { a: 1 }
  const data = route('/').get(() => body as { a: number })
  const own = route('/own').get(() => reply.text('x', { headers: { etag: '"mine"' } }))
  const secret = route('/secret').get(() => reply.text('x', { headers: { 'cache-control': 'no-store' } }))
  const stream = route('/stream').get(() => reply.stream(['x']))
  const file = route('/file').get(() => reply.bytes(new Uint8Array(100)))
  const posted = route('/posted').post(() => 'x')
  const app = router({ data, own, secret, stream, file, posted }, { use: [etag({ limit: 50 })], onError() {} })
  const tagOf = async (path: string, method = 'GET') => (await app.fetch(at(path, { method }))).headers.get('etag')

  it('sends a weak tag that changes with the body', async () => {
    const first = await tagOf('/')
    expect(first).toMatch(/^W\/"[\w+/]{16}"$/)
    expect(await tagOf('/')).toBe(first)
    expect(await tagOf('/', 'HEAD')).toBe(first)
    body = { a: 2 }
    expect(await tagOf('/')).not.toBe(first)
  })

  it('responds with a 304 to a request that has the tag', async () => {
    const tag = (await tagOf('/'))!
    for (const header of [tag, `"other", ${tag}`, tag.slice(2), '*']) {
      const response = await app.fetch(at('/', { headers: { 'if-none-match': header } }))
      expect([
        response.status,
        response.headers.get('etag'),
        response.headers.get('content-type'),
        await response.text(),
      ]).toEqual([304, tag, null, ''])
    }
    expect((await app.fetch(at('/', { headers: { 'if-none-match': '"other"' } }))).status).toBe(200)
  })

  it("compares the handler's tag", async () => {
    expect((await app.fetch(at('/own', { headers: { 'if-none-match': '"mine"' } }))).status).toBe(304)
    expect(await tagOf('/own')).toBe('"mine"')
  })

  it.each(['/secret', '/stream', '/file', '/nothing'])('sends no ETag for %s', async (path) => {
    expect(await tagOf(path)).toBeNull()
  })

  it('sends no ETag for another method', async () => {
    expect(await tagOf('/posted', 'POST')).toBeNull()
  })

  it('sends an ETag for a native Response, with its whole body', async () => {
    const it = route('/').get(() => new Response('native', { headers: { 'content-length': '6' } }))
    const response = await router({ it }, { use: [etag()] }).fetch(at())
    expect([response.headers.get('etag'), await response.text()]).toEqual([expect.stringMatching(/^W\//), 'native'])
  })

  it('throws for a limit that is not positive', () => {
    expect(() => etag({ limit: 0 })).toThrow(RangeError)
  })
})

describe('serverTiming()', () => {
  it('sends metrics of sync and async work, also if it fails', async () => {
    const it = route('/')
      .use(serverTiming())
      .get(async (_request, { timing }) => {
        timing.add('cache', undefined, 'a "quoted" \\ \r\nmiß')
        expect(timing.time('sync', () => 1)).toBe(1)
        expect(await timing.time('db', async () => 2, 'rows')).toBe(2)
        await timing.time('bad', () => Promise.reject(new Error('x'))).catch(() => {})
        return 'ok'
      })
    const header = (await router({ it }).fetch(at())).headers.get('server-timing')!
    expect(header.replace(/dur=[\d.]+/g, 'dur=n')).toBe(
      'cache;desc="a \\"quoted\\" \\\\ ??mi?", sync;dur=n, db;dur=n;desc="rows", bad;dur=n, total;dur=n',
    )
  })

  it('sends nothing if report returns false', async () => {
    const it = route('/').get(() => 'ok')
    for (const report of [false, () => false])
      expect((await router({ it }, { use: [serverTiming({ report })] }).fetch(at())).headers.has('server-timing')).toBe(
        false,
      )
    const none = await router({ it }, { use: [serverTiming({ total: false })] }).fetch(at())
    expect(none.headers.has('server-timing')).toBe(false)
  })

  it('throws for names that are not tokens', () => {
    expect(() => serverTiming({ total: 'a b' })).toThrow(TypeError)
  })
})

describe('language()', () => {
  const seen = route('/').get((_request, context) => (context as { language?: string }).language)
  const choose = ({ url }: { url: URL }) => url.searchParams.get('lang')
  const app = router({ seen }, { use: [language({ supported: ['en', 'de', 'pt-BR', 'zh-Hant'], choose })] })
  const send = (accept: string | undefined, path = '/') =>
    app.fetch(at(path, { headers: { ...(accept !== undefined && { 'accept-language': accept }) } }))

  it.each([
    [undefined, 'en'],
    ['', 'en'],
    ['de', 'de'],
    ['DE-AT', 'de'],
    ['fr, de;q=0.5, en;q=0.7', 'en'],
    ['fr, de;q=0.8, en;q=0.7', 'de'],
    ['pt', 'en'],
    ['pt-BR-x-test', 'pt-BR'],
    ['zh-Hant-TW', 'zh-Hant'],
    ['*', 'en'],
    ['*;q=0.9, de;q=0.5', 'en'],
    ['en;q=0, *', 'de'],
    ['de;q=0, de', 'en'],
    ['de;q=1.5', 'en'],
    [`${'xx,'.repeat(10_000)}de`, 'en'],
  ])('for Accept-Language %j uses %s', async (accept, expected) => {
    const response = await send(accept)
    expect(await response.json()).toBe(expected)
    expect(response.headers.get('content-language')).toBe(expected)
    expect(response.headers.get('vary')).toBe('Accept-Language')
  })

  it("prefers the client's choice, and ignores one that is not supported", async () => {
    const chosen = await send('en', '/?lang=de-CH')
    expect([await chosen.json(), chosen.headers.get('vary')]).toEqual(['de', null])
    expect(await (await send('de', '/?lang=__proto__')).json()).toBe('de')
  })

  it("keeps the handler's Content-Language", async () => {
    const it = route('/').get(() => reply.text('x', { headers: { 'content-language': 'fr' } }))
    const response = await router({ it }, { use: [language({ supported: ['en'] })] }).fetch(at())
    expect(response.headers.get('content-language')).toBe('fr')
  })

  it('adds a supported language for any header', () =>
    fc.assert(
      fc.asyncProperty(fc.string({ unit: fc.constantFrom(...'de-AT,;q=0.519*xzh ') }), async (accept) => {
        expect(['en', 'de', 'pt-BR', 'zh-Hant']).toContain(await (await send(accept)).json())
      }),
    ))

  it('throws for an invalid language tag and an empty list', () => {
    expect(() => language({ supported: ['en_US'] })).toThrow(TypeError)
    expect(() => language({ supported: [] as never })).toThrow(TypeError)
  })
})

describe('a stack of middleware', () => {
  it('adds its headers to every kind of response', async () => {
    const onError = vi.fn()
    const seen: unknown[] = []
    const mapped = middleware(async (_request, _context, next) => {
      const response = await next()
      seen.push(errorOf(response))
      return response
    })
    const item = route('/items/[id]').get((_request, { params }) => ({ id: params.id, text: 'x'.repeat(3_000) }))
    const broken = route('/broken').get((): string => {
      throw new Error('broken')
    })
    const use = [
      requestId(),
      logger({ sink() {} }),
      secureHeaders(),
      compress(),
      serverTiming(),
      etag(),
      language({ supported: ['en'] }),
      mapped,
    ]
    const app = router({ item, broken }, { use, onError })
    for (const [path, method, status] of [
      ['/items/7', 'GET', 200],
      ['/items/7', 'HEAD', 200],
      ['/items/7', 'OPTIONS', 204],
      ['/items/7', 'POST', 405],
      ['/nothing', 'GET', 404],
      ['/broken', 'GET', 500],
    ] as const) {
      const response = await app.fetch(accepting('gzip', path, method))
      expect(response.status).toBe(status)
      expect(response.headers.has('x-request-id')).toBe(true)
      expect(response.headers.has('strict-transport-security')).toBe(true)
    }
    expect(onError).toHaveBeenCalledTimes(1)
    expect(seen.filter(Boolean)).toHaveLength(1)
  })
})
