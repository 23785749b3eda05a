import type { Cache } from '../cache/create-cache.js'
import type { AnyContext } from '../middleware.js'
import { createStorage, type Storage } from '../scope.js'
import { CookieChanges } from './cookies.js'
import type { FetchCache } from './segment-config.js'

/** What runs: a handler, work of `after()`, or a function of `unstable_cache()`. */
export type Phase = 'handler' | 'after' | 'cached function'

/** What a mounted module was mounted with. */
export interface Settings {
  readonly cache: Cache | undefined
  readonly draftSecret: string | undefined
  readonly fetchCache: FetchCache
}

/** What the functions of Next.js read and change without an argument: one request of a mounted module. */
export class Ambient {
  readonly request: Request
  readonly context: AnyContext
  readonly settings: Settings
  readonly phase: Phase
  /** The function whose result is looked up in the cache. */
  readonly run: (() => Promise<unknown>) | undefined
  // Most requests need none of these.
  #changes: CookieChanges | undefined
  #fetched: Map<string, Promise<Response>> | undefined
  /** Work that the response waits for, such as invalidations. */
  pending: Promise<unknown>[] | undefined

  constructor(
    request: Request,
    context: AnyContext,
    settings: Settings,
    phase: Phase = 'handler',
    run?: () => Promise<unknown>,
  ) {
    this.request = request
    this.context = context
    this.settings = settings
    this.phase = phase
    this.run = run
  }

  get changes(): CookieChanges {
    return (this.#changes ??= new CookieChanges())
  }
  get hasChanges(): boolean {
    return this.#changes !== undefined
  }
  /** The GET requests of the patched `fetch`, by URL and headers. */
  get fetched(): Map<string, Promise<Response>> {
    return (this.#fetched ??= new Map())
  }

  /** Makes the response wait for a promise. */
  wait(promise: Promise<unknown>): void {
    ;(this.pending ??= []).push(promise)
  }

  /** The same request in another phase, or for a function that is looked up. */
  in(phase: Phase, run?: () => Promise<unknown>): Ambient {
    return new Ambient(this.request, this.context, this.settings, phase, run)
  }
}

let storage: Storage<Ambient> | undefined
let isEnabled = false

/** Makes the functions of Next.js find their request, on hosts with `AsyncLocalStorage`. */
export function enableAmbient(): void {
  if (isEnabled) return
  isEnabled = true
  storage = createStorage()
}

/** Runs code for a request of a mounted module. */
export const runAmbient = <result>(ambient: Ambient, run: () => result): result =>
  storage ? storage.run(ambient, run) : run()

/** The request of a mounted module that the running code belongs to. */
export const findAmbient = (): Ambient | undefined => storage?.getStore()

/**
 * The request that the running code belongs to, for a function named `name`.
 *
 * @throws Error outside of a request of a mounted module.
 */
export function ambientOf(name: string, instead: string): Ambient {
  const ambient = findAmbient()
  if (ambient) return ambient
  throw new Error(
    storage || !isEnabled
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
export function cacheOf(name: string, { settings: { cache } }: Ambient): Cache {
  if (cache) return cache
  throw new Error(`${name}() needs a cache; pass it where the module is mounted: { cache: createCache() }`)
}
