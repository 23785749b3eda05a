/** Whether a value is a promise, of this realm or another. */
export const isPromise = (value: unknown): value is Promise<unknown> =>
  typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'

/** Passes a value to `next`, immediately or when its promise, one of this realm, resolves. */
export function after<value, result>(
  value: value | Promise<value>,
  next: (value: value) => result | Promise<result>,
): result | Promise<result> {
  return value instanceof Promise ? value.then(next) : next(value)
}

/** Passes the result of `run` to `next`, or its error to `fail`: immediately, or when its promise settles. */
export function attempt<value, result>(
  run: () => value | PromiseLike<value>,
  next: (value: value) => result | PromiseLike<result>,
  fail: (error: unknown) => result | PromiseLike<result>,
): result | Promise<result> {
  let value: value | PromiseLike<value>
  try {
    value = run()
    // A value can be any object, including a Proxy whose traps throw.
    if (isPromise(value)) return Promise.resolve(value).then(next as never, fail)
  } catch (error) {
    return fail(error) as result
  }
  return next(value as value) as result
}
