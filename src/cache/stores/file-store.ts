import { createHash, randomUUID } from 'node:crypto'
import { link, mkdir, open, readdir, readFile, rename, rm, rmdir, stat, unlink, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { formatEntry, parseEntry } from './entry-codec.js'
import type { CacheStore, Entry, Lease } from './store.js'

export interface FileStoreOptions {
  /**
   * The maximum disk space in bytes. Each time that a process has written an eighth of it, the least recently used files are
   * removed until a quarter is free. Several processes that write concurrently can each exceed it by an eighth.
   * @default 1 GiB
   */
  readonly maxBytes?: number
}

/**
 * Stores entries as files, which survive a restart. Any number of processes on one machine can share the directory. It is
 * created if it is missing, and must contain no other files. A damaged file is a miss.
 *
 * @throws TypeError if `directory` is not a path. @throws RangeError if `maxBytes` is not a number of at least 65,536.
 * @example
 * const cache = createCache({ store: fileStore('.cache/byway') })
 */
export function fileStore(directory: string, { maxBytes = 2 ** 30 }: FileStoreOptions = {}): CacheStore {
  if (typeof directory !== 'string' || !directory || directory.includes('\0'))
    throw new TypeError("fileStore() takes the path of a directory of its own, such as '.cache/byway'")
  if (typeof maxBytes !== 'number' || !(maxBytes >= 65_536 && maxBytes < Number.POSITIVE_INFINITY))
    throw new RangeError(`fileStore() takes a maxBytes of at least 65536, not ${String(maxBytes)}`)
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
    // Random, so that many processes that each write little sweep as often as one process that writes as much.
    this.#untilSweep = (Math.random() * maxBytes) / 8
  }

  #pathOf(kind: 'entries' | 'marks' | 'leases', name: string): string {
    // As JSON, because UTF-8 encodes all lone surrogates as one character.
    const hash = createHash('sha256').update(JSON.stringify(name)).digest('hex')
    return join(this.#directory, kind, hash[0]!, hash[1]!, hash.slice(2))
  }

  async get(key: string): Promise<Entry | undefined> {
    const path = this.#pathOf('entries', key)
    const bytes = await read(path)
    if (!bytes) return undefined
    const entry = parseFile(bytes)
    if (entry?.key === key && !hasExpired(entry)) return entry
    // This can remove a valid entry that another process has just written: a miss.
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
        // A damaged version counts as lost.
        await remove(path)
      }
      if (await create(path, version)) {
        this.#count(version.length)
        return version
      }
    }
    // A version that is not stored matches no other, which is safe.
    return version
  }

  async renew(marks: readonly string[]): Promise<void> {
    const renewOne = async (mark: string): Promise<void> => {
      const path = this.#pathOf('marks', mark)
      const aside = await writeAside(path, randomUUID())
      await place(aside, async () => {
        // Without it, a power failure could restore the old version and its entries.
        await sync(aside)
        await rename(aside, path)
        await sync(dirname(path)).catch(() => {})
      })
    }
    await Promise.all([...new Set(marks)].map(renewOne))
  }

  // A lease is a directory with one file, named after its end and its owner. A directory cannot replace one that has a file,
  // and a file is removed by its name, so a process that was suspended cannot end the lease of another.
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
        // On some systems, an empty directory cannot be replaced.
        await rmdir(path).catch(() => {})
        await rename(aside, path)
      })
    } catch (error) {
      if (isCode(error, 'ENOTEMPTY', 'EEXIST')) return undefined
      // The error of Windows for a directory that exists.
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
    // It runs in the background. The next `set` throws its error.
    void this.#sweepUntilDone()
      .catch((error: unknown) => (this.#failure = { error }))
      .finally(() => (this.#isSweeping = false))
  }

  // Again if enough was written during the sweep.
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
    // Marks first, because many entries are lost with one mark.
    const taken = await trim(marks, this.#maxBytes / 4)
    await trim(entries, (this.#maxBytes * 3) / 4 - taken)
  }

  // One file at a time, because requests need the same few threads.
  async #found(kind: 'entries' | 'marks'): Promise<Found[]> {
    const found: Found[] = []
    for await (const path of this.#pathsOf(kind)) {
      const stats = await unlessGone(stat(path))
      if (!stats) continue
      const { atimeMs, mtimeMs, ctimeMs } = stats
      const isAside = path.endsWith(aside)
      // 0: no time limit.
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

// The SHA-256 of an entry, and the entry. After a power failure, a file can have its length without its bytes.
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

/** Whether the process that began to write the file must have ended. */
const isAbandoned = (time: number): boolean => time < Date.now() - 600_000

/** Writes a temporary file in the folder of `path`, and resolves to its path. */
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
      // A sweep does not need to read the file then. Some file systems have no later year.
      await file.utimes(Date.now() / 1000, Math.min(expires ?? 0, Date.UTC(2100)) / 1000)
    } finally {
      await file.close()
    }
  })
  return made
}

/** Removes the temporary file if `work` fails. */
async function place(made: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    await rm(made, { recursive: true, force: true }).catch(() => {})
    throw error
  }
}

/** Creates a file atomically. Resolves to `false` if it exists. */
async function create(path: string, text: string): Promise<boolean> {
  const made = await writeAside(path, text)
  try {
    // Without hard links, other processes can read an empty file: a lost version, which is safe.
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
