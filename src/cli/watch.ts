import { lstatSync, readdirSync, watch, type FSWatcher } from 'node:fs'
import { join, sep } from 'node:path'

const ignored = new Set(['node_modules', '.git', 'dist', 'build', 'coverage'])
const isSource = (name: string): boolean => /\.(?:[cm]?[jt]sx?|json|env|html|css)$/.test(name)

/**
 * Calls `onChange` with the path of each source file below `root` that is changed, created or deleted. Returns a function
 * that stops watching. Skips `node_modules`, `.git`, `dist`, `build` and `coverage`.
 *
 * Each folder has its own watcher. Node.js's `recursive` option on Linux watches every file, including `node_modules`, and
 * loses a file that an editor replaces.
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
        if (event === 'rename' && !ignored.has(name)) {
          // The watcher belongs to the old folder of this name.
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
          if (!ignored.has(entry.name)) add(path, isNew)
        } else if (isNew && isSource(entry.name)) onChange(path)
      }
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      if (code !== 'ENOENT')
        process.stderr.write(`byway: cannot watch ${folder}; changes in it are ignored: ${message}\n`)
    }
  }

  add(root, false)
  return () => remove(root)
}
