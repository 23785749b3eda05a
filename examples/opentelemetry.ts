// One trace for two services, printed when it is complete: npx tsx examples/opentelemetry.ts
import { context, propagation, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { route, router } from 'byway'
import { createClient } from 'byway/client'
import { otel, traceHeaders } from 'byway/otel'
import * as reply from 'byway/reply'

// In an app: `NodeSDK` from @opentelemetry/sdk-node with an OTLP exporter, in a file that runs before the app.
const spans = new InMemorySpanExporter()
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
propagation.setGlobalPropagator(new W3CTraceContextPropagator())
trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }))

// The service of prices.
const price = route('/prices/[slug]').get((_request, { params }) =>
  params.slug === 'tea' ? { price: 4 } : reply.notFound(),
)
const prices = router({ price }, { use: [otel()] })

// The shop, which asks it. `traceHeaders` continues the trace.
const api = createClient<typeof prices>({ fetch: prices.fetch, headers: traceHeaders })
const item = route('/items/[slug]').get(async (_request, { params }) => {
  const { data } = await api('/prices/[slug]').get({ params })
  return data ? { slug: params.slug, ...data } : reply.notFound()
})
const shop = router({ item }, { use: [otel()] })

for (const path of ['/items/tea', '/items/salt']) {
  spans.reset()
  const response = await shop.fetch(new Request(`http://shop.example${path}`))
  await response.text()
  await shop.settled()
  const all = spans.getFinishedSpans().toReversed()
  const [root] = all
  for (const span of all) {
    const isSame = span.spanContext().traceId === root!.spanContext().traceId
    console.log(
      `${span === root ? '' : '  '}${span.name} ${span.attributes['http.response.status_code']}${isSame ? '' : ' in another trace'}`,
    )
  }
}
