import { createCache, redisStore } from 'byway/cache'
import { createClient } from 'redis'

const url = process.env['REDIS_URL']

/** The app's cache: in Redis, for all processes that share it, or in the memory of this process. */
export const cache = createCache({ namespace: 'catalogue', ...(url && { store: redisStore(await connect(url)) }) })

function connect(url: string) {
  const client = createClient({
    url,
    // If Redis is down, a request is a miss immediately.
    disableOfflineQueue: true,
    pingInterval: 2_000,
    socket: { socketTimeout: 5_000, reconnectStrategy: (tries) => Math.min(tries * 100, 2_000) },
  })
  return client.connect()
}
