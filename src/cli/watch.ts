import { lstatSync, readdirSync, watch, type FSWatcher } from 'node:fs'
import { join, sep } from 'node:path'

const passedOver = new Set(['node_modules', '.git', 'dist', 'build', 'coverage'])
const isSource = (name: string): boolean => /\.(?:[cm]?[jt]sx?|json|env|html|css)$/.test(name)

/**
 * Tells the path of each source file in a folder, or in a folder in it, that changes, comes or goes. What it gives back
 * ends that.
 *
 * It watches folders, each by itself: Node's own `recursive` on Linux watches each file, those of `node_modules` too, and
 * loses one that an editor replaces by another of its name.
 */
export function watchSources(root: string, onChange: (path: string) => void): () => void {
  const watchers = new Map<string, FSWatcher>()

  const remove = (folder: string): void => {
    for (const [path, watcher] of watchers)
      if (path === folder || path.startsWith(folder + sep)) {
        watcher.close()
        watchers.delete(path)
      }
  }
  const add = (folder: string, isNew: boolean): void => {
    try {
      const watcher = watch(folder, (event, name) => {
        if (name === null) return
        const path = join(folder, name)
        if (event === 'rename' && !passedOver.has(name)) {
          // Another one of that name is not what was watched.
          remove(path)
          if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory()) return add(path, true)
        }
        if (isSource(name)) onChange(path)
      })
      watcher.on('error', () => remove(folder))
      watchers.set(folder, watcher)
      for (const entry of readdirSync(folder, { withFileTypes: true })) {
        const path = join(folder, entry.name)
        if (entry.isDirectory()) {
          if (!passedOver.has(entry.name)) add(path, isNew)
        } else if (isNew && isSource(entry.name)) onChange(path)
      }
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      if (code !== 'ENOENT') process.stderr.write(`byway: ${folder} is not watched: ${message}\n`)
    }
  }

  add(root, false)
  return () => remove(root)
}
