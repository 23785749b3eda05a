import { dirname, resolve } from 'node:path'
import { build } from 'esbuild'

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
      const { outputFiles } = await build({
        entryPoints: [id.slice(0, -ending.length)],
        bundle: true,
        minify: true,
        format: 'esm',
        target: 'es2022',
        charset: 'utf8',
        write: false,
        logLevel: 'silent',
      })
      return `export default ${JSON.stringify(outputFiles[0]!.text)}`
    },
  }
}
