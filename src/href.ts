import { isDots, parsePattern, toSegment, type CatchAllParams, type PlainParams } from './pattern.js'

/**
 * Builds a root-relative path that cannot leave its pattern: each segment is percent-encoded.
 *
 * @throws TypeError if a param is missing; a TypeError named `HrefError` if a param is empty, `.`, `..`, or has a lone surrogate,
 * which is a 400 if a handler does not catch it; PatternError if the pattern is malformed.
 * @example
 * href('/items/[slug]', { slug: 'a b' }, { query: { page: 2 } }) // '/items/a%20b?page=2'
 */
export function href<pattern extends string>(pattern: pattern, ...rest: HrefArguments<pattern>): string
export function href(pattern: string, params?: AnyHrefParams, options: HrefOptions = {}): string {
  parsePattern(pattern)
  return (
    toPath(pattern, params, options.query) +
    (options.hash ? `#${encodeURIComponent(options.hash.replace(/^#/, '').toWellFormed())}` : '')
  )
}

/** Does the same as `href` for a pattern that was parsed before, so a client does not bundle the parser. */
export function toPath(pattern: string, params: AnyHrefParams = {}, query: HrefOptions['query'] = {}): string {
  let path = ''
  for (const text of pattern.slice(1).split('/')) {
    const { kind, name } = toSegment(text)!
    if (!text) break
    const value = kind === 'static' ? name : Object.hasOwn(params, name) ? params[name] : undefined
    if (value === undefined && kind === 'optional-catch-all') continue
    const many = kind === 'catch-all' || kind === 'optional-catch-all'
    const parts = (many ? value : [value]) as readonly HrefValue[] | undefined
    if (
      !Array.isArray(parts) ||
      (kind === 'catch-all' && !parts.length) ||
      parts.some((part) => part == null || typeof part === 'object')
    )
      throw new TypeError(
        `href('${pattern}') needs the param '${name}'${many ? ' as a non-empty array' : ' as a string or a number'}`,
      )
    for (const part of parts) path += `/${encodeSegment(part, pattern, name)}`
  }
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query))
    for (const one of [value].flat() as QueryValue[]) if (one != null) search.append(name, String(one))
  return (path || '/') + (search.size ? `?${search}` : '')
}

function encodeSegment(value: HrefValue, pattern: string, name: string): string {
  const text = String(value)
  if (!text || isDots(text) || !text.isWellFormed())
    throw Object.assign(
      new TypeError(
        `href('${pattern}') cannot use ${JSON.stringify(text)} as the param '${name}'; a URL cannot have this segment`,
      ),
      { name: 'HrefError' },
    )
  // The characters that RFC 3986 §3.3 allows in a segment stay readable.
  return encodeURIComponent(text).replace(/%(?:24|26|2B|2C|3A|3B|3D|40)/g, decodeURIComponent)
}

// ── types ──

type HrefValue = string | number
interface AnyHrefParams {
  readonly [name: string]: HrefValue | readonly HrefValue[] | undefined
}

/** The params that `href` and the client take for a pattern: like `Params`, but numbers are allowed. */
// prettier-ignore
export type HrefParams<pattern extends string> =
  pattern extends `${string}...${string}` ? CatchAllParams<pattern, HrefValue> :
  PlainParams<pattern, HrefValue>

/** The arguments of `href` after the pattern: its params, if it has any, and the query. */
// prettier-ignore
export type HrefArguments<pattern extends string> =
  {} extends HrefParams<pattern> ? [params?: HrefParams<pattern>, options?: HrefOptions] : [params: HrefParams<pattern>, options?: HrefOptions]

/** One value in a query; `null` and `undefined` are left out. */
export type QueryValue = string | number | boolean | null | undefined

export interface HrefOptions {
  /** The query. An array repeats its name. */
  readonly query?: { readonly [name: string]: QueryValue | readonly QueryValue[] }
  /** The fragment, with or without `#`. */
  readonly hash?: string
}
