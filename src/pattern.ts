/** One segment of a pattern: literal text (decoded), or the name of the param that it captures. */
export interface Segment {
  readonly kind: 'static' | 'param' | 'catch-all' | 'optional-catch-all'
  readonly name: string
}

/** A pattern that the grammar refuses. The message shows the place with a caret. */
export class PatternError extends Error {
  override readonly name = 'PatternError'
  constructor(mistake: string, pattern: string, index: number) {
    super(`${mistake}\n\n  ${pattern}\n  ${' '.repeat(index)}^\n`)
  }
}

/**
 * The segments of a pattern in Next.js's grammar: `/items/new`, `[slug]`, `[...path]`, `[[...path]]`.
 *
 * @throws PatternError for anything else.
 * @see https://nextjs.org/docs/app/api-reference/file-conventions/dynamic-routes
 */
export function parsePattern(pattern: string): readonly Segment[] {
  if (typeof pattern !== 'string') throw new TypeError(`a pattern is a string, not ${typeof pattern}`)
  const fail = (mistake: string, index: number): never => {
    throw new PatternError(mistake, pattern, index)
  }
  if (pattern[0] !== '/') fail('a pattern starts with /', 0)
  const segments: Segment[] = []
  if (pattern === '/') return segments
  let index = 1
  let before = 0
  for (const text of pattern.slice(1).split('/')) {
    if (index === pattern.length) fail('a pattern does not end with /', index - 1)
    if (!text) fail('a segment is empty', index)
    if (segments.at(-1)?.kind.endsWith('catch-all')) fail('a catch-all segment must come last', before)
    const segment = parseSegment(text, index, fail)
    if (segment.kind !== 'static' && segments.some(({ kind, name }) => kind !== 'static' && name === segment.name))
      fail(`the param '${segment.name}' is there twice`, index)
    segments.push(segment)
    before = index
    index += text.length + 1
  }
  return segments
}

