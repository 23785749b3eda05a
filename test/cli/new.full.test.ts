import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
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

  it('has the oldest compatibility date of Workers that byway supports', () => {
    const config = readFileSync(join(top, 'cloudflare-api/wrangler.jsonc'), 'utf8')
    expect(JSON.parse(config)).toMatchObject({ name: 'cloudflare-api', compatibility_date: oldestDate })
  })

  it('builds for Vercel', async () => {
    const folder = join(top, 'vercel-api')
    const { code } = await bywayIn({ cwd: folder }, 'build', '--target', 'vercel', 'app.ts')
    expect([code, existsSync(join(folder, '.vercel/output/functions/_byway/app.func/index.mjs'))]).toEqual([0, true])
  })
})

// The package as npm publishes it. Its dependencies and those of the project come from the registry.
const { stdout: registry } = await run('npm', ['config', 'get', 'registry'])
const isOffline = !(await fetch(new URL('zod', registry.trim()), { signal: AbortSignal.timeout(10_000) }).then(
  ({ ok }) => ok,
  () => false,
))
if (isOffline) console.warn('byway new is not tested with the packed package: the registry of npm cannot be reached.')

describe.skipIf(isOffline && !process.env['CI'])('byway new of the packed package', () => {
  it('creates a project that installs, compiles, passes its tests and runs', async () => {
    const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--pack-destination', top], { cwd: root })
    const tarball = join(top, stdout.trim().split('\n').at(-1)!)
    const env = {
      ...process.env,
      VITEST: undefined,
      NODE_ENV: undefined,
      NO_COLOR: '1',
    } as unknown as NodeJS.ProcessEnv
    const npm = (...args: string[]) => run('npm', args, { cwd: folder, env })
    const folder = join(top, 'packed')
    await run('npm', ['exec', '--yes', `--package=${tarball}`, '--', 'byway', 'new', 'packed', '--host', 'node'], {
      cwd: top,
      env,
    })
    await npm('pkg', 'set', `dependencies.byway=file:${tarball}`)
    await npm('install', '--no-audit', '--no-fund')
    expect((await npm('test')).stdout).toContain('2 passed')
    await npm('run', 'check')
    const port = String(await freePort())
    const child = await start(
      'npm',
      ['--prefix', folder, 'start'],
      `http://127.0.0.1:${port}/items`,
      { PORT: port },
      true,
    )
    try {
      expect(await (await fetch(`http://127.0.0.1:${port}/items/tea`)).json()).toEqual({ slug: 'tea', price: 4 })
    } finally {
      // npm does not pass a signal on to the server, so the whole group gets it.
      process.kill(-child.pid!)
    }
  })

  // Without an engine for containers, the instructions run in a folder.
  it('has a Dockerfile whose image serves requests and exits on SIGTERM', async () => {
    const source = join(top, 'packed')
    const image = join(top, 'image')
    mkdirSync(image)
    const ignored = readFileSync(join(source, '.dockerignore'), 'utf8').trim().split('\n')
    const isIgnored = (name: string): boolean =>
      ignored.some((line) => (line[0] === '*' ? name.endsWith(line.slice(1)) : name === line))
    const env: NodeJS.ProcessEnv = { ...process.env, VITEST: undefined }
    let command: string[] = []
    for (const line of readFileSync(join(source, 'Dockerfile'), 'utf8').trim().split('\n')) {
      const [instruction, ...words] = line.split(' ')
      const rest = words.join(' ')
      if (instruction === 'ENV') Object.assign(env, Object.fromEntries(words.map((word) => word.split('='))))
      else if (instruction === 'RUN') await run('sh', ['-c', rest], { cwd: image, env })
      else if (instruction === 'CMD') command = JSON.parse(rest) as string[]
      else if (instruction === 'COPY')
        for (const name of words.slice(0, -1).flatMap((word) => (word === '.' ? readdirSync(source) : word)))
          if (!isIgnored(name)) cpSync(join(source, name), join(image, name), { recursive: true })
    }
    expect(existsSync(join(image, 'node_modules/vitest'))).toBe(false)
    expect(readdirSync(image).sort()).toEqual([
      '.dockerignore',
      '.gitignore',
      'Dockerfile',
      'app.ts',
      'main.ts',
      'node_modules',
      'package-lock.json',
      'package.json',
      'tsconfig.json',
    ])
    const child = spawn(command[0]!, command.slice(1), { cwd: image, env: { ...env, PORT: '0' } })
    const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string]
    expect((await fetch(`${line.trim()}/items/tea`)).status).toBe(200)
    child.kill('SIGTERM')
    expect(await once(child, 'exit')).toEqual([0, null])
  })
})

describe('byway new', () => {
  it('rejects a folder with files, an unknown host, and a missing host without a terminal', async () => {
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
