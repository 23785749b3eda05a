// Each function gives a Response, to return or to throw; alone on a line it does nothing. `byway` exports them as `reply`.
import {
  toProblem,
  type ErrorStatus,
  type Problem,
  type ProblemDetails,
  type RedirectStatus,
  type Status,
} from './problem.js'
import { createResponse, type HeaderPairs } from '#response'
import { createStreamResponse, type Items } from './stream.js'
import { ndjsonType, toJson, toLine } from './value.js'

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

/** What a reply with a status of its own can be given. */
export interface ReplyHeaders {
  readonly headers?: HeadersInit
}

/** A JSON Response. @throws TypeError for what JSON cannot carry. */
export function json<data, status extends Status = 200>(data: data, init?: ReplyInit<status>): Reply<status, data> {
  return send(init, data, () => toJson(data), 'application/json')
}

/** A `text/plain` Response. */
export function text<status extends Status = 200>(text: string, init?: ReplyInit<status>): Reply<status, string> {
  return send(init, text, () => text, 'text/plain;charset=UTF-8')
}

/**
 * A `text/html` Response, of a text or what `html` of `byway/documents` gives. A text is sent as it is: what comes from
 * outside must have been escaped.
 */
export function html<status extends Status = 200>(
  html: string | { toString(): string },
  init?: ReplyInit<status>,
): Reply<status, string> {
  const text = String(html)
  return send(init, text, () => text, 'text/html;charset=UTF-8')
}

/** An `application/xml` Response. The text is sent as it is: what comes from outside must have been escaped. */
export function xml<status extends Status = 200>(xml: string, init?: ReplyInit<status>): Reply<status, string> {
  return send(init, xml, () => xml, 'application/xml;charset=UTF-8')
}

/** A Response of bytes: `application/octet-stream`, or the Blob's own type, unless `init.headers` has another. */
export function bytes<status extends Status = 200>(
  bytes: Blob | ArrayBuffer | ArrayBufferView<ArrayBuffer>,
  init?: ReplyInit<status>,
): Reply<status, Blob> {
  const type = (bytes instanceof Blob && bytes.type) || 'application/octet-stream'
  const size = bytes instanceof Blob ? bytes.size : bytes.byteLength
  const headers = withDefaults(
    [
      ['content-type', type],
      ['content-length', String(size)],
    ],
    init?.headers,
  )
  return new Response(bytes, { status: init?.status ?? 200, headers: headers as [string, string][] }) as Reply<
    status,
    Blob
  >
}

/**
 * A Response that is written while it is read: `text/plain`, unless `init.headers` has another type. The next piece is
 * asked for when the client has taken the one before; when the client goes, the iterator is closed. An error breaks the
 * connection, and reaches `onError`.
 */
export function stream<status extends Status = 200>(
  pieces: Items<string | Uint8Array>,
  init?: ReplyInit<status>,
): Reply<status, unknown> {
  return sendItems(pieces, toPiece, 'text/plain;charset=UTF-8', init)
}

/** A Response with a line of JSON for each item (`application/x-ndjson`), which the client reads as an async iterable. Otherwise as `stream`. */
export function ndjson<item, status extends Status = 200>(
  items: Items<item>,
  init?: ReplyInit<status>,
): Reply<status, AsyncIterable<item>> {
  return sendItems(items, toLine, ndjsonType, init)
}

function toPiece(piece: string | Uint8Array): string | Uint8Array {
  if (typeof piece === 'string' || piece instanceof Uint8Array) return piece
  throw new TypeError(
    `reply.stream() writes strings and Uint8Arrays, not a ${typeof piece}; reply.ndjson() writes JSON`,
  )
}

function sendItems<item, status extends Status, data>(
  items: Items<item>,
  encode: (item: item) => string | Uint8Array,
  type: string,
  init: ReplyInit<status> | undefined,
): Reply<status, data> {
  const headers = withDefaults([['content-type', type]], init?.headers) as [string, string][]
  // Without data to hold against a schema.
  return createStreamResponse(items, encode, { status: init?.status ?? 200, headers }) as Reply<status, data>
}

