import { form, route, router } from 'byway'
import { z } from 'zod'

const Note = z.object({ name: z.string(), price: z.coerce.number() })

const notes = route('/notes/[id]').post({ body: form(Note) }, (request, { params, body }) => ({
  id: params.id,
  ...body,
}))

export default router({ notes }).fetch
