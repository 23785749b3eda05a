import { Hono } from 'hono/tiny'

const app = new Hono()
app.get('/hello/:name', (context) => context.json({ hello: context.req.param('name') }))

export default app.fetch
