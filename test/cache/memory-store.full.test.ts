import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

describe.each([
  ['usual', 1_000_000, 64],
  ['small', 200_000, 56],
  ['parsed', 120_000, 64],
  ['bytes', 150_000, 64],
  ['marks', 200_000, 41],
])('memoryStore filled with %s', (kind, keys, mebibytes) => {
  it(`uses at most its bound of the real heap, and more than half of it, with ${keys} keys`, () => {
    const program = fileURLToPath(new URL('../fixtures/fill-memory-store.ts', import.meta.url))
    const bound = mebibytes * 2 ** 20
    const options = [
      '--expose-gc',
      '--conditions=byway-source',
      '--import',
      'tsx',
      program,
      kind,
      String(keys),
      String(bound),
    ]
    const { stdout, stderr } = spawnSync(process.execPath, options, { encoding: 'utf8' })
    expect(stderr).toBe('')
    const { highest, kept } = JSON.parse(stdout) as { highest: number; kept: number }
    expect(highest).toBeLessThan(bound)
    // It does not evict entries while there is space for them.
    expect(highest).toBeGreaterThan(bound / 2)
    expect(kept).toBeGreaterThan(10_000)
  })
})
