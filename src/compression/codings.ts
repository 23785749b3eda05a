// The package imports this file as `#compression/codings` on hosts without `node:zlib`.

/** A coding that the host can produce. */
export interface Coding {
  readonly name: string
  /** Compresses a whole body. */
  compress(body: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>
  /**
   * Compresses a stream, and sends what it has of each chunk before it reads the next one. `undefined` if the host would wait
   * for more chunks.
   */
  readonly stream?: (body: ReadableStream<Uint8Array>) => ReadableStream<Uint8Array<ArrayBuffer>>
}

/** The codings of this host, the best first. A `CompressionStream` cannot be flushed. */
export const codings: readonly Coding[] = [
  {
    name: 'gzip',
    async compress(body) {
      const stream = new Blob([body]).stream().pipeThrough(new CompressionStream('gzip'))
      return new Uint8Array(await new Response(stream).arrayBuffer())
    },
  },
]
