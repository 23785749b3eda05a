import type { Command } from 'commander'
import { cacheOptionsOf } from '../cache/cache-options.js'
import { toBodyKind } from '../prepare.js'
import type { App } from '../app.js'
import { loadApp } from './load-app.js'
import { writeResult } from './output.js'
import { toSource } from './source.js'
import { formatTable } from './table.js'

/** An operation in the output of `byway routes`. */
export interface RouteRow {
  readonly method: string
  /** The pattern, including the router's `basePath`. */
  readonly pattern: string
  /** The route's name in `router()`, such as `users.me`. */
  readonly name: string
  /** The declared inputs: `params`, `query`, `headers`, and the body's kind. */
  readonly inputs: readonly string[]
  readonly cache: { readonly revalidate: number | false; readonly tags: readonly string[] | 'function' } | null
  /** `file:line` of the declaration, if it is known. */
  readonly source: string | null
}

/** Returns the operations of an app in the order of their declaration. */
export function toRows({ routes, basePath }: App): RouteRow[] {
  return routes.flatMap(({ route, names }) =>
    [...route.operations.values()].map(({ method, declaration, middleware, stack }): RouteRow => {
      const { query, headers } = declaration
      const inputs = [
        route.params.length && 'params',
        query && 'query',
        headers && 'headers',
        toBodyKind(declaration)?.key,
      ]
      const cache = method === 'GET' ? middleware.map(cacheOptionsOf).find(Boolean) : undefined
      return {
        method,
        pattern: basePath && route.pattern === '/' ? basePath : basePath + route.pattern,
        name: names.join('.'),
        inputs: inputs.filter((name) => typeof name === 'string'),
        cache: cache ? toCache(cache) : null,
        source: toSource(stack) ?? null,
      }
    }),
  )
}

function toCache(options: { revalidate?: number | false; tags?: unknown }): NonNullable<RouteRow['cache']> {
  const { revalidate = false, tags = [] } = options
  return { revalidate, tags: typeof tags === 'function' ? 'function' : (tags as readonly string[]) }
}

function formatCache(cache: RouteRow['cache']): string {
  if (!cache) return ''
  const tags = typeof cache.tags === 'string' ? 'tags by request' : cache.tags.join(', ')
  return [cache.revalidate === false ? 'until revalidated' : `${cache.revalidate} s`, tags].filter(Boolean).join('; ')
}

export function addRoutes(program: Command): void {
  program
    .command('routes')
    .summary('list the operations of an app')
    .description('Lists the operations of an app with method, pattern, inputs, cache and source.')
    .argument('[file]', 'the module whose default export is the router')
    .option('--export <name>', 'the export that is the router')
    .option('--json', 'print JSON')
    .option('-o, --output <file>', 'the file to write, instead of stdout')
    .action(async (file: string | undefined, options: { export?: string; json?: boolean; output?: string }) => {
      const rows = toRows((await loadApp(file, options.export)).data)
      const table = (): string =>
        formatTable(
          ['METHOD', 'PATTERN', 'INPUTS', 'CACHE', 'SOURCE'],
          rows.map((row) => [row.method, row.pattern, row.inputs.join(', '), formatCache(row.cache), row.source ?? '']),
        )
      await writeResult(options.json ? `${JSON.stringify(rows, undefined, 2)}\n` : table(), options.output)
    })
}
