import { ResponseCookies } from './cookies.js'
import type { NextURL } from './url.js'

/** The options of `NextResponse.next()` and `NextResponse.rewrite()`. */
export interface MiddlewareResponseInit extends ResponseInit {
  /** The headers that the rest of the app gets in place of the request's own. */
  readonly request?: { readonly headers?: Headers }
}

/**
 * The `NextResponse` of `next/server`.
 *
 * @see https://nextjs.org/docs/app/api-reference/functions/next-response
 */
export class NextResponse<Body = unknown> extends Response {
  declare readonly '~body'?: Body
  #cookies: ResponseCookies | undefined

  get cookies(): ResponseCookies {
    return (this.#cookies ??= new ResponseCookies(this.headers))
  }

  static override json<Data>(body: Data, init?: ResponseInit): NextResponse<Data> {
    const { headers, ...rest } = init ?? {}
    const all = new Headers(headers)
    if (!all.has('content-type')) all.set('content-type', 'application/json')
    return new NextResponse<Data>(JSON.stringify(body), { ...rest, headers: all })
  }

  /** Redirects with a 307, or with the given 301, 302, 303, 307 or 308. @throws RangeError for another status. */
  static override redirect(url: string | NextURL | URL, init?: number | ResponseInit): NextResponse<unknown> {
    const { status = 307, ...rest } = typeof init === 'number' ? { status: init } : (init ?? {})
    if (![301, 302, 303, 307, 308].includes(status))
      throw new RangeError(`NextResponse.redirect() takes a status of a redirect, not ${status}`)
    const headers = new Headers(rest.headers)
    headers.set('location', toAbsolute('NextResponse.redirect()', url))
    return new NextResponse(null, { ...rest, status, headers })
  }

  /** Runs another route of the app, or proxies another origin. The client sees no redirect. */
  static rewrite(destination: string | NextURL | URL, init?: MiddlewareResponseInit): NextResponse<unknown> {
    const { headers, init: rest } = toInternal(init)
    headers.set('x-middleware-rewrite', toAbsolute('NextResponse.rewrite()', destination))
    return new NextResponse(null, { ...rest, headers })
  }

  /** Continues with the route, in a `proxy.ts`. */
  static next(init?: MiddlewareResponseInit): NextResponse<unknown> {
    const { headers, init: rest } = toInternal(init)
    headers.set('x-middleware-next', '1')
    return new NextResponse(null, { ...rest, headers })
  }
}

function toAbsolute(call: string, url: string | NextURL | URL): string {
  const text = String(url)
  if (!URL.canParse(text))
    throw new TypeError(
      `${call} takes an absolute URL, such as new URL('/path', request.url), not ${JSON.stringify(text.slice(0, 100))}`,
    )
  const { protocol, href } = new URL(text)
  if (protocol !== 'http:' && protocol !== 'https:')
    throw new TypeError(`${call} takes an http(s) URL, not ${JSON.stringify(text.slice(0, 100))}`)
  return href
}

// As Next.js names them, because packages and the real `next/server` make such responses too.
function toInternal(init: MiddlewareResponseInit = {}): { headers: Headers; init: ResponseInit } {
  const { request, ...rest } = init
  const headers = new Headers(rest.headers)
  if (request?.headers) {
    const names: string[] = []
    for (const [name, value] of request.headers) {
      headers.set(`x-middleware-request-${name}`, value)
      names.push(name)
    }
    headers.set('x-middleware-override-headers', names.join(','))
  }
  return { headers, init: rest }
}

/** What a response of `NextResponse.rewrite()` or `.next()` says, and its other headers. `undefined` for other responses. */
export interface Instruction {
  readonly rewrite: string | undefined
  /** The headers that replace those of the request. */
  readonly requestHeaders: Headers | undefined
  readonly headers: Headers
}

export function instructionOf({ headers: given }: Response): Instruction | undefined {
  const rewrite = given.get('x-middleware-rewrite') ?? undefined
  if (rewrite === undefined && !given.has('x-middleware-next')) return undefined
  const names = given.get('x-middleware-override-headers')
  const requestHeaders = names === null ? undefined : new Headers()
  for (const name of names?.split(',') ?? []) {
    const value = given.get(`x-middleware-request-${name}`)
    if (name !== '' && value !== null) requestHeaders!.set(name, value)
  }
  const headers = new Headers()
  for (const [name, value] of given) if (!name.startsWith('x-middleware-')) headers.append(name, value)
  return { rewrite, requestHeaders, headers }
}
