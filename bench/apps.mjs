// What bench/dispatch compares: the same API in each peer's best form. Each returns `fetch`, and the reasons for the jobs that it
// cannot do. Their responses have the same status, media type and body, except for the body of the 404.
import { zValidator } from '@hono/zod-validator'
import { OpenAPIHandler } from '@orpc/openapi/fetch'
import { os, withEventMeta } from '@orpc/server'
import { getCookie as getORPCCookie, setCookie as setORPCCookie } from '@orpc/server/helpers'
import { RequestHeadersPlugin, ResponseHeadersPlugin } from '@orpc/server/plugins'
import { Elysia, sse as toElysiaEvent } from 'elysia'
import { createEventStream, getCookie, getValidatedQuery, H3, readValidatedBody, setCookie } from 'h3'
import { Hono } from 'hono'
import { getCookie as getHonoCookie, setCookie as setHonoCookie } from 'hono/cookie'
import { streamSSE } from 'hono/streaming'
import { build } from 'esbuild'
import { error, IttyRouter, json, text, withCookies } from 'itty-router'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { z } from 'zod'
import { loadByway } from './byway.mjs'

const Search = z.object({ q: z.string().min(1), page: z.coerce.number().int().default(1) })
const Item = z.object({ name: z.string(), price: z.number(), tags: z.array(z.string()) })

const Note = z.object({ name: z.string().min(1), price: z.coerce.number(), text: z.string() })
const Photo = z.object({ alt: z.string(), photo: z.file() })

const origin = 'http://localhost:3000'
const item = JSON.stringify({ name: 'A lamp', price: 19.5, tags: ['light', 'home'] })

const note = String(new URLSearchParams({ name: 'A lamp', price: '19.5', text: 'It is bright, & a bit loud.' }))

const boundary = '----bench4711'
const photo = [
  `--${boundary}\r\nContent-Disposition: form-data; name="alt"\r\n\r\nA lamp\r\n`,
  `--${boundary}\r\nContent-Disposition: form-data; name="photo"; filename="lamp.txt"\r\nContent-Type: text/plain\r\n\r\n`,
  `${'light '.repeat(200)}\r\n--${boundary}--\r\n`,
].join('')
const toPhotoJson = ({ alt, photo }) => ({ alt, name: photo.name, size: photo.size })

const ticks = Array.from({ length: 10 }, (_, index) => ({ price: 100 + index, symbol: 'LAMP' }))

/** `request` makes a new Request for each turn. What `streams` is always read, and its events are compared. */
export const jobs = {
  text: { request: () => new Request(`${origin}/text`) },
  'params, JSON': { request: (turn) => new Request(`${origin}/users/${turn}/posts/first`) },
  'query, zod': { request: (turn) => new Request(`${origin}/search?q=lamp&page=${turn}`) },
  'JSON body, zod': {
    request: () =>
      new Request(`${origin}/items`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: item }),
  },
  'five middlewares': { request: () => new Request(`${origin}/five`) },
  'cookie in and out': {
    request: () => new Request(`${origin}/visits`, { headers: { cookie: 'theme=dark; visits=41' } }),
  },
  'form, zod': {
    request: () =>
      new Request(`${origin}/notes`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: note,
      }),
  },
  'form with a file, zod': {
    request: () =>
      new Request(`${origin}/photos`, {
        method: 'POST',
        headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
        body: photo,
      }),
  },
  'ten events': { streams: true, request: () => new Request(`${origin}/ticks`) },
  'not found': { request: (turn) => new Request(`${origin}/nothing/${turn}`) },
}

const cookieOptions = { path: '/', httpOnly: true, secure: true, sameSite: 'lax' }

async function toByway(dist) {
  const { route, router, reply, middleware, form, load } = await loadByway(dist)
  const { cookies } = await load('byway/middleware')
  const routes = {
    text: route('/text').get(() => reply.text('hello')),
    post: route('/users/[user]/posts/[post]').get((_request, { params: { user, post } }) => ({ user, post })),
    search: route('/search').get({ query: Search }, (_request, { query }) => query),
    items: route('/items').post({ body: Item }, (_request, { body }) => body),
    five: route('/five')
      .use(middleware((_request, _context, next) => next({ a: 1 })))
      .use(middleware((_request, _context, next) => next({ b: 2 })))
      .use(middleware((_request, _context, next) => next({ c: 3 })))
      .use(middleware((_request, _context, next) => next({ d: 4 })))
      .use(middleware((_request, _context, next) => next({ e: 5 })))
      .get((_request, { a, b, c, d, e }) => ({ sum: a + b + c + d + e })),
    notes: route('/notes').post({ body: form(Note) }, (_request, { body }) => body),
    photos: route('/photos').post({ body: form(Photo) }, (_request, { body }) => toPhotoJson(body)),
    ticks: route('/ticks').get(() => reply.sse(toEvents())),
    visits: route('/visits')
      .use(cookies())
      .get((_request, { cookies }) => {
        const visits = Number(cookies.get('visits')?.value ?? 0) + 1
        cookies.set('visits', String(visits))
        return { visits }
      }),
  }
  async function* toEvents() {
    let id = 0
    for (const data of ticks) yield { id: String(id++), data }
  }
  return { fetch: router(routes).fetch }
}

