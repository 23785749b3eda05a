import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { createCache } from '../../src/cache/index.js'
import { middleware, route, router, type AnyContext, type Problem } from '../../src/index.js'
import {
  basicAuth,
  bearerAuth,
  cors,
  csrf,
  every,
  except,
  ipRestriction,
  methodOverride,
  some,
  type BasicAuthOptions,
} from '../../src/middleware/index.js'
import { openapi } from '../../src/openapi/index.js'
import * as reply from '../../src/replies/index.js'

const at = (path: string, init?: RequestInit): Request => new Request(`http://test${path}`, init)
const withHeaders = (headers: Record<string, string>, method = 'GET'): Request => at('/', { method, headers })

describe('bearerAuth()', () => {
  const users: Record<string, { id: number } | undefined> = { secret: { id: 1 } }
  const verify = (token: string) => {
    const user = Object.hasOwn(users, token) ? users[token] : undefined
    return user && { user }
  }
  const me = route('/')
    .use(bearerAuth({ verify, realm: 'api' }))
    .get((_request, { user }) => user.id)
  const app = router({ me })

  it('adds what verify returns', async () => {
    for (const scheme of ['Bearer', 'bearer', 'BEARER'])
      expect(await (await app.fetch(withHeaders({ authorization: `${scheme} secret` }))).json()).toBe(1)
  })

  it('responds with a 401 and a challenge without an error code to a request without a token', async () => {
    for (const headers of [{}, { authorization: 'Basic c2VjcmV0Og==' }] as Record<string, string>[]) {
      const response = await app.fetch(withHeaders(headers))
      expect(response.status).toBe(401)
      expect(response.headers.get('www-authenticate')).toBe('Bearer realm="api"')
      expect(response.headers.get('content-type')).toBe('application/problem+json')
    }
  })

  it.each(['Bearer', 'Bearer ', 'Bearer wrong', 'Bearer a b', 'Bearer secret,', 'Bearer sécret', 'Bearer __proto__'])(
    'responds with a 401 and the error code to %s',
    async (authorization) => {
      const response = await app.fetch(withHeaders({ authorization }))
      expect(response.status).toBe(401)
      expect(response.headers.get('www-authenticate')).toBe('Bearer realm="api", error="invalid_token"')
    },
  )

  it('continues without credentials if they are optional, but not with wrong ones', async () => {
    const maybe = route('/')
      .use(bearerAuth({ verify, optional: true }))
      .get((_request, { user }) => user?.id ?? null)
    const app = router({ maybe })
    expect(await (await app.fetch(at('/'))).json()).toBeNull()
    expect(await (await app.fetch(withHeaders({ authorization: 'Bearer secret' }))).json()).toBe(1)
    expect((await app.fetch(withHeaders({ authorization: 'Bearer wrong' }))).status).toBe(401)
  })

  it('responds with a 500 and reports the error if verify throws', async () => {
    const onError = vi.fn()
    const broken = route('/')
      .use(
        bearerAuth({
          verify: async (): Promise<{ user: string }> => {
            throw new Error('database')
          },
        }),
      )
      .get(() => 'never')
    const response = await router({ broken }, { onError }).fetch(withHeaders({ authorization: 'Bearer x' }))
    expect(response.status).toBe(500)
    expect(await response.text()).not.toContain('database')
    expect(onError).toHaveBeenCalledTimes(1)
  })

  it('never serves one user the cached response of another', async () => {
    const cache = createCache()
    const byToken = bearerAuth({ verify: (token) => ({ name: token }) })
    const seen = route('/')
      .use(byToken)
      .use(cache({ revalidate: 60 }))
      .get((_request, { name }) => name)
    const app = router({ seen })
    for (const name of ['ann', 'bob', 'ann'])
      expect(await (await app.fetch(withHeaders({ authorization: `Bearer ${name}` }))).json()).toBe(name)
  })

  it('documents its security scheme and 401 in OpenAPI', async () => {
    const document = await openapi(app, { info: { title: 'x', version: '1' } })
    expect(document.components?.securitySchemes).toEqual({ bearer: { type: 'http', scheme: 'bearer' } })
    expect(document.paths!['/']!.get!.security).toEqual([{ bearer: [] }])
    expect(Object.keys(document.paths!['/']!.get!.responses!)).toContain('401')
  })

  it('throws for a realm that cannot be in a quoted string, and without verify', () => {
    for (const realm of ['a"b', 'a\\b', 'a\r\nx: y', 'é'])
      expect(() => bearerAuth({ verify, realm })).toThrow(TypeError)
    expect(() => bearerAuth({} as never)).toThrow('bearerAuth() takes { verify')
  })

  it('responds only with 200 or 401', () =>
    fc.assert(
      fc.asyncProperty(fc.string({ unit: fc.constantFrom(...'Bearer sct\t=,;"é~-._+/') }), async (text) => {
        const response = await app.fetch(withHeaders({ authorization: text.trim() }))
        expect([200, 401]).toContain(response.status)
      }),
      { numRuns: 200 },
    ))
})

