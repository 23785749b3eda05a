import fastify from 'fastify'

const app = fastify()
app.get('/hello/:name', async ({ params }) => ({ hello: params.name }))

export default app