function toHono({ Hono, zValidator, getCookie, setCookie, streamSSE }) {
  const app = new Hono()
  const five = [
    (context, next) => {
      context.set('a', 1)
      return next()
    },
    (context, next) => {
      context.set('b', 2)
      return next()
    },
    (context, next) => {
      context.set('c', 3)
      return next()
    },
    (context, next) => {
      context.set('d', 4)
      return next()
    },
    (context, next) => {
      context.set('e', 5)
      return next()
    },
  ]
  app.get('/text', (context) => context.text('hello'))
  app.get('/users/:user/posts/:post', (context) => {
    const { user, post } = context.req.param()
    return context.json({ user, post })
  })
  app.get('/search', zValidator('query', Search), (context) => context.json(context.req.valid('query')))
  app.post('/items', zValidator('json', Item), (context) => context.json(context.req.valid('json')))
  app.post('/notes', zValidator('form', Note), (context) => context.json(context.req.valid('form')))
  app.post('/photos', zValidator('form', Photo), (context) => context.json(toPhotoJson(context.req.valid('form'))))
  app.get('/ticks', (context) =>
    streamSSE(context, async (stream) => {
      let id = 0
      for (const data of ticks) await stream.writeSSE({ id: String(id++), data: JSON.stringify(data) })
    }),
  )
  app.get('/five', ...five, (context) => {
    const { a, b, c, d, e } = context.var
    return context.json({ sum: a + b + c + d + e })
  })
  app.get('/visits', (context) => {
    const visits = Number(getCookie(context, 'visits') ?? 0) + 1
    setCookie(context, 'visits', String(visits), { ...cookieOptions, sameSite: 'Lax' })
    return context.json({ visits })
  })
  return { fetch: app.fetch }
}

const native = { Hono, zValidator, getCookie: getHonoCookie, setCookie: setHonoCookie, streamSSE }

// On Node, Hono's own host puts a Response of its own in the place of the global one. Here it puts it in the place of what
// is the global one to Hono only: replaced for all, it would slow down everybody else.
async function toHonoOnNode() {
  const { outputFiles } = await build({
    stdin: {
      contents: `export { getRequestListener } from '@hono/node-server'
        export { zValidator } from '@hono/zod-validator'
        export { Hono } from 'hono'
        export { getCookie, setCookie } from 'hono/cookie'
        export { streamSSE } from 'hono/streaming'`,
      resolveDir: import.meta.dirname ?? '.',
    },
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    external: ['zod'],
    banner: { js: 'const host = Object.create(globalThis)' },
    define: { global: 'host', globalThis: 'host', Request: 'host.Request', Response: 'host.Response' },
  })
  const file = new URL(`node_modules/.cache/hono-on-node-${process.pid}.mjs`, import.meta.url)
  mkdirSync(new URL('.', file), { recursive: true })
  writeFileSync(file, outputFiles[0].text)
  const { getRequestListener, ...kit } = await import(file.href)
  rmSync(file)
  getRequestListener(() => new Response())
  return toHono(kit)
}

// Ahead of time compilation is its default.
function toElysia() {
  const app = new Elysia()
    .get('/text', () => 'hello')
    .get('/users/:user/posts/:post', ({ params: { user, post } }) => ({ user, post }))
    .get('/search', ({ query }) => query, { query: Search })
    .post('/items', ({ body }) => body, { body: Item })
    .post('/notes', ({ body }) => body, { body: Note, parse: 'urlencoded' })
    .post('/photos', ({ body }) => toPhotoJson(body), { body: Photo, parse: 'formdata' })
    .get('/ticks', async function* () {
      let id = 0
      for (const data of ticks) yield toElysiaEvent({ id: id++, data })
    })
    .get('/visits', ({ cookie: { visits } }) => {
      const count = Number(visits.value ?? 0) + 1
      visits.set({ value: String(count), ...cookieOptions })
      return { visits: count }
    })
    .derive(() => ({ a: 1 }))
    .derive(() => ({ b: 2 }))
    .derive(() => ({ c: 3 }))
    .derive(() => ({ d: 4 }))
    .derive(() => ({ e: 5 }))
    .get('/five', ({ a, b, c, d, e }) => ({ sum: a + b + c + d + e }))
    .compile()
  return { fetch: app.handle }
}

