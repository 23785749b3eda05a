import { route, router } from 'byway'
import { serve } from 'byway/node'

const hello = route('/hello/[name]').get((request, { params }) => ({ hello: params.name }))

const server = serve(router({ hello }), { hostname: '127.0.0.1', port: 0 })
await server.ready
console.log(server.url)
