// npm start, for a storage in a folder of this machine, or with a storage of your own:
// S3_ENDPOINT=https://s3.eu-central-1.amazonaws.com S3_REGION=eu-central-1 S3_BUCKET=… S3_ACCESS_KEY_ID=…
// S3_SECRET_ACCESS_KEY=… TOKENS=… npm start
import { serve } from 'byway/node'
import { createApp } from './app.js'
import { Files } from './files.js'
import { Storage } from './storage.js'

const env = (name: string): string => {
  const value = process.env[name]
  if (!value) throw new Error(`set ${name}, or unset S3_ENDPOINT for a storage on this machine`)
  return value
}

const { S3_ENDPOINT, S3_FOLDER = 'bucket' } = process.env
const local = S3_ENDPOINT ? undefined : await (await import('./local-s3.js')).startLocalS3(S3_FOLDER)
const storage = new Storage(
  local ?? {
    endpoint: env('S3_ENDPOINT'),
    bucket: env('S3_BUCKET'),
    region: env('S3_REGION'),
    accessKeyId: env('S3_ACCESS_KEY_ID'),
    secretAccessKey: env('S3_SECRET_ACCESS_KEY'),
  },
)

// Tokens and their users: `<token>:<user>,…`. An app has a table of sessions.
const tokens = local && !process.env.TOKENS ? 'ada:ada,bob:bob' : env('TOKENS')
const users = new Map(tokens.split(',').map((pair) => pair.split(':') as [string, string]))

const app = createApp({ storage, files: new Files(), findUser: (token) => users.get(token) })
const server = serve(app, { signals: false }) // on PORT, or 3000
await server.ready
console.log(server.url)

for (const signal of ['SIGTERM', 'SIGINT'])
  process.once(signal, async () => {
    await server.close()
    await local?.close()
  })
