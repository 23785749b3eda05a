import type { Jsonify } from '../jsonify.js'
import type { AnyContext, Continued, Next } from '../middleware.js'
import { checkOptions } from '../options.js'
import { enableScopes, sharesRuns } from '../scope.js'
import { withCacheOptions, type CacheOptions, type Lifetime } from './cache-options.js'
import { checkTags, toMarks, toPathMark, type Core } from './core.js'
import { deleteData, getData, setData, wrap } from './data.js'
import { nameOf } from './key.js'
import { toRevalidated } from './paths.js'
import { toLayer, type LayerOptions } from './middleware.js'
import { toCacheControl, type Windows } from './responses/policy.js'
import { LimitedMap } from './runs/limited-map.js'
import { currentContext, hasScopes, runCollecting } from './scopes.js'
import { guardStore, type SafeStore } from './stores/guard.js'
import { memoryStore } from './stores/memory-store.js'
import type { CacheStore, Entry } from './stores/store.js'

export interface CreateCacheOptions {
  /**
   * The store, or a function that creates it from `context.env` (Cloudflare bindings). The function is called once per `env`.
   * @default memoryStore()
   */
  readonly store?: CacheStore | ((env: any) => CacheStore)
  /** Separates caches that share a store, such as those of two deployments. Printable characters. @default '' */
  readonly namespace?: string
  /** Milliseconds that a request waits for another run for the same key, in this process or another, before it runs itself. @default 10_000 */
  readonly maxWait?: number
  /** Milliseconds for one call of the store. After that the lookup is a miss. @default 500 */
  readonly storeTimeout?: number
  /**
   * Completes the entry of a response before it is stored and sent, such as with the tags that a CDN reads: `cdnTags()` from
   * `byway/vercel`. If it throws, the response is sent without being stored, and `onError` of the router gets the error.
   * @default none
   */
  readonly complete?: (entry: Entry) => Entry
  /** Called when the store begins to fail, and for mistakes that the cache finds at run time. @default console.error */
  readonly onError?: (error: unknown) => unknown
}

export interface WrapOptions<args extends readonly unknown[]> extends Lifetime {
  /** The name of the function in the store, unique in this cache. The arguments are part of the key. */
  readonly key: string
  /** The tags for `revalidateTag`: a list, or a function of the arguments that returns one. @default [] */
  readonly tags?: readonly string[] | ((...args: args) => readonly string[])
}

export interface SetOptions {
  /** Seconds for which the value is stored. @default no time limit */
  readonly ttl?: number
  /** The tags for `revalidateTag`. @default [] */
  readonly tags?: readonly string[]
}

/** A cache: a function that makes middleware, with methods for data and invalidation. */
export interface Cache {
  /**
   * Makes a middleware that stores the responses of the GET operations after it. HEAD uses them too; other methods skip the
   * cache. The key has everything that the handler can see: method, origin, path, declared query and headers, `vary` and
   * `key`.
   *
   * @throws TypeError or RangeError if an option is invalid. `.get()` throws a RouteError if an operation has two caches.
   * @see https://www.rfc-editor.org/rfc/rfc9111
   * @example
   * route('/items/[slug]').use(cache({ revalidate: 60, tags: ({ params }) => ['items', `item:${params.slug}`] })).get(…)
   */
  <context = AnyContext>(
    options: CacheOptions<context>,
  ): (request: Request, context: context, next: Next) => Continued<{}>
  /**
   * Invalidates every entry with this tag. After the promise resolves, no response from a run that began before the call is
   * served. With `'max'`, entries become stale: each is served until the next request for it has refreshed it.
   *
   * The promise does not reject if the store fails: `onError` is called, this process does not serve the affected entries,
   * and the invalidation is tried again.
   */
  revalidateTag(this: void, tag: string, profile?: 'max'): Promise<void>
  /**
   * Invalidates the entries for a pathname, with any query, or for a pattern such as `/items/[slug]`. The path is the one that
   * the app matches: without `basePath`, after `rewrites`. `revalidateBelow(cache, path)` does it for all paths below one.
   */
  revalidatePath(this: void, path: string): Promise<void>
  /** The patterns of the operations that this cache is around. */
  readonly patterns: ReadonlySet<string>
  /**
   * Returns a function whose results are stored by `key` and its arguments, for all callers. Everything that distinguishes two
   * results must be an argument (`user.id`). Each call returns a new copy of the result, as JSON represents it. Errors are not
   * stored. The function rejects with a TypeError for arguments such as functions and class instances, and for results that
   * JSON cannot represent.
   *
   * A cached response, or another wrapped function's result, gets the tags of the wrapped functions that it called, and their
   * `revalidate` if it is smaller. Within one request, a repeated call reuses the first result for up to one second. Both need
   * `AsyncLocalStorage`, which Workers has with `nodejs_compat`; without it, give the tags to the cached route.
   *
   * @example
   * const findItem = cache.wrap((slug: string) => db.find(slug), { key: 'item', revalidate: 60, tags: (slug) => [`item:${slug}`] })
   */
  wrap<args extends readonly unknown[], result>(
    this: void,
    fn: (...args: args) => result,
    // By a function type, so that `tags` does not change which arguments are optional.
    options: WrapOptions<Parameters<(...args: args) => unknown>>,
  ): (...args: args) => Promise<Jsonify<Awaited<result>>>
  /**
   * Resolves to a copy of the value that `set` stored, or to `undefined` if it is missing or one of its tags was revalidated,
   * also with 'max'. A cached response that is made with it gets its tags.
   */
  get(this: void, key: string): Promise<unknown>
  /**
   * Stores a value for all callers. A value that was read before one of its tags was revalidated, and is set afterwards, counts
   * as new; use `wrap` to avoid that. If the store fails, the previous value stays, and `onError` is called.
   *
   * @throws TypeError if JSON cannot represent the value.
   */
  set(this: void, key: string, value: unknown, options?: SetOptions): Promise<void>
  /** Deletes a value that `set` stored. Responses that were made with it stay until one of their tags is revalidated. */
  delete(this: void, key: string): Promise<void>
}

