// What bench/cache compares: one JSON response of about 2 kB behind the cache of each peer, in that peer's best form. Each has a
// process of its own, and returns `fetch`, `serve`, and the reasons for the jobs that it cannot do.
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { loadByway } from '../byway.mjs'

export const item = JSON.parse(readFileSync(new URL('next/item.json', import.meta.url), 'utf8'))

const Search = z.object({ page: z.coerce.number().int().default(1) })
const host = { hostname: '127.0.0.1', port: 0 }

// BYWAY=folder takes another build of it, and BYWAY_BEFORE=folder compares with one more.
async function toByway(folder, isCached) {
  const { route, router, load } = await loadByway(folder)
  const { createCache, memoryStore } = isCached ? await load('byway/cache') : {}
  const cache = isCached ? createCache({ store: memoryStore({ maxBytes: 64 * 2 ** 20 }) }) : undefined
  const cached = (tags) => (isCached ? route.use(cache({ revalidate: 60, tags })) : route)
  const app = router({
    item: cached(['items'])('/api/item').get(() => item),
    one: cached(({ params }) => ['items', `item:${params.id}`])('/api/items/[id]').get(() => item),
    search: cached(['items'])('/api/search').get({ query: Search }, (_request, { query }) => ({ ...query, ...item })),
  })
  const serve = async () => {
    const { serve } = await load('byway/node')
    const server = serve(app, host)
    await server.ready
    return server.url
  }
  return { fetch: app.fetch, serve, lacks: isCached ? {} : { '304 by ETag': 'it makes no ETag' } }
}

// Its cache() needs the Cache API, which Node.js does not have. undici has a real one, which takes undici's Responses only.
// etag() is inside of the cache too, so the tag is stored and not computed for each request.
async function toHono({ caches, Response, isOnNode }) {
  Object.assign(globalThis, { caches, ...(Response && { Response }) })
  // Its host replaces the global Response.
  const { getRequestListener, serve } = await import('@hono/node-server')
  if (isOnNode) getRequestListener(() => {})
  const { Hono } = await import('hono')
  const { cache } = await import('hono/cache')
  const { etag } = await import('hono/etag')
  const { zValidator } = await import('@hono/zod-validator')
  const cached = (cacheName) => cache({ cacheName, cacheControl: 'max-age=60', wait: true })
  const app = new Hono()
  app.get('/api/item', cached('item'), (context) => context.json(item))
  app.get('/api/validated', etag(), cached('validated'), etag(), (context) => context.json(item))
  app.get('/api/items/:id', cached('items'), (context) => context.json(item))
  // The validator inside, where it runs for misses only: the key is the URL.
  app.get('/api/search', cached('search'), zValidator('query', Search), (context) =>
    context.json({ ...context.req.valid('query'), ...item }),
  )
  return {
    fetch: app.fetch,
    paths: { '304 by ETag': '/api/validated' },
    serve: () => new Promise((resolve) => serve({ fetch: app.fetch, ...host }, ({ port }) => resolve(toUrl(port)))),
    clear: () => caches.delete('items'),
    // Its etag() cancels the body that it does not send, and waits for that; undici's caches have split the stream in two, of
    // which the other is never canceled.
    lacks: Response ? { '304 by ETag': 'it never answers: etag() waits for a stream that undici has split' } : {},
  }
}

async function toHonoOfUndici(isOnNode) {
  const { caches, Response } = await import('undici')
  return toHono({ caches, Response, isOnNode })
}

// The least that its cache() needs: a Map with the stored parts, of which each match makes a Response.
function toMapCaches() {
  const all = new Map()
  return {
    async open(name) {
      if (!all.has(name)) all.set(name, new Map())
      const entries = all.get(name)
      return {
        async match(key) {
          const entry = entries.get(key)
          return entry && new Response(entry.body, entry.init)
        },
        async put(key, response) {
          const init = { status: response.status, headers: [...response.headers] }
          entries.set(key, { body: await response.text(), init })
        },
      }
    },
    delete: async (name) => all.delete(name),
  }
}

// With ocache as Nitro wires it: h3's own conditions, and srvx's Response, which makes a native one only when it is read.
async function toH3() {
  const { H3, getValidatedQuery, handleCacheHeaders, serve, toResponse, withCacheIsolation } = await import('h3')
  const { defineCachedHandler } = await import('ocache')
  const { FastResponse } = await import('srvx')
  const cached = (handler, options) =>
    withCacheIsolation(
      defineCachedHandler(handler, {
        maxAge: 60,
        swr: true,
        allowQuery: [],
        toResponse,
        handleCacheHeaders,
        createResponse: (body, init) => new FastResponse(body, init),
        ...options,
      }),
    )
  const app = new H3()
  const single = () => item
  app.get('/api/item', cached(single, { name: 'item' }))
  app.get('/api/items/:id', cached(single, { name: 'items' }))
  app.get(
    '/api/search',
    cached(async (event) => ({ ...(await getValidatedQuery(event, Search)), ...item }), {
      name: 'search',
      allowQuery: ['page'],
    }),
  )
  return {
    fetch: app.fetch,
    async serve() {
      const server = serve(app, { ...host, silent: true })
      await server.ready()
      return server.url.replace(/\/$/, '')
    },
  }
}

const toUrl = (port) => `http://127.0.0.1:${port}`

const before = process.env.BYWAY_BEFORE
export const apps = {
  byway: () => toByway(process.env.BYWAY, true),
  ...(before && { 'byway before': () => toByway(before, true) }),
  'Hono, undici’s caches': () => toHonoOfUndici(false),
  'Hono on Node, undici’s caches': () => toHonoOfUndici(true),
  'Hono on Node, a Map as caches': () => toHono({ caches: toMapCaches(), isOnNode: true }),
  'h3, ocache': toH3,
  'byway without a cache': () => toByway(process.env.BYWAY, false),
}
