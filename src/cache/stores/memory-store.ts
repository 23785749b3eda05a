import type { CacheStore, Entry } from './store.js'

export interface MemoryStoreOptions {
  /**
   * The maximum memory in bytes, including keys, headers, bodies, tags and what the engine needs for them. Above it, the
   * least recently used entries are evicted. An entry larger than a quarter of it is not stored.
   * @default 64 MiB
   */
  readonly maxBytes?: number
}

/**
 * Stores entries in the memory of this process, and returns them immediately. Other processes see neither the entries nor
 * the invalidations.
 *
 * @throws RangeError if `maxBytes` is not a number of at least 4,096.
 * @example
 * const cache = createCache({ store: memoryStore({ maxBytes: 256 * 2 ** 20 }) })
 */
export function memoryStore({ maxBytes = 64 * 2 ** 20 }: MemoryStoreOptions = {}): CacheStore {
  if (typeof maxBytes !== 'number' || !(maxBytes >= 4096 && maxBytes < Number.POSITIVE_INFINITY))
    throw new RangeError(`memoryStore() takes a maxBytes of at least 4096, not ${String(maxBytes)}`)
  return new MemoryStore(maxBytes)
}

/** An entry, or the version of a mark, in the list that is sorted by last use. */
interface Item<value extends Entry | string = Entry | string> {
  readonly name: string
  readonly value: value
  readonly bytes: number
  older: Item
  newer: Item
}

class MemoryStore implements CacheStore {
  readonly #maxBytes: number
  readonly #entries = new Map<string, Item<Entry>>()
  readonly #marks = new Map<string, Item<string>>()
  // The list is circular, and this item closes it: its `newer` is the oldest item, its `older` the newest.
  readonly #ring: Item
  #bytes = 0
  #prefix = ''
  #count = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
    const ring = { name: '', value: '', bytes: 0 } as Item
    this.#ring = ring.older = ring.newer = ring
  }

  get(key: string): Entry | undefined {
    const item = this.#entries.get(key)
    if (item === undefined) return undefined
    if (hasExpired(item.value)) {
      this.#drop(item)
      return undefined
    }
    this.#touch(item)
    return item.value
  }

  set(key: string, entry: Entry): void {
    const before = this.#entries.get(key)
    if (before) this.#drop(before)
    if (hasExpired(entry)) return
    const { body } = entry
    // A view keeps its whole buffer in memory, which is not counted.
    const value =
      typeof body === 'string' || body.byteLength === body.buffer.byteLength ? entry : { ...entry, body: body.slice() }
    const bytes = toBytes(key, value)
    if (bytes > this.#maxBytes / 4) return
    const item = this.#add(value.key === key ? value.key : key, value, bytes)
    this.#entries.set(item.name, item)
    this.#evict()
  }

  delete(key: string): void {
    const item = this.#entries.get(key)
    if (item) this.#drop(item)
  }

  versions(marks: readonly string[]): readonly string[] {
    const versions: string[] = []
    for (const mark of marks) {
      let item = this.#marks.get(mark)
      if (item) this.#touch(item)
      else {
        item = this.#add(mark, this.#toVersion(), markBytes + textBytes(mark))
        this.#marks.set(mark, item)
        this.#evict()
      }
      versions.push(item.value)
    }
    return versions
  }

  // The next read creates a new version.
  renew(marks: readonly string[]): void {
    for (const mark of marks) {
      const item = this.#marks.get(mark)
      if (item) this.#drop(item)
    }
  }

  #toVersion(): string {
    // Workers allows no random values before the first request.
    this.#prefix ||= crypto.randomUUID().slice(24)
    // V8 stores the result of `+` as its two parts.
    return [this.#prefix, (this.#count++).toString(36)].join('.')
  }

  #add<value extends Entry | string>(name: string, value: value, bytes: number): Item<value> {
    const ring = this.#ring
    const item: Item<value> = { name, value, bytes, older: ring.older, newer: ring }
    ring.older = ring.older.newer = item
    this.#bytes += bytes
    return item
  }

  #touch(item: Item): void {
    const ring = this.#ring
    if (item.newer === ring) return
    item.older.newer = item.newer
    item.newer.older = item.older
    item.older = ring.older
    item.newer = ring
    ring.older = ring.older.newer = item
  }

  #drop(item: Item): void {
    item.older.newer = item.newer
    item.newer.older = item.older
    this.#bytes -= item.bytes
    if (typeof item.value === 'string') this.#marks.delete(item.name)
    else this.#entries.delete(item.name)
  }

  #evict(): void {
    while (this.#bytes > this.#maxBytes) this.#drop(this.#ring.newer)
    // `get` finds expired entries only if they are read.
    let oldest = this.#ring.newer
    while (typeof oldest.value !== 'string' && hasExpired(oldest.value)) {
      this.#drop(oldest)
      oldest = this.#ring.newer
    }
  }
}

const hasExpired = ({ expires }: Entry): boolean => expires !== null && expires <= Date.now()

// The memory that V8 needs on 64 bits without compressed pointers, when a Map has just grown. The tests measure it.
const entryBytes = 432
const markBytes = 272
const pairBytes = 160

function toBytes(key: string, { headers, body, marks }: Entry): number {
  let bytes = entryBytes + textBytes(key)
  for (const [name, value] of headers) bytes += pairBytes + textBytes(name) + textBytes(value)
  for (const [mark, version] of marks) bytes += pairBytes + textBytes(mark) + textBytes(version)
  return bytes + (typeof body === 'string' ? textBytes(body) : 256 + body.byteLength)
}

// Control characters are ASCII.
// oxlint-disable-next-line no-control-regex
const ascii = /^[\0-\x7f]*$/

// A Latin-1 text has one or two bytes for each character, depending on its source.
const textBytes = (text: string): number => (ascii.test(text) ? text.length : 2 * text.length)
