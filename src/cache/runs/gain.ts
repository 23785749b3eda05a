import type { Core, Versioned } from '../core.js'
import { stateOf } from '../responses/policy.js'
import type { Entry, Lease } from '../stores/store.js'
import { Flight, type Outcome } from './flight.js'
import type { Job, Made } from './job.js'
import { isCurrent, lookUp, nothing, type Found } from './lookup.js'

/** A key whose result could not be stored is remembered so long, in milliseconds. Clients can make up long keys. */
const unstorableFor = 10_000
const longestKey = 1_000

/** The result of a request: made by its own run, or the entry or the failure of another one's. */
export type Gained<made> =
  | { readonly made: made; readonly entry?: undefined }
  | { readonly entry: Entry; readonly made?: undefined }
  | 'failed'

/**
 * Runs once for all concurrent requests for a key: in this process, and by a lease among processes. A request that has waited
 * without getting an entry runs alone. With `hasFallback`, the failure of another run is returned instead.
 */
export async function gain<made extends Made>(
  job: Job<made>,
  found: Found,
  hasFallback: boolean,
  isAgain = false,
): Promise<Gained<made>> {
  const { core, key, store } = job
  const marks = await toVersioned(job, found)
  const isAlone = !marks || !core.sharesRuns || (core.unstorable.get(key) ?? 0) > Date.now()
  if (isAlone) return { made: await make(job, marks, () => job.signal()) }

  const versions = toText(marks)
  const other = core.flights.get(key)
  if (other && other.versions === versions && other.until > Date.now()) {
    other.join(() => job.signal())
    const now = Date.now()
    const outcome = await other.wait()
    if (typeof outcome === 'object') {
      // The entry can have been too old when this request began, or data that it was made with was revalidated.
      const serves = ['fresh', 'stale'].includes(stateOf(outcome, now, job.windows))
      const hasMore = outcome.marks.length > marks.length
      if (serves && (!hasMore || (await isCurrent(store, core.prefix, outcome)))) return { entry: outcome }
      if (!isAgain) return gain(job, nothing, hasFallback, true)
    }
    if (outcome === 'failed' && hasFallback) return 'failed'
    return { made: await make(job, marks, () => job.signal()) }
  }
  if (other) other.isOutdated = other.versions !== versions
  const flight = start(core, key, versions)
  flight.join(() => job.signal())
  const lease = await takeLease(job, toLeaseKey(job, marks)).catch((error: unknown) => {
    land(core, key, flight, 'failed')
    throw error
  })
  if (lease && 'marks' in lease) {
    land(core, key, flight, lease)
    return { entry: lease }
  }
  return { made: await make(job, marks, flight.signal, flight, lease) }
}

/** Begins a flight. Without `versions`, requests do not join it before they are known. */
export function start({ flights, maxWait }: Core, key: string, versions: string | undefined): Flight {
  const flight = new Flight(versions, Date.now() + maxWait)
  flights.set(key, flight)
  return flight
}

/** Ends a flight. */
export function land({ flights }: Core, key: string, flight: Flight, outcome: Outcome): void {
  if (flights.get(key) === flight) flights.delete(key)
  flight.settle(outcome)
}

/** The marks of an entry with their versions before the run; `undefined` if the store cannot tell them. */
export async function toVersioned(
  job: Pick<Job<Made>, 'marks' | 'store'>,
  found: Found | undefined,
): Promise<Versioned | undefined> {
  const marks = job.marks()
  const versions = found?.versions ?? (await job.store.versions(marks))
  return versions && marks.map((mark, index) => [mark, versions[index]!] as const)
}

export const toText = (marks: Versioned): string => marks.map(([, version]) => version).join()
export const toLeaseKey = ({ key }: Pick<Job<Made>, 'key'>, marks: Versioned): string => `${key}\n${toText(marks)}`

/** Returns the lease, or the entry that another process has made. Returns neither if the other process made none. */
async function takeLease(job: Job<any>, leaseKey: string): Promise<Lease | Entry | undefined> {
  const { core, store } = job
  const end = Date.now() + core.maxWait
  for (let pause = 10; ; pause = Math.min(pause * 2, 100)) {
    const lease = await store.lease(leaseKey, core.maxWait)
    if (lease === undefined) return undefined
    const fresh = await lookAgain(job)
    if (lease !== 'taken') {
      // If the other response could not be stored, all that waited run now, and not one after the other.
      if (fresh || pause > 10) await lease.release()
      else return lease
    }
    if (fresh) return fresh
    if (lease !== 'taken' || Date.now() >= end) return undefined
    await new Promise((resolve) => setTimeout(resolve, pause))
  }
}

/** Looks up a fresh entry again. The process that had the lease before can have stored one since the first lookup. */
export async function lookAgain(job: Job<any>): Promise<Entry | undefined> {
  const { entry, isMarkedStale } = await lookUp(job)
  return entry && !isMarkedStale && stateOf(entry, Date.now(), job.windows) === 'fresh' ? entry : undefined
}

/** Runs, and stores the result in the background. */
export async function make<made extends Made>(
  job: Job<made>,
  marks: Versioned | undefined,
  signal: () => AbortSignal,
  flight?: Flight,
  lease?: Lease,
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
