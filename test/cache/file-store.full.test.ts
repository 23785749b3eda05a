import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

describe('fileStore', () => {
  let directory: string
  beforeEach(async () => void (directory = await mkdtemp(join(tmpdir(), 'byway-store-'))))
  afterEach(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }))

  it('agrees with other processes on first versions and leases', async () => {
    const program = fileURLToPath(new URL('../fixtures/share-file-store.ts', import.meta.url))
    const start = Date.now() + 3_000
    const run = async (): Promise<{ versions: string[]; leases: boolean[] }> => {
      const child = spawn(process.execPath, [
        '--conditions=byway-source',
        '--import',
        'tsx',
        program,
        directory,
        String(start),
      ])
      let output = ''
      for await (const chunk of child.stdout) output += String(chunk)
      return JSON.parse(output)
    }
    const results = await Promise.all([run(), run(), run()])
    expect(results[0].versions).toHaveLength(200)
    for (const { versions } of results) expect(versions).toEqual(results[0].versions)
    for (let index = 0; index < 200; index++) expect(results.filter(({ leases }) => leases[index])).toHaveLength(1)
  })
})
