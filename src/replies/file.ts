import { isKeptByNotModified, toSelection, type Validators } from '../headers/conditional.js'
import { formatContentDisposition, type Disposition } from '../headers/content-disposition.js'
import { formatDate } from '../headers/date.js'
import { isEntityTag } from '../headers/entity-tag.js'
import type { ByteRange } from '../headers/range.js'
import { toProblem, type Problem } from '../problem.js'
import type { Reply, ReplyHeaders } from '../reply.js'
import { createResponse } from '#response'
import { createStreamResponse, type Items } from './stream.js'

/** A file that is not in memory. */
export interface FileSource {
  /** The size of the whole file in bytes. */
  readonly size: number
  /** Returns the bytes from `start` up to, but not including, `end`. Called once; never for a HEAD or a 304. */
  stream(start: number, end: number): Items<Uint8Array>
}

/** The content of a file. */
export type FileBody = Blob | ArrayBuffer | ArrayBufferView<ArrayBuffer> | FileSource

export interface FileOptions<type extends string = string> extends ReplyHeaders {
  /** The media type. A Blob's own type is not used: the type of an upload is what its sender claims. @default 'application/octet-stream' */
  readonly type?: type
  /** The time of the last change: a Date, or milliseconds since 1970. @default no `Last-Modified` */
  readonly lastModified?: Date | number
  /** The entity tag with its quotes: `'"abc"'`, or `'W/"abc"'` if the bytes can differ. @default a weak tag of size and `lastModified`, if that is given */
  readonly etag?: string
  /** The name under which the client saves the file. Characters that a file name cannot have are replaced. @default the client's choice */
  readonly name?: string
  /** Whether the client shows or saves the file. @default 'attachment' if a name is given, else the client's choice */
  readonly disposition?: Disposition
}

/** The data that the client reads, by media type. */
// prettier-ignore
type FileData<type extends string> =
  string extends type ? unknown :
  type extends `text/event-stream${string}` | `application/${'json' | 'x-ndjson'}${string}` | `${string}+json${string}` ? unknown :
  type extends `text/${string}` | 'application/xml' | `application/xml;${string}` ? string :
  Blob

/** The responses of `reply.file`. */
export type FileReply<type extends string = string> =
  | Reply<200 | 206, FileData<type>>
  | Reply<304, undefined>
  | Reply<412, Problem<412>>
  | Reply<416, Problem<416>>

/**
 * The Response for a file: the whole file, the part that a `Range` header requests (206), or a 304, 412 or 416 according to the
 * request's conditions. Only GET and HEAD have conditions, and only GET has ranges. A request for several ranges gets the
 * whole file, as RFC 9110 §14.2 allows, so many small or overlapping ranges cost nothing.
 *
 * Send uploads of users with `disposition: 'attachment'`: HTML and SVG can run scripts on this origin.
 * `X-Content-Type-Options: nosniff` is sent with every file.
 *
 * @throws TypeError if `etag` is not an entity tag or `lastModified` is not a time.
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-13.2.2
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-14
 * @example
 * route('/report').get(async (request) => {
 *   const { size, mtime } = await stat(path)
 *   const stream = (start: number, end: number) => createReadStream(path, { start, end: end - 1 })
 *   return reply.file(request, { size, stream }, { type: 'application/pdf', lastModified: mtime, name: 'Report.pdf' })
 * })
 */
export function file<const type extends string = 'application/octet-stream'>(
  request: Request,
  body: FileBody,
  options: FileOptions<type> = {},
): FileReply<type> {
  const size = sizeOf(body)
  const validators = toValidators(size, options)
  const headers = toHeaders(options, validators)
  const { method } = request
  if (method !== 'GET' && method !== 'HEAD') return send(body, 200, headers, { start: 0, end: size })

  headers.set('accept-ranges', 'bytes')
  const selection = toSelection(request, validators, () => size)
  if (selection === 412) return toProblem(412, 'Precondition Failed') as FileReply<type>
  if (selection === 304)
    return createResponse(
      null,
      304,
      [...headers].filter(([name]) => isKeptByNotModified(name)),
    ) as FileReply<type>
  if (selection === 416)
    return toProblem(416, 'Range Not Satisfiable', undefined, [['content-range', `bytes */${size}`]]) as FileReply<type>
  if (!selection) return send(method === 'GET' ? body : undefined, 200, headers, { start: 0, end: size })
  headers.set('content-range', `bytes ${selection.start}-${selection.end - 1}/${size}`)
  return send(body, 206, headers, selection)
}

