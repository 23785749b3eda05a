import { createReadStream } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import { join, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseQualities } from '../headers/quality.js'
import type { Problem } from '../problem.js'
import { file, type FileReply } from '../replies/file.js'
import { notFound } from '../replies/reply.js'
import type { Reply } from '../reply.js'
import { toType } from './types.js'

export interface ServeStaticOptions {
  /** The file that is served for a folder. `false`: a folder is a 404. @default 'index.html' */
  readonly index?: string | false
  /**
   * A file that is served with 200 in place of a 404 if the request's `Accept` lists `text/html`, as that of a navigation does: for an
   * app that routes in the browser. Other requests, such as for a missing image, get the 404.
   * @default no such file
   */
  readonly fallback?: string
  /** Whether files and folders whose names begin with a dot are served. @default false */
  readonly dotfiles?: boolean
  /**
   * Serves `app.js.br`, `app.js.zst` or `app.js.gz` in place of `app.js` to clients that accept the coding, if there is such a
   * file.
   * @default true
   */
  readonly precompressed?: boolean
  /** Seconds for which caches can reuse a file without asking. @default 0 */
  readonly maxAge?: number
  /** The files that never change, such as those with a hash in their names. Sent with a year as `max-age`. @default false */
  readonly immutable?: boolean | ((path: string) => boolean)
}

/** What the handler reads of its context: the last param of its pattern. */
export interface StaticContext {
  readonly pattern: string
  readonly params: { readonly [name: string]: string | readonly string[] | undefined }
}

type StaticHandler = (request: Request, context: StaticContext) => Promise<FileReply | Reply<404, Problem<404>>>

const codings = [
  ['br', '.br'],
  ['zstd', '.zst'],
  ['gzip', '.gz'],
] as const

/**
 * Makes a handler that serves the files of a folder, for a route with a catch-all param. It responds to conditional requests and
 * ranges as `reply.file` does. A path that leaves the folder, also by a symbolic link, is a 404. Each request looks its file up,
 * so files can change while the server runs. A relative path starts at the working directory; `new URL('public/',
 * import.meta.url)` starts at the module.
 *
 * For hosts with a file system: Node.js, Bun and Deno.
 *
 * @throws TypeError if an option is invalid, or the URL is not a `file:` URL.
 * @example
 * const assets = route('/assets/[...path]').get(serveStatic('dist/assets', { immutable: true }))
 * const pages = route('/[[...path]]').get(serveStatic('public', { fallback: 'index.html' }))
 */
export function serveStatic(folder: string | URL, options: ServeStaticOptions = {}): StaticHandler {
  const {
    index = 'index.html',
    fallback,
    dotfiles = false,
    precompressed = true,
    maxAge = 0,
    immutable = false,
  } = options
  if (!(Number.isInteger(maxAge) && maxAge >= 0))
    throw new TypeError(`serveStatic() takes maxAge in whole seconds, not ${String(maxAge)}`)
  const root = resolve(typeof folder === 'string' ? folder : fileURLToPath(folder))
  const controlOf = (path: string): string =>
    (typeof immutable === 'function' ? immutable(path) : immutable)
      ? 'public, max-age=31536000, immutable'
      : `public, max-age=${maxAge}${maxAge ? '' : ', must-revalidate'}`

  /** Finds a file below the folder. */
  const find = async (segments: readonly string[]): Promise<Found | undefined> => {
    if (!segments.every((segment) => isName(segment, dotfiles))) return undefined
    const found = await look(root, join(root, ...segments))
    if (!found?.isFolder) return found
    return index === false ? undefined : look(root, join(found.path, index))
  }

  const encoded = async (
    request: Request,
    { path }: Found,
  ): Promise<(Found & { readonly coding: string }) | undefined> => {
    for (const { name, weight } of parseQualities(request.headers.get('accept-encoding'))) {
      const [coding, ending] = codings.find(([coding]) => coding === name) ?? []
      const found = weight > 0 && ending !== undefined ? await look(root, path + ending) : undefined
      if (found && !found.isFolder) return { ...found, coding: coding! }
    }
    return undefined
  }

  return async function serveFile(request, { pattern, params }) {
    const [, name = ''] = /\[+(?:\.{3})?([^[\]]+)\]+$/.exec(pattern) ?? []
    const segments = [params[name] ?? []].flat()
    const own = await find(segments)
    // What a missing file gets depends on `Accept`.
    const varied = own || fallback === undefined ? [] : ['Accept']
    const found = own ?? (varied.length && acceptsHtml(request) ? await find(fallback!.split('/')) : undefined)
    if (!found || found.isFolder) return notFound({}, { headers: varied.map((name) => ['vary', name]) })
    const compressed = precompressed ? await encoded(request, found) : undefined
    const { path, size, modified } = compressed ?? found
    const vary = [...(precompressed ? ['Accept-Encoding'] : []), ...varied].join(', ')
    return file(
      request,
      { size, stream: (start, end) => createReadStream(path, { start, end: end - 1 }) },
      {
        type: toType(found.path),
        lastModified: modified,
        headers: {
          'cache-control': controlOf(own ? segments.join('/') : fallback!),
          ...(vary && { vary }),
          ...(compressed && { 'content-encoding': compressed.coding }),
        },
      },
    )
  }
}

const acceptsHtml = (request: Request): boolean =>
  parseQualities(request.headers.get('accept')).some(({ name, weight }) => name === 'text/html' && weight > 0)

interface Found {
  readonly path: string
  readonly isFolder: boolean
  readonly size: number
  readonly modified: number
}

// One name of a file or folder, on every operating system. `C:` and `a::$DATA` have other meanings on Windows, which also ignores
// dots and spaces at the end.
const isName = (segment: string, dotfiles: boolean): boolean =>
  segment !== '' &&
  // oxlint-disable-next-line no-control-regex
  !/[\0-\x1f/\\:*?"<>|]|[. ]$/.test(segment) &&
  (dotfiles || segment[0] !== '.')

/** A file or folder whose real path, without symbolic links, is below the folder. */
async function look(root: string, path: string): Promise<Found | undefined> {
  try {
    const [base, real] = await Promise.all([realpath(root), realpath(path)])
    if (real !== base && !real.startsWith(base.endsWith(sep) ? base : base + sep)) return undefined
    const info = await stat(real)
    const isFolder = info.isDirectory()
    // A pipe or a device could be read without an end.
    if (!isFolder && !info.isFile()) return undefined
    return { path: real, isFolder, size: info.size, modified: Math.floor(info.mtimeMs) }
  } catch (error) {
    if (/^(?:ENOENT|ENOTDIR|ENAMETOOLONG|ELOOP|EACCES|EPERM)$/.test((error as { readonly code?: string }).code ?? ''))
      return undefined
    throw error
  }
}
