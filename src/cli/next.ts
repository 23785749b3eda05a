import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import type { Command } from 'commander'
import { toPattern } from '../next/from-next-app.js'
import { CommandError } from './command-error.js'
import { writeResult } from './output.js'

/** A file of a Next.js `app` folder that fromNextApp() can mount, or the reason why not. */
export interface NextFile {
  /** Relative to the folder, with `/`. */
  readonly file: string
  /** The pattern of a `route` file; `null` for special files such as `sitemap`, which have their own. */
  readonly pattern: string | null
  readonly problem: string | null
}

const routeFile = /^route\.[cm]?[jt]sx?$/
const specialFile = /^(?:sitemap|robots|manifest|(?:icon|apple-icon|opengraph-image|twitter-image)\d*)\.[cm]?[jt]sx?$/

/** Finds the files of a folder that handle requests. Pages and layouts are left out. */
export function findNextFiles(folder: string): NextFile[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter(
      (path) => !path.split('/').includes('node_modules') && !path.split('/').some((part) => part.startsWith('_')),
    )
    .filter((path) => routeFile.test(path.split('/').at(-1)!) || specialFile.test(path.split('/').at(-1)!))
    .filter((path) => statSync(join(folder, path)).isFile())
    .sort()
    .map((file) => check(folder, file))
}

function check(folder: string, file: string): NextFile {
  const name = file.split('/').at(-1)!
  const isRoute = routeFile.test(name)
  const text = readFileSync(join(folder, file), 'utf8')
  let pattern: string | null = null
  let problem = problemOf(text, isRoute)
  try {
    const own = toPattern(dirname(file) === '.' ? '' : dirname(file)) || '/'
    if (isRoute) pattern = own
  } catch (error) {
    problem ??= (error as Error).message
  }
  return { file, pattern, problem }
}

const methods = 'GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS'

const withoutComments = (text: string): string => text.replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, '')

/** Whether a module has the directive `'use cache'`, which only Next.js's compiler can obey. */
export const hasCacheDirective = (text: string): boolean =>
  /^\s*(['"])use cache(?:: \w+)?\1[ \t]*(?:;|$)/m.test(withoutComments(text))

export const cacheDirective =
  "has the directive 'use cache', which needs Next.js's compiler; use unstable_cache() or export revalidate"

/** Why a module cannot be mounted, as far as its text tells; mounting it tells the rest. */
function problemOf(given: string, isRoute: boolean): string | null {
  const text = withoutComments(given)
  if (hasCacheDirective(given)) return cacheDirective
  if (!isRoute) return /\bexport\s+default\b|\bas\s+default\b/.test(text) ? null : 'has no default export'
  const declares = (names: string): boolean =>
    new RegExp(
      `\\bexport\\s+(?:async\\s+)?(?:function|const|let|var)\\s+(?:${names})\\b|\\bexport\\s*(?:const\\s*)?\\{[^}]*\\b(?:${names})\\b[^}]*\\}|\\bexport\\s*\\*\\s*from`,
    ).test(text)
  if (declares(methods)) return null
  return declares(methods.toLowerCase())
    ? 'exports a method in lower case; Next.js reads GET, POST, PUT, PATCH, DELETE, HEAD and OPTIONS'
    : 'exports no method; export functions named GET, POST, PUT, PATCH or DELETE'
}

/** The manifest: a module whose default export is the argument of fromNextApp(). */
export function toManifest(folder: string, files: readonly NextFile[], output: string | undefined): string {
  const base = output === undefined ? process.cwd() : dirname(resolve(output))
  const imports = files.map(({ file }, index) => {
    const path = relative(base, join(folder, file)).replaceAll('\\', '/')
    const specifier = (path[0] === '.' ? path : `./${path}`).replace(/\.tsx?$/, '.js').replace(/\.([cm])ts$/, '.$1js')
    return `import * as file${index} from ${JSON.stringify(specifier)}`
  })
  const entries = files.map(
    ({ file, pattern }, index) => `  ${JSON.stringify(pattern ?? `app/${file}`)}: file${index},`,
  )
  return ['// Written by `byway next`.', ...imports, '', 'export default {', ...entries, '}', ''].join('\n')
}

export function addNext(program: Command): void {
  program
    .command('next')
    .summary('write the manifest of a Next.js app folder')
    .description(
      "Writes a module with the route handlers of a Next.js 'app' folder, for fromNextApp() of byway/next. Reports each file that cannot be " +
        'mounted, and exits with 1 if there is one.',
    )
    .argument('[folder]', "the 'app' folder (default: app or src/app)")
    .option('--json', 'print the files, their patterns and problems as JSON')
    .option('-o, --output <file>', 'the file to write, instead of stdout')
    .action(async (given: string | undefined, { json, output }: { json?: boolean; output?: string }) => {
      const folder = given ?? ['app', 'src/app'].find((path) => existsSync(path))
      if (folder === undefined || !existsSync(folder) || !statSync(folder).isDirectory())
        throw new CommandError(
          given === undefined ? 'there is no folder app or src/app; name one' : `${given} is not a folder`,
        )
      const files = findNextFiles(folder)
      const wrong = files.filter(({ problem }) => problem !== null)
      const right = files.filter(({ problem }) => problem === null)
      if (!files.length) throw new CommandError(`${folder} has no route handlers; they are in files named route.ts`)
      await writeResult(
        json ? `${JSON.stringify(files, undefined, 2)}\n` : toManifest(resolve(folder), right, output),
        output,
      )
      if (wrong.length)
        throw new CommandError(
          [
            `${wrong.length} of ${files.length} files cannot be mounted`,
            ...wrong.map(({ file, problem }) => `  ${join(folder, file)} ${problem}`),
          ].join('\n'),
        )
    })
}
