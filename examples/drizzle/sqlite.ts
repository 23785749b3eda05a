import { createClient } from '@libsql/client'
import { and, desc, eq, lt } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/libsql'
import { migrate } from 'drizzle-orm/libsql/migrator'
import { index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import { DuplicateError, type Database, migrationsOf } from './database.js'

export const authors = sqliteTable('authors', {
  id: integer().primaryKey({ autoIncrement: true }),
  name: text().notNull().unique(),
})

export const posts = sqliteTable(
  'posts',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    slug: text().notNull().unique(),
    title: text().notNull(),
    authorId: integer('author_id')
      .notNull()
      .references(() => authors.id),
  },
  ({ authorId }) => [index('posts_author').on(authorId)],
)

const shape = { id: posts.id, slug: posts.slug, title: posts.title, author: authors.name }

/** A file such as `file:blog.db`, or a server of libSQL. */
export async function openSqlite(url: string): Promise<Database> {
  const client = createClient({ url })
  const database = drizzle(client)
  await migrate(database, { migrationsFolder: migrationsOf('sqlite') })

  return {
    list: ({ before, author, limit }) =>
      database
        .select(shape)
        .from(posts)
        .innerJoin(authors, eq(posts.authorId, authors.id))
        .where(and(before ? lt(posts.id, before) : undefined, author ? eq(authors.name, author) : undefined))
        .orderBy(desc(posts.id))
        .limit(limit),

    async find(slug) {
      const [post] = await database
        .select(shape)
        .from(posts)
        .innerJoin(authors, eq(posts.authorId, authors.id))
        .where(eq(posts.slug, slug))
      return post
    },

    add: ({ slug, title, author }) =>
      // Both rows or none.
      database.transaction(async (transaction) => {
        await transaction.insert(authors).values({ name: author }).onConflictDoNothing()
        const [{ authorId }] = await transaction
          .select({ authorId: authors.id })
          .from(authors)
          .where(eq(authors.name, author))
        // No exception, because it would abort the transaction.
        const [post] = await transaction
          .insert(posts)
          .values({ slug, title, authorId })
          .onConflictDoNothing()
          .returning()
        if (!post) throw new DuplicateError(slug)
        return { id: post.id, slug, title, author }
      }),

    async remove(slug) {
      const removed = await database.delete(posts).where(eq(posts.slug, slug)).returning({ id: posts.id })
      return removed.length > 0
    },

    async close() {
      client.close()
    },
  }
}
