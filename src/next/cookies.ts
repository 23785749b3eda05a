import { formatSetCookie, parseCookie, type CookieOptions } from '../headers/cookie.js'

/** The options of `cookies().set` in Next.js. */
export interface NextCookieOptions extends Omit<CookieOptions, 'sameSite'> {
  /** As in Next.js: `true` for `strict`, `false` for no attribute. @default none */
  readonly sameSite?: 'strict' | 'lax' | 'none' | boolean | undefined
}

export interface NextCookie {
  readonly name: string
  readonly value: string
}
export type NextResponseCookie = NextCookie & NextCookieOptions

type SetArguments = [name: string, value: string, options?: NextCookieOptions] | [cookie: NextResponseCookie]
type DeleteArguments = [name: string] | [place: { readonly name: string } & Pick<NextCookieOptions, 'path' | 'domain'>]

/** The cookies of a request, as `request.cookies` in Next.js. A change is in this object only. */
export class RequestCookies {
  readonly #read: () => Map<string, string>
  #values: Map<string, string> | undefined

  constructor(headers: Headers)
  constructor(headers: { get(name: string): string | null }) {
    this.#read = () => parseCookie(headers.get('cookie') ?? '')
  }

  get #all(): Map<string, string> {
    return (this.#values ??= this.#read())
  }
  get size(): number {
    return this.#all.size
  }
  get(...[given]: [name: string] | [NextCookie]): NextCookie | undefined {
    const name = nameOf(given)
    const value = this.#all.get(name)
    return value === undefined ? undefined : { name, value }
  }
  getAll(...[given]: [name: string] | [NextCookie] | []): NextCookie[] {
    const name = given === undefined ? undefined : nameOf(given)
    return [...this].flatMap(([key, cookie]) => (name === undefined || key === name ? cookie : []))
  }
  has(name: string): boolean {
    return this.#all.has(name)
  }
  set(...args: [name: string, value: string] | [NextCookie]): this {
    const { name, value } = args.length === 1 ? args[0] : { name: args[0], value: args[1] }
    this.#all.set(name, value)
    return this
  }
  delete(names: string | string[]): boolean | boolean[] {
    return Array.isArray(names) ? names.map((name) => this.#all.delete(name)) : this.#all.delete(names)
  }
  clear(): this {
    this.#all.clear()
    return this
  }
  *[Symbol.iterator](): IterableIterator<[string, NextCookie]> {
    for (const [name, value] of this.#all) yield [name, { name, value }]
  }
  toString(): string {
    return Array.from(this.#all, ([name, value]) => `${name}=${encodeURIComponent(value)}`).join('; ')
  }
}

const nameOf = (given: string | NextCookie): string => (typeof given === 'string' ? given : given.name)

/** The cookies that `cookies()` and `draftMode()` set for the response of one request. */
export class CookieChanges {
  readonly #lines: Map<string, { readonly line: string; readonly cookie: NextResponseCookie }> = new Map()

  set(cookie: NextResponseCookie): void {
    this.#lines.set(cookie.name, { line: formatNextCookie(cookie), cookie })
  }
  get(name: string): NextResponseCookie | undefined {
    return this.#lines.get(name)?.cookie
  }
  get all(): NextResponseCookie[] {
    return Array.from(this.#lines.values(), ({ cookie }) => cookie)
  }
  /** Appends them to the headers of a response, whose own cookies take precedence. */
  appendTo(headers: Headers): void {
    const own = new Set(headers.getSetCookie().map((line) => line.split('=', 1)[0]!.trim()))
    for (const [name, { line }] of this.#lines) if (!own.has(name)) headers.append('set-cookie', line)
  }
}

/** Formats a cookie with the defaults of Next.js: only the path. @throws TypeError if a browser would ignore the cookie. */
export function formatNextCookie({ name, value, sameSite, ...options }: NextResponseCookie): string {
  const own = typeof sameSite === 'boolean' ? (sameSite ? 'strict' : undefined) : sameSite
  return formatSetCookie(name, value, { path: '/', ...options, ...(own && { sameSite: own }) })
}

/** The arguments of `set`, as one object. */
export const toCookie = (args: SetArguments): NextResponseCookie =>
  args.length === 1 ? args[0] : { ...args[2], name: args[0], value: args[1] }

/** The arguments of `delete`, as a cookie that has expired. */
export const toDeletion = ([given]: DeleteArguments): NextResponseCookie => ({
  ...(typeof given === 'string' ? { name: given } : given),
  value: '',
  expires: 0,
})

/** The cookies of a response, as `response.cookies` in Next.js. */
export class ResponseCookies {
  readonly #headers: Headers

  constructor(headers: Headers) {
    this.#headers = headers
  }

  get #all(): Map<string, NextResponseCookie> {
    return new Map(
      this.#headers.getSetCookie().map((line) => {
        const cookie = parseSetCookie(line)
        return [cookie.name, cookie] as const
      }),
    )
  }
  get(...[given]: [name: string] | [NextResponseCookie]): NextResponseCookie | undefined {
    return this.#all.get(nameOf(given))
  }
  getAll(...[given]: [name: string] | [NextResponseCookie] | []): NextResponseCookie[] {
    const all = [...this.#all.values()]
    return given === undefined ? all : all.filter(({ name }) => name === nameOf(given))
  }
  has(name: string): boolean {
    return this.#all.has(name)
  }
  set(...args: SetArguments): this {
    const cookie = toCookie(args)
    const others = this.#headers.getSetCookie().filter((line) => parseSetCookie(line).name !== cookie.name)
    const line = formatNextCookie(cookie)
    this.#headers.delete('set-cookie')
    for (const other of [...others, line]) this.#headers.append('set-cookie', other)
    return this
  }
  delete(...args: DeleteArguments): this {
    return this.set(toDeletion(args))
  }
  toString(): string {
    return this.#headers.getSetCookie().join('; ')
  }
}

function parseSetCookie(line: string): NextResponseCookie {
  const [pair = '', ...rest] = line.split(/; */)
  const [[name, value] = ['', '']] = parseCookie(pair)
  const attributes = new Map(
    rest.map((attribute) => {
      const [key = '', ...value] = attribute.split('=')
      return [key.toLowerCase(), value.join('=')] as const
    }),
  )
  const [path, domain, maxAge, expires, sameSite] = ['path', 'domain', 'max-age', 'expires', 'samesite'].map((key) =>
    attributes.get(key),
  )
  return {
    name,
    value,
    ...(path !== undefined && { path }),
    ...(domain !== undefined && { domain }),
    ...(maxAge !== undefined && { maxAge: Number(maxAge) }),
    ...(expires !== undefined && { expires: new Date(expires) }),
    ...(sameSite !== undefined && { sameSite: sameSite.toLowerCase() as 'lax' }),
    ...(attributes.has('httponly') && { httpOnly: true }),
    ...(attributes.has('secure') && { secure: true }),
    ...(attributes.has('partitioned') && { partitioned: true }),
  }
}
