import { basename, dirname, resolve } from 'node:path'
import { readCalls, type CodegenOptions } from './app-calls.js'
import { readClientSource } from './client-source.js'
import { indent } from './text.js'
import { loadTypeScript } from './typescript.js'

// prettier-ignore
const exported = ['createClient', 'UnexpectedResponse', 'Call', 'CallOptions', 'Client', 'ClientOptions', 'Failure', 'Problem', 'RetryOptions', 'Success']

/**
 * A client of an app as one TypeScript module that imports nothing, for a repository that cannot import the app's types. It
 * exports `createClient()`, which is that of `byway/client` without its type argument.
 *
 * @throws CodegenError if there is no such file, router or compiler.
 * @example
 * writeFileSync('../web/api.ts', writeClient('app.ts'))
 */
export function writeClient(file: string, options: CodegenOptions = {}): string {
  const source = readClientSource(loadTypeScript(dirname(resolve(file))), exported)
  const { body, declarations } = readCalls(file, options, [...source.keys()])
  const app = `/** The routes of ${basename(file)}. */\nexport interface App {\n${indent(body)}\n}`
  return `// Written by \`byway client ${basename(file)}\`: run it again when the routes change. TypeScript needs its library "dom" for it, or
// @types/node.
/* eslint-disable */

${[app, ...declarations, ...source.values()].join('\n\n')}
`
}