function toH3() {
  const app = new H3()
  const five = [
    (event, next) => {
      event.context.a = 1
      return next()
    },
    (event, next) => {
      event.context.b = 2
      return next()
    },
    (event, next) => {
      event.context.c = 3
      return next()
    },
    (event, next) => {
      event.context.d = 4
      return next()
    },
    (event, next) => {
      event.context.e = 5
      return next()
    },
  ]
  app.get('/text', (event) => {
    event.res.headers.set('content-type', 'text/plain;charset=UTF-8')
    return 'hello'
  })
  app.get('/users/:user/posts/:post', ({ context: { params } }) => ({ user: params.user, post: params.post }))
  app.get('/search', (event) => getValidatedQuery(event, Search))
  app.post('/items', (event) => readValidatedBody(event, Item))
  app.post('/notes', (event) => readValidatedBody(event, Note))
  app.post('/photos', async (event) => toPhotoJson(await readValidatedBody(event, Photo, { type: 'formData' })))
  app.get('/ticks', (event) => {
    const stream = createEventStream(event)
    const push = async () => {
      let id = 0
      for (const data of ticks) await stream.push({ id: String(id++), data: JSON.stringify(data) })
      await stream.close()
    }
    void push()
    return stream
  })
  app.get('/five', ({ context: { a, b, c, d, e } }) => ({ sum: a + b + c + d + e }), { middleware: five })
  app.get('/visits', (event) => {
    const visits = Number(getCookie(event, 'visits') ?? 0) + 1
    setCookie(event, 'visits', String(visits), cookieOptions)
    return { visits }
  })
  return { fetch: app.fetch }
}

function toItty() {
  const five = [
    (request) => {
      request.a = 1
    },
    (request) => {
      request.b = 2
    },
    (request) => {
      request.c = 3
    },
    (request) => {
      request.d = 4
    },
    (request) => {
      request.e = 5
    },
  ]
  const app = IttyRouter()
    .get('/text', () => text('hello'))
    .get('/users/:user/posts/:post', ({ params: { user, post } }) => json({ user, post }))
    .get('/search', ({ query }) => json(Search.parse(query)))
    .post('/items', async (request) => json(Item.parse(await request.json())))
    .post('/notes', async (request) => json(Note.parse(Object.fromEntries(await request.formData()))))
    .post('/photos', async (request) => json(toPhotoJson(Photo.parse(Object.fromEntries(await request.formData())))))
    .get('/five', ...five, ({ a, b, c, d, e }) => json({ sum: a + b + c + d + e }))
    .get('/visits', withCookies, ({ cookies }) => {
      const visits = Number(cookies.visits ?? 0) + 1
      return json({ visits }, { headers: { 'set-cookie': `visits=${visits}; Path=/; HttpOnly; Secure; SameSite=Lax` } })
    })
    .all('*', () => error(404))
  return { fetch: app.fetch, lacks: { 'ten events': 'it has no helper for them' } }
}

