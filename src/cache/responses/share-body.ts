/**
 * Lets two readers have a streamed body: the client, through the returned Response, and `whole`, which resolves to the bytes
 * when the stream ends. If the client disconnects, the stream is read to its end. `whole` resolves to `undefined` if the
 * stream fails.
 */
export function shareBody(
  response: Response,
  maxBytes: number,
  run: <value>(work: () => value) => value,
): { response: Response; whole: Promise<Uint8Array<ArrayBuffer> | 'too large' | undefined> } {
  const reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>> = response.body!.getReader()
  let chunks: Uint8Array<ArrayBuffer>[] | undefined = []
  let size = 0
  let settle!: (whole: Uint8Array<ArrayBuffer> | 'too large' | undefined) => void
  const whole = new Promise<Uint8Array<ArrayBuffer> | 'too large' | undefined>((resolve) => (settle = resolve))

  const read = async (): Promise<Uint8Array<ArrayBuffer> | undefined> => {
    try {
      const { done, value } = await run(() => reader.read())
      if (done) {
        if (chunks) settle(concat(chunks, size))
        return undefined
      }
      if (chunks) {
        size += value.byteLength
        if (size > maxBytes || !(value instanceof Uint8Array)) {
          chunks = undefined
          settle('too large')
        } else chunks.push(new Uint8Array(value))
      }
      return value
    } catch (error) {
      settle(undefined)
      throw error
    }
  }
  let isCanceled = false
  const pass = async (controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>): Promise<boolean> => {
    const chunk = await read()
    if (!isCanceled) {
      if (chunk === undefined) controller.close()
      else controller.enqueue(chunk)
    } else if (!chunks) await reader.cancel()
    return chunk !== undefined
  }
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      // Reads ahead of the client while the body can be stored, so that other requests do not wait for a slow client.
      async start(controller) {
        while (chunks && (await pass(controller)));
      },
      async pull(controller) {
        await pass(controller)
      },
      async cancel(reason) {
        isCanceled = true
        if (!chunks) await reader.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
  return { response: new Response(body, response), whole }
}

function concat(chunks: readonly Uint8Array<ArrayBuffer>[], size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.byteLength
  }
  return bytes
}
