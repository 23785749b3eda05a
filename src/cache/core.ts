import type { Flight } from './flight.js'
import type { SafeStore } from './guard.js'
import type { LimitedMap } from './limited-map.js'

/** What the parts of one cache share. */
export interface Core {
  /** In front of each key and each mark. */
  readonly prefix: string
  /** Where entries are, for what the host bound: by the request's context, or that of the request that is running. */
  storeFor(context?: { readonly env: unknown }): SafeStore
  /** Keeps the process for what goes on behind the request that is running, if any. */
  waitUntil(this: void, promise: Promise<unknown>): void
  /** Milliseconds that one waits for another's run. */
  readonly maxWait: number
  /** The runs under way, by key. */
  readonly flights: Map<string, Flight>
  /** Keys whose answer was not to be stored, and until when nobody waits for one. */
  readonly unstorable: LimitedMap<number>
  /** Keys whose refresh failed. */
  readonly failures: LimitedMap<Failure>
  /** How many times it has revalidated a tag or a path. */
  revalidations: number
}

export interface Failure {
  readonly count: number
  /** Milliseconds since 1970 before which nobody tries again. */
  readonly until: number
}

/** The marks of tags: each tag has one for what is over, and one for what is stale. */
export const toMarks = (prefix: string, tags: readonly string[]): string[] =>
  tags.flatMap((tag) => [`${prefix}t:${tag}`, `${prefix}s:${tag}`])
