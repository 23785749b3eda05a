import { currentScope, runInScope } from '../scope.js'
import type { ScopeContext, Versioned } from './core.js'

type Marks = Map<string, string>

// The same for all caches, because a response can be made with the data of another cache.
const marksKey = Symbol('marks')

/** The context of the request that runs, if it has a scope. */
export const currentContext = (): ScopeContext | undefined => currentScope()?.context

/** Runs code in a scope that collects the marks of the data that it reads. */
export function runCollecting<value>(
  collected: Marks,
  context: ScopeContext | undefined,
  work: () => value,
): value {
  // The context of the request, not the one of a middleware: the memo is found by it.
  return runInScope(currentScope() ? undefined : context, work, [[marksKey, collected]])
}

/** Adds marks to those of the response, or of the result, that is being made. */
export function collect(marks: Versioned): void {
  const collected = currentScope()?.values.get(marksKey) as Marks | undefined
  if (!collected) return
  for (const [mark, version] of marks) {
    const other = collected.get(mark) ?? version
    // A result of an older and a newer version is not current.
    collected.set(mark, other === version ? version : '')
  }
}

/** Whether code that runs in a scope finds it: the host has scopes, and they are enabled. */
export const hasScopes = (): boolean => runInScope(undefined, currentScope) !== undefined
