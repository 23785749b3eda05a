interface RequestContext {
  readonly env: unknown
  waitUntil(promise: Promise<unknown>): void
}

/** What the code that runs for one request, or makes one thing that is to be stored, shares. */
export interface Scope {
  /** The request's context: what the host bound, and what keeps the host alive. None outside of requests. */
  readonly context: RequestContext | undefined
  /** What has been asked for in this request already. None outside of requests. */
  readonly memo: Map<string, unknown> | undefined
  /** The marks that what is being made depends on, where it is to be stored. */
  readonly marks: Map<string, string> | undefined
}

interface Storage {
  getStore(): Scope | undefined
  run<value>(scope: Scope, run: () => value): value
}

declare const process: { getBuiltinModule?(name: string): unknown } | undefined

/** Whether anything asks for scopes. */
export let hasScopes = false

let storage: Storage | undefined
let isAsked = false

/** Knows the scope of what runs, from now on: Node, Bun, Deno, and Workers with `nodejs_compat`. Elsewhere there is none. */
export function useScopes(): void {
  if (isAsked) return
  isAsked = true
  const hooks = typeof process === 'object' ? process.getBuiltinModule?.('node:async_hooks') : undefined
  const { AsyncLocalStorage } = (hooks ?? {}) as { AsyncLocalStorage?: new () => Storage }
  storage = AsyncLocalStorage && new AsyncLocalStorage()
  hasScopes = !!storage
}

/** The scope of what runs. */
export const currentScope = (): Scope | undefined => storage?.getStore()

/** Runs a request in a scope of its own. */
export const runRequest = <value>(context: RequestContext, run: () => value): value =>
  storage ? storage.run({ context, memo: new Map(), marks: undefined }, run) : run()

/** Runs what makes something that is to be stored; `marks` collects what it depends on, with the versions before it was made. */
export function runFill<value>(
  marks: Map<string, string>,
  context: RequestContext | undefined,
  run: () => value,
): value {
  if (!storage) return run()
  const outer = currentScope()
  return storage.run({ context: context ?? outer?.context, memo: outer?.memo, marks }, run)
}

/** What runs things later in the scope that is now, if there is one. */
export function keepScope(): (<value>(run: () => value) => value) | undefined {
  const scope = currentScope()
  return scope && ((run) => storage!.run(scope, run))
}

declare const navigator: { userAgent?: string } | undefined

/** Whether a request may wait for what another one does: https://developers.cloudflare.com/workers/runtime-apis/request/ has it fail. */
export const sharesRuns: boolean = typeof navigator === 'undefined' || navigator.userAgent !== 'Cloudflare-Workers'
