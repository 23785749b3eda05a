import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { base64url, exportJWK, exportSPKI, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { route, router } from '../src/index.js'
import { jwt, type JwtOptions } from '../src/jwt/index.js'
import { openapi } from '../src/openapi/index.js'

const secret = 's'.repeat(64)
const standard = { algorithms: ['HS256'], secret, audience: 'api', issuer: 'login' } as const satisfies JwtOptions

const sign = (
  claims: Record<string, unknown> = {},
  key: Uint8Array | CryptoKey = new TextEncoder().encode(secret),
  header: object = {},
) =>
  new SignJWT({ sub: 'ann', aud: 'api', iss: 'login', exp: Math.floor(Date.now() / 1_000) + 60, ...claims })
    .setProtectedHeader({ alg: 'HS256', ...header })
    .sign(key)

const toApp = (options: JwtOptions<any, any> = standard) => {
  const onError = vi.fn()
  const me = route('/')
    .use(jwt(options))
    .get((_request, { claims }) => (claims as { sub?: string } | undefined)?.sub ?? null)
  const app = router({ me }, { onError })
  const send = (token?: string) =>
    app.fetch(
      new Request('http://test/', { headers: { ...(token !== undefined && { authorization: `Bearer ${token}` }) } }),
    )
  return { app, send, onError }
}

describe('jwt()', () => {
  it('adds the claims of a valid token', async () => {
    expect(await (await toApp().send(await sign())).json()).toBe('ann')
  })

  it('validates and types the claims with a schema', async () => {
    const it = route('/')
      .use(jwt({ ...standard, schema: z.object({ sub: z.string(), level: z.coerce.number() }) }))
      .get((_request, { claims }) => claims.level + 1)
    const app = router({ it })
    const send = async (token: string) =>
      app.fetch(new Request('http://test/', { headers: { authorization: `Bearer ${token}` } }))
    expect(await (await send(await sign({ level: '4' }))).json()).toBe(5)
    expect((await send(await sign({ level: 'high' }))).status).toBe(401)
  })

  const encode = (value: object): string => base64url.encode(JSON.stringify(value))
  const claims = { sub: 'ann', aud: 'api', iss: 'login', exp: 9_999_999_999 }
  const other = new TextEncoder().encode('o'.repeat(64))

  it.each([
    ['another secret', () => sign({}, other)],
    ['no expiry', () => sign({ exp: undefined })],
    ['an expiry in the past', () => sign({ exp: 1 })],
    ['a future nbf', () => sign({ nbf: 9_999_999_999 })],
    ['another audience', () => sign({ aud: 'other' })],
    ['no audience', () => sign({ aud: undefined })],
    ['another issuer', () => sign({ iss: 'evil' })],
    ['no issuer', () => sign({ iss: undefined })],
    ['another algorithm of the same kind', () => sign({}, undefined, { alg: 'HS512' })],
    ['the algorithm none', () => `${encode({ alg: 'none' })}.${encode(claims)}.`],
    ['the algorithm None', () => `${encode({ alg: 'None' })}.${encode(claims)}.`],
    ['no algorithm', () => `${encode({})}.${encode(claims)}.x`],
    [
      'an unknown critical header',
      () =>
        sign({}, undefined, { crit: ['x'], x: 1 }).catch(
          () => `${encode({ alg: 'HS256', crit: ['x'], x: 1 })}.${encode(claims)}.x`,
        ),
    ],
    ['a header that is not an object', () => `${base64url.encode('null')}.${encode(claims)}.x`],
    ['claims that are not an object', () => `${encode({ alg: 'HS256' })}.${base64url.encode('[]')}.x`],
    ['no signature', async () => (await sign()).replace(/[^.]*$/, '')],
    ['a part too many', async () => `${await sign()}.x`],
    ['an invalid token', () => 'x'],
  ] as [string, () => string | Promise<string>][])('responds with a 401 to a token with %s', async (_name, token) => {
    const { send, onError } = toApp()
    const response = await send(await token())
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"')
    expect(onError).not.toHaveBeenCalled()
  })

  it('responds with a challenge without an error to a request without a token', async () => {
    const response = await toApp({ ...standard, realm: 'api' }).send()
    expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="api"'])
  })

  it('tolerates clocks that differ by clockTolerance', async () => {
    const token = await sign({ exp: Math.floor(Date.now() / 1_000) - 30 })
    expect((await toApp().send(token)).status).toBe(401)
    expect((await toApp({ ...standard, clockTolerance: 60 }).send(token)).status).toBe(200)
  })

  it('continues without a token if it is optional, but not with an invalid one', async () => {
    const { send } = toApp({ ...standard, optional: true })
    expect(await (await send()).json()).toBeNull()
    expect((await send('x')).status).toBe(401)
  })

  it('accepts any audience and issuer if the options are false, and any of several audiences', async () => {
    const { send } = toApp({ ...standard, audience: false, issuer: false })
    expect((await send(await sign({ aud: 'x', iss: 'y' }))).status).toBe(200)
    const { send: sendMany } = toApp({ ...standard, audience: ['a', 'b'] })
    expect((await sendMany(await sign({ aud: ['x', 'b'] }))).status).toBe(200)
  })

  it('never accepts a token whose bytes were changed', async () => {
    const good = await sign()
    const { send } = toApp()
    await fc.assert(
      fc.asyncProperty(fc.nat(good.length - 1), fc.constantFrom(...'abcXYZ019-_.'), async (at, by) => {
        const changed = good.slice(0, at) + by + good.slice(at + 1)
        // The last character of a part has unused bits.
        fc.pre(changed !== good && good[at + 1] !== '.' && at !== good.length - 1)
        expect((await send(changed)).status).toBe(401)
      }),
      { numRuns: 200 },
    )
  })

  it('describes itself in the OpenAPI document', async () => {
    const { components, paths } = await openapi(toApp().app, { info: { title: 'x', version: '1' } })
    expect(components!.securitySchemes).toEqual({ jwt: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } })
    expect(paths!['/']!.get!.security).toEqual([{ jwt: [] }])
  })

  it.each([
    [{ secret: undefined }, /one of/],
    [{ publicKey: {} }, /one of/],
    [{ algorithms: [] }, /algorithms such as/],
    [{ algorithms: ['none'] }, /not "none"/],
    [{ algorithms: ['RS256'] }, /a secret for/],
    [{ algorithms: ['HS256', 'RS256'] }, /a secret for/],
    [{ secret: 'short' }, /at least 32 bytes/],
    [{ algorithms: ['HS512'], secret: 's'.repeat(63) }, /at least 64 bytes/],
    [{ audience: undefined }, /needs \{ audience \}/],
    [{ issuer: '' }, /needs \{ issuer \}/],
    [{ audience: [] }, /needs \{ audience \}/],
    [{ clockTolerance: -1 }, /clockTolerance/],
    [{ realm: 'a"' }, /realm/],
  ] as [Partial<JwtOptions>, RegExp][])('throws for %j', (options, message) => {
    expect(() => jwt({ ...standard, ...options } as JwtOptions)).toThrow(message)
  })
})

