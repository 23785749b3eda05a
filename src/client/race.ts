/**
 * Settles as `work` does, or rejects with the signal's reason if it is aborted first. Calls `onTime` after a time, at most
 * 24.8 days, which is the longest that a timer can wait.
 */
export function race<value>(
  signal: AbortSignal,
  work: Promise<value>,
  milliseconds: number | undefined,
  onTime: () => void,
): Promise<value> {
  let timer: ReturnType<typeof setTimeout> | undefined
  let stop: () => void
  return new Promise<value>((resolve, reject) => {
    stop = () => reject(signal.reason as Error)
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop)
    if (milliseconds !== undefined) timer = setTimeout(onTime, Math.min(milliseconds, 2 ** 31 - 1))
    work.then(resolve, reject)
  }).finally(() => {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
  })
}

/** Resolves after a time. Rejects with the signal's reason if it is aborted first. */
export function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  let wake!: () => void
  const work = new Promise<void>((resolve) => (wake = resolve))
  return race(signal, work, milliseconds, wake)
}
