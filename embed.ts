import { dirname, resolve } from 'node:path'
import { build } from 'esbuild'

/**
 * `import text from './main.ts?text'` is what a browser is sent of that file: with all that it imports, as one script or
 * one style, without types and as small as it gets. Texts in modules are there on hosts without files.
 */
export function embed() {
  // Not `?text`: Vite has each name that goes on so be the TypeScript or the style that it looks like.
  const ending = '.text.js'
  // Built ones have that name too, and are there already.
  const asked = new Set<string>()
  return {
    name: 'byway:embed',
    enforce: 'pre' as const,
    resolveId(source: string, importer: string | undefined) {
      if (!importer || !source.endsWith('?text')) return undefined
      const id = resolve(dirname(importer), source.slice(0, -'?text'.length)) + ending
      asked.add(id)
      return id
    },
    async load(id: string) {
      if (!asked.has(id)) return undefined
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
