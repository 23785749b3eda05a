import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { middleware, route, router } from '../../src/index.js'
import * as reply from '../../src/replies/index.js'
import { cors, type CorsOptions } from '../../src/middleware/index.js'

const ours = 'https://app.example'
const theirs = 'https://evil.example'

const home = route('/')
  .get(() => 'home')
  .put(() => 'put')
const broken = route('/broken').get((): string => {
  throw new Error('broken')
})
const varied = route('/varied').get(() => reply.text('ok', { headers: { vary: 'accept, ORIGIN' } }))
const open = route('/open').get(() => reply.text('ok', { headers: { 'access-control-allow-origin': '*' } }))
const foreign = route('/foreign').get(() => Response.redirect('http://test/', 302))
const own = route('/own').options(() => reply.text('own options'))

const toApp = (options: CorsOptions) =>
  router({ home, broken, varied, open, foreign, own }, { use: [cors(options)], onError: vi.fn() })

async function send(options: CorsOptions, path = '/', init: RequestInit = {}): Promise<Response> {
  return toApp(options).fetch(new Request(`http://test${path}`, init))
}
const from = (origin: string, more: Record<string, string> = {}): RequestInit => ({ headers: { origin, ...more } })
const preflight = (origin: string, more: Record<string, string> = {}): RequestInit => ({
  method: 'OPTIONS',
  headers: { origin, 'access-control-request-method': 'PUT', ...more },
})
const allowed = (response: Response): string | null => response.headers.get('access-control-allow-origin')

describe('cors(): origins', () => {
  it('sends Access-Control-Allow-Origin to a listed origin only', async () => {
    const options = { origin: ['https://other.example', ours] }
    expect(allowed(await send(options, '/', from(ours)))).toBe(ours)
    for (const origin of [theirs, 'null', '', 'https://app.example.evil', 'https://APP.example', 'http://app.example'])
      expect(allowed(await send(options, '/', from(origin)))).toBeNull()
    expect(allowed(await send(options))).toBeNull()
  })

  it('sends * to every origin', async () => {
    expect(allowed(await send({ origin: '*' }, '/', from(theirs)))).toBe('*')
    expect(allowed(await send({ origin: '*' }, '/', from('null')))).toBe('*')
    expect(allowed(await send({ origin: '*' }))).toBe('*')
  })

  it('calls a function, which can return a promise', async () => {
    const origin = vi.fn((origin: string, request: Request) => origin.endsWith('.example') && request.url.length > 0)
    expect(allowed(await send({ origin }, '/', from(ours)))).toBe(ours)
    expect(allowed(await send({ origin }, '/', from('https://example.org')))).toBeNull()
    expect(origin.mock.calls[0]).toEqual([ours, expect.any(Request)])
    const slow = async (origin: string): Promise<boolean> => origin === ours
    expect(allowed(await send({ origin: slow }, '/', from(ours)))).toBe(ours)
    expect(allowed(await send({ origin: slow }, '/', from(theirs)))).toBeNull()
  })

  it('allows nothing if a function returns anything but true', async () => {
    expect(allowed(await send({ origin: (() => 'yes') as never }, '/', from(theirs)))).toBeNull()
    expect(allowed(await send({ origin: (() => undefined) as never }, '/', from(theirs)))).toBeNull()
  })

  it('allows the origin null only if it is listed', async () => {
    const everyone = vi.fn(() => true)
    expect(allowed(await send({ origin: everyone }, '/', from('null')))).toBeNull()
    expect(everyone).not.toHaveBeenCalled()
    expect(allowed(await send({ origin: ['null'] }, '/', from('null')))).toBe('null')
  })

  it('replaces the Access-Control-Allow-Origin of a handler', async () => {
    expect(allowed(await send({ origin: [ours] }, '/open', from(theirs)))).toBeNull()
    expect(allowed(await send({ origin: [ours] }, '/open', from(ours)))).toBe(ours)
  })

  it('sends Access-Control-Allow-Credentials to an allowed origin only', async () => {
    const options = { origin: [ours], credentials: true }
    const credentials = async (init: RequestInit) =>
      (await send(options, '/', init)).headers.get('access-control-allow-credentials')
    expect(await credentials(from(ours))).toBe('true')
    expect(await credentials(from(theirs))).toBeNull()
    expect(await credentials(preflight(ours))).toBe('true')
    expect(await credentials(preflight(theirs))).toBeNull()
  })

  it('sends Access-Control-Expose-Headers with responses, but not with preflights', async () => {
    const options = { origin: [ours], exposedHeaders: ['x-total', 'etag'] }
    const exposed = async (init: RequestInit) =>
      (await send(options, '/', init)).headers.get('access-control-expose-headers')
    expect(await exposed(from(ours))).toBe('x-total, etag')
    expect(await exposed(from(theirs))).toBeNull()
    expect(await exposed(preflight(ours))).toBeNull()
  })

  it('adds its headers to a 404, 405, 500 and a Response with immutable headers', async () => {
    for (const [path, method, status] of [
      ['/nowhere', 'GET', 404],
      ['/', 'DELETE', 405],
      ['/broken', 'GET', 500],
      ['/foreign', 'GET', 302],
      ['/%zz', 'GET', 400],
    ] as const) {
      const response = await send({ origin: [ours] }, path, { ...from(ours), method })
      expect([path, response.status, allowed(response), response.headers.get('vary')]).toEqual([
        path,
        status,
        ours,
        'Origin',
      ])
    }
  })

  it('adds Origin to Vary, unless Vary contains it', async () => {
    const vary = async (path: string, init?: RequestInit, origin: CorsOptions['origin'] = [ours]) =>
      (await send({ origin }, path, init)).headers.get('vary')
    expect(await vary('/')).toBe('Origin')
    expect(await vary('/', from(theirs))).toBe('Origin')
    expect(await vary('/', from(theirs), '*')).toBe('Origin')
    expect(await vary('/varied', from(ours))).toBe('accept, ORIGIN')
    expect(await vary('/', preflight(theirs))).toContain('Origin')
  })

  it('appends to the Vary of a handler', async () => {
    const page = route('/')
      .use(cors({ origin: [ours] }))
      .get(() => reply.text('ok', { headers: { vary: 'Accept' } }))
    expect((await page.GET(new Request('http://test/'))).headers.get('vary')).toBe('Accept, Origin')
  })
})

