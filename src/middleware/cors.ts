import { addVary } from './vary.js'
import type { AnyContext, Continued, Middleware, Next } from '../middleware.js'
import { createResponse, headerOf, withHeaders, type HeaderPairs } from '#response'

export interface CorsOptions {
  /**
   * The origins whose pages can read responses: an array of exact origins, `'*'` for every page, or a function that is
   * called for each request with an `Origin`. The origin `null`, which any page can send from a sandboxed frame, is allowed
   * only by `'*'` or by `'null'` in the array; the function is not called for it.
   */
  readonly origin: '*' | readonly string[] | ((origin: string, request: Request) => boolean | Promise<boolean>)
  /**
   * Methods that pages can send. GET, HEAD and POST need no permission.
   * @default ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'QUERY']
   */
  readonly methods?: readonly string[]
  /** Request headers that pages can set. @default the headers that the preflight names */
  readonly allowedHeaders?: readonly string[]
  /** Response headers that pages can read, in addition to the safelisted ones. @default [] */
  readonly exposedHeaders?: readonly string[]
  /** Allows pages to send cookies. Cannot be combined with `'*'`. @default false */
  readonly credentials?: boolean
  /** Seconds for which a browser can cache the preflight's response. @default unset; browsers then use 5 seconds */
  readonly maxAge?: number
}

/**
 * Allows pages of other origins to read responses, including errors. Replaces an `Access-Control-Allow-Origin` of an inner
 * `cors()` or of the handler. Responds to preflights itself, so place it before guards. In a router's `use` it covers every
 * pathname.
 *
 * @throws TypeError if an origin is not in the form that browsers send, if `'*'` or `'null'` is combined with
 * `credentials`, or if a method, header name or `maxAge` is invalid.
 * @see https://fetch.spec.whatwg.org/#http-cors-protocol
 * @example
 * export default router({ items }, { use: [cors({ origin: ['https://app.example'], credentials: true })] })
 */
// The type omits the preflight's 204, because only browsers receive it.
export function cors(options: CorsOptions): Middleware<AnyContext, Continued<{}>> {
  const matchOrigin = toOriginMatcher(options)
  const preflight = toPreflightHeaders(options)
  const reflects = !options.allowedHeaders
  const exposed = toList(options, 'exposedHeaders', token)

  const setOrigin = (headers: Headers, allowed: string | undefined): void => {
    addVary(headers, 'Origin')
    headers.delete('access-control-allow-origin')
    headers.delete('access-control-allow-credentials')
    if (allowed === undefined) return
    headers.set('access-control-allow-origin', allowed)
    if (options.credentials) headers.set('access-control-allow-credentials', 'true')
  }

  const toAdded = (allowed: string | undefined): HeaderPairs =>
    allowed === undefined
      ? [['vary', 'Origin']]
      : [
          ['vary', 'Origin'],
          ['access-control-allow-origin', allowed],
          ...(options.credentials ? [['access-control-allow-credentials', 'true'] as const] : []),
          ...(exposed ? [['access-control-expose-headers', exposed] as const] : []),
        ]

  const addOrigin = (response: Response, allowed: string | undefined): Response =>
    withHeaders(
      response,
      // Most responses have none of these headers, and then none has to be replaced.
      fixed.every((name) => headerOf(response, name) === null)
        ? toAdded(allowed)
        : (headers) => {
            setOrigin(headers, allowed)
            if (exposed && allowed !== undefined) headers.set('access-control-expose-headers', exposed)
          },
    )

  const toPreflight = ({ headers }: Request, allowed: string | undefined): Response => {
    const response = createResponse(null, 204, allowed === undefined ? [] : preflight)
    setOrigin(response.headers, allowed)
    if (reflects) {
      addVary(response.headers, 'Access-Control-Request-Headers')
      const names = headers.get('access-control-request-headers')
      if (allowed !== undefined && names !== null && names.length <= maxReflected && tokens.test(names))
        response.headers.set('access-control-allow-headers', names)
    }
    return response
  }

  const respond = (request: Request, next: Next, allowed: string | undefined) =>
    isPreflight(request)
      ? (toPreflight(request, allowed) as Continued<{}>)
      : next(undefined, { map: (response) => addOrigin(response, allowed) })

  return function respondWithCors(request, _context, next) {
    const allowed = matchOrigin(request.headers.get('origin'), request)
    return allowed instanceof Promise
      ? allowed.then((allowed) => respond(request, next, allowed))
      : respond(request, next, allowed)
  }
}

const fixed = [
  'vary',
  'access-control-allow-origin',
  'access-control-allow-credentials',
  'access-control-expose-headers',
]

