import { withNotes } from '../notes.js'
import type { Jsonify } from '../jsonify.js'
import type { AnyContext, Continued, Next } from '../middleware.js'
import { currentScope, useScopes } from '../scope.js'
import { toMarks, type Core } from './core.js'
import { deleteData, getData, setData, wrap } from './data.js'
import type { Settings } from './fill.js'
import { guardStore, type SafeStore } from './guard.js'
import { toCanonicalPath } from './key.js'
import { LimitedMap } from './limited-map.js'
import { memoryStore } from './memory-store.js'
import { toCacheControl } from './policy.js'
import { toRing, type RingOptions } from './ring.js'
import type { CacheStore } from './store.js'
import type { Dynamic } from './tracked.js'

export interface CreateCacheOptions {
  /**
   * Where answers and data are kept; a function of `context.env`, called once for each, where the host binds it to a request.
   * @default memoryStore()
   */
  readonly store?: CacheStore | ((env: any) => CacheStore)
  /** Keeps apart what shares a store: another deployment, another app. Printable characters. @default '' */
  readonly namespace?: string
  /** Seconds that a request waits for another one's run of the same, here or in another process, before it runs on its own. @default 10 */
  readonly maxWait?: number
  /** Seconds that a store may take for an answer; after that it is a miss. @default 0.5 */
  readonly storeTimeout?: number
  /** Told when the store fails, once for each time that it begins to. @default console.error */
  readonly onError?: (error: unknown) => unknown
}

/** How long a stale answer still serves. */
interface Lifetime {
  /** Seconds after which it is stale, or `false` for as long as its tags hold. @default false */
  readonly revalidate?: number | false
  /** Seconds beyond `revalidate` in which it is served while it is refreshed. @default 31_536_000, a year */
  readonly staleWhileRevalidate?: number
  /** Seconds beyond `revalidate` in which it is served where the refresh failed. @default 31_536_000, a year */
  readonly staleIfError?: number
}

export interface CacheOptions<context = AnyContext> extends Lifetime {
  /** What `revalidateTag` calls it: a list, or a function of the context that gives one. @default [] */
  readonly tags?: readonly string[] | ((context: context) => readonly string[])
  /** Request headers that the answer depends on: they are part of its key, and named in `Vary`. @default [] */
  readonly vary?: readonly string[]
  /**
   * What else the answer depends on: `({ user }) => user.id` is a cache per user. What it reads of what
   * middleware outside has added, the handler may read too: let it give all that tells two answers apart. The answer is `private` to other caches then. @default none
   */
  readonly key?: (context: context) => unknown
  /** Seconds for which shared caches, such as a CDN, may answer without asking: past a guard outside too. `revalidateTag` does not reach them. @default none */
  readonly cdn?: number
  /**
   * What happens when the handler reads what the key does not hold, such as a cookie, the raw query, or what middleware
   * outside has added: the answer is not stored, and `Cache-Status` names it (`'auto'`); it is a 500, and `onError` is told
   * (`'error'`); it reads as if the request did not have it (`'force-static'`). @default 'auto'
   */
  readonly dynamic?: Dynamic
  /** The statuses that are stored. @default [200] */
  readonly statuses?: readonly number[]
  /** The most bytes that a body may have to be stored. `Range` and conditions are for what is stored. @default 1_048_576 */
  readonly maxBytes?: number
}

export interface WrapOptions<args extends readonly unknown[]> extends Lifetime {
  /** What the function is called in the store. Its arguments are part of the key by themselves. */
  readonly key: string
  /** What `revalidateTag` calls a result: a list, or a function of the arguments that gives one. @default [] */
  readonly tags?: readonly string[] | ((...args: args) => readonly string[])
}

export interface SetOptions {
  /** Seconds that it is kept. @default as long as its tags hold */
  readonly ttl?: number
  /** What `revalidateTag` calls it. @default [] */
  readonly tags?: readonly string[]
}

