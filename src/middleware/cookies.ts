import { fromBase64Url, toBase64Url } from '../headers/base64url.js'
import { formatSetCookie, parseCookie, type CookieOptions } from '../headers/cookie.js'
import type { AnyContext, Continued, Middleware, Next } from '../middleware.js'
import { errorOf } from '../problem.js'
import { withHeaders } from '#response'
import { toPrivate } from './private.js'

export type { CookieOptions } from '../headers/cookie.js'

export interface CookiesOptions {
  /**
   * Signs every cookie. The first secret signs, and all secrets verify. To rotate secrets, add a new one in front and
   * remove the old one later. Each secret needs at least 32 characters, such as the output of `openssl rand -base64 32`.
   * A cookie with an invalid signature is ignored. Signing does not encrypt: the browser can read the value.
   * @default cookies are not signed
   */
  readonly secrets?: readonly string[]
  /** The names of cookies that are not signed although `secrets` is set, such as those that a script sets. @default [] */
  readonly unsigned?: readonly string[]
  /** Default options of `set` and `delete`. @default { path: '/', httpOnly: true, secure: true, sameSite: 'lax' } */
  readonly defaults?: CookieOptions
}

/** A cookie's name and decoded value. */
export interface Cookie {
  readonly name: string
  readonly value: string
}

/** Identifies the cookie to delete. Repeat the options it was set with if they differ from the defaults. */
export type CookiePlace = Omit<CookieOptions, 'maxAge' | 'expires'>

/** The cookies of a request, including the changes that middleware and the handler made. */
export interface Cookies {
  /** Returns the cookie with this name, or `undefined`. */
  get(name: string): Cookie | undefined
  /** Returns all cookies, or those with this name: one or none. */
  getAll(name?: string): Cookie[]
  /** Returns whether there is a cookie with this name. */
  has(name: string): boolean
  /**
   * Sets a cookie with the response.
   *
   * @throws TypeError if a browser would ignore the cookie. @throws Error if the handler has already returned.
   */
  set(name: string, value: string, options?: CookieOptions): void
  set(cookie: Cookie & CookieOptions): void
  /** Deletes a cookie in the browser. The path, domain and `partitioned` must be those it was set with. */
  delete(name: string, place?: CookiePlace): void
  delete(cookie: { readonly name: string } & CookiePlace): void
  /** Deletes the request's cookies, with the default options, and the cookies that were set before. */
  clear(): void
}

/**
 * Adds `context.cookies`. Cookies that were set are sent with every response, including a 404 and a thrown `Response`, but
 * not with the 500 for an unhandled error. If such a response is cacheable by shared caches (`public` or `s-maxage`), its
 * `Cache-Control` becomes `private, max-age=0, must-revalidate`.
 *
 * @throws TypeError if a secret has fewer than 32 characters, or `defaults` are invalid.
 * @see https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis
 * @see https://nextjs.org/docs/app/api-reference/functions/cookies
 * @example
 * const visits = route('/visits')
 *   .use(cookies({ secrets: [process.env.COOKIE_SECRET!] }))
 *   .get((request, { cookies }) => {
 *     const count = Number(cookies.get('count')?.value ?? 0) + 1
 *     cookies.set('count', String(count), { maxAge: 3600 })
 *     return { count }
 *   })
 */
export function cookies(options: CookiesOptions = {}): Middleware<AnyContext, Continued<{ cookies: Cookies }>> {
  const defaults = merge({ path: '/', httpOnly: true, secure: true, sameSite: 'lax' }, options.defaults)
  formatSetCookie('defaults', '', defaults)
  const signer = toSigner(options)

  const send = (jar: Jar, response: Response): Response | Promise<Response> => {
    const writes = jar.close()
    if (!writes || errorOf(response) !== undefined) return response
    const add = (lines: readonly string[]): Response =>
      withHeaders(
        toPrivate(response),
        lines.map((line) => ['set-cookie', line] as const),
      )
    return signer ? Promise.all(writes.map(signer.sign)).then(add) : add(writes.map(({ line }) => line))
  }

  const respond = (jar: Jar, next: Next): Promise<Continued<{ cookies: Cookies }>> =>
    next<{ cookies: Cookies }>({ cookies: jar }, { map: (response) => send(jar, response) })

  return function respondWithCookies({ headers }, _context, next) {
    const header = signer && headers.get('cookie')
    return header
      ? signer.verify(parseCookie(header)).then((values) => respond(new Jar(() => values, defaults, signer), next))
      : respond(new Jar(() => parseCookie(headers.get('cookie') ?? ''), defaults, signer), next)
  }
}

interface Write {
  readonly name: string
  readonly value: string
  readonly options: CookieOptions
  readonly line: string
}

class Jar implements Cookies {
  readonly #read: () => Map<string, string>
  readonly #defaults: CookieOptions
  readonly #signer: Signer | undefined
  #parsed: Map<string, string> | undefined
  #writes: Map<string, Write> | undefined
  #closed = false

  constructor(read: () => Map<string, string>, defaults: CookieOptions, signer: Signer | undefined) {
    this.#read = read
    this.#defaults = defaults
    this.#signer = signer
  }

  get #values(): Map<string, string> {
    return (this.#parsed ??= this.#read())
  }

  get(name: string): Cookie | undefined {
    const value = this.#values.get(name)
    return value === undefined ? undefined : { name, value }
  }

