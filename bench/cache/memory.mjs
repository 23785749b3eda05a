import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/**
 * Stores a million responses, each with a key and a tag of its own, in a memoryStore() of 64 MiB. The process has 128 MiB of old
 * space.
 */
export async function measureMemory() {
  const fill = fileURLToPath(new URL('fill.mjs', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', '--max-old-space-size=128', fill])
  console.log(`\nmemory\n\n${stdout.trimEnd()}`)
}
