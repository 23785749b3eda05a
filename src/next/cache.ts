import { canReach, revalidateBelow } from '../cache/revalidate-below.js'
import { isDraft } from './headers.js'
import { dependOn, limitLife, load } from './wrapped.js'
import { ambientOf, cacheOf, findAmbient, runAmbient, type Ambient } from './ambient.js'

/** The profile of a lifetime: a name, or when entries expire. */
export type Profile = string | { readonly expire?: number }

/**
 * Invalidates every entry with a tag before the response is sent. With a profile such as `'max'`, each entry is served stale for one
 * more request while it is refreshed; without one, or with `{ expire: 0 }`, none is served again.
 *
 * @throws Error outside of a request of a mounted module, or without a cache.
 * @see https://nextjs.org/docs/app/api-reference/functions/revalidateTag
 */
export function revalidateTag(tag: string, profile?: Profile): void {
  const ambient = ambientOf('revalidateTag', 'cache.revalidateTag()')
  const isImmediate = profile === undefined || (typeof profile === 'object' && profile.expire === 0)
  ambient.wait(cacheOf('revalidateTag', ambient).revalidateTag(tag, isImmediate ? undefined : 'max'))
}

/**
 * Invalidates the entries of a pathname or a pattern before the response is sent; with `'layout'`, of every route below it.
 *
 * @throws Error outside of a request of a mounted module, or without a cache.
 * @see https://nextjs.org/docs/app/api-reference/functions/revalidatePath
 */
export function revalidatePath(path: string, type?: 'page' | 'layout'): void {
  const ambient = ambientOf('revalidatePath', 'cache.revalidatePath()')
  const cache = cacheOf('revalidatePath', ambient)
  const { app, report } = ambient.context
  if (!app.routes.some(({ route }) => canReach(route.pattern, path)))
    report(new Error(`revalidatePath('${path}') revalidated nothing: no route has such a path`))
  ambient.wait(type === 'layout' ? revalidateBelow(cache, path) : cache.revalidatePath(path))
}

/** Throws, as in Next.js: it works in Server Actions only. Use `revalidateTag(tag)`. */
export function updateTag(_tag: string): never {
  throw new Error('updateTag() works in Server Actions only; in a route handler, use revalidateTag(tag)')
}
/** Throws, as in Next.js: it works in Server Actions only. */
export function refresh(): never {
  throw new Error('refresh() works in Server Actions only; a route handler has no page to refresh')
}

/** Makes the response of the running handler uncached. */
export function unstable_noStore(): void {
  const ambient = findAmbient()
  // A tracked read: the response then depends on something that is not in the key.
  if (ambient?.phase === 'handler') void ambient.request.headers.has('x-no-store')
}

/** The options of `unstable_cache`. */
export interface UnstableCacheOptions {
  /** Seconds for which a result is fresh; `false` for no time limit. @default false */
  readonly revalidate?: number | false
  /** The tags that `revalidateTag` invalidates the results by. @default [] */
  readonly tags?: readonly string[]
}

/**
 * Returns a function whose results are cached by `keys` and its arguments. The keys must tell what the function closes over:
 * two functions with the same keys share results. The result passes through JSON, on a miss too.
 *
 * @throws TypeError without keys. The function throws outside of a request of a mounted module, and if it reads the request.
 * @see https://nextjs.org/docs/app/api-reference/functions/unstable_cache
 */
export function unstable_cache<args extends readonly unknown[], result>(
  fn: (...args: args) => Promise<result>,
  keys: readonly string[],
  { revalidate = false, tags = [] }: UnstableCacheOptions = {},
): (...args: args) => Promise<result> {
  if (!Array.isArray(keys) || !keys.length || !keys.every((key) => typeof key === 'string'))
    throw new TypeError(
      'unstable_cache() takes keys: strings that no other function has, such as the name of the function',
    )
  if (revalidate === 0) throw new TypeError('unstable_cache() takes revalidate: false or more than 0 seconds')
  return async (...args) => {
    const ambient = ambientOf('unstable_cache', 'cache.wrap()')
    const run = (): Promise<unknown> => runCached(ambient, () => fn(...args))
    if (isDraft(ambient.request, ambient.settings.draftSecret)) return run() as Promise<result>
    const cache = cacheOf('unstable_cache', ambient)
    return load(cache, ambient, { name: 'function', key: [keys, args], tags, revalidate }, run) as Promise<result>
  }
}

function runCached(ambient: Ambient, run: () => Promise<unknown>): Promise<unknown> {
  const inner = ambient.in('cached function')
  return runAmbient(inner, async () => {
    const result = await run()
    await Promise.all(inner.pending ?? [])
    return result
  })
}

/**
 * Adds tags to the cached response, or the result of `unstable_cache()`, that is being made.
 *
 * @throws Error outside of a request of a mounted module, or without a cache.
 */
export function cacheTag(...tags: string[]): void {
  const ambient = ambientOf('cacheTag', 'cache({ tags })')
  const cache = cacheOf('cacheTag', ambient)
  for (const tag of tags) ambient.wait(dependOn(cache, tag))
}

const profiles = new Map<string, number | false>([
  ['default', 900],
  ['seconds', 1],
  ['minutes', 60],
  ['hours', 3_600],
  ['days', 86_400],
  ['weeks', 604_800],
  ['max', 2_592_000],
])

/**
 * Limits the lifetime of the cached response, or the result of `unstable_cache()`, that is being made: the `revalidate` of a
 * profile, or a number of seconds.
 *
 * @throws Error for an unknown profile, outside of a request of a mounted module, or without a cache.
 */
export function cacheLife(profile: string | { readonly revalidate?: number }): void {
  const ambient = ambientOf('cacheLife', 'cache({ revalidate })')
  const cache = cacheOf('cacheLife', ambient)
  const revalidate = typeof profile === 'string' ? profiles.get(profile) : (profile.revalidate ?? false)
  if (revalidate === undefined)
    throw new Error(
      `cacheLife() takes ${[...profiles.keys()].join(', ')} or { revalidate }, not ${JSON.stringify(profile)}`,
    )
  if (revalidate !== false) ambient.wait(limitLife(cache, revalidate))
}
