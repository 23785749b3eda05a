import { errorOf, middleware, route, router } from 'byway'
import * as reply from 'byway/reply'
import { z } from 'zod'
import { DuplicateError, type Database } from './database.js'

const slug = z.string().regex(/^[a-z\d]+(?:-[a-z\d]+)*$/)
const NewPost = z.object({ slug, title: z.string().min(1).max(200), author: z.string().min(1).max(100) })
const Page = z.object({
  before: z.coerce.number().int().positive().optional(),
  author: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(100).default(20),
})

/** The app over a database. A test can pass another one. */
export function createApp(database: Database) {
  const withDatabase = middleware((_request, _context, next) => next({ database }))

  // An error of the domain, wherever it was thrown, is a response.
  const mapErrors = middleware(async (_request, _context, next) => {
    const response = await next()
    const error = errorOf(response)
    return error instanceof DuplicateError
      ? reply.problem(409, { detail: 'The slug is taken.', pointer: '/slug' })
      : response
  })

  const api = route.use(withDatabase).use(mapErrors)

  const posts = api('/posts')
    .get({ query: Page }, async (_request, { query, database }) => {
      const found = await database.list(query)
      // The cursor of the next page, if there can be one.
      const next = found.length === query.limit ? found.at(-1)!.id : null
      return { posts: found, next }
    })
    .post({ body: NewPost }, async (_request, { body, database }) => {
      const post = await database.add(body)
      return reply.json(post, { status: 201, headers: { location: `/posts/${post.slug}` } })
    })

  const post = api('/posts/[slug]')
    .get(async (_request, { params, database }) => (await database.find(params.slug)) ?? reply.notFound())
    .delete(async (_request, { params, database }) => {
      if (!(await database.remove(params.slug))) return reply.notFound()
    })

  return router({ posts, post })
}
