/** One segment of a pattern: literal text (decoded), or the name of the param that it captures. */
export interface Segment {
  readonly kind: 'static' | 'param' | 'catch-all' | 'optional-catch-all'
  readonly name: string
}

/** A malformed pattern. The message shows the position with a caret. */
export class PatternError extends Error {
  override readonly name = 'PatternError'
  constructor(mistake: string, pattern: string, index: number) {
    super(`${mistake}\n\n  ${pattern}\n  ${' '.repeat(index)}^\n`)
  }
}

/**
 * Parses a pattern in Next.js's grammar: `/items/new`, `[slug]`, `[...path]`, `[[...path]]`.
 *
 * @throws PatternError if the pattern is malformed.
 * @see https://nextjs.org/docs/app/api-reference/file-conventions/dynamic-routes
 */
export function parsePattern(pattern: string): readonly Segment[] {
  const fail = (mistake: string, index: number): never => {
    throw new PatternError(mistake, pattern, index)
  }
  if (typeof pattern !== 'string') throw new TypeError(`a pattern must be a string, not ${typeof pattern}`)
  if (pattern[0] !== '/') fail('a pattern must start with /', 0)
  const segments: Segment[] = []
  if (pattern === '/') return segments
  let index = 1
  let before = 0
  for (const text of pattern.slice(1).split('/')) {
    if (index === pattern.length) fail('a pattern must not end with /', index - 1)
    if (!text) fail('a segment must not be empty', index)
    if (segments.at(-1)?.kind.endsWith('catch-all')) fail('a catch-all segment must come last', before)
    const segment = parseSegment(text, index, fail)
    if (segment.kind !== 'static' && segments.some(({ kind, name }) => kind !== 'static' && name === segment.name))
      fail(`the pattern has the param '${segment.name}' twice`, index)
    segments.push(segment)
    before = index
    index += text.length + 1
  }
  return segments
}

function parseSegment(text: string, index: number, fail: (mistake: string, index: number) => never): Segment {
  const segment = toSegment(text)
  if (segment && segment.kind !== 'static') {
    const { name } = segment
    if (!/^[\p{L}\p{N}_$-]+$/u.test(name) || name === '__proto__')
      fail(`a param cannot be named '${name}'; use letters, digits, - and _`, index + text.search(/[^[.]/))
    return segment
  }
  const [, sign, name] = /^([:*{])([^}?]*)/.exec(text) ?? []
  if (sign) fail(`write [${sign === '*' ? '...' : ''}${name || 'name'}] instead of ${text}`, index)
  // eslint-disable-next-line no-control-regex
  const forbidden = text.search(/[\0-\x20\\?#\x7f[\]]/)
  const character = text[forbidden]
  if (character === '[' || character === ']')
    fail('a param must be a whole segment: [name], [...name] or [[...name]]', index + forbidden)
  if (character || isDots(text))
    fail(`a pathname cannot contain ${JSON.stringify(character ?? text)}`, index + Math.max(forbidden, 0))
  return segment ?? fail('a percent-escape is malformed', index + text.indexOf('%'))
}

/** Reads one segment. Returns `undefined` if the segment is malformed; `parsePattern` says why. */
export function toSegment(text: string): Segment | undefined {
  const [, open = '', name = '', close = ''] = /^(\[\[\.\.\.|\[\.\.\.|\[)([^[\]]*)(\]\]?)$/.exec(text) ?? []
  if (open && (open === '[[...') === (close === ']]'))
    return { kind: open === '[' ? 'param' : open === '[...' ? 'catch-all' : 'optional-catch-all', name }
  try {
    return { kind: 'static', name: decodeURIComponent(text) }
  } catch {
    return undefined
  }
}

/** Whether the URL parser would remove this segment: https://url.spec.whatwg.org/#double-dot-path-segment */
export const isDots = (segment: string): boolean => /^(?:\.|%2e){1,2}$/i.test(segment)

// ── types ──

// `'/a/[b]/[c]'` gives `'b' | 'c'`.
// prettier-ignore
type Names<pattern extends string> = pattern extends `${string}[${infer name}]${infer rest}` ? rest extends '' ? name : name | Names<rest> : never

/** The params a pattern captures: `'/a/[b]/[[...c]]'` gives `{ b: string, c?: string[] }`. */
// prettier-ignore
export type Params<pattern extends string> =
  pattern extends `${string}...${string}` ? CatchAllParams<pattern, string> :
  { readonly [name in Names<pattern>]: string }

/** The same with another type for each segment. `[[...c]]` is tested before `[...c]`, which would match both. */
// prettier-ignore
export type CatchAllParams<pattern extends string, value> =
  pattern extends `${infer head}[[...${infer rest}]]` ? { readonly [name in Names<head>]: value } & { readonly [name in rest]?: value[] } :
  pattern extends `${infer head}[...${infer rest}]`   ? { readonly [name in Names<head> | rest]: name extends rest ? value[] : value } :
  never

/** The names of the params of a pattern without catch-all segments, as a mapped type over `value`. */
export type PlainParams<pattern extends string, value> = { readonly [name in Names<pattern>]: value }

/** The params of any route, for middleware that is written on its own. */
export interface AnyParams {
  /** A string, an array of strings, or the output of the route's params schema. */
  readonly [name: string]: unknown
}

/** What is wrong with a pattern, for the compiler to print; `unknown` if the pattern is valid. */
// A valid pattern costs two tests: the templates of `Suspect` bind nothing, so they are never instantiated.
// prettier-ignore
export type PatternMistake<pattern extends string> =
  pattern extends `/${string}` ? pattern extends Suspect ? Mistake<pattern> : unknown :
  string extends pattern       ? unknown :
  InvalidPattern<'a pattern must start with /'>
type Suspect =
  | `${string}/`
  | `${string}//${string}`
  | `${string}[]${string}`
  | `${string}...]${string}`
  | `${string}/${':' | '*' | '{'}${string}`
  | `${string}...${string}]/${string}`
  | `${string}${'?' | '#' | ' ' | '\\'}${string}`
// prettier-ignore
type Mistake<pattern extends string> =
  pattern extends '/'                        ? unknown :
  pattern extends `${string}//${string}`     ? InvalidPattern<'a segment must not be empty'> :
  pattern extends `${string}/`               ? InvalidPattern<'a pattern must not end with /'> :
  pattern extends `${string}...${string}]/${string}` ? InvalidPattern<'a catch-all segment must come last'> :
  pattern extends `${string}/${':' | '{'}${string}`  ? InvalidPattern<'write a param as [name]'> :
  pattern extends `${string}/*${string}`     ? InvalidPattern<'write a catch-all as [...name], not *'> :
  pattern extends `${string}${'?' | '#' | ' ' | '\\'}${string}` ? InvalidPattern<'a pathname cannot contain this character'> :
  InvalidPattern<'a param must have a name'>
/** An object, because two string literals would be reduced to `never`, and the message would be lost. */
export interface InvalidPattern<message extends string> {
  readonly '~message': message
}
