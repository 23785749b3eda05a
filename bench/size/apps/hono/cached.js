import { Hono } from 'hono'
import { cache } from 'hono/cache'

const app = new Hono()
app.get('/hello/:name', cache({ cacheName: 'hello', cacheControl: 'max-age=60' }), (context) =>
  context.json({ hello: context.req.param('name') }),
)

export default app.fetch
