import { createHmac, randomUUID } from 'node:crypto'
import { route, router } from 'byway'
import * as reply from 'byway/reply'
import { z } from 'zod'
import { toPage } from './page.js'

/** A process that serves the app. */
export interface Server {
  readonly name: string
  readonly pid: number
  readonly url: string
}

export interface DemoOptions {
  /** The processes that run. */
  readonly servers: () => readonly Server[]
  readonly store: 'Redis' | 'memory'
  /** The secret that signs webhooks, in base64. */
  readonly secret: string
  /** The number of queries that the database has received. */
  readonly countQueries: () => Promise<number>
}

/** The page, the sender of webhooks, and the load balancer of the processes. The catalogue is in app.ts. */
export function demo({ servers, store, secret, countQueries }: DemoOptions) {
  let turn = 0
  // In turn, unless the page selects a process.
  const choose = (name?: string | null): Server => {
    const up = servers()
    const server = name ? up.find((one) => one.name === name) : up[turn++ % up.length]
    if (!server) throw reply.problem(503, { detail: `Process ${name ?? 'A'} is not up.` })
    return server
  }
  const forward = (request: Request, url: URL, signal: AbortSignal) =>
    reply.proxy(request, choose(request.headers.get('x-process')).url + url.pathname + url.search, {
      signal,
      forward: ['authorization', 'webhook-id', 'webhook-timestamp', 'webhook-signature'],
      headers: toForwarded(url),
    })

  const state = route('/demo/state').get(async () => ({
    store,
    servers: servers().map(({ name, pid }) => ({ name, pid })),
    queries: await countQueries(),
  }))

  // The other system that edits the catalogue: it sends an event, signed by Standard Webhooks, to the next process.
  const webhook = route('/demo/webhook').post(
    { body: z.object({ tag: z.string().max(200), profile: z.literal('max').optional() }) },
    async (_request, { url, body }) => {
      const text = JSON.stringify({ tags: [body.tag], profile: body.profile })
      const { name, url: target } = choose()
      const headers = { ...sign(text, secret), ...toForwarded(url), 'content-type': 'application/json' }
      const answer = await fetch(`${target}/hooks/catalogue`, { method: 'POST', headers, body: text })
      return { server: name, status: answer.status }
    },
  )

  // A browser has at most six connections, so many concurrent clients are simulated here.
  const burst = route('/demo/burst').post(
    { body: z.object({ path: z.string().regex(/^\/(?:items|me)[\w/?=-]*$/), authorization: z.string().optional() }) },
    async (_request, { url, body: { path, authorization } }) => {
      const headers = { ...toForwarded(url), ...(authorization && { authorization }) }
      choose()
      const up = servers()
      const before = await countQueries()
      const started = performance.now()
      const answers = await Promise.all(
        Array.from({ length: 300 }, async (_, index) => {
          const { name, url } = up[index % up.length]!
          const answer = await fetch(url + path, { headers })
          const { made } = (await answer.json()) as { made?: { copy: number } }
          return { server: name, outcome: toOutcome(answer), copy: made?.copy }
        }),
      )
      const milliseconds = Math.round(performance.now() - started)
      return { answers, milliseconds, queries: (await countQueries()) - before }
    },
  )

  const rest = route('/[...path]')
    .get((request, { url, signal }) => forward(request, url, signal))
    .post((request, { url, signal }) => forward(request, url, signal))
    .patch((request, { url, signal }) => forward(request, url, signal))

  return router({ page: toPage(new URL('page.html', import.meta.url)), state, webhook, burst, rest })
}

const toForwarded = ({ host, protocol }: URL) => ({
  'x-forwarded-host': host,
  'x-forwarded-proto': protocol.slice(0, -1),
})

/** https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md */
function sign(text: string, secret: string) {
  const id = `msg_${randomUUID()}`
  const time = String(Math.floor(Date.now() / 1_000))
  const code = createHmac('sha256', Buffer.from(secret, 'base64')).update(`${id}.${time}.${text}`).digest('base64')
  return { 'webhook-id': id, 'webhook-timestamp': time, 'webhook-signature': `v1,${code}` }
}

/** What `Cache-Status` says was done: the handler ran, the request waited for another one's run, or neither. */
function toOutcome({ ok, headers }: Response): 'ran' | 'waited' | 'hit' | 'failed' {
  const status = headers.get('cache-status') ?? ''
  if (!ok) return 'failed'
  return /; collapsed/.test(status) ? 'waited' : /; hit/.test(status) ? 'hit' : 'ran'
}
