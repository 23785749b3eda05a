import type { Core, ScopeContext } from '../core.js'

interface Memory {
  readonly core: Core
  /** How many times the cache had revalidated a tag or a path when the call began. */
  readonly revalidations: number
  /** The time until which the result is reused, in milliseconds since 1970. */
  until: number
  readonly result: Promise<unknown>
}

// A request that waits for a change in a loop must see what another process has revalidated.
const reusedFor = 1_000
// A request can be a stream without an end.
const maxMemories = 1_000

// By request. A map on the scope would not reach the scopes of its runs.
const memos: WeakMap<ScopeContext, Map<string, Memory>> = new WeakMap()

/**
 * Reuses the first result of a call in one request, for one second or until this cache revalidates a tag or a path.
 * `isReusable` excludes results. Outside of requests, each call runs.
 */
export function reuse<result>(
  core: Core,
  context: ScopeContext | undefined,
  key: string,
  isReusable: (result: result) => boolean,
  run: () => Promise<result>,
): Promise<result> {
  if (!context) return run()
  let memo = memos.get(context)
  if (!memo) memos.set(context, (memo = new Map()))
  const { revalidations } = core
  const known = memo.get(key)
  // Two caches can have functions with one key.
  if (known?.core === core && known.revalidations === revalidations && Date.now() < known.until)
    return known.result as Promise<result>
  const result = run()
  const memory: Memory = { core, revalidations, until: Number.POSITIVE_INFINITY, result }
  if (memo.size >= maxMemories) memo.clear()
  memo.set(key, memory)
  const forget = (): void => {
    if (memo.get(key) === memory) memo.delete(key)
  }
  result.then((value) => {
    if (isReusable(value)) memory.until = Date.now() + reusedFor
    else forget()
  }, forget)
  return result
}
