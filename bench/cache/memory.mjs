import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/**
 * A million answers, each with a key and a tag of its own, through a memoryStore() of 64 MiB, in a process of its own, whose
 * engine gives up at 128 MiB.
 */
export async function measureMemory() {
  const fill = fileURLToPath(new URL('fill.mjs', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', '--max-old-space-size=128', fill])
  console.log(`\nmemory\n\n${stdout.trimEnd()}`)
}