describe('cors(): preflights', () => {
  it('responds to a preflight without running inner middleware', async () => {
    const inside = vi.fn()
    const spy = middleware((_request, _context, next) => {
      inside()
      return next()
    })
    const app = router({ home }, { use: [cors({ origin: [ours], maxAge: 600 }), spy] })
    const response = await app.fetch(new Request('http://test/', preflight(ours)))
    expect(response.status).toBe(204)
    expect(Object.fromEntries(response.headers)).toEqual({
      'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE, QUERY',
      'access-control-allow-origin': ours,
      'access-control-max-age': '600',
      vary: 'Origin, Access-Control-Request-Headers',
    })
    expect(inside).not.toHaveBeenCalled()
  })

  it('responds to a preflight from an unlisted origin without CORS headers', async () => {
    const response = await send({ origin: [ours], allowedHeaders: ['x-a'] }, '/', preflight(theirs))
    expect([response.status, Object.fromEntries(response.headers)]).toEqual([204, { vary: 'Origin' }])
  })

  it('passes any other OPTIONS request to the route', async () => {
    for (const init of [
      { method: 'OPTIONS' },
      { method: 'OPTIONS', ...from(ours) },
      { method: 'OPTIONS', headers: { 'access-control-request-method': 'PUT' } },
    ]) {
      const response = await send({ origin: [ours] }, '/own', init)
      expect(await response.text()).toBe('own options')
      expect((await send({ origin: [ours] }, '/', init)).headers.get('allow')).toContain('PUT')
    }
  })

  it('passes a GET with preflight headers to the route', async () => {
    const response = await send({ origin: [ours] }, '/', { ...preflight(ours), method: 'GET' })
    expect(await response.json()).toBe('home')
  })

  it('allows the headers that the preflight names, or the listed ones', async () => {
    const headers = async (requested: string, options: Partial<CorsOptions> = {}) =>
      (
        await send(
          { origin: [ours], ...options },
          '/',
          preflight(ours, { 'access-control-request-headers': requested }),
        )
      ).headers.get('access-control-allow-headers')
    expect(await headers('authorization,x-a')).toBe('authorization,x-a')
    expect(await headers('x-a', { allowedHeaders: ['Content-Type', 'x-b'] })).toBe('Content-Type, x-b')
    expect(await headers('x-a', { allowedHeaders: [] })).toBeNull()
    expect(await headers('x-a<script>')).toBeNull()
    expect(await headers('x'.repeat(3000))).toBeNull()
  })

  it('sends the listed methods', async () => {
    const response = await send({ origin: [ours], methods: ['GET', 'PUT'] }, '/', preflight(ours))
    expect(response.headers.get('access-control-allow-methods')).toBe('GET, PUT')
  })

  it('on a route, responds to the preflights of that route before its guards', async () => {
    const guard = middleware(() => reply.unauthorized())
    const guarded = route('/guarded')
      .use(cors({ origin: [ours] }))
      .use(guard)
      .put(() => 'secret')
    const app = router({ guarded, home })
    const response = await app.fetch(new Request('http://test/guarded', preflight(ours)))
    expect([response.status, allowed(response)]).toEqual([204, ours])
    const put = await app.fetch(new Request('http://test/guarded', { method: 'PUT', ...from(ours) }))
    expect([put.status, allowed(put)]).toEqual([401, ours])
    expect(allowed(await app.fetch(new Request('http://test/', preflight(ours))))).toBeNull()
  })
})

