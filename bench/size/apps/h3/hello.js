import { H3 } from 'h3'

const app = new H3()
app.get('/hello/:name', ({ context: { params } }) => ({ hello: params.name }))

export default app.fetch
