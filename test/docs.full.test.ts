import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import ts from 'typescript'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))

interface Snippet {
  readonly page: string
  readonly language: string
  readonly text: string
  /** What its first line calls it. */
  readonly file: string | undefined
}

const quickStart = 'docs/start/quick-start.md'
const guides = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => path.endsWith('.md') && !/node_modules|\.vitepress/.test(path))
const pages = ['README.md', ...guides.map((path) => `docs/${path}`)].sort()
const snippets: Snippet[] = pages.flatMap((page) =>
  [...readFileSync(join(root, page), 'utf8').matchAll(/^```(\w+)\n([^]*?)^```$/gm)].map(([, language, text]) => ({
    page,
    language: language!,
    text: text!,
    file: /^\/\/ ([\w.-]+\.ts)\n/.exec(text!)?.[1],
  })),
)

let folder: string
beforeAll(async () => {
  // In the repository, where `byway` and `zod` are found.
  folder = await mkdtemp(join(root, 'test/docs-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

interface Mistake {
  readonly file: string | undefined
  readonly text: string
  /** The name that is not declared, if that is the mistake. */
  readonly missing: string | undefined
}

/** What TypeScript says of files in the folder. */
function compile(folder: string, files: readonly string[]): Mistake[] {
  const program = ts.createProgram(
    files.map((file) => join(folder, file)),
    {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      lib: ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts', 'lib.dom.asynciterable.d.ts'],
      types: ['node'],
      strict: true,
      noEmit: true,
      skipLibCheck: true,
    },
  )
  return ts.getPreEmitDiagnostics(program).map(({ file, messageText }) => {
    const text = ts.flattenDiagnosticMessageText(messageText, '\n')
    const missing = /^(?:Cannot find name|No value exists in scope for the shorthand property) '(\w+)'/.exec(text)?.[1]
    return { file: file && relative(folder, file.fileName).replaceAll('\\', '/'), text, missing }
  })
}

describe('the snippets of the README and the guides', () => {
  it('are there', () => {
    expect(snippets.filter(({ language }) => language === 'ts').length).toBeGreaterThan(40)
  })

  it('compile, given what their text speaks of', async () => {
    // What a reader takes for granted, unless the snippet declares it.
    const given: Record<string, string> = {
      ...Object.fromEntries(
        ['href', 'middleware', 'problems', 'rewrites', 'route', 'router'].map((name) => [
          name,
          `import { ${name} } from 'byway'`,
        ]),
      ),
      reply: `import * as reply from 'byway/reply'`,
      Failure: `import { z } from 'zod'\nconst Failure = z.object({ message: z.string() })`,
      createCache: `import { createCache } from 'byway/cache'`,
      createClient: `import { createClient } from 'byway/client'`,
      cors: `import { cors } from 'byway/middleware'`,
      z: `import { z } from 'zod'`,
      db: `interface Item { slug: string; name: string; price: number }
declare const db: { list(page: number): Promise<Item[]>; has(slug: string): Promise<boolean>; add(item: Item): Promise<void>; find(slug: string): Promise<Item | undefined>; remove(slug: string): Promise<void>; load(id: string): Promise<Item> }`,
      findUser: `declare function findUser(token: string | null): Promise<{ id: string } | undefined>`,
      D1Database: `interface D1Database { load(id: string): Promise<{ id: string }> }`,
      session: `import { middleware as layer } from 'byway'\nconst session = layer((request, context, next) => next({ user: { id: 'a' } }))`,
      cache: `import { createCache as create } from 'byway/cache'\nconst cache = create()`,
      item: `import { route as at } from 'byway'\nconst item = at('/items/[slug]').get((request, { params }) => params.slug)`,
      app: `import { router as over } from 'byway'\nconst app = over({ item })`,
      routes: `import { route as to } from 'byway'\nconst routes = { item: to('/items/[slug]').get(() => 1) }`,
      photos: `declare const photos: { [method: string]: (...args: unknown[]) => Promise<{ slug: string }> }`,
      log: `declare const log: { error(error: unknown): void }`,
      ...Object.fromEntries(
        ['data', 'headers', 'blob', 'to', 'fromTheUser', 'etag', 'pieces', 'items', 'events', 'url', 'signal'].map(
          (name) => [
            name,
            `declare const ${name}: ${{ headers: 'Headers', blob: 'Blob', to: 'string', fromTheUser: 'string', etag: 'string', pieces: 'string[]', items: 'number[]', events: '{ data: string }[]', url: 'string', signal: 'AbortSignal' }[name] ?? 'object'}`,
          ],
        ),
      ),
      request: `declare const request: Request`,
    }
    const parts = snippets.flatMap(({ language, page, text, file }, index) =>
      language === 'ts' && page !== quickStart
        ? [{ name: `${page.replace(/\W/g, '-')}/${file ?? `snippet-${index}.ts`}`, text, used: new Set<string>() }]
        : [],
    )
    // Guides call the app of the README.
    const app = parts.find(({ name }) => name === 'README-md/app.ts')!
    const callers = parts.filter(({ text }) => text.includes("'./app.js'")).map(({ name }) => `${dirname(name)}/app.ts`)
    for (const name of new Set(callers))
      if (!parts.some((part) => part.name === name)) parts.push({ name, text: app.text, used: new Set() })
    for (const { name } of parts) await mkdir(join(folder, dirname(name)), { recursive: true })
    // What a snippet takes for granted is what the compiler does not find, as long as it is given here.
    let mistakes: Mistake[]
    do {
      for (const { name, text, used } of parts)
        await writeFile(
          join(folder, name),
          `${Object.keys(given)
            .filter((word) => used.has(word))
            .map((word) => given[word])
            .join('\n')}\n${text}\nexport {}\n`,
        )
      mistakes = compile(
        folder,
        parts.map(({ name }) => name),
      )
    } while (
      parts.filter(({ name, used }) => {
        const missing = mistakes.flatMap(({ file, missing }) =>
          file === name && missing && given[missing] && !used.has(missing) ? missing : [],
        )
        for (const word of missing) used.add(word)
        return missing.length > 0
      }).length > 0
    )
    expect(mistakes).toEqual([])
  })
})

describe('the guides', () => {
  it('have a page for each middleware', async () => {
    const names = ['middleware', 'jwt', 'otel', 'static'].map((entry) => import(join(root, `dist/${entry}/index.js`)))
    const all = (await Promise.all(names)).flatMap((module) => Object.keys(module as object))
    const text = pages
      .filter((page) => page.startsWith('docs/middleware/'))
      .map((page) => readFileSync(join(root, page), 'utf8'))
    const helpers = ['notesOf', 'toFollow']
    expect(all.filter((name) => !helpers.includes(name) && !text.some((one) => one.includes(`${name}(`)))).toEqual([])
  })
})

describe('the quick start', () => {
  const path = snippets.filter(({ page }) => page === quickStart)
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
    const section = readFileSync(join(root, quickStart), 'utf8')
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

  it('has commands that do what they say', async () => {
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
