// DATABASE_URL=postgres://… npm start, or without it a file of SQLite.
import { serve } from 'byway/node'
import { createApp } from './app.js'
import { openDatabase } from './database.js'

const database = await openDatabase(process.env.DATABASE_URL ?? 'file:blog.db')
const server = serve(createApp(database), { signals: false }) // on PORT, or 3000
await server.ready
console.log(server.url)

// The database closes after the last response.
for (const signal of ['SIGTERM', 'SIGINT'])
  process.once(signal, async () => {
    await server.close()
    await database.close()
  })
