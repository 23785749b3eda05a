import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { brotliCompressSync, gzipSync, brotliDecompressSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { route, router } from '../src/index.js'
import { serveStatic, type ServeStaticOptions } from '../src/static/index.js'

const top = mkdtempSync(join(tmpdir(), 'byway-static-'))
const root = join(top, 'public')
const script = 'console.log(1)\n'.repeat(100)
const date = new Date('2026-01-02T03:04:05Z')

beforeAll(() => {
  mkdirSync(join(root, 'docs'), { recursive: true })
  mkdirSync(join(root, 'empty'))
  mkdirSync(join(root, '.well-known'))
  mkdirSync(join(top, 'public-other'))
  const files: Record<string, string | Buffer> = {
    'public/index.html': '<p>home',
    'public/docs/index.html': '<p>docs',
    'public/app.js': script,
    'public/app.js.br': brotliCompressSync(script),
    'public/app.js.gz': gzipSync(script),
    'public/plain.txt': '0123456789',
    'public/no-ending': 'x',
    'public/.env': 'SECRET=1',
    'public/.well-known/x': 'known',
    'public/ü %.txt': 'escaped',
    'secret.txt': 'secret',
    'public-other/secret.txt': 'secret',
  }
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(top, name), content)
    utimesSync(join(top, name), date, date)
  }
  symlinkSync(join(top, 'secret.txt'), join(root, 'link.txt'))
  symlinkSync(top, join(root, 'up'))
  symlinkSync(join(root, 'plain.txt'), join(root, 'inner.txt'))
  symlinkSync('loop', join(root, 'loop'))
})
afterAll(() => rmSync(top, { recursive: true }))

const toApp = (options?: ServeStaticOptions) => router({ files: route('/[[...path]]').get(serveStatic(root, options)) })
const app = toApp()
const send = (
  path: string,
  headers: Record<string, string> = {},
  to: { fetch: (request: Request) => Response | Promise<Response> } = app,
  method = 'GET',
) => to.fetch(new Request(`http://test${path}`, { headers, method }))

