import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { Server } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readConfig, readFunction, serveBuild } from './host.js'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
// In the repository, where `byway`, `zod` and `esbuild` are found.
const folder = mkdtempSync(join(root, 'test/vercel-'))
const output = join(folder, '.vercel/output')
const command = join(root, 'dist/cli/main.js')
let url: string
let server: Server
let log: string

const build = (...args: string[]) => run(process.execPath, [command, 'build', ...args], { cwd: folder })

beforeAll(async () => {
  const app = readFileSync(join(root, 'test/vercel/app.ts'), 'utf8')
  const packed = app.replace(/'..\/..\/src\/(\w+)(?:\/index)?\.js'/g, (_all, name: string) =>
    name === 'index' ? "'byway'" : `'byway/${name === 'replies' ? 'reply' : name}'`,
  )
  writeFileSync(join(folder, 'app.ts'), packed)
  log = (await build('--target', 'vercel', '--static', 'app.ts')).stderr
  ;({ url, server } = await serveBuild(output))
})
afterAll(() => {
  server?.close()
  rmSync(folder, { recursive: true, force: true })
})

const names = (config: ReturnType<typeof readConfig>) => config.routes.map(({ src, handle }) => handle ?? src)
const functionRoutes = [
  '^/?$',
  '^/edge-lines/?$',
  '^/edge-cached/?$',
  '^/edge-next/?$',
  '^/edge/node/?$',
  '^/items/[^/]+/report/?$',
  '^/edge/.+/?$',
  '^/docs(?:/.*)?/?$',
  '^/.*$',
]