/**
 * Creates a cache. An app has one, in a file of its own.
 *
 * @throws TypeError or RangeError if an option is invalid.
 * @example
 * export const cache = createCache({ store: redisStore(client), namespace: process.env.RELEASE })
 */
export function createCache(options: CreateCacheOptions = {}): Cache {
  const core = toCore(options)
  const wrapped = new Map<string, unknown>()
  const cache = (given: CacheOptions<any>): never =>
    withCacheOptions(toLayer(core, toLayerOptions(given)), given) as never
  const renew = async (mark: string): Promise<void> => {
    await core.storeFor().renew([mark])
    // Afterwards, because a value that is read during the call can be old.
    core.revalidations++
  }
  const members: { readonly [name in keyof Cache]: Cache[name] } = {
    async revalidateTag(tag, profile) {
      if (profile !== undefined && profile !== 'max')
        throw new TypeError(`revalidateTag() takes 'max' or nothing after the tag, not ${JSON.stringify(profile)}`)
      checkTags('revalidateTag()', [tag])
      const [expired, stale] = toMarks(core.prefix, [tag])
      await renew(profile === 'max' ? stale! : expired!)
    },
    async revalidatePath(path) {
      await renew(toPathMark(core.prefix, toRevalidated(path)))
    },
    patterns: core.patterns,
    wrap(fn, given) {
      const call = 'cache.wrap()'
      if (typeof fn !== 'function') throw new TypeError(`${call} takes a function, and options with a key`)
      checkOptions(call, given, { ...lifetimeChecks, key: isName, tags: any }, TypeError)
      const { key, tags = [] } = given
      if (key === undefined) throw new TypeError(`${call} takes a key that no other function has`)
      if ((wrapped.get(key) ?? fn) !== fn)
        core.report(new Error(`${call} was called twice with the key '${key}'; give each function its own`))
      wrapped.set(key, fn)
      if (typeof tags !== 'function') checkTags(call, tags)
      enableScopes()
      const tagsOf = (...args: any): readonly string[] =>
        typeof tags === 'function' ? checkTags(call, tags(...(args as never))) : tags
      return wrap(core, fn, { key, tagsOf, ...toLifetime(call, given) })
    },
    async get(key) {
      enableScopes()
      return getData(core, checkKey('get', key))
    },
    async set(key, value, given = {}) {
      const call = 'cache.set()'
      checkOptions(call, given, { ttl: any, tags: any }, TypeError)
      const { ttl, tags = [] } = given
      if (ttl !== undefined) checkDuration(call, 'ttl', ttl, 'seconds', true)
      enableScopes()
      await setData(core, checkKey('set', key), value, ttl ?? null, checkTags(call, tags))
    },
    async delete(key) {
      await deleteData(core, checkKey('delete', key))
    },
  }
  return Object.assign(cache, members)
}

function toCore(options: CreateCacheOptions): Core {
  const call = 'createCache()'
  checkOptions(
    call,
    options,
    {
      store: isStore,
      namespace: isPrintable,
      maxWait: any,
      storeTimeout: any,
      complete: 'function',
      onError: 'function',
    },
    TypeError,
  )
  const {
    store = memoryStore(),
    namespace = '',
    maxWait = 10_000,
    storeTimeout = 500,
    complete = (entry) => entry,
    onError = console.error,
  } = options
  checkDuration(call, 'maxWait', maxWait, 'milliseconds', true)
  checkDuration(call, 'storeTimeout', storeTimeout, 'milliseconds', true)
  const report = (error: unknown): void => {
    try {
      void Promise.resolve(onError(error)).catch(console.error)
    } catch (second) {
      console.error(second)
    }
  }
  return {
    prefix: `${namespace}\n`,
    complete,
    report,
    storeFor: toStoreFor(store, (store) => guardStore(store, { timeout: storeTimeout, report })),
    waitUntil(promise) {
      const context = currentContext()
      if (context) context.waitUntil(promise)
      else promise.catch(report)
    },
    maxWait,
    flights: new Map(),
    unstorable: new LimitedMap(10_000),
    failures: new LimitedMap(10_000),
    patterns: new Set(),
    revalidations: 0,
    sharesRuns,
    enableScopes,
    hasScopes,
    run: runCollecting,
  }
}

