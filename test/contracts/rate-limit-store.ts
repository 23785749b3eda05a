import { describe, expect, it, vi } from 'vitest'
import type { RateLimitStore } from '../../src/middleware/index.js'

const day = 24 * 60 * 60 * 1_000

/** Every store of `rateLimit()` must pass these tests. `create` returns a store without counts, or one that shares them. */
export function describeRateLimitStore(name: string, create: () => RateLimitStore): void {
  let key = 0
  const newKey = (): string => `key-${++key}-${Math.random()}`

  describe(name, () => {
    it('allows as many requests as the limit, and returns the remaining ones', async () => {
      const store = create()
      const own = newKey()
      const usages = []
      for (let count = 0; count < 5; count++) usages.push(await store.count(own, { limit: 3, window: day }))
      expect(usages.map(({ isAllowed, remaining }) => [isAllowed, remaining])).toEqual([
        [true, 2],
        [true, 1],
        [true, 0],
        [false, 0],
        [false, 0],
      ])
      for (const { reset } of usages) {
        expect(reset).toBeGreaterThan(0)
        expect(reset).toBeLessThanOrEqual(2 * day)
        expect(Number.isInteger(reset)).toBe(true)
      }
    })

    it('counts each key separately, for keys with any characters', async () => {
      const store = create()
      const base = newKey()
      for (const one of [`${base}:a`, `${base} a`, `${base}\r\na`, `${base}{a}`, `${base}é`, `${base}__proto__`]) {
        expect((await store.count(one, { limit: 1, window: day })).isAllowed).toBe(true)
        expect((await store.count(one, { limit: 1, window: day })).isAllowed).toBe(false)
      }
    })

    it('allows exactly the limit to concurrent requests', async () => {
      const store = create()
      const own = newKey()
      const usages = await Promise.all(Array.from({ length: 200 }, () => store.count(own, { limit: 50, window: day })))
      expect(usages.filter(({ isAllowed }) => isAllowed)).toHaveLength(50)
    })

    it('allows requests again after the window', async () => {
      const store = create()
      const own = newKey()
      const quota = { limit: 1, window: 500 }
      const begin = performance.now()
      await store.count(own, quota)
      const { isAllowed } = await store.count(own, quota)
      // On a busy machine, the window can have passed.
      if (performance.now() - begin < quota.window) expect(isAllowed).toBe(false)
      await vi.waitFor(async () => expect((await store.count(own, quota)).isAllowed).toBe(true), { timeout: 10_000 })
    })
  })
}