describe('cors(): invalid options throw a TypeError', () => {
  it.each<[unknown, RegExp]>([
    [{ origin: '*', credentials: true }, /every page read the data of every user; list the origins/],
    [{ origin: ['null'], credentials: true }, /remove 'null'/],
    [{}, /takes an array such as/],
    [{ origin: ours }, /takes an array such as .* not "https:\/\/app.example"/],
    [{ origin: true }, /takes an array/],
    [{ origin: ['*'] }, /write origin: '\*', without an array/],
    [{ origin: ['https://*.example'] }, /pass a function for patterns/],
    [{ origin: [`${ours}/`] }, /write 'https:\/\/app.example'/],
    [{ origin: [`${ours}/path?x`] }, /write 'https:\/\/app.example'/],
    [{ origin: [`${ours}:443`] }, /write 'https:\/\/app.example'/],
    [{ origin: ['https://APP.example'] }, /write 'https:\/\/app.example'/],
    [{ origin: ['https://user@app.example'] }, /write 'https:\/\/app.example'/],
    [{ origin: ['app.example'] }, /write 'https:\/\/app.example'/],
    [{ origin: ['localhost:3000'] }, /write 'https:\/\/localhost:3000'/],
    [{ origin: ['https://bücher.example'] }, /write 'https:\/\/xn--bcher-kva.example'/],
    [{ origin: ['https://a b'] }, /write it as/],
    [{ origin: [''] }, /write it as/],
    [{ origin: [1] }, /write it as/],
    [{ origin: [ours], methods: ['patch'] }, /"patch" is invalid/],
    [{ origin: [ours], methods: 'GET' }, /takes an array/],
    [{ origin: [ours], allowedHeaders: ['x a'] }, /"x a" is invalid/],
    [{ origin: [ours], exposedHeaders: ['x\r\ny: z'] }, /is invalid/],
    [{ origin: [ours], exposedHeaders: ['*'], credentials: true }, /allows nothing in a browser; list the headers/],
    [{ origin: [ours], maxAge: -1 }, /whole number of seconds/],
    [{ origin: [ours], maxAge: '600' }, /whole number of seconds/],
  ])('%j', (options, message) => {
    expect(() => cors(options as CorsOptions)).toThrow(TypeError)
    expect(() => cors(options as CorsOptions)).toThrow(message)
  })

  it('accepts origins of every scheme that browsers send', () => {
    const origin = ['http://localhost:3000', 'https://app.example', 'http://[::1]:8080', 'chrome-extension://abcdef']
    expect(() => cors({ origin: [...origin, 'null', 'capacitor://localhost'] })).not.toThrow()
  })
})

describe('cors(): properties', () => {
  it('allows only listed origins for any Origin header', async () => {
    const list = [ours, 'https://b.example:8443', 'http://localhost:3000', 'https://xn--bcher-kva.example']
    const app = toApp({ origin: list, credentials: true })
    const text = fc.string({ unit: fc.integer({ min: 0x21, max: 0xff }).map((code) => String.fromCharCode(code)) })
    const near = fc
      .tuple(fc.constantFrom(...list), text, fc.constantFrom('before', 'after', 'upper', 'cut'))
      .map(([origin, text, how]) =>
        how === 'before'
          ? text + origin
          : how === 'after'
            ? origin + text
            : how === 'upper'
              ? origin.toUpperCase()
              : origin.slice(0, text.length),
      )
    const method = fc.constantFrom('GET', 'OPTIONS', 'PUT', 'DELETE')
    await fc.assert(
      fc.asyncProperty(fc.oneof(text, near, fc.constantFrom(...list, 'null')), method, async (origin, method) => {
        const headers = { origin, 'access-control-request-method': 'PUT' }
        const response = await app.fetch(new Request('http://test/', { method, headers }))
        const sent = new Headers(headers).get('origin')!
        expect(allowed(response)).toBe(list.includes(sent) ? sent : null)
        expect(response.headers.has('access-control-allow-credentials')).toBe(list.includes(sent))
        expect(response.headers.get('vary')).toMatch(/^Origin\b/)
      }),
      { numRuns: 500 },
    )
  })
})
