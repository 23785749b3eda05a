import { cacheOptionsOf } from '../cache/cache-options.js'
import { markPrerendered } from '../cache/prerendering.js'
import type { App } from '../app.js'
import { toPath } from '../href.js'
import { staticParamsOf } from '../paths/static-params.js'
import { errorOf } from '../problem.js'
import { dataOf } from '../router.js'
import { toFilePath, writeBelow } from './page-file.js'

/** An app, the return value of `router()`. */
export interface PrerenderApp {
  fetch(request: Request): Response | Promise<Response>
}

export interface PrerenderOptions {
  /**
   * The URL of the app in production. Its origin is part of the cache key, so other origins miss. Its pathname is ignored,
   * because the router adds its own `basePath`. @default 'http://localhost:3000'
   */
  readonly baseUrl?: string | URL
  /**
   * A directory in which each response is also written to a file: `items/a.json` for `/items/a`. Other files in it are not
   * changed. @default no files are written
   */
  readonly outDir?: string
  /** Whether a pattern is prerendered, if its route can be. @default all are */
  readonly filter?: (pattern: string) => boolean
  /** The maximum number of concurrent requests. @default 4 */
  readonly concurrency?: number
  /** Called after each page. @default prints a counter to stderr if stderr is a terminal, and one line at the end */
  readonly onProgress?: (progress: PrerenderProgress) => void
}

export interface PrerenderProgress {
  readonly done: number
  readonly total: number
  readonly pathname: string
}

/** A prerendered response. */
export interface PrerenderedPage {
  readonly pattern: string
  /** The requested pathname, including the router's `basePath`. */
  readonly pathname: string
  readonly status: number
  readonly bytes: number
  /** The path of the file, if `outDir` is set. */
  readonly file?: string
}

export interface Prerendered {
  readonly pages: readonly PrerenderedPage[]
  /**
   * The patterns of cached routes that cannot be prerendered: they have params without `generateStaticParams`, or a cache
   * with `key`.
   */
  readonly skipped: readonly string[]
}

/** A page that could not be prerendered. */
export interface PrerenderFailure {
  readonly pattern: string
  /** `undefined` if `generateStaticParams` failed. */
  readonly pathname: string | undefined
  readonly reason: string
  /** The error of the handler or the cache; an `Error` with `reason` if none was thrown. */
  readonly error: unknown
}

/** At least one page could not be prerendered. `prerender()` rejects with it after all other pages. */
export class PrerenderError extends Error {
  override readonly name = 'PrerenderError'
  readonly failures: readonly PrerenderFailure[]
  /** The pages that succeeded. */
  readonly pages: readonly PrerenderedPage[]

  constructor(failures: readonly PrerenderFailure[], pages: readonly PrerenderedPage[]) {
    const lines = failures.map(({ pattern, pathname, reason }) => `\n  ${pattern}  ${pathname ?? ''}\n    ${reason}`)
    super(`${failures.length} of ${failures.length + pages.length} could not be prerendered:\n${lines.join('\n')}\n`)
    this.failures = failures
    this.pages = pages
  }
}

interface Job {
  readonly pattern: string
  readonly pathname: string
}

/**
 * Requests every cached GET route that has no params or has `generateStaticParams`, through the whole app. The caches store
 * the responses and replace earlier entries.
 *
 * A page fails if its response is not a stored 2xx, or if its handler reads a part of the request that is not in the cache
 * key: a cookie, the raw query, or a value that outer middleware added.
 *
 * @throws PrerenderError after all pages, if one has failed. @throws TypeError if `app` is not an app or `baseUrl` is
 * invalid. @throws RangeError if `concurrency` is below 1.
 * @example
 * const { pages } = await prerender(app, { baseUrl: 'https://api.example' })
 */
