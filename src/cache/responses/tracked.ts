import { Context, copied, innerSignal, type Exchange } from '../context.js'

/** What a handler under a cache has read that the answer's key does not hold, where that is an error. */
export class DynamicError extends Error {
  override readonly name = 'DynamicError'
  /** What was read, such as `header cookie` or `context.user`. */
  readonly read: string
  constructor(pattern: string | undefined, read: string) {
    super(
      `${pattern ? `the cached route '${pattern}'` : 'a cached route'} reads ${read}, which is not in the key of its answers; take it into the key (vary, key, a declared input), or leave the cache out`,
    )
    this.read = read
  }
}

/** What to do when something is read that the key does not hold: note it, throw, or show it empty. */
export type Dynamic = 'auto' | 'error' | 'force-static'

/** Who is asked about each thing that is read under a cache, beyond what the key holds. */
export class Tracker {
  /** What was read, in order. */
  readonly reads: Set<string> = new Set()
  readonly mode: Dynamic
  /** The request's headers that the key holds, in lower case. */
  readonly varied: ReadonlySet<string>
  readonly #pattern: string | undefined

  constructor(mode: Dynamic, pattern: string | undefined, varied: ReadonlySet<string>) {
    this.mode = mode
    this.#pattern = pattern
    this.varied = varied
  }

  /** Whether the value itself may be shown. @throws DynamicError */
  allows(read: string): boolean {
    if (this.mode === 'force-static') return false
    this.reads.add(read)
    if (this.mode === 'error') throw this.toError()
    return true
  }

