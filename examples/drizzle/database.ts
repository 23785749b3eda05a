import { fileURLToPath } from 'node:url'

export interface Post {
  readonly id: number
  readonly slug: string
  readonly title: string
  readonly author: string
}

/** What the routes need of a database. Tables and types differ by dialect, so each has its own file. */
export interface Database {
  /** The newest first. `before` is the ID of a post. */
  list(page: { readonly before?: number; readonly author?: string; readonly limit: number }): Promise<Post[]>
  find(slug: string): Promise<Post | undefined>
  /** Adds the author too. @throws DuplicateError if the slug is taken. */
  add(post: Omit<Post, 'id'>): Promise<Post>
  /** Returns whether the post was there. */
  remove(slug: string): Promise<boolean>
  close(): Promise<void>
}

export class DuplicateError extends Error {
  override readonly name = 'DuplicateError'

  constructor(readonly slug: string) {
    super(`the slug '${slug}' is taken`)
  }
}

/** Opens the database of a URL, and runs the migrations that it lacks. */
export async function openDatabase(url: string): Promise<Database> {
  return /^postgres(?:ql)?:/.test(url)
    ? (await import('./postgres.js')).openPostgres(url)
    : (await import('./sqlite.js')).openSqlite(url)
}

export const migrationsOf = (dialect: string): string =>
  fileURLToPath(new URL(`migrations/${dialect}`, import.meta.url))
