import { serve } from 'byway/node'
import app from './app.js'

// One of the processes that main.ts starts. A cache's key holds the origin, so the host that the client named must
// come through what stands before: else each process would keep answers of its own.
const server = serve(app, { port: 0, hostname: '127.0.0.1', trustProxy: 1 })
await server.ready
process.send?.(server.url)
process.once('disconnect', () => void server.close().then(() => process.exit()))
