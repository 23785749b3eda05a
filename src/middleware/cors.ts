import type { AnyContext, Continued, Middleware, Next } from '../middleware.js'
import { createResponse, withHeaders } from '#response'

export interface CorsOptions {
  /**
   * Whose pages may read the answers: a list of exact origins, `'*'` for every page, or a function that is asked for each
   * request. `null`, which any page can send from a sandboxed frame, is none of them unless the list names it; the
   * function is never asked about it.
   */
  readonly origin: '*' | readonly string[] | ((origin: string, request: Request) => boolean | Promise<boolean>)
  /** What pages may send beside GET, HEAD and POST. @default ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'QUERY'] */
  readonly methods?: readonly string[]
  /** The request headers that pages may set. @default those that the preflight asks for */
  readonly allowedHeaders?: readonly string[]
  /** The response headers that pages may read beside the safelisted ones. @default [] */
  readonly exposedHeaders?: readonly string[]
  /** Whether pages may send cookies and see the answer. Never with `'*'`. @default false */
  readonly credentials?: boolean
  /** Seconds that a browser may remember a preflight. @default the browser's choice, 5 seconds */
  readonly maxAge?: number
}

/**
 * Lets the pages of other origins read the answers, errors too. It alone decides: what an inner `cors()` or a handler put
 * into `Access-Control-Allow-Origin` is replaced. A preflight is answered at once, so it stands outside of guards; in a
 * router's `use` it covers every pathname.
 *
 * @throws TypeError for an origin that no browser sends, and for `'*'` together with `credentials`.
 * @see https://fetch.spec.whatwg.org/#http-cors-protocol
 * @example
 * export default router({ items }, { use: [cors({ origin: ['https://app.example'], credentials: true })] })
 */
// A preflight's 204 is for the browser: no client sees it, so it is not in the type.
export function cors(options: CorsOptions): Middleware<AnyContext, Continued<{}>> {
  const judge = toJudge(options)
  const preflight = toPreflightHeaders(options)
  const reflects = !options.allowedHeaders
  const exposed = toList(options, 'exposedHeaders', token)

  const mark = (headers: Headers, allowed: string | undefined): void => {
    addVary(headers, 'Origin')
    headers.delete('access-control-allow-origin')
    headers.delete('access-control-allow-credentials')
    if (allowed === undefined) return
    headers.set('access-control-allow-origin', allowed)
    if (options.credentials) headers.set('access-control-allow-credentials', 'true')
  }

  const answerPreflight = ({ headers: asked }: Request, allowed: string | undefined): Response => {
    const response = createResponse(null, 204, allowed === undefined ? [] : preflight)
    mark(response.headers, allowed)
    if (reflects) {
      addVary(response.headers, 'Access-Control-Request-Headers')
      const names = asked.get('access-control-request-headers')
      if (allowed !== undefined && names !== null && names.length <= maxAsked && tokens.test(names))
        response.headers.set('access-control-allow-headers', names)
    }
    return response
  }

  const answer = (request: Request, next: Next, allowed: string | undefined) =>
    isPreflight(request)
      ? (answerPreflight(request, allowed) as Continued<{}>)
      : next().then(
          (response) =>
            withHeaders(response, (headers) => {
              mark(headers, allowed)
              if (exposed && allowed !== undefined) headers.set('access-control-expose-headers', exposed)
            }) as Continued<{}>,
        )

  return function answerWithCors(request, _context, next) {
    const allowed = judge(request.headers.get('origin'), request)
    return allowed instanceof Promise
      ? allowed.then((allowed) => answer(request, next, allowed))
      : answer(request, next, allowed)
  }
}

// https://fetch.spec.whatwg.org/#cors-preflight-request. Any other OPTIONS is the route's.
const isPreflight = ({ method, headers }: Request): boolean =>
  method === 'OPTIONS' && headers.has('origin') && headers.has('access-control-request-method')

type Judge = (origin: string | null, request: Request) => string | undefined | Promise<string | undefined>

