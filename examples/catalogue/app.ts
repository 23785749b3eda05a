import { middleware, route, router, text } from 'byway'
import * as reply from 'byway/reply'
import { standardWebhooks, verifySignature } from 'byway/webhooks'
import { z } from 'zod'
import { cache } from './cache.js'
import { changePrice, findRate, findSeed, listSeeds, listWishes, type Currency } from './data.js'
import type { Seed } from './database.js'
import { editor, session } from './session.js'

interface Env {
  /** The name of this process. */
  readonly PROCESS?: string
  readonly WEBHOOK_SECRET?: string
}
const api = route.env<Env>()

const Item = z.object({
  slug: z.string(),
  name: z.string(),
  latin: z.string(),
  sow: z.string(),
  price: z.number(),
  currency: z.string(),
})
/** The number of the copy, counted by the database, and the process that made it. */
const Made = z.object({ copy: z.number(), by: z.string() })

const query = z.object({ currency: z.enum(['EUR', 'GBP', 'USD']).default('EUR') })

const toItem = ({ price, ...seed }: Seed, currency: Currency, rate: number): z.infer<typeof Item> => ({
  ...seed,
  price: Math.round(price * rate) / 100,
  currency,
})

// The query is declared, so other parameters do not make other entries.
export const items = api('/items')
  .use(cache({ revalidate: 60, tags: ['items', 'list'] }))
  .get(
    { query, response: z.object({ items: z.array(Item), made: Made }) },
    async (_request, { query: { currency }, env }) => {
      const rate = await findRate(currency)
      const { copy, seeds } = await listSeeds()
      return reply.json(
        { items: seeds.map((seed) => toItem(seed, currency, rate)), made: { copy, by: env.PROCESS ?? 'A' } },
        { headers: toCacheTag(['items', 'list', 'rates']) },
      )
    },
  )

const toTags = (slug: string) => ['items', `item:${slug}`]

export const item = api('/items/[slug]')
  .use(cache({ revalidate: 20, tags: ({ params }) => toTags(params.slug) }))
  .get(
    { query, response: Item.extend({ made: Made }) },
    async (_request, { params: { slug }, query: { currency }, env }) => {
      const rate = await findRate(currency)
      const found = await findSeed(slug)
      if (!found) return reply.notFound({ detail: `There is no item ${slug}.` })
      return reply.json(
        { ...toItem(found.seed, currency, rate), made: { copy: found.copy, by: env.PROCESS ?? 'A' } },
        { headers: toCacheTag([...toTags(slug), 'rates']) },
      )
    },
  )
  .use(session)
  .use(editor)
  .patch({ body: z.object({ price: z.number().positive().max(1_000) }) }, async (_request, { params, body }) => {
    const seed = await changePrice(params.slug, Math.round(body.price * 100))
    if (!seed) return reply.notFound()
    // From now on, no response has the old price. The list can show it one more time.
    await Promise.all([cache.revalidateTag(`item:${seed.slug}`), cache.revalidateTag('list', 'max')])
    return toItem(seed, 'EUR', 1)
  })

// One entry per user. Without `key`, the handler's read of `user` would keep the response out of the cache.
export const wishes = api('/me/wishes')
  .use(session)
  .use(cache({ revalidate: 60, key: ({ user }) => user.name, tags: ({ user }) => ['items', `wishes:${user.name}`] }))
  .get(async (_request, { user, env }) => {
    const { copy, seeds } = await listWishes(user.name)
    return reply.json(
      { name: user.name, items: seeds.map(({ slug }) => slug), made: { copy, by: env.PROCESS ?? 'A' } },
      { headers: toCacheTag(['items', `wishes:${user.name}`]) },
    )
  })

const Event = z.object({
  tags: z.array(z.string().min(1).max(200)).min(1).max(20),
  profile: z.literal('max').optional(),
})

// Another system that edits the catalogue sends an event. An event that is sent twice has the same effect, so ids are not stored.
export const hook = api('/hooks/catalogue').post({ body: text() }, async (request, { body, env }) => {
  await verifySignature(request, body, { scheme: standardWebhooks, secret: env.WEBHOOK_SECRET ?? '' })
  const { success, data } = Event.safeParse(parse(body))
  if (!success) return reply.problem(400, { detail: 'An event is { "tags": ["items"], "profile": "max" }.' })
  await Promise.all(data.tags.map((tag) => cache.revalidateTag(tag, data.profile)))
  return undefined
})

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The tags, for people, and for a CDN that supports them. */
const toCacheTag = (tags: readonly string[]) => ({ 'cache-tag': tags.join(', ') })

// Outside of the caches, so that hits have it too.
const servedBy = middleware(async (_request, { env }, next) => {
  const response = await next()
  response.headers.set('x-served-by', (env as Env).PROCESS ?? 'A')
  return response
})

const app = router({ items, item, wishes, hook }, { use: [servedBy] })
export default app
