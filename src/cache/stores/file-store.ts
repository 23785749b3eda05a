import { createHash, randomUUID } from 'node:crypto'
import { link, mkdir, open, readdir, readFile, rename, rm, rmdir, stat, unlink, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { formatEntry, parseEntry } from './entry-codec.js'
import type { CacheStore, Entry, Lease } from './store.js'

export interface FileStoreOptions {
  /**
   * How much room on the disk it may take, in bytes. Each time that a process has written an eighth of this, what was
   * neither read nor written for the longest is removed until a quarter is free; where several processes write at once,
   * each may be an eighth over it. What was removed is a miss.
   * @default 1 GiB
   */
  readonly maxBytes?: number
}

/**
 * Keeps entries as files, which are there after a restart. Any number of processes of one machine may share the
 * directory; it is made if need be, and nothing else may be in it. A damaged file is a miss.
 *
 * @throws TypeError for a `directory` that is no path, RangeError for a `maxBytes` below 65,536, or that is no number.
 * @example
 * const cache = createCache({ store: fileStore('.cache/byway') })
 */
export function fileStore(directory: string, { maxBytes = 2 ** 30 }: FileStoreOptions = {}): CacheStore {
  if (typeof directory !== 'string' || !directory || directory.includes('\0'))
    throw new TypeError("fileStore() takes the path of a directory of its own, such as '.cache/byway'")
  if (typeof maxBytes !== 'number' || !(maxBytes >= 65_536 && maxBytes < Number.POSITIVE_INFINITY))
    throw new RangeError(
      `fileStore() takes a maxBytes of 65536 bytes or more, not ${typeof maxBytes === 'number' ? maxBytes : JSON.stringify(maxBytes)}; 1 GiB is 2 ** 30`,
    )
  return new FileStore(resolve(directory), maxBytes)
}

class FileStore implements CacheStore {
  readonly #directory: string
  readonly #maxBytes: number
  #untilSweep: number
  #isSweeping = false
  #failure: { readonly error: unknown } | undefined

  constructor(directory: string, maxBytes: number) {
    this.#directory = directory
    this.#maxBytes = maxBytes
    // At random, so that processes that each write little before they end sweep as often as one that writes it all.
    this.#untilSweep = (Math.random() * maxBytes) / 8
  }

  #pathOf(kind: 'entries' | 'marks' | 'leases', name: string): string {
    // As JSON, where UTF-8 would take every half of a surrogate pair for the same character.
    const hash = createHash('sha256').update(JSON.stringify(name)).digest('hex')
    return join(this.#directory, kind, hash[0]!, hash[1]!, hash.slice(2))
  }

  async get(key: string): Promise<Entry | undefined> {
    const path = this.#pathOf('entries', key)
    const bytes = await read(path)
    if (!bytes) return undefined
    const entry = parseFile(bytes)
    if (entry?.key === key && !hasExpired(entry)) return entry
    // If another process has just written a good one, that is a miss too.
    await remove(path)
    return undefined
  }

  async set(key: string, entry: Entry): Promise<void> {
    const path = this.#pathOf('entries', key)
    if (hasExpired(entry)) return remove(path)
    const bytes = formatFile(entry)
    const aside = await writeAside(path, bytes, entry.expires)
    await place(aside, () => rename(aside, path))
    this.#count(bytes.length)
    if (this.#failure) {
      const { error } = this.#failure
      this.#failure = undefined
      throw error
    }
  }

  delete(key: string): Promise<void> {
    return remove(this.#pathOf('entries', key))
  }

  async versions(marks: readonly string[]): Promise<readonly string[]> {
    return Promise.all(marks.map((mark) => this.#version(this.#pathOf('marks', mark))))
  }

  async #version(path: string): Promise<string> {
    const version = randomUUID()
    for (let attempt = 0; attempt < 3; attempt++) {
      const found = await read(path)
      if (found) {
        const text = found.toString('latin1')
        if (/^[\da-f-]{36}$/.test(text)) return text
        // A damaged one is a lost one.
        await remove(path)
      }
      if (await create(path, version)) {
        this.#count(version.length)
        return version
      }
    }
    // One that is kept nowhere matches nothing, which is safe.
    return version
  }

  async renew(marks: readonly string[]): Promise<void> {
    const renewOne = async (mark: string): Promise<void> => {
      const path = this.#pathOf('marks', mark)
      const aside = await writeAside(path, randomUUID())
      await place(aside, async () => {
        // Otherwise a power cut might bring the old version back, and with it what was made under it.
        await sync(aside)
        await rename(aside, path)
        await sync(dirname(path)).catch(() => {})
      })
    }
    await Promise.all([...new Set(marks)].map(renewOne))
  }

  // A lease is a directory that holds one file, named after its end and its holder. A directory cannot take the place of
  // one that holds a file, and who removes a file names it: so nobody ends the lease of another, however late it wakes.
  async lease(key: string, milliseconds: number): Promise<Lease | undefined> {
    const path = this.#pathOf('leases', key)
    const names = await namesIn(path)
    if (!names.every(hasRunOut)) return undefined
    for (const name of names) await remove(join(path, name))
    const name = `${Date.now() + Math.ceil(milliseconds)}.${randomUUID()}`
    const aside = toAside(path)
    await mkdir(aside, { recursive: true, mode: 0o700 })
    try {
      await place(aside, async () => {
        await writeFile(join(aside, name), '', { flag: 'wx' })
        // An empty one is in the way on some systems.
        await rmdir(path).catch(() => {})
        await rename(aside, path)
      })
    } catch (error) {
      if (isCode(error, 'ENOTEMPTY', 'EEXIST')) return undefined
      // What Windows says of any directory in the way.
      if (isCode(error, 'EPERM', 'EACCES') && (await namesIn(path)).length) return undefined
      throw error
    }
    return {
      release: async () => {
        await remove(join(path, name))
        await rmdir(path).catch(() => {})
      },
    }
  }

  #count(bytes: number): void {
    this.#untilSweep -= toBlocks(bytes)
    if (this.#untilSweep > 0 || this.#isSweeping) return
    this.#isSweeping = true
    // Nobody waits for it; that it failed is said by the next `set`.
    void this.#sweepUntilDone()
      .catch((error: unknown) => (this.#failure = { error }))
      .finally(() => (this.#isSweeping = false))
  }

  // As often as it takes for what is written meanwhile.
  async #sweepUntilDone(): Promise<void> {
    do {
      this.#untilSweep = this.#maxBytes / 8
      await this.#sweep()
    } while (this.#untilSweep <= 0)
  }

  async #sweep(): Promise<void> {
    await this.#sweepLeases()
    const marks = await this.#found('marks')
    const entries = await this.#found('entries')
    // Many entries are lost with a mark.
    const taken = await trim(marks, this.#maxBytes / 4)
    await trim(entries, (this.#maxBytes * 3) / 4 - taken)
  }

  // One file at a time, since requests wait for the same few threads.
  async #found(kind: 'entries' | 'marks'): Promise<Found[]> {
    const found: Found[] = []
    for await (const path of this.#pathsOf(kind)) {
      const stats = await unlessGone(stat(path))
      if (!stats) continue
      const { atimeMs, mtimeMs, ctimeMs } = stats
      const isAside = path.endsWith(aside)
      // 0 is for ever.
      const isOver = isAside ? isAbandoned(ctimeMs) : kind === 'entries' && mtimeMs > 0 && mtimeMs < Date.now()
      if (isOver) await remove(path)
      else if (!isAside)
        found.push({ path, used: Math.max(atimeMs, ctimeMs), bytes: stats.blocks * 512 || toBlocks(stats.size) })
    }
    return found
  }

  async #sweepLeases(): Promise<void> {
    for await (const path of this.#pathsOf('leases')) {
      const stats = await unlessGone(stat(path))
      if (!stats || (path.endsWith(aside) && !isAbandoned(stats.ctimeMs))) continue
      for (const name of await namesIn(path)) if (hasRunOut(name)) await remove(join(path, name))
      await rmdir(path).catch(() => {})
    }
  }

  async *#pathsOf(kind: string): AsyncGenerator<string> {
    const top = join(this.#directory, kind)
    for (const one of await namesIn(top))
      for (const two of await namesIn(join(top, one)))
        for (const name of await namesIn(join(top, one, two))) yield join(top, one, two, name)
  }
}

interface Found {
  readonly path: string
  readonly used: number
  readonly bytes: number
}

async function trim(found: readonly Found[], maxBytes: number): Promise<number> {
  let sum = found.reduce((total, { bytes }) => total + bytes, 0)
  if (sum <= maxBytes) return sum
  for (const { path, bytes } of found.toSorted((one, other) => one.used - other.used)) {
    if (sum <= maxBytes) break
    await remove(path)
    sum -= bytes
  }
  return sum
}

const toBlocks = (bytes: number): number => Math.ceil(bytes / 4096) * 4096

const hasExpired = ({ expires }: Entry): boolean => expires !== null && expires <= Date.now()
const hasRunOut = (name: string): boolean => !(Number.parseInt(name, 10) > Date.now())

// An entry behind its SHA-256: after a power cut a file may have its length, but not its bytes.
function formatFile(entry: Entry): Buffer {
  const bytes = Buffer.from(formatEntry(entry))
  return Buffer.concat([createHash('sha256').update(bytes).digest(), bytes])
}

function parseFile(file: Buffer): Entry | undefined {
  const bytes = file.subarray(32)
  if (!createHash('sha256').update(bytes).digest().equals(file.subarray(0, 32))) return undefined
  return parseEntry(bytes.toString())
}

const aside = '.tmp'
const toAside = (path: string): string => `${path}.${randomUUID()}${aside}`

/** Whether who has begun to write it must have ended. */
const isAbandoned = (time: number): boolean => time < Date.now() - 600_000

/** Writes a file beside the place that it is for, and gives its path. */
async function writeAside(path: string, data: Buffer | string, expires: number | null = null): Promise<string> {
  const made = toAside(path)
  const openNew = () => open(made, 'wx')
  const file = await openNew().catch(async (error: unknown) => {
    if (!isCode(error, 'ENOENT')) throw error
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    return openNew()
  })
  await place(made, async () => {
    try {
      await file.writeFile(data)
      // So that a sweep need not read it. Some file systems know no later year.
      await file.utimes(Date.now() / 1000, Math.min(expires ?? 0, Date.UTC(2100)) / 1000)
    } finally {
      await file.close()
    }
  })
  return made
}

/** Leaves nothing aside if it fails. */
async function place(made: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    await rm(made, { recursive: true, force: true }).catch(() => {})
    throw error
  }
}

/** Makes a file, or gives `false` if there is one. No other process sees it before it is whole. */
async function create(path: string, text: string): Promise<boolean> {
  const made = await writeAside(path, text)
  try {
    // Without hard links others may see it empty: a lost version, which is safe.
    await link(made, path).catch((error: unknown) => {
      if (isCode(error, 'EEXIST')) throw error
      return writeFile(path, text, { flag: 'wx' })
    })
    return true
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false
    throw error
  } finally {
    await remove(made)
  }
}

async function sync(path: string): Promise<void> {
  const file = await open(path)
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

const read = (path: string): Promise<Buffer | undefined> => unlessGone(readFile(path))
const remove = async (path: string): Promise<void> => unlessGone(unlink(path))
const namesIn = async (path: string): Promise<readonly string[]> => (await unlessGone(readdir(path))) ?? []

async function unlessGone<value>(work: Promise<value>): Promise<value | undefined> {
  try {
    return await work
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined
    throw error
  }
}

const isCode = (error: unknown, ...codes: readonly string[]): boolean =>
  codes.includes((error as NodeJS.ErrnoException | undefined)?.code as string)