// https://fetch.spec.whatwg.org/#cors-preflight-request. The route handles any other OPTIONS request.
const isPreflight = ({ method, headers }: Request): boolean =>
  method === 'OPTIONS' && headers.has('origin') && headers.has('access-control-request-method')

type OriginMatcher = (origin: string | null, request: Request) => string | undefined | Promise<string | undefined>

/** Returns a function from a request's origin to the `Access-Control-Allow-Origin` of the response, or `undefined`. */
function toOriginMatcher({ origin: allowed, credentials }: CorsOptions): OriginMatcher {
  if (allowed === '*') {
    if (credentials)
      throw new TypeError(
        "cors({ origin: '*', credentials: true }) would let every page read the data of every user; list the origins",
      )
    return () => '*'
  }
  if (typeof allowed === 'function')
    return (origin, request) => {
      if (origin === null || origin === 'null') return undefined
      const result = allowed(origin, request)
      if (typeof result === 'boolean') return result ? origin : undefined
      return Promise.resolve(result).then((result: unknown) => (result === true ? origin : undefined))
    }
  if (!Array.isArray(allowed))
    throw new TypeError(
      `cors({ origin }) takes an array such as ['https://app.example'], '*' or a function, not ${JSON.stringify(allowed) ?? typeof allowed}`,
    )
  const origins = new Set((allowed as readonly string[]).map(checkOrigin))
  if (credentials && origins.has('null'))
    throw new TypeError(
      "cors({ origin: ['null'], credentials: true }) would let every page read the data of every user; remove 'null'",
    )
  return (origin) => (origin !== null && origins.has(origin) ? origin : undefined)
}

// Origins are compared with the browser's serialization: https://html.spec.whatwg.org/#ascii-serialisation-of-an-origin
function checkOrigin(origin: string): string {
  const fail = (advice: string): never => {
    throw new TypeError(`cors({ origin }) has ${JSON.stringify(origin)}, which no browser sends; ${advice}`)
  }
  if (origin === 'null') return origin
  if (origin === '*') return fail("write origin: '*', without an array")
  if (typeof origin !== 'string' || !origin) return fail("write it as 'https://app.example'")
  if (origin.includes('*')) return fail('pass a function for patterns')
  const hasScheme = /^[a-z][a-z\d+.-]*:\/\//i.test(origin)
  const text = hasScheme ? origin : `https://${origin}`
  if (!URL.canParse(text)) return fail("write it as 'https://app.example'")
  const url = new URL(text)
  // `url.origin` is 'null' for schemes other than http and https, such as those of browser extensions.
  const exact = url.origin === 'null' ? `${url.protocol}//${url.host}` : url.origin
  return exact === origin ? origin : fail(`write '${exact}'`)
}

// https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2
const token = /^[!#$%&'*+\-.^_`|~\w]+$/
const tokens = /^[!#$%&'*+\-.^_`|~\w, \t]+$/
// Longer `Access-Control-Request-Headers` are not reflected.
const maxReflected = 2048

function toPreflightHeaders(options: CorsOptions): [name: string, value: string][] {
  const { maxAge } = options
  const methods = toList(options, 'methods', /^[A-Z]+$/) ?? 'GET, HEAD, POST, PUT, PATCH, DELETE, QUERY'
  const headers: [string, string][] = [['access-control-allow-methods', methods]]
  const allowed = toList(options, 'allowedHeaders', token)
  if (allowed) headers.push(['access-control-allow-headers', allowed])
  if (maxAge !== undefined) {
    if (!Number.isInteger(maxAge) || maxAge < 0)
      throw new TypeError(`cors({ maxAge }) takes a whole number of seconds of 0 or more, not ${String(maxAge)}`)
    headers.push(['access-control-max-age', String(maxAge)])
  }
  return headers
}

function toList(
  options: CorsOptions,
  key: 'methods' | 'allowedHeaders' | 'exposedHeaders',
  grammar: RegExp,
): string | undefined {
  const list: unknown = options[key]
  if (list === undefined) return undefined
  const wrong = Array.isArray(list) ? list.find((one) => typeof one !== 'string' || !grammar.test(one)) : list
  if (wrong !== undefined || !Array.isArray(list))
    throw new TypeError(
      `cors({ ${key} }) takes an array such as ${key === 'methods' ? "['GET', 'PUT']" : "['x-total']"}; ${JSON.stringify(wrong)} is invalid`,
    )
  // With credentials, `*` is a literal name, not a wildcard: https://fetch.spec.whatwg.org/#cors-protocol-and-credentials
  if (options.credentials && list.includes('*'))
    throw new TypeError(
      `cors({ ${key}: ['*'], credentials: true }) allows nothing in a browser; list the ${key === 'methods' ? 'methods' : 'headers'}`,
    )
  return list.join(', ')
}
