import { cacheOptionsOf } from '../cache/cache-options.js'
import { markPrerendered } from '../cache/prerendering.js'
import type { App } from '../app.js'
import { toPath } from '../href.js'
import { staticParamsOf } from '../paths/static-params.js'
import { errorOf } from '../problem.js'
import { dataOf } from '../router.js'
import { toFilePath, writeBelow } from './page-file.js'

/** A router. */
export interface PrerenderApp {
  fetch(request: Request): Response | Promise<Response>
}

export interface PrerenderOptions {
  /**
   * Where the app will be: caches keep an answer under the origin that it was asked for at, and find it under that one
   * only. Its pathname is not used, since the router knows its `basePath`. @default 'http://localhost:3000'
   */
  readonly baseUrl?: string | URL
  /** A directory for the answers as files, beside the cache: `items/a.json` for `/items/a`. What else is in it stays there. */
  readonly outDir?: string
  /** How many requests run at once. @default 4 */
  readonly concurrency?: number
  /** Told of each page. @default a counter on stderr where that is a terminal, else one line at the end */
  readonly onProgress?: (progress: PrerenderProgress) => void
}

export interface PrerenderProgress {
  readonly done: number
  readonly total: number
  readonly pathname: string
}

/** An answer that was made ahead. */
export interface PrerenderedPage {
  readonly pattern: string
  /** As it was asked for, with the router's `basePath`. */
  readonly pathname: string
  readonly status: number
  readonly bytes: number
  /** Its path, with `outDir`. */
  readonly file?: string
}

export interface Prerendered {
  readonly pages: readonly PrerenderedPage[]
  /** The patterns of routes with a cache whose answers nobody knows ahead: they have params without `generateStaticParams`, or a `key`. */
  readonly skipped: readonly string[]
}

/** What could not be made ahead. */
export interface PrerenderFailure {
  readonly pattern: string
  /** Not there where it is the params that could not be told. */
  readonly pathname: string | undefined
  readonly reason: string
  /** What was thrown, where that is known. */
  readonly error: unknown
}

/** What prerender() rejects with at its end, if anything has failed. */
export class PrerenderError extends Error {
  override readonly name = 'PrerenderError'
  readonly failures: readonly PrerenderFailure[]
  /** What has succeeded. */
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
 * Answers ahead what is known ahead: a GET of every route that has a cache and either no params or `generateStaticParams`,
 * through the whole app. Each cache keeps what its route answers, in place of what it had.
 *
 * A handler that reads what only a request can tell (a cookie, the raw query, what middleware outside of the cache has added)
 * fails here, as whatever is not a 2xx that was stored.
 *
 * @throws PrerenderError at its end, with all that failed. TypeError for what is no router or no URL.
 * @example
 * const { pages } = await prerender(app, { baseUrl: 'https://api.example' })
 */
export async function prerender(app: PrerenderApp, options: PrerenderOptions = {}): Promise<Prerendered> {
  const data = dataOf(app)
  if (!data) throw new TypeError('prerender() takes what router() gives')
  const { baseUrl = 'http://localhost:3000', outDir, concurrency = 4 } = options
  if (!(concurrency >= 1)) throw new RangeError(`prerender() takes a concurrency of 1 or more, not ${concurrency}`)
  const { origin } = new URL(baseUrl)
  if (origin === 'null') throw new TypeError(`prerender() takes a baseUrl for http or https, not ${String(baseUrl)}`)

  const began = Date.now()
  const { jobs, skipped, failures } = await plan(data)
  const made: (PrerenderedPage | undefined)[] = []
  const files = new Map<string, string>()
  const { onProgress = showProgress } = options

  const make = async ({ pattern, pathname }: Job): Promise<PrerenderedPage> => {
    const response = await app.fetch(markPrerendered(new Request(origin + pathname)))
    const bytes = await readStored(response)
    const page = { pattern, pathname, status: response.status, bytes: bytes.length }
    if (outDir === undefined) return page
    const path = toFilePath(pathname, response.headers.get('content-type') ?? '')
    const other = files.get(path)
    if (other !== undefined) throw new Error(`its file is that of ${other}: ${path}`)
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
        made[index] = await make(job)
      } catch (error) {
        failures.push(toFailure(job, error))
      }
      onProgress({ done: ++done, total: jobs.length, pathname: job.pathname })
    }
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, jobs.length) }, work))

  const pages = made.filter((page) => page !== undefined)
  if (!options.onProgress) showEnd(pages, failures.length, Date.now() - began)
  if (failures.length) throw new PrerenderError(failures, pages)
  return { pages, skipped }
}

async function plan({ routes, basePath }: App): Promise<{
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
    if (!options) continue
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

/** The whole body of an answer that was kept. Throws its cause, or why it is of no use. */
async function readStored(response: Response): Promise<Uint8Array> {
  const failure = errorOf(response) ?? toRefusal(response)
  if (failure === undefined) return new Uint8Array(await response.arrayBuffer())
  response.body?.cancel().catch(() => {})
  throw failure
}

function toRefusal({ ok, status, headers }: Response): Error | undefined {
  if (!ok) return new Error(`status ${status}`)
  // The last one is the nearest, and a string may hold anything: https://www.rfc-editor.org/rfc/rfc9211#section-2
  const told = headers.get('cache-status')?.replace(/.*\bbyway(?=;)/s, '')
  if (told === undefined || /; stored\b/.test(told.replace(/"(?:[^"\\]|\\.)*"/g, ''))) return undefined
  const detail = /; detail=(.+)/s.exec(told)?.[1]
  return new Error(`the cache has not kept it${detail === undefined ? '' : `: ${detail}`}`)
}

function toFailure(
  { pattern, pathname }: Pick<PrerenderFailure, 'pattern' | 'pathname'>,
  error: unknown,
): PrerenderFailure {
  return { pattern, pathname, reason: error instanceof Error ? error.message : String(error), error }
}

// A line that is written over; a log gets the end only.
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
