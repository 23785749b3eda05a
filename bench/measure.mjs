import { readFileSync } from 'node:fs'
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
  console.log(`Node ${process.versions.node}, V8 ${process.versions.v8}, ${cpus()[0]?.model} × ${cpus().length}`)
  console.log(`byway ${version}`)
}
