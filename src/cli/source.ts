import { relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Returns the topmost frame of a stack in the app's own code, as `file:line` relative to the working directory. */
export function toSource(stack: string | undefined): string | undefined {
  for (const line of (stack ?? '').split('\n').slice(1)) {
    const [, place, number] = frame.exec(line.trim()) ?? []
    if (place === undefined) continue
    const path = place.startsWith('file:') ? fileURLToPath(place) : place
    if (isOwn(path) || path.includes(`${sep}node_modules${sep}`)) continue
    return `${relative(process.cwd(), path)}:${number}`
  }
  return undefined
}

/** Removes the frames of byway, of its loader and of Node.js from the stacks of an error and its causes. */
export function cleanError(error: unknown, seen: Set<unknown> = new Set()): void {
  if (!(error instanceof Error) || seen.has(error)) return
  seen.add(error)
  const lines = (error.stack ?? '').split('\n').filter((line) => !/^\s+at /.test(line) || isShown(line.trim()))
  try {
    error.stack = lines.join('\n')
  } catch {
    // A frozen error is shown as it is.
  }
  cleanError(error.cause, seen)
  if (error instanceof AggregateError) for (const one of error.errors) cleanError(one, seen)
}

/** Removes the same frames from the errors that are logged with `console`. */
export function cleanConsole(): void {
  for (const method of ['error', 'warn', 'info', 'log'] as const) {
    const write = console[method]
    console[method] = (...values: unknown[]): void => {
      for (const value of values) cleanError(value)
      write(...values)
    }
  }
}

const frame = /\(?((?:file:\/\/)?\/[^()]*?|[A-Za-z]:\\[^()]*?):(\d+):\d+\)?$/

function isShown(line: string): boolean {
  if (/\(?node:[\w/]+(?::\d+:\d+)?\)?$/.test(line)) return false
  const [, place] = frame.exec(line) ?? []
  if (place === undefined) return true
  const path = place.startsWith('file:') ? fileURLToPath(place) : place
  return !isOwn(path) && !/[/\\]node_modules[/\\](?:jiti|commander)[/\\]/.test(path)
}

// The package's folder. Source maps lead from `dist` to `src`.
const root = fileURLToPath(new URL('../..', import.meta.url))
const isOwn = (path: string): boolean => path.startsWith(`${root}dist${sep}`) || path.startsWith(`${root}src${sep}`)
