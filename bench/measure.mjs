import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { cpus } from 'node:os'

/** Numbers from 0 to 1 that are the same in every run. */
export function toRandom(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export function median(times) {
  const sorted = times.toSorted((one, other) => one - other)
  return sorted[sorted.length >> 1]
}

export const versionOf = (name) =>
  JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url), 'utf8')).version

export function printMachine() {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  const { bun, node, v8 } = process.versions
  console.log(`${bun ? `Bun ${bun}` : `Node ${node}, V8 ${v8}`}, ${cpus()[0]?.model} × ${cpus().length}`)
  console.log(`byway ${version}`)
}

// What /proc counts in.
const ticks = Number(process.env.CLK_TCK ?? 100)

/** Seconds of CPU, user and system, that all threads of the processes of a group have taken so far. */
export function cpuOf(group) {
  let sum = 0
  for (const id of readdirSync('/proc')) {
    if (!/^\d+$/.test(id)) continue
    try {
      const text = readFileSync(`/proc/${id}/stat`, 'utf8')
      // After the command in parentheses, which can hold any character.
      const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
      if (Number(fields[2]) === group) sum += Number(fields[11]) + Number(fields[12])
    } catch {
      // The process has ended since.
    }
  }
  return sum / ticks
}

/** A port that no process listens on. */
export const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
