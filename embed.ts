import { dirname, resolve } from 'node:path'
import { build } from 'esbuild'
import { build as rolldown } from 'rolldown'

/**
 * Returns a plugin for `import text from './main.ts?text'`. The import is a string: the file bundled with its imports and
 * minified, as one script or style sheet for browsers. Strings in modules also work on hosts without a file system.
 */
export function embed() {
  // Not `?text`, because Vite processes such ids as TypeScript or CSS by their extension.
  const ending = '.text.js'
  // Built files have this ending too, but need no bundling.
  const requested = new Set<string>()
  return {
    name: 'byway:embed',
    enforce: 'pre' as const,
    resolveId(source: string, importer: string | undefined) {
      if (!importer || !source.endsWith('?text')) return undefined
      const id = resolve(dirname(importer), source.slice(0, -'?text'.length)) + ending
      requested.add(id)
      return id
    },
    async load(id: string) {
      if (!requested.has(id)) return undefined
      const file = id.slice(0, -ending.length)
      return `export default ${JSON.stringify(await (file.endsWith('.css') ? bundleStyle(file) : bundleScript(file)))}`
    },
  }
}

// Rolldown's output is 4 % smaller than esbuild's, but only esbuild minifies style sheets.
async function bundleScript(input: string): Promise<string> {
  const { output } = await rolldown({
    input,
    platform: 'browser',
    transform: { target: 'es2022' },
    output: { format: 'esm', minify: true },
    write: false,
  })
  return output[0].code
}

async function bundleStyle(file: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [file],
    bundle: true,
    minify: true,
    write: false,
    logLevel: 'silent',
  })
  return outputFiles[0]!.text
}