/** A cache: itself the middleware that keeps the answers of routes. */
export interface Cache {
  /**
   * Keeps the answers of the GETs inside; HEAD has them too, other methods pass. What the handler sees of the request is
   * what the answer's key holds: method, origin, path, declared query and headers, `vary` and `key`.
   *
   * @throws TypeError for options that contradict each other.
   * @see https://www.rfc-editor.org/rfc/rfc9111
   * @example
   * route('/items/[slug]').use(cache({ revalidate: 60, tags: ({ params }) => ['items', `item:${params.slug}`] })).get(…)
   */
  <context = AnyContext>(
    options?: CacheOptions<context>,
  ): (request: Request, context: context, next: Next) => Continued<{}>
  /**
   * Lets go of all that has this tag: nothing that was begun before is served after the promise has resolved. With `'max'`
   * it is served until it has been refreshed, which the next request for it starts.
   *
   * It never rejects: where the store fails, this process serves none of it, `onError` is told, and it is tried again.
   */
  revalidateTag(this: void, tag: string, profile?: 'max'): Promise<void>
  /** Lets go of the answers for this pathname, whatever their query. As the app sees it: without `basePath`, after `rewrites`. */
  revalidatePath(this: void, pathname: string): Promise<void>
  /**
   * A function whose results are kept by `key` and its arguments, for all callers: what makes two results differ is an
   * argument (`user.id`), and nothing else that belongs to one request is read in it. Results come back as JSON has them, the
   * first time too, and are the caller's own to change. Errors are not kept, and what cannot be written down is one: it
   * rejects with a TypeError for arguments such as functions and instances of classes, and for results that JSON cannot carry.
   *
   * An answer or another function's result that is made with one has its tags as well, so that `revalidateTag` empties them
   * too; and a request that calls it again within a second asks no store. Both need `AsyncLocalStorage`, which Workers has with
   * `nodejs_compat`: without it, give a cached route the tags of what it calls.
   *
   * @example
   * const findItem = cache.wrap((slug: string) => db.find(slug), { key: 'item', revalidate: 60, tags: (slug) => [`item:${slug}`] })
   */
  wrap<args extends readonly unknown[], result>(
    this: void,
    fn: (...args: args) => result,
    // By way of a function, so that what `tags` leaves out or names does not change what is optional.
    options: WrapOptions<Parameters<(...args: args) => unknown>>,
  ): (...args: args) => Promise<Jsonify<Awaited<result>>>
  /** What `set` has kept, as JSON has it; `undefined` where it is not there, or a tag of it was revalidated, with 'max' too. An answer that is made with it has its tags as well, as with `wrap`. */
  get(this: void, key: string): Promise<unknown>
  /**
   * Keeps a value for all callers. What was read before a tag of it was revalidated, and is set after that, counts as new;
   * `wrap` knows better. Where the store fails, it keeps what it had, and `onError` is told.
   *
   * @throws TypeError for a value that JSON cannot carry.
   */
  set(this: void, key: string, value: unknown, options?: SetOptions): Promise<void>
  /** Lets go of what `set` has kept; answers that were made with it stay until a tag of it is revalidated. */
  delete(this: void, key: string): Promise<void>
}

const year = 31_536_000

/**
 * A cache, of which an app has one, in a file of its own.
 *
 * @throws TypeError and RangeError for options that are none.
 * @example
 * export const cache = createCache({ store: redisStore(client), namespace: process.env.RELEASE })
 */
