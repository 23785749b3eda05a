import { existsSync, statSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import type { App } from '../app.js'
import { dataOf, type Router } from '../router.js'
import { CommandError } from './command-error.js'
import { createLoader, type Loader } from './loader.js'
import { cleanError } from './source.js'

/** The app of a command. */
export interface LoadedApp {
  /** The absolute path of its file. */
  readonly file: string
  readonly exportName: string
  readonly app: Router<unknown>
  readonly data: App
  readonly loader: Loader
}

// The files to try, in this order, if no file is given.
const defaultFiles = ['app.ts', 'app.js', 'src/app.ts', 'src/app.js', 'index.ts', 'src/index.ts']

/** Returns the absolute path of the app's file. @throws CommandError if it does not exist. */
export function findAppFile(given: string | undefined): string {
  const tried = given === undefined ? defaultFiles : [given]
  const found = tried.map((path) => resolve(path)).find((path) => existsSync(path) && statSync(path).isFile())
  if (found !== undefined) return found
  throw new CommandError(
    given === undefined
      ? `no file was given, and ${process.cwd()} has none of ${defaultFiles.join(', ')}; pass the app's file`
      : `${given} does not exist or is not a file; pass the app's file (tried ${resolve(given)})`,
  )
}

/**
 * Loads an app's module, which can be TypeScript, and returns its router: the export `exportName`, else the default export,
 * else the only router among the exports.
 *
 * @throws CommandError if the module cannot be loaded or the router is missing.
 */
export async function loadApp(
  given: string | undefined,
  exportName?: string,
  loader: Loader = createLoader(findAppFile(given)),
): Promise<LoadedApp> {
  const file = findAppFile(given)
  const name = relative(process.cwd(), file)
  ;(globalThis as { [recordStacks]?: boolean })[recordStacks] = true
  process.setSourceMapsEnabled(true)
  let module: Record<string, unknown>
  try {
    module = await loader.load(file)
  } catch (error) {
    cleanError(error)
    throw new CommandError(`${name} could not be loaded\n\n${toText(error)}`, { cause: error })
  }
  const routers = Object.keys(module).filter((key) => dataOf(module[key]))
  const chosen = exportName ?? (routers.includes('default') || routers.length !== 1 ? 'default' : routers[0]!)
  const app = module[chosen]
  const data = dataOf(app)
  if (data) return { file, exportName: chosen, app: app as Router<unknown>, data, loader }
  const found = Object.keys(module).map((key) => `${key} (${kindOf(module[key])})`)
  throw new CommandError(
    `${name} has no router as its ${chosen === 'default' ? 'default export' : `export '${chosen}'`}; ` +
      (routers.length ? `choose one with --export: ${routers.join(', ')}` : 'add: export default router({ … })') +
      (found.length ? `\n\nit exports ${found.join(', ')}` : '\n\nit exports nothing'),
  )
}

// Makes routes record where they are declared.
const recordStacks: unique symbol = Symbol.for('byway.stacks') as never

const kindOf = (value: unknown): string =>
  typeof value === 'object' && value !== null && 'pattern' in value ? 'a route' : value === null ? 'null' : typeof value

// Errors of byway's declarations need no stack. The stack of other errors shows their position.
function toText(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return /^(?:Pattern|Route|Router|Codegen)Error$/.test(error.name)
    ? `${error.name}: ${error.message}`
    : (error.stack ?? String(error))
}
