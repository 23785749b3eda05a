import { memoryOf, remember, type Memory, type StreamWatcher } from '#response'
import { keepScope } from './scope.js'

/** What may be streamed: what `for await` takes. */
export type Items<item> = AsyncIterable<item> | Iterable<item>

/** Writes one item. */
export type Encode<item> = (item: item) => string | Uint8Array | Promise<string | Uint8Array>

/**
 * A Response whose body is written while it is read: an item is asked for when the client has taken the one before, and
 * none is when nobody reads, as after a HEAD. When the client goes, the items' iterator is closed.
 *
 * @throws TypeError for what is no iterable.
 */
export function createStreamResponse<item>(
  items: Items<item>,
  encode: Encode<item>,
  init: ResponseInit,
  keepAlive?: { readonly seconds: number; readonly text: string },
): Response {
  if (typeof items !== 'object' || items === null || !(Symbol.asyncIterator in items || Symbol.iterator in items))
    throw new TypeError(
      `a stream is written from an iterable or an async one, not from ${items === null ? 'null' : `a ${typeof items}`}`,
    )
  const stream = new ItemStream(items, encode, keepAlive)
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>(stream, { highWaterMark: 0 })
  const response = new Response(body, init)
  remember(response, { stream })
  return response
}

/** The stream that writes a Response's body, if it is one of byway's; who sets its `watcher` is told of its end. */
export const streamOf = (response: Response): Memory['stream'] => memoryOf(response)?.stream

const told = new WeakSet<object>()

/** Whether a watcher has been told of this error, so that a host need not tell it too. */
export const wasTold = (error: unknown): boolean => told.has(error as object)

const encoder = new TextEncoder()

class ItemStream<item> implements UnderlyingDefaultSource<Uint8Array<ArrayBuffer>> {
  watcher: StreamWatcher | undefined
  // Who reads a stream is in no request's scope.
  readonly #inScope = keepScope()
  readonly #items: Items<item>
  readonly #encode: Encode<item>
  readonly #keepAlive: { readonly seconds: number; readonly text: string } | undefined
  #iterator: AsyncIterator<item> | Iterator<item> | undefined
  /** Whether the iterator waits to be asked, so that it is to be closed when nobody will. */
  #isOpen = true
  #beat: ReturnType<typeof setTimeout> | undefined
  /** Since when the client waits for the next item. */
  #waitsSince: number | undefined
  #ended = false

  constructor(
    items: Items<item>,
    encode: Encode<item>,
    keepAlive: { readonly seconds: number; readonly text: string } | undefined,
  ) {
    this.#items = items
    this.#encode = encode
    this.#keepAlive = keepAlive
  }

  async pull(controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>): Promise<void> {
    const { seconds = 0 } = this.#keepAlive ?? {}
    if (seconds) {
      this.#waitsSince = performance.now()
      this.#beat ??= this.#startBeat(controller, seconds * 1_000)
    }
    try {
      const iterator = this.#start()
      this.#isOpen = false
      const { done, value } = await (this.#inScope ? this.#inScope(() => iterator.next()) : iterator.next())
      this.#isOpen = !done
      if (this.#ended) return
      if (done) {
        this.#end()
        controller.close()
        return
      }
      // A synchronous one may have promises as its items.
      const encoded = this.#encode(Symbol.asyncIterator in this.#items ? value : await value)
      const chunk = encoded instanceof Promise ? await encoded : encoded
      if (this.#ended) return
      controller.enqueue(typeof chunk === 'string' ? encoder.encode(chunk) : (chunk as Uint8Array<ArrayBuffer>))
    } catch (error) {
      if (this.#ended) return
      this.#fail(error)
      controller.error(error)
      this.#end()
      // What closing it throws is less than what has been thrown, as in a `for await`.
      if (this.#isOpen) await this.#close().catch(() => {})
    } finally {
      this.#waitsSince = undefined
    }
  }

  async cancel(): Promise<void> {
    if (this.#ended) return
    this.#end()
    try {
      await this.#close()
    } catch (error) {
      this.#fail(error)
    }
  }

  // One timer for many items: one for each would cost a quarter of what writing them does.
  #startBeat(
    controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>,
    milliseconds: number,
  ): ReturnType<typeof setTimeout> {
    return setTimeout(() => {
      this.#beat = undefined
      // The next item that is waited for starts it again.
      if (this.#waitsSince === undefined) return
      const { seconds, text } = this.#keepAlive!
      let rest = this.#waitsSince + seconds * 1_000 - performance.now()
      if (rest < 1) {
        // Not while the client has the last one still to take.
        if (controller.desiredSize === 0) controller.enqueue(encoder.encode(text))
        this.#waitsSince = performance.now()
        rest = seconds * 1_000
      }
      this.#beat = this.#startBeat(controller, rest)
    }, milliseconds)
  }

  async #close(): Promise<void> {
    await (this.#inScope ? this.#inScope(() => this.#start().return?.()) : this.#start().return?.())
  }

  #start(): AsyncIterator<item> | Iterator<item> {
    const items = this.#items
    return (this.#iterator ??= Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]())
  }

  #fail(error: unknown): void {
    if (!this.watcher) return
    if (typeof error === 'object' && error !== null) told.add(error)
    this.watcher.failed(error)
  }

  #end(): void {
    this.#ended = true
    clearTimeout(this.#beat)
    this.watcher?.ended()
  }
}
