import { route, router } from 'byway'
import * as reply from 'byway/reply'
import { z } from 'zod'

const Item = z.object({ name: z.string(), price: z.number() })

const items = route('/items/[id]').post({ body: Item, response: { 201: Item } }, (request, { params, body }) =>
  params.id === body.name ? reply.problem(409, { detail: 'The item exists.' }) : reply.json(body, { status: 201 }),
)

export default router({ items }).fetch