  toError(): DynamicError {
    return new DynamicError(this.#pattern, [...this.reads].join(' and '))
  }
}

// What an answer's conditions and parts are made of is the cache's affair: the handler gives the whole.
const hidden: ReadonlySet<string> = new Set([
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
  'if-range',
  'range',
])

// What hosts put on their requests beside the standard's own.
const hostMembers = ['cf', 'ip', 'runtime'] as const

/**
 * The Request as a cached handler sees it: a GET without a body. In its inner slots, where `fetch(request)` reads, is only
 * what the key holds.
 */
export function toTrackedRequest(request: Request, tracker: Tracker, signal: () => AbortSignal): Request {
  const { TrackedRequest } = (classes ??= defineClasses())
  return new TrackedRequest(request, tracker, signal)
}

let classes: ReturnType<typeof defineClasses> | undefined

// In a function, because naming `Request` makes Node load it: 75 ms on a cold start.
function defineClasses() {
  class TrackedHeaders extends Headers {
    readonly #real: Headers
    readonly #tracker: Tracker

    constructor(real: Headers, tracker: Tracker) {
      super(seenOf(real, tracker))
      this.#real = real
      this.#tracker = tracker
    }

    override get(name: string): string | null {
      return this.#isShown(name) ? this.#real.get(name) : null
    }
    override has(name: string): boolean {
      return this.#isShown(name) && this.#real.has(name)
    }
    override getSetCookie(): string[] {
      return []
    }
    override append(): never {
      throw new TypeError("a request's headers do not change under a cache; add to the context what is inside needs")
    }
    override set(): never {
      return this.append()
    }
    override delete(): never {
      return this.append()
    }
    override *entries(): HeadersIterator<[string, string]> {
      for (const pair of this.#tracker.allows('all headers') ? this.#real : super.entries())
        if (!hidden.has(pair[0])) yield pair
      return undefined
    }
    override *keys(): HeadersIterator<string> {
      for (const [name] of this) yield name
      return undefined
    }
    override *values(): HeadersIterator<string> {
      for (const [, value] of this) yield value
      return undefined
    }
    override [Symbol.iterator](): HeadersIterator<[string, string]> {
      return this.entries()
    }
    override forEach(callback: (value: string, name: string, headers: Headers) => void, self?: unknown): void {
      for (const [name, value] of this) callback.call(self, value, name, this)
    }

    #isShown(given: string): boolean {
      const name = String(given).toLowerCase()
      if (hidden.has(name)) return false
      return this.#tracker.varied.has(name) || this.#tracker.allows(`header ${name.slice(0, 100)}`)
    }
  }

  class TrackedRequest extends Request {
    readonly #real: Request
    readonly #tracker: Tracker
    readonly #signal: () => AbortSignal
    #headers: Headers | undefined

    constructor(real: Request, tracker: Tracker, signal: () => AbortSignal) {
      super(bareOf(real.url), {
        headers: seenOf(real.headers, tracker),
      })
      this.#real = real
      this.#tracker = tracker
      this.#signal = signal
      for (const name of hostMembers)
        if (name in real)
          Object.defineProperty(this, name, {
            configurable: true,
            get: () => (tracker.allows(`request.${name}`) ? (real as never)[name] : undefined),
          })
    }

    override get url(): string {
      return this.#tracker.allows('request.url') ? this.#real.url : super.url
    }
    override get headers(): Headers {
      return (this.#headers ??= new TrackedHeaders(this.#real.headers, this.#tracker))
    }
    override get signal(): AbortSignal {
      return this.#signal()
    }
    override clone(): Request {
      return new TrackedRequest(this.#real, this.#tracker, this.#signal)
    }
  }
  return { TrackedHeaders, TrackedRequest }
}

/** The headers that the key holds. */
const seenOf = (headers: Headers, { varied }: Tracker): [string, string][] =>
  [...varied].flatMap((name): [string, string][] => {
    const value = headers.get(name)
    return value === null ? [] : [[name, value]]
  })

const bareOf = (href: string): string => href.replace(/[?#].*$/s, '')

/** The URL as a cached handler sees it: what follows the `?` is noted. */
class TrackedURL extends URL {
  readonly #real: URL
  readonly #tracker: Tracker
  #isOwn = false

  constructor(real: URL, tracker: Tracker) {
    super(bareOf(real.href))
    this.#real = real
    this.#tracker = tracker
  }

  #shows(): boolean {
    return !this.#isOwn && this.#tracker.allows('the raw query')
  }
  #own(): void {
    this.#isOwn = true
  }

  override get search(): string {
    return this.#shows() ? this.#real.search : super.search
  }
  override set search(value: string) {
    this.#own()
    super.search = value
  }
  override get searchParams(): URLSearchParams {
    if (this.#shows()) super.search = this.#real.search
    this.#own()
    return super.searchParams
  }
  override get href(): string {
    if (this.#shows()) super.search = this.#real.search
    return super.href
  }
  override set href(value: string) {
    this.#own()
    super.href = value
  }
  override toString(): string {
    return this.href
  }
  override toJSON(): string {
    return this.href
  }
}

/**
 * The context as a cached handler sees it. What middleware outside has added is noted when it is read, but for `free`, which
 * the key holds.
 */
export class TrackedContext extends Context {
  readonly #tracker: Tracker
  readonly #free: ReadonlySet<PropertyKey>
  #url: URL | undefined

  private constructor(exchange: Exchange, tracker: Tracker, free: ReadonlySet<PropertyKey>) {
    super(exchange)
    this.#tracker = tracker
    this.#free = free
  }

  static around(
    outer: Context,
    inputs: object,
    tracker: Tracker,
    free: ReadonlySet<PropertyKey>,
    signal: () => AbortSignal,
  ): TrackedContext {
    const context = new TrackedContext(Context.exchange(outer), tracker, free)
    for (const name of Reflect.ownKeys(outer)) {
      const value: unknown = Reflect.get(outer, name)
      if (free.has(name)) Object.defineProperty(context, name, { ...plain, value })
      else
        Object.defineProperty(context, name, {
          enumerable: true,
          configurable: true,
          get: () => (tracker.allows(`context.${String(name)}`) ? value : undefined),
          // On the copy that it is set on, as middleware inside may.
          set(this: Context, value: unknown) {
            Object.defineProperty(this, name, { ...plain, value })
          },
        })
    }
    return Object.assign(context, inputs, { [innerSignal]: signal })
  }

  static {
    Object.defineProperty(this.prototype, copied, {
      value(this: TrackedContext): TrackedContext {
        const copy = new TrackedContext(Context.exchange(this), this.#tracker, this.#free)
        return Object.defineProperties(copy, Object.getOwnPropertyDescriptors(this))
      },
    })
  }

  override get url(): URL {
    return (this.#url ??= new TrackedURL(super.url, this.#tracker))
  }
  override get ip(): string | undefined {
    return this.#free.has('ip') || this.#tracker.allows('context.ip') ? super.ip : undefined
  }
}

const plain = { writable: true, enumerable: true, configurable: true } as const