describe('jwt({ publicKey })', () => {
  it('does not use the public key as a secret', async () => {
    const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true })
    const options = { ...standard, algorithms: ['RS256'], secret: undefined, publicKey } as unknown as JwtOptions
    const { send } = toApp(options)
    const signed = await new SignJWT({ sub: 'ann', aud: 'api', iss: 'login' })
      .setExpirationTime('1m')
      .setProtectedHeader({ alg: 'RS256' })
      .sign(privateKey)
    expect((await send(signed)).status).toBe(200)
    const pem = new TextEncoder().encode(await exportSPKI(publicKey))
    expect((await send(await sign({}, pem))).status).toBe(401)
  })
})

describe('jwt({ jwks })', () => {
  let keys: { readonly privateKey: CryptoKey; readonly jwk: JWK }[]
  let server: Server | undefined
  afterEach(() => void server?.close())
  beforeAll(async () => {
    keys = await Promise.all(
      ['one', 'two'].map(async (kid) => {
        const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
        return { privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256' } }
      }),
    )
  })

  const startIssuer = async (respond: () => { status?: number; body: string }) => {
    const requested = vi.fn()
    server = createServer((_request, response) => {
      requested()
      const { status = 200, body } = respond()
      response.writeHead(status, { 'content-type': 'application/json' }).end(body)
    })
    await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve))
    const jwks = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`
    return {
      requested,
      options: { ...standard, secret: undefined, algorithms: ['ES256'], jwks } as unknown as JwtOptions,
    }
  }
  const signWith = (index: number, header: object = {}) =>
    new SignJWT({ sub: `user ${index}`, aud: 'api', iss: 'login' })
      .setExpirationTime('1m')
      .setProtectedHeader({ alg: 'ES256', kid: keys[index]!.jwk.kid!, ...header })
      .sign(keys[index]!.privateKey)

  it('fetches the keys once, and again when a new one is used after the cooldown', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    let published = 1
    const { requested, options } = await startIssuer(() => ({
      body: JSON.stringify({ keys: keys.slice(0, published).map(({ jwk }) => jwk) }),
    }))
    const { send } = toApp(options)
    for (let count = 0; count < 3; count++) expect((await send(await signWith(0))).status).toBe(200)
    expect(requested).toHaveBeenCalledTimes(1)
    expect((await send(await signWith(1))).status).toBe(401)
    published = 2
    expect((await send(await signWith(1))).status).toBe(401)
    expect(requested).toHaveBeenCalledTimes(1)
    vi.advanceTimersByTime(31_000)
    expect(await (await send(await signWith(1))).json()).toBe('user 1')
    expect(requested).toHaveBeenCalledTimes(2)
    vi.useRealTimers()
  })

  it.each([
    ['an error', () => ({ status: 500, body: 'x' })],
    ['something other than a key set', () => ({ body: '{"keys":5}' })],
    ['broken JSON', () => ({ body: '{' })],
  ] as const)('responds with a 503 and reports if the issuer sends %s', async (_name, respond) => {
    const { options } = await startIssuer(respond)
    const { send, onError } = toApp(options)
    const response = await send(await signWith(0))
    expect(response.status).toBe(503)
    expect(onError).toHaveBeenCalledTimes(1)
  })

  it('ignores keys and addresses that the token names', async () => {
    const evil = await startIssuer(() => ({ body: JSON.stringify({ keys: [keys[1]!.jwk] }) }))
    const evilServer = server!
    const { options } = await startIssuer(() => ({ body: JSON.stringify({ keys: [keys[0]!.jwk] }) }))
    const { send } = toApp(options)
    const jku = String((evil.options as { jwks?: unknown }).jwks)
    for (const header of [{ jku }, { jwk: keys[1]!.jwk }, { x5u: jku }])
      expect((await send(await signWith(1, { ...header, kid: 'one' }))).status).toBe(401)
    expect(evil.requested).not.toHaveBeenCalled()
    evilServer.close()
  })
})
