import { lstatSync, readdirSync, watch, type FSWatcher } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'

const ignored = new Set(['node_modules', '.git', 'dist', 'build', 'coverage'])
const isSource = (name: string): boolean => /\.(?:[cm]?[jt]sx?|json|env|html|css)$/.test(name)

/** Watches the files of an app. */
export interface Watcher {
  /** Watches these files. `isBroken`: the app could not be loaded, so that another file below the root can mend it. */
  watch(files: readonly string[], isBroken: boolean): void
  close(): void
}

/** Calls `onChange` with the path of each watched file that changes. Pages and styles below `root` are always watched. */
export function createWatcher(root: string, onChange: (path: string) => void): Watcher {
  let watched: ReadonlySet<string> = new Set()
  let isBroken = true
  const others = new Map<string, () => void>()
  const isWanted = (path: string): boolean =>
    watched.has(path) || (path.startsWith(root + sep) && (isBroken || /\.(?:html|css)$/.test(path)))
  const notify = (path: string): void => {
    if (isWanted(path)) onChange(path)
  }
  const stop = watchSources(root, notify)
  return {
    watch(files, broken) {
      watched = new Set(files)
      isBroken = broken
      for (const file of files) {
        const folder = dirname(file)
        const [outside, ...inside] = relative(root, file).split(sep)
        const isCovered = outside !== '..' && isSource(file) && ![outside!, ...inside].some((name) => ignored.has(name))
        if (!isCovered && !others.has(folder)) others.set(folder, watchFolder(folder, notify))
      }
    },
    close() {
      stop()
      for (const close of others.values()) close()
    },
  }
}

function watchFolder(folder: string, onChange: (path: string) => void): () => void {
  try {
    const watcher = watch(folder, (_event, name) => name !== null && onChange(join(folder, name)))
    watcher.on('error', () => {})
    return () => watcher.close()
  } catch (error) {
    process.stderr.write(`byway: cannot watch ${folder}; changes in it are ignored: ${(error as Error).message}\n`)
    return () => {}
  }
}

/**
 * Calls `onChange` with the path of each source file below `root` that is changed, created or deleted. Returns a function
 * that stops watching. Skips `node_modules`, `.git`, `dist`, `build` and `coverage`.
 *
 * Each folder has its own watcher. Node.js's `recursive` option on Linux watches every file, including `node_modules`, and
 * loses a file that an editor replaces.
 */
function watchSources(root: string, onChange: (path: string) => void): () => void {
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
