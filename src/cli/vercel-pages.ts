import { rm } from 'node:fs/promises'
import { relative } from 'node:path'
import type { AnyMiddleware, RouteData } from '../app.js'
import { cacheOptionsOf } from '../cache/cache-options.js'
import { prerender, PrerenderError, type PrerenderedPage } from '../prerender/prerender.js'
import { deployOf } from '../vercel/deploy.js'
import type { LoadedApp } from './load-app.js'

/** The `overrides` of `config.json`, by file. */
export interface Overrides {
  readonly [file: string]: { readonly path: string; readonly contentType: string }
}

/**
 * Writes files for responses that do not depend on the request. The platform sends a file without a function, so a route with
 * another middleware than the cache's is left to its function, and so is a page that cannot be made at build time.
 */
export async function writePages({ app, data }: LoadedApp, folder: string, baseUrl: string): Promise<Overrides> {
  const { routes, use, rewrites } = data
  if (rewrites.length > 0 || !use.every(isSilent)) {
    process.stderr.write('byway: no files are written: the router has rewrites, or middleware in its `use`\n')
    return {}
  }
  const fixed = new Set(routes.filter(({ route }) => isFixed(route)).map(({ route }) => route.pattern))
  const filter = (pattern: string): boolean => fixed.has(pattern)
  let pages: readonly PrerenderedPage[]
  try {
    ;({ pages } = await prerender(app, { baseUrl, outDir: folder, filter, onProgress: () => {} }))
  } catch (error) {
    if (!(error instanceof PrerenderError)) throw error
    ;({ pages } = error)
    for (const { pattern, pathname, reason } of error.failures)
      process.stderr.write(`byway: ${pathname ?? pattern} is not a file: ${reason}\n`)
  }
  const overrides: { [file: string]: Overrides[string] } = {}
  for (const { pathname, file } of pages) {
    const { status, headers } = await app.fetch(new Request(new URL(pathname, baseUrl)))
    const reason = status === 200 ? reasonOf(headers) : `status ${status}`
    if (reason === undefined) {
      const contentType = headers.get('content-type') ?? 'application/octet-stream'
      overrides[relative(folder, file!).replaceAll('\\', '/')] = { path: pathname.slice(1), contentType }
    } else {
      process.stderr.write(`byway: ${pathname} is not a file: ${reason}\n`)
      await rm(file!)
    }
  }
  return overrides
}

/** Whether a middleware responds to every request as its handler does. */
const isSilent = (layer: AnyMiddleware): boolean => cacheOptionsOf(layer) !== undefined || deployOf(layer) !== undefined

function isFixed({ operations, rest }: RouteData): boolean {
  const operation = operations.get('GET')
  if (!operation || rest || operations.size > 1) return false
  const { declaration, middleware } = operation
  if (declaration.query || declaration.headers || !middleware.every(isSilent)) return false
  const options = middleware.map(cacheOptionsOf).find(Boolean)
  return options?.revalidate === false && !(options.tags ?? options.key ?? options.vary ?? options.bypass)
}

// The platform sends its own, or the same.
const ownHeaders = ['age', 'cache-status', 'content-length', 'content-type', 'date', 'etag']

/** Why a response cannot be a file, as far as its headers tell. */
function reasonOf(headers: Headers): string | undefined {
  if (/; ttl=/.test(headers.get('cache-status') ?? '')) return 'it calls a wrapped function with a time limit'
  const other = [...headers].find(
    ([name, value]) =>
      !ownHeaders.includes(name) && !(name === 'cache-control' && value === 'public, max-age=0, must-revalidate'),
  )
  return other && `it has the header ${other[0]}`
}
