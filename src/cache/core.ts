import type { Flight } from './runs/flight.js'
import type { LimitedMap } from './runs/limited-map.js'
import type { SafeStore } from './stores/guard.js'
import type { Entry } from './stores/store.js'

/** What the parts of one cache share. */
export interface Core {
  /** The beginning of each key and each mark. */
  readonly prefix: string
  /** Completes the entry of a response. */
  complete(this: void, entry: Entry): Entry
  /** Calls the cache's `onError`. */
  report(this: void, error: unknown): void
  /** The store for the host's bindings: those of the given context, or of the request that is running. */
  storeFor(context?: { readonly env: unknown }): SafeStore
  /** Keeps the host alive for work in the background of the request that is running, if there is one. */
  waitUntil(this: void, promise: Promise<unknown>): void
  /** Milliseconds that a request waits for another one's run. */
  readonly maxWait: number
  /** The runs in progress, by key. */
  readonly flights: Map<string, Flight>
  /** Keys whose response could not be stored, and until when requests do not wait for one. */
  readonly unstorable: LimitedMap<number>
  /** Keys whose refresh failed. */
  readonly failures: LimitedMap<Failure>
  /** The patterns of the operations that this cache is around. */
  readonly patterns: Set<string>
  /** How many times a tag or a path was revalidated. */
  revalidations: number
  /** Whether a request can wait for another one's run. */
  readonly sharesRuns: boolean
  /** Enables scopes, in which `collect` works. */
  enableScopes(): void
  /** Whether code that `run` runs has a scope. */
  hasScopes(): boolean
  /** Runs code in a scope that collects the marks of the data it reads. */
  run<value>(collected: Collected, context: ScopeContext | undefined, work: () => value): value
}

/** What a response or a result depends on, collected while it is made. */
export interface Collected {
  readonly marks: Map<string, string>
  /** The smallest `revalidate` of the wrapped functions that were called, in seconds; `null`: no time limit. */
  revalidate: number | null
}

export const toCollected = (revalidate: number | null): Collected => ({ marks: new Map(), revalidate })

/** What a scope needs of the context. */
export interface ScopeContext {
  readonly env: unknown
  waitUntil(promise: Promise<unknown>): void
}

export interface Failure {
  readonly count: number
  /** Milliseconds since 1970 until which no refresh is tried. */
  readonly until: number
}

/** Marks, each with the version that it had before the run that depends on it began. */
export type Versioned = readonly (readonly [mark: string, version: string])[]

/** The marks of tags. Each tag has two: the first one expires entries, the second one makes them stale. */
export const toMarks = (prefix: string, tags: readonly string[]): string[] =>
  tags.flatMap((tag) => [`${prefix}t:${tag}`, `${prefix}s:${tag}`])

/** The mark of a pathname or a pattern. A canonical pathname has no `[`. */
export const toPathMark = (prefix: string, path: string): string => `${prefix}p:${path}`

/** Checks tags. @throws TypeError if they are not an array of strings that are not empty. */
export function checkTags(call: string, tags: unknown): readonly string[] {
  if (Array.isArray(tags) && tags.every((tag) => typeof tag === 'string' && tag !== '')) return tags
  throw new TypeError(
    `${call} takes tags as an array of non-empty strings, not ${isPromise(tags) ? 'a promise' : JSON.stringify(tags)}`,
  )
}

/** Whether a value is a promise. An error of it is reported as its rejection here, and not a second time. */
export function isPromise(value: unknown): value is PromiseLike<unknown> {
  if (typeof (value as PromiseLike<unknown> | null | undefined)?.then !== 'function') return false
  ;(value as PromiseLike<unknown>).then(undefined, () => {})
  return true
}
