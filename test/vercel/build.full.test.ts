import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
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

beforeAll(async () => {
  const app = readFileSync(join(root, 'test/vercel/app.ts'), 'utf8')
  const packed = app.replace(/'..\/..\/src\/(\w+)(?:\/index)?\.js'/g, (_all, name: string) =>
    name === 'index' ? "'byway'" : `'byway/${name === 'replies' ? 'reply' : name}'`,
  )
  writeFileSync(join(folder, 'app.ts'), packed)
  await run(process.execPath, [command, 'build', '--target', 'vercel', 'app.ts'], { cwd: folder })
  ;({ url, server } = await serveBuild(output))
})
afterAll(() => {
  server?.close()
  rmSync(folder, { recursive: true, force: true })
})

describe('byway build --target vercel', () => {
  it('writes a function for each combination of deploy() options', () => {
    expect(readdirSync(join(output, 'functions')).sort()).toEqual(['function-1.func', 'function-2.func', 'index.func'])
    expect(readFunction(output, 'index')).toEqual({
      runtime: 'nodejs22.x',
      handler: 'index.mjs',
      launcherType: 'Nodejs',
      shouldAddHelpers: false,
      supportsResponseStreaming: true,
    })
    expect(readFunction(output, 'function-1')).toEqual({
      runtime: 'edge',
      entrypoint: 'index.mjs',
      regions: ['fra1', 'iad1'],
    })
    expect(readFunction(output, 'function-2')).toMatchObject({ runtime: 'nodejs22.x', maxDuration: 60 })
  })

  it('writes an edge function that imports nothing', () => {
    const code = readFileSync(join(output, 'functions/function-1.func/index.mjs'), 'utf8')
    expect(code.match(/^import .*$/gm)).toBeNull()
    expect(code).not.toContain('IncomingMessage')
  })

  it('writes the routes of version 3, the most specific first', () => {
    expect(readConfig(output)).toMatchObject({
      version: 3,
      routes: [
        { handle: 'filesystem' },
        { src: '/items/[^/]+/report/?', dest: '/function-2' },
        { src: '/edge/.+/?', dest: '/function-1' },
        { src: '/docs(?:/.*)?/?', dest: '/function-2' },
        { src: '/.*', dest: '/index' },
      ],
    })
  })

  it('writes files for responses that nothing can invalidate, and for no others', async () => {
    expect(readConfig(output).overrides).toEqual({
      'fixed/a.json': { path: 'fixed/a', contentType: 'application/json' },
      'fixed/b c.json': { path: 'fixed/b%20c', contentType: 'application/json' },
    })
    expect(existsSync(join(output, 'static/tagged.json'))).toBe(false)
    const response = await fetch(`${url}/fixed/a`)
    expect([response.headers.get('x-function'), await response.json()]).toEqual([null, { slug: 'a' }])
    const other = await fetch(`${url}/fixed/other`)
    expect([other.headers.get('x-function'), await other.json()]).toEqual(['index', { slug: 'other' }])
  })

  it.each([
    ['/items/7', 'index', { id: '7', ip: '203.0.113.7' }],
    ['/tagged', 'index', 'tagged'],
    ['/edge/a/b', 'function-1', ['a', 'b']],
    ['/items/7/report', 'function-2', 'report'],
    ['/docs', 'function-2', null],
    ['/docs/a', 'function-2', ['a']],
  ])('runs %s in the function %s', async (path, name, data) => {
    const response = await fetch(url + path, { headers: { 'x-forwarded-for': '203.0.113.7' } })
    expect([response.status, response.headers.get('x-function')]).toEqual([200, name])
    expect(await response.json()).toEqual(data)
  })

  it('runs validation, 404 and 405 in the function', async () => {
    const post = (body: string) =>
      fetch(`${url}/items`, { method: 'POST', body, headers: { 'content-type': 'application/json' } })
    expect((await post('{"name":"tea"}')).status).toBe(201)
    expect((await post('{"name":1}')).status).toBe(400)
    expect((await fetch(`${url}/nothing`)).status).toBe(404)
    const wrong = await fetch(`${url}/items/7`, { method: 'DELETE' })
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS'])
  })

  it('streams', async () => {
    const reader = (await fetch(`${url}/lines`)).body!.getReader()
    const first = await reader.read()
    expect(new TextDecoder().decode(first.value)).toBe('1\n')
    expect(new TextDecoder().decode((await reader.read()).value)).toBe('2\n')
  })

  it('names what is wrong with its arguments or the app', async () => {
    const build = (...args: string[]) => run(process.execPath, [command, 'build', ...args], { cwd: folder })
    await expect(build('--target', 'lambda', 'app.ts')).rejects.toMatchObject({
      code: 1,
      stderr: 'byway: --target must be vercel, not lambda\n',
    })
    writeFileSync(
      join(folder, 'mixed.ts'),
      `import { route, router } from 'byway'
import { deploy } from 'byway/vercel'
const mixed = route('/mixed').get(() => 1).use(deploy({ runtime: 'edge' })).post(() => 2)
export default router({ mixed })`,
    )
    await expect(build('--target', 'vercel', 'mixed.ts')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining("the methods of '/mixed' have different deploy() options"),
    })
  })
})
