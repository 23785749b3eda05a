import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

/**
 * A build of byway: the exports of `byway`, `reply`, and `load()` for its other entries. `dist` is its folder, next to a
 * package.json whose `exports` lead to the entries. @default the `dist` of this repository
 */
export async function loadByway(dist) {
  const root = dist ? pathToFileURL(`${resolve(dist)}/`) : new URL('../dist/', import.meta.url)
  const require = createRequire(new URL('../package.json', root))
  const load = (name) => import(pathToFileURL(require.resolve(name)).href)
  const byway = await load('byway')
  return { ...byway, reply: await load('byway/reply'), load }
}
