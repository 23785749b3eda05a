// node next.mjs [--rounds=5] [--seconds=2]
// CPU per request over real sockets of one `route.ts` of examples/next-app: served by `next start`, mounted by byway, and
// written as a route of byway. They take turns, and a figure is the median of the rounds.
import { execFile, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { cpuOf, freePort, median, printMachine } from './measure.mjs'

const run = promisify(execFile)
const toPath = (relative) => fileURLToPath(new URL(relative, import.meta.url))
const option = (name, fallback) =>
  Number(process.argv.find((argument) => argument.startsWith(`--${name}=`))?.slice(name.length + 3) ?? fallback)
const rounds = option('rounds', 5)
const seconds = option('seconds', 2)

const app = toPath('../examples/next-app/')
const next = join(app, 'node_modules/next/dist/bin/next')
if (!existsSync(next)) throw new Error('run npm ci --prefix ../examples/next-app --ignore-scripts first')
if (!existsSync('/usr/bin/wrk')) throw new Error('bench/next needs wrk: apt-get install wrk')
const env = { ...process.env, NODE_ENV: 'production', NEXT_TELEMETRY_DISABLED: '1' }
const path = '/api/items/tea'

const folder = mkdtempSync(toPath('next-'))
const all = []
try {
  printMachine()
  await run(process.execPath, [next, 'build'], { cwd: app, env })
  await bundle('mounted', `route = fromNext('/api/items/[slug]', module)`)
  await bundle(
    'byway',
    `route = declare('/api/items/[slug]').get((request, { params, url }) => ({ slug: params.slug, pathname: url.pathname, tags: url.searchParams.getAll('tag') }))`,
  )
  for (const name of ['byway', 'mounted'])
    all.push(await start(name, (port) => [join(folder, `${name}.mjs`), String(port)], folder))
  all.push(await start('Next.js', (port) => [next, 'start', '--port', String(port), '--hostname', '127.0.0.1'], app))
  for (const server of all) for (let runs = 0; runs < 3; runs++) await load(server)
  for (let round = 0; round < rounds; round++) for (const server of all) server.costs.push(await load(server))
  const [byway, mounted, nextjs] = all.map(({ costs }) => median(costs))
  console.log('\n| | CPU µs a request | over the mounted module |\n| --- | ---: | ---: |')
  for (const [name, cost] of [
    ['byway route', byway],
    ['route.ts in byway', mounted],
    ['route.ts in Next.js', nextjs],
  ])
    console.log(`| ${name} | ${cost.toFixed(1)} | ${(cost / mounted).toFixed(2)} |`)
} finally {
  for (const { child } of all) process.kill(-child.pid, 'SIGKILL')
  rmSync(folder, { recursive: true, force: true })
}

async function bundle(name, route) {
  const entry = join(folder, `${name}.ts`)
  writeFileSync(
    entry,
    `import { route as declare, router } from 'byway'
     import { fromNext } from 'byway/next'
     import { serve } from 'byway/node'
     import * as module from ${JSON.stringify(join(app, 'app/api/items/[slug]/route.ts'))}
     let route
     ${route}
     serve(router({ route }), { port: Number(process.argv[2]), hostname: '127.0.0.1' })`,
  )
  const names = ['server', 'headers', 'navigation', 'cache']
  await build({
    entryPoints: [entry],
    outfile: join(folder, `${name}.mjs`),
    bundle: true,
    format: 'esm',
    platform: 'node',
    logLevel: 'error',
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)" },
    alias: {
      ...Object.fromEntries(names.map((name) => [`next/${name}`, toPath('../dist/next/index.js')])),
      'byway/next': toPath('../dist/next/index.js'),
      'byway/node': toPath('../dist/node.js'),
      byway: toPath('../dist/index.js'),
    },
  })
}

async function start(name, toArgs, cwd) {
  const port = await freePort()
  const child = spawn(process.execPath, toArgs(port), {
    cwd,
    env,
    detached: true,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const url = `http://127.0.0.1:${port}${path}`
  for (let tries = 0; ; tries++) {
    const response = await fetch(url).catch(() => undefined)
    if (response) {
      const text = await response.text()
      console.log(`${name}: ${response.status} ${text}`)
      return { name, url, child, costs: [] }
    }
    if (tries > 100) throw new Error(`${name} does not start`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

async function load({ name, url, child }) {
  const before = cpuOf(child.pid)
  const { stdout } = await run('/usr/bin/wrk', ['-t1', '-c32', `-d${seconds}s`, url])
  const used = cpuOf(child.pid) - before
  const requests = Number(/(\d+) requests in/.exec(stdout)?.[1])
  if (!requests || /Non-2xx|Socket errors/.test(stdout)) throw new Error(`${name}: ${stdout}`)
  return (used / requests) * 1e6
}
