import { geolocation, getCache, ipAddress, waitUntil } from '@vercel/functions'
import { getVercelOidcToken } from '@vercel/oidc'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { route, router } from '../src/index.js'
import { fromNext } from '../src/next/index.js'
import { deploy, vercel } from '../src/vercel/index.js'
import { deployOf } from '../src/vercel/deploy.js'

const at = (headers: Record<string, string> = {}) => new Request('http://localhost/', { headers })
// The functions read when a token expires.
const toToken = (name: string) => ['e30', btoa(JSON.stringify({ exp: 4_000_000_000 })), name].join('.')
const symbol = Symbol.for('@vercel/request-context')

describe('vercel()', () => {
  it('makes the functions of @vercel/functions work in a handler', async () => {
    let isDone = false
    const handler = route('/').get(async (request) => {
      waitUntil(Promise.resolve().then(() => (isDone = true)))
      const cache = getCache()
      await cache.set('key', { a: 1 })
      return {
        token: await getVercelOidcToken(),
        ip: ipAddress(request),
        city: geolocation(request).city,
        cached: await cache.get('key'),
      }
    })
    const app = router({ handler }, { use: [vercel()] })
    const headers = { 'x-vercel-oidc-token': toToken('a'), 'x-real-ip': '203.0.113.7', 'x-vercel-ip-city': 'Berlin' }
    const response = await app.fetch(at(headers))
    expect(await response.json()).toEqual({ token: toToken('a'), ip: '203.0.113.7', city: 'Berlin', cached: { a: 1 } })
    await app.settled()
    expect(isDone).toBe(true)
  })

  it('returns to each of many concurrent requests its own token', async () => {
    const handler = route('/').get(async () => {
      await new Promise((resolve) => setTimeout(resolve, 1))
      return getVercelOidcToken()
    })
    const app = router({ handler }, { use: [vercel()] })
    const tokens = Array.from({ length: 20 }, (_value, index) => toToken(`token-${index}`))
    const responses = await Promise.all(tokens.map((token) => app.fetch(at({ 'x-vercel-oidc-token': token }))))
    expect(await Promise.all(responses.map((response) => response.json()))).toEqual(tokens)
  })

  it('uses the context of the platform instead of the request headers', async () => {
    const own = (globalThis as any)[symbol]
    const platform = { headers: { 'x-vercel-oidc-token': toToken('platform') } }
    ;(globalThis as any)[symbol] = { get: () => platform }
    try {
      const app = router({ handler: route('/').get(() => getVercelOidcToken()) }, { use: [vercel()] })
      expect(await (await app.fetch(at({ 'x-vercel-oidc-token': toToken('forged') }))).json()).toBe(toToken('platform'))
    } finally {
      ;(globalThis as any)[symbol] = own
    }
  })
})

describe('deploy()', () => {
  afterEach(() => vi.useRealTimers())

  it('is a timeout() of maxDuration seconds, and changes nothing with its other options', async () => {
    vi.useFakeTimers()
    const slow = route('/slow')
      .use(deploy({ maxDuration: 2 }))
      .get(() => new Promise<string>(() => {}))
    const plain = route('/')
      .use(deploy({ runtime: 'edge', regions: ['fra1'] }))
      .get(() => 'ok')
    const app = router({ slow, plain }, { onError: () => {} })
    expect((await app.fetch(at())).status).toBe(200)
    const response = app.fetch(new Request('http://localhost/slow'))
    await vi.advanceTimersByTimeAsync(2_000)
    expect((await response).status).toBe(503)
  })

  it('throws for options that are unknown or invalid', () => {
    for (const options of [
      { runtime: 'deno' },
      { regions: [] },
      { regions: 'fra1' },
      { regions: ['Frankfurt 1'] },
      { maxDuration: 0 },
      { maxDuration: 1.5 },
      { memory: 1 },
    ])
      expect(() => deploy(options as never), JSON.stringify(options)).toThrow(/^deploy\(\) (?:has no option|takes) /)
  })

  it('is read from the segment config of a mounted Next.js module', () => {
    const GET = () => new Response('ok')
    const optionsOf = (module: object) =>
      (fromNext('/a', { GET, ...module } as never) as any).operations.get('GET').middleware.map(deployOf).find(Boolean)
    expect(optionsOf({ runtime: 'edge', preferredRegion: ['fra1'], maxDuration: 5 })).toEqual({
      runtime: 'edge',
      regions: ['fra1'],
      maxDuration: 5,
    })
    expect(optionsOf({ config: { runtime: 'experimental-edge', regions: ['iad1'] } })).toEqual({
      runtime: 'edge',
      regions: ['iad1'],
    })
    expect(optionsOf({ preferredRegion: 'auto' })).toBeUndefined()
    expect(() => optionsOf({ preferredRegion: 7 })).toThrow(/preferredRegion = 7/)
  })
})