describe('byway build --target vercel', () => {
  it('writes a function for each combination of deploy() options', () => {
    expect(readdirSync(join(output, 'functions/_byway')).sort()).toEqual(['app-1.func', 'app-2.func', 'app.func'])
    expect(readFunction(output, '_byway/app')).toEqual({
      runtime: 'nodejs22.x',
      handler: 'index.mjs',
      launcherType: 'Nodejs',
      shouldAddHelpers: false,
      supportsResponseStreaming: true,
    })
    expect(readFunction(output, '_byway/app-1')).toEqual({
      runtime: 'edge',
      entrypoint: 'index.js',
      regions: ['fra1', 'iad1'],
    })
    expect(readFunction(output, '_byway/app-2')).toMatchObject({ runtime: 'nodejs22.x', maxDuration: 60 })
  })

  it('writes the routes of version 3, the most specific first, and those of other methods before files', () => {
    const config = readConfig(output)
    expect(config.version).toBe(3)
    expect(names(config)).toEqual([...functionRoutes, 'filesystem', ...functionRoutes])
    expect(config.routes.slice(0, functionRoutes.length).every(({ methods }) => methods?.includes('POST'))).toBe(true)
    expect(config.routes.slice(functionRoutes.length + 1).some(({ methods }) => methods)).toBe(false)
  })

  it('writes files for responses that do not depend on the request, and for no others', async () => {
    expect(readConfig(output).overrides).toEqual({
      'fixed/a.json': { path: 'fixed/a', contentType: 'application/json' },
      'fixed/b.json': { path: 'fixed/b', contentType: 'application/json' },
    })
    expect(readdirSync(join(output, 'static'), { recursive: true }).sort()).toEqual([
      'fixed',
      'fixed/a.json',
      'fixed/b.json',
    ])
    const response = await fetch(`${url}/fixed/a`)
    expect([response.headers.get('x-function'), await response.json()]).toEqual([null, { slug: 'a' }])
    const other = await fetch(`${url}/fixed/other`)
    expect([other.headers.get('x-function'), await other.json()]).toEqual(['_byway/app', { slug: 'other' }])
  })

  it('reports why a page is not a file, and builds the app', () => {
    expect(log).toContain('byway: /failing is not a file: status 503\n')
    expect(log).toContain('byway: /timed is not a file: it calls a wrapped function with a time limit\n')
    expect(log).toContain('byway: /headed is not a file: it has the header x-own\n')
  })

  it('runs the guard of a cached route', async () => {
    expect((await fetch(`${url}/guarded`)).status).toBe(401)
    expect((await fetch(`${url}/guarded`, { headers: { authorization: 'Bearer a' } })).status).toBe(200)
    expect((await fetch(`${url}/blocked`)).status).toBe(200)
    expect((await fetch(`${url}/blocked`, { headers: { 'x-block': '1' } })).status).toBe(403)
  })

  it.each([
    ['/', '_byway/app-1', 'root'],
    ['/items/7', '_byway/app', { id: '7', ip: '203.0.113.7' }],
    ['/tagged', '_byway/app', 'tagged'],
    ['/edge/a/b', '_byway/app-1', ['a', 'b']],
    ['/edge/node', '_byway/app', 'object'],
    ['/items/7/report', '_byway/app-2', 'report'],
    ['/docs', '_byway/app-2', null],
    ['/docs/a', '_byway/app-2', ['a']],
  ])('runs %s in the function %s', async (path, name, data) => {
    const response = await fetch(url + path, { headers: { 'x-forwarded-for': '203.0.113.7' } })
    expect([response.status, response.headers.get('x-function')]).toEqual([200, name])
    expect(await response.json()).toEqual(data)
  })

  it('provides the request to a cached function and a Next.js module in an edge function', async () => {
    const cached = await fetch(`${url}/edge-cached`)
    expect([cached.headers.get('x-function'), await cached.json()]).toEqual(['_byway/app-1', { count: 1 }])
    // The time limit of the wrapped function, not the one of the route.
    expect(Number(/; ttl=(\d+)/.exec(cached.headers.get('cache-status')!)![1])).toBeLessThanOrEqual(60)
    const mounted = await fetch(`${url}/edge-next`, { headers: { 'x-own': 'a' } })
    expect([mounted.headers.get('x-function'), await mounted.json()]).toEqual(['_byway/app-1', 'a'])
  })

  it('runs validation, 404, 405 and OPTIONS in the function', async () => {
    const post = (path: string, body: string) =>
      fetch(url + path, { method: 'POST', body, headers: { 'content-type': 'application/json' } })
    expect((await post('/items', '{"name":"tea"}')).status).toBe(201)
    expect((await post('/items', '{"name":1}')).status).toBe(400)
    const edge = await post('/edge/a', '{"name":"tea"}')
    expect([edge.headers.get('x-function'), await edge.json()]).toEqual(['_byway/app-1', { name: 'tea' }])
    expect((await fetch(`${url}/nothing`)).status).toBe(404)
    for (const method of ['DELETE', 'OPTIONS']) {
      const response = await fetch(`${url}/fixed/a`, { method })
      expect([response.status, response.headers.get('allow')]).toEqual([
        method === 'DELETE' ? 405 : 204,
        'GET, HEAD, OPTIONS',
      ])
    }
  })

  it.each(['/lines', '/edge-lines'])('streams %s', async (path) => {
    const reader = (await fetch(url + path)).body!.getReader()
    const first = await reader.read()
    expect(new TextDecoder().decode(first.value)).toBe('1\n')
    expect(new TextDecoder().decode((await reader.read()).value)).toBe('2\n')
  })

  it('writes no files without --static', async () => {
    await build('--target', 'vercel', '-o', 'plain/output', 'app.ts')
    const config = readConfig(join(folder, 'plain/output'))
    expect(names(config)).toEqual(['filesystem', ...functionRoutes])
    expect(existsSync(join(folder, 'plain/output/static'))).toBe(false)
  })

  it('builds the example', async () => {
    const out = join(folder, 'example')
    await build('--target', 'vercel', '-o', out, join(root, 'examples/vercel/app.ts'))
    const { url, server } = await serveBuild(out)
    try {
      const near = await fetch(`${url}/near`, { headers: { 'x-vercel-ip-city': 'Berlin' } })
      expect([near.headers.get('x-function'), await near.json()]).toEqual(['_byway/app-1', { city: 'Berlin' }])
      expect((await fetch(`${url}/items/tea`)).headers.get('vercel-cache-tag')).toBe('item:tea')
    } finally {
      server.close()
    }
  })

  it.each([
    ["{ use: [cors({ origin: ['https://a.example'] })] }"],
    ["{ rewrites: rewrites([{ source: '/old', destination: '/fixed' }]) }"],
  ])('writes no files for a router with %s', async (options) => {
    writeFileSync(
      join(folder, 'options.ts'),
      `import { rewrites, route, router } from 'byway'
import { createCache } from 'byway/cache'
import { cors } from 'byway/middleware'
const fixed = route('/fixed').use(createCache()({ revalidate: false })).get(() => [cors, rewrites].length)
export default router({ fixed }, ${options})`,
    )
    const { stderr } = await build('--target', 'vercel', '--static', '-o', 'options/output', 'options.ts')
    expect(stderr).toContain('byway: no files are written: the router has rewrites, or middleware in its `use`\n')
    expect(existsSync(join(folder, 'options/output/static'))).toBe(false)
  })

  it('replaces an earlier build, and rejects folders that are not a build', async () => {
    for (const outDir of ['.', '..', 'app.ts', 'other']) {
      if (outDir === 'other') {
        mkdirSync(join(folder, outDir))
        writeFileSync(join(folder, outDir, 'config.json'), '{ "mine": true }')
      }
      await expect(build('--target', 'vercel', '-o', outDir, 'app.ts'), outDir).rejects.toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/^byway: --out-dir /),
      })
    }
    expect(existsSync(join(folder, 'app.ts'))).toBe(true)
    expect(readFileSync(join(folder, 'other/config.json'), 'utf8')).toContain('mine')
    await build('--target', 'vercel', '-o', 'plain/output', 'app.ts')
    expect(readdirSync(join(folder, 'plain'))).toEqual(['output'])
  })

  it('reports invalid arguments and apps, and keeps the earlier build', async () => {
    const write = (name: string, code: string) => writeFileSync(join(folder, name), code)
    const fails = (text: string, ...args: string[]) =>
      expect(build(...args), text).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining(text) })
    await fails('byway: --target must be vercel, not lambda\n', '--target', 'lambda', 'app.ts')
    await fails('--base-url must be a URL such as', '--target', 'vercel', '--base-url', 'shop', 'app.ts')
    write(
      'mixed.ts',
      `import { route, router } from 'byway'
import { deploy } from 'byway/vercel'
const mixed = route('/mixed').get(() => 1).use(deploy({ runtime: 'edge' })).post(() => 2)
export default router({ mixed })`,
    )
    await fails("the methods of '/mixed' have different deploy() options", '--target', 'vercel', 'mixed.ts')
    write(
      'node.ts',
      `import { readFileSync } from 'node:fs'
import { route, router } from 'byway'
import { deploy } from 'byway/vercel'
export default router({ a: route('/a').use(deploy({ runtime: 'edge' })).get(() => readFileSync('a', 'utf8')) })`,
    )
    await fails('the function could not be bundled', '--target', 'vercel', 'node.ts')
    expect(readFunction(output, '_byway/app').runtime).toBe('nodejs22.x')
  })
})
