import { Matcher, paramsOf, RouterError } from './matcher.js'
import { href, parsePattern, type Params, type PatternMistake } from './pattern.js'

/** From one pattern to another: what `redirects()` and a router's `rewrites` are lists of. */
export interface Rule {
  /** The pattern that is matched. */
  readonly source: string
  /** Where it leads. `[name]` stands for what the source captured, in the path, the query and the hash. */
  readonly destination: string
}

/** What is wrong with a list of rules, for the compiler to print; `unknown` when nothing is. */
export type RuleMistakes<rules extends readonly Rule[]> = { readonly [index in keyof rules]: RuleMistake<rules[index]> }
// prettier-ignore
type RuleMistake<rule extends Rule> =
  string extends rule['source'] | rule['destination']             ? unknown :
  Params<rule['source']> extends Params<PathOf<rule['destination']>> ? { readonly source: PatternMistake<rule['source']> } :
  { readonly destination: { readonly '~message': 'the destination has a param that its source does not capture' } }
type PathOf<destination extends string> = destination extends `${infer path}#${string}` ? path : destination

/** Where the rules lead from the pathname that stands in `url` from `start` to `end`: the rule, and its destination with the request's own query behind it. */
export type Follow<rule> = (
  url: string,
  start: number,
  end: number,
) => { readonly rule: rule; readonly target: string } | undefined

/**
 * The function that follows a list of rules. Sources are matched as routes are, the most specific one first.
 *
 * @throws RouterError if a destination uses what its source does not capture, or two sources fit the same pathnames.
 */
export function toFollow<rule extends Rule>(rules: readonly rule[]): Follow<rule> {
  const matcher = new Matcher(rules.map((rule) => [rule.source, { rule, write: toWriter(rule) }] as const))
  return (url, start, end) => {
    let match
    try {
      match = matcher.find(url, start, end)
    } catch {
      return undefined
    }
    if (!match) return undefined
    const { rule, write } = match.value
    return {
      rule,
      target: write(
        paramsOf(match, url, start, end),
        url.charCodeAt(end) === 63 ? url.slice(end + 1).replace(/#.*/s, '') : '',
      ),
    }
  }
}

function toWriter({
  source,
  destination,
}: Rule): (params: Record<string, string | string[]>, search: string) => string {
  const [, origin = '', path = '', query = '', hash = ''] =
    /^((?:[a-z][a-z\d+.-]*:)?\/\/[^/?#]+)?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/is.exec(destination)!
  const pattern = path || '/'
  const captured = new Map(parsePattern(source).map(({ kind, name }) => [name, kind]))
  const used = [
    ...parsePattern(pattern).filter(({ kind }) => kind !== 'static'),
    ...[...`${query}#${hash}`.matchAll(/\[([^[\]]+)\]/g)].map(([, name = '']) => ({ kind: 'param', name })),
  ]
  for (const { kind, name } of used) {
    const from = captured.get(name)
    if (
      from === undefined ||
      from === 'static' ||
      (from === 'param') !== (kind === 'param') ||
      (from === 'optional-catch-all' && kind === 'catch-all')
    )
      throw new RouterError(
        `the destination '${destination}' uses [${name}], which its source '${source}' does not capture in that way`,
      )
  }
  const fill = (text: string, params: Record<string, string | string[]>): string =>
    text.replace(/\[([^[\]]+)\]/g, (_, name: string) => encodeURIComponent([params[name] ?? []].flat().join('/')))
  return (params, search) => {
    const whole = [fill(query, params), search].filter(Boolean).join('&')
    return origin + href(pattern, params as never) + (whole && `?${whole}`) + (hash && `#${fill(hash, params)}`)
  }
}
