import { Elysia } from 'elysia'

const app = new Elysia()
app.get('/hello/:name', ({ params }) => ({ hello: params.name }))

export default app.fetch
