import type { BodyKind, RequestBody } from '../declaration.js'
import { toProblem } from '../problem.js'
import { BodyLimitError, limitStream, readWithin, type BodySource } from './source.js'

type Bytes = Uint8Array<ArrayBuffer>

/**
 * Reads the body of a request as a kind. One look at the media type selects the reader. Bytes are counted while they are
 * read, whatever the headers say. Throws, or rejects with, a Response or a `BodyLimitError` if the body cannot be read.
 */
export function readBody(kind: BodyKind, request: Request, limit: number, isServer: boolean | undefined): unknown {
  const type = mediaType(request.headers.get('content-type') ?? '')
  const isAccepted = kind.types.some((accepted) => matches(type, accepted))
  const read = (): Promise<Bytes> =>
    isAccepted ? readBytes(request, limit, isServer) : Promise.resolve(new Uint8Array())
  const body: RequestBody = {
    request,
    type,
    // A copy, because a host's bytes can be a view of a buffer with other data in it. `slice()` of a Buffer is a view too.
    bytes: () => read().then((bytes) => new Uint8Array(bytes)),
    text: () => read().then(decode),
    stream() {
      if (isAccepted) {
        checkReadable(request)
        checkLength(request, limit)
        if (request.body) return limitStream(request.body, limit)
      }
      return new Response('').body!
    },
  }
  if (isAccepted) return kind.read(body)
  // Without bytes there is nothing to convert, and the schema decides. A byte of another media type is a 415.
  return readBytes(request, 0, isServer).then(
    () => kind.read(body),
    (error: unknown) => {
      throw error instanceof BodyLimitError ? unsupported(kind.types) : error
    },
  )
}

// https://www.rfc-editor.org/rfc/rfc9110#section-8.3.1, without the parameters, which never change the reader
function mediaType(header: string): string {
  const match =
    header.length <= 1_000 &&
    /^[ \t]*([!#$%&'*+.^_`|~\w-]+\/[!#$%&'*+.^_`|~\w-]+)[ \t]*(?:;(?:[^,"]|"[^"]*")*)?$/.exec(header)
  return match ? match[1]!.toLowerCase() : ''
}

const matches = (type: string, accepted: string): boolean =>
  type === accepted ||
  accepted === '*/*' ||
  (accepted[0] === '+'
    ? type.endsWith(accepted) && !type.endsWith(`/${accepted}`)
    : accepted.endsWith('/*') && type.startsWith(accepted.slice(0, -1)))

// https://www.rfc-editor.org/rfc/rfc9110#section-15.5.16 and https://www.rfc-editor.org/rfc/rfc5789#section-3.1
function unsupported(types: readonly string[]): Response {
  const accepted = types.filter((type) => type[0] !== '+')
  return toProblem(415, 'Unsupported Media Type', { detail: `The body must be ${accepted.join(' or ')}.` }, [
    ['accept', accepted.join(', ')],
  ])
}

// The programmer's mistake, or a coding that byway does not decode.
function checkReadable(request: Request): void {
  const encoding = request.headers.get('content-encoding')
  if (encoding !== null && encoding.toLowerCase() !== 'identity')
    throw toProblem(415, 'Unsupported Media Type', { detail: 'The body must not have a Content-Encoding.' }, [
      ['accept-encoding', 'identity'],
    ])
  if (request.bodyUsed)
    throw new TypeError('the body was read before it was validated; read context.body, or declare no body')
}

// A body that announces too many bytes is not read. One that announces too few is counted all the same.
function checkLength(request: Request & Partial<BodySource>, limit: number): void {
  if (!(Number(request.headers.get('content-length')) > limit)) return
  // A host that reads its own bodies keeps the connection usable.
  if (!request[readWithin]) request.body?.cancel().catch(() => {})
  throw new BodyLimitError(limit)
}

function readBytes(
  request: Request & Partial<BodySource>,
  limit: number,
  isServer: boolean | undefined,
): Promise<Bytes> {
  checkReadable(request)
  const length = request.headers.get('content-length')
  const fail = (error: unknown): never => {
    throw error instanceof BodyLimitError ? error : toProblem(400, 'Bad Request', { detail: 'The body ended early.' })
  }
  if (request[readWithin]) return request[readWithin](limit).catch(fail)
  checkLength(request, limit)
  // A server has enforced the length that the request announces.
  if (isServer && length !== null) return request.arrayBuffer().then((buffer) => new Uint8Array(buffer), fail)
  return collect(request.body?.getReader(), limit).catch(fail)
}

async function collect(reader: ReadableStreamDefaultReader<Bytes> | undefined, limit: number): Promise<Bytes> {
  let bytes = new Uint8Array()
  let size = 0
  for (;;) {
    const { done = true, value } = (await reader?.read()) ?? {}
    if (done) return bytes.subarray(0, size)
    if (!(value instanceof Uint8Array)) throw new TypeError('the body contains a chunk that is not bytes')
    const offset = size
    size += value.byteLength
    if (size > limit) {
      reader!.cancel().catch(() => {})
      throw new BodyLimitError(limit)
    }
    // A body of one chunk is not copied. A list of chunks of one byte would take a hundred times their size.
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
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decode(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch {
    throw toProblem(400, 'Bad Request', { detail: 'The body is not valid UTF-8.' })
  }
}
