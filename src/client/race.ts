/**
 * Settles as `work` does, or rejects with the signal's reason if it is aborted first. After a time, which a timer limits to
 * 24.8 days, calls `onTime`; without `onTime`, resolves.
 */
export function race<value>(
  signal: AbortSignal,
  work: Promise<value> | undefined,
  milliseconds: number | undefined,
  onTime?: () => void,
): Promise<value> {
  let timer: ReturnType<typeof setTimeout> | undefined
  let stop: () => void
  return new Promise<value>((resolve, reject) => {
    stop = () => reject(signal.reason as Error)
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop)
    if (milliseconds != null) timer = setTimeout(onTime ?? (resolve as () => void), Math.min(milliseconds, 2 ** 31 - 1))
    work?.then(resolve, reject)
  }).finally(() => {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
  })
}

/** Resolves after a time. Rejects with the signal's reason if it is aborted first. */
export const sleep = (milliseconds: number, signal: AbortSignal): Promise<void> => race(signal, undefined, milliseconds)
