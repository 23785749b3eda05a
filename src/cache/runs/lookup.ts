import type { SafeStore } from './guard.js'
import type { Entry } from './store.js'

/** What the versions that its marks have now say of an entry. */
export type Currency = 'current' | 'stale' | 'over'

/** An entry that is not over, and the versions of the marks that were asked for, if they are known already. */
export interface Found {
  readonly entry: Entry | undefined
  /** Whether a tag of it was revalidated with 'max'. */
  readonly isMarkedStale: boolean
  readonly versions: readonly string[] | undefined
}

export const nothing: Found = { entry: undefined, isMarkedStale: false, versions: undefined }

/**
 * Looks up an entry, and whether its marks still have their versions. A store that takes its time is asked for the versions
 * of `marks` at once, those that the entry most likely has: one round trip in all.
 */
export function lookUp(
  store: SafeStore,
  prefix: string,
  key: string,
  marks: () => readonly string[],
): Found | Promise<Found> {
  const entry = store.get(key)
  if (!(entry instanceof Promise)) return entry ? judge(store, prefix, entry, undefined) : nothing
  const expected = marks()
  return Promise.all([entry, store.versions(expected)]).then(([entry, versions]) => {
    if (!versions) return nothing
    if (!entry) return { ...nothing, versions }
    const known = new Map(expected.map((mark, index) => [mark, versions[index]!]))
    const own = entry.marks.map(([mark]) => known.get(mark))
    if (own.includes(undefined)) return judge(store, prefix, entry, versions)
    return toFound(entry, own as string[], prefix, versions)
  })
}

/** Whether no mark of an entry has been renewed since, but for those that leave it to be served once more. */
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
  const currency = current ? currencyOf(entry, current, prefix) : 'over'
  return currency === 'over' ? { ...nothing, versions } : { entry, isMarkedStale: currency === 'stale', versions }
}

function currencyOf({ marks }: Entry, current: readonly string[], prefix: string): Currency {
  let currency: Currency = 'current'
  for (let index = 0; index < marks.length; index++) {
    const [mark, version] = marks[index]!
    if (version === current[index]) continue
    if (!mark.startsWith('s:', prefix.length)) return 'over'
    currency = 'stale'
  }
  return currency
}