describe('basicAuth()', () => {
  const encode = (text: string): string => btoa(String.fromCharCode(...new TextEncoder().encode(text)))
  const verify: BasicAuthOptions<{ name: string } | undefined>['verify'] = async ({ username, password, isSame }) =>
    (await isSame(password, 'pä:ss')) ? { name: username } : undefined
  const me = route('/')
    .use(basicAuth({ verify, realm: 'shop' }))
    .get((_request, { name }) => name)
  const app = router({ me })
  const send = (authorization?: string) => app.fetch(at('/', { headers: { ...(authorization && { authorization }) } }))

  it('decodes UTF-8, and ends the name at the first colon', async () => {
    expect(await (await send(`Basic ${encode('Zoë:pä:ss')}`)).json()).toBe('Zoë')
    expect(await (await send(`basic ${encode(':pä:ss')}`)).json()).toBe('')
  })

  it.each([
    ['no header', undefined],
    ['a wrong password', `Basic ${encode('ann:wrong')}`],
    ['no colon', `Basic ${encode('ann')}`],
    ['a control character', `Basic ${encode('a\nb:pä:ss')}`],
    ['bytes that are not UTF-8', `Basic ${btoa('ann:p\xe4:ss')}`],
    ['something other than base64', 'Basic @@@'],
    ['another scheme', 'Bearer abc'],
  ])('responds with a 401 and a challenge to %s', async (_name, header) => {
    const response = await send(header)
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toBe('Basic realm="shop", charset="UTF-8"')
  })

  it('responds with a 500 and reports if the expected password is an unset environment variable', async () => {
    const onError = vi.fn()
    const open = route('/')
      .use(
        basicAuth({
          verify: async ({ password, isSame }) => ((await isSame(password, undefined as never)) ? {} : undefined),
        }),
      )
      .get(() => 'open')
    const response = await router({ open }, { onError }).fetch(withHeaders({ authorization: `Basic ${encode('a:')}` }))
    expect(response.status).toBe(500)
    expect(String(onError.mock.calls[0]![0])).toContain('environment variable')
  })

  it('accepts exactly the credentials that verify accepts', () =>
    fc.assert(
      fc.asyncProperty(fc.string(), fc.oneof(fc.string(), fc.constant('pä:ss')), async (name, password) => {
        // oxlint-disable-next-line no-control-regex
        const isValid = !/[:\0-\x1f\x7f]/.test(name) && name.isWellFormed() && password === 'pä:ss'
        expect((await send(`Basic ${encode(`${name}:${password}`)}`)).status).toBe(isValid ? 200 : 401)
      }),
    ))
})

