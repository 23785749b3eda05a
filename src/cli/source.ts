import { relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Returns the topmost frame of a stack in the app's own code, as `file:line` relative to the working directory. */
export function toSource(stack: string | undefined): string | undefined {
  for (const line of (stack ?? '').split('\n').slice(1)) {
    const [, place, number] = /\(?((?:file:\/\/)?\/[^()]*?|[A-Za-z]:\\[^()]*?):(\d+):\d+\)?$/.exec(line.trim()) ?? []
    if (place === undefined) continue
    const path = place.startsWith('file:') ? fileURLToPath(place) : place
    if (path.startsWith(own) || path.includes(`${sep}node_modules${sep}`)) continue
    return `${relative(process.cwd(), path)}:${number}`
  }
  return undefined
}

// The folder of byway's own files.
const own = fileURLToPath(new URL('..', import.meta.url))
