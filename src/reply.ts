import {
  toProblem,
  type ErrorStatus,
  type Problem,
  type ProblemDetails,
  type RedirectStatus,
  type Status,
} from './problem.js'
import { createResponse, isResponse, type HeaderPairs } from './response.js'

/**
 * A Response whose status and data reach the client's types.
 *
 * The members typed `any` keep it in a union: TypeScript drops from a function's return type each type that is a
 * subtype of another, and without them `Response`, `{ ok: boolean }` or `{ url: string }` would swallow it.
 */
export interface Reply<status extends number = number, data = unknown> extends Response {
  readonly status: status
  readonly ok: any
  readonly url: any
  readonly type: any
  readonly statusText: any
  readonly redirected: any
  readonly '~data': data
}

export interface ReplyInit<status extends Status = Status> {
  /** @default 200 */
  readonly status?: status
  readonly headers?: HeadersInit
}

export interface ProblemInit {
  readonly headers?: HeadersInit
}

/** The Responses that byway makes. Each may be returned or thrown, and does nothing alone on a line. */
export interface ReplyFunctions {
  /** A JSON Response. @throws TypeError for what JSON cannot carry. */
  json<data, status extends Status = 200>(data: data, init?: ReplyInit<status>): Reply<status, data>
  /** A `text/plain` Response. */
  text<status extends Status = 200>(text: string, init?: ReplyInit<status>): Reply<status, string>
  /** A `text/html` Response. The text is sent as it is: what comes from outside must have been escaped. */
  html<status extends Status = 200>(html: string, init?: ReplyInit<status>): Reply<status, string>
  /**
   * An `application/problem+json` Response. Members beyond RFC 9457's own are its extensions, and typed; `type` stays a
   * literal that the client can discriminate.
   * @see https://www.rfc-editor.org/rfc/rfc9457
   */
  problem<status extends ErrorStatus, const type extends string = never, extensions extends object = {}>(
    status: status,
    details?: ProblemDetails<type> & extensions,
    init?: ProblemInit,
  ): Reply<
    status,
    Problem<status> &
      ([type] extends [never] ? unknown : { readonly type: type }) &
      Omit<extensions, keyof ProblemDetails>
  >
  /** A 404 problem. */
  notFound(details?: ProblemDetails, init?: ProblemInit): Reply<404, Problem<404>>
  /** A 401 problem. `WWW-Authenticate` is `Bearer` unless `init.headers` has another challenge. */
  unauthorized(details?: ProblemDetails, init?: ProblemInit): Reply<401, Problem<401>>
  /** A 403 problem. */
  forbidden(details?: ProblemDetails, init?: ProblemInit): Reply<403, Problem<403>>
  /** A 307: the client repeats the request, method and body too, at `to`. Trusts `to`; for a target that a user gave, `localRedirect`. */
  redirect(to: string | URL, init?: ProblemInit): Reply<307, undefined>
  /** A 308: as `redirect`, and for ever. */
  permanentRedirect(to: string | URL, init?: ProblemInit): Reply<308, undefined>
  /** A 303: the client gets `to`, whatever this request's method was. */
  seeOther(to: string | URL, init?: ProblemInit): Reply<303, undefined>
  /** A 303 to a target that a user supplied. @throws TypeError unless it is a path on the same origin. */
  localRedirect(to: string, init?: ProblemInit): Reply<303, undefined>
}

function send<status extends number, data>(
  status: status,
  data: data,
  body: string | null,
  contentType: string | undefined,
  headers: HeadersInit | undefined,
): Reply<status, data> {
  const response = createResponse(
    body,
    status,
    withDefaults(contentType === undefined ? [] : [['content-type', contentType]], headers),
  ) as Reply<status, data>
  return Object.assign(response, { '~data': data })
}

// Pairs, with what is given in place of a default of the same name. `Headers` checks names and values.
function withDefaults(defaults: HeaderPairs, headers: HeadersInit | undefined): HeaderPairs {
  if (!headers) return defaults
  const given = new Headers(headers)
  return [...defaults.filter(([name]) => !given.has(name)), ...given]
}

