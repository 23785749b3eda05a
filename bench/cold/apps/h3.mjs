import { H3, serve } from 'h3'

const app = new H3()
app.get('/hello/:name', ({ context: { params } }) => ({ hello: params.name }))

const server = serve(app, { hostname: '127.0.0.1', port: 0, silent: true })
await server.ready()
console.log(server.url)
