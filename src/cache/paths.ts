import { toCanonicalPath } from './key.js'

/**
 * A pattern as it is, or a pathname in its one spelling.
 *
 * @throws TypeError if it is neither.
 */
export function toRevalidated(path: unknown): string {
  if (typeof path !== 'string' || !/^\/[^?#]*$/.test(path))
    throw new TypeError(
      `revalidatePath() takes a pathname such as '/items/a', or a pattern, not ${JSON.stringify(path)}`,
    )
  return path.includes('[') ? path : toCanonicalPath(new URL(`http://localhost${path}`).pathname)
}

/** Whether a pattern can have this path, or a path below it. The path can be a pattern itself. */
export function canReach(pattern: string, path: string, isBelow: boolean): boolean {
  if (pattern === path) return true
  const own = pattern.split('/').slice(1)
  const steps = path === '/' ? [] : path.split('/').slice(1)
  for (const [index, step] of steps.entries()) {
    const segment = own[index]
    if (segment === undefined) return false
    if (segment.includes('...')) return true
    if (segment[0] !== '[' && segment !== step && toRevalidated(`/${segment}`) !== `/${step}`) return false
  }
  const rest = own.slice(steps.length)
  return isBelow || rest.every((segment) => segment === '' || segment.startsWith('[[...'))
}
