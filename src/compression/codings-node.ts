import * as zlib from 'node:zlib'
import type { Coding } from './codings.js'

export type { Coding } from './codings.js'

type Compressor = zlib.BrotliCompress | zlib.Gzip

// Node.js has zstd since 22.15.
const { createZstdCompress } = zlib as { createZstdCompress?: () => Compressor }
const { constants } = zlib

/** The codings of this host, the best first. */
export const codings: readonly Coding[] = [
  // The default quality of 11 takes fifty times as long for a few bytes less.
  toCoding('br', () => zlib.createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: 4 } })),
  ...(createZstdCompress ? [toCoding('zstd', () => createZstdCompress())] : []),
  toCoding('gzip', () => zlib.createGzip()),
]

function toCoding(name: string, create: () => Compressor): Coding {
  const stream = (body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array<ArrayBuffer>> =>
    compressStream(body, create())
  return {
    name,
    async compress(body) {
      const compressor = create()
      const chunks = collect(compressor)
      await new Promise<void>((resolve, reject) => {
        compressor.on('error', reject).on('end', resolve).end(body)
      })
      return new Uint8Array(Buffer.concat(chunks))
    },
    stream,
  }
}

function collect(compressor: Compressor): Buffer[] {
  const chunks: Buffer[] = []
  compressor.on('data', (chunk: Buffer) => void chunks.push(chunk))
  return chunks
}

function compressStream(
  body: ReadableStream<Uint8Array>,
  compressor: Compressor,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const reader = body.getReader()
  const chunks = collect(compressor)
  let failed: unknown
  compressor.on('error', (error) => (failed = error))
  const write = (chunk: Uint8Array): Promise<void> =>
    new Promise((resolve, reject) => {
      compressor.write(chunk, (error) => (error ? reject(error) : compressor.flush(() => resolve())))
    })
  const end = (): Promise<void> =>
    new Promise((resolve, reject) => {
      compressor.on('end', resolve).on('error', reject).end()
    })
  return new ReadableStream(
    {
      async pull(controller) {
        while (true) {
          const { done, value } = await reader.read()
          await (done ? end() : write(value))
          if (failed) throw failed
          const ready = chunks.splice(0)
          if (ready.length) controller.enqueue(new Uint8Array(Buffer.concat(ready)))
          if (done) return controller.close()
          if (ready.length) return
        }
      },
      async cancel(reason) {
        compressor.destroy()
        await reader.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
}
