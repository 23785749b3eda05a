import { describe, expect, it } from 'vitest'
import { createCache } from '../../src/cache/index.js'
import { problems, route, router } from '../../src/index.js'
import * as reply from '../../src/replies/index.js'
import { at, read } from '../fixtures/cache.js'
import { z } from 'zod'

describe('revalidatePath() with a pattern', () => {
  it('invalidates every entry of the pattern, and no other', async () => {
    const cache = createCache()
    let runs = 0
    const cached = route.use(cache({ revalidate: false }))
    const app = router({
      item: cached('/items/[slug]').get(() => ++runs),
      file: cached('/files/[...path]').get(() => ++runs),
    })
    const paths = ['/items/a', '/items/b', '/files/a/b']
    for (const path of paths) await app.fetch(at(path))
    await cache.revalidatePath('/items/[slug]')
    const seen = []
    for (const path of paths) seen.push((await read(app.fetch(at(path))))[1])
    expect(seen).toEqual([4, 5, 3])
    await cache.revalidatePath('/files/[...path]')
    expect((await read(app.fetch(at('/files/a/b'))))[1]).toBe(6)
  })
})

describe('a cached problem of an app with its own error format', () => {
  it('is sent in that format, from the run and from the entry', async () => {
    const cache = createCache()
    const page = route('/page')
      .use(cache({ revalidate: false, statuses: [404] }))
      .get(() => reply.notFound({ detail: 'gone' }))
    const app = router(
      { page },
      {
        problems: problems({
          schema: z.object({ message: z.string() }),
          statuses: { 404: 410 },
          toBody: ({ detail }) => ({ message: detail ?? 'Error' }),
        }),
      },
    )
    expect(await read(app.fetch(at('/page')))).toEqual([410, { message: 'gone' }, { fwd: 'uri-miss', stored: true }])
    expect(await read(app.fetch(at('/page')))).toEqual([410, { message: 'gone' }, { hit: true }])
  })
})

describe('scopes', () => {
  it('are enabled by the first cache.get, whose response is not stored without its tags', async () => {
    const cache = createCache()
    const page = route('/page')
      .use(cache({ revalidate: false }))
      .get(async () => (await cache.get('k')) ?? null)
      .post(async () => cache.set('k', 1, { tags: ['k'] }))
    const app = router({ page })
    const first = await read(app.fetch(at('/page')))
    expect(first).toEqual([200, null, { fwd: 'uri-miss', detail: 'first use of data' }])
    await app.fetch(at('/page', {}, 'POST'))
    await read(app.fetch(at('/page')))
    expect((await read(app.fetch(at('/page'))))[1]).toBe(1)
  })
})

describe('tags', () => {
  it('cannot be empty, in cache() and in revalidateTag()', async () => {
    const cache = createCache()
    const errors: unknown[] = []
    const page = route('/page')
      .use(cache({ revalidate: false, tags: () => [''] }))
      .get(() => 1)
    const app = router({ page }, { onError: (error) => void errors.push(error) })
    expect((await app.fetch(at('/page'))).status).toBe(500)
    expect(errors).toEqual([expect.any(TypeError)])
    expect(() => cache({ revalidate: false, tags: [''] })).toThrow('non-empty strings')
    await expect(cache.revalidateTag('')).rejects.toThrow('non-empty strings')
  })
})

describe('cache.wrap() with the key of another function', () => {
  it('calls onError, and does not throw', () => {
    const errors: unknown[] = []
    const cache = createCache({ onError: (error) => errors.push(error) })
    const find = () => 1
    cache.wrap(find, { key: 'find' })
    cache.wrap(find, { key: 'find' })
    expect(errors).toEqual([])
    cache.wrap(() => 2, { key: 'find' })
    expect(String(errors)).toContain("twice with the key 'find'")
  })
})

describe('a cached response that calls a wrapped function', () => {
  it('has the smaller revalidate of the two', async () => {
    const cache = createCache()
    const find = cache.wrap(() => 1, { key: 'find', revalidate: 5 })
    const cached = route.use(cache({ revalidate: 60 }))
    const app = router({
      with: cached('/with').get(() => find()),
      without: cached('/without').get(() => 1),
    })
    const ttl = async (path: string) => ((await read(app.fetch(at(path))))[2] as { ttl: number }).ttl
    expect([await ttl('/with'), await ttl('/without')]).toEqual([5, 60])
  })
})
