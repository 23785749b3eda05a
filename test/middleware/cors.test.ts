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

async function ask(options: CorsOptions, path = '/', init: RequestInit = {}): Promise<Response> {
  return toApp(options).fetch(new Request(`http://test${path}`, init))
}
const from = (origin: string, more: Record<string, string> = {}): RequestInit => ({ headers: { origin, ...more } })
const preflight = (origin: string, more: Record<string, string> = {}): RequestInit => ({
  method: 'OPTIONS',
  headers: { origin, 'access-control-request-method': 'PUT', ...more },
})
const allowed = (response: Response): string | null => response.headers.get('access-control-allow-origin')

describe('cors: who may read', () => {
  it('names an origin of the list, and no other', async () => {
    const options = { origin: ['https://other.example', ours] }
    expect(allowed(await ask(options, '/', from(ours)))).toBe(ours)
    for (const origin of [theirs, 'null', '', 'https://app.example.evil', 'https://APP.example', 'http://app.example'])
      expect(allowed(await ask(options, '/', from(origin)))).toBeNull()
    expect(allowed(await ask(options))).toBeNull()
  })

  it('says * to everyone', async () => {
    expect(allowed(await ask({ origin: '*' }, '/', from(theirs)))).toBe('*')
    expect(allowed(await ask({ origin: '*' }, '/', from('null')))).toBe('*')
    expect(allowed(await ask({ origin: '*' }))).toBe('*')
  })

  it('asks a function, which may take its time', async () => {
    const origin = vi.fn((origin: string, request: Request) => origin.endsWith('.example') && request.url.length > 0)
    expect(allowed(await ask({ origin }, '/', from(ours)))).toBe(ours)
    expect(allowed(await ask({ origin }, '/', from('https://example.org')))).toBeNull()
    expect(origin.mock.calls[0]).toEqual([ours, expect.any(Request)])
    const slow = async (origin: string): Promise<boolean> => origin === ours
    expect(allowed(await ask({ origin: slow }, '/', from(ours)))).toBe(ours)
    expect(allowed(await ask({ origin: slow }, '/', from(theirs)))).toBeNull()
  })

  it('takes nothing but true for a yes', async () => {
    expect(allowed(await ask({ origin: (() => 'yes') as never }, '/', from(theirs)))).toBeNull()
    expect(allowed(await ask({ origin: (() => undefined) as never }, '/', from(theirs)))).toBeNull()
  })

  it('never implies null', async () => {
    const everyone = vi.fn(() => true)
    expect(allowed(await ask({ origin: everyone }, '/', from('null')))).toBeNull()
    expect(everyone).not.toHaveBeenCalled()
    expect(allowed(await ask({ origin: ['null'] }, '/', from('null')))).toBe('null')
  })

  it('replaces what a handler says', async () => {
    expect(allowed(await ask({ origin: [ours] }, '/open', from(theirs)))).toBeNull()
    expect(allowed(await ask({ origin: [ours] }, '/open', from(ours)))).toBe(ours)
  })

  it('allows credentials to an allowed origin only', async () => {
    const options = { origin: [ours], credentials: true }
    const credentials = async (init: RequestInit) =>
      (await ask(options, '/', init)).headers.get('access-control-allow-credentials')
    expect(await credentials(from(ours))).toBe('true')
    expect(await credentials(from(theirs))).toBeNull()
    expect(await credentials(preflight(ours))).toBe('true')
    expect(await credentials(preflight(theirs))).toBeNull()
  })

  it('exposes headers on answers', async () => {
    const options = { origin: [ours], exposedHeaders: ['x-total', 'etag'] }
    const exposed = async (init: RequestInit) =>
      (await ask(options, '/', init)).headers.get('access-control-expose-headers')
    expect(await exposed(from(ours))).toBe('x-total, etag')
    expect(await exposed(from(theirs))).toBeNull()
    expect(await exposed(preflight(ours))).toBeNull()
  })

  it('marks 404, 405, 500 and a Response with immutable headers too', async () => {
    for (const [path, method, status] of [
      ['/nowhere', 'GET', 404],
      ['/', 'DELETE', 405],
      ['/broken', 'GET', 500],
      ['/foreign', 'GET', 302],
      ['/%zz', 'GET', 400],
    ] as const) {
      const response = await ask({ origin: [ours] }, path, { ...from(ours), method })
      expect([path, response.status, allowed(response), response.headers.get('vary')]).toEqual([
        path,
        status,
        ours,
        'Origin',
      ])
    }
  })

  it('varies by Origin, always, in addition to what is there', async () => {
    const vary = async (path: string, init?: RequestInit, origin: CorsOptions['origin'] = [ours]) =>
      (await ask({ origin }, path, init)).headers.get('vary')
    expect(await vary('/')).toBe('Origin')
    expect(await vary('/', from(theirs))).toBe('Origin')
    expect(await vary('/', from(theirs), '*')).toBe('Origin')
    expect(await vary('/varied', from(ours))).toBe('accept, ORIGIN')
    expect(await vary('/', preflight(theirs))).toContain('Origin')
  })

  it('appends to a Vary that a handler set', async () => {
    const page = route('/')
      .use(cors({ origin: [ours] }))
      .get(() => reply.text('ok', { headers: { vary: 'Accept' } }))
    expect((await page.GET(new Request('http://test/'))).headers.get('vary')).toBe('Accept, Origin')
  })
})

