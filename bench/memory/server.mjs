// One server in a process of its own: node memory/server.mjs <contender> <routes>
// Each route takes a POST of JSON that its own zod object validates. It sends its port to its parent, or prints it.
import { z } from 'zod'
import { loadByway } from '../byway.mjs'

const [name, count] = process.argv.slice(2)
const host = { hostname: '127.0.0.1', port: 0 }

const toItem = (index) =>
  z.object({
    name: z.string().min(1),
    price: z.number(),
    tags: z.array(z.string()),
    [`field${index}`]: z.number().int(),
  })

async function toByway(folder) {
  const { route, router, load } = await loadByway(folder)
  const { serve } = await load('byway/node')
  const routes = {}
  for (let index = 0; index < count; index++)
    routes[`r${index}`] = route(`/resource${index}/[id]`).post(
      { body: toItem(index) },
      (_request, { params, body }) => ({ id: params.id, ...body }),
    )
  const server = serve(router(routes), host)
  await server.ready
  return Number(new URL(server.url).port)
}

async function toHono() {
  const { serve } = await import('@hono/node-server')
  const { zValidator } = await import('@hono/zod-validator')
  const { Hono } = await import('hono')
  const app = new Hono()
  for (let index = 0; index < count; index++)
    app.post(`/resource${index}/:id`, zValidator('json', toItem(index)), (context) =>
      context.json({ id: context.req.param('id'), ...context.req.valid('json') }),
    )
  return new Promise((resolve) => serve({ fetch: app.fetch, ...host }, ({ port }) => resolve(port)))
}

async function toH3() {
  const { H3, readValidatedBody, serve } = await import('h3')
  const app = new H3()
  for (let index = 0; index < count; index++) {
    const Item = toItem(index)
    app.post(`/resource${index}/:id`, async (event) => ({
      id: event.context.params.id,
      ...(await readValidatedBody(event, Item)),
    }))
  }
  const server = serve(app, { ...host, silent: true })
  await server.ready()
  return Number(new URL(server.url).port)
}

const contenders = {
  byway: () => toByway(process.env.BYWAY),
  'byway before': () => toByway(process.env.BYWAY_BEFORE),
  Hono: toHono,
  h3: toH3,
}
const port = await contenders[name]()
if (process.send) process.send(port)
else console.log(port)
