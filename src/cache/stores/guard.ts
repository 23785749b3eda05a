import { Breaker, longestPause, shortestPause } from './breaker.js'
import { isEntry } from './entry-codec.js'
import type { CacheStore, Entry, Lease } from './store.js'

/** A store that never fails: what goes wrong in the one behind it is a miss. It answers at once where that one does. */
export interface SafeStore {
  /** `undefined` also where what is kept is another key's entry, or none. */
  get(key: string): Entry | undefined | Promise<Entry | undefined>
  /** Is dropped while the store fails, and where a `renew` that the store has yet to take outdates the entry. */
  set(key: string, entry: Entry): void | Promise<void>
  /** Is dropped while the store fails. */
  delete(key: string): void | Promise<void>
  /** `undefined` where they cannot be told now: then nothing may be served or stored. */
  versions(marks: readonly string[]): readonly string[] | undefined | Promise<readonly string[] | undefined>
  /** Is never dropped: marks that the store does not take have no `versions` here, and are tried again until it does. */
  renew(marks: readonly string[]): void | Promise<void>
  /** `undefined` where the store has no leases or fails: the caller runs on its own. `'taken'` where another has it. */
  lease(key: string, milliseconds: number): Lease | 'taken' | undefined | Promise<Lease | 'taken' | undefined>
}

export interface GuardOptions {
  /** How long the store may take for an answer, in milliseconds. */
  readonly timeout: number
  /** Is told once why the store is left alone from then on, and of each `renew` that it did not take. */
  readonly report: (error: unknown) => void
}

const timedRetries = 20
const marksPerRetry = 100

/** Makes a store safe: it is raced against a timeout, left alone for a while when it fails, and its answers are checked. */
export function guardStore(store: CacheStore, { timeout, report }: GuardOptions): SafeStore {
  // Two, since a store that takes nothing more, or not this entry, can often be read. One that cannot be read is not
  // written to either.
  const reading = new Breaker(timeout)
  const writing = new Breaker(timeout)
  const checked = new WeakSet<Entry>()
  let garbageReportedAt = -Infinity

  const tell = (error: unknown): void => {
    try {
      report(error)
    } catch {}
  }

  const garbage = (what: string): undefined => {
    const now = performance.now()
    if (now - garbageReportedAt < longestPause) return
    garbageReportedAt = now
    tell(new TypeError(`The cache's store answers with ${what}.`))
  }

  const call = <Answer>(
    breaker: Breaker,
    run: () => unknown,
    accept: (value: unknown) => Answer | undefined,
    late?: (value: unknown) => void,
  ): Answer | undefined | Promise<Answer | undefined> => {
    const turn = breaker === writing && reading.isOpen ? 0 : breaker.enter()
    if (turn === 0) return undefined
    const succeed = (value: unknown): Answer | undefined => {
      breaker.succeed(turn)
      return accept(value)
    }
    const fail = (error: unknown): undefined => {
      if (breaker.fail(turn)) tell(error)
    }
    try {
      const value = run()
      return isPromise(value) ? within(timeout, value, succeed, fail, late) : succeed(value)
    } catch (error) {
      return fail(error)
    }
  }

  const toEntry = (value: unknown, key: string): Entry | undefined => {
    if (value === undefined || value === null) return undefined
    // A store in memory answers with the same object again and again.
    if (!checked.has(value as Entry)) {
      if (!isEntry(value)) return garbage('what is no entry')
      checked.add(value)
    }
    return (value as Entry).key === key ? (value as Entry) : garbage("another key's entry")
  }

  const toVersions = (value: unknown, marks: readonly string[]): readonly string[] | undefined => {
    if (
      !Array.isArray(value) ||
      value.length !== marks.length ||
      !value.every((version) => typeof version === 'string')
    )
      return garbage('what are no versions of the marks')
    // They may be from before a `renew` that has failed since.
    return isPending(marks) ? undefined : value
  }

  const toLease = (value: unknown): Lease | 'taken' | undefined => {
    if (value === undefined || value === null) return 'taken'
    if (!isLease(value)) return garbage('what is no lease')
    return { release: () => release(value) }
  }

  const release = (lease: Lease): void | Promise<void> => {
    // Whether or not it can be given back, it ends by itself.
    try {
      const done: unknown = lease.release()
      if (isPromise(done)) return within(timeout, done, ignore, ignore)
    } catch {}
  }

  // Marks that the store has yet to renew, each with the first attempt whose success will do.
  const pending = new Map<string, number>()
  let attempts = 0
  let failedRetries = 0
  let retryAt = 0
  let retryEnd = 0
  let retryTimer: Timer | undefined
  // The latest attempt that was given up and has not ended. More would queue up behind it, and clients that take what they
  // write for a sign of life would never let go of a connection that is dead.
  let hanging = 0

  const isPending = (marks: readonly string[]): boolean => pending.size > 0 && marks.some((mark) => pending.has(mark))

  const attempt = (marks: readonly string[], onFailure: (error: unknown) => void): void | Promise<void> => {
    const number = ++attempts
    let isOver = false
    const succeed = (): void => {
      for (const mark of marks) if (pending.get(mark)! <= number) pending.delete(mark)
      hanging = 0
      reading.close()
      writing.close()
    }
    const giveUp = (error: unknown): void => {
      if (!isOver) hanging = number
      onFailure(error)
    }
    const end = (): void => {
      isOver = true
      if (hanging !== number) return
      hanging = 0
      failedRetries = 0
      if (performance.now() >= retryEnd) retry()
    }
    try {
      const done: unknown = store.renew(marks)
      if (!isPromise(done)) return succeed()
      const promise = Promise.resolve(done)
      promise.then(end, end)
      // What succeeds too late has succeeded nevertheless.
      return within(timeout, promise, succeed, giveUp, succeed)
    } catch (error) {
      onFailure(error)
    }
  }

  const planRetry = (): void => {
    const pause = Math.min(shortestPause * 2 ** failedRetries, longestPause)
    retryAt = performance.now() + pause
    // After so many in vain, whoever asks for such a mark next is the occasion.
    clearTimeout(retryTimer)
    if (failedRetries < timedRetries) retryTimer = unref(setTimeout(retry, pause))
  }

  const retry = (): void => {
    const marks = [...pending.keys()].slice(0, marksPerRetry)
    if (marks.length === 0) return
    // Until this one has ended, or should have: a host may cut it off.
    retryAt = retryEnd = performance.now() + longestPause + timeout
    let hasFailed = false
    const done = attempt(marks, () => {
      hasFailed = true
    })
    const end = (): void => {
      retryEnd = 0
      failedRetries = hasFailed ? failedRetries + 1 : 0
      if (hasFailed) planRetry()
      else retry()
    }
    if (done) void done.then(end)
    else end()
  }

  return {
    get: (key) =>
      call(
        reading,
        () => store.get(key),
        (value) => toEntry(value, key),
      ),

    set(key, entry) {
      if (pending.size > 0 && isPending(entry.marks.map(([mark]) => mark))) return
      return call(writing, () => store.set(key, entry), ignore)
    },

    delete: (key) => call(writing, () => store.delete(key), ignore),

    versions(marks) {
      if (marks.length === 0) return []
      if (isPending(marks)) {
        if (performance.now() >= retryAt) retry()
        return undefined
      }
      return call(
        reading,
        () => store.versions(marks),
        (value) => toVersions(value, marks),
      )
    },

    renew(marks) {
      if (marks.length === 0) return
      const number = attempts + 1
      const fail = (error: unknown): void => {
        for (const mark of marks) pending.set(mark, Math.max(pending.get(mark) ?? 0, number))
        writing.open()
        tell(error)
        if (performance.now() < retryAt) return
        failedRetries = 0
        planRetry()
      }
      if (hanging === 0 || performance.now() >= retryAt) return attempt(marks, fail)
      fail(new Error("The cache's store has yet to answer what it was told before."))
    },

    lease(key, milliseconds) {
      if (!store.lease) return undefined
      return call(
        writing,
        () => store.lease!(key, milliseconds),
        toLease,
        // Nobody waits for it any more, and others would wait for its end.
        (value) => {
          if (isLease(value)) void release(value)
        },
      )
    },
  }
}

