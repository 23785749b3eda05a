import { mkdir, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Command } from 'commander'
import { cacheOptionsOf } from '../cache/cache-options.js'
import type { RouteData } from '../app.js'
import { prerender, PrerenderError } from '../prerender/prerender.js'
import { deployOf, type DeployOptions } from '../vercel/deploy.js'
import { CommandError } from './command-error.js'
import { loadApp, type LoadedApp } from './load-app.js'

export function addBuild(program: Command): void {
  program
    .command('build')
    .summary('build an app for a platform')
    .description(
      "Writes the folder that a platform deploys. 'vercel' is the Build Output API: a function for each combination of deploy() " +
        'options, the routes to them, and files for cached GET routes that never change. Needs the package esbuild.',
    )
    .argument('[file]', 'the module whose default export is the router')
    .requiredOption('--target <platform>', "the platform: 'vercel'")
    .option('--export <name>', 'the export that is the router')
    .option('--base-url <url>', "the app's URL in production, for prerendered files", 'http://localhost:3000')
    .option('-o, --out-dir <folder>', 'the folder to write; it is replaced', '.vercel/output')
    .action(
      async (
        file: string | undefined,
        { target, export: name, baseUrl, outDir }: { target: string; export?: string; baseUrl: string; outDir: string },
      ) => {
        if (target !== 'vercel') throw new CommandError(`--target must be vercel, not ${target}`)
        const loaded = await loadApp(file, name)
        await buildForVercel(loaded, resolve(outDir), baseUrl)
        await loaded.app.settled()
      },
    )
}

/** A function of the deployment, and the routes that run in it. */
interface Deployed {
  readonly name: string
  readonly options: DeployOptions
  readonly patterns: string[]
}

async function buildForVercel(loaded: LoadedApp, out: string, baseUrl: string): Promise<void> {
  const bundle = await loadBundler(loaded.file)
  const all = groupRoutes(loaded)
  await rm(out, { recursive: true, force: true })
  const overrides = await writePages(loaded, join(out, 'static'), baseUrl)
  for (const { name, options } of all) {
    const folder = join(out, 'functions', `${name}.func`)
    await mkdir(folder, { recursive: true })
    const isEdge = options.runtime === 'edge'
    await bundle(loaded, join(folder, 'index.mjs'), isEdge)
    await writeJson(join(folder, '.vc-config.json'), toConfig(options))
  }
  const [main, ...others] = all
  const { basePath } = loaded.data
  const routes = others
    .flatMap(({ name, patterns }) => patterns.map((pattern) => ({ name, pattern: basePath + pattern })))
    .sort((one, other) => rankOf(one.pattern).localeCompare(rankOf(other.pattern)))
    .map(({ name, pattern }) => ({ src: toSource(pattern), dest: `/${name}` }))
  await writeJson(join(out, 'config.json'), {
    version: 3,
    routes: [{ handle: 'filesystem' }, ...routes, { src: '/.*', dest: `/${main!.name}` }],
    overrides,
  })
  const place = relative(process.cwd(), out)
  for (const { name, options, patterns } of all)
    process.stderr.write(
      `${place}/functions/${name}.func: ${[options.runtime ?? 'nodejs', ...(options.regions ?? [])].join(' ')}, ${patterns.length} routes\n`,
    )
  const pages = Object.keys(overrides).length
  if (pages) process.stderr.write(`${place}/static: ${pages} files\n`)
}

// The function without options handles every other request too, such as those that are a 404. It comes first.
function groupRoutes({ data: { routes, use } }: LoadedApp): Deployed[] {
  const shared = Object.assign({}, ...use.map(deployOf)) as DeployOptions
  const groups = new Map<string, Deployed>()
  const groupOf = (options: DeployOptions): Deployed => {
    const { runtime = 'nodejs', regions, maxDuration } = options
    const key = JSON.stringify([runtime, regions ?? [], maxDuration ?? 0])
    const name = groups.size ? `function-${groups.size}` : 'index'
    return groups.get(key) ?? groups.set(key, { name, options, patterns: [] }).get(key)!
  }
  groupOf(shared)
  for (const { route } of routes) groupOf({ ...shared, ...optionsOf(route) }).patterns.push(route.pattern)
  return [...groups.values()]
}

function optionsOf({ pattern, operations, rest }: RouteData): DeployOptions {
  const all = [...operations.values(), ...(rest ? [rest] : [])].map(
    ({ middleware }) => Object.assign({}, ...middleware.map(deployOf)) as DeployOptions,
  )
  const [first = {}, ...others] = all
  if (others.some((other) => JSON.stringify(other) !== JSON.stringify(first)))
    throw new CommandError(
      `the methods of '${pattern}' have different deploy() options, but one function handles a route; move deploy() before them`,
    )
  return first
}

const toConfig = ({ runtime, regions, maxDuration }: DeployOptions): object =>
  runtime === 'edge'
    ? { runtime: 'edge', entrypoint: 'index.mjs', ...(regions && { regions }) }
    : {
        runtime: 'nodejs22.x',
        handler: 'index.mjs',
        launcherType: 'Nodejs',
        shouldAddHelpers: false,
        supportsResponseStreaming: true,
        ...(regions && { regions }),
        ...(maxDuration !== undefined && { maxDuration }),
      }

/** A pattern as a regular expression of the Build Output API, which matches the whole pathname. */
const toSource = (pattern: string): string =>
  `${pattern
    .split('/')
    .slice(1)
    .map((segment) =>
      segment.startsWith('[[...')
        ? '(?:/.*)?'
        : segment.startsWith('[...')
          ? '/.+'
          : segment.startsWith('[')
            ? '/[^/]+'
            : `/${segment.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}`,
    )
    .join('')}/?`

// Static segments come before params, params before catch-alls.
const rankOf = (pattern: string): string =>
  pattern
    .split('/')
    .map((segment) =>
      segment.startsWith('[[') ? '3' : segment.startsWith('[...') ? '2' : segment.startsWith('[') ? '1' : '0',
    )
    .join('')

/**
 * Writes the responses that never change as files: those of cached GET routes with `revalidate: false`, without tags, query or other
 * methods. The platform serves them without a function, so no invalidation could reach them.
 */
async function writePages({ app, data }: LoadedApp, folder: string, baseUrl: string): Promise<Record<string, object>> {
  const fixed = new Set(
    data.routes.filter(({ route }) => isFixed(route)).map(({ route }) => data.basePath + route.pattern),
  )
  if (!fixed.size) return {}
  const { pages } = await prerender(app, { baseUrl, outDir: folder, onProgress: () => {} }).catch((error: unknown) => {
    throw error instanceof PrerenderError ? new CommandError(error.message, { cause: error }) : error
  })
  const overrides: Record<string, object> = {}
  for (const { pattern, pathname, file, status } of pages) {
    if (!fixed.has(pattern) || status !== 200) {
      await rm(file!)
      continue
    }
    const { headers } = await app.fetch(new Request(new URL(pathname, baseUrl)))
    overrides[relative(folder, file!).replaceAll('\\', '/')] = {
      path: pathname.slice(1),
      contentType: headers.get('content-type') ?? 'application/octet-stream',
    }
  }
  return overrides
}

function isFixed({ operations, rest }: RouteData): boolean {
  const operation = operations.get('GET')
  if (!operation || rest || operations.size > 1 || operation.declaration.query || operation.declaration.headers)
    return false
  const options = operation.middleware.map(cacheOptionsOf).find(Boolean)
  return options?.revalidate === false && !options.tags && !options.key && !options.vary
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
