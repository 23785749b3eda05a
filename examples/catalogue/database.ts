import { setTimeout as sleep } from 'node:timers/promises'
import { middleware, route, router } from 'byway'
import * as reply from 'byway/reply'
import { z } from 'zod'

// In the place of a database on another machine: slow on purpose, and it counts its queries.

export interface Seed {
  readonly slug: string
  readonly name: string
  readonly latin: string
  readonly sow: string
  /** In cents of a euro. */
  readonly price: number
}

const seeds = new Map(
  [
    ['Borage', 'Borago officinalis', 'April to June', 240],
    ['Calendula', 'Calendula officinalis', 'March to May', 210],
    ['Chervil', 'Anthriscus cerefolium', 'March to August', 190],
    ['Lovage', 'Levisticum officinale', 'March and April', 260],
    ['Nasturtium', 'Tropaeolum majus', 'April and May', 230],
    ['Salsify', 'Tragopogon porrifolius', 'March and April', 280],
    ['Sorrel', 'Rumex acetosa', 'March to May', 220],
    ['Woad', 'Isatis tinctoria', 'April and May', 320],
  ].map((row): [string, Seed] => {
    const [name, latin, sow, price] = row as [string, string, string, number]
    const slug = name.toLowerCase()
    return [slug, { slug, name, latin, sow, price }]
  }),
)
const rates = { EUR: 1, GBP: 0.86, USD: 1.09 } as const
const wishes = new Map([
  ['Ada', ['borage', 'woad']],
  ['Bo', ['salsify']],
])

let queries = 0
const slow = middleware(async (_request, _context, next) => {
  queries++
  await sleep(Number(process.env['DATABASE_DELAY'] ?? 600))
  return next()
})
// Each response of the database has a number, which distinguishes a stored response from a new one.
let copies = 0
const copied = route.use(slow).use(middleware((_request, _context, next) => next({ copy: ++copies })))

export const database = router({
  seeds: copied('/seeds').get((_request, { copy }) => ({ copy, seeds: [...seeds.values()] })),

  seed: copied('/seeds/[slug]').get((_request, { copy, params }) => {
    const seed = seeds.get(params.slug)
    return seed ? { copy, seed } : reply.notFound()
  }),

  change: route('/seeds/[slug]/price')
    .use(slow)
    .put({ body: z.number() }, (_request, { params, body }) => {
      const seed = seeds.get(params.slug)
      if (!seed) return reply.notFound()
      const changed = { ...seed, price: body }
      seeds.set(seed.slug, changed)
      return changed
    }),

  rate: route
    .use(slow)('/rates/[currency]', { params: z.object({ currency: z.enum(['EUR', 'GBP', 'USD']) }) })
    .get((_request, { params }) => rates[params.currency]),

  wishes: copied('/wishes/[name]').get((_request, { copy, params }) => ({
    copy,
    seeds: (wishes.get(params.name) ?? []).map((slug) => seeds.get(slug)!),
  })),

  queries: route('/queries').get(() => queries),
})
