import { memoryStore } from '../../src/cache/memory-store.js'
import { describeStore } from '../contracts/store.js'

describeStore(
  'memoryStore',
  () => {
    const store = memoryStore({ maxBytes: 8 * 2 ** 20 })
    const lose = (marks: readonly string[]): void => {
      // They were not asked for while so many were that there was no room left.
      for (let index = 0; index < 30_000; index++) store.versions([`filler ${index}`])
      void marks
    }
    return { store, lose }
  },
  { lease: false },
)
