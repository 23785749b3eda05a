import { serve } from 'byway/node'
import app from './app.js'

// One of the processes that main.ts starts. A cache key has the origin, so the proxy in front must pass the client's host.
// Otherwise each process would have entries of its own.
const server = serve(app, { port: 0, hostname: '127.0.0.1', trustProxy: 1 })
await server.ready
process.send?.(server.url)
process.once('disconnect', () => void server.close().then(() => process.exit()))
