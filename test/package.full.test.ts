import { execFile } from 'node:child_process'
import {
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
import { dirname, join, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { build as buildWithEsbuild, transform } from 'esbuild'
import { build as buildWithVite } from 'vite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { binaries, freePort, isMissing, modules, oldestDate, start, writeWorkerdConfig } from './runtimes/hosts.js'

// The packed package, installed without network: `npm run build` first. `npm ci --prefix test/runtimes` installs the hosts,
// Rollup and webpack.
const root = fileURLToPath(new URL('..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'byway-package-'))
const installed = join(folder, 'node_modules/byway')
const run = promisify(execFile)
const readJson = (file: string): any => JSON.parse(readFileSync(file, 'utf8'))
const manifest = readJson(join(root, 'package.json'))
const entries = Object.entries(manifest.exports as Record<string, string>)
  .filter(([, target]) => target.endsWith('.js'))
  .map(([name, target]) => ({ name: `byway${name.slice(1)}`, target }))
/** Entries that need neither Node.js nor WebAssembly, which `test/og.full.test.ts` bundles. */
const others = ['byway/node', 'byway/static', 'byway/og']
const portable = entries.map(({ name }) => name).filter((name) => !others.includes(name))
const budgets = readJson(join(root, 'bench/size/budgets.json')) as Record<string, { budget: number }>

beforeAll(async () => {
  mkdirSync(join(folder, 'node_modules'))
  await run('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], { cwd: root })
  const [tarball] = readdirSync(folder).filter((name) => name.endsWith('.tgz'))
  await run('tar', ['-xzf', tarball!], { cwd: folder })
  await run('mv', ['package', installed], { cwd: folder })
  const peers = Object.keys(manifest.peerDependencies)
  for (const name of [...Object.keys(manifest.dependencies), ...peers, '@types/node', 'undici-types']) {
    const link = join(folder, 'node_modules', name)
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(join(root, 'node_modules', name), link)
  }
  write('package.json', '{ "type": "module" }')
  write('app.js', app)
  write(
    'node.js',
    "import app from './app.js'\nimport { serve } from 'byway/node'\nserve(app, { port: Number(process.env.PORT) })\n",
  )
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function write(name: string, text: string): string {
  const file = join(folder, name)
  writeFileSync(file, text)
  return file
}

// The header says whether byway's Response is the lazy class of Node.js.
// Node.js parses the form with a package that is loaded with the first one.
const app = `
import { form, route, router } from 'byway'
import { withHeaders } from 'byway/reply'
import { z } from 'zod'

const hello = route('/hello/[name]')
  .get((request, { params }) => ({ hello: params.name }))
  .post({ body: z.object({ count: z.number() }) }, (request, { params, body }) => ({ ...params, next: body.count + 1 }))

const upload = route('/upload')
  .post({ body: form(z.object({ file: z.file() })) }, async (request, { body: { file } }) => [file.name, await file.text()])

export default router({ hello, upload }, {
  use: [async (request, context, next) => {
    const response = await next()
    return withHeaders(response, [['x-lazy', String('_toNodeResponse' in response)]])
  }],
})
`

/** Starts a host, and checks its responses to the app's requests. */
async function expectResponses(
  isLazy: boolean,
  binary: string,
  args: (port: number) => readonly string[],
): Promise<void> {
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  const child = await start(binary, args(port), origin, { PORT: String(port) })
  try {
    const post = (body: unknown): Promise<Response> =>
      fetch(`${origin}/hello/a%20b`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
    const created = await post({ count: 1 })
    expect([created.status, created.headers.get('x-lazy'), await created.json()]).toEqual([
      200,
      String(isLazy),
      { name: 'a b', next: 2 },
    ])
    expect((await post({ count: '1' })).status).toBe(400)
    expect(await (await fetch(`${origin}/hello/b`)).json()).toEqual({ hello: 'b' })
    const form = new FormData()
    form.set('file', new File(['a\r\nb'], 'a b.txt'))
    expect(await (await fetch(`${origin}/upload`, { method: 'POST', body: form })).json()).toEqual([
      'a b.txt',
      'a\r\nb',
    ])
  } finally {
    child.kill('SIGKILL')
  }
}

describe('the tarball', () => {
  const list = (): string[] =>
    (
      readdirSync(installed, { recursive: true, withFileTypes: true }) as {
        isFile(): boolean
        parentPath: string
        name: string
      }[]
    )
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => relative(installed, join(parentPath, name)))

  it('contains the sources only in the source maps', () => {
    const files = list()
    expect(files.filter((file) => !file.startsWith('dist/'))).toEqual(
      expect.arrayContaining(['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json']),
    )
    expect(files.filter((file) => /^src\/|\.d\.ts\.map$|(?<!\.d)\.ts$/.test(file))).toEqual([])
    for (const file of files.filter((file) => file.endsWith('.map'))) {
      const { sources, sourcesContent } = readJson(join(installed, file))
      expect([file, sourcesContent?.length, sourcesContent?.every(Boolean)]).toEqual([file, sources.length, true])
    }
  })

  it('contains no file that no entry uses', () => {
    const { exports, imports, bin } = manifest
    const used = new Set<string>()
    const add = (file: string): void => {
      if (used.has(file) || !existsSync(join(installed, file))) return
      used.add(file)
      if (file.endsWith('.js')) add(`${file}.map`)
      if (!/\.(?:js|ts)$/.test(file)) return
      const text = readFileSync(join(installed, file), 'utf8')
      // Imports, exports, `import()` and `new URL()` are the only file references in the built code.
      for (const [, specifier] of text.matchAll(/(?:\bfrom|\bimport|\bimport\(|\bURL\()\s*["'](\.[^"'\n]*)["']/g)) {
        const target = join(dirname(file), specifier!)
        if (target.endsWith('/')) for (const name of readdirSync(join(installed, target))) add(join(target, name))
        else add(file.endsWith('.ts') ? target.replace(/\.js$/, '.d.ts') : target)
      }
    }
    const built = (targets: object): string[] =>
      Object.values<string>(targets as never).filter((target) => target.startsWith('./dist/'))
    const typed = [...built(exports), ...Object.values<object>(imports).flatMap(built)]
    for (const target of [...typed, ...Object.values<string>(bin)]) add(join(target))
    for (const target of typed) add(join(target.replace(/\.js$/, '.d.ts')))
    // The pages are for assistants: test/docs.test.ts.
    const isCode = (file: string): boolean => file.startsWith('dist/') && !file.startsWith('dist/docs/')
    expect(list().filter((file) => isCode(file) && !used.has(file))).toEqual([])
  })

  it('contains a byway command that runs', async () => {
    const byway = (...args: string[]): Promise<{ stdout: string }> =>
      run(process.execPath, [join(installed, manifest.bin.byway), ...args], { cwd: folder })
    expect((await byway('routes', 'app.js')).stdout).toContain('/hello/[name]')
    write(
      'typed.ts',
      app.replace('async (request, context, next)', 'async (request: Request, context: object, next: any)'),
    )
    expect((await byway('client', 'typed.ts')).stdout).toContain("'/hello/[name]'")
  })
})

describe('the types', () => {
  const consumer = [
    ...entries.map(({ name }, index) => `import * as entry${index} from '${name}'`),
    "import { route, router } from 'byway'",
    "import { createClient } from 'byway/client'",
    "const app = router({ it: route('/it/[id]').get((_request, { params }) => ({ id: params.id })) })",
    "const { data } = await createClient<typeof app>({ fetch: app.fetch })('/it/[id]').get({ params: { id: 'a' } })",
    'export const id: string = data.id',
    `export const all: object[] = [${entries.map((_, index) => `entry${index}`).join()}]`,
  ]
  const compile = async (
    compiler: string,
    name: string,
    lines: readonly string[],
    options: object,
  ): Promise<string> => {
    write(`${name}.ts`, lines.join('\n'))
    const config = {
      compilerOptions: { strict: true, noEmit: true, target: 'es2022', ...options },
      files: [`${name}.ts`],
    }
    write(`${name}.json`, JSON.stringify(config))
    const args = [join(root, 'node_modules', compiler), '-p', join(folder, `${name}.json`)]
    const { stdout } = await run(process.execPath, args).catch((error: { stdout: string }) => error)
    return stdout
  }

  it.each([
    ['@typescript/native/bin/tsc', 'nodenext'],
    ['@typescript/native/bin/tsc', 'bundler'],
    ['typescript-5/bin/tsc', 'nodenext'],
    ['typescript-5/bin/tsc', 'bundler'],
  ])('of every entry resolve with %s and moduleResolution %s', async (compiler, moduleResolution) => {
    const module = moduleResolution === 'bundler' ? 'esnext' : moduleResolution
    const name = `consumer-${moduleResolution}`
    expect(await compile(compiler, name, consumer, { module, moduleResolution, types: ['node'] })).toBe('')
  })

  it('of the portable entries need no types of Node.js', async () => {
    const lines = consumer.filter((line) => !/'byway\/(?:node|static)'/.test(line))
    const last = `export const all: object[] = [${entries.flatMap(({ name }, index) => (portable.includes(name) ? [`entry${index}`] : [])).join()}]`
    const options = {
      module: 'esnext',
      moduleResolution: 'bundler',
      types: [],
      lib: ['es2023', 'dom', 'dom.iterable', 'dom.asynciterable'],
    }
    expect(await compile('@typescript/native/bin/tsc', 'portable', [...lines.slice(0, -1), last], options)).toBe('')
  })
})

describe('on each host', () => {
  const program = `
const names = {}
for (const entry of ${JSON.stringify(entries.map(({ name }) => name))}) names[entry] = Object.keys(await import(entry)).sort()
console.log(JSON.stringify(names))
`
  const hosts = {
    Node: { args: [], serve: () => ['node.js'] },
    'Node 22': { args: [], serve: () => ['node.js'] },
    'Node 24': { args: [], serve: () => ['node.js'] },
    Bun: { args: [], serve: (port: number) => ['run', '--port', String(port), 'app.js'] },
    Deno: {
      args: ['run', '--node-modules-dir=manual', '-A'],
      serve: (port: number) => [
        'serve',
        '--node-modules-dir=manual',
        '-A',
        '--host',
        '127.0.0.1',
        '--port',
        String(port),
        'app.js',
      ],
    },
  }
  const names = Object.keys(hosts) as (keyof typeof hosts)[]

  it.each(names)('%s imports every entry', async (name) => {
    if (isMissing(name)) return
    const expected: Record<string, string[]> = {}
    for (const { name, target } of entries) {
      const source = join(root, target.replace('dist', 'src').replace(/\.js$/, '.ts'))
      expected[name] = Object.keys(await import(/* @vite-ignore */ source)).sort()
    }
    const { stdout } = await run(binaries[name], [...hosts[name].args, write('entries.js', program)], { cwd: folder })
    expect(JSON.parse(stdout)).toEqual(expected)
  })

  it.each(names)('%s responds to a JSON POST and to a form with a file', async (name) => {
    if (isMissing(name)) return
    await expectResponses(name.startsWith('Node'), binaries[name], (port) =>
      hosts[name].serve(port).map((argument) => (/^\w+\.js$/.test(argument) ? join(folder, argument) : argument)),
    )
  })
})

// ── bundlers ──

/** Conditions in the order of preference of a bundle for Node.js, for Workers, or for anything. */
type Target = 'node' | 'workerd' | 'neutral'
const conditionsOf: Record<Target, readonly string[]> = {
  node: ['node'],
  workerd: ['workerd', 'worker', 'browser'],
  neutral: [],
}
interface Bundle {
  readonly entry: string
  readonly outfile: string
  readonly target: Target
  readonly external?: readonly string[]
}

const isBuiltin = (id: string): boolean => id.startsWith('node:')
const load = (path: string): Promise<any> => import(/* @vite-ignore */ pathToFileURL(join(modules, path)).href)

const bundlers: Record<string, (bundle: Bundle) => Promise<unknown>> = {
  esbuild: ({ entry, outfile, target, external = [] }) =>
    buildWithEsbuild({
      entryPoints: [entry],
      outfile,
      bundle: true,
      format: 'esm',
      target: 'es2022',
      platform: target === 'node' ? 'node' : 'neutral',
      conditions: [...conditionsOf[target]],
      mainFields: ['module', 'main'],
      external: ['node:*', ...external],
      logLevel: 'error',
    }),
  async Rollup({ entry, outfile, target, external = [] }) {
    const { rollup } = await load('rollup/dist/es/rollup.js')
    const { nodeResolve } = await load('@rollup/plugin-node-resolve/dist/es/index.js')
    const { default: commonjs } = await load('@rollup/plugin-commonjs/dist/es/index.js')
    const bundle = await rollup({
      input: entry,
      external: (id: string) => isBuiltin(id) || external.includes(id),
      plugins: [nodeResolve({ exportConditions: [...conditionsOf[target]] }), commonjs()],
      onwarn: () => {},
    })
    await bundle.write({ file: outfile, format: 'es', inlineDynamicImports: true })
  },
  async webpack({ entry, outfile, target, external = [] }) {
    const { default: webpack } = await load('webpack/lib/index.js')
    const compiler = webpack({
      mode: 'production',
      context: folder,
      entry,
      target: target === 'node' ? 'node20' : 'webworker',
      resolve: { conditionNames: [...conditionsOf[target], 'import', 'module', 'default'] },
      externals: Object.fromEntries(external.map((name) => [name, `module ${name}`])),
      experiments: { outputModule: true },
      optimization: { minimize: false },
      output: {
        path: dirname(outfile),
        filename: relative(dirname(outfile), outfile),
        library: { type: 'module' },
        chunkFormat: 'module',
      },
    })
    const stats: any = await promisify(compiler.run.bind(compiler))()
    if (stats.hasErrors()) throw new Error(stats.toString({ all: false, errors: true }))
  },
  Vite: ({ entry, outfile, target, external = [] }) =>
    buildWithVite({
      configFile: false,
      root: folder,
      logLevel: 'error',
      ssr: {
        noExternal: true,
        external: [...external],
        target: target === 'node' ? 'node' : 'webworker',
        resolve: { conditions: [...conditionsOf[target], 'module'], externalConditions: [] },
      },
      build: {
        ssr: entry,
        target: 'es2022',
        minify: false,
        emptyOutDir: false,
        outDir: dirname(outfile),
        rollupOptions: { output: { entryFileNames: relative(dirname(outfile), outfile) } },
      },
    }),
}

async function bundle(
  name: string,
  options: Omit<Bundle, 'outfile'>,
): Promise<{ file: string; text: string; bytes: number }> {
  const out = join(folder, 'out')
  mkdirSync(out, { recursive: true })
  const file = join(
    out,
    `${name}-${options.target}-${options.entry
      .split('/')
      .at(-1)!
      .replace(/\.\w+$/, '')}.mjs`,
  )
  await bundlers[name]!({ ...options, outfile: file })
  const text = readFileSync(file, 'utf8')
  // Minified by one tool, because the bundlers differ in tree shaking and minification.
  const { code } = await transform(text, { minify: true, format: 'esm', target: 'es2022', treeShaking: false })
  return { file, text, bytes: gzipSync(code, { level: 9 }).length }
}

// Rollup and webpack are in test/runtimes.
const isBundlerMissing = (name: string): boolean => {
  const isMissing = /rollup|webpack/i.test(name) && !existsSync(join(modules, name.toLowerCase())) && !process.env['CI']
  if (isMissing) console.warn(`${name} is not installed: npm ci --prefix test/runtimes`)
  return isMissing
}

describe.each(Object.keys(bundlers))('bundled by %s', (name) => {
  it('responds on Node.js, with the lazy Response', async () => {
    if (isBundlerMissing(name)) return
    const { file } = await bundle(name, { entry: join(folder, 'node.js'), target: 'node' })
    await expectResponses(true, process.execPath, () => [file])
  })

  it('responds on workerd with the oldest compatibility date, with native Responses', async () => {
    if (isBundlerMissing(name) || isMissing('workerd')) return
    const { file, text } = await bundle(name, { entry: join(folder, 'app.js'), target: 'workerd' })
    expect(text).not.toContain('_toNodeResponse()')
    await expectResponses(false, binaries.workerd, (port) => [
      'serve',
      writeWorkerdConfig(dirname(file), relative(dirname(file), file), port, oldestDate),
    ])
  })

  it('includes only the code that the app imports', async () => {
    if (isBundlerMissing(name)) return
    const bytesOf = async (entry: string, source: string): Promise<number> =>
      (await bundle(name, { entry: write(entry, source), target: 'neutral', external: ['zod', 'node:async_hooks'] }))
        .bytes
    expect(await bytesOf('nothing.js', portable.map((entry) => `import '${entry}'`).join('\n'))).toBeLessThan(300)
    // bench/size checks the budget. A bundler that keeps unused code is far above it.
    const hello = readFileSync(join(root, 'bench/size/apps/byway/hello.js'), 'utf8')
    expect(await bytesOf('hello.js', hello)).toBeLessThan(1.5 * budgets['hello']!.budget)
    const href = "import { href } from 'byway'\nexport default href('/items/[slug]', { slug: 'a' })"
    expect(await bytesOf('href.js', href)).toBeLessThan(0.25 * budgets['hello']!.budget)
    const cors = "import { cors } from 'byway/middleware'\nexport default cors({ origin: '*' })"
    expect(await bytesOf('cors.js', cors)).toBeLessThan(0.25 * budgets['hello']!.budget)
  })
})

describe('at import', () => {
  const everything = `
${portable.map((entry, index) => `import * as entry${index} from '${entry}'`).join('\n')}
const names = [${portable.map((_, index) => `Object.keys(entry${index}).length`).join()}]
export default { fetch: () => Response.json(names) }
`

  it('every portable entry runs only operations that workerd allows, with the oldest compatibility date', async () => {
    if (isMissing('workerd')) return
    const { file } = await bundle('esbuild', { entry: write('everything.js', everything), target: 'workerd' })
    const startWith = async (module: string): Promise<readonly number[]> => {
      const port = await freePort()
      const origin = `http://127.0.0.1:${port}`
      const config = writeWorkerdConfig(join(folder, 'out'), module, port, oldestDate)
      const child = await start(binaries.workerd, ['serve', config], origin)
      const names: unknown = await (await fetch(origin)).json()
      child.kill('SIGKILL')
      return names as number[]
    }
    expect(await startWith(relative(join(folder, 'out'), file))).toSatisfy((names: readonly number[]) =>
      names.every((count, index) => count > 0 || portable[index] === 'byway/types'),
    )
    writeFileSync(join(folder, 'out/random.mjs'), `crypto.randomUUID()\n${readFileSync(file, 'utf8')}`)
    await expect(startWith('random.mjs')).rejects.toThrow('Disallowed operation called within global scope')
  })

  // Other versions of workerd forbid more.
  it('no portable entry creates a controller, a timer, a random value or a request', async () => {
    const { file } = await bundle('esbuild', { entry: write('everything.js', everything), target: 'workerd' })
    const forbid = `
const forbidden = []
const forbid = (owner, name) => {
  const own = owner[name]
  owner[name] = new Proxy(own, {
    apply: (...call) => (forbidden.push(name), Reflect.apply(...call)),
    construct: (...call) => (forbidden.push(name), Reflect.construct(...call)),
  })
}
for (const name of ['AbortController', 'fetch', 'setTimeout', 'setInterval', 'queueMicrotask', 'WebSocket', 'Request'])
  if (globalThis[name]) forbid(globalThis, name)
for (const name of ['any', 'abort', 'timeout']) forbid(AbortSignal, name)
for (const name of ['randomUUID', 'getRandomValues']) forbid(Crypto.prototype, name)
for (const name of ['digest', 'generateKey', 'importKey', 'sign']) forbid(SubtleCrypto.prototype, name)
forbid(Math, 'random')
await import(${JSON.stringify(pathToFileURL(file).href)})
console.log(JSON.stringify(forbidden))
`
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', forbid])
    expect(JSON.parse(stdout)).toEqual([])
  })
})
