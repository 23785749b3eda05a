import { createHmac } from 'node:crypto'
import { createClient } from 'byway/client'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

const secret = vi.hoisted(() => {
  process.env['DATABASE_DELAY'] = '5'
  delete process.env['REDIS_URL']
  delete process.env['DATABASE_URL']
  return 'c2VjcmV0IG9mIHRoZSB0ZXN0cw=='
})
const { default: app } = await import('./app.js')
const { cache } = await import('./cache.js')

const env = { PROCESS: 'T', WEBHOOK_SECRET: secret }
const ada = { authorization: 'Bearer ada' }
const bo = { authorization: 'Bearer bo' }

interface Seen {
  readonly status: number
  readonly cacheStatus: string
  readonly headers: Headers
  readonly body: any
  readonly copy: number
}
async function get(path: string, headers: Record<string, string> = {}): Promise<Seen> {
  const response = await app.fetch(new Request(`http://test${path}`, { headers }), env)
  const body = response.status === 304 ? undefined : await response.json()
  const { status } = response
  return {
    status,
    cacheStatus: response.headers.get('cache-status') ?? '',
    headers: response.headers,
    body,
    copy: body?.made?.copy,
  }
}

function deliver(event: unknown, key = secret): Promise<Response> {
  const text = JSON.stringify(event)
  const time = String(Math.floor(Date.now() / 1_000))
  const code = createHmac('sha256', Buffer.from(key, 'base64')).update(`msg_1.${time}.${text}`).digest('base64')
  const headers = { 'webhook-id': 'msg_1', 'webhook-timestamp': time, 'webhook-signature': `v1,${code}` }
  return Promise.resolve(
    app.fetch(new Request('http://test/hooks/catalogue', { method: 'POST', headers, body: text }), env),
  )
}

beforeEach(async () => {
  for (const tag of ['items', 'list', 'rates']) await cache.revalidateTag(tag)
})
afterEach(async () => {
  vi.useRealTimers()
  await app.settled()
})

describe('an item', () => {
  it('is served from the cache after the first request, with Age, ETag and Cache-Tag', async () => {
    const first = await get('/items/borage')
    expect(first).toMatchObject({ status: 200, cacheStatus: 'byway; fwd=uri-miss; ttl=20; stored' })
    const second = await get('/items/borage')
    expect(second.cacheStatus).toMatch(/^byway; hit; ttl=(19|20)$/)
    expect(second.body).toEqual(first.body)
    expect(second.headers.get('age')).toBe('0')
    expect(second.headers.get('cache-tag')).toBe('items, item:borage, rates')
    expect(second.headers.get('x-served-by')).toBe('T')

    const etag = second.headers.get('etag')!
    expect((await get('/items/borage', { 'if-none-match': etag })).status).toBe(304)
  })

  it('has one cached response per currency, and ignores other query params', async () => {
    const { copy } = await get('/items/borage?currency=USD')
    expect((await get('/items/borage?utm_source=x&currency=USD')).copy).toBe(copy)
    const euros = await get('/items/borage')
    expect(euros.copy).not.toBe(copy)
    expect(euros.body).toMatchObject({ price: 2.4, currency: 'EUR' })
    expect((await get('/items/borage?currency=FRF')).status).toBe(400)
  })

  it('is served stale after 20 seconds, while it is refreshed in the background', async () => {
    const { copy } = await get('/items/borage')
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 20_500 })
    const stale = await get('/items/borage')
    expect(stale.copy).toBe(copy)
    expect(stale.cacheStatus).toMatch(/^byway; hit; ttl=-[12]$/)
    await app.settled()
    const anew = await get('/items/borage')
    expect(anew.cacheStatus).toMatch(/^byway; hit; ttl=(19|20)$/)
    expect(anew.copy).toBeGreaterThan(copy)
  })

  it('is not cached if the status is 404', async () => {
    expect((await get('/items/ivy')).status).toBe(404)
    expect((await get('/items/ivy')).cacheStatus).toBe('byway; fwd=uri-miss; detail="status 404"')
  })

  it('is invalidated with the tag of the rates that it uses', async () => {
    const { copy } = await get('/items/borage')
    await cache.revalidateTag('rates')
    expect((await get('/items/borage')).copy).toBeGreaterThan(copy)
  })
})

describe('the webhook', () => {
  it('invalidates the entries with a tag, and no others', async () => {
    const borage = await get('/items/borage')
    const woad = await get('/items/woad')
    expect((await deliver({ tags: ['item:borage'] })).status).toBe(204)
    expect((await get('/items/borage')).copy).toBeGreaterThan(borage.copy)
    expect((await get('/items/woad')).copy).toBe(woad.copy)
  })

  it("makes an entry stale with 'max', so it is served one more time", async () => {
    const { copy } = await get('/items')
    expect((await deliver({ tags: ['list'], profile: 'max' })).status).toBe(204)
    expect((await get('/items')).copy).toBe(copy)
    await app.settled()
    expect((await get('/items')).copy).toBeGreaterThan(copy)
  })

  it('responds with 403 to an event signed with another secret, and invalidates nothing', async () => {
    const { copy } = await get('/items/borage')
    expect((await deliver({ tags: ['items'] }, 'Z3Vlc3NlZA==')).status).toBe(403)
    expect((await get('/items/borage')).copy).toBe(copy)
  })

  it('responds with 400 to an invalid event', async () => {
    for (const event of [{}, { tags: [] }, { tags: ['items'], profile: 'min' }, 'items'])
      expect((await deliver(event)).status).toBe(400)
  })
})

describe('a change', () => {
  const api = createClient<typeof app>({ fetch: (request) => app.fetch(request, env) })
  const change = (price: number, headers?: Record<string, string>) =>
    api('/items/[slug]').patch({ params: { slug: 'lovage' }, body: { price }, ...(headers && { headers }) })

  it('requires an editor: 401 without a token, 403 for another user', async () => {
    expect((await change(1)).status).toBe(401)
    expect((await change(1, bo)).status).toBe(403)
  })

  it('appears in the item immediately, and in the list after one stale response', async () => {
    const priceIn = ({ body }: Seen): number => body.items.find(({ slug }: { slug: string }) => slug === 'lovage').price
    const { body } = await get('/items/lovage')
    await get('/items')
    const price = body.price + 1
    expect(await change(price, ada)).toMatchObject({ status: 200, data: { price } })
    expect((await get('/items/lovage')).body.price).toBe(price)
    expect(priceIn(await get('/items'))).toBe(body.price)
    await app.settled()
    expect(priceIn(await get('/items'))).toBe(price)
  })
})

describe('wishes', () => {
  it('are cached for each user, and private for other caches', async () => {
    expect((await get('/me/wishes')).status).toBe(401)
    const first = await get('/me/wishes', ada)
    const other = await get('/me/wishes', bo)
    expect([first.body.name, other.body.name]).toEqual(['Ada', 'Bo'])
    const again = await get('/me/wishes', ada)
    expect(again.cacheStatus).toMatch(/^byway; hit/)
    expect(again.body).toEqual(first.body)
    expect(again.headers.get('cache-control')).toBe('private, max-age=0, must-revalidate')
  })
})
