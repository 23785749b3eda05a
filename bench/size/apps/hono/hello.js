import { Hono } from 'hono'

const app = new Hono()
app.get('/hello/:name', (context) => context.json({ hello: context.req.param('name') }))

export default app.fetch
