import type { Entry } from './store.js'

/** How a run ended: with an entry, with an answer that is not to be stored, or in an error. */
export type Outcome = Entry | 'unstorable' | 'failed'

/** A run under way, which others that want the same wait for. */
export class Flight {
  /** The versions that its marks had when it began, once they are known: it is nobody's who has seen newer ones. */
  versions: string | undefined
  /** Whether one with newer versions has begun, whose entry is to stay. */
  isOutdated = false
  /** When nobody waits for it any more, in milliseconds since 1970. */
  readonly until: number
  readonly outcome: Promise<Outcome>
  settle!: (outcome: Outcome) => void
  readonly #waiting: (() => AbortSignal)[] = []
  #controller: AbortController | undefined
  #gone = 0

  constructor(versions: string | undefined, until: number) {
    this.versions = versions
    this.until = until
    this.outcome = new Promise((settle) => (this.settle = settle))
  }

  /** One more that waits. */
  join(signal: () => AbortSignal): void {
    this.#waiting.push(signal)
    if (this.#controller) this.#follow(signal())
  }

  /** Aborted when all who wait have gone. */
  readonly signal = (): AbortSignal => {
    if (!this.#controller) {
      this.#controller = new AbortController()
      for (const signal of this.#waiting) this.#follow(signal())
    }
    return this.#controller.signal
  }

  /** How it ended, or `undefined` when that takes too long. */
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
      // By the reason of who runs it, to whom what is thrown then is no error.
      if (++this.#gone === this.#waiting.length) this.#controller!.abort(this.#waiting[0]!().reason)
    }
    if (signal.aborted) leave()
    else signal.addEventListener('abort', leave, { once: true })
  }
}
