import type { Tracker } from './tracker.js'

// Conditions and ranges are applied to the stored response. The handler returns the whole response.
const hidden: ReadonlySet<string> = new Set([
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
  'if-range',
  'range',
])

// What hosts add to their requests.
const hostMembers = ['cf', 'ip', 'runtime'] as const

/**
 * The request as a cached handler sees it: a GET without a body. Its internal state, which `fetch(request)` reads, has only
 * what is part of the key. `href` is its URL without the query.
 */
export function toTrackedRequest(request: Request, href: string, tracker: Tracker, signal: () => AbortSignal): Request {
  const { TrackedRequest } = (classes ??= defineClasses())
  return new TrackedRequest(request, href, tracker, signal)
}

let classes: ReturnType<typeof defineClasses> | undefined

// In a function, because Node.js loads `Request` when code names it: 75 ms on a cold start.
function defineClasses() {
  class TrackedHeaders extends Headers {
    readonly #real: Headers
    readonly #tracker: Tracker

    constructor(real: Headers, tracker: Tracker) {
      super(toVaried(real, tracker))
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
      throw new TypeError('the headers of a cached request cannot be changed; add the value to the context instead')
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
    readonly #href: string
    #headers: Headers | undefined

    constructor(real: Request, href: string, tracker: Tracker, signal: () => AbortSignal) {
      super(href, { headers: toVaried(real.headers, tracker) })
      this.#real = real
      this.#href = href
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
      return new TrackedRequest(this.#real, this.#href, this.#tracker, this.#signal)
    }
  }
  return { TrackedHeaders, TrackedRequest }
}

const toVaried = (headers: Headers, { varied }: Tracker): [string, string][] =>
  [...varied].flatMap((name): [string, string][] => {
    const value = headers.get(name)
    return value === null ? [] : [[name, value]]
  })
