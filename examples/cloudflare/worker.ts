import { route, router } from 'byway'
import { createCache, kvStore } from 'byway/cache'
import * as reply from 'byway/reply'
import { z } from 'zod'

interface Env {
  readonly DB: D1Database
  readonly CACHE: KVNamespace
}

interface Item {
  readonly id: number
  readonly slug: string
  readonly name: string
}

const cache = createCache({ store: (env: Env) => kvStore(env.CACHE, { consistency: 'eventual' }) })
const bound = route.env<Env>()

const NewItem = z.object({ slug: z.string().regex(/^[a-z\d]+(?:-[a-z\d]+)*$/), name: z.string().min(1).max(200) })
const Page = z.object({
  after: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(100).default(20),
})

const items = bound('/items')
  .get({ query: Page }, async (_request, { query: { after, limit }, env }) => {
    const { results } = await env.DB.prepare('select id, slug, name from items where id > ? order by id limit ?')
      .bind(after, limit)
      .all<Item>()
    return { items: results, next: results.length === limit ? results.at(-1)!.id : null }
  })
  .post({ body: NewItem }, async (_request, { body: { slug, name }, env }) => {
    // The database decides which of two requests comes first, and returns no row to the other.
    const item = await env.DB.prepare(
      'insert into items (slug, name) values (?, ?) on conflict do nothing returning id, slug, name',
    )
      .bind(slug, name)
      .first<Item>()
    if (!item) return reply.problem(409, { detail: 'The slug is taken.', pointer: '/slug' })
    return reply.json(item, { status: 201, headers: { location: `/items/${slug}` } })
  })

// The response is in KV for a minute, so most requests do not reach the database.
const item = bound('/items/[slug]')
  .use(cache({ revalidate: 60, tags: ({ params }) => [`item:${params['slug']}`] }))
  .get(async (_request, { params: { slug }, env }) => {
    const item = await env.DB.prepare('select id, slug, name from items where slug = ?').bind(slug).first<Item>()
    return item ?? reply.notFound()
  })
  .delete(async (_request, { params: { slug }, env }) => {
    const { meta } = await env.DB.prepare('delete from items where slug = ?').bind(slug).run()
    if (!meta.changes) return reply.notFound()
    await cache.revalidateTag(`item:${slug}`)
  })

const views = bound('/items/[slug]/views')
  .get(async (_request, { params: { slug }, env }) => {
    const found = await env.DB.prepare('select views from items where slug = ?').bind(slug).first<{ views: number }>()
    return found ?? reply.notFound()
  })
  .post((_request, { params: { slug }, env, after }) => {
    // The client does not wait for it. `ctx.waitUntil` keeps the Worker alive.
    after(() => env.DB.prepare('update items set views = views + 1 where slug = ?').bind(slug).run())
    return reply.json(null, { status: 202 })
  })

export default router({ items, item, views })
