import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createCache, memoryStore } from '../src/cache/index.js'
import { route, router } from '../src/index.js'
import * as reply from '../src/replies/index.js'
import { cdnTags } from '../src/vercel/index.js'
import { runs } from './properties/runs.js'

const get = (app: { fetch(request: Request): Response | Promise<Response> }, path: string, headers = {}) =>
  app.fetch(new Request(`http://localhost${path}`, { headers }))
const unshared = 'private, max-age=0, must-revalidate'

describe('createCache({ complete: cdnTags() })', () => {
  it('sends the tags of the response and of wrapped functions, on a miss, a joined run, a hit and a 304', async () => {
    const cache = createCache({ complete: cdnTags() })
    const load = cache.wrap(async (slug: string) => slug, { key: 'load', revalidate: 60, tags: ['shop', 'items'] })
    const item = route('/items/[slug]')
      .use(cache({ revalidate: 60, cdn: 60, tags: ({ params }) => ['items', `item:${params['slug']}`] }))
      .get((_request, { params }) => load(params.slug))
    const app = router({ item })
    const [miss, joined] = await Promise.all([get(app, '/items/a'), get(app, '/items/a')])
    const hit = await get(app, '/items/a')
    const notModified = await get(app, '/items/a', { 'if-none-match': hit.headers.get('etag')! })
    expect([miss.status, joined.status, hit.status, notModified.status]).toEqual([200, 200, 200, 304])
    expect(hit.headers.get('cache-status')).toMatch(/; hit/)
    for (const response of [miss, joined, hit])
      expect(response.headers.get('vercel-cache-tag')).toBe('items,item:a,shop')
  })

  it('sends no tags if no CDN can store the response, or if it has none', async () => {
    const cache = createCache({ complete: cdnTags() })
    const own = route('/own')
      .use(cache({ revalidate: 60, tags: ['a'] }))
      .get(() => 'own')
    const keyed = route('/keyed')
      .use(cache({ revalidate: 60, tags: ['a'], key: () => 'b' }))
      .get(() => 'keyed')
    const untagged = route('/untagged')
      .use(cache({ revalidate: 60, cdn: 60 }))
      .get(() => 'untagged')
    const app = router({ own, keyed, untagged })
    for (const path of ['/own', '/keyed', '/untagged'])
      expect((await get(app, path)).headers.get('vercel-cache-tag'), path).toBeNull()
  })

  it.each(['s-maxage=60', 'public, max-age=60'])(
    'sends the tags if the handler sets Cache-Control: %s',
    async (value) => {
      const cache = createCache({ complete: cdnTags({ headers: ['cache-tag', 'netlify-cache-tag'] }) })
      const item = route('/')
        .use(cache({ revalidate: 60, tags: ['a', 'b'] }))
        .get(() => reply.json(1, { headers: { 'cache-control': value } }))
      const { headers } = await get(router({ item }), '/')
      expect([headers.get('cache-tag'), headers.get('netlify-cache-tag')]).toEqual(['a,b', 'a,b'])
      expect(headers.get('vercel-cache-tag')).toBeNull()
    },
  )

  it('sends Cache-Control: private if a tag is too long or there are too many tags', async () => {
    const cache = createCache({ complete: cdnTags() })
    const tagged = (path: '/long' | '/many', tags: readonly string[]) =>
      route(path)
        .use(cache({ revalidate: 60, cdn: 60, tags }))
        .get(() => reply.json(1, { headers: { 'vercel-cdn-cache-control': 'max-age=60' } }))
    const app = router({
      long: tagged('/long', ['é'.repeat(43)]),
      many: tagged(
        '/many',
        Array.from({ length: 129 }, (_one, index) => `tag-${index}`),
      ),
    })
    for (const path of ['/long', '/many']) {
      const { headers } = await get(app, path)
      expect(headers.get('cache-control'), path).toBe(unshared)
      expect([headers.get('vercel-cdn-cache-control'), headers.get('vercel-cache-tag')]).toEqual([null, null])
    }
  })

  it('encodes any tags so that they can be separated and decoded', async () => {
    const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(text, { minLength: 1, maxLength: 5 }), async (tags) => {
        const cache = createCache({ complete: cdnTags(), namespace: 'shop' })
        const item = route('/')
          .use(cache({ revalidate: 60, cdn: 60, tags }))
          .get(() => 1)
        const sent = (await get(router({ item }), '/')).headers.get('vercel-cache-tag')!.split(',')
        expect(sent.map((tag) => decodeURIComponent(tag))).toEqual([...new Set(tags.map((tag) => tag.toWellFormed()))])
        for (const tag of sent) expect(tag).toMatch(/^[!-+\--~]+$/)
      }),
      { numRuns: runs(500) },
    )
  })

  it('encodes line ends and commas inside a tag', async () => {
    const cache = createCache({ complete: cdnTags() })
    const item = route('/[slug]')
      .use(cache({ revalidate: 60, cdn: 60, tags: ({ params }) => [`item:${params['slug']}`] }))
      .get(() => 1)
    const response = await get(router({ item }), '/a%0At:admin%2Cother')
    expect(response.headers.get('vercel-cache-tag')).toBe('item:a%0At:admin%2Cother')
  })

  it('stores the headers, so that another process sends them too', async () => {
    const store = memoryStore()
    const toApp = () => {
      const cache = createCache({ store, complete: cdnTags() })
      return router({
        item: route('/')
          .use(cache({ revalidate: 60, cdn: 60, tags: ['a'] }))
          .get(() => 1),
      })
    }
    await (await get(toApp(), '/')).text()
    const response = await get(toApp(), '/')
    expect([response.headers.get('cache-status'), response.headers.get('vercel-cache-tag')]).toEqual([
      expect.stringContaining('; hit'),
      'a',
    ])
  })
})

describe('cdnTags()', () => {
  it('throws for options that are unknown or invalid', () => {
    for (const options of [
      { header: ['cache-tag'] },
      { headers: [] },
      { headers: 'cache-tag' },
      { headers: ['x-tag'] },
    ])
      expect(() => cdnTags(options as never), JSON.stringify(options)).toThrow(/^cdnTags\(\) /)
    expect(() => createCache({ complete: 'vercel-cache-tag' as never })).toThrow(
      "createCache() has an invalid 'complete'",
    )
  })
})
