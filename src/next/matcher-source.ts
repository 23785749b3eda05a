/** One element of `config.matcher` in a `proxy.ts`. */
export type MatcherRule =
  | string
  | { readonly source: string; readonly has?: readonly Condition[]; readonly missing?: readonly Condition[] }

export interface Condition {
  readonly type: 'header' | 'cookie' | 'query' | 'host'
  readonly key?: string
  /** A regular expression that the whole value must match. */
  readonly value?: string
}

/**
 * Converts a `source` of Next.js to a regular expression: `/about/:path*`, `/item-:id(\\d+)`, `/((?!api|_next).*)`.
 *
 * @throws TypeError if the source does not begin with `/` or is malformed.
 * @see https://nextjs.org/docs/app/api-reference/file-conventions/proxy#matcher
 */
export function toRegExp(source: string): RegExp {
  if (source[0] !== '/') throw new TypeError(`the matcher ${JSON.stringify(source)} of the proxy must begin with /`)
  let result = ''
  for (let at = 0; at < source.length;) {
    const [whole, slash = '', name = '', group = '', modifier = ''] = token(source, at)
    if (whole === undefined) {
      if (source[at] === '(' || source[at] === ')') fail(source)
      result += source[at]!.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
      at++
      continue
    }
    at += whole.length
    const one = group || (name && '[^/]+?')
    if (modifier === '*') result += `(?:${escape(slash)}(?:${one})(?:/(?:${one}))*)?`
    else if (modifier === '+') result += `${escape(slash)}(?:${one})(?:/(?:${one}))*`
    else if (modifier === '?') result += `(?:${escape(slash)}(?:${one}))?`
    else result += `${escape(slash)}(?:${one})`
  }
  try {
    return new RegExp(`^${result}/?$`, 'i')
  } catch (cause) {
    return fail(source, cause)
  }
}

function fail(source: string, cause?: unknown): never {
  throw new TypeError(`the matcher ${JSON.stringify(source)} of the proxy is malformed`, { cause })
}

const escape = (slash: string): string => slash && '/'

/** A param, a group in parentheses, or both, with the slash before and the modifier after it. */
function token(source: string, from: number): (string | undefined)[] {
  const rest = source.slice(from)
  const [start, slash, name] = /^(\/?)(?::(\w+))?/.exec(rest)!
  const group = rest[start.length] === '(' ? groupAt(rest, start.length) : undefined
  if (name === undefined && group === undefined) return []
  const end = start.length + (group?.length ?? 0)
  const modifier = /^[*+?]/.exec(rest.slice(end))?.[0] ?? ''
  return [rest.slice(0, end + modifier.length), slash, name, group?.slice(1, -1), modifier]
}

function groupAt(text: string, from: number): string | undefined {
  let depth = 0
  for (let at = from; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === '(') depth++
    else if (text[at] === ')' && --depth === 0) return text.slice(from, at + 1)
  }
  return undefined
}

/** Makes the test whether a `proxy.ts` runs for a request. */
export function toMatches(
  rules: MatcherRule | readonly MatcherRule[] | undefined,
): (request: Request, pathname: string, url: URL) => boolean {
  if (rules === undefined) return () => true
  const all = [rules].flat().map((rule) => {
    const {
      source,
      has = [],
      missing = [],
    } = typeof rule === 'string' ? { source: rule } : (rule as Exclude<MatcherRule, string>)
    return { expression: toRegExp(source), has, missing }
  })
  return (request, pathname, url) =>
    all.some(
      ({ expression, has, missing }) =>
        expression.test(pathname) &&
        has.every((condition) => isMet(condition, request, url)) &&
        !missing.some((condition) => isMet(condition, request, url)),
    )
}

function isMet({ type, key = '', value }: Condition, { headers }: Request, url: URL): boolean {
  const given =
    type === 'header'
      ? headers.get(key)
      : type === 'query'
        ? url.searchParams.get(key)
        : type === 'host'
          ? url.hostname
          : cookieOf(headers, key)
  if (given === null || given === undefined) return false
  return value === undefined || new RegExp(`^(?:${value})$`).test(given)
}

const cookieOf = (headers: Headers, name: string): string | undefined =>
  (headers.get('cookie') ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .find((pair) => pair.startsWith(`${name}=`))
    ?.slice(name.length + 1)
