// SECRET=$(openssl rand -base64 32) npm start
import { serve } from 'byway/node'
import { createApp } from './app.js'
import { Rooms } from './rooms.js'
import { createSockets } from './sockets.js'

const { SECRET } = process.env
if (!SECRET) throw new Error('set SECRET to the output of `openssl rand -base64 32`')

const rooms = new Rooms()
const app = createApp(rooms, SECRET)
const sockets = createSockets(app, rooms)

const served = serve(app, { signals: false }) // on PORT, or 3000
served.server.on('upgrade', (request, socket, head) => void sockets.handleUpgrade(request, socket, head))
await served.ready
console.log(served.url)

for (const signal of ['SIGTERM', 'SIGINT'])
  process.once(signal, async () => {
    // 1001: the server is going away. The server waits for its sockets.
    sockets.closeAll(1001)
    await served.close()
  })