describe('csrf()', () => {
  const it_ = route('/')
    .get(() => 'read')
    .post(() => 'written')
    .delete(() => 'deleted')
  const app = router({ it: it_ }, { use: [csrf({ origins: ['https://app.example'] })] })
  const send = async (headers: Record<string, string>, method = 'POST') =>
    (await app.fetch(withHeaders(headers, method))).status

  it('lets safe methods continue', async () => {
    for (const method of ['GET', 'HEAD', 'OPTIONS'])
      expect(await send({ 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }, method)).toBeLessThan(300)
  })

  it.each([
    ['same-origin', { 'sec-fetch-site': 'same-origin', origin: 'http://test' }],
    ['the address bar', { 'sec-fetch-site': 'none' }],
    ['a client that is not a browser', {}],
    ['an older browser on this origin', { origin: 'http://test' }],
    ['a trusted origin', { 'sec-fetch-site': 'cross-site', origin: 'https://app.example' }],
    ['a trusted origin in an older browser', { origin: 'https://app.example' }],
  ] as [string, Record<string, string>][])('accepts %s', async (_name, headers) => {
    expect(await send(headers)).toBe(200)
  })

  it.each([
    ['another site', { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }],
    ['another subdomain', { 'sec-fetch-site': 'same-site', origin: 'http://other.test' }],
    ['a site that hides its origin', { 'sec-fetch-site': 'cross-site' }],
    ['the origin null', { origin: 'null' }],
    ['the origin null with a false Sec-Fetch-Site', { 'sec-fetch-site': 'cross-site', origin: 'null' }],
    ['another scheme', { origin: 'https://test' }],
    ['another port', { origin: 'http://test:8080' }],
    ['a prefix of the origin', { origin: 'http://tes' }],
    ['an origin that starts with that of the app', { origin: 'http://test.evil.example' }],
    ['a trusted origin with another case', { origin: 'https://APP.example' }],
    ['an unknown site', { 'sec-fetch-site': 'Same-Origin' }],
  ] as [string, Record<string, string>][])('rejects %s, with any media type', async (_name, headers) => {
    for (const type of ['text/plain', 'application/json', 'application/x-www-form-urlencoded', ''])
      for (const method of ['POST', 'DELETE', 'PUT'])
        expect(await send({ ...headers, ...(type && { 'content-type': type }) }, method)).toBe(403)
  })

  it('does not respond to the preflights of an outer cors(), and its 403 has CORS headers', async () => {
    const app = router({ it: it_ }, { use: [cors({ origin: ['https://app.example'] }), csrf()] })
    const origin = 'https://app.example'
    const preflight = await app.fetch(
      at('/', { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST' } }),
    )
    expect(preflight.status).toBe(204)
    const response = await app.fetch(withHeaders({ origin, 'sec-fetch-site': 'cross-site' }, 'POST'))
    expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([403, origin])
  })

  it('throws for origins that browsers do not send', () => {
    for (const origin of ['https://app.example/', 'app.example', 'null', '*', 'https://APP.example'])
      expect(() => csrf({ origins: [origin] })).toThrow(TypeError)
  })
})

describe('ipRestriction()', () => {
  const send = async (options: Parameters<typeof ipRestriction>[0], ip: string | undefined) => {
    const app = router({ it: route('/').get(() => 'in') }, { use: [ipRestriction(options)] })
    const request = at('/', { headers: { 'x-forwarded-for': '10.0.0.1', 'x-real-ip': '10.0.0.1' } })
    return (await app.fetch(request, ...(ip === undefined ? [] : [{ remoteAddr: { hostname: ip } }]))).status
  }

  it.each([
    ['10.0.0.0/8', '10.255.1.2', 200],
    ['10.0.0.0/8', '11.0.0.0', 403],
    ['10.0.0.0/8', '::ffff:10.1.2.3', 200],
    ['10.0.0.0/8', '::ffff:a01:203', 200],
    ['::ffff:10.0.0.0/104', '10.1.2.3', 200],
    ['192.0.2.7', '192.0.2.7', 200],
    ['192.0.2.7', '192.0.2.70', 403],
    ['0.0.0.0/0', '203.0.113.9', 200],
    ['0.0.0.0/0', '2001:db8::1', 403],
    ['::/0', '2001:db8::1', 200],
    ['2001:db8::/32', '2001:DB8:0:0::1', 200],
    ['2001:db8::/32', '2001:db9::1', 403],
    ['fe80::/10', 'fe80::1%eth0', 200],
    ['::1', '0:0:0:0:0:0:0:1', 200],
    ['10.0.0.0/8', '010.0.0.1', 403],
    ['10.0.0.0/8', '10.0.0', 403],
    ['10.0.0.0/8', '10.0.0.256', 403],
    ['10.0.0.0/8', 'unknown', 403],
    ['10.0.0.0/8', undefined, 403],
  ] as const)('with allow %s, responds to %s with %s', async (network, ip, status) => {
    expect(await send({ allow: [network] }, ip)).toBe(status)
  })

  it('denies an address that both lists have, and clients without an address', async () => {
    expect(await send({ allow: ['10.0.0.0/8'], deny: ['10.0.0.7'] }, '10.0.0.7')).toBe(403)
    expect(await send({ deny: ['10.0.0.7'] }, '10.0.0.8')).toBe(200)
    expect(await send({ deny: ['10.0.0.7'] }, undefined)).toBe(403)
  })

  it.each([
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '::1::',
    '1:2:3:4:5:6:7:8:9',
    'x',
    '',
    ':::',
    '::/129',
    '12345::',
  ])('throws for %j', (network) => {
    expect(() => ipRestriction({ allow: [network] })).toThrow(/addresses and networks/)
  })

  it('allows an address in any network that contains it', () =>
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), fc.nat(32), (ip, length) => {
        const call = ipRestriction({ allow: [`${ip}/${length}`] })
        const result = call(at('/'), { ip } as AnyContext, (() => 'next') as never)
        expect(result).toBe('next')
      }),
    ))
})

