// What a client sees of an error, and how the errors of a domain become responses.
import { errorOf, middleware, route, router } from 'byway'
import * as reply from 'byway/reply'
import { z } from 'zod'

class NoSuchRow extends Error {}
class OutOfStock extends Error {
  readonly left: number
  constructor(left: number) {
    super('out of stock')
    this.left = left
  }
}

// The handlers below throw the errors of their domain, and this middleware maps them to responses.
const domainErrors = middleware(async (_request, _context, next) => {
  const response = await next()
  const error = errorOf(response)
  if (error instanceof NoSuchRow) return reply.notFound()
  if (error instanceof OutOfStock)
    return reply.problem(409, { type: 'https://shop.example/out-of-stock', left: error.left })
  return response
})

const order = route('/orders/[sku]')
  .use(domainErrors)
  .post({ body: z.object({ count: z.number().int().min(1) }) }, (_request, { params, body }) => {
    if (params.sku === 'unknown') throw new NoSuchRow()
    if (params.sku === 'bug') throw new Error('connect ECONNREFUSED 10.0.0.7:5432')
    if (body.count > 3) throw new OutOfStock(3)
    return { sku: params.sku, count: body.count }
  })

const app = router(
  { order },
  // Called once for each error that no middleware has mapped. The client gets no details.
  { onError: (error, { pattern, phase }) => console.log(`onError: ${pattern}, ${phase}: ${(error as Error).message}`) },
)

for (const [path, body] of [
  ['/orders/tea', '{ "count": 2 }'],
  ['/orders/tea', '{ "count": 9 }'],
  ['/orders/tea', '{ "count": "2" }'],
  ['/orders/tea', '{ "count": '],
  ['/orders/unknown', '{ "count": 1 }'],
  ['/orders/bug', '{ "count": 1 }'],
  ['/nowhere', '{}'],
] as const) {
  const headers = { 'content-type': 'application/json' }
  const response = await app.fetch(new Request(`http://localhost${path}`, { method: 'POST', headers, body }))
  console.log(response.status, await response.text())
}