// The OpenAPI handler, because it is the one that serves these URLs; the RPC handler has a protocol of its own.
function toORPC() {
  const router = {
    post: os
      .route({ method: 'GET', path: '/users/{user}/posts/{post}' })
      .input(z.object({ user: z.string(), post: z.string() }))
      .handler(({ input }) => input),
    search: os
      .route({ method: 'GET', path: '/search' })
      .input(Search)
      .handler(({ input }) => input),
    items: os
      .route({ method: 'POST', path: '/items' })
      .input(Item)
      .handler(({ input }) => input),
    notes: os
      .route({ method: 'POST', path: '/notes' })
      .input(Note)
      .handler(({ input }) => input),
    photos: os
      .route({ method: 'POST', path: '/photos' })
      .input(Photo)
      .handler(({ input }) => toPhotoJson(input)),
    ticks: os.route({ method: 'GET', path: '/ticks' }).handler(async function* () {
      let id = 0
      for (const data of ticks) yield withEventMeta(data, { id: String(id++) })
    }),
    five: os
      .use(({ next }) => next({ context: { a: 1 } }))
      .use(({ next }) => next({ context: { b: 2 } }))
      .use(({ next }) => next({ context: { c: 3 } }))
      .use(({ next }) => next({ context: { d: 4 } }))
      .use(({ next }) => next({ context: { e: 5 } }))
      .route({ method: 'GET', path: '/five' })
      .handler(({ context: { a, b, c, d, e } }) => ({ sum: a + b + c + d + e })),
  }
  const handler = new OpenAPIHandler(router)
  const cookieHandler = new OpenAPIHandler(
    {
      visits: os.route({ method: 'GET', path: '/visits' }).handler(({ context }) => {
        const visits = Number(getORPCCookie(context.reqHeaders, 'visits') ?? 0) + 1
        setORPCCookie(context.resHeaders, 'visits', String(visits), cookieOptions)
        return { visits }
      }),
    },
    { plugins: [new RequestHeadersPlugin(), new ResponseHeadersPlugin()] },
  )
  const toFetch = (handler) => async (request) => {
    const { matched, response } = await handler.handle(request, { context: {} })
    return matched ? response : new Response('Not found', { status: 404 })
  }
  return {
    fetch: toFetch(handler),
    // With its plugins for headers, which the other jobs do not pay for.
    fetchFor: { 'cookie in and out': toFetch(cookieHandler) },
    lacks: { text: 'it answers JSON only' },
  }
}

// What somebody would write by hand: one function, the platform's URL, and Responses.
function toHandWritten() {
  const toJson = (value, headers = {}) =>
    new Response(JSON.stringify(value), { headers: { 'content-type': 'application/json', ...headers } })
  const five = [
    (context) => {
      context.a = 1
    },
    (context) => {
      context.b = 2
    },
    (context) => {
      context.c = 3
    },
    (context) => {
      context.d = 4
    },
    (context) => {
      context.e = 5
    },
  ]
  const encoder = new TextEncoder()
  const toTicks = () => {
    let id = 0
    const body = new ReadableStream({
      pull(controller) {
        if (id === ticks.length) return controller.close()
        controller.enqueue(encoder.encode(`id: ${id}\ndata: ${JSON.stringify(ticks[id])}\n\n`))
        id++
      },
    })
    return new Response(body, { headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' } })
  }
  const fetch = async (request) => {
    const { pathname, searchParams } = new URL(request.url)
    const parts = pathname.split('/')
    if (request.method === 'GET') {
      if (pathname === '/text') return new Response('hello')
      if (pathname === '/search') return toJson(Search.parse(Object.fromEntries(searchParams)))
      if (pathname === '/five') {
        const context = {}
        for (const layer of five) layer(context)
        return toJson({ sum: context.a + context.b + context.c + context.d + context.e })
      }
      if (pathname === '/visits') {
        const cookies = new Map(
          (request.headers.get('cookie') ?? '').split('; ').map((pair) => {
            const at = pair.indexOf('=')
            return [pair.slice(0, at), pair.slice(at + 1)]
          }),
        )
        const visits = Number(cookies.get('visits') ?? 0) + 1
        return toJson({ visits }, { 'set-cookie': `visits=${visits}; Path=/; HttpOnly; Secure; SameSite=Lax` })
      }
      if (parts.length === 5 && parts[1] === 'users' && parts[3] === 'posts')
        return toJson({ user: decodeURIComponent(parts[2]), post: decodeURIComponent(parts[4]) })
      if (pathname === '/ticks') return toTicks()
    } else if (request.method === 'POST') {
      if (pathname === '/items') return toJson(Item.parse(await request.json()))
      if (pathname === '/notes')
        return toJson(Note.parse(Object.fromEntries(new URLSearchParams(await request.text()))))
      if (pathname === '/photos') return toJson(toPhotoJson(Photo.parse(Object.fromEntries(await request.formData()))))
    }
    return new Response('Not found', { status: 404 })
  }
  return { fetch }
}

const before = process.env.BYWAY_BEFORE
const isBun = Boolean(process.versions.bun)
export const apps = {
  byway: await toByway(process.env.BYWAY),
  ...(before && { 'byway before': await toByway(before) }),
  Hono: toHono(native),
  ...(!isBun && { 'Hono, node-server’s Response': await toHonoOnNode() }),
  Elysia: toElysia(),
  h3: toH3(),
  'itty-router': toItty(),
  oRPC: toORPC(),
  'by hand': toHandWritten(),
}
