import type { AnyContext, Continued, Middleware, Next } from '../middleware.js'
import { withHeaders } from '#response'
import { Ambient, enableAmbient, runAmbient, type Settings } from './ambient.js'
import type { CookieChanges } from './cookies.js'
import { runRewrite, type FromNextOptions, type RouteModule } from './from-next.js'
import { toMatches, type MatcherRule } from './matcher-source.js'
import { toEnd } from './navigation.js'
import { toNextRequest } from './request.js'
import { instructionOf } from './response.js'

type Run = (request: Request, event: { waitUntil(promise: Promise<unknown>): void }) => unknown

/**
 * Converts a Next.js `proxy.ts` (or `middleware.ts`) to a middleware for the router's `use`. It runs for the pathnames of
 * `config.matcher`. A rewrite to the same origin runs another route with its guards.
 *
 * @throws TypeError if the module exports no function, or its matcher is malformed.
 * @see https://nextjs.org/docs/app/api-reference/file-conventions/proxy
 * @example
 * export default router(routes, { use: [fromNextProxy(await import('./proxy.js'))] })
 */
export function fromNextProxy(
  module: RouteModule,
  options: FromNextOptions = {},
): Middleware<AnyContext, Continued<{}>> {
  const run = (module['proxy'] ?? module['middleware'] ?? module['default']) as Run | undefined
  if (typeof run !== 'function')
    throw new TypeError(
      "fromNextProxy() takes a module that exports a function named 'proxy' or 'middleware', or a default",
    )
  const { matcher } = (module['config'] ?? {}) as { readonly matcher?: MatcherRule | readonly MatcherRule[] }
  const matches = toMatches(matcher)
  const settings: Settings = { cache: options.cache, draftSecret: options.draftSecret, fetchCache: 'auto' }
  enableAmbient()

  return function runProxy(request, context, next) {
    const { basePath } = context.app
    const pathname = context.url.pathname.slice(basePath.length) || '/'
    if (!matches(request, pathname, context.url)) return next()
    const ambient = new Ambient(request, context, settings)
    return runAmbient(ambient, async () => {
      let response: unknown
      try {
        response = await run(toNextRequest(request, context), { waitUntil: (promise) => context.waitUntil(promise) })
        await Promise.all(ambient.pending ?? [])
      } catch (error) {
        const end = toEnd(error, request)
        if (!end) throw error
        response = end.response
      }
      return (await proceed(response, request, context, next, ambient.changes)) as Continued<{}>
    })
  }
}

async function proceed(
  response: unknown,
  request: Request,
  context: AnyContext,
  next: Next,
  changes: CookieChanges,
): Promise<Response> {
  if (response === undefined || response === null) return addTo(await next(), new Headers(), changes)
  if (!(response instanceof Response))
    throw new TypeError(`the proxy returned ${typeof response} instead of a Response; return NextResponse.next()`)
  const instruction = instructionOf(response)
  if (!instruction) return addTo(response, new Headers(), changes)
  const { rewrite, headers, requestHeaders } = instruction
  if (rewrite !== undefined) return addTo(await runRewrite(rewrite, request, context, requestHeaders), headers, changes)
  const inner = requestHeaders ? await next({}, { request: withRequestHeaders(request, requestHeaders) }) : await next()
  return addTo(inner, headers, changes)
}

const withRequestHeaders = (request: Request, headers: Headers): Request => {
  const { url, method, body, signal } = request
  return new Request(url, { method, headers, signal, ...(body && { body, duplex: 'half' }) } as RequestInit)
}

/** The Response with the headers of the proxy. The route's own headers take precedence, except for cookies. */
function addTo(response: Response, headers: Headers, changes: CookieChanges): Response {
  return withHeaders(response, (own) => {
    for (const [name, value] of headers)
      if (name === 'set-cookie') own.append(name, value)
      else if (!own.has(name)) own.set(name, value)
    changes.appendTo(own)
  })
}
