// An app with everything that a document can describe.
import { z } from 'zod'
import { zfd } from 'zod-form-data'
import { bytes, form, middleware, route, router, stream, text } from '../../src/index.js'
import * as reply from '../../src/replies/index.js'
import type { OpenApiOptions } from '../../src/openapi/index.js'

export const Price = z.object({ amount: z.number(), currency: z.enum(['EUR', 'USD']) }).meta({ id: 'Price' })

export const Item = z
  .object({
    slug: z.string(),
    price: Price,
    stock: z.int().default(0),
    since: z.codec(z.iso.datetime(), z.date(), {
      decode: (text) => new Date(text),
      encode: (date) => date.toISOString(),
    }),
  })
  .meta({
    id: 'Item',
    description: 'Something for sale.',
    examples: [{ slug: 'tea', price: { amount: 3, currency: 'EUR' }, stock: 5, since: '2026-01-01T00:00:00Z' }],
  })

export interface Comment {
  readonly text: string
  readonly replies: readonly Comment[]
}
export const Comment: z.ZodType<Comment> = z.object({
  text: z.string(),
  get replies() {
    return z.array(Comment)
  },
})

const Taken = z.object({
  type: z.literal('https://errors.example/taken'),
  title: z.string().optional(),
  status: z.literal(409),
  slug: z.string(),
})

const session = middleware(
  {
    openapi: {
      responses: { 401: 'Not signed in.' },
      security: [{ bearer: [] }, { cookie: [] }],
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        cookie: { type: 'apiKey', in: 'cookie', name: 'session' },
      },
    },
  },
  (request, _context, next) =>
    request.headers.get('authorization') === 'Bearer a' ? next({ user: 'a' }) : reply.unauthorized(),
)

const admin = middleware(
  {
    openapi: {
      responses: { 403: 'Only for admins.' },
      security: [{ oauth: ['admin'] }],
      securitySchemes: {
        oauth: {
          type: 'oauth2',
          flows: { clientCredentials: { tokenUrl: 'https://id.example/token', scopes: { admin: 'All of it.' } } },
        },
      },
    },
  },
  (request, _context, next) => (request.headers.has('x-admin') ? next() : reply.forbidden()),
)

const limit = middleware(
  { openapi: { responses: { 429: { description: 'Too fast.', headers: { 'retry-after': 'In seconds.' } } } } },
  (_request, _context, next) => next(),
)

const tea = { slug: 'tea', price: { amount: 3, currency: 'EUR' as const }, stock: 5, since: new Date(0) }

export const items = route('/items')
  .get(
    {
      query: z.object({
        page: z.coerce
          .number<string>()
          .int()
          .min(1)
          .default(1)
          .meta({ description: 'From 1 on.', examples: [2] }),
        tag: z.array(z.string()).default([]),
        after: z.coerce.date<string>().optional(),
        above: z.coerce.bigint<string>().optional(),
        by: z.enum(['slug', 'price']).optional().meta({ deprecated: true }),
      }),
      response: z.object({ items: z.array(Item.omit({ since: true })), page: z.number(), tags: z.array(z.string()) }),
      openapi: { summary: 'List items', description: 'A *page* of them.', tags: ['items'] },
    },
    (_request, { query }) => ({ items: [tea], page: query.page, tags: query.tag }),
  )
  .use(session)
  .post(
    {
      body: Item,
      headers: z.object({ 'idempotency-key': z.string().min(1), accept: z.string().optional() }),
      response: { 201: z.object({ slug: z.string(), price: Price }), 409: Taken },
      openapi: {
        summary: 'Add an item',
        tags: ['items'],
        operationId: 'addItem',
        responses: { 201: { description: 'Added.', headers: { location: 'Where it is.' } } },
      },
    },
    (_request, { body }) =>
      body.slug === 'tea'
        ? reply.problem(409, { type: 'https://errors.example/taken', title: 'Taken', slug: body.slug })
        : reply.json(
            { slug: body.slug, price: body.price },
            { status: 201, headers: { location: `/items/${body.slug}` } },
          ),
  )

