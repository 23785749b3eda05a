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

interface View {
  readonly context: AnyContext
  url?: NextURL
  cookies?: RequestCookies
}

// A constructor that returns its argument lets a subclass add a private field to it. With an entry of a WeakMap for each
// request, Node.js takes three times as long to free its memory.
class Argument {
  constructor(request: Request) {
    // oxlint-disable-next-line no-constructor-return
    return request as never
  }
}
class Viewed extends Argument {
  readonly #view: View

  constructor(request: Request, view: View) {
    super(request)
    this.#view = view
  }

  static of(request: Request): View {
    return (request as unknown as Viewed).#view
  }
}

// For each class of requests, a prototype with the members of NextRequest: to define them on each request costs 3 µs.
const prototypes: WeakMap<object, object> = new WeakMap()

/** Adds the members of `NextRequest` to the request that byway passes in. */
export function toNextRequest(request: Request, context: AnyContext): NextRequest {
  if (brand in request) return request as NextRequest
  const own = Object.getPrototypeOf(request) as object
  let extended = prototypes.get(own)
  if (!extended) prototypes.set(own, (extended = extend(own)))
  new Viewed(request, { context })
  return Object.setPrototypeOf(request, extended) as NextRequest
}

const extend = (prototype: object): object =>
  Object.create(prototype, {
    [brand]: { value: true },
    nextUrl: {
      get(this: Request) {
        const view = Viewed.of(this)
        // `context.url` tracks reads of the query alone.
        return (view.url ??= new NextURL(view.context.url, view.context.app.basePath))
      },
    },
    cookies: {
      get(this: Request) {
        return (Viewed.of(this).cookies ??= new RequestCookies(this.headers))
      },
    },
  }) as object
