import { AutoRouter } from 'itty-router'
import { z } from 'zod'

const Item = z.object({ name: z.string(), price: z.number() })

const app = AutoRouter()
app.post('/items/:id', async (request) => ({ id: request.params.id, ...Item.parse(await request.json()) }))

export default app.fetch