/** What `accept` makes of the promise's value, or `fail` of its error or its absence. Always resolves. */
function within<Answer>(
  timeout: number,
  promise: PromiseLike<unknown>,
  accept: (value: unknown) => Answer,
  fail: (error: unknown) => Answer,
  late: (value: unknown) => void = ignore,
): Promise<Answer> {
  return new Promise((resolve) => {
    let isOver = false
    const expire = (): void => {
      isOver = true
      resolve(fail(new Error(`The cache's store did not answer within ${timeout} ms.`)))
    }
    // A timer that is late says that this process stood still, and nothing of the store, whose answer may be there unread.
    let due = performance.now() + timeout
    let patience = 3
    const check = (): void => {
      const isLate = performance.now() - due > 50
      if (patience-- === 0) return expire()
      due = performance.now() + (isLate ? timeout : 1)
      if (!isLate) patience = 0
      timer = unref(setTimeout(check, isLate ? timeout : 1))
    }
    let timer = unref(setTimeout(check, timeout))
    Promise.resolve(promise).then(
      (value) => {
        if (isOver) return late(value)
        clearTimeout(timer)
        try {
          resolve(accept(value))
        } catch (error) {
          resolve(fail(error))
        }
      },
      (error: unknown) => {
        if (isOver) return
        clearTimeout(timer)
        resolve(fail(error))
      },
    )
  })
}

type Timer = ReturnType<typeof setTimeout>

/** Lets the process end before the timer does, where that is the host's way. */
function unref(timer: Timer): Timer {
  ;(timer as { unref?: () => unknown }).unref?.()
  return timer
}

const ignore = (): undefined => undefined

const isPromise = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === 'object' && value !== null && typeof (value as Partial<PromiseLike<unknown>>).then === 'function'

const isLease = (value: unknown): value is Lease =>
  typeof value === 'object' && value !== null && typeof (value as Partial<Lease>).release === 'function'
