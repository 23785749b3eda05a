import { createServer } from 'node:http'

const server = createServer((request, response) => {
  const [, , name] = request.url.split('/')
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ hello: name }))
})
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`))