function parseSegment(text: string, index: number, fail: (mistake: string, index: number) => never): Segment {
  const open = /^\[*\.*/.exec(text)![0].length
  // eslint-disable-next-line no-control-regex
  const forbidden = text.search(/[\0-\x20\\?#\x7f]/)
  const segment = toSegment(text)
  if (segment && segment.kind !== 'static') {
    const { name } = segment
    if (!name) fail('a param has no name', index + open)
    if (!/^[\p{L}\p{N}_$-]+$/u.test(name) || name === '__proto__')
      fail(`'${name}' cannot be the name of a param; use letters, digits, - and _`, index + open)
    return segment
  }
  if (text[0] === ':') fail(`a param is written [${text.slice(1) || 'name'}], not ${text}`, index)
  if (text[0] === '*') fail(`a catch-all is written [...${text.slice(1) || 'name'}], not ${text}`, index)
  const bracket = text.search(/[[\]]/)
  if (bracket >= 0) fail('a param is a whole segment: [name], [...name] or [[...name]]', index + bracket)
  if (forbidden >= 0) fail(`a pathname cannot hold ${JSON.stringify(text[forbidden])}`, index + forbidden)
  if (isDots(text)) fail('a URL never holds the segments . and ..', index)
  return segment ?? fail('a percent-escape is malformed', index + text.indexOf('%'))
}

// One segment, if it can be read; what the grammar refuses besides is for `parsePattern` to say.
function toSegment(text: string): Segment | undefined {
  const [, open = '', name = '', close = ''] = /^(\[\[\.\.\.|\[\.\.\.|\[)([^[\]]*)(\]\]?)$/.exec(text) ?? []
  if (open && (open === '[[...') === (close === ']]'))
    return { kind: open === '[' ? 'param' : open === '[...' ? 'catch-all' : 'optional-catch-all', name }
  try {
    return { kind: 'static', name: decodeURIComponent(text) }
  } catch {
    return undefined
  }
}

// The URL parser takes these for steps, in any of their spellings: https://url.spec.whatwg.org/#double-dot-path-segment
export const isDots = (segment: string): boolean => /^(?:\.|%2e){1,2}$/i.test(segment)

/**
 * The path of a pattern, root-relative, which cannot leave the pattern: each segment is encoded.
 *
 * @example
 * href('/items/[slug]', { slug: 'a b' }, { query: { page: 2 } }) // '/items/a%20b?page=2'
 *
 * @throws TypeError if a param is missing, empty, or `.` or `..`, which a URL cannot hold as a segment.
 */
export function href<pattern extends string>(pattern: pattern, ...rest: HrefArguments<pattern>): string
export function href(pattern: string, params?: AnyHrefParams, options: HrefOptions = {}): string {
  parsePattern(pattern)
  return (
    toPath(pattern, params, options.query) +
    (options.hash ? `#${encodeURIComponent(options.hash.replace(/^#/, ''))}` : '')
  )
}

/** The same for a pattern that is known to be one, which a client need not parse to the letter. */
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
        `href('${pattern}') needs the param '${name}'${many ? ' as an array with at least one segment' : ' as a string or a number'}`,
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
  if (!text || isDots(text))
    throw new TypeError(
      `href('${pattern}') cannot write the param '${name}' as ${JSON.stringify(text)}: a URL has no such segment`,
    )
  // What RFC 3986 §3.3 lets a segment hold stays readable.
  return encodeURIComponent(text).replace(/%(?:24|26|2B|2C|3A|3B|3D|40)/g, decodeURIComponent)
}

// ── types ──

// `'/a/[b]/[c]'` gives `'b' | 'c'`.
// prettier-ignore
type Names<pattern extends string> = pattern extends `${string}[${infer name}]${infer rest}` ? rest extends '' ? name : name | Names<rest> : never

/** The params a pattern captures: `'/a/[b]/[[...c]]'` gives `{ b: string, c?: string[] }`. */
// prettier-ignore
export type Params<pattern extends string> =
  pattern extends `${string}...${string}` ? CatchAllParams<pattern, string> :
  { readonly [name in Names<pattern>]: string }

// Apart, so that plain patterns pay one test. `[[...c]]` before `[...c]`: the second matches both.
// prettier-ignore
type CatchAllParams<pattern extends string, value> =
  pattern extends `${infer head}[[...${infer rest}]]` ? { readonly [name in Names<head>]: value } & { readonly [name in rest]?: value[] } :
  pattern extends `${infer head}[...${infer rest}]`   ? { readonly [name in Names<head> | rest]: name extends rest ? value[] : value } :
  never

/** The params of a route that is not known yet: what a middleware sees that is written on its own. */
export interface AnyParams {
  /** A string, an array of them, or what the route's own schema makes of it. */
  readonly [name: string]: unknown
}

type HrefValue = string | number
interface AnyHrefParams {
  readonly [name: string]: HrefValue | readonly HrefValue[] | undefined
}

/** What `href` and the client take for a pattern: as `Params`, and numbers are written as they are. */
// prettier-ignore
export type HrefParams<pattern extends string> =
  pattern extends `${string}...${string}` ? CatchAllParams<pattern, HrefValue> :
  { readonly [name in Names<pattern>]: HrefValue }

/** What follows the pattern in a call of `href`: its params, if it has any, and the query. */
// prettier-ignore
export type HrefArguments<pattern extends string> =
  {} extends HrefParams<pattern> ? [params?: HrefParams<pattern>, options?: HrefOptions] : [params: HrefParams<pattern>, options?: HrefOptions]

/** One value in a query; `null` and `undefined` are left out. */
export type QueryValue = string | number | boolean | null | undefined

export interface HrefOptions {
  /** What follows the `?`. An array repeats its name. */
  readonly query?: { readonly [name: string]: QueryValue | readonly QueryValue[] }
  /** What follows the `#`, with or without it. */
  readonly hash?: string
}

/** What is wrong with a pattern, for the compiler to print; `unknown` when nothing is. */
// A sound pattern pays two tests: the templates of `Suspect` bind nothing, so they are never instantiated.
// prettier-ignore
export type PatternMistake<pattern extends string> =
  pattern extends `/${string}` ? pattern extends Suspect ? Mistake<pattern> : unknown :
  string extends pattern       ? unknown :
  InvalidPattern<'a pattern starts with /'>
type Suspect =
  | `${string}/`
  | `${string}//${string}`
  | `${string}[]${string}`
  | `${string}...]${string}`
  | `${string}/:${string}`
  | `${string}/*${string}`
  | `${string}...${string}]/${string}`
  | `${string}${'?' | '#' | ' ' | '\\'}${string}`
// prettier-ignore
type Mistake<pattern extends string> =
  pattern extends '/'                        ? unknown :
  pattern extends `${string}//${string}`     ? InvalidPattern<'a segment is empty'> :
  pattern extends `${string}/`               ? InvalidPattern<'a pattern does not end with /'> :
  pattern extends `${string}...${string}]/${string}` ? InvalidPattern<'a catch-all segment must come last'> :
  pattern extends `${string}/:${string}`     ? InvalidPattern<'a param is written [name], not :name'> :
  pattern extends `${string}/*${string}`     ? InvalidPattern<'a catch-all is written [...name], not *'> :
  pattern extends `${string}${'?' | '#' | ' ' | '\\'}${string}` ? InvalidPattern<'a pathname cannot hold this character'> :
  InvalidPattern<'a param has no name'>
/** Not a string: two literals would meet in `never`, and the message would be lost. */
export interface InvalidPattern<message extends string> {
  readonly '~message': message
}
