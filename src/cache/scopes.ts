import { currentScope, runInScope } from '../scope.js'
import type { Collected, ScopeContext, Versioned } from './core.js'

// The same for all caches, because a response can be made with the data of another cache.
const collectedKey = Symbol('collected')

/** The context of the request that runs, if it has a scope. */
export const currentContext = (): ScopeContext | undefined => currentScope()?.context

/** Runs code in a scope that collects the marks and lifetimes of the data that it reads. */
export function runCollecting<value>(
  collected: Collected,
  context: ScopeContext | undefined,
  work: () => value,
): value {
  // The context of the request, not the one of a middleware: the memo is found by it.
  return runInScope(currentScope() ? undefined : context, work, [[collectedKey, collected]])
}

/** Whether the code that runs makes a response, or a result, that is stored. */
export const isCollecting = (): boolean => currentScope()?.values.has(collectedKey) === true

/** Adds the marks and the lifetime of data to those of the response, or of the result, that is being made. */
export function collect(marks: Versioned, revalidate: number | null): void {
  const collected = currentScope()?.values.get(collectedKey) as Collected | undefined
  if (!collected) return
  if (revalidate !== null) collected.revalidate = Math.min(collected.revalidate ?? revalidate, revalidate)
  for (const [mark, version] of marks) {
    const other = collected.marks.get(mark) ?? version
    // A result of an older and a newer version is not current.
    collected.marks.set(mark, other === version ? version : '')
  }
}

/** Whether code that runs in a scope finds it: the host has scopes, and they are enabled. */
export const hasScopes = (): boolean => runInScope(undefined, currentScope) !== undefined
