import { sharesRuns } from '../scope.js'
import type { Core } from './core.js'
import { Flight, type Outcome } from './flight.js'
import type { SafeStore } from './guard.js'
import { isCurrent, lookUp, nothing, type Found } from './lookup.js'
import { stateOf, type Windows } from './policy.js'
import type { Entry, Lease } from './store.js'

/** Marks, each with the version that it had before what depends on it was made. */
export type Versioned = readonly (readonly [mark: string, version: string])[]

/** Something that is made, and then kept under a key. */
export interface Job<made extends { readonly outcome: Outcome | Promise<Outcome> }> {
  readonly core: Core
  readonly store: SafeStore
  readonly key: string
  readonly windows: Windows
  readonly marks: () => readonly string[]
  /** Without `marks`, what is made is not to be stored. */
  make(marks: Versioned | undefined, signal: () => AbortSignal): Promise<made>
  /** Aborted when who wants it has gone. */
  readonly signal: () => AbortSignal
  /** Keeps the process for what goes on behind. */
  waitUntil(promise: Promise<unknown>): void
  /** Takes care of what nobody gets. */
  drop(made: made): void
}

type AnyMade = { readonly outcome: Outcome | Promise<Outcome> }

/** How long a key is remembered whose answer was not to be stored, in milliseconds. Long ones are not: clients make them up. */
const unstorableFor = 10_000
const longestKey = 1_000
const longestBackoff = 60_000

/** What came of wanting something: it was made for this one, or another's run gave an entry or failed. */
export type Gained<made> =
  | { readonly made: made; readonly entry?: undefined }
  | { readonly entry: Entry; readonly made?: undefined }
  | 'failed'

/**
 * Makes what is not there, once for all who want it now: in this process, and under a lease among all. Who waited in vain
 * makes it on its own. With `hasFallback`, another's failure is this one's too.
 */
export async function gain<made extends AnyMade>(
  job: Job<made>,
  found: Found,
  hasFallback: boolean,
  isAgain = false,
): Promise<Gained<made>> {
  const { core, key, store } = job
  const marks = await toVersioned(job, found)
  const isAlone = !marks || !sharesRuns || (core.unstorable.get(key) ?? 0) > Date.now()
  if (isAlone) return { made: await make(job, marks, job.signal, undefined, undefined) }

  const versions = toText(marks)
  const other = core.flights.get(key)
  if (other && other.versions === versions && other.until > Date.now()) {
    other.join(job.signal)
    const now = Date.now()
    const outcome = await other.wait()
    if (typeof outcome === 'object') {
      // It may have been too old already when this one came, or what it was made with have been revalidated.
      const serves = ['fresh', 'stale'].includes(stateOf(outcome, now, job.windows))
      const hasMore = outcome.marks.length > marks.length
      if (serves && (!hasMore || (await isCurrent(store, core.prefix, outcome)))) return { entry: outcome }
      if (!isAgain) return gain(job, nothing, hasFallback, true)
    }
    if (outcome === 'failed' && hasFallback) return 'failed'
    return { made: await make(job, marks, job.signal, undefined, undefined) }
  }
  if (other) other.isOutdated = other.versions !== versions
  const flight = new Flight(versions, Date.now() + core.maxWait)
  flight.join(job.signal)
  core.flights.set(key, flight)
  const lease = await takeLease(job, `${key}\n${versions}`).catch((error: unknown) => {
    land(core, key, flight, 'failed')
    throw error
  })
  if (lease && 'marks' in lease) {
    land(core, key, flight, lease)
    return { entry: lease }
  }
  return { made: await make(job, marks, flight.signal, flight, lease) }
}

