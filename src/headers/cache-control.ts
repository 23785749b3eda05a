/** Directives by their names in lower case, with the argument of those that have one. */
export type CacheControl = ReadonlyMap<string, string | undefined>

// Long beyond all use: whatever stands in it, nobody may keep the answer.
const maxLength = 4_096
const tooLong: CacheControl = new Map([['no-store', undefined]])

// https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2 and 5.6.4
const token = /[!#$%&'*+\-.^`|~\w]+/y
const quoted = /"(?:[\t\x20\x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t\x20-\x7e\x80-\xff])*"/y

const lifetimes = new Set(['max-age', 's-maxage', 'stale-while-revalidate', 'stale-if-error'])

/**
 * The directives of a `Cache-Control` header. What cannot be read is taken for the least that it may mean: whatever looks
 * like a directive is one, with an empty argument where there is rubbish beside it; a lifetime that is no number, or that
 * two directives have differently, is `0`.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9111#section-5.2
 */
export function parseCacheControl(header: string): CacheControl {
  if (header.length > maxLength) return tooLong
  const directives = new Map<string, string | undefined>()
  let isBroken = false
  for (let at = 0; at < header.length;) {
    const name = match(token, header, at)
    if (name === undefined) {
      isBroken = header[at] !== ',' && (isBroken || !isSpace(header, at))
      at++
      continue
    }
    at += name.length
    let argument: string | undefined
    if (header[at] === '=') {
      at++
      argument = match(token, header, at) ?? match(quoted, header, at) ?? ''
      at += argument.length
    }
    while (isSpace(header, at)) at++
    isBroken ||= at < header.length && header[at] !== ','
    add(directives, name.toLowerCase(), isBroken ? '' : argument && unquote(argument))
  }
  return directives
}

/**
 * A `Cache-Control` header.
 *
 * @throws TypeError for a name or an argument that no header can hold.
 */
export function formatCacheControl(
  directives: Iterable<readonly [name: string, argument?: string | number | undefined]>,
): string {
  return Array.from(directives, ([name, argument]) => {
    if (!isToken(name)) throw new TypeError(`${JSON.stringify(name)} is no name of a directive`)
    return argument === undefined ? name : `${name}=${formatArgument(name, String(argument))}`
  }).join(', ')
}

function formatArgument(name: string, argument: string): string {
  // The names of fields are quoted even if there is one: https://www.rfc-editor.org/rfc/rfc9111#section-5.2.2.7
  if (isToken(argument) && name !== 'private' && name !== 'no-cache') return argument
  if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(argument))
    throw new TypeError(`${name} cannot have ${JSON.stringify(argument)} as its argument`)
  return `"${argument.replace(/["\\]/g, '\\$&')}"`
}

// https://www.rfc-editor.org/rfc/rfc9111#section-4.2.1: what says two things is stale.
function add(directives: Map<string, string | undefined>, name: string, given: string | undefined): void {
  const argument = lifetimes.has(name) ? toSeconds(given) : given
  if (!directives.has(name)) directives.set(name, argument)
  else if (directives.get(name) !== argument) directives.set(name, lifetimes.has(name) ? '0' : '')
}

// https://www.rfc-editor.org/rfc/rfc9111#section-1.2.2
const toSeconds = (argument: string | undefined): string =>
  argument !== undefined && /^\d+$/.test(argument) ? String(Math.min(Number(argument), 2 ** 31)) : '0'

function match(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0]
}

const unquote = (text: string): string => (text[0] === '"' ? text.slice(1, -1).replace(/\\(.)/g, '$1') : text)
const isToken = (text: string): boolean => match(token, text, 0)?.length === text.length && text !== ''
const isSpace = (text: string, at: number): boolean => text[at] === ' ' || text[at] === '\t'
