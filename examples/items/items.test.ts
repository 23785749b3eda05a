import { directory, removeDirectory } from './test-data.js'
import { readFile } from 'node:fs/promises'
import { createClient } from 'byway/client'
import { afterAll, describe, expect, it } from 'vitest'
import app, { item, photo } from './app.js'
import { openDatabase } from './database.js'

afterAll(removeDirectory)

const demo = { authorization: 'Bearer demo' }
const png = new File([new Uint8Array([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10])], '../../a.png', { type: 'image/png' })

describe('the functions of a route', () => {
  it('respond to a Request without an app', async () => {
    const response = await item.GET(new Request('http://test/items/sea-foam'))
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({
      slug: 'sea-foam',
      name: 'Sea Foam',
      hex: '#87e0cf',
      lightness: 84.6,
      tags: ['teal'],
    })
  })

  it('read params from the second argument, like in Next.js', async () => {
    const response = await item.GET(new Request('http://test/'), { params: Promise.resolve({ slug: 'sky' }) })
    expect(await response.json()).toMatchObject({ name: 'Sky', hex: '#76d6ff' })
  })

  it('run the middleware before the handler', async () => {
    const response = await item.DELETE(new Request('http://test/items/sky', { method: 'DELETE' }))
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toBe('Bearer')
    expect((await item.GET(new Request('http://test/items/sky'))).status).toBe(200)
  })
})

describe('app.fetch', () => {
  const fetch = async (path: string, init?: RequestInit): Promise<Response> =>
    app.fetch(new Request(`http://test${path}`, init))
  const post = (path: string, body: unknown): Promise<Response> =>
    fetch(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })

  it('adds an item, sends its Location, and responds with 409 to a duplicate', async () => {
    const added = await post('/items', { name: 'Café Byway', hex: '#2F6FDE' })
    expect(added.status).toBe(201)
    expect(added.headers.get('location')).toBe('/items/cafe-byway')
    expect(await added.json()).toMatchObject({ slug: 'cafe-byway', hex: '#2f6fde', tags: ['blue', 'vivid'] })

    const again = await post('/items', { name: 'cafe byway', hex: '#000000' })
    expect(again.status).toBe(409)
    expect(again.headers.get('content-type')).toBe('application/problem+json')
    expect(await again.json()).toMatchObject({ status: 409, detail: 'There is an item called cafe byway already.' })
  })

  it('responds with 400 and the errors of an invalid body by pointer', async () => {
    const response = await post('/items', { name: '…', hex: 'blue' })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({
      errors: [
        { in: 'body', pointer: '/name', detail: 'A name needs a letter from a to z, or a digit.' },
        { in: 'body', pointer: '/hex', detail: 'A color is written as #2f6fde.' },
      ],
    })
  })

  it('serves its OpenAPI document and a docs page', async () => {
    const page = await fetch('/docs')
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
    for (const file of ['page.js', 'page.css']) {
      expect(await page.clone().text()).toContain(`"./docs/${file}"`)
      expect((await fetch(`/docs/${file}`)).status).toBe(200)
    }
    const document = (await (await fetch('/docs/openapi.json')).json()) as {
      paths: Record<string, Record<string, { security?: unknown }>>
    }
    expect(Object.keys(document.paths)).toEqual(['/items', '/items/{slug}', '/items/{slug}/photo', '/seen', '/me'])
    expect(document.paths['/items/{slug}']!['delete']!.security).toEqual([{ bearer: [] }])
    expect(document.paths['/items/{slug}']!['get']!.security).toBe(undefined)
  })

  it('redirects the old paths, with their query', async () => {
    const response = await fetch('/products/sea-foam?from=mail')
    expect(response.status).toBe(308)
    expect(response.headers.get('location')).toBe('/items/sea-foam?from=mail')
  })

  it('stores the viewed items in a cookie, the latest first', async () => {
    const cookie = 'seen=sky.zen.no-such-item'
    const looked = await fetch('/items/sea-foam', { headers: { cookie } })
    expect(looked.headers.get('set-cookie')).toMatch(/^seen=sea-foam\.sky\.zen\.no-such-item;/)
    const seen = await fetch('/seen', { headers: { cookie } })
    expect(await seen.json()).toMatchObject([{ slug: 'sky' }, { slug: 'zen' }])
  })

  it('sends CORS headers to http://localhost:5173 only', async () => {
    const allowed = async (origin: string): Promise<string | null> =>
      (await fetch('/items', { headers: { origin } })).headers.get('access-control-allow-origin')
    expect(await allowed('http://localhost:5173')).toBe('http://localhost:5173')
    expect(await allowed('http://evil.example')).toBe(null)
  })

  it('responds with 400 to a file that is not an image, and with 413 to a large one', async () => {
    const upload = async (file: File): Promise<Response> => {
      const body = new FormData()
      body.append('photo', file)
      body.append('alt', 'x')
      return fetch('/items/sky/photo', { method: 'POST', body })
    }
    const page = await upload(new File(['<script>'], 'a.html', { type: 'text/html' }))
    expect(page.status).toBe(400)
    expect(await page.json()).toMatchObject({ errors: [{ in: 'body', pointer: '/photo' }] })
    expect((await upload(new File([new Uint8Array(5_000_001)], 'a.png', { type: 'image/png' }))).status).toBe(413)
    expect((await photo.GET(new Request('http://test/items/sky/photo'))).status).toBe(404)
  })
})

