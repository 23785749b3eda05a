import type { AnyContext } from '../middleware.js'

/** How long a stale response is served. */
export interface Lifetime {
  /** Seconds for which a response is fresh, or `false`: no time limit. @default false */
  readonly revalidate?: number | false
  /** Seconds after `revalidate` for which a stale response is served while it is refreshed. @default 31_536_000, a year */
  readonly staleWhileRevalidate?: number
  /** Seconds after `revalidate` for which a stale response is served if the refresh failed. @default 31_536_000, a year */
  readonly staleIfError?: number
}

/** What a read of something that is not part of the key does. */
export type Dynamic = 'auto' | 'error' | 'force-static'

export interface CacheOptions<context = AnyContext> extends Lifetime {
  /** Seconds for which a response is fresh, or `false`: until a tag or the path is revalidated. */
  readonly revalidate: number | false
  /** The tags for `revalidateTag`: a list, or a function of the context that returns one. @default [] */
  readonly tags?: readonly string[] | ((context: context) => readonly string[])
  /** Request headers that the response depends on. They are part of the key, and added to `Vary`. @default [] */
  readonly vary?: readonly string[]
  /**
   * Adds to the key: `({ user }) => user.id` caches per user. Everything that it reads of the context is part of the key, and
   * exactly that can then be read by the handler: `user.id`, but not `user.role`. It can read plain data by path, and cookies
   * by name. The response is `private` for other caches. @default none
   */
  readonly key?: (context: context) => unknown
  /**
   * Seconds for which shared caches, such as a CDN, can reuse the response without a request to this server, even if an outer
   * middleware is a guard. `revalidateTag` does not reach them; `createCache({ complete: cdnTags() })` sends them the tags.
   * @default none
   */
  readonly cdn?: number
  /**
   * What happens if the handler reads something that is not part of the key, such as a cookie, the raw query, or a value that
   * outer middleware could add to the context. `'auto'`: the response is sent and not stored, and `Cache-Status` names the
   * read. `'error'`: a 500, and `onError` gets a `DynamicError`. `'force-static'`: the value is absent. @default 'auto'
   */
  readonly dynamic?: Dynamic
  /** Requests that skip the cache, such as those of a draft mode: they run the handler, and store nothing. @default none */
  readonly bypass?: (request: Request, context: context) => boolean
  /** The statuses that are stored. @default [200] */
  readonly statuses?: readonly number[]
  /** The maximum size of a stored body in bytes. `Range` and conditional requests apply to stored responses. @default 1_048_576 */
  readonly maxBytes?: number
}

// The same in every copy of byway: a command has its own.
const cacheOptions: unique symbol = Symbol.for('byway.cache') as never

/** The options of a middleware that `cache()` made, or `undefined` for any other middleware. */
export const cacheOptionsOf = (layer: unknown): CacheOptions<any> | undefined =>
  (layer as { [cacheOptions]?: CacheOptions<any> } | null | undefined)?.[cacheOptions]

export const withCacheOptions = <layer extends object>(layer: layer, options: CacheOptions<any>): layer =>
  Object.defineProperty(layer, cacheOptions, { value: options })
