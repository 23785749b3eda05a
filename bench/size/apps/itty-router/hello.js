import { AutoRouter } from 'itty-router'

const app = AutoRouter()
app.get('/hello/:name', ({ params }) => ({ hello: params.name }))

export default app.fetch
