import { zValidator } from '@hono/zod-validator'
import { Hono } from 'hono'
import { z } from 'zod'

const Note = z.object({ name: z.string(), price: z.coerce.number() })

const app = new Hono()
app.post('/notes/:id', zValidator('form', Note), (context) =>
  context.json({ id: context.req.param('id'), ...context.req.valid('form') }),
)

export default app.fetch
