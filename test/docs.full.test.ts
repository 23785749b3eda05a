import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { pages, read, root } from './docs/pages.js'

const quickStart = 'docs/start/quick-start.md'

describe('the guides', () => {
  it('have a page for each middleware', async () => {
    const names = ['middleware', 'jwt', 'otel', 'static'].map((entry) => import(join(root, `dist/${entry}/index.js`)))
    const all = (await Promise.all(names)).flatMap((module) => Object.keys(module as object))
    const text = pages.filter(({ path }) => path.startsWith('docs/middleware/')).map(({ text }) => text)
    const helpers = ['notesOf', 'toFollow']
    expect(all.filter((name) => !helpers.includes(name) && !text.some((one) => one.includes(`${name}(`)))).toEqual([])
  })
})

describe('the quick start', () => {
  const path = pages.find(({ path }) => path === quickStart)!.blocks
  const lines = path.filter(({ language }) => language === 'sh').flatMap(({ text }) => text.trim().split('\n'))
  const run = promisify(execFile)
  let own: string
  let command: string
  let url: string
  let stop = async (): Promise<void> => {}

  beforeAll(async () => {
    own = await install()
    for (const { file, text } of path) if (file) await writeFile(join(own, file), text)
    const [serve] = lines.filter((line) => line.startsWith('npx byway serve '))
    const child = spawn(process.execPath, [command, ...serve!.split(' ').slice(2), '--port', '0'], { cwd: own })
    let printed = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text))
    url = await vi.waitUntil(() => /http:\S+(?=\/\n)/.exec(printed)?.[0], { timeout: 15_000 })
    stop = async () => {
      child.kill('SIGTERM')
      await once(child, 'exit')
    }
  })
  afterAll(async () => {
    await stop()
    await rm(own, { recursive: true })
  })

  // The newest version of each package, as npm installs it today.
  const packages: Record<string, string> = {
    typescript: '@typescript/native',
    '@typescript/typescript6': 'typescript',
    tsx: 'tsx',
    zod: 'zod',
  }

  /** Creates a folder outside the repository with the packages that the section installs, and byway as it is published. */
  async function install(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'byway-five-'))
    const modules = join(folder, 'node_modules')
    await mkdir(join(modules, '@typescript'), { recursive: true })
    await mkdir(join(modules, '@fastify'))
    const section = read(quickStart)
    const named = [...section.matchAll(/npm i(?: -D)? ([\w@/. -]+)/g)].flatMap(([, names]) => names!.trim().split(' '))
    expect(named.sort()).toEqual(['@typescript/typescript6', 'byway', 'tsx', 'typescript', 'zod'])
    const { dependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { dependencies: object }
    const links = named.flatMap((name) => (packages[name] ? [[name, packages[name]] as const] : []))
    for (const [name, target] of [...links, ...Object.keys(dependencies).map((name) => [name, name] as const)])
      await symlink(join(root, 'node_modules', target), join(modules, name))
    for (const part of ['package.json', 'dist'])
      await cp(join(root, part), join(modules, 'byway', part), { recursive: true })
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
    command = join(modules, 'byway/dist/cli/main.js')
    return folder
  }

  it('has commands that run and return the documented results', async () => {
    const rest = lines.filter((line) => !line.startsWith('npx byway serve '))
    expect(rest.length).toBeGreaterThan(3)
    for (const line of rest) {
      if (line.startsWith('curl ')) {
        const asked = /'(.*)'/.exec(line)![1]!.replace('http://localhost:3000', url)
        expect(await (await fetch(asked)).json()).toEqual([{ slug: 'tea', price: 4 }])
      } else if (!line.startsWith('npm i ')) {
        expect(line).toMatch(/^npx byway /)
        await run(process.execPath, [command, ...line.split(' ').slice(2)], { cwd: own })
      }
    }
    expect((await fetch(`${url}/docs`)).status).toBe(200)
  })

  it('names the package to install if TypeScript 7 is alone', async () => {
    const bare = await install()
    try {
      await rm(join(bare, 'node_modules/@typescript'), { recursive: true })
      await cp(join(own, 'app.ts'), join(bare, 'app.ts'))
      const failed = run(process.execPath, [join(bare, 'node_modules/byway/dist/cli/main.js'), 'types', 'app.ts'], {
        cwd: bare,
      })
      await expect(failed).rejects.toMatchObject({
        code: 1,
        stderr: expect.stringContaining('npm install --save-dev @typescript/typescript6'),
      })
    } finally {
      await rm(bare, { recursive: true })
    }
  })

  it('has files that compile with TypeScript 7 and run', async () => {
    const files = path.flatMap(({ file }) => file ?? [])
    expect(files).toEqual(['app.ts', 'client.ts', 'web.ts'])
    const flags = '--noEmit --strict --target es2022 --module nodenext --lib es2023,dom,dom.iterable,dom.asynciterable'
    await run(process.execPath, [join(own, 'node_modules/typescript/bin/tsc'), ...flags.split(' '), ...files], {
      cwd: own,
    })
    const printed = []
    for (const file of files.slice(1)) {
      const text = await readFile(join(own, file), 'utf8')
      await writeFile(join(own, file), text.replace('http://localhost:3000', url))
      const { stdout } = await run(process.execPath, ['--import', 'tsx', join(own, file)], { cwd: own })
      printed.push(stdout)
    }
    expect(printed).toEqual(['mint costs 3\n', '4\n'])
  })
})
