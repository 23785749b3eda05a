// node cold.mjs [job …] [--rounds=20]
// From the start of a process to its first response: the time, and the CPU of all its threads, user and system. The processes
// take turns, and a figure is the median of the rounds.
import { build } from 'esbuild'
import { spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { median, printMachine, versionOf } from './measure.mjs'

const toPath = (relative) => fileURLToPath(new URL(relative, import.meta.url))
const asked = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
const rounds = Number(process.argv.find((argument) => argument.startsWith('--rounds='))?.slice(9) ?? 20)
const only = process.env.BENCH_ONLY?.split(',')

const builds = {
  byway: process.env.BYWAY ?? toPath('../dist'),
  ...(process.env.BYWAY_BEFORE && { 'byway before': process.env.BYWAY_BEFORE }),
}
const hello = 'GET /hello/ada HTTP/1.1'
const item = JSON.stringify({ name: 'A lamp', price: 19.5, tags: ['light'], field500: 1 })
const post = `POST /resource500/7 HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: ${item.length}`

printMachine()
console.log(
  ['hono', '@hono/node-server', '@hono/zod-validator', 'h3', 'zod']
    .map((name) => `${name} ${versionOf(name)}`)
    .join(', '),
)
const folder = toPath(`node_modules/.cache/cold-${process.pid}`)
try {
  const apps = await toApps()
  const jobs = {
    hello: { request: `${hello}\r\nhost: localhost\r\n\r\n`, args: (name) => [apps[name].file] },
    'hello, bundled': { request: `${hello}\r\nhost: localhost\r\n\r\n`, args: (name) => [apps[name].bundle] },
    '1,000 routes, zod': {
      request: `${post}\r\nhost: localhost\r\n\r\n${item}`,
      args: (name) => (name === 'bare' ? undefined : [toPath('memory/server.mjs'), name, '1000']),
    },
  }
  for (const [job, { request, args }] of Object.entries(jobs))
    if (!asked.length || asked.some((part) => job.includes(part))) await compare(job, request, args)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function compare(job, request, args) {
  const contenders = [...Object.keys(builds), 'Hono', 'h3', 'bare']
    .filter((name) => args(name) && (!only || only.includes(name)))
    .map((name) => ({ name, args: args(name), times: [], costs: [] }))
  // The first round fills the file system's cache.
  for (let round = 0; round <= rounds; round++)
    for (let turn = 0; turn < contenders.length; turn++) {
      const one = contenders[(turn + round) % contenders.length]
      const { time, cost } = await start(one.args, request)
      if (round === 0) continue
      one.times.push(time)
      one.costs.push(cost)
    }
  console.log(`\n${job}\n`)
  console.log('| | CPU ms | byway’s over it | ms | byway’s over it |')
  console.log('| --- | ---: | ---: | ---: | ---: |')
  const [first] = contenders
  for (const { name, costs, times } of contenders) {
    const cells = [
      [costs, first.costs],
      [times, first.times],
    ].flatMap(([own, byway]) => [median(own).toFixed(1), (median(byway) / median(own)).toFixed(2)])
    console.log(`| ${name} | ${cells.join(' | ')} |`)
  }
}

/** Starts a process that prints its URL or port, sends the request, and ends the process after the first bytes of the response. */
function start(args, request) {
  return new Promise((resolve, reject) => {
    const begin = process.hrtime.bigint()
    const child = spawn(process.execPath, args, {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_ENV: 'production' },
    })
    child.once('error', reject)
    child.stdout.once('data', (line) => {
      const socket = connect(Number(/(\d+)\/?\s*$/.exec(String(line))[1]), '127.0.0.1')
      socket.once('error', reject)
      socket.write(request)
      socket.once('data', (head) => {
        const time = Number(process.hrtime.bigint() - begin) / 1e6
        const cost = cpuOfThreads(child.pid)
        socket.destroy()
        child.once('exit', () => resolve({ time, cost })).kill('SIGKILL')
        if (!String(head).startsWith('HTTP/1.1 200')) reject(new Error(`${args.join(' ')}: ${head}`))
      })
    })
  })
}

/** Milliseconds, to the microsecond: `/proc/<id>/stat` counts in steps of 10. */
function cpuOfThreads(id) {
  let sum = 0
  for (const thread of readdirSync(`/proc/${id}/task`))
    try {
      sum += Number(readFileSync(`/proc/${id}/task/${thread}/schedstat`, 'utf8').split(' ')[0]) / 1e6
    } catch (error) {
      // A thread of the engine can end after it was listed.
      if (error.code !== 'ENOENT' && error.code !== 'ESRCH') throw error
    }
  return sum
}

/** The apps in a folder of their own, in whose node_modules `byway` is the build to measure, and their bundles. */
async function toApps() {
  const apps = {}
  for (const [name, file] of [
    ...Object.keys(builds).map((name) => [name, 'byway']),
    ['Hono', 'hono'],
    ['h3', 'h3'],
    ['bare', 'bare'],
  ]) {
    const own = `${folder}/${name.replace(' ', '-')}`
    mkdirSync(`${own}/node_modules`, { recursive: true })
    if (builds[name]) symlinkSync(dirname(resolve(builds[name])), `${own}/node_modules/byway`)
    copyFileSync(toPath(`cold/apps/${file}.mjs`), `${own}/app.mjs`)
    const bundle = `${own}/bundle.mjs`
    await build({
      entryPoints: [`${own}/app.mjs`],
      outfile: bundle,
      bundle: true,
      minify: true,
      format: 'esm',
      platform: 'node',
      logLevel: 'error',
    })
    apps[name] = { file: `${own}/app.mjs`, bundle }
  }
  return apps
}
