import type { Cache } from '../cache/create-cache.js'
import type { AnyContext } from '../middleware.js'
import { currentScope, enableScopes, keepScope, runInScope } from '../scope.js'
import type { CookieChanges } from './cookies.js'
import type { FetchCache } from './segment-config.js'

/** What runs: a handler, work of `after()`, or a function of `unstable_cache()`. */
export type Phase = 'handler' | 'after' | 'cached function'

/** What the functions of Next.js read and change without an argument: one request of a mounted module. */
export interface Ambient {
  readonly request: Request
  readonly context: AnyContext
  readonly cache: Cache | undefined
  readonly draftSecret: string | undefined
  readonly fetchCache: FetchCache
  readonly phase: Phase
  readonly changes: CookieChanges
  /** Work that the response waits for, such as invalidations. */
  readonly pending: Promise<unknown>[]
  /** The GET requests of the patched `fetch`, by URL and headers. */
  readonly fetched: Map<string, Promise<Response>>
  /** The function whose result is looked up in the cache. */
  readonly run?: () => Promise<unknown>
}

const key = Symbol('byway.next')

/** Runs code for a request of a mounted module. */
export const runAmbient = <result>(ambient: Ambient, run: () => result): result =>
  runInScope(ambient.context as AnyContext & { waitUntil(promise: Promise<unknown>): void }, run, [[key, ambient]])

/** The request of a mounted module that the running code belongs to. */
export const findAmbient = (): Ambient | undefined => currentScope()?.values.get(key) as Ambient | undefined

/**
 * The request that the running code belongs to, for a function named `name`.
 *
 * @throws Error outside of a request of a mounted module.
 */
export function ambientOf(name: string, instead: string): Ambient {
  const ambient = findAmbient()
  if (ambient) return ambient
  throw new Error(
    hasStorage()
      ? `${name}() was called outside of a request of a module that fromNext() mounted; in byway's own handlers, use ${instead}`
      : `${name}() needs AsyncLocalStorage, which this host lacks; on Workers, add the compatibility flag nodejs_compat`,
  )
}

/** The same, for functions that read or change the request: a cached result must not depend on it. */
export function requestOf(name: string, instead: string): Ambient {
  const ambient = ambientOf(name, instead)
  if (ambient.phase === 'cached function')
    throw new Error(
      `${name}() was called in a function of unstable_cache(); read it before, and pass it as an argument`,
    )
  return ambient
}

/** The cache of the mounted module. @throws Error without a cache. */
export function cacheOf(name: string, { cache }: Ambient): Cache {
  if (cache) return cache
  throw new Error(`${name}() needs a cache; pass it where the module is mounted: { cache: createCache() }`)
}

/** Keeps the current request for code that runs later. */
export const keepAmbient = (): (<value>(run: () => value) => value) => keepScope() ?? ((run) => run())

export const enableAmbient: () => void = enableScopes

declare const process: { getBuiltinModule?(name: string): unknown } | undefined
const hasStorage = (): boolean =>
  typeof process === 'object' && process.getBuiltinModule?.('node:async_hooks') !== undefined
