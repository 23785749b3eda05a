import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Command } from 'commander'
import { CommandError } from './command-error.js'
import { loadApp, type LoadedApp } from './load-app.js'
import { groupRoutes, toEntry, toFunctionConfig, toRoutes } from './vercel-output.js'
import { writePages } from './vercel-pages.js'

export function addBuild(program: Command): void {
  program
    .command('build')
    .summary('build an app for a platform')
    .description(
      "Writes the folder that a platform deploys. 'vercel' is the Build Output API: a function for each combination of deploy() " +
        'options, and the routes to them. Needs the package esbuild.',
    )
    .argument('[file]', 'the module whose default export is the router')
    .requiredOption('--target <platform>', "the platform: 'vercel'")
    .option('--export <name>', 'the export that is the router')
    .option(
      '--static',
      'also write files for cached GET routes with revalidate: false, which no invalidation and no middleware reaches',
    )
    .option('--base-url <url>', "the app's URL in production, for the requests of --static", 'http://localhost:3000')
    .option('-o, --out-dir <folder>', 'the folder to write; an earlier build in it is replaced', '.vercel/output')
    .action(
      async (
        file: string | undefined,
        options: { target: string; export?: string; static?: boolean; baseUrl: string; outDir: string },
      ) => {
        const { target, baseUrl, outDir } = options
        if (target !== 'vercel') throw new CommandError(`--target must be vercel, not ${target}`)
        if (!URL.canParse(baseUrl))
          throw new CommandError(`--base-url must be a URL such as https://api.example, not ${baseUrl}`)
        const loaded = await loadApp(file, options.export)
        await buildForVercel(loaded, resolve(outDir), { baseUrl, isStatic: !!options.static })
        await loaded.app.settled()
      },
    )
}

interface BuildOptions {
  readonly baseUrl: string
  readonly isStatic: boolean
}

async function buildForVercel(loaded: LoadedApp, out: string, { baseUrl, isStatic }: BuildOptions): Promise<void> {
  const bundle = await loadBundler(loaded.file)
  const functions = groupRoutes(loaded.data)
  await checkOutput(out)
  // The previous build stays until this one is complete.
  const folder = `${out}-${process.pid}`
  let count = 0
  try {
    const pages = isStatic ? await writePages(loaded, join(folder, 'static'), baseUrl) : {}
    for (const { name, options } of functions) {
      const place = join(folder, 'functions', `${name}.func`)
      await mkdir(place, { recursive: true })
      await bundle(loaded, join(place, toEntry(options)), options.runtime === 'edge')
      await writeJson(join(place, '.vc-config.json'), toFunctionConfig(options))
    }
    count = Object.keys(pages).length
    const hasPages = count > 0
    const routes = toRoutes(functions, loaded.data.basePath, hasPages)
    await writeJson(join(folder, 'config.json'), { version: 3, routes, ...(hasPages && { overrides: pages }) })
    await rm(out, { recursive: true, force: true })
    await rename(folder, out)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  const place = relative(process.cwd(), out)
  for (const { name, options, patterns } of functions)
    process.stderr.write(
      `${place}/functions/${name}.func: ${[options.runtime ?? 'nodejs', ...(options.regions ?? [])].join(' ')}, ${patterns.length} routes\n`,
    )
  if (isStatic) process.stderr.write(`${place}/static: ${count} files\n`)
}

/** @throws CommandError if the folder has anything but an earlier build, because it is replaced. */
async function checkOutput(out: string): Promise<void> {
  const files = await readdir(out).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENOENT') return []
    throw new CommandError(`--out-dir must be a folder, and ${out} is not`, { cause: error })
  })
  if (!files.length) return
  const other = files.find((file) => !['config.json', 'functions', 'static'].includes(file))
  const config = await readFile(join(out, 'config.json'), 'utf8').catch(() => '')
  if (other === undefined && /^\{\s*"version": 3,\s*"routes": \[/.test(config)) return
  throw new CommandError(
    `--out-dir is replaced, but ${out} is not an earlier build: it has ${other ?? files[0]}; choose another folder`,
  )
}

type Bundle = (loaded: LoadedApp, file: string, isEdge: boolean) => Promise<void>

interface Esbuild {
  build(options: object): Promise<unknown>
}

// The app's own, because a command should not install a bundler for apps that do not build.
async function loadBundler(file: string): Promise<Bundle> {
  let esbuild: Esbuild
  try {
    const path = createRequire(file).resolve('esbuild')
    const module = (await import(pathToFileURL(path).href)) as { default?: Esbuild } & Esbuild
    esbuild = module.default ?? module
  } catch {
    throw new CommandError('byway build needs the package esbuild; install it: npm install --save-dev esbuild')
  }
  return async ({ file, exportName }, outfile, isEdge) => {
    const app = `import { ${exportName} as app } from ${JSON.stringify(`./${relative(dirname(file), file).replaceAll('\\', '/')}`)}`
    const handler = isEdge
      ? 'export default (request, context) => app.fetch(request, context)'
      : "import { toNodeHandler } from 'byway/node'\nexport default toNodeHandler(app, { trustProxy: 1 })"
    await esbuild
      .build({
        stdin: { contents: `${app}\n${handler}`, resolveDir: dirname(file), sourcefile: 'function.ts', loader: 'ts' },
        outfile,
        bundle: true,
        format: 'esm',
        target: 'es2022',
        platform: isEdge ? 'neutral' : 'node',
        conditions: isEdge ? ['edge-light', 'import', 'module'] : ['node', 'import', 'module'],
        ...(isEdge && { mainFields: ['module', 'main'] }),
        // A CommonJS package in the bundle can call these.
        ...(!isEdge && {
          banner: {
            js: "import { createRequire as byway_createRequire } from 'node:module'; const require = byway_createRequire(import.meta.url)",
          },
        }),
        logLevel: 'silent',
      })
      .catch((error: unknown) => {
        throw new CommandError(`the function could not be bundled\n\n${(error as Error).message}`, { cause: error })
      })
  }
}

const writeJson = (file: string, value: object): Promise<void> =>
  writeFile(file, `${JSON.stringify(value, undefined, 2)}\n`)