const early = (status: 401 | 403, name: string) =>
  middleware((request, _context, next) =>
    request.headers.get('x-pass')?.includes(name) ? next({ [name]: true }) : reply.problem(status, { detail: name }),
  )

describe('some(), every() and except()', () => {
  const a = early(401, 'a')
  const b = early(403, 'b')
  const keys = route('/')
    .use(some(a, b))
    .get((_request, context) => Object.keys(context))
  const send = (path: string, pass: string, app: { fetch: (request: Request) => Response | Promise<Response> }) =>
    app.fetch(at(path, { headers: { 'x-pass': pass } }))

  it('some() continues with the first middleware that continues, else sends the last early response', async () => {
    const app = router({ keys })
    expect(await (await send('/', 'a', app)).json()).toEqual(['a'])
    expect(await (await send('/', 'b', app)).json()).toEqual(['b'])
    expect(await (await send('/', 'ab', app)).json()).toEqual(['a'])
    const response = await send('/', '', app)
    expect([response.status, ((await response.json()) as Problem).detail]).toEqual([403, 'b'])
  })

  it('some() reports the error of an early response that it discards', async () => {
    const onError = vi.fn()
    const down = middleware((): Response => reply.problem(503, {}, { cause: new Error('keys') }))
    const it = route('/')
      .use(some(down, a))
      .get(() => 'ok')
    expect((await send('/', 'a', router({ it }, { onError }))).status).toBe(200)
    expect(onError.mock.calls[0]![0]).toMatchObject({ message: 'keys' })
  })

  it('some() treats a thrown Response as early, and reports another error', async () => {
    const onError = vi.fn()
    const throws = (thrown: unknown) =>
      middleware((): Response => {
        throw thrown
      })
    const first = route('/first')
      .use(some(throws(reply.forbidden()), a))
      .get(() => 'ok')
    const second = route('/second')
      .use(some(throws(new Error('broken')), a))
      .get(() => 'ok')
    const app = router({ first, second }, { onError })
    expect((await send('/first', 'a', app)).status).toBe(200)
    expect((await send('/second', 'a', app)).status).toBe(500)
    expect(onError).toHaveBeenCalledTimes(1)
  })

  it('some() does not run the others if the rest of the chain fails after it continued', async () => {
    const onError = vi.fn()
    const second = vi.fn()
    const it = route('/')
      .use(
        some(
          a,
          middleware((_request, _context, next) => {
            second()
            return next()
          }),
        ),
      )
      .get((): string => {
        throw new Error('handler')
      })
    expect((await send('/', 'a', router({ it }, { onError }))).status).toBe(500)
    expect(second).not.toHaveBeenCalled()
    expect(onError).toHaveBeenCalledTimes(1)
  })

  it('every() runs all of them, each with the context of the outer ones', async () => {
    const seesA = middleware((_request, context: AnyContext & { a: boolean }, next) =>
      next({ saw: [context.a, context.params, 'a' in context, Object.keys(context)], path: context.url.pathname }),
    )
    const both = route('/[id]')
      .use(every(a, seesA as never, b))
      .get((_request, context) => ({ ...context }))
    const app = router({ both })
    expect(await (await send('/7', 'ab', app)).json()).toEqual({
      a: true,
      b: true,
      path: '/7',
      saw: [true, { id: '7' }, true, ['a']],
    })
    expect((await send('/7', 'b', app)).status).toBe(401)
    expect((await send('/7', 'a', app)).status).toBe(403)
  })

  it('except() skips its patterns, and runs for a request without a route', async () => {
    const login = route('/login').get(() => 'login')
    const other = route('/other').get((_request, context) => Object.keys(context))
    const app = router({ login, other }, { use: [except(['/login'], a)] })
    expect((await send('/login', '', app)).status).toBe(200)
    for (const path of ['/other', '/nothing', '/LOGIN']) expect((await send(path, '', app)).status).toBe(401)
    expect(await (await send('/other', 'a', app)).json()).toEqual(['a'])
  })

  it('builds middleware made with { around } for each operation', async () => {
    const cache = createCache()
    let runs = 0
    const it = route('/')
      .use(every(a, cache({ revalidate: 60 })))
      .get(() => ++runs)
    const app = router({ it })
    expect(await (await send('/', 'a', app)).json()).toBe(1)
    expect(await (await send('/', 'a', app)).json()).toBe(1)
    expect((await send('/', '', app)).status).toBe(401)
  })

  it('document their parts in OpenAPI: alternatives for some(), all for every()', async () => {
    const verify = () => ({ user: 1 })
    const bearer = bearerAuth({ verify })
    const basic = basicAuth({ verify })
    const one = route('/one')
      .use(some(bearer, basic))
      .get(() => 1)
    const all = route('/all')
      .use(every(bearer, basic))
      .get(() => 1)
    const maybe = route('/maybe')
      .use(except(['/x'], bearer))
      .get(() => 1)
    const { paths } = await openapi(router({ one, all, maybe }), { info: { title: 'x', version: '1' } })
    expect(paths!['/one']!.get!.security).toEqual([{ bearer: [] }, { basic: [] }])
    expect(paths!['/all']!.get!.security).toEqual([{ bearer: [], basic: [] }])
    expect(paths!['/maybe']!.get!.security).toEqual([{ bearer: [] }, {}])
  })

  it('throw without middleware or patterns', () => {
    expect(() => some()).toThrow(TypeError)
    expect(() => every(5 as never)).toThrow(TypeError)
    expect(() => except([], a)).toThrow(TypeError)
    expect(() => except(['login'], a)).toThrow(TypeError)
  })
})

