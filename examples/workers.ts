// A module for Cloudflare Workers, Deno or Bun is a router: it has the `fetch` that they call.
import { pathToFileURL } from 'node:url'
import { route, router } from 'byway'
import * as reply from 'byway/reply'

/** What the platform binds, here two of Cloudflare's. */
interface Env {
  readonly GREETING: string
  readonly VISITS: { get(key: string): Promise<string | null>; put(key: string, value: string): Promise<void> }
}

const bound = route.env<Env>()

const visit = bound('/visits/[name]').get(async (_request, { params, env, after }) => {
  const count = Number((await env.VISITS.get(params.name)) ?? 0) + 1
  after(() => env.VISITS.put(params.name, String(count))) // after the response is sent; `ctx.waitUntil` keeps the worker alive
  return reply.text(`${env.GREETING} ${params.name}, visit ${count}`)
})

const app = router({ visit })
export default app // `wrangler deploy`, `deno serve`, `bun run`: nothing else is needed

// Called as Workers calls it: (request, env, ctx).
if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const stored = new Map<string, string>()
  const env: Env = {
    GREETING: 'Welcome',
    VISITS: { get: async (key) => stored.get(key) ?? null, put: async (key, value) => void stored.set(key, value) },
  }
  for (let visits = 0; visits < 2; visits++) {
    const work: Promise<unknown>[] = []
    const ctx = { waitUntil: (promise: Promise<unknown>) => void work.push(promise) }
    const response = await app.fetch(new Request('http://localhost/visits/Ada'), env, ctx)
    console.log(await response.text())
    await Promise.all(work)
  }
}
