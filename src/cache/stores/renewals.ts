import { longestPause, shortestPause } from './breaker.js'
import type { CacheStore } from './store.js'
import { isThenable, startTimer, within, type Timer } from './within.js'

const timedRetries = 20
const marksPerRetry = 100

export interface RenewalOptions {
  readonly timeout: number
  /** Called when a renewal fails. */
  readonly onFailure: (error: unknown) => void
  /** Called when a renewal succeeds. */
  readonly onSuccess: () => void
}

/** Renews marks. A renewal that fails is never dropped: its marks are pending, and it is tried again until it succeeds. */
export class Renewals {
  readonly #store: CacheStore
  readonly #options: RenewalOptions
  // The pending marks, each with the number of the first attempt whose success includes it.
  readonly #pending = new Map<string, number>()
  #attempts = 0
  #failedRetries = 0
  #retryAt = 0
  #retryEnd = 0
  #timer: Timer | undefined
  // The number of the latest attempt that timed out and has not ended. More attempts would queue behind it, and clients that
  // take a write as a sign of life would never close a dead connection.
  #hanging = 0

  constructor(store: CacheStore, options: RenewalOptions) {
    this.#store = store
    this.#options = options
  }

  /** Whether one of the marks is pending. */
  has(marks: readonly string[]): boolean {
    return this.#pending.size > 0 && marks.some((mark) => this.#pending.has(mark))
  }

  /** Tries again, unless it is too early. */
  retryNow(): void {
    if (performance.now() >= this.#retryAt) this.#retry()
  }

  renew(marks: readonly string[]): void | Promise<void> {
    const number = this.#attempts + 1
    const fail = (error: unknown): void => {
      for (const mark of marks) this.#pending.set(mark, Math.max(this.#pending.get(mark) ?? 0, number))
      this.#options.onFailure(error)
      if (performance.now() < this.#retryAt) return
      this.#failedRetries = 0
      this.#planRetry()
    }
    if (this.#hanging === 0 || performance.now() >= this.#retryAt) return this.#attempt(marks, fail)
    fail(new Error('the store of the cache has not responded to an earlier invalidation'))
  }

  #attempt(marks: readonly string[], onFailure: (error: unknown) => void): void | Promise<void> {
    const number = ++this.#attempts
    let isOver = false
    const succeed = (): void => {
      for (const mark of marks) if (this.#pending.get(mark)! <= number) this.#pending.delete(mark)
      this.#hanging = 0
      this.#options.onSuccess()
    }
    const giveUp = (error: unknown): void => {
      if (!isOver) this.#hanging = number
      onFailure(error)
    }
    const end = (): void => {
      isOver = true
      if (this.#hanging !== number) return
      this.#hanging = 0
      this.#failedRetries = 0
      if (performance.now() >= this.#retryEnd) this.#retry()
    }
    try {
      const done: unknown = this.#store.renew(marks)
      if (!isThenable(done)) return succeed()
      const promise = Promise.resolve(done)
      promise.then(end, end)
      // A late success is a success.
      return within(this.#options.timeout, promise, succeed, giveUp, succeed)
    } catch (error) {
      onFailure(error)
    }
  }

  #planRetry(): void {
    const pause = Math.min(shortestPause * 2 ** this.#failedRetries, longestPause)
    this.#retryAt = performance.now() + pause
    clearTimeout(this.#timer)
    // After that, the next request for a pending mark tries again.
    if (this.#failedRetries < timedRetries) this.#timer = startTimer(() => this.#retry(), pause)
  }

  #retry(): void {
    const marks = [...this.#pending.keys()].slice(0, marksPerRetry)
    if (marks.length === 0) return
    // Until it has ended, or must have ended: a host can stop it.
    this.#retryAt = this.#retryEnd = performance.now() + longestPause + this.#options.timeout
    let hasFailed = false
    const done = this.#attempt(marks, () => {
      hasFailed = true
    })
    const end = (): void => {
      this.#retryEnd = 0
      this.#failedRetries = hasFailed ? this.#failedRetries + 1 : 0
      if (hasFailed) this.#planRetry()
      else this.#retry()
    }
    if (done) void done.then(end)
    else end()
  }
}
