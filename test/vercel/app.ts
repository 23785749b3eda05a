import { generateStaticParams, route, router } from '../../src/index.js'
import { createCache } from '../../src/cache/index.js'
import * as reply from '../../src/replies/index.js'
import { deploy, vercel } from '../../src/vercel/index.js'
import { z } from 'zod'

const cache = createCache()
const fixed = route('/fixed/[slug]', {
  params: generateStaticParams(() => [{ slug: 'a' }, { slug: 'b c' }], { dynamicParams: true }),
})
  .use(cache({ revalidate: false }))
  .get((_request, { params }) => ({ slug: params.slug }))
const tagged = route('/tagged')
  .use(cache({ revalidate: false, tags: ['all'] }))
  .get(() => 'tagged')
const item = route('/items/[id]').get((_request, { params, ip }) => ({ id: params.id, ip }))
const items = route('/items').post({ body: z.object({ name: z.string() }) }, (_request, { body }) =>
  reply.json(body, { status: 201 }),
)
const lines = route('/lines').get(() =>
  reply.ndjson(
    (async function* () {
      yield 1
      await new Promise((resolve) => setTimeout(resolve, 300))
      yield 2
    })(),
  ),
)
const edge = route('/edge/[...path]')
  .use(deploy({ runtime: 'edge', regions: ['fra1', 'iad1'] }))
  .get((_request, { params }) => params.path)
const long = route('/items/[id]/report')
  .use(deploy({ maxDuration: 60 }))
  .get(() => 'report')
const optional = route('/docs/[[...path]]')
  .use(deploy({ maxDuration: 60 }))
  .get((_request, { params }) => params.path ?? null)

export default router({ fixed, tagged, item, items, lines, edge, long, optional }, { use: [vercel()] })
