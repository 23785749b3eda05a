import { toCanonicalPath } from './key.js'

/**
 * A pattern as it is, or a pathname in its one spelling.
 *
 * @throws TypeError if it is neither.
 */
export function toRevalidated(path: unknown): string {
  if (typeof path !== 'string' || !/^\/[^?#]*$/.test(path))
    throw new TypeError(`revalidatePath() takes a pathname or a pattern, not ${JSON.stringify(path)}`)
  return path.includes('[') ? path : toCanonicalPath(new URL(`http://localhost${path}`).pathname)
}
