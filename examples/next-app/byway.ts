import { route, router } from 'byway'
import { createCache } from 'byway/cache'
import { cookies } from 'byway/middleware'
import * as reply from 'byway/reply'
import { z } from 'zod'

const cache = createCache()
const log: string[] = []

const item = route('/items/[slug]')
  .use(cache({ revalidate: 60, tags: ['items'] }))
  .get((_request, { params }) => ({ slug: params.slug, value: Math.random() }))
const items = route('/items').post({ body: z.object({ name: z.string() }) }, async (_request, { body, after }) => {
  await cache.revalidateTag('items')
  after(() => void log.push('after'))
  return reply.json(body, { status: 201 })
})
const entries = route('/log').get(() => log)
const lines = route('/lines').get(() => reply.ndjson([{ n: 1 }, { n: 2 }]))
const visits = route('/visits')
  .use(cookies())
  .get((_request, { cookies }) => {
    cookies.set('a', '1')
    cookies.set('b', '2')
    return 'ok'
  })
const old = route('/old').get(() => reply.redirect('/items/a'))

/** An app below one catch-all `route.ts`. */
export default router({ item, items, entries, lines, visits, old })

/** A route whose functions are the exports of a `route.ts` of its own. */
export const one = route('/one/[slug]')
  .get((_request, { params }) => ({ slug: params.slug }))
  .delete(() => undefined)
