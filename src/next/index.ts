export { fromNext } from './from-next.js'
export type { FromNextOptions, MountedRoute, NextContext, RouteModule } from './from-next.js'
export { fromNextApp } from './from-next-app.js'
export type { FromNextAppOptions } from './from-next-app.js'
export { fromNextPages } from './from-next-pages.js'
export type { NextApiRequest, NextApiResponse } from './from-next-pages.js'
export { fromNextProxy } from './from-next-proxy.js'
export { toNext } from './to-next.js'
export type { NextHandlers, ToNextOptions } from './to-next.js'
export { fetch, patchFetch } from './fetch.js'
export type { NextFetchInit } from './fetch.js'
// next/server
export { NextRequest } from './request.js'
export { NextResponse } from './response.js'
export type { MiddlewareResponseInit } from './response.js'
export { NextURL } from './url.js'
export { after, connection, userAgent, userAgentFromString } from './server.js'
export type { NextFetchEvent, UserAgent } from './server.js'
export type { NextProxy, RouteContext } from './types.js'
// next/headers
export { cookies, draftMode, headers } from './headers.js'
export type { DraftMode, MutableCookies, ReadonlyHeaders } from './headers.js'
export { RequestCookies, ResponseCookies } from './cookies.js'
export type { NextCookie, NextCookieOptions, NextResponseCookie } from './cookies.js'
// next/navigation
export {
  forbidden,
  isHTTPAccessFallbackError,
  isRedirectError,
  notFound,
  permanentRedirect,
  redirect,
  RedirectType,
  unauthorized,
  unstable_rethrow,
} from './navigation.js'
// next/cache
export {
  cacheLife,
  cacheTag,
  refresh,
  revalidatePath,
  revalidateTag,
  unstable_cache,
  unstable_noStore,
  updateTag,
} from './cache.js'
export type { Profile, UnstableCacheOptions } from './cache.js'
