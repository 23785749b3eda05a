import { execFile, spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { get } from 'node:http'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { cpuOf, freePort, median } from '../measure.mjs'
import { start, toNames } from './in-process.mjs'

const run = promisify(execFile)
const folder = fileURLToPath(new URL('next/', import.meta.url))
const nextCommand = `${folder}node_modules/next/dist/bin/next`
const only = process.env.BENCH_ONLY?.split(',')
const seconds = Number(process.env.BENCH_SECONDS ?? 4)

/**
 * Requests over sockets, from wrk on the same machine: each server in turn, in rounds. Requests a second say little where the
 * load has the same cores; what the server's processes take of a CPU, in user and system mode, says more.
 */
export async function measureSockets(rounds) {
  if (!existsSync('/usr/bin/wrk')) throw new Error('bench/cache needs wrk: apt-get install wrk')
  const servers = []
  try {
    for (const name of await toNames()) {
      const { child, first } = await start(name, 'serve')
      servers.push({
        name,
        url: first,
        child,
        path: '/api/item',
        conditional: name.startsWith('Hono') && '/api/validated',
      })
    }
    if (!only || only.includes('Next')) servers.push(await startNext())
    for (const server of servers) Object.assign(server, await toAnswer(server, servers[0]))
    for (const server of servers) await warmUp(server)
    for (const job of ['hit', '304 by ETag']) await measureJob(job, servers, Math.max(3, Math.ceil(rounds / 12)))
  } finally {
    for (const { child } of servers) process.kill(-child.pid, 'SIGKILL')
  }
}

async function measureJob(job, servers, rounds) {
  const isConditional = job !== 'hit'
  const entrants = servers.map((server) => ({ ...server, rates: [], costs: [] }))
  const notes = []
  for (const one of entrants) {
    if (!isConditional) continue
    const why = !one.etag ? 'makes no ETag' : await unanswered(one)
    if (why) {
      one.isOut = true
      notes.push(`${one.name} ${why}.`)
    } else if (one.conditionalStatus !== 304)
      notes.push(`${one.name} answers ${one.conditionalStatus}, with all of it.`)
  }
  const runners = entrants.filter(({ isOut }) => !isOut)
  for (let round = 0; round <= rounds; round++)
    for (let turn = 0; turn < runners.length; turn++) {
      const one = runners[(turn + round) % runners.length]
      const { rate, cost } = await load(one, isConditional)
      if (round === 0) continue
      one.rates.push(rate)
      one.costs.push(cost)
    }
  console.log(`\nover sockets, ${job}\n`)
  console.log('| | requests a second | byway’s over it | CPU µs a request | ratio |')
  console.log('| --- | ---: | ---: | ---: | ---: |')
  const [first] = runners
  for (const one of runners) {
    const rate = median(one.rates)
    const cost = median(one.costs)
    console.log(
      `| ${one.name} | ${Math.round(rate)} | ${(median(first.rates) / rate).toFixed(2)} | ${cost.toFixed(1)} | ${(cost / median(first.costs)).toFixed(2)} |`,
    )
  }
  for (const note of notes) console.log(`\n${note}`)
}

// As many requests for the slow ones as for the fast ones, within reason.
async function warmUp(server) {
  for (let round = 0, sum = 0; round < 10 && sum < 50_000; round++) sum += (await load(server, false)).requests
}

async function load({ name, url, path, conditional, etag, child }, isConditional) {
  const header = isConditional ? ['-H', `If-None-Match: ${etag}`] : []
  const before = cpuOf(child.pid)
  const target = url + (isConditional && conditional ? conditional : path)
  const { stdout } = await run('/usr/bin/wrk', ['-t1', '-c32', `-d${seconds}s`, '--timeout', '10s', ...header, target])
  const used = cpuOf(child.pid) - before
  const requests = Number(/(\d+) requests in/.exec(stdout)?.[1])
  if (!requests || /Non-2xx|Socket errors/.test(stdout)) throw new Error(`${name}, wrk at ${target}: ${stdout}`)
  return { requests, rate: Number(/Requests\/sec:\s*([\d.]+)/.exec(stdout)[1]), cost: (used / requests) * 1e6 }
}

// Twice, so that the second request is a hit. The conditional request comes later, because some peers never send a 304.
async function toAnswer({ name, url, path, conditional }, first) {
  await request(url + path)
  const { status, body, type } = await request(url + path)
  if (conditional) await request(url + conditional)
  const { headers } = await request(url + (conditional || path))
  const answer = JSON.stringify({ status, type, body })
  first.answer ??= answer
  if (answer !== first.answer) throw new Error(`${name} answers ${answer}, not ${first.answer}`)
  return { etag: headers.etag, answer }
}

async function unanswered(one) {
  try {
    const url = one.url + (one.conditional || one.path)
    one.conditionalStatus = (await request(url, { 'if-none-match': one.etag })).status
    return undefined
  } catch (error) {
    return `does not answer: ${error.message}`
  }
}

const request = (url, headers = {}) =>
  new Promise((resolve, reject) => {
    get(url, { headers, agent: false, timeout: 2_000 }, async (response) => {
      let body = ''
      for await (const chunk of response.setEncoding('utf8')) body += chunk
      const { statusCode: status, headers } = response
      resolve({ status, headers, body, type: headers['content-type']?.split(';')[0] })
    })
      .once('timeout', function () {
        this.destroy(new Error('nothing within 2 seconds'))
      })
      .once('error', reject)
  })

/** A real build, and its own server. */
async function startNext() {
  if (!existsSync(nextCommand)) throw new Error('bench/cache/next is not installed: npm ci --prefix cache/next')
  const env = { ...process.env, NODE_ENV: 'production', NEXT_TELEMETRY_DISABLED: '1' }
  const { version } = JSON.parse(readFileSync(`${folder}node_modules/next/package.json`, 'utf8'))
  rmSync(`${folder}.next`, { recursive: true, force: true })
  await run(process.execPath, [nextCommand, 'build'], { cwd: folder, env })
  const port = String(await freePort())
  const child = spawn(process.execPath, [nextCommand, 'start', '-H', '127.0.0.1', '-p', port], {
    cwd: folder,
    env,
    detached: true,
    stdio: 'ignore',
  })
  const url = `http://127.0.0.1:${port}`
  for (let tries = 0; ; tries++) {
    try {
      await request(url)
      break
    } catch (error) {
      if (tries > 100) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
  return { name: `Next ${version}`, url, child, path: '/api/item' }
}
