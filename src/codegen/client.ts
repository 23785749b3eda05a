import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { readCalls, type CodegenOptions } from './app-calls.js'
import { indent } from './text.js'

// The build bundles `byway/client` here. The path is the same from `src`, where tests run.
const root = new URL('../../dist/standalone/', import.meta.url)
const read = (name: string): string => readFileSync(new URL(name, root), 'utf8').trim()

/**
 * Returns a client of an app as one TypeScript module without imports, for a repository that cannot import the app's types. It
 * exports what `byway/client` does; `createClient()` needs no type argument.
 *
 * @throws CodegenError if the file, the router or the compiler is missing.
 * @example
 * writeFileSync('../web/api.ts', writeClient('app.ts'))
 */
export function writeClient(file: string, options: CodegenOptions = {}): string {
  const types = read('client.d.ts')
  const names = [...types.matchAll(/^(?:interface|type) (\w+)/gm)].map(([, name]) => name!)
  const { body, declarations } = readCalls(file, options, [...names, 'Client', 'UnexpectedResponse', 'byway'])
  return `// Written by \`byway client ${basename(file)}\`: run it again when the routes change. The types need TypeScript's library "dom" or
// @types/node. The last part is JavaScript:
// @ts-nocheck
/* eslint-disable */

/** The routes of ${basename(file)}. */
export interface App {
${indent(body)}
}
${declarations.map((text) => `\n${text}\n`).join('')}
/**
 * Creates a client. A call resolves to \`{ data, error, status, response }\`, which \`status\` discriminates.
 *
 * @throws TypeError if \`baseUrl\` is not an http(s) URL.
 * @example
 * const api = createClient({ baseUrl: 'https://api.example' })
 */
export const createClient: (options?: ClientOptions<App>) => ClientOf<App> = (options) => byway.createClient(options)

/** Repeats calls that fail: \`createClient({ retry: retry({ limit: 3 }) })\`. */
export const retry: (options?: RetryOptions) => Retry = (options) => byway.retry(options)

${types}

${read('client.iife.js')}

/** A response that the route cannot send: a redirect that was not followed, a proxy's page, byway's own 404, 405 or 500. */
export interface UnexpectedResponse extends Error, UnexpectedDetails {}
export const UnexpectedResponse: new (...args: never) => UnexpectedResponse = byway.UnexpectedResponse
`
}
