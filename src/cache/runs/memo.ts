import { currentScope } from '../scope.js'
import type { Core } from './core.js'

interface Memory {
  readonly core: Core
  /** How many times the cache had revalidated when this was asked for. */
  readonly revalidations: number
  /** Milliseconds since 1970 before which it is not asked for again. */
  until: number
  readonly result: Promise<unknown>
}

// For longer than that, a request that waits for a change in a loop would not see what another process has revalidated.
const trustedFor = 1_000
// A request may be a stream without an end.
const maxMemories = 1_000

/**
 * Asks once in a request: what it gave serves there for a second, or until this cache revalidates anything. `isKept` tells
 * whether it may serve at all. Outside of requests it asks each time.
 */
export function remember<result>(
  core: Core,
  key: string,
  isKept: (result: result) => boolean,
  ask: () => Promise<result>,
): Promise<result> {
  const memo = currentScope()?.memo
  if (!memo) return ask()
  const { revalidations } = core
  const known = memo.get(key) as Memory | undefined
  // Two caches may have functions of the same name.
  if (known?.core === core && known.revalidations === revalidations && Date.now() < known.until)
    return known.result as Promise<result>
  const result = ask()
  const memory: Memory = { core, revalidations, until: Number.POSITIVE_INFINITY, result }
  if (memo.size >= maxMemories) memo.clear()
  memo.set(key, memory)
  const forget = (): void => {
    if (memo.get(key) === memory) memo.delete(key)
  }
  result.then((value) => {
    if (isKept(value)) memory.until = Date.now() + trustedFor
    else forget()
  }, forget)
  return result
}
