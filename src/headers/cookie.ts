import { parseCookie as parse, serializeCookie } from 'cookie-es'

/** The attributes of a `Set-Cookie` header. */
export interface CookieOptions {
  /** The browser sends the cookie for this pathname and all pathnames below it. @default '/' */
  readonly path?: string | undefined
  /** The browser sends the cookie to this domain and its subdomains. @default only the host that set it */
  readonly domain?: string | undefined
  /** Lifetime in seconds; 0 deletes the cookie. Takes precedence over `expires`. @default until the browser closes */
  readonly maxAge?: number | undefined
  /** The time when the browser deletes the cookie: a Date, or milliseconds since 1970. */
  readonly expires?: Date | number | undefined
  /** Hides the cookie from scripts. @default true */
  readonly httpOnly?: boolean | undefined
  /** Sends the cookie over HTTPS only. Browsers except Safari also send it to `http://localhost`. @default true */
  readonly secure?: boolean | undefined
  /** Requests from other sites that carry the cookie: none (`strict`), links to this site (`lax`), or all (`none`). @default 'lax' */
  readonly sameSite?: 'strict' | 'lax' | 'none' | undefined
  /**
   * Stores a separate cookie for each top-level site. @default false
   * @see https://developer.mozilla.org/docs/Web/Privacy/Guides/Privacy_sandbox/Partitioned_cookies
   */
  readonly partitioned?: boolean | undefined
  /** The order in which Chrome evicts cookies if a site has too many; `low` first. @default unset */
  readonly priority?: 'low' | 'medium' | 'high' | undefined
}

// Browsers silently ignore longer cookies: https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5.6
const maxPair = 4096
const maxAttribute = 1024

const named = { filter: (name: string): boolean => name !== '' }

/**
 * Parses a `Cookie` header to values by name. Values are percent-decoded, names are not. Pairs without a name are ignored.
 * Of duplicate names the first counts, because browsers send the most specific cookie first.
 *
 * @see https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5.8.3
 */
export function parseCookie(header: string): Map<string, string> {
  const values = parse(header, named)
  const map = new Map<string, string>()
  for (const name in values) map.set(name, values[name]!)
  return map
}

/**
 * Formats a `Set-Cookie` header and percent-encodes the value. Name and value can have 4096 bytes, less the `reserve` that
 * the caller appends to the value.
 *
 * @throws TypeError if a browser would ignore the cookie or read it differently.
 * @see https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-4.1
 */
export function formatSetCookie(name: string, value: string, options: CookieOptions, reserve = 0): string {
  try {
    check(name, value, options)
    const { expires, ...rest } = options as { [key in keyof CookieOptions]: NonNullable<CookieOptions[key]> }
    const line = serializeCookie(
      name,
      value.toWellFormed(),
      expires === undefined ? rest : { ...rest, expires: new Date(expires) },
    )
    const [pair = ''] = line.split(';', 1)
    if (pair.length - 1 + reserve > maxPair) throw new TypeError(`its name and value are longer than ${maxPair} bytes`)
    return line
  } catch (error) {
    throw new TypeError(`the cookie ${JSON.stringify(name)} cannot be set: ${(error as Error).message}`, {
      cause: error,
    })
  }
}

const flags = ['httpOnly', 'secure', 'partitioned'] as const
const known = new Set(['path', 'domain', 'maxAge', 'expires', 'sameSite', 'priority', ...flags])

// Checks that cookie-es does not make, and options that it silently ignores.
function check(name: string, value: string, options: CookieOptions): void {
  const fail = (mistake: string): never => {
    throw new TypeError(mistake)
  }
  // https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2
  if (typeof name !== 'string' || !/^[!#$%&'*+\-.^_`|~\w]+$/.test(name))
    fail("a name can contain only letters, digits and !#$%&'*+-.^_`|~")
  if (typeof value !== 'string') fail(`a value must be a string, not ${value === null ? 'null' : typeof value}`)
  for (const key of Object.keys(options))
    if (!known.has(key)) fail(`'${key}' is not a cookie option; the options are ${[...known].join(', ')}`)
  const { path, domain, expires, sameSite, priority } = options
  for (const flag of flags)
    if (options[flag] !== undefined && typeof options[flag] !== 'boolean')
      fail(`'${flag}' must be true or false, not ${String(options[flag])}`)
  if (path !== undefined && !(typeof path === 'string' && path[0] === '/' && path.length <= maxAttribute))
    fail(`'path' must start with '/' and have at most ${maxAttribute} characters`)
  if (domain !== undefined && !(typeof domain === 'string' && domain !== '' && domain.length <= maxAttribute))
    fail(`'domain' must be a host name such as 'example.com' of at most ${maxAttribute} characters`)
  if (sameSite !== undefined && !['strict', 'lax', 'none'].includes(sameSite))
    fail("'sameSite' must be 'strict', 'lax' or 'none'")
  if (priority !== undefined && !['low', 'medium', 'high'].includes(priority))
    fail("'priority' must be 'low', 'medium' or 'high'")
  if (expires !== undefined) {
    // Browsers reject other years: https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5.1.1
    const year = new Date(expires).getUTCFullYear()
    if (!(year >= 1601 && year <= 9999)) fail("'expires' must be a Date in the years 1601 to 9999")
  }
  // Browsers ignore a cookie whose attributes contradict its name's prefix: https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-4.1.3
  const [prefix] = /^__(?:host-http|host|secure|http)-/i.exec(name) ?? []
  if (!prefix) return
  if (!options.secure) fail(`a ${prefix} cookie must be secure`)
  if (/http/i.test(prefix) && !options.httpOnly) fail(`a ${prefix} cookie must be httpOnly`)
  if (/host/i.test(prefix) && (path !== '/' || domain !== undefined))
    fail(`a ${prefix} cookie must have the path '/' and no domain`)
}
