import type { CacheStatus } from '../../headers/cache-status.js'
import type { Core } from '../core.js'
import { stateOf } from '../responses/policy.js'
import type { Entry } from '../stores/store.js'
import { gain, land, lookAgain, make, start, toLeaseKey, toText, toVersioned } from './gain.js'
import type { Job, Made } from './job.js'
import { lookUp, type Found } from './lookup.js'

/** An entry and how it was found, or the result of an own run and why it ran. */
export type Obtained<made> =
  | { readonly entry: Entry; readonly status: CacheStatus; readonly made?: undefined; readonly now?: number }
  | { readonly entry?: undefined; readonly fwd: 'stale' | 'uri-miss'; readonly made: made }

/**
 * Looks up an entry. A fresh entry is returned, and a stale one while one run refreshes it in the background. Otherwise this
 * runs, and returns the stale entry if the run fails within `staleIfError`. Returns immediately if the store does.
 */
export function obtain<made extends Made>(job: Job<made>): Obtained<made> | Promise<Obtained<made>> {
  const found = lookUp(job)
  return found instanceof Promise ? found.then((found) => decide(job, found)) : decide(job, found)
}

const hit: CacheStatus = { hit: true }

function decide<made extends Made>(job: Job<made>, found: Found): Obtained<made> | Promise<Obtained<made>> {
  const { entry, isMarkedStale } = found
  const now = Date.now()
  const state = entry ? stateOf(entry, now, job.windows) : 'expired'
  if (state === 'fresh' && !isMarkedStale) return { entry: entry!, status: hit, now }
  if ((state === 'fresh' || state === 'stale') && !job.waits) {
    refresh(job, found)
    // An entry that a tag made stale has no time left.
    return { entry: entry!, status: isMarkedStale ? { hit: true, ttl: 0 } : hit }
  }
  if (state === 'expired') return miss(job, found, undefined)
  return isBackedOff(job.core, job.key)
    ? { entry: entry!, status: { hit: true, detail: 'refresh failed' } }
    : miss(job, found, entry)
}

// `fallback` is the entry that is returned if the run fails.
async function miss<made extends Made>(
  job: Job<made>,
  found: Found,
  fallback: Entry | undefined,
): Promise<Obtained<made>> {
  const fwd = fallback ? 'stale' : 'uri-miss'
  const failed = { fwd, detail: 'refresh failed' } as const
  const gained = await gain(job, found, !!fallback)
  if (gained === 'failed') return { entry: fallback!, status: failed }
  if (gained.entry) return { entry: gained.entry, status: { fwd, collapsed: true } }
  const { made } = gained
  if (!fallback) return { made, fwd }
  // The new response is for this request only, and the old one is not valid.
  if (made.outcome === 'unstorable') await job.store.delete(job.key)
  if (made.outcome !== 'failed') return { made, fwd }
  if (!job.signal().aborted) backOff(job.core, job.key)
  job.discard(made, false)
  return { entry: fallback, status: failed }
}

// One refresh at a time, and after a failure not before a pause.
function refresh<made extends Made>(job: Job<made>, found: Found): void {
  const { core, key } = job
  const other = core.flights.get(key)
  if ((other && other.until > Date.now()) || isBackedOff(core, key)) return
  // It begins before the versions are known, so that other requests do not refresh too.
  const flight = start(core, key, undefined)
  // The refresh goes on if the requests that join it abort.
  flight.join(() => new AbortController().signal)
  const work = async (): Promise<void> => {
    let made: made | undefined
    try {
      const marks = await toVersioned(job, found)
      flight.versions = marks && toText(marks)
      const lease = marks && (await job.store.lease(toLeaseKey(job, marks), core.maxWait))
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
    job.discard(made, true)
    const outcome = await made.outcome
    if (outcome === 'failed') backOff(core, key)
    // The new response must not be stored, and the old one is not valid.
    else if (outcome === 'unstorable') await job.store.delete(key)
  }
  job.waitUntil(work())
}

const longestPause = 60_000

function isBackedOff({ failures }: Core, key: string): boolean {
  const failure = failures.get(key)
  return failure !== undefined && Date.now() < failure.until
}

// Exponential, from 1 second to 1 minute.
function backOff({ failures }: Core, key: string): void {
  const count = (failures.get(key)?.count ?? 0) + 1
  failures.set(key, { count, until: Date.now() + Math.min(1_000 * 2 ** (count - 1), longestPause) })
}
