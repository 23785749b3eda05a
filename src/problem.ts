import { createResponse, memoryOf, type HeaderPairs } from '#response'
import type { Issue } from './schema.js'
import { undeclared } from './undeclared.js'

/** The statuses of errors: a closed list, so that a client can discriminate by status. */
// prettier-ignore
export type ErrorStatus =
  | 400 | 401 | 402 | 403 | 404 | 405 | 406 | 407 | 408 | 409 | 410 | 411 | 412 | 413 | 414 | 415 | 416 | 417 | 418 | 421 | 422 | 423 | 424 | 425 | 426 | 428 | 429 | 431 | 451
  | 500 | 501 | 502 | 503 | 504 | 505 | 506 | 507 | 508 | 510 | 511
export type RedirectStatus = 300 | 301 | 302 | 303 | 304 | 305 | 307 | 308
export type SuccessStatus = 200 | 201 | 202 | 203 | 204 | 205 | 206 | 207 | 208 | 226
export type Status = SuccessStatus | RedirectStatus | ErrorStatus

/** One invalid value of a request. */
export interface InputError {
  /** The input that has the value: `query`, `headers` or `body`. */
  readonly in: string
  /** The position of the value in the input, as a JSON Pointer (RFC 6901). */
  readonly pointer: string
  readonly detail: string
}

/**
 * An error as a document.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9457
 */
export interface Problem<status extends number = number> {
  /** A URI that identifies the kind of problem. @default 'about:blank' */
  readonly type?: string
  /** A summary of the kind of problem. @default the status in words */
  readonly title?: string
  readonly status: status
  /** A description of this occurrence, for a person. */
  readonly detail?: string
  readonly instance?: string
  /** The invalid values, at most 50, in a 400 of byway. */
  readonly errors?: readonly InputError[]
}

/** The members of a problem that a caller sets. Other members are its extensions. */
export interface ProblemDetails<type extends string = string> {
  readonly type?: type
  readonly title?: string
  readonly detail?: string
  readonly instance?: string
}

export const problemHeaders: HeaderPairs = [
  ['content-type', 'application/problem+json'],
  ['x-content-type-options', 'nosniff'],
]

/** Makes an `application/problem+json` Response. `headers` are added to its own. */
export function toProblem(
  status: number,
  title: string | undefined,
  details?: object,
  headers: HeaderPairs = [],
  memory?: object,
): Response {
  const data = { title, ...details, status }
  return createResponse(() => JSON.stringify(data), status, [...problemHeaders, ...headers], {
    data,
    isReply: true,
    ...memory,
  })
}

const maxErrors = 50
const maxDetail = 200
const maxPointer = 500

/**
 * Converts the issues of a schema. They are cut before anything is made of them: a body of 1 MiB can have half a million
 * issues, or a name of its own length.
 */
export const toInputErrors = (name: string, issues: readonly Issue[]): InputError[] =>
  issues.slice(0, maxErrors).map(({ path = [], message }) => ({
    in: name,
    pointer: toPointer(path.map((step) => (typeof step === 'object' ? step.key : step))).slice(0, maxPointer),
    detail: String(message).slice(0, maxDetail),
  }))

/** The 400 for invalid input. `issues` are the schema's own, for an app's error format. */
export const toInvalid = (errors: readonly InputError[], issues?: readonly Issue[]): Response =>
  toProblem(400, 'Bad Request', { detail: 'The input is not valid.', errors }, [], { issues })

/** @see https://www.rfc-editor.org/rfc/rfc6901#section-3 */
export const toPointer = (path: readonly PropertyKey[]): string =>
  path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')

/** The 413 for a body above the limit. */
export const tooLarge = (limit: number): Response =>
  toProblem(413, 'Content Too Large', { detail: `The body is larger than ${limit} bytes.` })

/** The phase of a request in which an error occurred, for `onError`. */
export type Phase = 'middleware' | 'input' | 'handler' | 'response' | 'stream' | 'after' | 'waitUntil'

/** Makes a problem that hides an error from the client. `errorOf` returns the error to middleware. */
export const toFailure = (
  error: unknown,
  phase: Phase,
  status = 500,
  title = 'Internal Server Error',
  details: object = { detail: undeclared },
  headers?: HeaderPairs,
): Response => toProblem(status, title, details, headers, { cause: { error, phase, wasRead: false } })

/**
 * Returns the error that became this Response: the value that a handler or a middleware threw. Returns `undefined` for any
 * other Response.
 *
 * An error counts as handled, and is not reported to `onError`, if a middleware reads it here and returns another Response.
 *
 * @example
 * const domainErrors = middleware(async (request, context, next) => {
 *   const response = await next()
 *   return errorOf(response) instanceof NoSuchRow ? reply.notFound() : response
 * })
 */
export function errorOf(response: Response): unknown {
  const cause = memoryOf(response)?.cause
  if (cause) cause.wasRead = true
  return cause?.error
}
