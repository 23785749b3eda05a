/** What a store keeps: an answer, or data. */
export interface Entry {
  /** The whole key that it was stored under; another one's entry is never answered with. */
  readonly key: string
  readonly status: number
  /** In lower case, without what belongs to one connection or one moment. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** As text where the bytes are UTF-8 of a textual media type. */
  readonly body: string | Uint8Array<ArrayBuffer>
  /** When the run that made it began, in milliseconds since 1970. */
  readonly time: number
  /** Seconds from `time` on that it is fresh; `null` for as long as its tags hold. */
  readonly revalidate: number | null
  /** Milliseconds since 1970, after which nobody asks for it any more; `null` for never. */
  readonly expires: number | null
  /** The marks that it depends on, and the versions that they had before it was made. */
  readonly marks: readonly (readonly [mark: string, version: string])[]
}

/**
 * Where entries are kept. Every method may answer at once or by a promise. What it throws, or does not answer in time, is a
 * miss.
 */
export interface CacheStore {
  get(key: string): Entry | undefined | Promise<Entry | undefined>
  /** Keeps an entry in place of the one under its key, until `expires` or until the store needs the room. */
  set(key: string, entry: Entry): void | Promise<void>
  delete(key: string): void | Promise<void>
  /**
   * The versions of marks, in their order. A version is a text that no mark ever gets twice; a mark that has none yet,
   * or whose version was lost, gets a new one, so that what was made under an old one is never taken for current.
   */
  versions(marks: readonly string[]): readonly string[] | Promise<readonly string[]>
  /** Gives each mark a new version. Once it has resolved, `versions` gives these everywhere. */
  renew(marks: readonly string[]): void | Promise<void>
  /**
   * Takes the right to make the entry of a key alone, among all processes, for at most `milliseconds`. `undefined` where
   * another has it. A store without this method has one process, or lets each process run once.
   */
  lease?(key: string, milliseconds: number): Lease | undefined | Promise<Lease | undefined>
}

/** The right to make an entry alone. */
export interface Lease {
  /** Gives it back, unless it has passed to another by now. */
  release(): void | Promise<void>
}
