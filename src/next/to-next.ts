import type { Router } from '../router.js'

/** The functions that a Next.js `route.ts` exports. */
export type NextHandlers = {
  readonly [method in 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS']: (
    request: Request,
    context: { readonly params: Promise<any> },
  ) => Promise<Response>
}

export interface ToNextOptions {
  /** The pathname of the folder that has the `[[...path]]/route.ts`, if the app's patterns are without it: `'/api'`. @default '' */
  readonly basePath?: string
}

/**
 * Makes the exports of `app/api/[[...path]]/route.ts` from a byway app. Everything else in the Next.js app stays as it is.
 *
 * @throws TypeError if `basePath` is not a pathname without a slash at its end.
 * @example
 * export const { GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS } = toNext(app, { basePath: '/api' })
 */
export function toNext(app: Pick<Router<any>, 'fetch'>, { basePath = '' }: ToNextOptions = {}): NextHandlers {
  if (!/^(?:\/[^/?#\s]+)*$/.test(basePath))
    throw new TypeError(`toNext() takes a basePath such as '/api', not ${JSON.stringify(basePath)}`)

  const handle = async (request: Request): Promise<Response> => {
    const response = await app.fetch(basePath ? withoutBase(request, basePath) : request)
    const location = basePath ? response.headers.get('location') : null
    if (location === null || !/^\/(?![/\\])/.test(location)) return response
    const headers = new Headers(response.headers)
    headers.set('location', basePath + location)
    return new Response(response.body, { status: response.status, statusText: response.statusText, headers })
  }
  return { GET: handle, HEAD: handle, POST: handle, PUT: handle, PATCH: handle, DELETE: handle, OPTIONS: handle }
}

function withoutBase(request: Request, basePath: string): Request {
  const url = new URL(request.url)
  if (url.pathname !== basePath && !url.pathname.startsWith(`${basePath}/`)) return request
  url.pathname = url.pathname.slice(basePath.length) || '/'
  return new Request(url, request)
}
