import type { AnyContext, Continued, Middleware } from '../middleware.js'
import { withHeaders } from '#response'

export interface ServerTimingOptions {
  /**
   * Whether a response shows its timings. Browsers show them to pages of the same origin; durations can reveal, for example,
   * whether a user exists, so return `false` for clients that you do not trust.
   * @default true
   */
  readonly report?: boolean | ((request: Request, context: AnyContext) => boolean)
  /** The name of the metric for the whole request. `false` leaves it out. @default 'total' */
  readonly total?: string | false
}

/** Measures parts of a request. */
export interface Timing {
  /** Adds a metric: a name, and a duration in milliseconds or a description. @throws TypeError if the name is not a token. */
  add(name: string, duration?: number, description?: string): void
  /** Runs a function and adds its duration, also if it throws. Returns its result. */
  time<result>(name: string, run: () => result, description?: string): result
}

/**
 * Adds `context.timing`, and sends its metrics in `Server-Timing`. Metrics that a streamed body adds are too late to be sent.
 *
 * @throws TypeError if `total` is not a token.
 * @see https://www.w3.org/TR/server-timing/
 * @example
 * const items = route('/items').use(serverTiming()).get((request, { timing }) => timing.time('db', () => db.list()))
 */
export function serverTiming({ report = true, total = 'total' }: ServerTimingOptions = {}): Middleware<
  AnyContext,
  Continued<{ timing: Timing }>
> {
  if (total !== false) formatMetric(total)

  return function respondWithTiming(request, context, next) {
    const metrics: string[] = []
    const begin = performance.now()
    const add: Timing['add'] = (name, duration, description) =>
      void metrics.push(formatMetric(name, duration, description))
    const time: Timing['time'] = (name, run, description) => {
      const from = performance.now()
      const end = (): void => add(name, performance.now() - from, description)
      let result
      try {
        result = run()
      } catch (error) {
        end()
        throw error
      }
      if (result instanceof Promise) return result.finally(end) as typeof result
      end()
      return result
    }
    const map = (response: Response): Response => {
      if (!(typeof report === 'function' ? report(request, context) : report)) return response
      if (total !== false) add(total, performance.now() - begin)
      return metrics.length ? withHeaders(response, [['server-timing', metrics.join(', ')]]) : response
    }
    return next({ timing: { add, time } }, { map })
  }
}

function formatMetric(name: string, duration?: number, description?: string): string {
  // https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2
  if (!/^[!#$%&'*+.^_`|~\w-]+$/.test(name))
    throw new TypeError(`serverTiming() takes tokens such as 'db' as names, not ${JSON.stringify(name)}`)
  const dur = duration === undefined ? '' : `;dur=${Number(duration.toFixed(2))}`
  // A quoted string; characters that a header cannot have are replaced.
  const desc =
    description === undefined ? '' : `;desc="${description.replace(/[^ -~]/g, '?').replace(/["\\]/g, '\\$&')}"`
  return name + dur + desc
}
