import type { Progress } from './signal.js'

export type { Progress } from './signal.js'

const signals = new WeakMap<Progress, AbortSignal>()

/**
 * The signal that aborts when the client disconnects or the server stops. Deno aborts that of the request after each complete
 * response too.
 *
 * @see https://docs.deno.com/go/unstable-no-legacy-abort
 */
export function signalOf(progress: Progress): AbortSignal {
  const known = signals.get(progress)
  if (known) return known
  const { signal } = progress.request
  const controller = new AbortController()
  const follow = async (): Promise<void> => {
    // A canceled stream is a disconnect: Deno can cancel it before it aborts the signal. HEAD cancels the stream of GET.
    const { method } = progress.request
    const isCut = !progress.isFinished || (method !== 'HEAD' && (await Promise.race([progress.streamEnd, true])))
    if (isCut) controller.abort(signal.reason)
  }
  if (signal.aborted) void follow()
  else signal.addEventListener('abort', follow)
  signals.set(progress, controller.signal)
  return controller.signal
}
