// Servers that respond to the same requests: `GET /text`, `GET /users/[user]/posts/[post]`, `POST /items`, and some also to
// `GET /stack/[id]`. Each contender listens, and resolves to its server.
import { z } from 'zod'
import { loadByway } from '../byway.mjs'

const isBun = Boolean(process.versions.bun)

const origin = 'https://app.example'
const limit = { limit: 1_000_000_000, window: 60_000 }

const Item = z.object({ name: z.string(), price: z.number(), tags: z.array(z.string()) })
const json = { 'content-type': 'application/json' }

async function toByway(host, folder) {
  const { reply, route, router, load } = await loadByway(folder)
  const { cookies, cors, csrf, etag, logger, rateLimit, requestId } = await load('byway/middleware')
  const stack = [
    requestId(),
    logger({ sink() {} }),
    cors({ origin: [origin] }),
    csrf(),
    cookies(),
    rateLimit({ ...limit, key: ({ ip }) => ip }),
    etag(),
  ]
  const stacked = stack.reduce((route, layer) => route.use(layer), route)
  const app = router({
    stack: stacked('/stack/[id]').get(async (_request, { params: { id }, cookies }) => ({
      id,
      theme: cookies.get('theme').value,
    })),
    text: route('/text').get(() => reply.text('hello')),
    post: route('/users/[user]/posts/[post]').get((_request, { params: { user, post } }) => ({ user, post })),
    items: route('/items').post({ body: Item }, (_request, { body }) => body),
  })
  if (isBun) return Bun.serve({ fetch: app.fetch, ...host })
  const { serve } = await load('byway/node')
  return serve(app, host).server
}

async function toFastify(host) {
  const { fastify } = await import('fastify')
  const { serializerCompiler, validatorCompiler } = await import('fastify-type-provider-zod')
  const app = fastify({
    logger: { stream: { write() {} } },
    disableRequestLogging: true,
    // As the others: the default is a counter.
    genReqId: () => crypto.randomUUID(),
  })
    .setValidatorCompiler(validatorCompiler)
    .setSerializerCompiler(serializerCompiler)
  app.get('/text', async () => 'hello')
  app.get('/users/:user/posts/:post', async ({ params: { user, post } }) => ({ user, post }))
  app.post('/items', { schema: { body: Item } }, async ({ body }) => body)
  const plugins = ['cors', 'cookie', 'csrf-protection', 'rate-limit', 'etag']
  const [cors, cookie, csrf, rateLimit, etag] = await Promise.all(plugins.map((name) => import(`@fastify/${name}`)))
  await app.register(async (stack) => {
    await stack.register(cors.default, { origin: [origin] })
    await stack.register(cookie.default)
    await stack.register(csrf.default)
    await stack.register(rateLimit.default, { max: limit.limit, timeWindow: limit.window })
    await stack.register(etag.default)
    stack.addHook('onRequest', async (request, reply) => void reply.header('x-request-id', request.id))
    stack.addHook('onResponse', async (request, reply) =>
      request.log.info({
        method: request.method,
        url: request.routeOptions.url,
        status: reply.statusCode,
        time: reply.elapsedTime,
      }),
    )
    stack.get('/stack/:id', async ({ params: { id }, cookies: { theme } }) => ({ id, theme }))
  })
  await app.listen({ host: host.hostname, port: host.port })
  return app.server
}

async function toHono(host) {
  const { zValidator } = await import('@hono/zod-validator')
  const { Hono } = await import('hono')
  const app = new Hono()
  app.get('/text', (context) => context.text('hello'))
  app.get('/users/:user/posts/:post', (context) => {
    const { user, post } = context.req.param()
    return context.json({ user, post })
  })
  app.post('/items', zValidator('json', Item), (context) => context.json(context.req.valid('json')))
  const [{ requestId }, { logger }, { cors }, { csrf }, { getCookie }, { etag }, { rateLimiter }] = await Promise.all(
    ['hono/request-id', 'hono/logger', 'hono/cors', 'hono/csrf', 'hono/cookie', 'hono/etag', 'hono-rate-limiter'].map(
      (name) => import(name),
    ),
  )
  app.use(
    '/stack/*',
    requestId(),
    logger(() => {}),
    cors({ origin: [origin] }),
    csrf(),
    rateLimiter({
      windowMs: limit.window,
      limit: limit.limit,
      keyGenerator: ({ env }) => env.incoming?.socket.remoteAddress ?? 'none',
    }),
    etag(),
  )
  app.get('/stack/:id', (context) => context.json({ id: context.req.param('id'), theme: getCookie(context, 'theme') }))
  if (isBun) return Bun.serve({ fetch: app.fetch, ...host })
  const { serve } = await import('@hono/node-server')
  return serve({ fetch: app.fetch, ...host })
}

async function toH3(host) {
  const { H3, readValidatedBody, serve } = await import('h3')
  const app = new H3()
  app.get('/text', (event) => {
    event.res.headers.set('content-type', 'text/plain;charset=UTF-8')
    return 'hello'
  })
  app.get('/users/:user/posts/:post', ({ context: { params } }) => ({ user: params.user, post: params.post }))
  app.post('/items', (event) => readValidatedBody(event, Item))
  const server = serve(app, { ...host, silent: true })
  return server.node?.server ?? server
}

async function toElysia(host) {
  const { Elysia } = await import('elysia')
  const adapter = isBun ? undefined : (await import('@elysiajs/node')).node()
  return new Elysia({ adapter })
    .get('/text', () => 'hello')
    .get('/users/:user/posts/:post', ({ params: { user, post } }) => ({ user, post }))
    .post('/items', ({ body }) => body, { body: Item })
    .listen(host)
}

/** One function, as somebody would write it by hand. */
async function toBare(host) {
  const { createServer } = await import('node:http')
  return createServer((request, response) => {
    const { method, url } = request
    const parts = url.split('/')
    if (method === 'GET' && url === '/text')
      response.writeHead(200, { 'content-type': 'text/plain;charset=UTF-8' }).end('hello')
    else if (method === 'GET' && parts[1] === 'users')
      response.writeHead(200, json).end(JSON.stringify({ user: parts[2], post: parts[4] }))
    else {
      const chunks = []
      request.on('data', (chunk) => chunks.push(chunk))
      request.on('end', () => {
        const body = Item.parse(JSON.parse(Buffer.concat(chunks).toString()))
        response.writeHead(200, json).end(JSON.stringify(body))
      })
    }
  }).listen(host.port, host.hostname)
}

function toBareBun(host) {
  return Bun.serve({
    ...host,
    async fetch(request) {
      const { method } = request
      const { pathname } = new URL(request.url)
      const parts = pathname.split('/')
      if (method === 'GET' && pathname === '/text') return new Response('hello')
      if (method === 'GET' && parts[1] === 'users') return Response.json({ user: parts[2], post: parts[4] })
      return Response.json(Item.parse(await request.json()))
    },
  })
}

/** Functions from `{ hostname, port }` to a server that listens: on Node.js, one of `node:http`. */
export const contenders = {
  byway: (host) => toByway(host, process.env.BYWAY),
  'byway before': (host) => toByway(host, process.env.BYWAY_BEFORE),
  Fastify: toFastify,
  Hono: toHono,
  h3: toH3,
  Elysia: toElysia,
  bare: isBun ? toBareBun : toBare,
}