describe('serveStatic()', () => {
  it.each([
    ['/', '<p>home', 'text/html;charset=UTF-8'],
    ['/docs', '<p>docs', 'text/html;charset=UTF-8'],
    ['/plain.txt', '0123456789', 'text/plain;charset=UTF-8'],
    ['/app.js', script, 'text/javascript;charset=UTF-8'],
    ['/no-ending', 'x', 'application/octet-stream'],
    ['/%C3%BC%20%25.txt', 'escaped', 'text/plain;charset=UTF-8'],
    ['/inner.txt', '0123456789', 'text/plain;charset=UTF-8'],
  ])('serves %s', async (path, text, type) => {
    const response = await send(path)
    expect([response.status, await response.text()]).toEqual([200, text])
    expect(response.headers.get('content-type')).toBe(type)
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    expect(response.headers.get('cache-control')).toBe('public, max-age=0, must-revalidate')
    expect(response.headers.get('last-modified')).toBe(date.toUTCString())
  })

  it.each([
    '/missing',
    '/empty',
    '/plain.txt/x',
    '/.env',
    '/.well-known/x',
    '/link.txt',
    '/up/secret.txt',
    '/loop',
    '/..%2fsecret.txt',
    '/docs%2f..%2fplain.txt',
    '/docs/%2e%2e%2f%2e%2e%2fsecret.txt',
    '/%2e%2e/secret.txt',
    '/..%5csecret.txt',
    '/..%5c..%5csecret.txt',
    '/plain.txt%00',
    '/plain.txt%00.js',
    '/plain.txt%20',
    '/plain.txt.',
    '/C:%5cwindows',
    '/plain.txt::$DATA',
    '/%2Fetc%2Fpasswd',
    '/file:%2F%2F%2Fetc%2Fpasswd',
    `/${'a'.repeat(5_000)}`,
  ])('responds to %s with a 404', async (path) => {
    const response = await send(path)
    expect(response.status).toBe(404)
    expect(await response.text()).not.toContain('secret')
  })

  it('never serves a file outside of the folder, for any path or link', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.constantFrom(
            '..',
            '.',
            '%2e%2e',
            '%2e',
            'up',
            'link.txt',
            'secret.txt',
            'public',
            'public-other',
            '%5c',
            '%2f',
            '',
            '%00',
            '/',
            '\\',
          ),
          { maxLength: 8 },
        ),
        async (parts) => {
          const response = await send(`/${parts.join('/')}`)
          expect([200, 308, 400, 404]).toContain(response.status)
          expect(await response.text()).not.toContain('secret')
        },
      ),
      { numRuns: 300 },
    ))

  it('serves ranges, conditions and HEAD', async () => {
    const part = await send('/plain.txt', { range: 'bytes=2-4' })
    expect([part.status, await part.text(), part.headers.get('content-range')]).toEqual([206, '234', 'bytes 2-4/10'])
    expect((await send('/plain.txt', { range: 'bytes=20-' })).status).toBe(416)
    const etag = (await send('/plain.txt')).headers.get('etag')!
    for (const headers of [{ 'if-none-match': etag }, { 'if-modified-since': date.toUTCString() }])
      expect((await send('/plain.txt', headers)).status).toBe(304)
    const head = await send('/plain.txt', {}, app, 'HEAD')
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '10', ''])
    expect((await send('/plain.txt', {}, app, 'POST')).status).toBe(405)
  })

  it('serves a compressed file to clients that accept it', async () => {
    const response = await send('/app.js', { 'accept-encoding': 'gzip, br;q=0.9' })
    expect([response.headers.get('content-encoding'), response.headers.get('vary')]).toEqual([
      'gzip',
      'Accept-Encoding',
    ])
    expect(response.headers.get('content-type')).toBe('text/javascript;charset=UTF-8')
    const brotli = await send('/app.js', { 'accept-encoding': 'br, gzip;q=0' })
    expect(brotliDecompressSync(Buffer.from(await brotli.arrayBuffer())).toString()).toBe(script)
    expect(brotli.headers.get('etag')).not.toBe(response.headers.get('etag'))
    for (const accept of ['br;q=0', 'zstd', 'identity', ''])
      expect((await send('/app.js', { 'accept-encoding': accept })).headers.get('content-encoding')).toBeNull()
    const off = await send('/app.js', { 'accept-encoding': 'br' }, toApp({ precompressed: false }))
    expect([off.headers.get('content-encoding'), off.headers.get('vary')]).toEqual([null, null])
  })

  it('serves the last param of the pattern, and no other', async () => {
    const app = router({
      tenant: route('/[tenant]/files/[[...path]]').get(serveStatic(root)),
      one: route('/one/[name]').get(serveStatic(root)),
    })
    expect(await (await send('/docs/files/plain.txt', {}, app)).text()).toBe('0123456789')
    expect(await (await send('/docs/files', {}, app)).text()).toBe('<p>home')
    expect(await (await send('/one/plain.txt', {}, app)).text()).toBe('0123456789')
    expect((await send('/one/plain.txt%2F..%2F..%2Fsecret.txt', {}, app)).status).toBe(404)
  })

  it.each(['public', 'public/'])('serves a folder by its URL (%s)', async (name) => {
    const folder = new URL(name, pathToFileURL(`${top}/`))
    const app = router({ files: route('/[[...path]]').get(serveStatic(folder)) })
    expect(await (await send('/plain.txt', {}, app)).text()).toBe('0123456789')
    expect((await send('/..%2Fsecret.txt', {}, app)).status).toBe(404)
    expect(() => serveStatic(new URL('https://files.example/'))).toThrow(TypeError)
  })

  describe('with a fallback', () => {
    const navigation = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }
    const immutable = (path: string) => path.startsWith('assets/')
    const app = toApp({ fallback: 'index.html', immutable })

    it('sends it for a navigation to a missing path, as a page that is not cached', async () => {
      for (const path of ['/deep/link', '/assets/gone.js', '/none.png']) {
        const response = await send(path, navigation, app)
        expect([response.status, response.headers.get('vary'), await response.text()]).toEqual([
          200,
          'Accept-Encoding, Accept',
          '<p>home',
        ])
        expect(response.headers.get('cache-control')).toBe('public, max-age=0, must-revalidate')
        expect(response.headers.get('content-type')).toBe('text/html;charset=UTF-8')
      }
      expect((await send('/deep/link', navigation, app, 'HEAD')).status).toBe(200)
    })

    it.each(['image/avif,image/webp,*/*;q=0.8', '*/*', 'application/json', 'text/htmlx', 'text/html;q=0', ''])(
      'sends a 404 to a request that accepts %j',
      async (accept) => {
        const response = await send('/none.png', { accept }, app)
        expect([response.status, response.headers.get('vary')]).toEqual([404, 'Accept'])
      },
    )

    it('sends files to every request, and a 404 if the fallback is missing', async () => {
      const response = await send('/plain.txt', { accept: '*/*' }, app)
      expect([response.status, response.headers.get('vary')]).toEqual([200, 'Accept-Encoding'])
      expect((await send('/deep/link', navigation, toApp({ fallback: 'none.html' }))).status).toBe(404)
      expect((await send('/deep/link', navigation)).headers.get('vary')).toBeNull()
    })
  })

  it('sets Cache-Control from maxAge and immutable, and follows index and dotfiles', async () => {
    const control = async (options: ServeStaticOptions, path = '/app.js') =>
      (await send(path, {}, toApp(options))).headers.get('cache-control')
    expect(await control({ maxAge: 60 })).toBe('public, max-age=60')
    expect(await control({ immutable: true })).toBe('public, max-age=31536000, immutable')
    const immutable = (path: string) => path === 'app.js'
    expect([await control({ immutable }), await control({ immutable }, '/plain.txt')]).toEqual([
      'public, max-age=31536000, immutable',
      'public, max-age=0, must-revalidate',
    ])
    expect((await send('/', {}, toApp({ index: false }))).status).toBe(404)
    expect(await (await send('/.well-known/x', {}, toApp({ dotfiles: true }))).text()).toBe('known')
    expect(() => serveStatic(root, { maxAge: -1 })).toThrow(TypeError)
  })
})
