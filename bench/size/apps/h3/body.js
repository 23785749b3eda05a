import { H3, readValidatedBody } from 'h3'
import { z } from 'zod'

const Item = z.object({ name: z.string(), price: z.number() })

const app = new H3()
app.post('/items/:id', async (event) => ({ id: event.context.params.id, ...(await readValidatedBody(event, Item)) }))

export default app.fetch