export async function prerender(app: PrerenderApp, options: PrerenderOptions = {}): Promise<Prerendered> {
  const data = dataOf(app)
  if (!data) throw new TypeError('prerender() takes an app, the return value of router()')
  const { baseUrl = 'http://localhost:3000', outDir, concurrency = 4 } = options
  if (!(concurrency >= 1)) throw new RangeError(`prerender() takes a concurrency of 1 or more, not ${concurrency}`)
  const { origin } = new URL(baseUrl)
  if (origin === 'null')
    throw new TypeError(`prerender() takes an http or https URL as baseUrl, not ${String(baseUrl)}`)

  const began = Date.now()
  const { jobs, skipped, failures } = await plan(data, options.filter)
  const results: (PrerenderedPage | undefined)[] = []
  const files = new Map<string, string>()
  const { onProgress = showProgress } = options

  const prerenderPage = async ({ pattern, pathname }: Job): Promise<PrerenderedPage> => {
    const response = await app.fetch(markPrerendered(new Request(origin + pathname)))
    const bytes = await readStored(response)
    const page = { pattern, pathname, status: response.status, bytes: bytes.length }
    if (outDir === undefined) return page
    const path = toFilePath(pathname, response.headers.get('content-type') ?? '')
    const other = files.get(path)
    if (other !== undefined) throw new Error(`its file ${path} is also the file of ${other}`)
    files.set(path, pathname)
    return { ...page, file: await writeBelow(outDir, path, bytes) }
  }

  let next = 0
  let done = 0
  const work = async (): Promise<void> => {
    while (next < jobs.length) {
      const index = next++
      const job = jobs[index]!
      try {
        results[index] = await prerenderPage(job)
      } catch (error) {
        failures.push(toFailure(job, error))
      }
      onProgress({ done: ++done, total: jobs.length, pathname: job.pathname })
    }
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, jobs.length) }, work))

  const pages = results.filter((page) => page !== undefined)
  if (!options.onProgress) showEnd(pages, failures.length, Date.now() - began)
  if (failures.length) throw new PrerenderError(failures, pages)
  return { pages, skipped }
}

async function plan(
  { routes, basePath }: App,
  filter: PrerenderOptions['filter'] = () => true,
): Promise<{
  readonly jobs: readonly Job[]
  readonly skipped: readonly string[]
  readonly failures: PrerenderFailure[]
}> {
  const jobs = new Map<string, Job>()
  const skipped: string[] = []
  const failures: PrerenderFailure[] = []
  for (const { route } of routes) {
    const { pattern } = route
    const options = route.operations.get('GET')?.middleware.map(cacheOptionsOf).find(Boolean)
    if (!options || !filter(pattern)) continue
    const staticParams = staticParamsOf(route)
    // What `key` returns depends on a request.
    if (options.key || (pattern.includes('[') && !staticParams)) {
      skipped.push(pattern)
      continue
    }
    try {
      for (const params of staticParams ? await staticParams.load(pattern) : [{}]) {
        const path = toPath(pattern, params)
        const pathname = path === '/' && basePath ? basePath : basePath + path
        jobs.set(pathname, { pattern, pathname })
      }
    } catch (error) {
      failures.push(toFailure({ pattern, pathname: undefined }, error))
    }
  }
  return { jobs: [...jobs.values()], skipped, failures }
}

/** Resolves to the body of a stored response. Rejects with the response's error, or with the reason why it was not stored. */
async function readStored(response: Response): Promise<Uint8Array> {
  const failure = errorOf(response) ?? toStoreError(response)
  if (failure === undefined) return new Uint8Array(await response.arrayBuffer())
  response.body?.cancel().catch(() => {})
  throw failure
}

function toStoreError({ ok, status, headers }: Response): Error | undefined {
  if (!ok) return new Error(`status ${status}`)
  // The last byway member is that of the nearest cache. Strings are removed, because they can contain any text: https://www.rfc-editor.org/rfc/rfc9211#section-2
  const own = headers.get('cache-status')?.replace(/.*\bbyway(?=;)/s, '')
  if (own === undefined || /; stored\b/.test(own.replace(/"(?:[^"\\]|\\.)*"/g, ''))) return undefined
  const detail = /; detail=(.+)/s.exec(own)?.[1]
  return new Error(`the cache did not store the response${detail === undefined ? '' : `: ${detail}`}`)
}

function toFailure(
  { pattern, pathname }: Pick<PrerenderFailure, 'pattern' | 'pathname'>,
  error: unknown,
): PrerenderFailure {
  return { pattern, pathname, reason: error instanceof Error ? error.message : String(error), error }
}

// On a terminal, each line replaces the last one. Logs get only the final line.
function showProgress({ done, total, pathname }: PrerenderProgress): void {
  const { stderr } = process
  if (stderr.isTTY) stderr.write(`\r\x1b[K${`${done}/${total} ${pathname}`.slice(0, (stderr.columns || 80) - 1)}`)
}

function showEnd(pages: readonly PrerenderedPage[], failed: number, milliseconds: number): void {
  const kilobytes = pages.reduce((sum, { bytes }) => sum + bytes, 0) / 1000
  process.stderr.write(
    `${process.stderr.isTTY ? '\r\x1b[K' : ''}prerendered ${pages.length} ${pages.length === 1 ? 'page' : 'pages'}, ${kilobytes.toFixed(1)} kB, in ${(milliseconds / 1000).toFixed(1)} s${failed ? `; ${failed} failed` : ''}\n`,
  )
}
