import { describe, expect, it, vi } from 'vitest'
import type { SessionStore } from '../../src/middleware/index.js'

/** Every store of `session()` must pass these tests. */
export function describeSessionStore(name: string, create: () => SessionStore): void {
  const newId = (): string => `id-${Math.random()}`
  const later = (): number => Date.now() + 60_000

  describe(name, () => {
    it('returns the last stored value', async () => {
      const store = create()
      const id = newId()
      expect(await store.get(id)).toBeUndefined()
      await store.create(id, '["é\u2028"]', later())
      expect(await store.get(id)).toBe('["é\u2028"]')
      expect(await store.update(id, 'second', later())).toBe(true)
      expect(await store.get(id)).toBe('second')
    })

    it('does not update a deleted session', async () => {
      const store = create()
      const id = newId()
      await store.create(id, 'first', later())
      await store.delete(id)
      await store.delete(id)
      expect(await store.update(id, 'second', later())).toBe(false)
      expect(await store.get(id)).toBeUndefined()
    })

    it('returns undefined for an expired session, and does not update it', async () => {
      const store = create()
      const id = newId()
      await store.create(id, 'short', Date.now() + 10)
      await vi.waitFor(async () => expect(await store.get(id)).toBeUndefined())
      expect(await store.update(id, 'longer', later())).toBe(false)
    })
  })
}
