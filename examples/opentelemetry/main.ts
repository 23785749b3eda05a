// Prints each trace when it is complete: npx tsx examples/opentelemetry/main.ts
import { spans } from './tracing.js'
import { shop } from './app.js'

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
