import type { Rule } from '../app.js'
import { href } from '../href.js'
import { Matcher, paramsOf, RouterError } from '../matcher.js'
import { isDots, parsePattern, type InvalidPattern, type PatternMistake } from '../pattern.js'

/** The mistakes in a list of rules, for the compiler to print. */
export type RuleMistakes<rules extends readonly Rule[]> = {
  readonly [index in keyof rules]: rules[index] & RuleMistake<rules[index]>
}
// prettier-ignore
type RuleMistake<rule extends Rule> =
  string extends rule['source'] | rule['destination'] ? unknown :
  unknown extends PatternMistake<rule['source']>      ? DestinationMistake<Exclude<Used<rule['destination']>, Captured<rule['source']> | ''>> :
  { readonly source: PatternMistake<rule['source']> }
// prettier-ignore
type DestinationMistake<unknownTokens extends string> =
  [unknownTokens] extends [never] ? unknown : { readonly destination: InvalidPattern<`the source does not capture [${unknownTokens}]`> }

// `'/a/[b]/[[...c]]?d=[b]'` gives `'b' | '[...c'`.
// prettier-ignore
type Tokens<text extends string> = text extends `${string}[${infer token}]${infer rest}` ? token | Tokens<rest> : never

// The brackets of an IPv6 address are not params.
// prettier-ignore
type Used<destination extends string> =
  destination extends `http${'' | 's'}://${infer rest}` ? rest extends `${string}/${infer path}` ? Tokens<path> : never :
  Tokens<destination>

// A catch-all can be used as an optional catch-all.
type Captured<source extends string> = Tokens<source> | WithOptional<Tokens<source>>
type WithOptional<token extends string> = token extends `...${string}` ? `[${token}` : never

/** Finds the rule for the pathname of `url` from `start` to `end`. `target` is its destination, followed by the request's own query. */
export type Follow<rule> = (
  url: string,
  start: number,
  end: number,
) => { readonly rule: rule; readonly target: string } | undefined

export interface FollowOptions {
  /** Whether a destination can have an origin, and a trailing slash of the pathname is ignored. @default false */
  readonly isRedirect?: boolean
}

/**
 * Makes the function that follows a list of rules, for middleware such as `redirects()`. Sources are matched as routes are:
 * the most specific one first. The function returns `undefined` if no source matches.
 *
 * @throws PatternError if a source or destination is not a valid pattern.
 * @throws RouterError if a destination uses a param that its source does not capture, or two sources match the same pathnames.
 * @example
 * const follow = toFollow([{ source: '/products/[slug]', destination: '/items/[slug]' }])
 * follow('/products/a?x=1', 0, 11)?.target // '/items/a?x=1'
 */
export function toFollow<rule extends Rule>(
  rules: readonly rule[],
  { isRedirect = false }: FollowOptions = {},
): Follow<rule> {
  const sources = new Set<string>()
  for (const { source } of rules)
    if (sources.size === sources.add(source).size)
      throw new RouterError(`two rules have the source '${source}'; remove one of the two`)
  const matcher = new Matcher(rules.map((rule) => [rule.source, { rule, write: toWriter(rule, isRedirect) }] as const))
  return (url, start, end) => {
    const pathEnd = isRedirect && end - start > 2 && url.charCodeAt(end - 1) === 47 ? end - 1 : end
    try {
      const match = matcher.find(url, start, pathEnd)
      if (!match) return undefined
      const params = paramsOf(match, url, start, pathEnd)
      if (Object.values(params).flat().some(isDots)) return undefined
      const { rule, write } = match.value
      return { rule, target: write(params, searchOf(url, end)) }
    } catch (error) {
      // The router responds to a malformed escape.
      if (error instanceof URIError) return undefined
      throw error
    }
  }
}

// The query without its `?`.
function searchOf(url: string, end: number): string {
  if (url.charCodeAt(end) !== 63) return ''
  const hash = url.indexOf('#', end)
  return url.slice(end + 1, hash === -1 ? undefined : hash)
}

type Params = Record<string, string | string[]>
type Write = (params: Params, search: string) => string

function toWriter({ source, destination }: Rule, isRedirect: boolean): Write {
  const fail = (mistake: string): never => {
    throw new RouterError(`the destination '${destination}' of the source '${source}' ${mistake}`)
  }
  if (typeof destination !== 'string') fail('is not a string')
  const [, origin = '', path = '', query = '', hash = ''] =
    /^([a-z][a-z\d+.-]*:\/\/[^/?#]*)?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/is.exec(destination)!
  if (origin && !isRedirect) fail('has an origin; a rewrite must have a path of this app as its destination')
  if (origin && !(URL.canParse(origin) && /^https?:$/.test(new URL(origin).protocol)))
    fail('must have a fixed origin such as https://new.example')
  const captured = new Set(tokensOf(source))
  const check = (token: string): string =>
    captured.has(token) || (token.startsWith('[...') && captured.has(token.slice(1)))
      ? token.replace(/^\[?(?:\.\.\.)?/, '')
      : fail(`uses [${token}], which its source does not capture`)

  const pattern = path || '/'
  tokensOf(pattern).forEach(check)
  const fillQuery = toFill(query, check)
  const fillHash = toFill(hash, check)
  const own = new Set(new URLSearchParams(query).keys())
  return (params, search) => {
    const whole = [fillQuery(params), without(own, search)].filter(Boolean).join('&')
    return origin + href(pattern, params as never) + (whole && `?${whole}`) + (hash && `#${fillHash(params)}`)
  }
}

const opening = { param: '', 'catch-all': '...', 'optional-catch-all': '[...' }

// The text between the brackets of each param.
const tokensOf = (pattern: string): string[] =>
  parsePattern(pattern).flatMap(({ kind, name }) => (kind === 'static' ? [] : [opening[kind] + name]))

function toFill(text: string, check: (token: string) => string): (params: Params) => string {
  // The tokens are at the odd indexes.
  const parts = text.split(/\[(\[?[^[\]]+)\]\]?/).map((part, index) => (index % 2 ? check(part) : part))
  return (params) =>
    parts.map((part, index) => (index % 2 ? encodeURIComponent([params[part] ?? []].flat().join('/')) : part)).join('')
}

// A name in the destination's own query replaces the request's.
function without(own: ReadonlySet<string>, search: string): string {
  if (!own.size) return search
  return search
    .split('&')
    .filter((pair) => ![...new URLSearchParams(pair).keys()].some((name) => own.has(name)))
    .join('&')
}