// A guard keeps what it knows of a store's failures, so each store has one.
function toStoreFor(
  store: NonNullable<CreateCacheOptions['store']>,
  guard: (store: CacheStore) => SafeStore,
): Core['storeFor'] {
  if (typeof store !== 'function') {
    const safe = guard(store)
    return () => safe
  }
  // Only a scope tells which request calls `revalidateTag`.
  enableScopes()
  const guards = new WeakMap<CacheStore, SafeStore>()
  const byEnv = new WeakMap<object, SafeStore>()
  return (context = currentContext()) => {
    if (!context)
      throw new Error(
        'the store of this cache depends on the request, and no request is known here; call it inside of a request (on Workers with nodejs_compat)',
      )
    const env = context.env as object
    let safe = byEnv.get(env)
    if (!safe) {
      const own = store(env)
      safe = guards.get(own) ?? guard(own)
      guards.set(own, safe)
      byEnv.set(env, safe)
    }
    return safe
  }
}

const year = 31_536_000

function toLifetime(
  call: string,
  { revalidate = false, staleWhileRevalidate = year, staleIfError = year }: Lifetime,
): Windows & { readonly revalidate: number | null } {
  if (revalidate !== false) checkDuration(call, 'revalidate', revalidate, 'seconds', true)
  checkDuration(call, 'staleWhileRevalidate', staleWhileRevalidate, 'seconds')
  checkDuration(call, 'staleIfError', staleIfError, 'seconds')
  return { revalidate: revalidate === false ? null : revalidate, staleWhileRevalidate, staleIfError }
}

function toLayerOptions(options: CacheOptions<any>): LayerOptions {
  const call = 'cache()'
  checkOptions(call, options, layerChecks, TypeError)
  const {
    revalidate,
    tags = [],
    vary = [],
    key,
    cdn,
    bypass,
    dynamic = 'auto',
    statuses = [200],
    maxBytes = 1_048_576,
  } = options
  if (typeof tags !== 'function') checkTags(call, tags)
  if (cdn !== undefined) checkDuration(call, 'cdn', cdn, 'seconds', true)
  if (cdn !== undefined && key) throw new TypeError(`${call} takes cdn or key, not both`)
  const lifetime = toLifetime(call, options)
  if (revalidate === undefined) throw new TypeError(`${call} needs revalidate: seconds, or false for no time limit`)
  const names = [...new Set(vary.map((name) => name.toLowerCase()))].sort()
  const settings = {
    ...lifetime,
    statuses: new Set(statuses),
    varied: new Set(names),
    dynamic,
    maxBytes,
    cacheControl: toCacheControl(cdn, !!key),
    vary: names.join(', '),
  }
  return { settings, tags, key, cdn, bypass, vary: names }
}

const any = (): boolean => true
const lifetimeChecks = { revalidate: any, staleWhileRevalidate: any, staleIfError: any }
const layerChecks = {
  ...lifetimeChecks,
  tags: any,
  vary: (value: unknown) =>
    Array.isArray(value) &&
    value.every((name) => typeof name === 'string' && /^[!#$%&'*+\-.^_`|~\w]+$/.test(name) && name !== '*'),
  key: 'function',
  cdn: any,
  dynamic: (value: unknown) => ['auto', 'error', 'force-static'].includes(value as string),
  bypass: 'function',
  // A part, and a response that refers to the client's own, are never stored.
  statuses: (value: unknown) =>
    Array.isArray(value) &&
    value.every((one) => Number.isInteger(one) && one >= 200 && one < 600 && one !== 206 && one !== 304),
  maxBytes: (value: unknown) => typeof value === 'number' && value >= 0,
} as const

const isStore = (value: unknown): boolean =>
  typeof value === 'function' || typeof (value as Partial<CacheStore> | null)?.versions === 'function'
const isName = (value: unknown): boolean => typeof value === 'string' && value !== ''
// The namespace ends at a control character, so it must not contain one.
const isPrintable = (value: unknown): boolean => typeof value === 'string' && !/\p{Cc}/u.test(value)

function checkDuration(call: string, name: string, value: unknown, unit: string, isPositive = false): void {
  if (typeof value === 'number' && (isPositive ? value > 0 : value >= 0)) return
  throw new RangeError(
    `${call} takes ${name} in ${unit}${isPositive ? ', more than 0' : ''}, not ${String(value)}${name === 'revalidate' && value === 0 ? '; to store nothing, remove cache()' : ''}`,
  )
}

function checkKey(call: string, key: unknown): string {
  if (typeof key === 'string') return key
  throw new TypeError(`cache.${call}() takes a string as key, not ${nameOf(key)}`)
}
