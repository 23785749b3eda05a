import type { Cache } from './create-cache.js'
import { toRevalidated } from './paths.js'

/**
 * Invalidates the entries of every route that can have pathnames at or below a path, as `revalidatePath(path, 'layout')` of
 * Next.js does. Of a route with params, all entries are invalidated: for `/de`, those of `/[lang]/items` in all languages.
 *
 * It knows the routes that this process has loaded.
 *
 * @throws TypeError if `path` is not a pathname or a pattern.
 * @example
 * await revalidateBelow(cache, '/shop')
 */
export async function revalidateBelow(cache: Cache, path: string): Promise<void> {
  const own = toRevalidated(path)
  await Promise.all(
    [...cache.patterns].filter((pattern) => canReach(pattern, own)).map((one) => cache.revalidatePath(one)),
  )
}

/** Whether a pattern can have pathnames at or below a path, as far as the part before its first param tells. */
export function canReach(pattern: string, path: string): boolean {
  const base = path === '/' ? path : `${path}/`
  const [fixed = ''] = pattern.split('[')
  return `${pattern}/`.startsWith(base) || (fixed !== pattern && base.startsWith(fixed))
}
