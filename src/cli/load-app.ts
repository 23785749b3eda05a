import { existsSync, statSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createJiti } from 'jiti'
import type { App } from '../app.js'
import { dataOf, type Router } from '../router.js'
import { CommandError } from './command-error.js'

/** An app that a command was given. */
export interface LoadedApp {
  /** Its file, as an absolute path. */
  readonly file: string
  readonly exportName: string
  readonly app: Router<unknown>
  readonly data: App
}

// Where an app is looked for when none is named.
const usual = ['app.ts', 'app.js', 'src/app.ts', 'src/app.js', 'index.ts', 'src/index.ts']

/** The absolute path of an app's file. @throws CommandError if there is none. */
export function findAppFile(given: string | undefined): string {
  const tried = given === undefined ? usual : [given]
  const found = tried.map((path) => resolve(path)).find((path) => existsSync(path) && statSync(path).isFile())
  if (found !== undefined) return found
  throw new CommandError(
    given === undefined
      ? `no app was named, and none of ${usual.join(', ')} is in ${process.cwd()}; name its file`
      : `${given} is not there, or is no file (looked for ${resolve(given)})`,
  )
}

/**
 * Loads the module that holds an app, TypeScript too, and finds the router in it: its default export, or the only one there
 * is, unless `exportName` names another.
 *
 * @throws CommandError for what cannot be loaded, or holds no router.
 */
export async function loadApp(given: string | undefined, exportName?: string): Promise<LoadedApp> {
  const file = findAppFile(given)
  const name = relative(process.cwd(), file)
  ;(globalThis as { [asked]?: boolean })[asked] = true
  process.setSourceMapsEnabled(true)
  const jiti = createJiti(pathToFileURL(file).href, { interopDefault: false, fsCache: false, sourceMaps: true })
  let module: Record<string, unknown>
  try {
    module = await jiti.import(file)
  } catch (error) {
    throw new CommandError(`${name} could not be loaded\n\n${toText(error)}`, { cause: error })
  }
  const routers = Object.keys(module).filter((key) => dataOf(module[key]))
  const chosen = exportName ?? (routers.includes('default') || routers.length !== 1 ? 'default' : routers[0]!)
  const app = module[chosen]
  const data = dataOf(app)
  if (data) return { file, exportName: chosen, app: app as Router<unknown>, data }
  const found = Object.keys(module).map((key) => `${key} (${kindOf(module[key])})`)
  throw new CommandError(
    `${name} has no router as its ${chosen === 'default' ? 'default export' : `export '${chosen}'`}; ` +
      (routers.length ? `name one by --export: ${routers.join(', ')}` : 'write: export default router({ … })') +
      (found.length ? `\n\nit exports ${found.join(', ')}` : '\n\nit exports nothing'),
  )
}

const asked: unique symbol = Symbol.for('byway.stacks') as never

const kindOf = (value: unknown): string =>
  typeof value === 'object' && value !== null && 'pattern' in value ? 'a route' : value === null ? 'null' : typeof value

// A mistake in a declaration has a message that says all; of another error the place is of use too.
function toText(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return /^(?:Pattern|Route|Router)Error$/.test(error.name)
    ? `${error.name}: ${error.message}`
    : (error.stack ?? String(error))
}