describe('the typed client, in process', () => {
  const api = createClient<typeof app>({ fetch: app.fetch })

  it('finds items by words and tags', async () => {
    const { status, data } = await api('/items').get({ query: { q: 'sea', tag: ['blue'] } })
    if (status !== 200) throw new Error(`unexpected ${status}`)
    expect(data.items.map(({ slug }) => slug)).toContain('dancing-sea')
    expect(data.items.every(({ tags }) => tags.includes('blue'))).toBe(true)
    expect(data.total).toBe(data.items.length)
  })

  it('returns pages of 24 items, with the total', async () => {
    const [first, second, last] = await Promise.all(
      [1, 2, 10_000].map(async (page) => (await api('/items').get({ query: { page } })).data),
    )
    expect(first?.items).toHaveLength(24)
    expect(second?.items[0]?.slug).not.toBe(first?.items[0]?.slug)
    expect(first?.total).toBeGreaterThan(3000)
    expect(last?.items).toEqual([])
  })

  it('changes an item, and removes it with a token only', async () => {
    const params = { slug: 'test-pink' }
    expect((await api('/items').post({ body: { name: 'Test Pink', hex: '#ff88aa' } })).status).toBe(201)

    const changed = await api('/items/[slug]').patch({ params, body: { hex: '#ff0088' } })
    expect(changed.data).toMatchObject({ name: 'Test Pink', hex: '#ff0088' })
    const empty = await api('/items/[slug]').patch({ params, body: {} })
    expect(empty.error).toMatchObject({ status: 400, errors: [{ detail: 'Send a name, a hex, or both.' }] })

    const refused = await api('/items/[slug]').delete({ params })
    if (refused.status !== 401) throw new Error(`unexpected ${refused.status}`)
    expect(refused.error.detail).toBe('Send the header authorization: Bearer demo')

    expect((await api('/items/[slug]').delete({ params, headers: demo })).status).toBe(204)
    expect((await api('/items/[slug]').delete({ params, headers: demo })).status).toBe(404)
    expect((await api('/items/[slug]').get({ params })).status).toBe(404)
  })

  it('stores a photo, and returns its bytes', async () => {
    const params = { slug: 'zen' }
    const saved = await api('/items/[slug]/photo').post({ params, form: { photo: png, alt: 'Raked sand' } })
    expect(saved.data?.photo).toEqual({ url: '/items/zen/photo', alt: 'Raked sand' })

    const response = await photo.GET(new Request('http://test/items/zen/photo'))
    expect(response.headers.get('content-type')).toBe('image/png')
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(new Uint8Array(await png.arrayBuffer()))
    expect((await api('/items/[slug]').get({ params })).data?.photo?.alt).toBe('Raked sand')
  })

  it('uses the user that middleware adds to the context', async () => {
    const { data } = await api('/me').get({ headers: demo })
    expect(data).toEqual({ name: 'demo' })
    expect((await api('/me').get()).status).toBe(401)
  })
})

describe('the database file', () => {
  it('contains the changes, also after it is opened again', async () => {
    const again = await openDatabase(directory)
    expect(again.find('cafe-byway')?.name).toBe('Café Byway')
    expect(again.find('test-pink')).toBe(undefined)
    const kept = await again.findPhoto('zen')
    expect(kept?.type).toBe('image/png')
    expect(kept?.bytes).toEqual(new Uint8Array(await png.arrayBuffer()))
    expect(JSON.parse(await readFile(`${directory}/items.json`, 'utf8'))).toMatchObject({ version: 1 })
  })
})
