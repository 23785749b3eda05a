/** What the code that runs for one request shares: the context, and values by key. */
export interface Scope {
  /** The context of the request, if the code runs for one. */
  readonly context: ScopeContext | undefined
  readonly values: ReadonlyMap<unknown, unknown>
}
interface ScopeContext {
  readonly env: unknown
  waitUntil(promise: Promise<unknown>): void
}

export interface Storage<store> {
  getStore(): store | undefined
  run<value>(store: store, run: () => value): value
}

declare const process: { getBuiltinModule?(name: string): unknown } | undefined

let storage: Storage<Scope> | undefined
let isEnabled = false

/**
 * Creates an `AsyncLocalStorage` on Node.js, Bun, Deno, Workers with `nodejs_compat`, and edge runtimes, where it is a global.
 * Returns `undefined` on other hosts.
 */
export function createStorage<value>(): Storage<value> | undefined {
  const hooks = typeof process === 'object' ? process.getBuiltinModule?.('node:async_hooks') : undefined
  const { AsyncLocalStorage } = (hooks ?? globalThis) as { AsyncLocalStorage?: new () => Storage<value> }
  return AsyncLocalStorage && new AsyncLocalStorage()
}

/**
 * Enables request scopes on the hosts of `createStorage`. Has no effect on others. Call it when a feature that needs scopes is
 * created, because scopes cost time in every request.
 */
export function enableScopes(): void {
  if (isEnabled) return
  isEnabled = true
  storage = createStorage()
  if (storage) runInScope = runInStorage
}

/** The scope of the code that runs. */
export const currentScope = (): Scope | undefined => storage?.getStore()

/** Runs code in a scope of its own, with the values of the current scope and those given. */
export let runInScope: RunInScope = (_context, run) => run()
type RunInScope = <value>(
  context: ScopeContext | undefined,
  run: () => value,
  values?: Iterable<readonly [unknown, unknown]>,
) => value

const runInStorage: RunInScope = (context, run, values) => {
  const outer = currentScope()
  const scope = { context: context ?? outer?.context, values: new Map([...(outer?.values ?? []), ...(values ?? [])]) }
  return storage!.run(scope, run)
}

/** Returns a function that runs code in the scope that is current now, or `undefined` if there is no scope. */
export function keepScope(): (<value>(run: () => value) => value) | undefined {
  const scope = currentScope()
  return scope && ((run) => storage!.run(scope, run))
}

declare const navigator: { userAgent?: string } | undefined

/**
 * Whether a request can wait for a promise of another request. On Workers such a request fails:
 * https://developers.cloudflare.com/workers/runtime-apis/request/
 */
export const sharesRuns: boolean = /* @__PURE__ */ (() =>
  typeof navigator === 'undefined' || navigator.userAgent !== 'Cloudflare-Workers')()