export const item = route('/items/[id]', {
  params: z.object({ id: z.coerce.number<string>().int().meta({ description: 'Counted from 1.' }) }),
})
  .get(
    { response: { 200: Item, 404: z.object({ sorry: z.string() }) }, openapi: { summary: 'One item' } },
    (_request, { params }) =>
      params.id === 1 ? { ...tea, since: '1970-01-01T00:00:00Z' } : reply.json({ sorry: 'no' }, { status: 404 }),
  )
  .head({ openapi: { summary: 'Whether it is there' } }, () => undefined)
  .use(session)
  .use(admin)
  .delete(
    {
      openapi: {
        summary: 'Remove it',
        deprecated: true,
        responses: { 204: 'Gone for good.', 404: 'It was not there.' },
      },
    },
    () => undefined,
  )

const photo = route('/items/[id]/photo')
  .post(
    {
      body: form(
        zfd.formData({
          photo: zfd.file(z.file().mime(['image/png', 'image/jpeg'])),
          more: zfd.repeatableOfType(zfd.file()).optional(),
          alt: zfd.text(),
          where: z.object({ city: zfd.text(z.string().optional()), spot: z.object({ x: zfd.numeric() }) }),
        }),
      ),
      bodyLimit: 5_000_000,
      openapi: { summary: 'Add a photo', tags: ['photos'] },
    },
    (_request, { body: form }) => ({ alt: form.alt, size: form.photo.size, city: form.where.city }),
  )
  .get(
    {
      openapi: {
        summary: 'The photo',
        tags: ['photos'],
        responses: { 200: { description: 'The photo itself.', mediaType: 'image/*' }, 404: 'No photo.' },
      },
    },
    () => reply.notFound(),
  )

const uploads = {
  video: route('/uploads/video').put({ body: stream('video/*'), openapi: { summary: 'Upload a video' } }, () => 'ok'),
  raw: route('/uploads/raw').put(
    { body: bytes(z.instanceof(Uint8Array)), openapi: { summary: 'Upload bytes' } },
    () => 'ok',
  ),
  hook: route('/uploads/hook').post(
    { body: text(z.string().min(1)), response: z.string(), openapi: { summary: 'Receive a webhook', security: [] } },
    (_request, { body: text }) => reply.text(text),
  ),
  form: route('/uploads/form').post(
    {
      body: form(z.object({ name: z.string(), age: z.coerce.number<string>().optional() })),
      openapi: { summary: 'Subscribe' },
    },
    (_request, { body: form }) => form,
  ),
}

const comments = route('/comments').post(
  { body: Comment, response: z.object({ added: Comment }), openapi: { summary: 'Say something' } },
  (_request, { body }) => ({ added: body }),
)
const thread = route('/comments/thread').post(
  { body: z.array(Comment).optional(), response: z.array(Comment), openapi: { summary: 'Say many things' } },
  (_request, { body }) => [...(body ?? [])],
)
const files = route('/files/[...path]').get({ openapi: { summary: 'A file' } }, (_request, { params }) => params.path)
const docs = route('/docs/[[...page]]').get(
  { openapi: { summary: 'A page' } },
  (_request, { params }) => params.page ?? [],
)
const inside = route('/inside').get({ openapi: { hidden: true } }, () => 1)

export const app = router(
  { items, item, photo, uploads, comments, thread, files, docs, inside },
  { use: [limit], basePath: '/api' },
)

export const options: OpenApiOptions = {
  info: { title: 'Shop', version: '1.2.3', license: { name: 'MIT', identifier: 'MIT' } },
  servers: [{ url: 'https://shop.test', description: 'The one' }],
  tags: [
    { name: 'items', description: 'What is for sale.' },
    { name: 'photos', description: 'How it looks.' },
  ],
  externalDocs: { url: 'https://shop.test/docs' },
}
