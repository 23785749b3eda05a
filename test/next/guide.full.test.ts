import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'vite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

// Follows the guide "Moving a Next.js API to byway" with an app of Next.js that imports only Next.js.
const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const guide = readFileSync(join(root, 'docs/migrate/next.md'), 'utf8')
const blocks = [...guide.matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, text]) => text!)
const folder = mkdtempSync(join(root, 'test/guide-'))

const files = {
  'db.ts': "export const db = { find: async (slug: string) => (slug === 'tea' ? { slug, price: 4 } : undefined) }",
  'proxy.ts': `import { NextResponse, type NextRequest } from 'next/server'

export function proxy(request: NextRequest) {
  if (request.nextUrl.pathname === '/api/old') return NextResponse.redirect(new URL('/api/items/tea', request.url))
  return NextResponse.next()
}
export const config = { matcher: '/api/:path*' }`,
  'app/api/visits/route.ts': `import { revalidateTag, unstable_cache } from 'next/cache'
import { cookies, headers } from 'next/headers'
import { redirect } from 'next/navigation'

let runs = 0
const count = unstable_cache(async () => ++runs, ['count'], { tags: ['visits'] })

export async function GET() {
  const jar = await cookies()
  jar.set('seen', 'yes')
  return Response.json({ count: await count(), agent: (await headers()).get('user-agent'), seen: jar.has('seen') })
}
export async function POST() {
  revalidateTag('visits', { expire: 0 })
  redirect('/api/visits')
}`,
}

const write = (path: string, text: string): void => {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  writeFileSync(join(folder, path), text)
}

let fetchApp: (request: Request) => Promise<Response>

beforeAll(async () => {
  for (const [path, text] of Object.entries(files)) write(path, text)
  // The guide's route before the migration.
  const before = blocks.find((text) => text.includes("// or 'next/server'"))!
  write(
    'app/api/items/[slug]/route.ts',
    before
      .replace(/'byway\/next' \/\/ or ('next\/server')/, '$1')
      .replace(/^declare const db.*$/m, "import { db } from '../../../../db'"),
  )

  // 1. Resolve Next.js's modules to byway.
  write(
    'vite.config.ts',
    blocks.find((text) => text.startsWith('// vite.config.ts'))!,
  )
  const names = ['next/server', 'next/headers', 'next/navigation', 'next/cache']
  const paths = Object.fromEntries(names.map((name) => [name, [join(root, 'dist/next/index.d.ts')]]))
  write(
    'tsconfig.json',
    JSON.stringify({
      compilerOptions: {
        target: 'es2022',
        module: 'esnext',
        moduleResolution: 'bundler',
        lib: ['es2023', 'dom', 'dom.iterable'],
        types: ['node'],
        strict: true,
        noEmit: true,
        skipLibCheck: true,
        paths,
      },
      include: ['**/*.ts'],
    }),
  )

  // 2. Mount the folder.
  await run(process.execPath, [join(root, 'dist/cli/main.js'), 'next', 'app', '-o', 'routes.ts'], { cwd: folder })
  const main = blocks
    .find((text) => text.includes('fromNextApp(routes, options)'))!
    .replace(/^const (?:routes|proxy) = .*\n/gm, '')
    .replace(/^\/\/ (import )/gm, '$1')
  write('main.ts', main)
  process.env['DRAFT_SECRET'] = 'x'.repeat(32)
  await build({
    root: folder,
    configFile: join(folder, 'vite.config.ts'),
    logLevel: 'error',
    build: { ssr: 'main.ts', outDir: 'out' },
  })
  const { default: app } = (await import(pathToFileURL(join(folder, 'out/main.js')).href)) as {
    default: { fetch(request: Request): Response | Promise<Response> }
  }
  fetchApp = async (request) => app.fetch(request)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const send = (path: string, init?: RequestInit) => fetchApp(new Request(`http://localhost${path}`, init))

describe('the guide for Next.js', () => {
  it('has files that compile with the types of byway in place of those of Next.js', async () => {
    const compiler = join(root, 'node_modules/typescript/bin/tsc')
    await expect(run(process.execPath, [compiler, '-p', folder])).resolves.toMatchObject({ stdout: '' })
  })

  it('mounts the route of the guide', async () => {
    const found = await send('/api/items/tea')
    expect([found.status, await found.json()]).toEqual([200, { slug: 'tea', price: 4 }])
    const missing = await send('/api/items/salt')
    expect([missing.status, await missing.json()]).toEqual([404, { error: 'Not found' }])
  })

  it('runs proxy.ts in front of the routes', async () => {
    const { status, headers } = await send('/api/old')
    expect([status, headers.get('location')]).toEqual([307, 'http://localhost/api/items/tea'])
  })

  it('keeps cookies, headers, redirects and the cache of functions', async () => {
    const get = async () => (await send('/api/visits', { headers: { 'user-agent': 'a' } })).json()
    const first = await send('/api/visits', { headers: { 'user-agent': 'a' } })
    expect(first.headers.getSetCookie()).toEqual(['seen=yes; Path=/'])
    expect([await first.json(), await get()]).toEqual([
      { count: 1, agent: 'a', seen: true },
      { count: 1, agent: 'a', seen: true },
    ])
    const moved = await send('/api/visits', { method: 'POST' })
    expect([moved.status, moved.headers.get('location')]).toEqual([307, '/api/visits'])
    expect(await get()).toMatchObject({ count: 2 })
  })
})
