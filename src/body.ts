import { toProblem } from './problem.js'

/** A request that cannot be read. It answers for itself. */
export class BadBody {
  readonly response: Response
  constructor(status: 400 | 413 | 415, detail: string, headers?: readonly (readonly [string, string])[]) {
    this.response = toProblem(status, { detail }, headers)
  }
}

/** How a body is declared: what it is read as. */
export type BodyKind = 'body' | 'form' | 'text' | 'bytes'

/** 1 MiB. */
export const defaultBodyLimit = 1_048_576
const maxDepth = 64

/** What was read: a value for the schema, or why it could not be. */
export type ReadBody = (request: Request, limit: number) => Promise<unknown>

/**
 * The function that reads a body of this kind. One look at the media type picks the parser; whatever the headers say of
 * the length, bytes are counted while they are read. It rejects with `BadBody`.
 */
export function readBody(
  kind: BodyKind,
  toForm: (entries: Iterable<readonly [string, string | File]>) => unknown,
): ReadBody {
  switch (kind) {
    case 'body':
      return async (request, limit) => {
        if (isEmpty(request)) return undefined
        const type = mediaType(request)
        if (type !== 'application/json' && !/^[^/;]+\/[^/;]+\+json$/.test(type)) throw unsupported('application/json')
        return parseJson(decode(await readBytes(request, limit)))
      }
    case 'text':
      return async (request, limit) => decode(await readBytes(request, limit))
    case 'bytes':
      return async (request, limit) => readBytes(request, limit)
    case 'form':
      return async (request, limit) => {
        if (isEmpty(request)) return toForm([])
        const type = mediaType(request)
        if (type === 'application/x-www-form-urlencoded')
          return toForm(new URLSearchParams(decode(await readBytes(request, limit))))
        if (type !== 'multipart/form-data') throw unsupported('multipart/form-data, application/x-www-form-urlencoded')
        const bytes = await readBytes(request, limit)
        let form: FormData
        try {
          form = await new Response(bytes, {
            headers: { 'content-type': request.headers.get('content-type')! },
          }).formData()
        } catch {
          throw new BadBody(400, 'The body is not valid multipart/form-data.')
        }
        return toForm(form)
      }
  }
}

// Nothing was sent, and nothing was said to be: the schema decides whether that will do.
const isEmpty = (request: Request): boolean => request.body === null && !request.headers.has('content-type')

// https://www.rfc-editor.org/rfc/rfc9110#section-8.3.1, without the parameters, of which none changes the parser
function mediaType(request: Request): string {
  const header = request.headers.get('content-type') ?? ''
  const match =
    header.length <= 1_000 ? /^[ \t]*([!#$%&'*+.^_`|~\w-]+\/[!#$%&'*+.^_`|~\w-]+)[ \t]*(?:;[^,]*)?$/.exec(header) : null
  return match ? match[1]!.toLowerCase() : ''
}

// https://www.rfc-editor.org/rfc/rfc9110#section-15.5.16 and https://www.rfc-editor.org/rfc/rfc5789#section-3.1
const unsupported = (accept: string): BadBody =>
  new BadBody(415, `The body must be ${accept.replace(', ', ' or ')}.`, [['accept', accept]])

async function readBytes(request: Request, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  const encoding = request.headers.get('content-encoding')
  if (encoding !== null && encoding.toLowerCase() !== 'identity')
    throw new BadBody(415, 'The body must not have a Content-Encoding.', [['accept-encoding', 'identity']])
  if (request.bodyUsed)
    throw new TypeError(
      `the body of ${request.method} ${request.url} was read before it could be validated; read it from the context, or declare no body`,
    )
  const { body } = request
  if (body === null) return new Uint8Array()
  // What announces too much is refused unread; what announces too little is counted all the same.
  const announced = request.headers.get('content-length')
  if (announced !== null && Number(announced) > limit) {
    body.cancel().catch(() => {})
    throw tooLarge(limit)
  }
  const reader = body.getReader()
  let bytes: Uint8Array | undefined
  let chunks: Uint8Array[] | undefined
  let size = 0
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      if (!(value instanceof Uint8Array)) throw new TypeError('the body holds what is not bytes')
      size += value.byteLength
      if (size > limit) {
        reader.cancel().catch(() => {})
        throw tooLarge(limit)
      }
      if (!bytes) bytes = value
      else (chunks ??= [bytes]).push(value)
    }
  } catch (error) {
    throw error instanceof BadBody ? error : new BadBody(400, 'The body ended early.')
  }
  if (!chunks) return (bytes ?? new Uint8Array()) as Uint8Array<ArrayBuffer>
  const whole = new Uint8Array(size)
  let offset = 0
  for (const chunk of chunks) {
    whole.set(chunk, offset)
    offset += chunk.byteLength
  }
  return whole
}

const tooLarge = (limit: number): BadBody => new BadBody(413, `The body is larger than ${limit} bytes.`)

const decoder = new TextDecoder('utf-8', { fatal: true })

function decode(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch {
    throw new BadBody(400, 'The body is not valid UTF-8.')
  }
}

function parseJson(text: string): unknown {
  // Up to twice the depth, no text can be too deep.
  if (text.length > 2 * maxDepth && isTooDeep(text))
    throw new BadBody(400, `The body is nested deeper than ${maxDepth} levels.`)
  try {
    return JSON.parse(text)
  } catch {
    throw new BadBody(400, 'The body is not valid JSON.')
  }
}

function isTooDeep(text: string): boolean {
  let depth = 0
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code === 34) {
      // To the quote that no backslash escapes.
      do index = text.indexOf('"', index + 1)
      while (index !== -1 && isEscaped(text, index))
      if (index === -1) return false
    } else if (code === 91 || code === 123) {
      if (++depth > maxDepth) return true
    } else if (code === 93 || code === 125) depth--
  }
  return false
}

function isEscaped(text: string, index: number): boolean {
  let backslashes = 0
  while (text.charCodeAt(index - 1 - backslashes) === 92) backslashes++
  return backslashes % 2 === 1
}
