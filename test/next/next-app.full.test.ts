// Compares every response of one folder of route handlers in Next.js and in byway. Also tests a byway app in Next.js.
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { byway } from '../cli/run.js'

const run = promisify(execFile)
const folder = fileURLToPath(new URL('../../examples/next-app/', import.meta.url))
const dist = fileURLToPath(new URL('../../dist/', import.meta.url))
const next = join(folder, 'node_modules/next/dist/bin/next')
const env = { ...process.env, NEXT_TELEMETRY_DISABLED: '1', NODE_ENV: undefined } as unknown as NodeJS.ProcessEnv

type Send = (path: string, init?: RequestInit) => Promise<Response>
let send: { readonly next: Send; readonly byway: Send }
let server: ChildProcess
let temporary: string
let buildLog = ''

/** Bundles the manifest that `byway next` writes, with Next.js's modules replaced by byway's. */
async function loadByway(): Promise<Send> {
  temporary = mkdtempSync(join(tmpdir(), 'byway-next-'))
  const manifest = join(temporary, 'manifest.ts')
  const { code, stderr } = await byway('next', join(folder, 'app'), '-o', manifest)
  expect([code, stderr]).toEqual([0, expect.stringContaining('manifest.ts')])
  writeFileSync(
    join(temporary, 'app.ts'),
    `import { router } from 'byway'
     import { createCache } from 'byway/cache'
     import { fromNextApp, fromNextProxy } from 'byway/next'
     import manifest from './manifest.js'
     import * as proxy from ${JSON.stringify(join(folder, 'proxy.ts'))}
     const options = { cache: createCache(), draftSecret: 'd'.repeat(32) }
     const { '/byway/[[...path]]': _, '/one/[slug]': __, ...modules } = manifest
     export default router(fromNextApp(modules, options), { use: [fromNextProxy(proxy, options)], onError() {} })`,
  )
  const outfile = join(temporary, 'app.mjs')
  const entries = ['server', 'headers', 'navigation', 'cache'].map((name) => [
    `next/${name}`,
    join(dist, 'next/index.js'),
  ])
  await build({
    entryPoints: [join(temporary, 'app.ts')],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    logLevel: 'error',
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)" },
    alias: Object.fromEntries(entries),
    nodePaths: [join(folder, 'node_modules')],
  })
  const { default: app } = (await import(pathToFileURL(outfile).href)) as {
    default: { fetch: (request: Request) => Promise<Response> }
  }
  return (path, init) => app.fetch(new Request(`http://localhost${path}`, init))
}

async function startNext(...args: string[]): Promise<Send> {
  server = spawn(process.execPath, [next, ...args, '--port', '0'], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [server.stdout!, server.stderr!]) stream.on('data', (text: Buffer) => (output += String(text)))
  const url = await vi.waitFor(() => {
    // eslint-disable-next-line no-control-regex
    const found = /Local:\s+(http:\/\/localhost:\d+)/.exec(output)?.[1]
    if (!found || !/Ready/.test(output)) throw new Error(output)
    return found
  })
  return (path, init) => fetch(url + path, { redirect: 'manual', ...init })
}

const isInstalled = existsSync(next)
const suite = isInstalled || process.env['CI'] ? describe : describe.skip

