import { middleware, type AnyContext, type Continued, type Middleware } from '../middleware.js'
import type { Problem } from '../problem.js'
import { forbidden } from '../replies/reply.js'
import type { Reply } from '../reply.js'

export interface CsrfOptions {
  /**
   * Other origins whose pages can send unsafe requests, such as `'https://app.example'`. Name the app's own origin too if a
   * proxy changes the scheme or the host of the URL.
   * @default []
   */
  readonly origins?: readonly string[]
}

/**
 * Responds with a 403 problem to an unsafe request that a page of another origin sent: every method but GET, HEAD, OPTIONS
 * and QUERY, whatever its media type. Decides by `Sec-Fetch-Site`; without that header by `Origin`, which must be the origin
 * of the request's URL. A request with neither is not from a browser, so it continues. The origin `null` is foreign.
 *
 * Place it inside `cors()`, and list in both the origins whose pages can send requests with cookies.
 *
 * @throws TypeError if an origin is not in the form that browsers send.
 * @see https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header
 * @see https://www.rfc-editor.org/rfc/rfc6454#section-7
 * @example
 * const account = route.use(csrf()).use(session())
 */
export function csrf({ origins = [] }: CsrfOptions = {}): Middleware<
  AnyContext,
  Continued<{}> | Reply<403, Problem<403>>
> {
  for (const origin of origins)
    if (!URL.canParse(origin) || new URL(origin).origin !== origin || origin === 'null')
      throw new TypeError(`csrf() takes origins such as 'https://app.example', not ${JSON.stringify(origin)}`)
  const trusted = new Set(origins)

  return middleware(
    { openapi: { responses: { 403: 'A page of another origin sent the request.' } } },
    function protect(
      { method, headers },
      context: AnyContext,
      next,
    ): Promise<Continued<{}>> | Reply<403, Problem<403>> {
      if (safe.has(method)) return next()
      const site = headers.get('sec-fetch-site')
      const origin = headers.get('origin')
      const isOwn =
        site === null ? origin === null || origin === context.url.origin : site === 'same-origin' || site === 'none'
      if (isOwn || (origin !== null && trusted.has(origin))) return next()
      return forbidden({ detail: 'A page of another origin cannot send this request.' })
    },
  )
}

// https://www.rfc-editor.org/rfc/rfc9110#section-9.2.1. Another page can send QUERY only with the permission of `cors()`.
const safe: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'QUERY'])
