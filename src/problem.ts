import { createResponse, memoryOf, remember, type HeaderPairs, type Memory } from '#response'

/** The statuses of errors. A closed list, so that a client can tell a declared status from every other. */
// prettier-ignore
export type ErrorStatus =
  | 400 | 401 | 402 | 403 | 404 | 405 | 406 | 407 | 408 | 409 | 410 | 411 | 412 | 413 | 414 | 415 | 416 | 417 | 418 | 421 | 422 | 423 | 424 | 425 | 426 | 428 | 429 | 431 | 451
  | 500 | 501 | 502 | 503 | 504 | 505 | 506 | 507 | 508 | 510 | 511
export type RedirectStatus = 300 | 301 | 302 | 303 | 304 | 305 | 307 | 308
export type SuccessStatus = 200 | 201 | 202 | 203 | 204 | 205 | 206 | 207 | 208 | 226
export type Status = SuccessStatus | RedirectStatus | ErrorStatus

/** What is wrong with one part of a request. */
export interface InputError {
  /** Where it is: `query`, `headers`, `body`, `form`, `text` or `bytes`. */
  readonly in: string
  /** The place in it, as a JSON Pointer (RFC 6901). */
  readonly pointer: string
  readonly detail: string
}

/**
 * An error as a document.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9457
 */
export interface Problem<status extends number = number> {
  /** A URI that names the kind of problem; `about:blank` where it is absent. */
  readonly type?: string
  /** The status in words, unless given. */
  readonly title?: string
  readonly status: status
  /** What happened this time, for a person. */
  readonly detail?: string
  readonly instance?: string
  /** What is wrong with the input: at most 50, in a 400 that byway makes. */
  readonly errors?: readonly InputError[]
}

/** What a problem says beside its status. Members of other names are its extensions. */
export interface ProblemDetails<type extends string = string> {
  readonly type?: type
  readonly title?: string
  readonly detail?: string
  readonly instance?: string
}

// https://www.rfc-editor.org/rfc/rfc9110#section-15 and RFC 6585, the statuses that APIs answer with
// prettier-ignore
const titles = new Map<number, string>([
  [400, 'Bad Request'], [401, 'Unauthorized'], [402, 'Payment Required'], [403, 'Forbidden'], [404, 'Not Found'], [405, 'Method Not Allowed'],
  [406, 'Not Acceptable'], [408, 'Request Timeout'], [409, 'Conflict'], [410, 'Gone'], [412, 'Precondition Failed'], [413, 'Content Too Large'],
  [415, 'Unsupported Media Type'], [416, 'Range Not Satisfiable'], [422, 'Unprocessable Content'], [428, 'Precondition Required'],
  [429, 'Too Many Requests'], [500, 'Internal Server Error'], [501, 'Not Implemented'], [502, 'Bad Gateway'], [503, 'Service Unavailable'], [504, 'Gateway Timeout'],
])

const problemHeaders: HeaderPairs = [
  ['content-type', 'application/problem+json'],
  ['x-content-type-options', 'nosniff'],
]

/** An `application/problem+json` Response, which remembers its document as data. */
export function toProblem(status: number, details?: object, headers: HeaderPairs = []): Response {
  const document = { title: titles.get(status), ...details, status }
  const pairs = headers.length
    ? [...problemHeaders.filter(([name]) => !headers.some(([given]) => given === name)), ...headers]
    : problemHeaders
  return createResponse(JSON.stringify(document), status, pairs, { isReply: true, data: document })
}

/** The 400 for input that does not fit. */
export const toInvalid = (errors: readonly InputError[]): Response =>
  toProblem(400, { detail: 'The input is not valid.', errors })

/** @see https://www.rfc-editor.org/rfc/rfc6901#section-3 */
export const toPointer = (path: readonly PropertyKey[]): string =>
  path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')

/** A problem that tells the client nothing of the error behind it, which `errorOf` tells the server. */
export function toFailure(error: unknown, phase: string, status = 500, details?: object): Response {
  const response = toProblem(status, details)
  remember(response, { cause: { error, phase, wasRead: false } })
  return response
}

export const causeOf = (response: Response): Memory['cause'] => memoryOf(response)?.cause

/**
 * The error that became this Response: what a handler or a middleware threw, or `undefined` for any other Response.
 *
 * @example
 * const domainErrors = middleware(async (request, context, next) => {
 *   const response = await next()
 *   return errorOf(response) instanceof NoSuchRow ? reply.notFound() : response
 * })
 */
export function errorOf(response: Response): unknown {
  return causeOf(response)?.error
}
