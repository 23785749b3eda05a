// Two services with one trace.
import { route, router } from 'byway'
import { createClient } from 'byway/client'
import { otel, traceHeaders } from 'byway/otel'
import * as reply from 'byway/reply'

// The service of prices.
const price = route('/prices/[slug]').get((_request, { params }) =>
  params.slug === 'tea' ? { price: 4 } : reply.notFound(),
)
export const prices = router({ price }, { use: [otel()] })

// The shop, which asks it. `traceHeaders` continues the trace.
const api = createClient<typeof prices>({ fetch: prices.fetch, headers: traceHeaders })
const item = route('/items/[slug]').get(async (_request, { params }) => {
  const { data } = await api('/prices/[slug]').get({ params })
  return data ? { slug: params.slug, ...data } : reply.notFound()
})
export const shop = router({ item }, { use: [otel()] })
