// How a request's body is read within a limit, by the host itself if it can and by counting its stream if it cannot.

type Bytes = Uint8Array<ArrayBuffer>

/** The name under which a host's Request reads its own body within a limit. */
export const readWithin: unique symbol = Symbol.for('byway.readWithin') as never

/** The name under which a host's Request accepts a limit for its `body`, `text()` and the like. */
export const limitWithin: unique symbol = Symbol.for('byway.limitWithin') as never

/** The methods that a host can add to its Requests to make reading a body cheaper. */
export interface BodySource {
  /**
   * Reads the whole body. `request.bodyUsed` is true from then on. The bytes can be a view of a larger buffer that also
   * holds other data, so copy them (`new Uint8Array(bytes)`) before handler code receives them.
   *
   * The promise rejects with a `BodyLimitError` if the body is larger than `limit` bytes, and with another error if the
   * body ends early.
   *
   * @throws TypeError if the body was read before, and Error if the host can no longer read it.
   */
  [readWithin](limit: number): Promise<Bytes>
  /** Makes every later read of more than `limit` bytes reject with a `BodyLimitError`. The last call counts. */
  [limitWithin](limit: number): void
}

/** A request body is larger than the limit of its operation. If a handler does not catch it, the client gets a 413. */
export class BodyLimitError extends Error {
  override readonly name = 'BodyLimitError'
  /** The limit in bytes. */
  readonly limit: number

  constructor(limit: number) {
    super(`the request body is larger than ${limit} bytes; raise bodyLimit to accept it`)
    this.limit = limit
  }

  // By name, because a bundled app and its host can have two copies of this class.
  static override [Symbol.hasInstance](value: unknown): boolean {
    return (value as Error | null | undefined)?.name === 'BodyLimitError'
  }
}

/** Counts the bytes of a stream. More than `limit` cancels the stream and fails the returned one with a `BodyLimitError`. */
export function limitStream(stream: ReadableStream<Bytes>, limit: number): ReadableStream<Bytes> {
  let size = 0
  let reader: ReadableStreamDefaultReader<Bytes> | undefined
  // Not `pipeThrough`: it takes the first chunk immediately, and then the request counts as used.
  return new ReadableStream<Bytes>(
    {
      async pull(controller) {
        reader ??= stream.getReader()
        const { done, value } = await reader.read()
        if (done) return controller.close()
        size += value.byteLength
        if (size > limit) {
          const error = new BodyLimitError(limit)
          reader.cancel(error).catch(() => {})
          throw error
        }
        controller.enqueue(value)
      },
      cancel: (reason) => (reader ?? stream).cancel(reason),
    },
    { highWaterMark: 0 },
  )
}

/**
 * Limits the body that a handler reads from `request` itself: every read of more than `limit` bytes rejects with a
 * `BodyLimitError`, and no more than the limit is buffered.
 *
 * If `isHosted` is true, the server that created the request enforces its `Content-Length`, so a length within the limit is
 * sufficient. Other bodies are counted while they are read. A copy by `clone()` is counted too; one by
 * `new Request(request)` or `fetch(request)` is not.
 */
export function limitBody(request: Request & Partial<BodySource>, limit: number, isHosted?: boolean): void {
  if (request[limitWithin]) return request[limitWithin](limit)
  const { method } = request
  if (method === 'GET' || method === 'HEAD') return
  const { headers } = request
  const length = headers.get('content-length')
  if (isHosted && length && +length <= limit) return
  const prototype = Object.getPrototypeOf(request) as Request
  let body: ReadableStream<Bytes> | null | undefined
  const define = (name: string, get: () => unknown): unknown =>
    Object.defineProperty(request, name, { configurable: true, get })
  define('body', () => {
    if (body !== undefined) return body
    body = Reflect.get(prototype, 'body', request)
    return (body &&= limitStream(body, limit))
  })
  define('clone', () => () => {
    const copy = prototype.clone.call(request)
    limitBody(copy, limit)
    return copy
  })
  // Read as bytes first, because a host can wrap the error of a stream in one of its own.
  for (const name of ['text', 'json', 'arrayBuffer', 'bytes', 'blob', 'formData'] as const)
    define(name, () => async () => {
      return new Response(await new Response(request.body).arrayBuffer(), { headers })[name]()
    })
}
