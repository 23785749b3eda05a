import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { dirname, extname, resolve, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { getTsconfig } from 'get-tsconfig'
import { createJiti, type Jiti, type JitiOptions } from 'jiti'
import { loadTypeScript } from '../codegen/typescript.js'
import { CommandError } from './command-error.js'

/** Loads the modules of an app, which can be TypeScript. */
export interface Loader {
  /** Loads a file as a module. */
  load(file: string): Promise<Record<string, unknown>>
  /** Returns the files outside `node_modules` that have been loaded, that these import, and that configure the loading. */
  files(entry: string): ReadonlySet<string>
}

type CompilerOptions = NonNullable<NonNullable<ReturnType<typeof getTsconfig>>['config']['compilerOptions']>

/**
 * Creates a loader with `paths`, `experimentalDecorators` and the JSX options of the nearest `tsconfig.json` above the app.
 */
export function createLoader(entry: string): Loader {
  const tsconfig = readTsconfig(entry)
  const { compilerOptions = {} } = tsconfig?.config ?? {}
  const jsx = toJsx(compilerOptions)
  const options: JitiOptions = {
    interopDefault: false,
    fsCache: false,
    sourceMaps: true,
    ...(tsconfig && { tsconfigPaths: tsconfig.path }),
    ...(jsx && { jsx, extensions: [...extensions, '.jsx'] }),
  }
  const url = pathToFileURL(entry).href
  const base = createJiti(url, options)
  const jiti: Jiti = createJiti(url, {
    ...options,
    transform(given) {
      const { source, filename = '' } = given
      const plain = compilerOptions.experimentalDecorators ? source : withoutDecorators(source, filename)
      return { code: base.transform({ ...given, source: withTsx(plain, filename) }) }
    },
  })
  return {
    load: (file) => jiti.import<Record<string, unknown>>(file),
    files: (file) => {
      const loaded = Object.keys(jiti.cache).filter((path) => isOwn(path))
      const found = findImports([file, ...loaded], jiti)
      return new Set([...found, ...(tsconfig ? [tsconfig.path] : [])].map((path) => resolve(path)))
    },
  }
}

function readTsconfig(entry: string): ReturnType<typeof getTsconfig> {
  try {
    return getTsconfig(entry)
  } catch (error) {
    throw new CommandError(`the tsconfig.json of ${entry} could not be read: ${(error as Error).message}`, {
      cause: error,
    })
  }
}

const extensions = ['.js', '.mjs', '.cjs', '.ts', '.tsx', '.mts', '.cts', '.mtsx', '.ctsx', '.json']

// https://www.typescriptlang.org/tsconfig/#jsx
function toJsx({ jsx, jsxImportSource, jsxFactory, jsxFragmentFactory }: CompilerOptions): JitiOptions['jsx'] {
  if (jsx === undefined) return false
  if (jsx !== 'react')
    return { runtime: 'automatic', ...(jsxImportSource !== undefined && { importSource: jsxImportSource }) }
  return {
    runtime: 'classic',
    ...(jsxFactory !== undefined && { pragma: jsxFactory }),
    ...(jsxFragmentFactory !== undefined && { pragmaFrag: jsxFragmentFactory }),
  }
}

// A string after `from`, `import` or `require`.
const imports = /\b(?:from|import|require)\s*\(?\s*(['"])([^'"\n]+)\1/g

const hasDecorator = /^\s*(?:export\s+(?:default\s+)?)?@[A-Za-z_$(]/m

// jiti compiles decorators as with `experimentalDecorators`. Without this option, TypeScript's are the standard ones.
function withoutDecorators(source: string, file: string): string {
  if (!/\.[cm]?tsx?$/.test(file) || !hasDecorator.test(source)) return source
  const ts = loadTypeScript(dirname(file))
  const { outputText } = ts.transpileModule(source, {
    fileName: file,
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      jsx: ts.JsxEmit.Preserve,
      inlineSourceMap: true,
    },
  })
  return outputText
}

// TypeScript finds `page.tsx` for './page.js', and jiti only `page.ts`.
const withTsx = (source: string, file: string): string =>
  source.replace(imports, (whole: string, _quote, specifier: string) => {
    const path = resolve(dirname(file), specifier).replace(/\.jsx?$/, '')
    const isTsx = /^\..*\.jsx?$/.test(specifier) && existsSync(`${path}.tsx`) && !existsSync(`${path}.ts`)
    return isTsx ? whole.replace(/\.jsx?(['"])$/, '.tsx$1') : whole
  })

const isOwn = (path: string): boolean =>
  !path.includes(`${sep}node_modules${sep}`) && !path.startsWith(own) && /^(?:\/|[A-Za-z]:)/.test(path)

// The folder of byway's own files.
const own = fileURLToPath(new URL('..', import.meta.url))

/** Returns the files, and the files that they import, with all their imports. A missing file of a relative import is included. */
function findImports(files: readonly string[], { esmResolve }: Jiti): Set<string> {
  const found = new Set(files)
  for (const file of found) {
    if (!existsSync(file) || extname(file) === '.json') continue
    for (const [, , specifier] of readFileSync(file, 'utf8').matchAll(imports)) {
      const resolved = esmResolve(withTsx(`from '${specifier}'`, file).slice(6, -1), {
        parentURL: pathToFileURL(file),
        try: true,
      })
      const path = resolved?.startsWith('file:')
        ? realpathSync(fileURLToPath(resolved))
        : resolved === undefined && specifier!.startsWith('.')
          ? resolve(dirname(file), specifier!)
          : undefined
      if (path !== undefined && isOwn(path)) found.add(path)
    }
  }
  return found
}
