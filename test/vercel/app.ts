import { generateStaticParams, middleware, route, router } from '../../src/index.js'
import { createCache } from '../../src/cache/index.js'
import { fromNext, headers } from '../../src/next/index.js'
import * as reply from '../../src/replies/index.js'
import { deploy, vercel } from '../../src/vercel/index.js'
import { z } from 'zod'

const cache = createCache()
const count = cache.wrap(async () => 1, { key: 'count', revalidate: 60 })
const guard = middleware((request, _context, next) =>
  request.headers.get('authorization') === 'Bearer a' ? next() : reply.unauthorized(),
)

const fixed = route('/fixed/[slug]', {
  params: generateStaticParams(() => [{ slug: 'a' }, { slug: 'b' }], { dynamicParams: true }),
})
  .use(cache({ revalidate: false }))
  .get((_request, { params }) => ({ slug: params.slug }))
// None of these can be files.
const tagged = route('/tagged')
  .use(cache({ revalidate: false, tags: ['all'] }))
  .get(() => 'tagged')
const guarded = route('/guarded')
  .use(guard)
  .use(cache({ revalidate: false }))
  .get(() => 'guarded')
// The guard lets the build's own request continue.
const blocked = route('/blocked')
  .use(middleware((request, _context, next) => (request.headers.has('x-block') ? reply.forbidden() : next())))
  .use(cache({ revalidate: false }))
  .get(() => 'blocked')
const draft = route('/draft')
  .use(cache({ revalidate: false, bypass: (request) => request.headers.has('x-draft') }))
  .get(() => 'draft')
const timed = route('/timed')
  .use(cache({ revalidate: false }))
  .get(async () => ({ count: await count() }))
const headed = route('/headed')
  .use(cache({ revalidate: false }))
  .get(() => reply.json({}, { headers: { 'x-own': 'a' } }))
const failing = route('/failing')
  .use(cache({ revalidate: false }))
  .get(() => reply.problem(503))

const root = route('/')
  .use(deploy({ runtime: 'edge', regions: ['fra1', 'iad1'] }))
  .get(() => 'root')
const item = route('/items/[id]').get((_request, { params, ip }) => ({ id: params.id, ip }))
const items = route('/items').post({ body: z.object({ name: z.string() }) }, (_request, { body }) =>
  reply.json(body, { status: 201 }),
)
const lines = () =>
  reply.ndjson(
    (async function* () {
      yield 1
      await new Promise((resolve) => setTimeout(resolve, 300))
      yield 2
    })(),
  )
const streamed = route('/lines').get(lines)
const edgeLines = route('/edge-lines')
  .use(deploy({ runtime: 'edge', regions: ['fra1', 'iad1'] }))
  .get(lines)
// More specific than the pattern of the edge function, and in another function.
const inside = route('/edge/node').get(() => typeof process)
const edge = route('/edge/[...path]')
  .use(deploy({ runtime: 'edge', regions: ['fra1', 'iad1'] }))
  .get((_request, { params }) => params.path)
  .post({ body: z.object({ name: z.string() }) }, (_request, { body }) => body)
// Both find their request by AsyncLocalStorage, which is a global there.
const edgeCached = route('/edge-cached')
  .use(deploy({ runtime: 'edge', regions: ['fra1', 'iad1'] }))
  .use(cache({ revalidate: 3600 }))
  .get(async () => ({ count: await count() }))
const edgeNext = fromNext('/edge-next', {
  runtime: 'edge',
  preferredRegion: ['fra1', 'iad1'],
  GET: async () => Response.json((await headers()).get('x-own')),
})
const long = route('/items/[id]/report')
  .use(deploy({ maxDuration: 60 }))
  .get(() => 'report')
const optional = route('/docs/[[...path]]')
  .use(deploy({ maxDuration: 60 }))
  .get((_request, { params }) => params.path ?? null)

export default router(
  {
    fixed,
    tagged,
    guarded,
    blocked,
    draft,
    timed,
    headed,
    failing,
    root,
    item,
    items,
    streamed,
    edgeLines,
    edgeCached,
    edgeNext,
    inside,
    edge,
    long,
    optional,
  },
  { use: [vercel()] },
)
