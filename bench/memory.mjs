// node memory.mjs [contender …] [--routes=1,100,1000] [--rounds=3] [--requests=30000]
// The memory of a server whose routes each validate a JSON body, in a process of its own for each figure. wrk sends the
// requests over 32 connections, to each route in turn.
import { execFile, fork } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { median, printMachine, versionOf } from './measure.mjs'

const run = promisify(execFile)
const toPath = (relative) => fileURLToPath(new URL(relative, import.meta.url))
const option = (name, fallback) =>
  process.argv.find((argument) => argument.startsWith(`--${name}=`))?.slice(name.length + 3) ?? fallback
const asked = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
const rounds = Number(option('rounds', 3))
const requests = Number(option('requests', 30_000))
const names = asked.length ? asked : ['byway', ...(process.env.BYWAY_BEFORE ? ['byway before'] : []), 'Hono', 'h3']

if (!existsSync('/usr/bin/wrk')) throw new Error('bench/memory needs wrk: apt-get install wrk')
printMachine()
console.log(
  ['hono', '@hono/node-server', '@hono/zod-validator', 'h3', 'zod']
    .map((name) => `${name} ${versionOf(name)}`)
    .join(', '),
)
console.log(
  `\nResident MB after ${requests.toLocaleString('en')} requests; in parentheses, the peak and before the first request.\n`,
)
console.log(`| routes | ${names.join(' | ')} |`)
console.log(`| ---: |${' ---: |'.repeat(names.length)}`)
for (const routes of option('routes', '1,100,1000').split(',').map(Number)) {
  const figures = names.map(() => [])
  for (let round = 0; round < rounds; round++)
    for (const [index, name] of names.entries()) figures[index].push(await measure(name, routes))
  const cells = figures.map((all) => {
    const [start, peak, after] = ['start', 'peak', 'after'].map((key) => Math.round(median(all.map((one) => one[key]))))
    return `${after} (${peak}, ${start})`
  })
  console.log(`| ${routes.toLocaleString('en')} | ${cells.join(' | ')} |`)
}

async function measure(name, routes) {
  const child = fork(toPath('memory/server.mjs'), [name, String(routes)], {
    execArgv: option('node', '').split(' ').filter(Boolean),
  })
  try {
    const port = await new Promise((resolve, reject) => child.once('message', resolve).once('exit', reject))
    const start = memoryOf(child.pid).now
    const url = `http://127.0.0.1:${port}`
    await run('/usr/bin/wrk', [
      '-t1',
      '-c32',
      '-d120s',
      '-s',
      toPath('memory/load.lua'),
      url,
      '--',
      String(routes),
      String(requests),
    ])
    // The collections that the load has begun come to their end.
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    const { now, peak } = memoryOf(child.pid)
    return { start, peak, after: now }
  } finally {
    child.kill('SIGKILL')
  }
}

function memoryOf(id) {
  const status = readFileSync(`/proc/${id}/status`, 'utf8')
  const megabytes = (field) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)[1]) / 1000
  return { now: megabytes('VmRSS'), peak: megabytes('VmHWM') }
}