/** Makes anew what is stale, behind the answer: one at a time, and not soon after it has failed. */
export function refresh<made extends AnyMade>(job: Job<made>, found: Found): void {
  const { core, key } = job
  const now = Date.now()
  const other = core.flights.get(key)
  if ((other && other.until > now) || isBackedOff(core, key)) return
  // There before the versions are known, so that others see that one is under way.
  const flight = new Flight(undefined, now + core.maxWait)
  // It goes on for itself, whoever else comes to wait for it, and goes.
  flight.join(() => new AbortController().signal)
  core.flights.set(key, flight)
  const work = async (): Promise<void> => {
    let made: made | undefined
    try {
      const marks = await toVersioned(job, found)
      flight.versions = marks && toText(marks)
      const lease = marks && (await job.store.lease(`${key}\n${toText(marks)}`, core.maxWait))
      if (!marks || lease === 'taken') return
      const fresh = lease && (await lookAgain(job))
      if (fresh) {
        land(core, key, flight, fresh)
        return await lease.release()
      }
      made = await make(job, marks, flight.signal, flight, lease)
    } finally {
      if (!made) land(core, key, flight, 'failed')
    }
    job.drop(made)
    const outcome = await made.outcome
    if (outcome === 'failed') backOff(core, key)
    // What is there now is not for others, or is there no more.
    else if (outcome === 'unstorable') await job.store.delete(key)
  }
  job.waitUntil(work())
}

/** Whether it has failed so lately that nobody tries again yet. */
export function isBackedOff(core: Core, key: string): boolean {
  const failure = core.failures.get(key)
  return failure !== undefined && Date.now() < failure.until
}

export function backOff(core: Core, key: string): void {
  const count = (core.failures.get(key)?.count ?? 0) + 1
  core.failures.set(key, { count, until: Date.now() + Math.min(1_000 * 2 ** (count - 1), longestBackoff) })
}

/** The marks of what is to be made, with the versions that they have before it is; `undefined` where these cannot be told. */
export async function toVersioned(
  job: Pick<Job<AnyMade>, 'marks' | 'store'>,
  found: Found | undefined,
): Promise<Versioned | undefined> {
  const marks = job.marks()
  const versions = found?.versions ?? (await job.store.versions(marks))
  return versions && marks.map((mark, index) => [mark, versions[index]!] as const)
}

const toText = (marks: Versioned): string => marks.map(([, version]) => version).join()

/** The lease, or the entry that the process has made that had it; neither where that one ends without one. */
async function takeLease(job: Job<any>, leaseKey: string): Promise<Lease | Entry | undefined> {
  const { core, store } = job
  const end = Date.now() + core.maxWait
  for (let pause = 10; ; pause = Math.min(pause * 2, 100)) {
    const lease = await store.lease(leaseKey, core.maxWait)
    if (lease === undefined) return undefined
    const fresh = await lookAgain(job)
    if (lease !== 'taken') {
      // It was not to be stored, or that process is gone: who waited goes on alone, not one after the other.
      if (fresh || pause > 10) await lease.release()
      else return lease
    }
    if (fresh) return fresh
    if (lease !== 'taken' || Date.now() >= end) return undefined
    await new Promise((resolve) => setTimeout(resolve, pause))
  }
}

/** What another has made since, for who has the lease too: who had it before may have given it back after the first look. */
async function lookAgain({ core, store, key, marks, windows }: Job<any>): Promise<Entry | undefined> {
  const { entry, isMarkedStale } = await lookUp(store, core.prefix, key, marks)
  return entry && !isMarkedStale && stateOf(entry, Date.now(), windows) === 'fresh' ? entry : undefined
}

/** Makes it, and keeps what came of it when that is known. */
async function make<made extends AnyMade>(
  job: Job<made>,
  marks: Versioned | undefined,
  signal: () => AbortSignal,
  flight: Flight | undefined,
  lease: Lease | undefined,
): Promise<made> {
  const { core, key, store } = job
  const settle = async (outcome: Outcome): Promise<void> => {
    try {
      if (typeof outcome === 'object') {
        core.unstorable.delete(key)
        core.failures.delete(key)
        if (!flight?.isOutdated) await store.set(key, outcome)
      } else if (outcome === 'unstorable' && key.length <= longestKey)
        core.unstorable.set(key, Date.now() + unstorableFor)
    } finally {
      if (flight) land(core, key, flight, outcome)
      await lease?.release()
    }
  }
  try {
    const made = await job.make(marks, signal)
    const { outcome } = made
    job.waitUntil(outcome instanceof Promise ? outcome.then(settle) : settle(outcome))
    return made
  } catch (error) {
    await settle('failed')
    throw error
  }
}

function land(core: Core, key: string, flight: Flight, outcome: Outcome): void {
  if (core.flights.get(key) === flight) core.flights.delete(key)
  flight.settle(outcome)
}