describe('methodOverride()', () => {
  const item = route('/items/[id]')
    .post(() => 'created')
    .delete((_request, { params }) => `deleted ${params.id}`)
    .put(async (request) => `put ${String((await request.formData()).get('name'))}`)
  const app = router({ item }, { use: [methodOverride()], bodyLimit: 1_000 })
  const form = (fields: Record<string, string>, method = 'POST'): RequestInit => ({
    method,
    body: new URLSearchParams(fields),
  })
  const send = async (init: RequestInit) => (await app.fetch(at('/items/7', init))).text()

  it('runs the method that the form or the header names', async () => {
    expect(await send(form({ _method: 'delete' }))).toBe('"deleted 7"')
    expect(await send({ method: 'POST', headers: { 'x-http-method-override': 'DELETE' } })).toBe('"deleted 7"')
    const body = new FormData()
    body.set('_method', 'DELETE')
    expect(await send({ method: 'POST', body })).toBe('"deleted 7"')
  })

  it('leaves the form readable for the route', async () => {
    expect(await send(form({ _method: 'PUT', name: 'lamp' }))).toBe('"put lamp"')
  })

  it.each([
    ['another method than POST', form({ _method: 'DELETE' }, 'PATCH'), 405],
    ['a method that is not allowed', form({ _method: 'GET' }), 200],
    ['a method that does not exist', form({ _method: '__proto__' }), 200],
    [
      'a JSON body',
      { method: 'POST', body: '{"_method":"DELETE"}', headers: { 'content-type': 'application/json' } },
      200,
    ],
    ['a malformed form', { method: 'POST', body: 'x', headers: { 'content-type': 'multipart/form-data' } }, 200],
    ['a form above the limit', form({ _method: 'DELETE', name: 'x'.repeat(2_000) }), 200],
  ] as [string, RequestInit, number][])('changes nothing for %s', async (_name, init, status) => {
    const response = await app.fetch(at('/items/7', init))
    expect(response.status).toBe(status)
    expect(await response.text()).not.toContain('deleted')
  })

  it('does not bypass csrf()', async () => {
    const app = router({ item }, { use: [csrf(), methodOverride()] })
    const init = { ...form({ _method: 'DELETE' }), headers: { origin: 'https://evil.example' } }
    expect((await app.fetch(at('/items/7', init))).status).toBe(403)
  })

  it('throws for the methods GET, HEAD, OPTIONS and POST', () => {
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'POST'] as const)
      expect(() => methodOverride({ methods: [method] })).toThrow(TypeError)
  })
})
