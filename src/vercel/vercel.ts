import type { AnyContext, Continued, Middleware } from '../middleware.js'
import { withDeploy } from './deploy.js'

/** What the functions of `@vercel/functions` read. */
interface RequestContext {
  readonly url: string
  readonly headers: { readonly [name: string]: string }
  waitUntil(promise: Promise<unknown>): void
}

interface Storage {
  getStore(): RequestContext | undefined
  run<value>(store: RequestContext, run: () => value): value
}

declare const process: { getBuiltinModule?(name: string): unknown } | undefined

const symbol: unique symbol = Symbol.for('@vercel/request-context') as never
type Global = { [symbol]?: { get?(): RequestContext | undefined } }

/**
 * Makes the functions of `@vercel/functions` work in handlers, on every host with `AsyncLocalStorage`: `waitUntil`, `getCache`,
 * and those of `@vercel/oidc`, which read the token from `x-vercel-oidc-token`. On Vercel, the platform's own context is used.
 * `geolocation(request)`, `ipAddress(request)` and `getEnv()` need no middleware.
 *
 * @throws Error if the host has no `AsyncLocalStorage`; on Workers, set the compatibility flag `nodejs_compat`.
 * @see https://vercel.com/docs/functions/functions-api-reference/vercel-functions-package
 * @example
 * export default router({ report }, { use: [vercel()] })
 */
export function vercel(): Middleware<AnyContext, Continued<{}>> {
  const storage = (globals ??= install())
  // It changes no response, so `byway build` can write files for the routes behind it.
  return withDeploy<Middleware<AnyContext, Continued<{}>>>(function provideContext(request, context, next) {
    if ((globalThis as Global)[symbol]?.get?.()) return next()
    let isPassed = false
    // Read when they are needed: a copy of all headers would make a cached response depend on them.
    const own: RequestContext = {
      url: request.url,
      get headers() {
        return Object.fromEntries(request.headers)
      },
      waitUntil(promise) {
        // On a host without a way to wait, the context passes the promise on to this function.
        if (isPassed) return
        isPassed = true
        context.waitUntil(promise)
        isPassed = false
      },
    }
    return storage.run(own, () => next())
  }, {})
}

let globals: Storage | undefined

// With public names only, as a user could write it: `createStorage` is internal.
function install(): Storage {
  // A global of edge runtimes, whose `process` has no modules.
  const { AsyncLocalStorage } = ((typeof process === 'object' && process.getBuiltinModule?.('node:async_hooks')) ||
    globalThis) as { AsyncLocalStorage?: new () => Storage }
  if (!AsyncLocalStorage)
    throw new Error('vercel() needs AsyncLocalStorage; on Workers, set the compatibility flag nodejs_compat')
  const storage = new AsyncLocalStorage()
  const platform = (globalThis as Global)[symbol]
  Object.defineProperty(globalThis, symbol, {
    value: { get: () => platform?.get?.() ?? storage.getStore() },
    configurable: true,
    writable: true,
  })
  return storage
}
