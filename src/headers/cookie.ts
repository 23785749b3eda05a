import { parseCookie as parse, serializeCookie } from 'cookie-es'

/** Where a cookie is valid, how long, and who may read it. */
export interface CookieOptions {
  /** The pathnames that get the cookie: this one and those below it. @default '/' */
  readonly path?: string | undefined
  /** The host that gets the cookie, with its subdomains. @default only the host that answers */
  readonly domain?: string | undefined
  /** Seconds until the browser forgets the cookie; 0 deletes it. It wins over `expires`. @default until the browser closes */
  readonly maxAge?: number | undefined
  /** When the browser forgets the cookie: a Date, or its milliseconds. */
  readonly expires?: Date | number | undefined
  /** Whether scripts in the page cannot read it. @default true */
  readonly httpOnly?: boolean | undefined
  /** Whether it travels over HTTPS only. Browsers make an exception for `http://localhost`, Safari does not. @default true */
  readonly secure?: boolean | undefined
  /** Which requests of other sites carry it: none, links that lead here, or all. @default 'lax' */
  readonly sameSite?: 'strict' | 'lax' | 'none' | undefined
  /**
   * Whether each top-level site gets a cookie of its own. @default false
   * @see https://developer.mozilla.org/docs/Web/Privacy/Guides/Privacy_sandbox/Partitioned_cookies
   */
  readonly partitioned?: boolean | undefined
  /** Which cookies Chrome drops first when it has too many. @default none */
  readonly priority?: 'low' | 'medium' | 'high' | undefined
}

// Beyond these, browsers ignore a cookie in silence: https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5.6
const maxPair = 4096
const maxAttribute = 1024

/**
 * The values of a `Cookie` header by name. Names are never decoded; what has no name is dropped, and of equal names the
 * first one counts, as the browser sends the most specific one first.
 *
 * @see https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5.8.3
 */
export function parseCookie(header: string): Map<string, string> {
  return new Map(Object.entries(parse(header, { filter: (name) => name !== '' })) as [string, string][])
}

/**
 * A `Set-Cookie` header. The value is percent-encoded; `reserve` characters are kept free behind it.
 *
 * @throws TypeError for what a browser would ignore or read as something else.
 * @see https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-4.1
 */
export function formatSetCookie(name: string, value: string, options: CookieOptions, reserve = 0): string {
  try {
    check(name, value, options)
    const { expires, ...rest } = options as { [key in keyof CookieOptions]: NonNullable<CookieOptions[key]> }
    const line = serializeCookie(name, value, expires === undefined ? rest : { ...rest, expires: new Date(expires) })
    const [pair = ''] = line.split(';', 1)
    if (pair.length - 1 + reserve > maxPair) throw new TypeError(`its name and value are over ${maxPair} bytes`)
    return line
  } catch (error) {
    throw new TypeError(`the cookie ${JSON.stringify(name)} cannot be written: ${(error as Error).message}`, {
      cause: error,
    })
  }
}

const flags = ['httpOnly', 'secure', 'partitioned'] as const
const known = new Set(['path', 'domain', 'maxAge', 'expires', 'sameSite', 'priority', ...flags])

// What cookie-es lets through, or leaves out without a word.
function check(name: string, value: string, options: CookieOptions): void {
  const fail = (mistake: string): never => {
    throw new TypeError(mistake)
  }
  // https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2
  if (typeof name !== 'string' || !/^[!#$%&'*+\-.^_`|~\w]+$/.test(name))
    fail("a name holds letters, digits and !#$%&'*+-.^_`|~ only")
  if (typeof value !== 'string') fail(`a value is a string, not ${value === null ? 'null' : typeof value}`)
  for (const key of Object.keys(options)) if (!known.has(key)) fail(`there is no option '${key}'`)
  const { path, domain, expires, sameSite, priority } = options
  for (const flag of flags)
    if (options[flag] !== undefined && typeof options[flag] !== 'boolean') fail(`'${flag}' is true or false`)
  if (path !== undefined && !(typeof path === 'string' && path[0] === '/' && path.length <= maxAttribute))
    fail("a path starts with '/'")
  if (domain !== undefined && !(typeof domain === 'string' && domain !== '' && domain.length <= maxAttribute))
    fail("a domain is a host name such as 'example.com'")
  if (sameSite !== undefined && !['strict', 'lax', 'none'].includes(sameSite))
    fail("'sameSite' is 'strict', 'lax' or 'none'")
  if (priority !== undefined && !['low', 'medium', 'high'].includes(priority))
    fail("'priority' is 'low', 'medium' or 'high'")
  if (expires !== undefined) {
    // https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5.1.1 knows no other years.
    const year = new Date(expires).getUTCFullYear()
    if (!(year >= 1601 && year <= 9999)) fail("'expires' is a Date between the years 1601 and 9999")
  }
  // Browsers ignore a cookie that breaks the promise of its name: https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-4.1.3
  const [prefix] = /^__(?:host-http|host|secure|http)-/i.exec(name) ?? []
  if (!prefix) return
  if (!options.secure) fail(`a ${prefix} cookie must be secure`)
  if (/http/i.test(prefix) && !options.httpOnly) fail(`a ${prefix} cookie must be httpOnly`)
  if (/host/i.test(prefix) && (path !== '/' || domain !== undefined))
    fail(`a ${prefix} cookie has the path '/' and no domain`)
}
