import { AutoRouter } from 'itty-router'
import { z } from 'zod'

const Note = z.object({ name: z.string(), price: z.coerce.number() })

const app = AutoRouter()
app.post('/notes/:id', async (request) => ({
  id: request.params.id,
  ...Note.parse(Object.fromEntries(await request.formData())),
}))

export default app.fetch
