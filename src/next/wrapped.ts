import type { Cache } from '../cache/create-cache.js'
import { findAmbient, runAmbient, type Ambient } from './ambient.js'

type Load = (name: string, key: unknown, tags: readonly string[]) => Promise<unknown>

/** The functions that byway/next wraps in one cache: few, although the functions of an app can be many. */
interface Wrapped {
  /** By `revalidate`. */
  readonly loads: Map<number | false, Load>
  readonly depend: (tag: string) => Promise<null>
  readonly lives: Map<number, () => Promise<null>>
}

const known: WeakMap<Cache, Wrapped> = new WeakMap()

function wrappedOf(cache: Cache): Wrapped {
  let wrapped = known.get(cache)
  if (!wrapped) {
    const depend = cache.wrap((_tag: string) => null, { key: 'next tag', revalidate: false, tags: (tag) => [tag] })
    known.set(cache, (wrapped = { loads: new Map(), depend, lives: new Map() }))
  }
  return wrapped
}

/**
 * Returns the stored result for a name and a key, or runs `run` and stores its result. What runs is in the scope, also when a
 * stale result is refreshed in the background.
 */
export function load(
  cache: Cache,
  ambient: Ambient,
  options: {
    readonly name: string
    readonly key: unknown
    readonly tags: readonly string[]
    readonly revalidate: number | false
  },
  run: () => Promise<unknown>,
): Promise<unknown> {
  const { loads } = wrappedOf(cache)
  const { name, key, tags, revalidate } = options
  let own = loads.get(revalidate)
  if (!own) {
    const wrap = cache.wrap((_name: string, _key: unknown, _tags: readonly string[]) => findAmbient()!.run!(), {
      key: `next ${revalidate}`,
      revalidate,
      tags: (_name, _key, tags) => tags,
    })
    loads.set(revalidate, (own = wrap as Load))
  }
  const call = own
  return runAmbient(ambient.in(ambient.phase, run), () => call(name, key, tags))
}

/** Adds a tag to what is being made: the caller of a wrapped function gets its tags. */
export const dependOn = (cache: Cache, tag: string): Promise<null> => wrappedOf(cache).depend(tag)

/** Limits the lifetime of what is being made: the caller of a wrapped function gets its `revalidate`, if it is smaller. */
export function limitLife(cache: Cache, revalidate: number): Promise<null> {
  const { lives } = wrappedOf(cache)
  let own = lives.get(revalidate)
  if (!own) lives.set(revalidate, (own = cache.wrap(() => null, { key: `next life ${revalidate}`, revalidate })))
  return own()
}