function sizeOf(body: FileBody): number {
  const size = body instanceof ArrayBuffer || ArrayBuffer.isView(body) ? body.byteLength : body.size
  if (!Number.isSafeInteger(size) || size < 0)
    throw new TypeError(`reply.file() takes a Blob, bytes, or { size, stream }; the size is ${String(size)}`)
  return size
}

function toValidators(size: number, { etag, lastModified: given }: FileOptions): Validators {
  if (etag !== undefined && !isEntityTag(etag))
    throw new TypeError(`reply.file() takes an etag with its quotes, such as '"abc"', not ${JSON.stringify(etag)}`)
  if (given === undefined) return { etag }
  const time = Number(given)
  if (Number.isNaN(new Date(time).getTime()))
    throw new TypeError(`reply.file() takes a Date as lastModified, not ${String(given)}`)
  // https://www.rfc-editor.org/rfc/rfc9110#section-8.8.2.1: not in the future.
  const lastModified = Math.floor(Math.min(time, Date.now()) / 1_000) * 1_000
  return { etag: etag ?? `W/"${size.toString(36)}-${Math.round(time).toString(36)}"`, lastModified }
}

function toHeaders(options: FileOptions, { etag, lastModified }: Validators): Headers {
  const headers = new Headers(options.headers)
  const {
    type = 'application/octet-stream',
    name,
    disposition = name === undefined ? undefined : 'attachment',
  } = options
  if (options.type !== undefined || !headers.has('content-type')) headers.set('content-type', type)
  if (!headers.has('x-content-type-options')) headers.set('x-content-type-options', 'nosniff')
  if (disposition) headers.set('content-disposition', formatContentDisposition(disposition, name))
  if (etag !== undefined) headers.set('etag', etag)
  if (lastModified !== undefined) headers.set('last-modified', formatDate(lastModified))
  return headers
}

function send<type extends string>(
  body: FileBody | undefined,
  status: 200 | 206,
  headers: Headers,
  { start, end }: ByteRange,
): FileReply<type> {
  headers.set('content-length', String(end - start))
  return toResponse(body, status, headers, start, end) as FileReply<type>
}

function toResponse(
  body: FileBody | undefined,
  status: number,
  headers: Headers,
  start: number,
  end: number,
): Response {
  if (!body || start === end) return createResponse(null, status, [...headers])
  const init = { status, headers }
  if (body instanceof ArrayBuffer) return new Response(new Uint8Array(body, start, end - start), init)
  if (ArrayBuffer.isView(body))
    return new Response(new Uint8Array(body.buffer, body.byteOffset + start, end - start), init)
  if (body instanceof Blob) return new Response(body.slice(start, end), init)
  return createStreamResponse(toExact(body, start, end), (chunk) => chunk, init)
}

// The length has been sent: a file that has changed since must not look complete.
function toExact(source: FileSource, start: number, end: number): AsyncIterable<Uint8Array> {
  return {
    [Symbol.asyncIterator]() {
      const items = source.stream(start, end)
      const iterator = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]()
      let left = end - start
      return {
        async next() {
          const result = await iterator.next()
          left -= result.done ? 0 : result.value.byteLength
          if (left < 0 || (result.done && left > 0))
            throw new Error(`the file has ${left < 0 ? 'more' : 'fewer'} bytes than its size of ${end - start}`)
          return result
        },
        async return() {
          await iterator.return?.()
          return { done: true, value: undefined }
        },
      }
    },
  }
}
