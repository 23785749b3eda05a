import type { Entry } from '../cache/stores/store.js'
import { parseCacheControl } from '../headers/cache-control.js'

/** The header in which a CDN reads tags: Vercel's, Cloudflare's and Netlify's, and Netlify's own. */
export type CdnTagHeader = 'vercel-cache-tag' | 'cache-tag' | 'netlify-cache-tag'

export interface CdnTagsOptions {
  /** The headers to send. @default ['vercel-cache-tag'] */
  readonly headers?: readonly CdnTagHeader[]
}

const known: readonly unknown[] = ['vercel-cache-tag', 'cache-tag', 'netlify-cache-tag'] satisfies CdnTagHeader[]
const maxTags = 128
const maxLength = 256

/**
 * Sends the tags of cached responses to a CDN, so that a purge of a tag reaches every copy: `invalidateByTag()` of
 * `@vercel/functions`. The tags are those of `cache({ tags })` and of the wrapped functions that the handler called. Only
 * responses that a CDN can store get the header: those of `cache({ cdn })`, or with a `Cache-Control` of their own.
 *
 * A comma, a space, a `%` and characters outside of ASCII are percent-encoded in a tag. A response with more than 128 tags, or
 * with a tag longer than 256 bytes, is sent as `private`, because no purge could reach it.
 *
 * @throws TypeError if an option is unknown or invalid.
 * @see https://vercel.com/docs/cdn-cache/purge
 * @example
 * const cache = createCache({ complete: cdnTags() })
 */
export function cdnTags(options: CdnTagsOptions = {}): (entry: Entry) => Entry {
  const { headers: names = ['vercel-cache-tag'], ...unknown } = options
  const [name] = Object.keys(unknown)
  if (name !== undefined) throw new TypeError(`cdnTags() has no option '${name}'; use headers`)
  if (!Array.isArray(names) || names.length === 0 || !names.every((one) => known.includes(one)))
    throw new TypeError(`cdnTags() takes headers as an array of ${known.join(', ')}, not ${JSON.stringify(names)}`)
  return function addTags(entry) {
    const { headers } = entry
    if (!isShared(headers)) return entry
    const tags = toTags(entry)
    if (tags.length === 0) return entry
    return tags.length > maxTags || tags.some((tag) => tag.length > maxLength)
      ? { ...entry, headers: toUnshared(headers) }
      : { ...entry, headers: [...headers, ...names.map((name) => [name, tags.join(',')] as const)] }
  }
}

// A mark is the cache's namespace, a line break, and for a tag `t:` and the tag.
const toTags = ({ marks }: Entry): readonly string[] => [
  ...new Set(
    marks.flatMap(([mark]) => {
      const tag = /^[^\n]*\nt:(.+)$/s.exec(mark)?.[1]
      return tag === undefined ? [] : [tag.replace(/[^\x21-\x24\x26-\x2b\x2d-\x7e]+/gu, encode)]
    }),
  ),
]

// `encodeURIComponent` throws for half of a surrogate pair.
const encode = (text: string): string => encodeURIComponent(text.toWellFormed())

const cdnControl = /^(?:[\w-]+-)?cdn-cache-control$|^surrogate-control$/

/** Whether a CDN can store a response. */
function isShared(headers: Entry['headers']): boolean {
  if (headers.some(([name]) => cdnControl.test(name))) return true
  const control = parseCacheControl(headers.find(([name]) => name === 'cache-control')?.[1] ?? '')
  return Number(control.get('s-maxage') ?? control.get('max-age') ?? 0) > 0
}

const toUnshared = (headers: Entry['headers']): Entry['headers'] =>
  headers
    .filter(([name]) => !cdnControl.test(name))
    .map((pair) => (pair[0] === 'cache-control' ? ['cache-control', 'private, max-age=0, must-revalidate'] : pair))
