/** Who is told how a streamed answer ends. */
export interface StreamWatcher {
  /** The items broke off with this error; the client sees the connection break. */
  failed(error: unknown): void
  /** Nothing more is sent: the items are all out, they broke off, or the client has gone. */
  ended(): void
}

/** What may be streamed: what `for await` takes. */
export type Items<item> = AsyncIterable<item> | Iterable<item>

const source: unique symbol = Symbol('byway.stream') as never

/**
 * A Response whose body is written while it is read: an item is asked for when the client has taken the one before, and
 * none is when nobody reads, as after a HEAD. When the client goes, the items' iterator is closed.
 */
export function createStreamResponse<item>(
  items: Items<item>,
  encode: (item: item) => string | Uint8Array,
  init: ResponseInit,
  keepAlive?: { readonly seconds: number; readonly text: string },
): Response {
  const stream = new ItemStream(items, encode, keepAlive)
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>(stream, { highWaterMark: 0 })
  return Object.assign(new Response(body, init), { [source]: stream })
}

/** The stream that writes a Response's body, if it is one of byway's; who sets its `watcher` is told of its end. */
export const streamOf = (response: Response): { watcher: StreamWatcher | undefined } | undefined =>
  (response as { [source]?: ItemStream<unknown> })[source]

const encoder = new TextEncoder()

class ItemStream<item> implements UnderlyingDefaultSource<Uint8Array<ArrayBuffer>> {
  watcher: StreamWatcher | undefined
  readonly #items: Items<item>
  readonly #encode: (item: item) => string | Uint8Array
  readonly #keepAlive: { readonly seconds: number; readonly text: string } | undefined
  #iterator: AsyncIterator<item> | Iterator<item> | undefined
  #ended = false

  constructor(
    items: Items<item>,
    encode: (item: item) => string | Uint8Array,
    keepAlive: { readonly seconds: number; readonly text: string } | undefined,
  ) {
    this.#items = items
    this.#encode = encode
    this.#keepAlive = keepAlive
  }

  async pull(controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>): Promise<void> {
    const { seconds = 0, text = '' } = this.#keepAlive ?? {}
    const beat = seconds && setInterval(() => controller.enqueue(encoder.encode(text)), seconds * 1_000)
    try {
      const { done, value } = await this.#start().next()
      if (this.#ended) return
      if (done) {
        this.#end()
        controller.close()
      } else {
        const chunk = this.#encode(value)
        controller.enqueue(typeof chunk === 'string' ? encoder.encode(chunk) : (chunk as Uint8Array<ArrayBuffer>))
      }
    } catch (error) {
      if (this.#ended) return
      this.watcher?.failed(error)
      controller.error(error)
      await this.cancel()
    } finally {
      if (beat) clearInterval(beat)
    }
  }

  async cancel(): Promise<void> {
    if (this.#ended) return
    this.#end()
    try {
      await this.#start().return?.()
    } catch (error) {
      this.watcher?.failed(error)
    }
  }

  #start(): AsyncIterator<item> | Iterator<item> {
    const items = this.#items
    return (this.#iterator ??= Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]())
  }

  #end(): void {
    this.#ended = true
    this.watcher?.ended()
  }
}
