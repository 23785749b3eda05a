import { toProblem } from './problem.js'
import { isResponse } from '#response'
import { BodyLimitError, readWithin, type BodySource } from './inputs/source.js'

/** How a body is declared: what it is read as. */
export type BodyKind = 'body' | 'form' | 'text' | 'bytes' | 'stream'

/** 1 MiB. */
export const defaultBodyLimit = 1_048_576
const maxDepth = 64

/**
 * The body of a request, read as this kind: a value for the schema. One look at the media type picks the parser;
 * whatever the headers say of the length, bytes are counted while they are read. What cannot be read throws its own answer.
 */
export async function readBody(
  kind: BodyKind,
  request: Request,
  limit: number,
  toForm: (entries: Iterable<readonly [string, string | File]>) => unknown,
): Promise<unknown> {
  const header = request.headers.get('content-type')
  const type = mediaType(header ?? '')
  const isMultipart = type === 'multipart/form-data'
  const accept =
    kind === 'body' && type !== 'application/json' && !/^[^/]+\/[^/]+\+json$/.test(type)
      ? 'application/json'
      : kind === 'form' && type !== 'application/x-www-form-urlencoded' && !isMultipart
        ? 'multipart/form-data, application/x-www-form-urlencoded'
        : undefined
  if (accept && header !== null) throw unsupported(accept)
  const bytes = await readBytes(request, limit)
  if (kind === 'bytes') return bytes.slice()
  if (accept) {
    if (bytes.length) throw unsupported(accept)
    // Nothing was sent, and nothing was said to be: the schema decides whether that will do.
    return kind === 'form' ? toForm([]) : undefined
  }
  if (kind === 'form' && isMultipart) {
    const form = new Response(bytes, { headers: { 'content-type': header! } }).formData()
    return toForm(
      await form.catch(() => {
        throw toProblem(400, { detail: 'The body is not valid multipart/form-data.' })
      }),
    )
  }
  const text = decode(bytes)
  return kind === 'text' ? text : kind === 'body' ? parseJson(text) : toForm(new URLSearchParams(text))
}

// https://www.rfc-editor.org/rfc/rfc9110#section-8.3.1, without the parameters, of which none changes the parser
function mediaType(header: string): string {
  const match =
    header.length <= 1_000 ? /^[ \t]*([!#$%&'*+.^_`|~\w-]+\/[!#$%&'*+.^_`|~\w-]+)[ \t]*(?:;[^,]*)?$/.exec(header) : null
  return match ? match[1]!.toLowerCase() : ''
}

// https://www.rfc-editor.org/rfc/rfc9110#section-15.5.16 and https://www.rfc-editor.org/rfc/rfc5789#section-3.1
const unsupported = (accept: string): Response =>
  toProblem(415, { detail: `The body must be ${accept.replace(', ', ' or ')}.` }, [['accept', accept]])

function checkUnused({ bodyUsed, method, url }: Request): void {
  if (bodyUsed)
    throw new TypeError(
      `the body of ${method} ${url} was read before it could be validated; read it from the context, or declare no body`,
    )
}

function checkEncoding({ headers }: Request): void {
  const encoding = headers.get('content-encoding')
  if (encoding !== null && encoding.toLowerCase() !== 'identity')
    throw toProblem(415, { detail: 'The body must not have a Content-Encoding.' }, [['accept-encoding', 'identity']])
}

// The body as it comes, once it is known to be one that may be read.
function openBody(request: Request, limit: number): ReadableStream<Uint8Array<ArrayBuffer>> | null {
  checkEncoding(request)
  checkUnused(request)
  const { body } = request
  if (body === null) return null
  // What announces too much is refused unread; what announces too little is counted all the same.
  const announced = request.headers.get('content-length')
  if (announced !== null && Number(announced) > limit) {
    body.cancel().catch(() => {})
    throw tooLarge(limit)
  }
  return body
}

/**
 * The body as a stream, for a media range such as `video/*`. Bytes are counted on the way: over the limit it fails with a
 * 413 Response, which answers when the reader throws it on.
 */
export function streamBody(request: Request, range: string, limit: number): ReadableStream<Uint8Array<ArrayBuffer>> {
  const type = mediaType(request.headers.get('content-type') ?? '')
  if (range !== '*/*' && type !== range && !(range.endsWith('/*') && type.startsWith(range.slice(0, -1))))
    throw unsupported(range)
  let size = 0
  const counter = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform(chunk, controller) {
      size += chunk.byteLength
      if (size > limit) throw tooLarge(limit)
      controller.enqueue(chunk)
    },
  })
  const body = openBody(request, limit)
  return body ? body.pipeThrough(counter) : new ReadableStream({ start: (controller) => controller.close() })
}

function readBytes(request: Request & Partial<BodySource>, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  if (!request[readWithin]) return readStream(request, limit)
  checkEncoding(request)
  checkUnused(request)
  return request[readWithin](limit).catch((error: unknown) => {
    throw error instanceof BodyLimitError ? tooLarge(limit) : toProblem(400, { detail: 'The body ended early.' })
  })
}

async function readStream(request: Request, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  const body = openBody(request, limit)
  if (!body) return new Uint8Array()
  const reader = body.getReader()
  let bytes = new Uint8Array()
  let size = 0
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return bytes.subarray(0, size)
      if (!(value instanceof Uint8Array)) throw new TypeError('the body holds what is not bytes')
      const offset = size
      size += value.byteLength
      if (size > limit) {
        reader.cancel().catch(() => {})
        throw tooLarge(limit)
      }
      // Copied, but for a body of one chunk: a list of chunks of one byte would cost a hundred times their size.
      if (!offset) bytes = value
      else {
        if (size > bytes.length) {
          const grown = new Uint8Array(Math.min(2 * size, limit))
          grown.set(bytes)
          bytes = grown
        }
        bytes.set(value, offset)
      }
    }
  } catch (error) {
    throw isResponse(error) ? error : toProblem(400, { detail: 'The body ended early.' })
  }
}

const tooLarge = (limit: number): Response => toProblem(413, { detail: `The body is larger than ${limit} bytes.` })

const decoder = new TextDecoder('utf-8', { fatal: true })

function decode(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch {
    throw toProblem(400, { detail: 'The body is not valid UTF-8.' })
  }
}

function parseJson(text: string): unknown {
  // Up to twice the depth, no text can be too deep.
  if (text.length > 2 * maxDepth && isTooDeep(text))
    throw toProblem(400, { detail: `The body is nested deeper than ${maxDepth} levels.` })
  try {
    return JSON.parse(text)
  } catch {
    throw toProblem(400, { detail: 'The body is not valid JSON.' })
  }
}

function isTooDeep(text: string): boolean {
  let depth = 0
  let isQuoted = false
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code === 34) isQuoted = !isQuoted
    else if (isQuoted) {
      if (code === 92) index++
    } else if (code === 91 || code === 123) {
      if (++depth > maxDepth) return true
    } else if (code === 93 || code === 125) depth--
  }
  return false
}
