import { formatSetCookie, parseCookie, type CookieOptions } from '../headers/cookie.js'
import type { AnyContext, Continued, Middleware } from '../middleware.js'
import { errorOf } from '../problem.js'
import { withHeaders } from '#response'

export type { CookieOptions } from '../headers/cookie.js'

export interface CookiesOptions {
  /**
   * Signs every cookie: the first secret signs, and each one verifies, so that a new one is put in front and an old one
   * taken away later. At least 32 characters each, such as `openssl rand -base64 32` prints. A cookie whose signature
   * does not fit is as if it were not there. A signature hides nothing: what the browser must not read stays out.
   * @default nothing is signed
   */
  readonly secrets?: readonly string[]
  /** With `secrets`, the names of the cookies that go without, such as those that a script sets. @default [] */
  readonly unsigned?: readonly string[]
  /** What `set` and `delete` take for each option that a call leaves out. @default { path: '/', httpOnly: true, secure: true, sameSite: 'lax' } */
  readonly defaults?: CookieOptions
}

/** A cookie as the jar gives it. */
export interface Cookie {
  readonly name: string
  readonly value: string
}

/** Where a cookie is that is deleted: the options it was set with, where they were not the defaults. */
export type CookiePlace = Omit<CookieOptions, 'maxAge' | 'expires'>

/** The cookies of one exchange: those that the request brought, as changed by what was set since. */
export interface Cookies {
  get(name: string): Cookie | undefined
  /** Every cookie, or those of one name. */
  getAll(name?: string): Cookie[]
  has(name: string): boolean
  /** @throws TypeError for what a browser would ignore; Error when the answer has gone. */
  set(name: string, value: string, options?: CookieOptions): void
  set(cookie: Cookie & CookieOptions): void
  /** Tells the browser to forget a cookie. It does only if path, domain and `partitioned` are those it was set with. */
  delete(name: string, place?: CookiePlace): void
  delete(cookie: { readonly name: string } & CookiePlace): void
  /** Deletes every cookie that the jar has. */
  clear(): void
}

/**
 * Adds `context.cookies`, the jar. What was set is sent with every answer, a 404 or a thrown Response too, but not with
 * a 500 for an error that nobody handled.
 *
 * @throws TypeError for a secret that is too short, or defaults that contradict each other.
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

  const answer = (jar: Jar, next: Parameters<ReturnType<typeof cookies>>[2]) =>
    next<{ cookies: Cookies }>({ cookies: jar }).then((response) => {
      const writes = jar.close()
      if (!writes || errorOf(response) !== undefined) return response
      const send = (lines: readonly string[]) =>
        withHeaders(
          toPrivate(response),
          lines.map((line) => ['set-cookie', line] as const),
        ) as typeof response
      return signer ? Promise.all(writes.map(signer.sign)).then(send) : send(writes.map(({ line }) => line))
    })

  return function answerWithCookies({ headers }, _context, next) {
    const header = signer && headers.get('cookie')
    return header
      ? signer.verify(parseCookie(header)).then((values) => answer(new Jar(() => values, defaults, signer), next))
      : answer(new Jar(() => parseCookie(headers.get('cookie') ?? ''), defaults, signer), next)
  }
}

// A shared cache may keep what is public, with the cookie in it: https://www.rfc-editor.org/rfc/rfc9111#section-7.3
function toPrivate(response: Response): Response {
  const control = response.headers.get('cache-control')
  if (control === null || !/\b(?:public|s-maxage)\b/i.test(control)) return response
  return withHeaders(response, (headers) => headers.set('cache-control', 'private, max-age=0, must-revalidate'))
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
      throw new Error(`the cookie '${name}' comes too late: the answer has gone; set it before the handler returns`)
    const options = merge(this.#defaults, given)
    const line = formatSetCookie(name, value, options, this.#signer?.reserve(name))
    const { path, domain = '', partitioned = false, maxAge, expires } = options
    // What makes two cookies one: https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5.7
    const place = [name, domain.toLowerCase().replace(/^\./, ''), partitioned, path].join(';')
    ;(this.#writes ??= new Map()).set(place, { name, value, options, line })
    const isGone = maxAge === undefined ? expires !== undefined && Number(expires) <= Date.now() : maxAge <= 0
    if (isGone) this.#values.delete(name)
    else this.#values.set(name, value)
  }

  /** What is to be sent, if there is anything. Nothing can be set any more. */
  close(): Write[] | undefined {
    this.#closed = true
    return this.#writes && [...this.#writes.values()]
  }
}

// An option that is `undefined` was left out.
function merge(defaults: CookieOptions, given: CookieOptions | undefined): CookieOptions {
  if (!given) return defaults
  const merged: Record<string, unknown> = { ...defaults }
  for (const [key, value] of Object.entries(given)) if (value !== undefined) merged[key] = value
  return merged
}

// ── signing ──

interface Signer {
  /** The values whose signature fits, without it. */
  verify(values: Map<string, string>): Promise<Map<string, string>>
  readonly sign: (write: Write) => Promise<string>
  /** How many characters signing adds. */
  reserve(name: string): number
}

// `.` and 32 bytes in base64url.
const suffix = 44
const algorithm = { name: 'HMAC', hash: 'SHA-256' }
const encoder = new TextEncoder()

function toSigner({ secrets, unsigned = [] }: CookiesOptions): Signer | undefined {
  if (!secrets) {
    if (unsigned.length) throw new TypeError('cookies({ unsigned }) needs secrets; without them no cookie is signed')
    return undefined
  }
  // As long as the hash: https://www.rfc-editor.org/rfc/rfc7518#section-3.2
  if (!secrets.length || secrets.some((secret) => typeof secret !== 'string' || secret.length < 32))
    throw new TypeError(
      'cookies({ secrets }) takes secrets of at least 32 characters, such as `openssl rand -base64 32` prints',
    )
  const plain = new Set(unsigned)
  // The keys are kept and not their promise: Workers cannot wait for what another request began.
  let imported: readonly CryptoKey[] | undefined
  const keys = async (): Promise<readonly CryptoKey[]> =>
    (imported ??= await Promise.all(
      secrets.map((secret) =>
        crypto.subtle.importKey('raw', encoder.encode(secret), algorithm, false, ['sign', 'verify']),
      ),
    ))

  const open = async (name: string, signed: string): Promise<string | undefined> => {
    const end = signed.length - suffix
    // One spelling only: the last character has two bits to spare.
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

// The name belongs to it, so that no cookie passes for another. It cannot hold a `=`.
const toMessage = (name: string, value: string): Uint8Array<ArrayBuffer> => encoder.encode(`${name}=${value}`)

const toBase64Url = (bytes: ArrayBuffer): string =>
  btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')

const fromBase64Url = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (character) => character.charCodeAt(0))