  getAll(name?: string): Cookie[] {
    if (name === undefined) return Array.from(this.#values, ([name, value]) => ({ name, value }))
    const cookie = this.get(name)
    return cookie ? [cookie] : []
  }

  has(name: string): boolean {
    return this.#values.has(name)
  }

  set(
    ...[first, value, options]:
      | [Cookie & CookieOptions]
      | [name: string, value: string, options?: CookieOptions | undefined]
  ): void {
    if (typeof first === 'object') {
      const { name, value, ...options } = first
      this.#write(name, value, options)
    } else this.#write(first, value as string, options)
  }

  delete(
    ...[first, place]: [{ readonly name: string } & CookiePlace] | [name: string, place?: CookiePlace | undefined]
  ): void {
    const { name, ...rest } = typeof first === 'object' ? first : { ...place, name: first }
    this.#write(name, '', { ...rest, maxAge: 0 })
  }

  clear(): void {
    const names = [...this.#values.keys()]
    for (const { name, options } of this.#writes?.values() ?? []) this.#write(name, '', { ...options, maxAge: 0 })
    for (const name of names) this.delete(name)
  }

  #write(name: string, value: string, given: CookieOptions | undefined): void {
    if (this.#closed)
      throw new Error(`the cookie '${name}' was set after the response; set it before the handler returns`)
    const options = merge(this.#defaults, given)
    const line = formatSetCookie(name, value, options, this.#signer?.reserve(name))
    const { path, domain = '', partitioned = false, maxAge, expires } = options
    // Cookies with the same name, domain, path and partition replace each other: https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5.7
    const place = [name, domain.toLowerCase().replace(/^\./, ''), partitioned, path].join(';')
    ;(this.#writes ??= new Map()).set(place, { name, value, options, line })
    const isExpired = maxAge === undefined ? expires !== undefined && Number(expires) <= Date.now() : maxAge <= 0
    if (isExpired) this.#values.delete(name)
    else this.#values.set(name, value)
  }

  /** Returns the cookies to send, or `undefined` if none was set. Later calls of `set` and `delete` throw. */
  close(): Write[] | undefined {
    this.#closed = true
    return this.#writes && [...this.#writes.values()]
  }
}

// An option that is `undefined` does not override the default.
function merge(defaults: CookieOptions, given: CookieOptions | undefined): CookieOptions {
  if (!given) return defaults
  const merged: Record<string, unknown> = { ...defaults }
  for (const [key, value] of Object.entries(given)) if (value !== undefined) merged[key] = value
  return merged
}

// ── signing ──

interface Signer {
  /** Removes valid signatures from the values, and removes the cookies with an invalid one. */
  verify(values: Map<string, string>): Promise<Map<string, string>>
  readonly sign: (write: Write) => Promise<string>
  /** Returns the number of characters that signing adds. */
  reserve(name: string): number
}

// The length of `.` and 32 bytes in base64url.
const suffix = 44
const algorithm = { name: 'HMAC', hash: 'SHA-256' }
const encoder = new TextEncoder()

function toSigner({ secrets, unsigned = [] }: CookiesOptions): Signer | undefined {
  if (!secrets) {
    if (unsigned.length)
      throw new TypeError(
        'cookies({ unsigned }) needs secrets, because no cookie is signed without them; add secrets or remove unsigned',
      )
    return undefined
  }
  // A key must be at least as long as the hash: https://www.rfc-editor.org/rfc/rfc7518#section-3.2
  if (!secrets.length || secrets.some((secret) => typeof secret !== 'string' || secret.length < 32))
    throw new TypeError(
      'cookies({ secrets }) takes an array of secrets of at least 32 characters; create one with `openssl rand -base64 32`',
    )
  const plain = new Set(unsigned)
  // Stores the keys, not their promise: on Workers, a request cannot await a promise of another request.
  let imported: readonly CryptoKey[] | undefined
  const keys = async (): Promise<readonly CryptoKey[]> =>
    (imported ??= await Promise.all(
      secrets.map((secret) =>
        crypto.subtle.importKey('raw', encoder.encode(secret), algorithm, false, ['sign', 'verify']),
      ),
    ))

  const open = async (name: string, signed: string): Promise<string | undefined> => {
    const end = signed.length - suffix
    // The last character has two unused bits, which must be 0, so each signature has only one valid encoding.
    const [signature = ''] = /^\.[\w-]{42}[AEIMQUYcgkosw048]$/.exec(signed.slice(Math.max(end, 0))) ?? []
    if (!signature) return undefined
    const value = signed.slice(0, end)
    const bytes = fromBase64Url(signature.slice(1))
    for (const key of await keys())
      if (await crypto.subtle.verify(algorithm, key, bytes, toMessage(name, value))) return value
    return undefined
  }

  return {
    async verify(values) {
      const all = Array.from(values, async ([name, signed]) => {
        if (plain.has(name)) return
        const value = await open(name, signed)
        if (value === undefined) values.delete(name)
        else values.set(name, value)
      })
      await Promise.all(all)
      return values
    },
    async sign({ name, value, line, options: { maxAge } }) {
      if (plain.has(name) || maxAge === 0) return line
      const [key] = await keys()
      const signature = toBase64Url(await crypto.subtle.sign(algorithm, key!, toMessage(name, value)))
      const end = line.indexOf(';')
      return `${line.slice(0, end)}.${signature}${line.slice(end)}`
    },
    reserve: (name) => (plain.has(name) ? 0 : suffix),
  }
}

// The signature covers the name, so a value cannot be moved to another cookie. A name cannot contain `=`.
const toMessage = (name: string, value: string): Uint8Array<ArrayBuffer> => encoder.encode(`${name}=${value}`)
