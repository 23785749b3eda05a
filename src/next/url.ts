/**
 * The `nextUrl` of Next.js: a URL whose `pathname` is without the base path. Its setters change this object only.
 *
 * @see https://nextjs.org/docs/app/api-reference/functions/next-request#nexturl
 */
export class NextURL {
  #url: URL
  #isOwn = false
  basePath: string

  constructor(url: string | URL | NextURL, basePath = '') {
    this.#url = url instanceof URL ? url : new URL(String(url))
    this.#isOwn = !(url instanceof URL)
    this.basePath = basePath
  }

  // The URL of the context belongs to all of the request's code.
  get #own(): URL {
    if (!this.#isOwn) this.#url = new URL(this.#url.href)
    this.#isOwn = true
    return this.#url
  }
  #without(pathname: string): string {
    const { basePath } = this
    if (basePath === '' || (pathname !== basePath && !pathname.startsWith(`${basePath}/`))) return pathname
    return pathname.slice(basePath.length) || '/'
  }

  get pathname(): string {
    return this.#without(this.#url.pathname)
  }
  set pathname(value: string) {
    this.#own.pathname = this.basePath + (value[0] === '/' ? value : `/${value}`)
  }
  get searchParams(): URLSearchParams {
    return this.#own.searchParams
  }
  get search(): string {
    return this.#url.search
  }
  set search(value: string) {
    this.#own.search = value
  }
  get href(): string {
    return this.#url.href
  }
  set href(value: string) {
    this.#own.href = value
  }
  get origin(): string {
    return this.#url.origin
  }
  get protocol(): string {
    return this.#url.protocol
  }
  set protocol(value: string) {
    this.#own.protocol = value
  }
  get host(): string {
    return this.#url.host
  }
  set host(value: string) {
    this.#own.host = value
  }
  get hostname(): string {
    return this.#url.hostname
  }
  set hostname(value: string) {
    this.#own.hostname = value
  }
  get port(): string {
    return this.#url.port
  }
  set port(value: string) {
    this.#own.port = value
  }
  get hash(): string {
    return this.#url.hash
  }
  set hash(value: string) {
    this.#own.hash = value
  }
  get username(): string {
    return this.#url.username
  }
  set username(value: string) {
    this.#own.username = value
  }
  get password(): string {
    return this.#url.password
  }
  set password(value: string) {
    this.#own.password = value
  }

  clone(): NextURL {
    return new NextURL(this.href, this.basePath)
  }
  toString(): string {
    return this.href
  }
  toJSON(): string {
    return this.href
  }
}