suite(`examples/next-app${isInstalled ? '' : ' (run npm ci --prefix examples/next-app --ignore-scripts)'}`, () => {
  beforeAll(async () => {
    rmSync(join(folder, '.next'), { recursive: true, force: true })
    buildLog = (await run(process.execPath, [next, 'build'], { cwd: folder, env })).stdout
    send = { byway: await loadByway(), next: await startNext('start') }
  })
  afterAll(() => {
    server?.kill()
    if (temporary) rmSync(temporary, { recursive: true, force: true })
  })

  interface Seen {
    readonly status: number
    readonly location: string | null
    readonly type: string | null
    readonly cookies: readonly string[]
    readonly body: string
  }
  const look = async (response: Response): Promise<Seen> => ({
    status: response.status,
    location: response.headers.get('location')?.replace(/^http:\/\/localhost(?::\d+)?\//, '/') ?? null,
    type: response.headers.get('content-type')?.toLowerCase().replaceAll(' ', '') ?? null,
    // Next.js writes the date of Max-Age too, and lower case.
    cookies: response.headers
      .getSetCookie()
      .map((line) =>
        line
          .split(/; */)
          .filter((part) => !/^expires=(?!Thu, 01 Jan 1970)/i.test(part))
          .map((part) => part.toLowerCase())
          .sort()
          .join('; '),
      )
      .sort(),
    body: response.status >= 400 ? '' : await response.text(),
  })
  const both = async (path: string, init?: RequestInit): Promise<{ next: Seen; byway: Seen }> => ({
    next: await look(await send.next(path, init)),
    byway: await look(await send.byway(path, init)),
  })

  const json = (body: unknown, method = 'POST'): RequestInit => ({
    method,
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  })
  const form = (): FormData => {
    const data = new FormData()
    data.set('name', 'lamp')
    data.set('file', new File(['content'], 'ü.txt', { type: 'text/plain' }))
    return data
  }
  const agent =
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15'

  it.each([
    ['/api/hello'],
    ['/api/hello', { method: 'HEAD' }],
    ['/api/items/a?tag=1&tag=2'],
    ['/api/items/a%20b%2Fc'],
    ['/api/items/ü'],
    ['/api/items/a', json({ price: 5 }, 'PUT')],
    ['/api/items/a', { method: 'DELETE' }],
    ['/api/files/a/b%20c'],
    ['/api/docs'],
    ['/api/docs/a/b'],
    ['/api/grouped'],
    ['/api/headers', { headers: { 'x-agent': 'client' } }],
    ['/api/cookies', { headers: { cookie: 'visits=1; old=2' } }],
    ['/api/cookies'],
    ['/api/response-cookies', { headers: { cookie: 'one=1; two=%C3%BC' } }],
    ['/api/redirect/redirect'],
    ['/api/redirect/permanent'],
    ['/api/redirect/external'],
    ['/api/redirect/response'],
    ['/api/redirect/not-found'],
    ['/api/redirect/forbidden'],
    ['/api/redirect/unauthorized'],
    ['/api/redirect/error'],
    ['/api/redirect/other'],
    ['/api/redirect/redirect', { method: 'POST', body: new URLSearchParams({ a: '1' }) }],
    ['/api/form', { method: 'POST', body: new URLSearchParams({ name: 'lamp' }) }],
    ['/api/text', { method: 'POST', body: 'text ü' }],
    ['/api/stream'],
    ['/api/known/a'],
    ['/api/known/c'],
    ['/api/draft'],
    ['/api/draft', { headers: { cookie: '__prerender_bypass=forged' } }],
    ['/api/agent', { headers: { 'user-agent': agent } }],
    ['/api/agent', { headers: { 'user-agent': 'Googlebot/2.1' } }],
    ['/api/methods', { method: 'PATCH' }],
    ['/api/methods', { method: 'OPTIONS' }],
    ['/api/proxied/rewrite'],
    ['/api/proxied/redirect'],
    ['/robots.txt'],
    ['/api/hello/'],
  ] as [string, RequestInit?][])('responds to %s %j as Next.js does', async (path, init) => {
    const { next, byway } = await both(path, init)
    expect(ignoreKnown(path, byway)).toEqual(ignoreKnown(path, next))
  })

  // The intentional differences, which the guide lists.
  const ignoreKnown = (path: string, seen: Seen): Partial<Seen> => ({
    ...seen,
    // byway's errors are RFC 9457 documents.
    ...(seen.status >= 400 && { type: null }),
    // Next.js repeats the location of some redirects in the body.
    ...(seen.location !== null && { body: '' }),
    // After a form, Next.js redirects with a status that makes the client send the form again.
    ...(path === '/api/redirect/redirect' && { status: 303 }),
    // Next.js sends `charset` with text only if the handler does, and its own spelling of robots.txt.
    ...(path === '/robots.txt' && { type: null, body: seen.body.trim().toLowerCase().replace(/\n+/g, '\n') }),
    // In Next.js, `cookies().has()` is true for a cookie that was deleted before.
    ...(path === '/api/cookies' && { body: seen.body.replace(/,"old":\w+/, '') }),
    // Next.js deletes a forged cookie of draft mode; byway ignores it.
    ...(path === '/api/draft' && { cookies: [] }),
  })

  it('type-checks with byway in place of Next.js', async () => {
    const config = join(folder, 'tsconfig.byway.json')
    const entry = join(dist, 'next/index.d.ts')
    const paths = Object.fromEntries(
      ['server', 'headers', 'navigation', 'cache'].map((name) => [`next/${name}`, [entry]]),
    )
    const compilerOptions = { incremental: false, plugins: [], types: ['node'], paths }
    writeFileSync(
      config,
      JSON.stringify({
        extends: './tsconfig.json',
        compilerOptions,
        include: ['app/api', 'app/(group)', 'proxy.ts'],
        exclude: [],
      }),
    )
    const compiler = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url))
    const { stdout } = await run(process.execPath, [compiler, '-p', config]).catch((error: { stdout: string }) => error)
    rmSync(config)
    expect(stdout).toBe('')
  })

  it('parses multipart forms as Next.js does', async () => {
    const [next, byway] = await Promise.all([
      send.next('/api/form', { method: 'POST', body: form() }),
      send.byway('/api/form', { method: 'POST', body: form() }),
    ])
    expect(await byway.json()).toEqual(await next.json())
  })

  it.each(['next', 'byway'] as const)('%s caches, and invalidates by tag and by path', async (name) => {
    const get = async (path: string) =>
      (await send[name](path)).json() as Promise<{ value?: number; time?: number; search?: string }>
    const [first, second, other] = [await get('/api/cached/1'), await get('/api/cached/1'), await get('/api/cached/2')]
    expect(second).toEqual(first)
    expect(other.value).not.toBe(first.value)
    await send[name]('/api/revalidate', json({ tag: 'cached:1' }))
    expect((await get('/api/cached/1')).value).not.toBe(first.value)
    expect(await get('/api/cached/2')).toEqual(other)

    const fixed = await get('/api/static?a=1')
    expect(fixed.search).toBe('')
    expect(await get('/api/static?a=2')).toEqual(fixed)
    await send[name]('/api/revalidate', json({ path: '/api/static' }))
    await vi.waitFor(async () => expect((await get('/api/static')).time).not.toBe(fixed.time))
  })

  it.each(['next', 'byway'] as const)('%s runs after() after the response', async (name) => {
    const before = (await (await send[name]('/api/after', { method: 'POST' })).json()) as string[]
    await vi.waitFor(async () => expect(await (await send[name]('/api/after')).json()).toEqual([...before, 'after']))
  })

  it.each(['next', 'byway'] as const)('%s enables draft mode for the client that has the cookie', async (name) => {
    const enabled = await send[name]('/api/draft', { method: 'POST' })
    const [cookie = ''] = enabled.headers.getSetCookie()
    expect(cookie).toMatch(/^__prerender_bypass=\w+;.*HttpOnly/i)
    const response = await send[name]('/api/draft', { headers: { cookie: cookie.split(';')[0]! } })
    expect(await response.json()).toEqual({ isEnabled: true })
  })

  it('runs a byway app below a catch-all route.ts', async () => {
    expect(buildLog).toContain('/byway/[[...path]]')
    const get = async (path: string, init?: RequestInit) => send.next(`/byway${path}`, init)
    const first = await (await get('/items/a')).json()
    const again = await get('/items/a')
    expect([await again.json(), again.headers.get('cache-status')]).toEqual([first, expect.stringContaining('hit')])
    const posted = await get('/items', json({ name: 'lamp' }))
    expect([posted.status, await posted.json()]).toEqual([201, { name: 'lamp' }])
    expect(await (await get('/items/a')).json()).not.toEqual(first)
    await vi.waitFor(async () => expect(await (await get('/log')).json()).toContain('after'))
    expect((await get('/items', json({ name: 5 }))).status).toBe(400)
    expect((await get('/items')).headers.get('allow')).toBe('POST, OPTIONS')
    expect(await (await get('/lines')).text()).toBe('{"n":1}\n{"n":2}\n')
    expect((await get('/visits')).headers.getSetCookie()).toHaveLength(2)
    const moved = await get('/old')
    expect([moved.status, moved.headers.get('location')]).toEqual([307, '/byway/items/a'])
    expect((await get('/nothing')).status).toBe(404)
  })

  it('runs a byway route as the exports of a route.ts', async () => {
    expect(await (await send.next('/one/a%20b')).json()).toEqual({ slug: 'a b' })
    expect((await send.next('/one/a', { method: 'DELETE' })).status).toBe(204)
    expect((await send.next('/one/a', { method: 'POST' })).status).toBe(405)
  })

  it('runs in development mode', async () => {
    const production = server
    const sendDev = await startNext('dev')
    try {
      expect(await (await sendDev('/byway/items/a')).json()).toMatchObject({ slug: 'a' })
      expect(await (await sendDev('/one/a')).json()).toEqual({ slug: 'a' })
    } finally {
      server.kill()
      server = production
    }
  })
})
