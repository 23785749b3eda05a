import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import { binaries, freePort, isMissing, oldestDate, start } from '../runtimes/hosts.js'
import { bywayIn } from './run.js'

// The projects that `byway new` creates, with the packages that they name.
const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const top = mkdtempSync(join(tmpdir(), 'byway-new-'))
afterAll(() => rmSync(top, { recursive: true, force: true }))

const packages: Record<string, string> = { typescript: '@typescript/native' }

async function create(host: string): Promise<string> {
  const { code, stderr } = await bywayIn({ cwd: top }, 'new', `${host}-api`, '--host', host)
  expect([code, stderr]).toEqual([0, expect.stringContaining(`created ${host}-api for ${host}`)])
  const folder = join(top, `${host}-api`)
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<string, object>
  const names = Object.keys({ ...manifest['dependencies'], ...manifest['devDependencies'] })
  const link = (name: string, target: string): void => {
    const place = join(folder, 'node_modules', name)
    mkdirSync(dirname(place), { recursive: true })
    if (existsSync(target) && !existsSync(place)) symlinkSync(target, place)
  }
  for (const name of names) {
    // Next.js is installed for its example only, and wrangler nowhere.
    const own = name === 'next' || name.includes('react') ? join(root, 'examples/next-app') : root
    if (name !== 'byway') link(name, join(own, 'node_modules', packages[name] ?? name))
  }
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { dependencies: object }
  for (const name of [...Object.keys(dependencies), 'undici-types']) link(name, join(root, 'node_modules', name))
  for (const part of ['package.json', 'dist'])
    cpSync(join(root, part), join(folder, 'node_modules/byway', part), { recursive: true })
  return folder
}

describe.each(['node', 'bun', 'deno', 'cloudflare', 'vercel', 'next'])('byway new --host %s', (host) => {
  it('creates a project whose files compile with TypeScript 7 and whose tests pass', async () => {
    const folder = await create(host)
    const compile = run(process.execPath, [join(folder, 'node_modules/typescript/bin/tsc')], { cwd: folder })
    await expect(compile).resolves.toMatchObject({ stdout: '' })
    const { stdout } = await run(process.execPath, [join(folder, 'node_modules/vitest/vitest.mjs'), 'run'], {
      cwd: folder,
      env: { ...process.env, VITEST: undefined, NO_COLOR: '1' } as unknown as NodeJS.ProcessEnv,
    })
    expect(stdout).toContain('2 passed')
    const doctor = await bywayIn({ cwd: folder }, 'doctor', host === 'next' ? 'api.ts' : 'app.ts')
    expect([doctor.code, doctor.stdout]).toEqual([0, ''])
  })
})

describe('a project of byway new', () => {
  it.skipIf(isMissing('Bun'))('runs on Bun', async () => {
    const port = await freePort()
    const folder = join(top, 'bun-api')
    const child = await start(binaries.Bun, [join(folder, 'app.ts')], `http://127.0.0.1:${port}/items`, {
      PORT: String(port),
    })
    try {
      expect(await (await fetch(`http://127.0.0.1:${port}/items`)).json()).toEqual([{ slug: 'tea', price: 4 }])
    } finally {
      child.kill()
    }
  })

  it('runs on Node.js', async () => {
    const port = await freePort()
    const folder = join(top, 'node-api')
    const child = await start(
      process.execPath,
      ['--import', join(root, 'node_modules/tsx/dist/loader.mjs'), join(folder, 'main.ts')],
      `http://127.0.0.1:${port}/items`,
      { PORT: String(port) },
    )
    try {
      expect(await (await fetch(`http://127.0.0.1:${port}/items/tea`)).json()).toEqual({ slug: 'tea', price: 4 })
    } finally {
      child.kill()
    }
  })

  it('needs no newer Workers than byway does', () => {
    const config = readFileSync(join(top, 'cloudflare-api/wrangler.jsonc'), 'utf8')
    expect(JSON.parse(config)).toMatchObject({ name: 'cloudflare-api', compatibility_date: oldestDate })
  })

  it('builds for Vercel', async () => {
    const folder = join(top, 'vercel-api')
    const { code } = await bywayIn({ cwd: folder }, 'build', '--target', 'vercel', 'app.ts')
    expect([code, existsSync(join(folder, '.vercel/output/functions/_byway/app.func/index.mjs'))]).toEqual([0, true])
  })
})

describe('byway new', () => {
  it('rejects a folder with files, an unknown host, and a missing one without a terminal', async () => {
    mkdirSync(join(top, 'full'))
    writeFileSync(join(top, 'full/a.txt'), '')
    const failed = async (...args: string[]): Promise<string> => {
      const { code, stderr } = await bywayIn({ cwd: top }, 'new', ...args)
      expect(code).toBe(1)
      return stderr
    }
    expect(await failed('full', '--host', 'node')).toBe('byway: full has files; choose a new folder\n')
    expect(await failed('api', '--host', 'lambda')).toMatch(/--host must be one of node, bun/)
    expect(await failed('api')).toMatch(/--host is missing; use one of node, bun/)
    expect(existsSync(join(top, 'api'))).toBe(false)
  })
})
