// An app for Vercel: two functions, the platform's own helpers, and a CDN whose copies a purge reaches.
import { geolocation, invalidateByTag } from '@vercel/functions'
import { route, router } from 'byway'
import { createCache } from 'byway/cache'
import * as reply from 'byway/reply'
import { cdnTags, deploy, vercel } from 'byway/vercel'

const prices = new Map([['tea', 4]])
const cache = createCache({ complete: cdnTags() })

const item = route('/items/[slug]')
  .use(cache({ revalidate: 3600, cdn: 3600, tags: ({ params }) => [`item:${params['slug']}`] }))
  .get((_request, { params }) => {
    const price = prices.get(params.slug)
    return price === undefined ? reply.notFound() : { slug: params.slug, price }
  })
  .delete(async (_request, { params }) => {
    prices.delete(params.slug)
    await cache.revalidateTag(`item:${params.slug}`)
    // After byway's own cache, because the CDN sends its next request there.
    await invalidateByTag(`item:${params.slug}`)
  })

// Its own function, near the client.
const near = route('/near')
  .use(deploy({ runtime: 'edge' }))
  .get((request) => ({ city: geolocation(request).city ?? 'unknown' }))

export default router({ item, near }, { use: [vercel()] })
