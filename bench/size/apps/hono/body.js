import { zValidator } from '@hono/zod-validator'
import { Hono } from 'hono'
import { z } from 'zod'

const Item = z.object({ name: z.string(), price: z.number() })

const app = new Hono()
app.post('/items/:id', zValidator('json', Item), (context) =>
  context.json({ id: context.req.param('id'), ...context.req.valid('json') }),
)

export default app.fetch
