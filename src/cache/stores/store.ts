/** A stored response, or stored data. */
export interface Entry {
  /** The whole key. An entry with another key than the one that was looked up is a miss. */
  readonly key: string
  readonly status: number
  /** Names in lower case. Headers of one connection or one moment are not stored. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** A text if the bytes are UTF-8 of a textual media type. */
  readonly body: string | Uint8Array<ArrayBuffer>
  /** When the run began, in milliseconds since 1970. */
  readonly time: number
  /** Seconds from `time` for which the entry is fresh; `null`: no time limit. */
  readonly revalidate: number | null
  /** When the entry expires, in milliseconds since 1970; `null`: never. */
  readonly expires: number | null
  /** The marks that the entry depends on, with their versions before the run. */
  readonly marks: readonly (readonly [mark: string, version: string])[]
}

/**
 * Stores entries. Each method can return a value or a promise. If a method throws, rejects or does not respond within
 * `storeTimeout`, the lookup is a miss.
 */
export interface CacheStore {
  get(key: string): Entry | undefined | Promise<Entry | undefined>
  /** Stores an entry and replaces the previous entry under its key. The store can drop the entry after `expires` or to free space. */
  set(key: string, entry: Entry): void | Promise<void>
  delete(key: string): void | Promise<void>
  /**
   * Returns the versions of marks, in their order. A version is a string that a mark never gets twice. A mark without a version
   * gets a new one, so that an entry with a lost version is never current.
   */
  versions(marks: readonly string[]): readonly string[] | Promise<readonly string[]>
  /** Gives each mark a new version. After it resolves, `versions` returns the new versions in every process. */
  renew(marks: readonly string[]): void | Promise<void>
  /**
   * Takes the lease of a key: one process runs, for at most `milliseconds`. Returns `undefined` if another process has it.
   * Without this method, each process can run once.
   */
  lease?(key: string, milliseconds: number): Lease | undefined | Promise<Lease | undefined>
}

/** The right to run for a key. */
export interface Lease {
  /** Returns the lease, unless it has ended and another process has it. */
  release(): void | Promise<void>
}
