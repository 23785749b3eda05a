import { route, router } from 'byway'
import { z } from 'zod'

const Item = z.object({ name: z.string(), price: z.number() })

const items = route('/items/[id]').post({ body: Item }, (request, { params, body }) => ({ id: params.id, ...body }))

export default router({ items }).fetch
