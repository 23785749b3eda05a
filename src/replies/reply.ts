// Each function returns a Response, to return or to throw. It has no effect on its own.
import { toJson } from '../json.js'
import {
  problemHeaders,
  type ErrorStatus,
  type Problem,
  type ProblemDetails,
  type RedirectStatus,
  type Status,
} from '../problem.js'
import type { HeadersInput, ProblemInit, Reply, ReplyHeaders, ReplyInit } from '../reply.js'
import { createResponse, toTypeHeaders, type HeaderPairs } from '#response'

/** A JSON Response. @throws TypeError if JSON cannot represent the data. */
export function json<data, status extends Status = 200>(data: data, init?: ReplyInit<status>): Reply<status, data> {
  return send(init, data, () => toJson(data), 'application/json')
}

/** A `text/plain` Response. */
export function text<status extends Status = 200>(text: string, init?: ReplyInit<status>): Reply<status, string> {
  return send(init, text, () => text, 'text/plain;charset=UTF-8')
}

/**
 * A `text/html` Response from a string, or from the result of `html` from `byway/documents`. A string is sent as it is, so
 * text from users must be escaped before.
 */
export function html<status extends Status = 200>(
  html: string | { toString(): string },
  init?: ReplyInit<status>,
): Reply<status, string> {
  const text = String(html)
  return send(init, text, () => text, 'text/html;charset=UTF-8')
}

/** An `application/xml` Response. The string is sent as it is, so text from users must be escaped before. */
export function xml<status extends Status = 200>(xml: string, init?: ReplyInit<status>): Reply<status, string> {
  return send(init, xml, () => xml, 'application/xml;charset=UTF-8')
}

/**
 * A Response of bytes, sent as `application/octet-stream` with `X-Content-Type-Options: nosniff` unless `init.headers` says
 * otherwise. A Blob's own type is not used: the type of an upload is what its sender claims, and a browser would run HTML.
 */
export function bytes<status extends Status = 200>(
  bytes: Blob | ArrayBuffer | ArrayBufferView<ArrayBuffer>,
  init?: ReplyInit<status>,
): Reply<status, Blob> {
  const size = bytes instanceof Blob ? bytes.size : bytes.byteLength
  const headers = withDefaults(
    [
      ['content-type', 'application/octet-stream'],
      ['x-content-type-options', 'nosniff'],
      ['content-length', String(size)],
    ],
    init?.headers,
  ) as [string, string][]

  return new Response(bytes, { status: init?.status ?? 200, headers }) as Reply<status, Blob>
}

/**
 * An `application/problem+json` Response. Members that RFC 9457 does not define are its extensions, and typed; `type` stays
 * a literal that the client can discriminate.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9457
 */
export function problem<status extends ErrorStatus, const type extends string = never, extensions extends object = {}>(
  status: status,
  details?: ProblemDetails<type> & extensions,
  init?: ProblemInit,
): Reply<status, ProblemOf<status, type, extensions>> {
  return toReply(status, details, init)
}

/** The data of a problem: its `type` as a literal, and the extensions. */
export type ProblemOf<status extends number, type extends string, extensions> = Problem<status> &
  ([type] extends [never] ? unknown : { readonly type: type }) & {
    [key in keyof extensions as Exclude<key, keyof ProblemDetails>]: extensions[key]
  }

/** A 404 problem. */
export function notFound(details?: ProblemDetails, init?: ProblemInit): Reply<404, Problem<404>> {
  return toReply(404, details, init)
}

/** A 401 problem. @default WWW-Authenticate: Bearer, unless `init.headers` has another challenge */
export function unauthorized(details?: ProblemDetails, init?: ProblemInit): Reply<401, Problem<401>> {
  // https://www.rfc-editor.org/rfc/rfc9110#section-15.5.2: a 401 must have a challenge.
  return toReply(401, details, init, [['www-authenticate', 'Bearer']])
}

/** A 403 problem. */
export function forbidden(details?: ProblemDetails, init?: ProblemInit): Reply<403, Problem<403>> {
  return toReply(403, details, init)
}

/**
 * A 307: the client repeats the request, with its method and body, at `to`. `to` is trusted; use `localRedirect` for a target
 * that a user supplied.
 *
 * @throws TypeError if `to` is not a path or an http(s) URL.
 */
export function redirect(to: string | URL, init?: ReplyHeaders): Reply<307, undefined> {
  return toRedirect(307, to, init)
}

/** A 308: like `redirect`, but permanent, and browsers cache it. */
export function permanentRedirect(to: string | URL, init?: ReplyHeaders): Reply<308, undefined> {
  return toRedirect(308, to, init)
}

