export const shortestPause = 1_000
export const longestPause = 30_000

/**
 * A circuit breaker. It allows all calls until one fails. After that it allows one call at a time, with pauses that double
 * from 1 to 30 seconds, until one succeeds.
 */
export class Breaker {
  readonly #timeout: number
  // The result of a call that began before the last change says nothing about the time after it.
  #turn = 1
  #pause = 0
  #until = 0

  constructor(timeout: number) {
    this.#timeout = timeout
  }

  get isOpen(): boolean {
    return this.#pause !== 0
  }

  /** Returns a number for `succeed` and `fail`, or 0 if the call must not be made. */
  enter(): number {
    if (this.#pause !== 0) {
      const now = performance.now()
      if (now < this.#until) return 0
      // If this call never ends, the next one is allowed after the same time.
      this.#until = now + Math.max(this.#pause, this.#timeout)
      this.#turn++
    }
    return this.#turn
  }

  succeed(turn: number): void {
    if (turn === this.#turn) this.#pause = 0
  }

  /** Returns whether the breaker was closed until now. */
  fail(turn: number): boolean {
    if (turn !== this.#turn) return false
    const wasClosed = this.#pause === 0
    this.#pause = wasClosed ? shortestPause : Math.min(this.#pause * 2, longestPause)
    this.#until = performance.now() + this.#pause
    this.#turn++
    return wasClosed
  }

  open(): void {
    if (this.#pause === 0) this.fail(this.#turn)
  }

  close(): void {
    this.#pause = 0
  }
}