const isNull = (status: number): boolean => status === 204 || status === 205 || status === 304

function redirection<status extends RedirectStatus>(status: status) {
  return (to: string | URL, init?: ProblemInit): Reply<status, undefined> =>
    send(status, undefined, null, undefined, [...new Headers(init?.headers), ['location', toLocation(to)]])
}

// As the URL parser writes it, so that no character of it can end the header; relative stays relative.
function toLocation(to: string | URL): string {
  const text = String(to)
  if (typeof to !== 'string' || URL.canParse(text)) return new URL(text).href
  return encodeURI(text).replaceAll('%25', '%')
}

function problemReply<status extends ErrorStatus>(
  status: status,
  details?: object,
  init?: ProblemInit,
  defaults: HeaderPairs = [],
): Reply<status, any> {
  return Object.assign(toProblem(status, details, withDefaults(defaults, init?.headers)), {
    '~data': { status, ...details },
  }) as Reply<status, any>
}

const seeOther = redirection(303)

/**
 * Responses with types, to return or to throw.
 *
 * @example
 * route('/items/[slug]').get(async (request, { params }) => (await db.find(params.slug)) ?? reply.notFound())
 */
export const reply: ReplyFunctions = {
  json(data, init) {
    const status = init?.status ?? (200 as never)
    return send(status, data, isNull(status) ? null : toJson(data), 'application/json', init?.headers)
  },
  text: (text, init) => send(init?.status ?? (200 as never), text, text, 'text/plain;charset=UTF-8', init?.headers),
  html: (html, init) => send(init?.status ?? (200 as never), html, html, 'text/html;charset=UTF-8', init?.headers),
  problem: (status, details, init) => problemReply(status, details, init),
  notFound: (details, init) => problemReply(404, details, init),
  // https://www.rfc-editor.org/rfc/rfc9110#section-15.5.2: a 401 names a challenge.
  unauthorized: (details, init) => problemReply(401, details, init, [['www-authenticate', 'Bearer']]),
  forbidden: (details, init) => problemReply(403, details, init),
  redirect: redirection(307),
  permanentRedirect: redirection(308),
  seeOther,
  localRedirect(to, init) {
    // As browsers read it: https://url.spec.whatwg.org/#relative-slash-state takes \ for / and drops tabs and line ends.
    if (
      typeof to !== 'string' ||
      !/^\/(?![/\\])[^\\\0-\x20\x7f]*$/.test(to) ||
      new URL(to, 'http://localhost').origin !== 'http://localhost'
    )
      throw new TypeError(
        `reply.localRedirect() takes a path on the same origin, such as '/items', not ${JSON.stringify(to)}`,
      )
    return seeOther(to, init)
  },
}

/** The text of a value as JSON. @throws TypeError for what JSON cannot carry. */
export function toJson(value: unknown): string {
  const text = JSON.stringify(value) as string | undefined
  if (text === undefined) throw new TypeError(`JSON cannot carry a ${typeof value}`)
  return text
}

const jsonHeaders: HeaderPairs = [['content-type', 'application/json']]

/** The Response for what a handler returned. @throws TypeError for what no answer can be made of. */
export function toResponse(value: unknown): Response {
  if (value === undefined) return createResponse(null, 204, [])
  if (typeof value !== 'object' || value === null) return createResponse(toJson(value), 200, jsonHeaders)
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== Array.prototype) {
    if (isResponse(value)) {
      if (value.bodyUsed) throw new TypeError('the Response that was returned has been read already; return a clone')
      return value
    }
    const name = (value as { [Symbol.toStringTag]?: string })[Symbol.toStringTag]
    // They have no members of their own: JSON would send {} in silence.
    if (name !== undefined && !('toJSON' in value)) throw new TypeError(`JSON cannot carry a ${name}`)
  }
  return createResponse(toJson(value), 200, jsonHeaders)
}
