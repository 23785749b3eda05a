/**
 * Resolves to what `accept` makes of the promise's value, or to what `fail` makes of its error or of the timeout. `late` gets a
 * value that came after the timeout. It never rejects.
 */
export function within<value>(
  timeout: number,
  promise: PromiseLike<unknown>,
  accept: (value: unknown) => value,
  fail: (error: unknown) => value,
  late: (value: unknown) => void = ignore,
): Promise<value> {
  return new Promise((resolve) => {
    let isOver = false
    let timer: Timer
    // A timer that is late shows that this process was blocked. The store can have responded, and its response can be unread.
    let due = performance.now() + timeout
    let chances = 3
    const check = (): void => {
      const isLate = performance.now() - due > 50
      if (chances-- === 0) {
        isOver = true
        return resolve(fail(new Error(`the store of the cache did not respond within ${timeout} ms`)))
      }
      const pause = isLate ? timeout : 1
      due = performance.now() + pause
      if (!isLate) chances = 0
      timer = startTimer(check, pause)
    }
    timer = startTimer(check, timeout)
    const settle =
      (convert: (result: unknown) => value) =>
      (result: unknown): void => {
        if (isOver) return
        clearTimeout(timer)
        try {
          resolve(convert(result))
        } catch (error) {
          resolve(fail(error))
        }
      }
    Promise.resolve(promise).then((value) => (isOver ? late(value) : settle(accept)(value)), settle(fail))
  })
}

export type Timer = ReturnType<typeof setTimeout>

/** Starts a timer that does not keep a Node.js process alive. */
export function startTimer(run: () => void, milliseconds: number): Timer {
  const timer = setTimeout(run, milliseconds)
  ;(timer as { unref?: () => unknown }).unref?.()
  return timer
}

export const ignore = (): undefined => undefined

export const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof (value as Partial<PromiseLike<unknown>> | null | undefined)?.then === 'function'
