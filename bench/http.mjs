// node http.mjs [job …] [--runtime=node] [--rounds=5] [--seconds=2]
// CPU per request of servers over real sockets, from wrk -t1 -c32 on the same machine. `--runtime` is the Node.js or Bun that
// runs the servers. They take turns, and a figure is the median of the rounds.
import { execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { cpuOf, freePort, median, printMachine, versionOf } from './measure.mjs'

const run = promisify(execFile)
const toPath = (relative) => fileURLToPath(new URL(relative, import.meta.url))
const option = (name, fallback) =>
  process.argv.find((argument) => argument.startsWith(`--${name}=`))?.slice(name.length + 3) ?? fallback
const asked = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
const runtime = option('runtime', process.execPath)
const rounds = Number(option('rounds', 5))
const seconds = Number(option('seconds', 2))
const isBun = runtime.endsWith('bun')
const only = process.env.BENCH_ONLY?.split(',')

const jobs = {
  'GET, text': { path: '/text' },
  'GET, params, JSON': { path: '/users/7/posts/first' },
  'POST, JSON, zod': {
    path: '/items',
    args: ['-s', toPath('http/post.lua')],
    init: {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'A lamp', price: 19.5, tags: ['light', 'home'] }),
    },
  },
  // Request ID, logger to a null sink, CORS, CSRF, a cookie, a rate limit and an ETag, each framework's own.
  'GET, seven middlewares': {
    path: '/stack/7',
    args: ['-H', 'origin: https://app.example', '-H', 'cookie: theme=dark; visits=41'],
    init: { headers: { origin: 'https://app.example', cookie: 'theme=dark; visits=41' } },
    only: ['byway', 'byway before', 'Fastify', 'Hono'],
  },
}
const names = [
  'byway',
  ...(process.env.BYWAY_BEFORE ? ['byway before'] : []),
  ...(isBun ? [] : ['Fastify']),
  'Hono',
  'h3',
  'Elysia',
  'bare',
].filter((name) => !only || only.includes(name))

if (!existsSync('/usr/bin/wrk')) throw new Error('bench/http needs wrk: apt-get install wrk')
printMachine()
console.log(`servers on ${isBun ? 'Bun' : 'Node'} ${(await run(runtime, ['--version'])).stdout.trim()}`)
console.log(
  [
    'fastify',
    'fastify-type-provider-zod',
    'hono',
    '@hono/node-server',
    '@hono/zod-validator',
    'h3',
    'elysia',
    '@elysiajs/node',
    'zod',
  ]
    .map((name) => `${name} ${versionOf(name)}`)
    .join(', '),
)
const all = []
try {
  for (const name of names) all.push(await start(name))
  for (const [job, { path, args = [], init, only = names }] of Object.entries(jobs)) {
    if (asked.length && !asked.some((part) => job.includes(part))) continue
    const servers = all.filter(({ name }) => only.includes(name))
    await compareResponses(servers, job, path, init)
    const figures = servers.map(() => ({ costs: [], rates: [] }))
    for (const server of servers) await warmUp(server, path, args)
    for (let round = 0; round < rounds; round++)
      for (let turn = 0; turn < servers.length; turn++) {
        const index = (turn + round) % servers.length
        const { cost, rate } = await load(servers[index], path, args)
        figures[index].costs.push(cost)
        figures[index].rates.push(rate)
      }
    console.log(`\n${job}\n`)
    console.log('| | CPU µs a request | byway’s CPU over it | requests a second |')
    console.log('| --- | ---: | ---: | ---: |')
    const first = median(figures[0].costs)
    for (const [index, { costs, rates }] of figures.entries()) {
      const cost = median(costs)
      const rate = Math.round(median(rates)).toLocaleString('en')
      console.log(`| ${servers[index].name} | ${cost.toFixed(1)} | ${(first / cost).toFixed(2)} | ${rate} |`)
    }
  }
} finally {
  for (const { child } of all) child.kill('SIGKILL')
}

async function start(name) {
  const port = await freePort()
  const child = spawn(runtime, [toPath('http/server.mjs'), name, String(port)], {
    detached: true,
    env: { ...process.env, NODE_ENV: 'production' },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const url = `http://127.0.0.1:${port}`
  for (let tries = 0; ; tries++) {
    try {
      await fetch(`${url}/text`)
      return { name, url, child }
    } catch (error) {
      if (tries > 100) {
        child.kill('SIGKILL')
        throw new Error(`${name} does not start`, { cause: error })
      }
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}

async function warmUp(server, path, args) {
  for (let runs = 0, sum = 0; runs < 10 && sum < 30_000; runs++) sum += (await load(server, path, args)).requests
}

async function load({ name, url, child }, path, args) {
  const before = cpuOf(child.pid)
  const { stdout } = await run('/usr/bin/wrk', ['-t1', '-c32', `-d${seconds}s`, ...args, url + path])
  const used = cpuOf(child.pid) - before
  const requests = Number(/(\d+) requests in/.exec(stdout)?.[1])
  if (!requests || /Non-2xx|Socket errors/.test(stdout)) throw new Error(`${name}, wrk at ${path}: ${stdout}`)
  return { requests, cost: (used / requests) * 1e6, rate: Number(/Requests\/sec:\s*([\d.]+)/.exec(stdout)[1]) }
}

async function compareResponses(servers, job, path, init) {
  let first
  for (const { name, url } of servers) {
    const response = await fetch(url + path, init)
    const type = response.headers.get('content-type')?.split(';')[0]
    const text = JSON.stringify([response.status, type, await response.text()])
    first ??= text
    if (text !== first) throw new Error(`${job}: ${name} responds with ${text}, not ${first}`)
  }
}
