import { Breaker, longestPause } from './breaker.js'
import { isEntry } from './entry-codec.js'
import { Renewals } from './renewals.js'
import type { CacheStore, Entry, Lease } from './store.js'
import { ignore, isThenable, within } from './within.js'

type Awaitable<value> = value | Promise<value>

/** A store that never fails: a failure is a miss. It returns immediately if the store does. */
export interface SafeStore {
  /** Returns `undefined` also if the store has the entry of another key, or something else. */
  get(key: string): Awaitable<Entry | undefined>
  /** Does nothing while the store fails, and if a mark of the entry is not renewed yet. */
  set(key: string, entry: Entry): Awaitable<void>
  /** Does nothing while the store fails. */
  delete(key: string): Awaitable<void>
  /** Returns `undefined` while the versions are unknown: then nothing can be served or stored. */
  versions(marks: readonly string[]): Awaitable<readonly string[] | undefined>
  /** Never gives up: while the store has not renewed a mark, its version is unknown here. */
  renew(marks: readonly string[]): Awaitable<void>
  /** Returns `undefined` if the store has no leases or fails: the caller runs. `'taken'`: another process has the lease. */
  lease(key: string, milliseconds: number): Awaitable<Lease | 'taken' | undefined>
}

export interface GuardOptions {
  /** The time limit of a call, in milliseconds. */
  readonly timeout: number
  /** Called when the store begins to fail, and for each failed invalidation. */
  readonly report: (error: unknown) => void
}

/** Makes a store safe: each call has a time limit, a failing store is not called again before a pause, and its values are checked. */
export const guardStore = (store: CacheStore, options: GuardOptions): SafeStore => new Guard(store, options)

class Guard implements SafeStore {
  readonly #store: CacheStore
  readonly #options: GuardOptions
  // Two, because a store that rejects writes can often be read. A store that cannot be read is not written to either.
  readonly #reading: Breaker
  readonly #writing: Breaker
  readonly #renewals: Renewals
  readonly #checked = new WeakSet<Entry>()
  #reportedAt = -Infinity

  constructor(store: CacheStore, options: GuardOptions) {
    const { timeout } = options
    this.#store = store
    this.#options = options
    this.#reading = new Breaker(timeout)
    this.#writing = new Breaker(timeout)
    this.#renewals = new Renewals(store, {
      timeout,
      onFailure: (error) => {
        this.#writing.open()
        this.#report(error)
      },
      onSuccess: () => {
        this.#reading.close()
        this.#writing.close()
      },
    })
  }

  get(key: string): Awaitable<Entry | undefined> {
    return this.#call(
      this.#reading,
      () => this.#store.get(key),
      (value) => this.#toEntry(value, key),
    )
  }

  set(key: string, entry: Entry): Awaitable<void> {
    if (this.#renewals.has(entry.marks.map(([mark]) => mark))) return
    return this.#call(this.#writing, () => this.#store.set(key, entry), ignore)
  }

  delete(key: string): Awaitable<void> {
    return this.#call(this.#writing, () => this.#store.delete(key), ignore)
  }

  versions(marks: readonly string[]): Awaitable<readonly string[] | undefined> {
    if (marks.length === 0) return []
    if (this.#renewals.has(marks)) {
      this.#renewals.retryNow()
      return undefined
    }
    return this.#call(
      this.#reading,
      () => this.#store.versions(marks),
      (value) => this.#toVersions(value, marks),
    )
  }

  renew(marks: readonly string[]): Awaitable<void> {
    if (marks.length > 0) return this.#renewals.renew(marks)
  }

  lease(key: string, milliseconds: number): Awaitable<Lease | 'taken' | undefined> {
    if (!this.#store.lease) return undefined
    return this.#call(
      this.#writing,
      () => this.#store.lease!(key, milliseconds),
      (value) => this.#toLease(value),
      // No run uses it any more, and other processes would wait for its end.
      (value) => {
        if (isLease(value)) void this.#release(value)
      },
    )
  }

  #call<value>(
    breaker: Breaker,
    run: () => unknown,
    accept: (value: unknown) => value | undefined,
    late?: (value: unknown) => void,
  ): Awaitable<value | undefined> {
    const turn = breaker === this.#writing && this.#reading.isOpen ? 0 : breaker.enter()
    if (turn === 0) return undefined
    const succeed = (value: unknown): value | undefined => {
      breaker.succeed(turn)
      return accept(value)
    }
    const fail = (error: unknown): undefined => {
      if (breaker.fail(turn)) this.#report(error)
    }
    try {
      const value = run()
      return isThenable(value) ? within(this.#options.timeout, value, succeed, fail, late) : succeed(value)
    } catch (error) {
      return fail(error)
    }
  }

  #toEntry(value: unknown, key: string): Entry | undefined {
    if (value === undefined || value === null) return undefined
    // A store in memory returns the same object again and again.
    if (!this.#checked.has(value as Entry)) {
      if (!isEntry(value)) return this.#reject('a value that is not an entry')
      this.#checked.add(value)
    }
    return (value as Entry).key === key ? (value as Entry) : this.#reject('the entry of another key')
  }

  #toVersions(value: unknown, marks: readonly string[]): readonly string[] | undefined {
    if (!Array.isArray(value) || value.length !== marks.length || !value.every((one) => typeof one === 'string'))
      return this.#reject('invalid versions')
    // They can be older than a renewal that has failed since.
    return this.#renewals.has(marks) ? undefined : value
  }

  #toLease(value: unknown): Lease | 'taken' | undefined {
    if (value === undefined || value === null) return 'taken'
    if (!isLease(value)) return this.#reject('an invalid lease')
    return { release: () => this.#release(value) }
  }

  // A lease ends by itself if its release fails.
  #release(lease: Lease): Awaitable<void> {
    try {
      const done: unknown = lease.release()
      if (isThenable(done)) return within(this.#options.timeout, done, ignore, ignore)
    } catch {}
  }

  // Reported at most once in 30 seconds.
  #reject(what: string): undefined {
    const now = performance.now()
    if (now - this.#reportedAt < longestPause) return
    this.#reportedAt = now
    this.#report(new TypeError(`the store of the cache returned ${what}`))
  }

  #report(error: unknown): void {
    try {
      this.#options.report(error)
    } catch {}
  }
}

const isLease = (value: unknown): value is Lease =>
  typeof (value as Partial<Lease> | null | undefined)?.release === 'function'
