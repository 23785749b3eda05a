import { show } from '../options.js'
import { remember } from '#response'
import { keepScope } from '../scope.js'

/** What can be streamed: what `for await` takes. */
export type Items<item> = AsyncIterable<item> | Iterable<item>

/** Converts one item to what is sent. */
export type Encode<item> = (item: item) => string | Uint8Array | Promise<string | Uint8Array>

/** What is sent while the client waits for the next item. */
export interface KeepAlive {
  readonly milliseconds: number
  readonly text: string
}

/**
 * Makes a Response whose body is written while it is read. The next item is requested when the client has read the last
 * one; none is requested for HEAD. When the client disconnects, the iterator is closed.
 *
 * The first item is requested before the head is sent, so that an error becomes a response. The head waits for it for at most a
 * second, unless `waits` is false.
 *
 * @throws TypeError if `items` is not iterable.
 */
export function createStreamResponse<item>(
  items: Items<item>,
  encode: Encode<item>,
  init: ResponseInit,
  keepAlive?: KeepAlive,
  waits = true,
): Response {
  if (typeof items !== 'object' || items === null || !(Symbol.asyncIterator in items || Symbol.iterator in items))
    throw new TypeError(`a stream takes an iterable or an async iterable, not ${show(items)}`)
  const stream = new ItemStream(items, encode, keepAlive)
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>(stream, { highWaterMark: 0 })
  return remember(new Response(body, init), {
    isReply: true,
    watch: (failed, track) => stream.watch(failed, track),
    ...(waits && { begin: (response) => stream.begin(response) }),
  })
}

const reported = new WeakSet<object>()

/** Whether a watcher has received this error, so that a host does not report it again. */
export const wasReported = (error: unknown): boolean => reported.has(error as object)

const encoder = new TextEncoder()

// A client that waits for events should see soon that its connection is open.
const maxWait = 1_000

class ItemStream<item> implements UnderlyingDefaultSource<Uint8Array<ArrayBuffer>> {
  #failed: ((error: unknown) => void) | undefined
  #track: ((work: Promise<unknown>) => void) | undefined
  #whenEnded: ((isCanceled: boolean) => void) | undefined
  // A host reads a stream outside of the request's scope.
  readonly #inScope = keepScope()
  readonly #items: Items<item>
  readonly #encode: Encode<item>
  readonly #keepAlive: KeepAlive | undefined
  #iterator: AsyncIterator<item> | Iterator<item> | undefined
  /** Whether the iterator waits for a call of `next`, and must be closed if no call comes. */
  #isOpen = true
  #beat: ReturnType<typeof setTimeout> | undefined
  /** The time since which the client waits for the next item. */
  #waitsSince: number | undefined
  #ended = false
  /** The first item, if it was requested before the body was read. */
  #first: Promise<Uint8Array<ArrayBuffer> | undefined> | undefined

  constructor(items: Items<item>, encode: Encode<item>, keepAlive: KeepAlive | undefined) {
    this.#items = items
    this.#encode = encode
    this.#keepAlive = keepAlive
  }

  /**
   * Passes an error of the items to `failed`, and the end of canceled items to `track`. Resolves when nothing more is sent, to
   * whether the stream was canceled, as when the client disconnects.
   */
  watch(failed: (error: unknown) => void, track?: (work: Promise<unknown>) => void): Promise<boolean> {
    this.#failed = failed
    this.#track = track
    return new Promise((resolve) => (this.#whenEnded = resolve))
  }

  async pull(controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>): Promise<void> {
    const { milliseconds = 0 } = this.#keepAlive ?? {}
    if (milliseconds) {
      this.#waitsSince = performance.now()
      this.#beat ??= this.#startBeat(controller, milliseconds)
    }
    try {
      const chunk = await (this.#first ?? this.#next())
      this.#first = undefined
      if (this.#ended) return
      if (chunk) {
        controller.enqueue(chunk)
        return
      }
      this.#end()
      controller.close()
    } catch (error) {
      if (this.#ended) return
      this.#fail(error)
      controller.error(error)
      await this.#abandon()
    } finally {
      this.#waitsSince = undefined
    }
  }

  /** Resolves to `response` when the first item is there, or after a second. Rejects if the items fail before. */
  async begin(response: Response): Promise<Response> {
    // A response of `dispatch()` passes twice.
    if (this.#iterator) return response
    let timer: ReturnType<typeof setTimeout> | undefined
    const late = new Promise((resolve) => (timer = setTimeout(resolve, maxWait)))
    this.#first = this.#next()
    try {
      await Promise.race([this.#first, late])
      return response
    } catch (error) {
      // Later than the response that replaces this one.
      void this.#abandon()
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  // The next chunk, or `undefined` at the end.
  async #next(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const iterator = this.#start()
    this.#isOpen = false
    const { done, value } = await (this.#inScope ? this.#inScope(() => iterator.next()) : iterator.next())
    this.#isOpen = !done
    if (done || this.#ended) return undefined
    // The items of a synchronous iterator can be promises.
    const encoded = this.#encode(Symbol.asyncIterator in this.#items ? value : await value)
    const chunk = encoded instanceof Promise ? await encoded : encoded
    return typeof chunk === 'string' ? encoder.encode(chunk) : (chunk as Uint8Array<ArrayBuffer>)
  }

  // As in `for await`, the first error wins.
  async #abandon(): Promise<void> {
    this.#end()
    if (this.#isOpen) await this.#close().catch(() => {})
  }

  async cancel(): Promise<void> {
    if (this.#ended) return
    this.#end(true)
    const closed = this.#close().catch((error: unknown) => this.#fail(error))
    this.#track?.(closed)
    await closed
  }

  // One timer serves many items: one for each would add a quarter to the cost of writing them.
  #startBeat(
    controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>,
    delay: number,
  ): ReturnType<typeof setTimeout> {
    return setTimeout(() => {
      this.#beat = undefined
      // The next call of `pull` starts it again.
      if (this.#waitsSince === undefined) return
      const { milliseconds, text } = this.#keepAlive!
      let rest = this.#waitsSince + milliseconds - performance.now()
      if (rest < 1) {
        // Not while the client has not read the last one.
        if (controller.desiredSize === 0) controller.enqueue(encoder.encode(text))
        this.#waitsSince = performance.now()
        rest = milliseconds
      }
      this.#beat = this.#startBeat(controller, rest)
    }, delay)
  }

  async #close(): Promise<void> {
    await (this.#inScope ? this.#inScope(() => this.#start().return?.()) : this.#start().return?.())
  }

  #start(): AsyncIterator<item> | Iterator<item> {
    const items = this.#items
    return (this.#iterator ??= Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]())
  }

  #fail(error: unknown): void {
    if (!this.#failed) return
    if (typeof error === 'object' && error !== null) reported.add(error)
    this.#failed(error)
  }

  #end(isCanceled = false): void {
    this.#ended = true
    clearTimeout(this.#beat)
    this.#whenEnded?.(isCanceled)
  }
}