/**
 * An `application/problem+json` Response. Members beyond RFC 9457's own are its extensions, and typed; `type` stays a
 * literal that the client can discriminate.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9457
 */
export function problem<status extends ErrorStatus, const type extends string = never, extensions extends object = {}>(
  status: status,
  details?: ProblemDetails<type> & extensions,
  init?: ReplyHeaders,
): Reply<status, ProblemOf<status, type, extensions>> {
  return toReply(status, details, init)
}

/** The data of a problem: `type` as the literal it was given, and the extensions. */
export type ProblemOf<status extends number, type extends string, extensions> = Problem<status> &
  ([type] extends [never] ? unknown : { readonly type: type }) &
  Omit<extensions, keyof ProblemDetails>

/** A 404 problem. */
export function notFound(details?: ProblemDetails, init?: ReplyHeaders): Reply<404, Problem<404>> {
  return toReply(404, details, init)
}

/** A 401 problem. `WWW-Authenticate` is `Bearer` unless `init.headers` has another challenge. */
export function unauthorized(details?: ProblemDetails, init?: ReplyHeaders): Reply<401, Problem<401>> {
  // https://www.rfc-editor.org/rfc/rfc9110#section-15.5.2: a 401 names a challenge.
  return toReply(401, details, init, [['www-authenticate', 'Bearer']])
}

/** A 403 problem. */
export function forbidden(details?: ProblemDetails, init?: ReplyHeaders): Reply<403, Problem<403>> {
  return toReply(403, details, init)
}

/** A 307: the client repeats the request, method and body too, at `to`. Trusts `to`; for a target that a user gave, `localRedirect`. */
export function redirect(to: string | URL, init?: ReplyHeaders): Reply<307, undefined> {
  return toRedirect(307, to, init)
}

/** A 308: as `redirect`, and for ever. */
export function permanentRedirect(to: string | URL, init?: ReplyHeaders): Reply<308, undefined> {
  return toRedirect(308, to, init)
}

/** A 303: the client gets `to`, whatever this request's method was. */
export function seeOther(to: string | URL, init?: ReplyHeaders): Reply<303, undefined> {
  return toRedirect(303, to, init)
}

/** A 303 to a target that a user supplied. @throws TypeError unless it is a path on the same origin. */
export function localRedirect(to: string, init?: ReplyHeaders): Reply<303, undefined> {
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
}

function send<status extends Status, data>(
  init: ReplyInit<status> | undefined,
  data: data,
  write: () => string,
  type: string,
): Reply<status, data> {
  const status = init?.status ?? 200
  const body = isNull(status) ? null : write()
  const headers = withDefaults(body === null ? [] : [['content-type', type]], init?.headers)
  return createResponse(body, status, headers, { isReply: true, data }) as Reply<status, data>
}

// Pairs, with what is given in place of a default of the same name. `Headers` checks names and values.
function withDefaults(defaults: HeaderPairs, headers: HeadersInit | undefined): HeaderPairs {
  if (!headers) return defaults
  const given = new Headers(headers)
  return [...defaults.filter(([name]) => !given.has(name)), ...given]
}

const isNull = (status: number): boolean => status === 204 || status === 205 || status === 304

function toReply<status extends ErrorStatus>(
  status: status,
  details?: object,
  init?: ReplyHeaders,
  defaults: HeaderPairs = [],
): Reply<status, any> {
  return toProblem(status, details, withDefaults(defaults, init?.headers)) as Reply<status, any>
}

function toRedirect<status extends RedirectStatus>(
  status: status,
  to: string | URL,
  init?: ReplyHeaders,
): Reply<status, undefined> {
  const headers = new Headers(init?.headers)
  headers.set('location', toLocation(to))
  return createResponse(null, status, [...headers], { isReply: true }) as Reply<status, undefined>
}

// As the URL parser writes it, so that no character of it can end the header; relative stays relative.
function toLocation(to: string | URL): string {
  const text = String(to)
  return URL.canParse(text) ? new URL(text).href : encodeURI(text).replaceAll('%25', '%')
}