export function createCache(options: CreateCacheOptions = {}): Cache {
  checkNames('createCache()', options, ['store', 'namespace', 'maxWait', 'storeTimeout', 'onError'])
  const { store = memoryStore(), namespace = '', maxWait = 10, storeTimeout = 0.5, onError = console.error } = options
  // It parts namespaces from keys, so it must not be in one.
  if (typeof namespace !== 'string' || /\p{Cc}/u.test(namespace))
    throw new TypeError(`createCache() takes a namespace of printable characters, not ${JSON.stringify(namespace)}`)
  checkSeconds('createCache()', 'maxWait', maxWait, true)
  checkSeconds('createCache()', 'storeTimeout', storeTimeout, true)
  useScopes()
  const report = (error: unknown): void => {
    try {
      void Promise.resolve(onError(error)).catch(console.error)
    } catch (second) {
      console.error(second)
    }
  }
  const guarded = new WeakMap<CacheStore, SafeStore>()
  const guard = (store: CacheStore): SafeStore => {
    let safe = guarded.get(store)
    if (!safe) guarded.set(store, (safe = guardStore(store, { timeout: storeTimeout * 1_000, report })))
    return safe
  }
  const fixed = typeof store === 'function' ? undefined : guard(store)
  // A function makes a new one each time, and what is known of its failures would be lost with the last one.
  const bound = new WeakMap<object, SafeStore>()
  const core: Core = {
    prefix: `${namespace}\n`,
    storeFor(context = currentScope()?.context) {
      if (fixed) return fixed
      if (!context)
        throw new Error(
          'which store this cache has depends on the request, and none is known here; call it inside of a request (on Workers, with the flag nodejs_compat), or give createCache() a store',
        )
      const env = context.env as object
      let safe = bound.get(env)
      if (!safe) bound.set(env, (safe = guard((store as (env: unknown) => CacheStore)(env))))
      return safe
    },
    waitUntil(promise) {
      const context = currentScope()?.context
      if (context) context.waitUntil(promise)
      else promise.catch(report)
    },
    maxWait: maxWait * 1_000,
    flights: new Map(),
    unstorable: new LimitedMap(10_000),
    failures: new LimitedMap(10_000),
    revalidations: 0,
  }

  const cache = (given: CacheOptions<any> = {}): never => {
    const stands = (): never => {
      throw new TypeError('a cache stands around the operations of a route: give it to .use()')
    }
    return withNotes(Object.assign(stands, toRing(core, toRingOptions(given))), { cache: given }) as never
  }
  const renew = async (mark: string): Promise<void> => {
    await core.storeFor().renew([mark])
    // Not before: what is read while it is under way may be old.
    core.revalidations++
  }
  const members: { readonly [name in keyof Cache]: Cache[name] } = {
    async revalidateTag(tag, profile) {
      if (profile !== undefined && profile !== 'max')
        throw new TypeError(`revalidateTag() takes 'max' or nothing beside the tag, not ${JSON.stringify(profile)}`)
      checkTags('revalidateTag()', [tag])
      const [over, stale] = toMarks(core.prefix, [tag])
      await renew(profile === 'max' ? stale! : over!)
    },
    async revalidatePath(pathname) {
      if (typeof pathname !== 'string' || !/^\/(?![^?#]*[?#])/.test(pathname))
        throw new TypeError(`revalidatePath() takes a pathname such as '/items/a', not ${JSON.stringify(pathname)}`)
      const { pathname: written } = new URL(`http://localhost${pathname}`)
      await renew(`${core.prefix}p:${toCanonicalPath(written)}`)
    },
    wrap(fn, given) {
      if (typeof fn !== 'function') throw new TypeError('cache.wrap() takes a function, and { key } to call it by')
      checkNames('cache.wrap()', given, ['key', 'tags', ...lifetimeNames])
      const { key, tags = [] } = given
      if (typeof key !== 'string' || key === '')
        throw new TypeError('cache.wrap() takes a key: a text that no other wrapped function of this cache has')
      if (typeof tags !== 'function') checkTags('cache.wrap()', tags)
      const tagsOf =
        typeof tags === 'function' ? (...args: any) => checkTags('cache.wrap()', tags(...args)) : () => tags
      return wrap(core, fn, { key, tagsOf, ...toLifetime('cache.wrap()', given) })
    },
    async get(key) {
      return getData(core, checkKey('get', key))
    },
    async set(key, value, given = {}) {
      checkNames('cache.set()', given, ['ttl', 'tags'])
      const { ttl, tags = [] } = given
      if (ttl !== undefined) checkSeconds('cache.set()', 'ttl', ttl, true)
      await setData(core, checkKey('set', key), value, ttl ?? null, checkTags('cache.set()', tags))
    },
    async delete(key) {
      await deleteData(core, checkKey('delete', key))
    },
  }
  return Object.assign(cache, members)
}

const lifetimeNames = ['revalidate', 'staleWhileRevalidate', 'staleIfError'] as const

function toLifetime(
  call: string,
  { revalidate = false, staleWhileRevalidate = year, staleIfError = year }: Lifetime,
): Pick<Settings, (typeof lifetimeNames)[number]> {
  if (revalidate !== false) checkSeconds(call, 'revalidate', revalidate, true)
  checkSeconds(call, 'staleWhileRevalidate', staleWhileRevalidate)
  checkSeconds(call, 'staleIfError', staleIfError)
  return { revalidate: revalidate === false ? null : revalidate, staleWhileRevalidate, staleIfError }
}

function toRingOptions(options: CacheOptions<any>): RingOptions {
  const call = 'cache()'
  checkNames(call, options, [...lifetimeNames, 'tags', 'vary', 'key', 'cdn', 'dynamic', 'statuses', 'maxBytes'])
  const { tags = [], vary = [], key, cdn, dynamic = 'auto', statuses = [200], maxBytes = 1_048_576 } = options
  if (typeof tags !== 'function') checkTags(call, tags)
  if (key !== undefined && typeof key !== 'function')
    throw new TypeError('cache() takes a function of the context as key')
  if (cdn !== undefined) checkSeconds(call, 'cdn', cdn, true)
  if (cdn !== undefined && key)
    throw new TypeError('cache() takes cdn or key: other caches do not know the key, and would mix its answers')
  if (!['auto', 'error', 'force-static'].includes(dynamic))
    throw new TypeError(`cache() takes 'auto', 'error' or 'force-static' as dynamic, not ${JSON.stringify(dynamic)}`)
  if (
    !Array.isArray(statuses) ||
    !statuses.every((one) => Number.isInteger(one) && one >= 200 && one < 600 && one !== 206 && one !== 304)
  )
    throw new TypeError('cache() takes statuses as a list of them, such as [200, 404]; 206 and 304 are never stored')
  if (typeof maxBytes !== 'number' || !(maxBytes >= 0))
    throw new TypeError('cache() takes maxBytes as a number of bytes')
  const names = toHeaderNames(vary)
  const settings: Settings = {
    ...toLifetime(call, options),
    statuses: new Set(statuses),
    varied: new Set(names),
    dynamic,
    maxBytes,
    cacheControl: toCacheControl({ cdn, isPrivate: !!key }),
    vary: names.join(', '),
  }
  return { settings, tags, key, vary: names, cdn }
}

function toHeaderNames(vary: unknown): string[] {
  if (
    !Array.isArray(vary) ||
    !vary.every((name) => typeof name === 'string' && /^[!#$%&'*+\-.^_`|~\w]+$/.test(name) && name !== '*')
  )
    throw new TypeError(`cache() takes vary as a list of header names, not ${JSON.stringify(vary)}`)
  return [...new Set(vary.map((name: string) => name.toLowerCase()))].sort()
}

function checkNames(call: string, options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) throw new TypeError(`${call} takes an object of options`)
  for (const name of Object.keys(options))
    if (!known.includes(name)) throw new TypeError(`${call} takes no such option: ${name}; it has ${known.join(', ')}`)
}

function checkSeconds(call: string, name: string, value: unknown, isPositive = false): void {
  if (typeof value === 'number' && (isPositive ? value > 0 : value >= 0)) return
  throw new RangeError(
    `${call} takes ${name} in seconds${isPositive ? ', more than 0' : ''}, not ${String(value)}${name === 'revalidate' && value === 0 ? '; what is not to be kept has no cache()' : ''}`,
  )
}

function checkTags(call: string, tags: unknown): readonly string[] {
  if (Array.isArray(tags) && tags.every((tag) => typeof tag === 'string' && tag !== '')) return tags
  throw new TypeError(`${call} takes tags as texts, not ${JSON.stringify(tags)}`)
}

function checkKey(call: string, key: unknown): string {
  if (typeof key === 'string') return key
  throw new TypeError(`cache.${call}() takes a text as key, not ${typeof key}`)
}
