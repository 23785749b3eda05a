import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const script = fileURLToPath(new URL('fixtures/soak.ts', import.meta.url))

interface Soaked {
  readonly done: number
  readonly jobs: number
  /** The number of responses whose status is not that of their job, by job and status. */
  readonly wrong: Record<string, number>
  readonly told: Record<string, number>
  /** Bytes held after each sixteenth. */
  readonly heaps: readonly number[]
  readonly resources: readonly string[]
}

it('the heap is flat over 200,000 requests of all kinds', async () => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [
    '--expose-gc',
    '--import',
    'tsx',
    '--conditions=byway-source',
    script,
    '200000',
  ])
  expect(stderr).toBe('')
  const { done, jobs, wrong, told, heaps, resources } = JSON.parse(stdout) as Soaked
  expect(done).toBeGreaterThanOrEqual(200_000)
  expect(jobs).toBeGreaterThan(50)
  expect(wrong).toEqual({})
  // How often each event occurs in one request of every job. `after` counts twice in a job that calls it twice.
  const often = Object.fromEntries(Object.entries(told).map(([what, times]) => [what, times / (done / jobs)]))
  expect(often).toEqual({
    after: 7,
    // The first item is requested before the head, so a stream that is canceled unread or too late is closed as well.
    closed: 7,
    'error: after': 2,
    'error: handler': 2,
    'error: middleware': 2,
    'error: response': 1,
    'error: stream': 1,
    'error: waitUntil': 2,
  })
  // No timer or other resource is left that would keep the process alive.
  expect(resources.filter((name) => !name.startsWith('Pipe'))).toEqual([])
  // The first quarter warms up. Uncollected objects only add, so the smallest of several figures is what the app holds.
  const [early, late] = [heaps.slice(4, 8), heaps.slice(12)].map((some) => Math.min(...some) / 1_000_000)
  expect(late! - early!, `MB: ${heaps.map((bytes) => (bytes / 1_000_000).toFixed(2)).join(' ')}`).toBeLessThan(1)
})
