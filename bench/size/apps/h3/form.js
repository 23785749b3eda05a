import { H3, readValidatedBody } from 'h3'
import { z } from 'zod'

const Note = z.object({ name: z.string(), price: z.coerce.number() })

const app = new H3()
app.post('/notes/:id', async (event) => ({
  id: event.context.params.id,
  ...(await readValidatedBody(event, Note, { type: 'formData' })),
}))

export default app.fetch