/** A 303: the client sends a GET to `to`, whatever this request's method was. */
export function seeOther(to: string | URL, init?: ReplyHeaders): Reply<303, undefined> {
  return toRedirect(303, to, init)
}

/** A 303 to a target that a user supplied, which must be a path on the same origin. Throws a 400 Response otherwise. */
export function localRedirect(to: string, init?: ReplyHeaders): Reply<303, undefined> {
  // As browsers read it: https://url.spec.whatwg.org/#relative-slash-state treats \ as / and removes tabs and line ends.
  const isLocal =
    typeof to === 'string' &&
    /^\/(?![/\\])[^\\\0-\x20\x7f\p{Surrogate}]*$/u.test(to) &&
    new URL(to, 'http://localhost').origin === 'http://localhost'
  if (!isLocal) throw problem(400, { detail: 'The target of the redirect must be a path on this origin.' })
  return seeOther(to, init)
}

function send<status extends Status, data>(
  init: ReplyInit<status> | undefined,
  data: data,
  write: () => string,
  type: string,
): Reply<status, data> {
  const status = init?.status ?? 200
  const given = init?.headers
  const isNull = isEmpty(status)
  const headers = isNull || given ? withDefaults(isNull ? [] : [['content-type', type]], given) : toTypeHeaders(type)
  return createResponse(isNull ? null : write(), status, headers, { data, isReply: true }) as Reply<status, data>
}

/** Pairs, in which a given header replaces a default one. `Headers` checks names and values. */
export function withDefaults(defaults: HeaderPairs, headers: HeadersInput | undefined): HeaderPairs {
  if (!headers) return defaults
  const given = new Headers(headers)
  return [...defaults.filter(([name]) => !given.has(name)), ...given]
}

const isEmpty = (status: number): boolean => status === 204 || status === 205 || status === 304

// https://www.rfc-editor.org/rfc/rfc9110#section-15 and RFC 6585
// prettier-ignore
const titles = new Map<number, string>([
  [400, 'Bad Request'], [401, 'Unauthorized'], [402, 'Payment Required'], [403, 'Forbidden'], [404, 'Not Found'], [405, 'Method Not Allowed'],
  [406, 'Not Acceptable'], [407, 'Proxy Authentication Required'], [408, 'Request Timeout'], [409, 'Conflict'], [410, 'Gone'], [411, 'Length Required'],
  [412, 'Precondition Failed'], [413, 'Content Too Large'], [414, 'URI Too Long'], [415, 'Unsupported Media Type'], [416, 'Range Not Satisfiable'],
  [417, 'Expectation Failed'], [421, 'Misdirected Request'], [422, 'Unprocessable Content'], [423, 'Locked'], [424, 'Failed Dependency'], [425, 'Too Early'],
  [426, 'Upgrade Required'], [428, 'Precondition Required'], [429, 'Too Many Requests'], [431, 'Request Header Fields Too Large'],
  [451, 'Unavailable For Legal Reasons'], [500, 'Internal Server Error'], [501, 'Not Implemented'], [502, 'Bad Gateway'], [503, 'Service Unavailable'],
  [504, 'Gateway Timeout'], [505, 'HTTP Version Not Supported'], [507, 'Insufficient Storage'], [508, 'Loop Detected'],
])

function toReply<status extends ErrorStatus>(
  status: status,
  details?: object,
  init: ProblemInit = {},
  defaults: HeaderPairs = [],
): Reply<status, any> {
  const { headers, cause: error } = init
  const given = withDefaults([...problemHeaders, ...defaults], headers)
  const data = { title: titles.get(status), ...details, status }
  const cause = error === undefined ? undefined : { error, phase: '', wasRead: false }
  return createResponse(JSON.stringify(data), status, given, { data, isReply: true, ...(cause && { cause }) }) as Reply<
    status,
    any
  >
}

function toRedirect<status extends RedirectStatus>(
  status: status,
  to: string | URL,
  init?: ReplyHeaders,
): Reply<status, undefined> {
  const headers = new Headers(init?.headers)
  headers.set('location', toLocation(to))
  return createResponse(null, status, [...headers], { data: undefined, isReply: true }) as Reply<status, undefined>
}

// As the URL parser writes it, so that no character can end the header; a relative target stays relative.
function toLocation(to: string | URL): string {
  const text = String(to).toWellFormed()
  if (!URL.canParse(text)) return encodeURI(text).replaceAll('%25', '%')
  const { href, protocol } = new URL(text)
  if (!/^https?:$/.test(protocol))
    throw new TypeError(`a redirect takes a path or an http(s) URL, not ${JSON.stringify(text.slice(0, 100))}`)
  return href
}
