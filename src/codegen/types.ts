import { basename } from 'node:path'
import { readCalls, type CodegenOptions } from './app-calls.js'
import { indent } from './text.js'

/**
 * Returns a declaration file of an app's routes for `createClient<App>()`. It does not import the server's files, and a call
 * costs the compiler the same with any number of routes.
 *
 * @throws CodegenError if the file, the router or the compiler is missing.
 * @example
 * writeFileSync('app.api.d.ts', writeTypes('app.ts'))
 */
export function writeTypes(file: string, options: CodegenOptions = {}): string {
  const { body, declarations, imports } = readCalls(file, options)
  return `// Written by \`byway types ${basename(file)}\`: run it again when the routes change.
${imports.length ? `import type { ${imports.join(', ')} } from 'byway/client'\n` : ''}
/** The routes of ${basename(file)}. */
export default interface App {
${indent(body)}
}
export type { App }
${declarations.map((text) => `\n${text}\n`).join('')}`
}
