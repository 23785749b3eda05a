/** Whether a value is a promise, of this realm or another. */
export const isPromise = (value: unknown): value is Promise<unknown> =>
  typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'

/** Passes a value to `proceed`, immediately or when its promise, one of this realm, resolves. */
export function after<value, result>(
  value: value | Promise<value>,
  proceed: (value: value) => result | Promise<result>,
): result | Promise<result> {
  return value instanceof Promise ? value.then(proceed) : proceed(value)
}

/** Passes the result of `run` to `proceed`, or its error to `fail`: immediately, or when its promise settles. */
export function attempt<value, result>(
  run: () => value | PromiseLike<value>,
  proceed: (value: value) => result | PromiseLike<result>,
  fail: (error: unknown) => result | PromiseLike<result>,
): result | Promise<result> {
  let value: value | PromiseLike<value>
  try {
    value = run()
    // A value can be any object, including a Proxy whose traps throw.
    if (isPromise(value)) return Promise.resolve(value).then(proceed as never, fail)
  } catch (error) {
    return fail(error) as result
  }
  return proceed(value as value) as result
}