describe('cors: preflights', () => {
  it('answers one by itself', async () => {
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

  it('answers one of a stranger without a word', async () => {
    const response = await ask({ origin: [ours], allowedHeaders: ['x-a'] }, '/', preflight(theirs))
    expect([response.status, Object.fromEntries(response.headers)]).toEqual([204, { vary: 'Origin' }])
  })

  it('leaves every other OPTIONS to the route', async () => {
    for (const init of [
      { method: 'OPTIONS' },
      { method: 'OPTIONS', ...from(ours) },
      { method: 'OPTIONS', headers: { 'access-control-request-method': 'PUT' } },
    ]) {
      const response = await ask({ origin: [ours] }, '/own', init)
      expect(await response.text()).toBe('own options')
      expect((await ask({ origin: [ours] }, '/', init)).headers.get('allow')).toContain('PUT')
    }
  })

  it('takes no other method for one', async () => {
    const response = await ask({ origin: [ours] }, '/', { ...preflight(ours), method: 'GET' })
    expect(await response.json()).toBe('home')
  })

  it('lets a page send the headers that it asks for, or those of the list', async () => {
    const headers = async (asked: string, options: Partial<CorsOptions> = {}) =>
      (
        await ask({ origin: [ours], ...options }, '/', preflight(ours, { 'access-control-request-headers': asked }))
      ).headers.get('access-control-allow-headers')
    expect(await headers('authorization,x-a')).toBe('authorization,x-a')
    expect(await headers('x-a', { allowedHeaders: ['Content-Type', 'x-b'] })).toBe('Content-Type, x-b')
    expect(await headers('x-a', { allowedHeaders: [] })).toBeNull()
    expect(await headers('x-a<script>')).toBeNull()
    expect(await headers('x'.repeat(3000))).toBeNull()
  })

  it('names the methods of the list', async () => {
    const response = await ask({ origin: [ours], methods: ['GET', 'PUT'] }, '/', preflight(ours))
    expect(response.headers.get('access-control-allow-methods')).toBe('GET, PUT')
  })

  it('on a route, sees that route’s own, outside of its guards', async () => {
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

describe('cors: mistakes throw when it is made', () => {
  it.each<[unknown, RegExp]>([
    [{ origin: '*', credentials: true }, /every account to every page; name the origins/],
    [{ origin: ['null'], credentials: true }, /leave 'null' out/],
    [{}, /takes a list such as/],
    [{ origin: ours }, /takes a list such as .* not "https:\/\/app.example"/],
    [{ origin: true }, /takes a list/],
    [{ origin: ['*'] }, /write origin: '\*', without a list/],
    [{ origin: ['https://*.example'] }, /for patterns, give a function/],
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
    [{ origin: [ours], methods: ['patch'] }, /"patch" does not fit/],
    [{ origin: [ours], methods: 'GET' }, /takes a list/],
    [{ origin: [ours], allowedHeaders: ['x a'] }, /"x a" does not fit/],
    [{ origin: [ours], exposedHeaders: ['x\r\ny: z'] }, /does not fit/],
    [{ origin: [ours], exposedHeaders: ['*'], credentials: true }, /allows nothing in a browser; name them/],
    [{ origin: [ours], maxAge: -1 }, /whole number of seconds/],
    [{ origin: [ours], maxAge: '600' }, /whole number of seconds/],
  ])('%j', (options, message) => {
    expect(() => cors(options as CorsOptions)).toThrow(TypeError)
    expect(() => cors(options as CorsOptions)).toThrow(message)
  })

  it('takes origins of every kind that browsers send', () => {
    const origin = ['http://localhost:3000', 'https://app.example', 'http://[::1]:8080', 'chrome-extension://abcdef']
    expect(() => cors({ origin: [...origin, 'null', 'capacitor://localhost'] })).not.toThrow()
  })
})

describe('cors: properties', () => {
  it('never allows more than was listed, whatever Origin says', async () => {
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
