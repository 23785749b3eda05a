// node cache.mjs [process] [sockets] [memory] [--rounds=60]
import { measureInProcess } from './cache/in-process.mjs'
import { measureMemory } from './cache/memory.mjs'
import { measureSockets } from './cache/sockets.mjs'
import { printMachine, versionOf } from './measure.mjs'

const parts = { process: measureInProcess, sockets: measureSockets, memory: measureMemory }
const asked = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
const rounds = Number(process.argv.find((argument) => argument.startsWith('--rounds='))?.slice(9) ?? 60)

printMachine()
console.log(
  ['hono', '@hono/node-server', '@hono/zod-validator', 'undici', 'h3', 'ocache', 'srvx', 'zod']
    .map((name) => `${name} ${versionOf(name)}`)
    .join(', '),
)
for (const [name, measure] of Object.entries(parts)) if (!asked.length || asked.includes(name)) await measure(rounds)
