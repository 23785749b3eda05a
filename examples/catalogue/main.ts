import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { serve, type Served } from 'byway/node'
import { database } from './database.js'
import { demo, type Server } from './demo.js'
import { startRedis } from './redis.js'

const secret = randomBytes(24).toString('base64')
const servers = new Map<string, Server>()
const listed = () => [...servers.values()].sort((one, other) => (one.name < other.name ? -1 : 1))
let isEnding = false
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => (isEnding = true))

/** A process of the app, which is started again should it end. Resolves once it serves. */
function start(name: string, env: NodeJS.ProcessEnv): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = fork(new URL('server.ts', import.meta.url), { env: { ...process.env, ...env, PROCESS: name } })
    const kill = () => child.kill()
    process.once('exit', kill)
    child.once('message', (url) => {
      servers.set(name, { name, pid: child.pid!, url: String(url) })
      resolve()
    })
    child.once('exit', (code, signal) => {
      process.removeListener('exit', kill)
      reject(new Error(`Process ${name} did not start.`))
      if (isEnding || !servers.delete(name)) return
      console.log(`  Process ${name} ended with ${signal ?? code}, and is started again.`)
      start(name, env).catch(fail)
    })
  })
}

function fail(error: Error): never {
  console.error(error.message)
  process.exit(1)
}

try {
  const redis = process.env['REDIS_URL'] || (await startRedis())
  const front = serve(
    demo({
      servers: listed,
      store: redis ? 'Redis' : 'memory',
      secret,
      countQueries: async () => Number(await (await database.fetch(new Request('http://localhost/queries'))).text()),
    }),
    // Only for this machine, because it signs every event.
    { hostname: '127.0.0.1' },
  )
  await front.ready.catch((error: Error) => {
    throw new Error(`${error.message}, or with PORT=3001 before the command`)
  })
  const data: Served = serve(database, { port: 0, hostname: '127.0.0.1' })
  await data.ready
  const env = { DATABASE_URL: data.url, WEBHOOK_SECRET: secret, ...(redis && { REDIS_URL: redis }) }
  // Without Redis, each process would have its own cache, which a webhook to another process does not reach.
  const names = redis ? ['A', 'B', 'C'] : ['A']
  await Promise.all(names.map((name) => start(name, env)))

  const up = listed()
    .map(({ name, pid }) => `${name} (${pid})`)
    .join(', ')
  console.log(`
  ${front.url} shows what the cache does. Or from a shell:

  curl -i ${front.url}/items/borage
  curl -i '${front.url}/items?currency=USD'
  curl -i -H 'authorization: Bearer ada' ${front.url}/me/wishes
  curl -X PATCH --json '{ "price": 2.6 }' -H 'authorization: Bearer ada' ${front.url}/items/borage

  ${
    redis
      ? `Processes ${up}, with ${redis}. Ctrl+C ends all of it.`
      : `One process, ${up}, with its cache in memory: there is no redis-server here (apt install redis-server,
  brew install redis), and REDIS_URL names none.`
  }
`)
} catch (error) {
  fail(error as Error)
}
