import type { Core, Versioned } from '../core.js'
import type { Windows } from '../responses/policy.js'
import type { SafeStore } from '../stores/guard.js'
import type { Outcome } from './flight.js'

/** What a run made. */
export interface Made {
  readonly outcome: Outcome | Promise<Outcome>
}

/** A request for something that is looked up, or made and stored. */
export interface Job<made extends Made> {
  readonly core: Core
  readonly store: SafeStore
  readonly key: string
  readonly windows: Windows
  /** Whether it waits for a fresh result: a response that is made with a stale one would be stale too, and need another refresh. */
  readonly waits?: boolean
  /** The marks that the entry depends on. */
  marks(): readonly string[]
  /** Runs. Without `marks`, the result must not be stored. */
  make(marks: Versioned | undefined, signal: () => AbortSignal): Promise<made>
  /** The signal of the request. */
  signal(): AbortSignal
  /** Keeps the host alive for work in the background. */
  waitUntil(promise: Promise<unknown>): void
  /** Discards a result that no client receives. `isLate`: the request has its response already. */
  discard(made: made, isLate: boolean): void
}
