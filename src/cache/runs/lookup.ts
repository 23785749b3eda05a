import type { Entry } from '../stores/store.js'
import type { SafeStore } from '../stores/guard.js'
import type { Job, Made } from './job.js'

/** What the current versions of its marks make of an entry. */
type Currency = 'current' | 'stale' | 'expired'

/** An entry that has not expired, and the versions of the expected marks, if they are known already. */
export interface Found {
  readonly entry: Entry | undefined
  /** Whether one of its tags was revalidated with 'max'. */
  readonly isMarkedStale: boolean
  readonly versions: readonly string[] | undefined
}

export const nothing: Found = { entry: undefined, isMarkedStale: false, versions: undefined }

/**
 * Looks up an entry, and compares the versions of its marks. An asynchronous store gets the expected marks at the same time,
 * so that the lookup is one round trip.
 */
export function lookUp(job: Pick<Job<Made>, 'core' | 'store' | 'key' | 'marks'>): Found | Promise<Found> {
  const { store } = job
  const { prefix } = job.core
  const entry = store.get(job.key)
  if (!(entry instanceof Promise)) return entry ? judge(store, prefix, entry, undefined) : nothing
  const expected = job.marks()
  return Promise.all([entry, store.versions(expected)]).then(([entry, versions]) => {
    if (!versions) return nothing
    if (!entry) return { ...nothing, versions }
    const known = new Map(expected.map((mark, index) => [mark, versions[index]!]))
    const own = entry.marks.map(([mark]) => known.get(mark))
    if (own.includes(undefined)) return judge(store, prefix, entry, versions)
    return toFound(entry, own as string[], prefix, versions)
  })
}

/** Whether an entry can still be served: no mark was renewed since, except marks that make it stale. */
export async function isCurrent(store: SafeStore, prefix: string, entry: Entry): Promise<boolean> {
  return !!(await judge(store, prefix, entry, undefined)).entry
}

function judge(
  store: SafeStore,
  prefix: string,
  entry: Entry,
  versions: readonly string[] | undefined,
): Found | Promise<Found> {
  const current = store.versions(entry.marks.map(([mark]) => mark))
  return current instanceof Promise
    ? current.then((current) => toFound(entry, current, prefix, versions))
    : toFound(entry, current, prefix, versions)
}

function toFound(
  entry: Entry,
  current: readonly string[] | undefined,
  prefix: string,
  versions: readonly string[] | undefined,
): Found {
  const currency = current ? currencyOf(entry, current, prefix) : 'expired'
  return currency === 'expired' ? { ...nothing, versions } : { entry, isMarkedStale: currency === 'stale', versions }
}

function currencyOf({ marks }: Entry, current: readonly string[], prefix: string): Currency {
  let currency: Currency = 'current'
  for (let index = 0; index < marks.length; index++) {
    const [mark, version] = marks[index]!
    if (version === current[index]) continue
    if (!mark.startsWith('s:', prefix.length)) return 'expired'
    currency = 'stale'
  }
  return currency
}
