import { form, href, route, router } from 'byway'
import * as reply from 'byway/reply'
import { cookies, cors, redirects } from 'byway/middleware'
import { docs } from 'byway/openapi'
import { db } from './db.js'
import { Filter, Item, ItemChange, NewItem, Page, PhotoForm } from './schema.js'
import { session } from './session.js'

export const items = route('/items')
  .get({ query: Filter, response: Page }, (_request, { query }) => db.list(query))
  .post(
    { body: NewItem, response: { 201: Item }, openapi: { responses: { 409: 'The name is taken.' } } },
    async (_request, { body }) => {
      const item = await db.add(body)
      if (!item) return reply.problem(409, { detail: `There is an item called ${body.name} already.` })
      return reply.json(item, { status: 201, headers: { location: href('/items/[slug]', { slug: item.slug }) } })
    },
  )

// The names of the last items that this browser requested. Browsers store a `secure` cookie from https only.
const visitor = route.use(cookies({ defaults: { secure: process.env['NODE_ENV'] === 'production' } }))

export const item = visitor('/items/[slug]')
  .get({ response: Item }, (_request, { params, cookies }) => {
    const item = db.find(params.slug)
    if (!item) return reply.notFound({ detail: `There is no item ${params.slug}.` })
    const seen = cookies.get('seen')?.value.split('.') ?? []
    cookies.set('seen', [item.slug, ...seen.filter((slug) => slug !== item.slug)].slice(0, 5).join('.'))
    return item
  })
  .patch({ body: ItemChange, response: Item }, async (_request, { params, body }) => {
    return (await db.update(params.slug, body)) ?? reply.notFound()
  })
  .use(session) // around what is declared after it: reading needs no account, removing does
  .delete(async (_request, { params }) => {
    return (await db.remove(params.slug)) ? undefined : reply.notFound() // undefined is a 204
  })

export const photo = route('/items/[slug]/photo')
  .get(async (_request, { params }) => {
    const photo = await db.findPhoto(params.slug)
    if (!photo) return reply.notFound()
    return new Response(photo.bytes, {
      headers: { 'content-type': photo.type, 'x-content-type-options': 'nosniff' },
    })
  })
  .post(
    {
      body: form(PhotoForm),
      response: { 201: Item },
      openapi: { responses: { 404: 'There is no such item.' } },
      bodyLimit: 5_000_000,
    },
    async (_request, { params, body: form }) => {
      const item = await db.savePhoto(params.slug, form.photo, form.alt)
      if (!item) return reply.notFound()
      return reply.json(item, { status: 201, headers: { location: href('/items/[slug]/photo', { slug: item.slug }) } })
    },
  )

export const seen = visitor('/seen').get((_request, { cookies }) => {
  const slugs = cookies.get('seen')?.value.split('.') ?? []
  return slugs.map((slug) => db.find(slug)).filter((item) => item !== undefined)
})

export const me = route('/me')
  .use(session)
  .get((_request, { user }) => user)

const home = route('/').get({ openapi: { hidden: true } }, () => reply.redirect('/docs'))

const app = router(
  {
    items,
    item,
    photo,
    seen,
    me,
    home,
    docs: docs('/docs', { info: { title: 'Colors', version: '1.0.0', description: 'A catalog of colors.' } }),
  },
  {
    use: [
      cors({ origin: ['http://localhost:5173'] }), // where Vite serves a front end
      redirects([{ source: '/products/[slug]', destination: '/items/[slug]', permanent: true }]),
    ],
  },
)
export default app
