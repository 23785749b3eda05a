import { z } from 'zod'

export const maxSize = 100 * 1_048_576

/** What the client declares before it sends the content. No key of the storage contains the name. */
export const NewFile = z.object({
  name: z.string().min(1).max(255),
  // Types that no browser runs as a script.
  type: z.enum(['application/pdf', 'image/jpeg', 'image/png', 'image/webp', 'text/plain', 'video/mp4']),
  size: z.int().min(1).max(maxSize),
})

export type NewFile = z.infer<typeof NewFile>

export interface StoredFile extends NewFile {
  readonly id: string
  readonly owner: string
  /** Whether the content is complete and was checked. */
  isReady: boolean
}

/** The records of the files, in memory. An app keeps them in a database, with a time at which a lock expires. */
export class Files {
  readonly #files = new Map<string, StoredFile>()
  readonly #locked = new Set<string>()

  add(file: StoredFile): void {
    this.#files.set(file.id, file)
  }

  /** Returns the file only to its owner. */
  find(id: string, owner: string): StoredFile | undefined {
    const file = this.#files.get(id)
    return file?.owner === owner ? file : undefined
  }

  remove(id: string): void {
    this.#files.delete(id)
  }

  /** Returns whether the caller can now change the file, until `unlock`. In SQL, this is one UPDATE with a condition. */
  lock(id: string): boolean {
    if (this.#locked.has(id)) return false
    this.#locked.add(id)
    return true
  }

  unlock(id: string): void {
    this.#locked.delete(id)
  }
}
