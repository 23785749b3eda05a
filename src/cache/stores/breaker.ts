export const shortestPause = 1_000
export const longestPause = 30_000

/** Lets all calls through until one fails; from then on one at a time, after longer and longer pauses, until one succeeds. */
export class Breaker {
  readonly #timeout: number
  // What began before the last change says nothing about the time after it.
  #turn = 1
  #pause = 0
  #until = 0

  constructor(timeout: number) {
    this.#timeout = timeout
  }

  get isOpen(): boolean {
    return this.#pause !== 0
  }

  /** A number to report success or failure by, or 0 where the call is not to be made. */
  enter(): number {
    if (this.#pause !== 0) {
      const now = performance.now()
      if (now < this.#until) return 0
      // Even if nothing is heard of this one again, the next may try after as long.
      this.#until = now + Math.max(this.#pause, this.#timeout)
      this.#turn++
    }
    return this.#turn
  }

  succeed(turn: number): void {
    if (turn === this.#turn) this.#pause = 0
  }

  /** Whether it was closed until now. */
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
