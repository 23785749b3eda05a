import type { Dynamic } from '../cache-options.js'

/** The handler of a cached route read something that is not part of the cache key. */
export class DynamicError extends Error {
  override readonly name = 'DynamicError'
  /** What the handler read, such as `header cookie` or `context.user`. */
  readonly read: string
  constructor(pattern: string, read: string) {
    super(
      `the cached route '${pattern}' reads ${read}, which is not part of its cache key; add it to the key (vary, key, a declared input), or remove the cache`,
    )
    this.read = read
  }
}

/** Decides about each read of something that is not part of the key. */
export class Tracker {
  /** What was read, in order. */
  readonly reads: Set<string> = new Set()
  readonly mode: Dynamic
  /** The request headers that are part of the key, in lower case. */
  readonly varied: ReadonlySet<string>
  readonly #pattern: string

  constructor(mode: Dynamic, pattern: string, varied: ReadonlySet<string>) {
    this.mode = mode
    this.#pattern = pattern
    this.varied = varied
  }

  /** Whether the reader gets the value. @throws DynamicError */
  allows(read: string): boolean {
    if (this.mode === 'force-static') return false
    this.reads.add(read)
    if (this.mode === 'error') throw this.toError()
    return true
  }

  toError(): DynamicError {
    return new DynamicError(this.#pattern, [...this.reads].join(' and '))
  }

  toDetail(): string {
    return `reads ${[...this.reads].join(' and ')}`
  }
}
