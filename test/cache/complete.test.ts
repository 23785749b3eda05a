import { describe, expect, it, vi } from 'vitest'
import { createCache } from '../../src/cache/index.js'
import { route, router } from '../../src/index.js'
import * as reply from '../../src/replies/index.js'

const boom = new Error('no tags')

describe('createCache() with a complete() that throws', () => {
  const handlers = {
    'a text': () => reply.text('fresh'),
    'a stream': () => new Response(new Blob(['fresh']).stream()),
    'a body of reply.stream()': () =>
      reply.stream(
        (function* () {
          yield 'fresh'
        })(),
      ),
  }

  it.each(Object.entries(handlers))(
    'sends %s, reports the error, and does not delay other requests',
    async (_name, handler) => {
      const cache = createCache({
        complete() {
          throw boom
        },
      })
      const run = vi.fn(handler)
      const onError = vi.fn()
      const it = route('/')
        .use(cache({ revalidate: 60 }))
        .get(() => run())
      const app = router({ it }, { onError })
      const get = async () => (await app.fetch(new Request('http://localhost/'))).text()
      expect(await Promise.all([get(), get()])).toEqual(['fresh', 'fresh'])
      // It would wait for `maxWait`, 10 seconds.
      const before = performance.now()
      expect(await get()).toBe('fresh')
      expect(performance.now() - before).toBeLessThan(9_000)
      expect(run.mock.calls.length).toBeGreaterThanOrEqual(2)
      expect(onError.mock.calls.every(([error]) => error === boom)).toBe(true)
      expect(onError).toHaveBeenCalledTimes(run.mock.calls.length)
    },
  )

  it('keeps serving the stale entry if complete() throws for the new one', async () => {
    let fails = false
    const cache = createCache({
      complete(entry) {
        if (fails) throw boom
        return entry
      },
    })
    const onError = vi.fn()
    let count = 0
    const it = route('/')
      .use(cache({ revalidate: 60, tags: ['a'] }))
      .get(() => `run ${++count}`)
    const app = router({ it }, { onError })
    const get = async () => (await app.fetch(new Request('http://localhost/'))).json()
    expect(await get()).toBe('run 1')
    fails = true
    await cache.revalidateTag('a', 'max')
    expect(await get()).toBe('run 1')
    await app.settled()
    expect(onError.mock.calls).toMatchObject([[boom, { pattern: '/' }]])
    expect(await get()).toBe('run 1')
  })
})
