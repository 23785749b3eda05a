/** Cache-Control directives: lower-case names, each with its argument or `undefined`. */
export type CacheControl = ReadonlyMap<string, string | undefined>

// No real header is longer. A longer one is not parsed, and counts as `no-store`.
const maxLength = 4_096
const tooLong: CacheControl = new Map([['no-store', undefined]])

// https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2 and 5.6.4
const token = /[!#$%&'*+\-.^`|~\w]+/y
const quoted = /"(?:[\t\x20\x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t\x20-\x7e\x80-\xff])*"/y

const lifetimes = new Set(['max-age', 's-maxage', 'stale-while-revalidate', 'stale-if-error'])

/**
 * Parses a `Cache-Control` header and never throws. Malformed input gets its most restrictive meaning:
 * - Every token is a directive. Invalid characters next to it make its argument empty.
 * - A lifetime that is not a number, or that two directives give different values, is `0`.
 * - A header of more than 4096 characters is `no-store`.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9111#section-5.2
 */
export function parseCacheControl(header: string): CacheControl {
  if (header.length > maxLength) return tooLong
  const directives = new Map<string, string | undefined>()
  let isMalformed = false
  for (let at = 0; at < header.length;) {
    const name = match(token, header, at)
    if (name === undefined) {
      isMalformed = header[at] !== ',' && (isMalformed || !isSpace(header, at))
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
    isMalformed ||= at < header.length && header[at] !== ','
    add(directives, name.toLowerCase(), isMalformed ? '' : argument && unquote(argument))
  }
  return directives
}

/**
 * Formats a `Cache-Control` header.
 *
 * @throws TypeError if a name is not a token, or if an argument has characters outside ISO 8859-1 or control characters.
 */
export function formatCacheControl(
  directives: Iterable<readonly [name: string, argument?: string | number | undefined]>,
): string {
  return Array.from(directives, ([name, argument]) => {
    if (!isToken(name))
      throw new TypeError(`${JSON.stringify(name)} is not a valid directive name; use a token such as 'max-age'`)
    return argument === undefined ? name : `${name}=${formatArgument(name, String(argument))}`
  }).join(', ')
}

function formatArgument(name: string, argument: string): string {
  // A list of field names is quoted even if it has only one: https://www.rfc-editor.org/rfc/rfc9111#section-5.2.2.7
  if (isToken(argument) && name !== 'private' && name !== 'no-cache') return argument
  if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(argument))
    throw new TypeError(
      `the argument of ${name} has characters that a header cannot contain: ${JSON.stringify(argument)}`,
    )
  return `"${argument.replace(/["\\]/g, '\\$&')}"`
}

// Contradicting lifetimes mean stale: https://www.rfc-editor.org/rfc/rfc9111#section-4.2.1
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