/** What `Access-Control-Allow-Origin` says to an origin, if anything. */
function toJudge({ origin: allowed, credentials }: CorsOptions): Judge {
  if (allowed === '*') {
    if (credentials)
      throw new TypeError(
        "cors({ origin: '*', credentials: true }) would open every account to every page; name the origins",
      )
    return () => '*'
  }
  if (typeof allowed === 'function')
    return (origin, request) => {
      if (origin === null || origin === 'null') return undefined
      const verdict = allowed(origin, request)
      if (typeof verdict === 'boolean') return verdict ? origin : undefined
      return Promise.resolve(verdict).then((verdict: unknown) => (verdict === true ? origin : undefined))
    }
  if (!Array.isArray(allowed))
    throw new TypeError(
      `cors({ origin }) takes a list such as ['https://app.example'], '*' or a function, not ${JSON.stringify(allowed) ?? typeof allowed}`,
    )
  const origins = new Set((allowed as readonly string[]).map(checkOrigin))
  if (credentials && origins.has('null'))
    throw new TypeError(
      "cors({ origin: ['null'], credentials: true }) would open every account to every page; leave 'null' out",
    )
  return (origin) => (origin !== null && origins.has(origin) ? origin : undefined)
}

// As a browser writes it, since that is what it is compared with: https://html.spec.whatwg.org/#ascii-serialisation-of-an-origin
function checkOrigin(origin: string): string {
  const fail = (advice: string): never => {
    throw new TypeError(`cors({ origin }) has ${JSON.stringify(origin)}, which no browser sends; ${advice}`)
  }
  if (origin === 'null') return origin
  if (origin === '*') return fail("write origin: '*', without a list")
  if (typeof origin !== 'string' || !origin) return fail("write it as 'https://app.example'")
  if (origin.includes('*')) return fail('an origin is exact; for patterns, give a function')
  const hasScheme = /^[a-z][a-z\d+.-]*:\/\//i.test(origin)
  const text = hasScheme ? origin : `https://${origin}`
  if (!URL.canParse(text)) return fail("write it as 'https://app.example'")
  const url = new URL(text)
  // For other schemes than the web's, such as those of extensions and apps, `url.origin` is 'null'.
  const exact = url.origin === 'null' ? `${url.protocol}//${url.host}` : url.origin
  return exact === origin ? origin : fail(`write '${exact}'`)
}

// https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2
const token = /^[!#$%&'*+\-.^_`|~\w]+$/
const tokens = /^[!#$%&'*+\-.^_`|~\w, \t]+$/
const maxAsked = 2048

function toPreflightHeaders(options: CorsOptions): [name: string, value: string][] {
  const { maxAge } = options
  const methods = toList(options, 'methods', /^[A-Z]+$/) ?? 'GET, HEAD, POST, PUT, PATCH, DELETE, QUERY'
  const headers: [string, string][] = [['access-control-allow-methods', methods]]
  const allowed = toList(options, 'allowedHeaders', token)
  if (allowed) headers.push(['access-control-allow-headers', allowed])
  if (maxAge !== undefined) {
    if (!Number.isInteger(maxAge) || maxAge < 0)
      throw new TypeError(`cors({ maxAge }) is a whole number of seconds, not ${String(maxAge)}`)
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
      `cors({ ${key} }) takes a list such as ${key === 'methods' ? "['GET', 'PUT']" : "['x-total']"}; ${JSON.stringify(wrong)} does not fit in it`,
    )
  // https://fetch.spec.whatwg.org/#cors-protocol-and-credentials: with them `*` is no wildcard, but a name.
  if (options.credentials && list.includes('*'))
    throw new TypeError(`cors({ ${key}: ['*'], credentials: true }) allows nothing in a browser; name them`)
  return list.join(', ')
}

function addVary(headers: Headers, name: string): void {
  const names = (headers.get('vary') ?? '').toLowerCase().split(/[ \t]*,[ \t]*/)
  if (!names.includes('*') && !names.includes(name.toLowerCase())) headers.append('vary', name)
}
