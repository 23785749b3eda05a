import type { AnyContext } from '../middleware.js'
import { RequestCookies } from './cookies.js'
import { NextURL } from './url.js'

// The name of a member, because another copy of byway can have made the request.
const brand = '~nextRequest'

/**
 * The `NextRequest` of `next/server`. A mounted handler gets the host's own request with these members, not a copy, so a cache
 * sees what the handler reads.
 *
 * @see https://nextjs.org/docs/app/api-reference/functions/next-request
 */
export class NextRequest extends Request {
  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && brand in value
  }

  readonly #basePath: string
  #url: NextURL | undefined
  #cookies: RequestCookies | undefined

  constructor(
    input: RequestInfo | URL,
    init: RequestInit & { readonly nextConfig?: { readonly basePath?: string } } = {},
  ) {
    super(input, init)
    this.#basePath = init.nextConfig?.basePath ?? ''
  }

  get '~nextRequest'(): true {
    return true
  }
  get nextUrl(): NextURL {
    return (this.#url ??= new NextURL(this.url, this.#basePath))
  }
  get cookies(): RequestCookies {
    return (this.#cookies ??= new RequestCookies(this.headers))
  }
}

/** Adds the members of `NextRequest` to the request that byway passes in. */
export function toNextRequest(request: Request, context: AnyContext): NextRequest {
  if (brand in request) return request as NextRequest
  let url: NextURL | undefined
  let cookies: RequestCookies | undefined
  Object.defineProperties(request, {
    [brand]: { value: true },
    // `context.url` tracks reads of the query alone.
    nextUrl: { configurable: true, get: () => (url ??= new NextURL(context.url, context.app.basePath)) },
    cookies: { configurable: true, get: () => (cookies ??= new RequestCookies(request.headers)) },
  })
  return request as NextRequest
}
