import { forbidden as toForbidden, notFound as toNotFound, unauthorized as toUnauthorized } from '../replies/reply.js'
import { createResponse } from '#response'

export const RedirectType = { push: 'push', replace: 'replace' } as const
export type RedirectType = (typeof RedirectType)[keyof typeof RedirectType]

interface Digest extends Error {
  readonly digest: string
}

const createError = (digest: string): Digest => Object.assign(new Error(digest.split(';', 1)[0]), { digest })

/** Ends the handler with a redirect: a 303 after a form was sent, else a 307. @throws TypeError if `url` is not a path or an http(s) URL. */
export function redirect(url: string | URL, type: RedirectType = 'push'): never {
  throw createError(`NEXT_REDIRECT;${type};${checkTarget('redirect', url)};307;`)
}
/** Ends the handler with a 308. */
export function permanentRedirect(url: string | URL, type: RedirectType = 'replace'): never {
  throw createError(`NEXT_REDIRECT;${type};${checkTarget('permanentRedirect', url)};308;`)
}
/** Ends the handler with a 404. */
export function notFound(): never {
  throw createError('NEXT_HTTP_ERROR_FALLBACK;404')
}
/** Ends the handler with a 403. */
export function forbidden(): never {
  throw createError('NEXT_HTTP_ERROR_FALLBACK;403')
}
/** Ends the handler with a 401. */
export function unauthorized(): never {
  throw createError('NEXT_HTTP_ERROR_FALLBACK;401')
}
/** Throws errors that end a handler again, for a `catch` that handles the others. */
export function unstable_rethrow(error: unknown): void {
  if (isRedirectError(error) || isHTTPAccessFallbackError(error)) throw error
}

/** Whether an error is that of `redirect()`, of byway or of the real `next/navigation`. */
export const isRedirectError = (error: unknown): error is Digest => parseRedirect(error) !== undefined
/** Whether an error is that of `notFound()`, `forbidden()` or `unauthorized()`, of byway or of the real `next/navigation`. */
export const isHTTPAccessFallbackError = (error: unknown): error is Digest => statusOf(error) !== undefined

function checkTarget(call: string, url: string | URL): string {
  const text = String(url)
  const isRelative = !/^[a-z][a-z\d+.-]*:/i.test(text.trim())
  if (!isRelative && !/^https?:/i.test(text.trim()))
    throw new TypeError(`${call}() takes a path or an http(s) URL, not ${JSON.stringify(text.slice(0, 100))}`)
  return text
}

function digestOf(error: unknown): string | undefined {
  const digest =
    typeof error === 'object' && error !== null ? (error as { readonly digest?: unknown }).digest : undefined
  return typeof digest === 'string' ? digest : undefined
}

// A URL can have semicolons.
function parseRedirect(error: unknown): { readonly url: string; readonly status: 303 | 307 | 308 } | undefined {
  const [name, type, ...rest] = digestOf(error)?.split(';') ?? []
  const status = Number(rest.at(-2))
  if (name !== 'NEXT_REDIRECT' || (type !== 'push' && type !== 'replace')) return undefined
  if (status !== 303 && status !== 307 && status !== 308) return undefined
  return { url: rest.slice(0, -2).join(';'), status }
}

function statusOf(error: unknown): 401 | 403 | 404 | undefined {
  const digest = digestOf(error)
  if (digest === 'NEXT_NOT_FOUND') return 404
  const [name, status] = digest?.split(';') ?? []
  const code = Number(status)
  return name === 'NEXT_HTTP_ERROR_FALLBACK' && (code === 401 || code === 403 || code === 404) ? code : undefined
}

/** The Response for an error that ended a handler, and whether the cookies that it set are sent; `undefined` for another error. */
export function toEnd(error: unknown, request: Request): { response: Response; keepsCookies: boolean } | undefined {
  const redirection = parseRedirect(error)
  if (redirection) {
    const { url, status } = redirection
    const location = checkTarget('redirect', url)
    const isForm =
      request.method === 'POST' &&
      /^\s*(?:application\/x-www-form-urlencoded|multipart\/form-data)\s*(?:;|$)/i.test(
        request.headers.get('content-type') ?? '',
      )
    const headers = [['location', encodeLocation(location)]] as const
    return {
      response: createResponse(null, status === 307 && isForm ? 303 : status, headers, {
        data: undefined,
        isReply: true,
      }),
      keepsCookies: true,
    }
  }
  const status = statusOf(error)
  const response =
    status === 404 ? toNotFound() : status === 403 ? toForbidden() : status === 401 ? toUnauthorized() : undefined
  return response && { response, keepsCookies: false }
}

// As the URL parser writes it, so that no character can end the header; a relative target stays relative.
const encodeLocation = (url: string): string => {
  const text = url.toWellFormed()
  return URL.canParse(text) ? new URL(text).href : encodeURI(text).replaceAll('%25', '%')
}
