import type { AnyContext, Continued, Middleware } from '../middleware.js'
import { errorOf } from '../problem.js'
import { createSensitiveLookup } from './sensitive.js'

/** One request, as `logger` records it. It has no query, header, cookie or body, which can contain secrets. */
export interface LogEntry {
  /** When the request began, as ISO 8601 in UTC. */
  readonly time: string
  /** `error` from status 500 on, `warn` from 400 on, else `info`. */
  readonly level: 'info' | 'warn' | 'error'
  readonly method: string
  /** The pattern of the matched route, or `null`. */
  readonly pattern: string | null
  /** The pathname. Left out if the operation is `sensitive`. */
  readonly path?: string
  readonly status: number
  /** Milliseconds until the response, without the time of sending its body. */
  readonly duration: number
  /** The ID from `requestId()`, if it is outside of the logger. */
  readonly requestId?: string
  /** The name of the error that became this response. `onError` gets the error itself. */
  readonly error?: string
  /** What `fields` adds. */
  readonly [field: string]: unknown
}

export interface LoggerOptions {
  /**
   * Receives an entry for each request, for example `(entry) => pino.info(entry)`.
   * @default prints a line: JSON, or colored text on a terminal
   */
  readonly sink?: (entry: LogEntry) => void
  /** Returns more fields, such as the ID of the user. Do not return secrets. @default none */
  readonly fields?: (request: Request, context: AnyContext, response: Response) => object
}

/**
 * Records one entry for each request, when its response is ready. In a router's `use`, it covers every request, also those
 * without a route. An error of the sink is reported to `onError`.
 *
 * @throws TypeError if `sink` or `fields` is not a function.
 * @example
 * export default router({ items }, { use: [requestId(), logger()] })
 */
export function logger({ sink = createSink(), fields }: LoggerOptions = {}): Middleware<AnyContext, Continued<{}>> {
  if (typeof sink !== 'function' || (fields !== undefined && typeof fields !== 'function'))
    throw new TypeError(
      'logger() takes functions: { sink: (entry) => void, fields: (request, context, response) => object }',
    )
  const isSensitive = createSensitiveLookup()
  const toTime = createClock()

  return function logRequest(request, context, next) {
    const begin = performance.now()
    const time = Date.now()
    const map = (response: Response): Response => {
      try {
        const { method } = request
        const { pattern = null } = context
        const { status } = response
        const { requestId } = context as { readonly requestId?: unknown }
        const error = errorOf(response)
        const level = status >= 500 ? 'error' : status >= 400 ? 'warn' : 'info'
        // Assigned one by one, because spreading takes three times as long.
        const entry: { -readonly [name in keyof LogEntry]?: LogEntry[name] } = {
          time: toTime(time),
          level,
          method,
          pattern,
        }
        if (!isSensitive(method, context)) entry.path = pathOf(request.url)
        entry.status = status
        entry.duration = Math.round((performance.now() - begin) * 1_000) / 1_000
        if (typeof requestId === 'string') entry.requestId = requestId
        if (error !== undefined) entry.error = nameOf(error)
        if (fields) Object.assign(entry, fields(request, context, response))
        sink(entry as LogEntry)
      } catch (error) {
        context.report(error)
      }
      return response
    }
    return next(undefined, { map })
  }
}

/** Formats times as ISO 8601. Formats the second once, because that takes longer than the rest of an entry. */
function createClock(): (time: number) => string {
  let second = Number.NaN
  let text = ''
  return (time) => {
    const milliseconds = time % 1_000
    if (time - milliseconds !== second) {
      second = time - milliseconds
      text = new Date(second).toISOString().slice(0, 20)
    }
    return `${text}${String(milliseconds).padStart(3, '0')}Z`
  }
}

// The pathname as it was sent: a percent-escape cannot end the line.
function pathOf(url: string): string {
  const begin = url.indexOf('/', 8)
  const query = url.indexOf('?', begin)
  const path = query === -1 ? url.slice(begin) : url.slice(begin, query)
  const hash = path.indexOf('#')
  return hash === -1 ? path : path.slice(0, hash)
}

function nameOf(error: unknown): string {
  try {
    return error instanceof Error ? String(error.name) : typeof error
  } catch {
    return typeof error
  }
}

declare const process: { stdout?: { isTTY?: boolean }; env?: { [name: string]: string | undefined } } | undefined

// Prints with `console.log`, which every host has.
function createSink(): (entry: LogEntry) => void {
  const isTerminal = typeof process === 'object' && process.stdout?.isTTY === true
  const isColored = isTerminal && !process.env?.['NO_COLOR']
  return isTerminal ? (entry) => console.log(toLine(entry, isColored)) : (entry) => console.log(JSON.stringify(entry))
}

function toLine(
  { time, level, method, pattern, path, status, duration, ...rest }: LogEntry,
  isColored: boolean,
): string {
  const paint = (color: number, text: string): string => (isColored ? `\u001b[${color}m${text}\u001b[39m` : text)
  const more = Object.keys(rest).length ? ` ${paint(90, JSON.stringify(rest))}` : ''
  const color = level === 'error' ? 31 : level === 'warn' ? 33 : 32
  return `${paint(90, time.slice(11, 19))} ${method.padEnd(6)} ${paint(color, String(status))} ${path ?? pattern} ${paint(90, `${duration.toFixed(1)} ms`)}${more}`
}
