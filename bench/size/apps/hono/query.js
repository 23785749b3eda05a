import { zValidator } from '@hono/zod-validator'
import { Hono } from 'hono'
import { z } from 'zod'

const Search = z.object({ q: z.string(), page: z.coerce.number().default(1), tag: z.array(z.string()).default([]) })

const app = new Hono()
app.get('/hello/:name', zValidator('query', Search), (context) =>
  context.json({ hello: context.req.param('name'), ...context.req.valid('query') }),
)

export default app.fetch
