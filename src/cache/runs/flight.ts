import type { Entry } from '../stores/store.js'

/** How a run ended: with an entry, with a result that must not be stored, or with an error. */
export type Outcome = Entry | 'unstorable' | 'failed'

/** A run in progress, which requests for the same key can join. */
export class Flight {
  /** Mark versions when the run began, once known. Requests that have read other versions do not join it. */
  versions: string | undefined
  /** Whether a run with newer versions has begun, whose entry must stay. */
  isOutdated = false
  /** The time until which requests join it, in milliseconds since 1970. */
  readonly until: number
  readonly outcome: Promise<Outcome>
  settle!: (outcome: Outcome) => void
  readonly #waiting: (() => AbortSignal)[] = []
  #controller: AbortController | undefined
  #aborted = 0

  constructor(versions: string | undefined, until: number) {
    this.versions = versions
    this.until = until
    this.outcome = new Promise((settle) => (this.settle = settle))
  }

  /** Adds a request that waits. */
  join(signal: () => AbortSignal): void {
    this.#waiting.push(signal)
    if (this.#controller) this.#follow(signal())
  }

  /** The signal that aborts when every request that waits has aborted. */
  readonly signal = (): AbortSignal => {
    if (!this.#controller) {
      this.#controller = new AbortController()
      for (const signal of this.#waiting) this.#follow(signal())
    }
    return this.#controller.signal
  }

  /** Resolves to the outcome, or to `undefined` after the time limit. */
  async wait(): Promise<Outcome | undefined> {
    let timer: ReturnType<typeof setTimeout> | undefined
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), Math.max(0, this.until - Date.now()))
    })
    try {
      return await Promise.race([this.outcome, late])
    } finally {
      clearTimeout(timer)
    }
  }

  #follow(signal: AbortSignal): void {
    const leave = (): void => {
      // With the reason of the request that runs: an error thrown with this reason is not reported.
      if (++this.#aborted === this.#waiting.length) this.#controller!.abort(this.#waiting[0]!().reason)
    }
    if (signal.aborted) leave()
    else signal.addEventListener('abort', leave, { once: true })
  }
}
