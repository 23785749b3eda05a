import { z } from 'zod'
import { zfd } from 'zod-form-data'
import { bytes, form as formKind, middleware, route, router, stream, text } from '../../src/index.js'
import * as reply from '../../src/replies/index.js'

// One route for each kind of input and response of a call.

const Size = { small: 'small', large: 'large' } as const

interface Tree {
  /** The text on the leaf. */
  readonly name: string
  readonly children: readonly Tree[]
  readonly since?: Date
}
// Has the name of a global type.
interface File {
  name: string
  inside: File[]
}
type Id = string & { readonly __brand: 'Id' }

const Branded = z.object({ id: z.string().brand<'UserId'>(), plain: z.string() })
const Category = z.object({
  name: z.string(),
  get inside() {
    return z.array(Category).optional()
  },
})

const session = middleware((request, _context, next) =>
  request.headers.get('authorization') === 'refused' ? reply.unauthorized() : next({ user: 'a' }),
)
const closed = middleware((request, _context, next) =>
  request.headers.has('x-closed')
    ? reply.problem(503, { type: 'https://errors.example/closed', until: new Date(0) })
    : next(),
)

const plain = route('/plain').get(() => ({ text: 'a', at: new Date(0), none: undefined, many: [1, 2] as const }))
const params = route('/params/[one]/[two]').get((_request, { params }) => params)
const parsed = route('/parsed/[id]', { params: z.object({ id: z.coerce.number().int() }) })
  .get((_request, { params }) => params.id)
  .delete(() => {})
const all = route('/all/[...path]').get((_request, { params }) => params.path)
const maybe = route('/maybe/[[...path]]').get((_request, { params }) => params.path ?? [])
const query = route('/query').get(
  {
    query: z.object({
      page: z.coerce.number().default(1),
      tag: z.array(z.string()).default([]),
      since: z.coerce.date().optional(),
      order: z.enum(['up', 'down']).optional(),
      'odd-name': z.string().nullish(),
    }),
  },
  (_request, { query }) => query,
)
const headers = route('/headers').get(
  { headers: z.object({ 'x-count': z.string(), 'x-note': z.string().optional() }) },
  (_request, { headers }) => headers,
)
const body = route('/body').post(
  {
    body: z.object({
      /** For people. */
      name: z.string(),
      tuple: z.tuple([z.string(), z.number()]).rest(z.boolean()).optional(),
      record: z.record(z.string(), z.number()).default({}),
      union: z.union([
        z.object({ kind: z.literal('a'), a: z.number() }),
        z.object({ kind: z.literal('b'), b: z.string() }),
      ]),
      maybe: z.string().optional(),
      none: z.null().optional(),
      deep: z.object({ list: z.array(z.object({ x: z.number(), y: z.number().nullable() })) }).optional(),
      size: z.enum(Size).optional(),
      path: z.templateLiteral(['/', z.string()]).optional(),
    }),
  },
  (_request, { body }) => reply.json(body, { status: 201 }),
)
const form = route('/form').post(
  {
    body: formKind(
      zfd.formData({
        photo: zfd.file(),
        alt: zfd.text(z.string().optional()),
        count: zfd.numeric(),
        tags: zfd.repeatable(z.array(zfd.text())),
      }),
    ),
  },
  async (_request, { body: form }) => ({ ...form, photo: { name: form.photo.name, text: await form.photo.text() } }),
)
const fields = route('/fields').post(
  { body: formKind(z.object({ a: z.string(), b: z.string().optional() })) },
  (_request, { body: form }) => form,
)
const raw = route('/raw')
  .post({ body: text(z.string()) }, (_request, { body: text }) => reply.text(text.toUpperCase()))
  .put({ body: bytes(z.instanceof(Uint8Array)) }, (_request, { body: bytes }) =>
    reply.bytes(new Uint8Array([...bytes, 0])),
  )
  .patch({ body: stream('*/*') }, async (_request, { body: stream }) => (await new Response(stream).text()).length)
const streams = route('/streams/[kind]').get((_request, { params: { kind } }) => {
  if (kind === 'sse')
    return reply.sse([{ data: { at: new Date(0), n: 1 }, id: '1' }, { data: { at: new Date(0), n: 2 } }])
  if (kind === 'none') return reply.notFound()
  return reply.ndjson([{ line: 1 }, { line: 2 }], { status: 201 })
})
const items = route('/stream-of-items').get(() => {
  async function* list() {
    yield { at: new Date(0) }
  }
  return reply.ndjson(list())
})
const problems = route('/problems/[kind]').get((_request, { params: { kind } }) => {
  if (kind === 'credit')
    return reply.problem(402, { type: 'https://errors.example/credit', balance: 3, needs: [new Date(0)] })
  if (kind === 'limit') return reply.problem(402, { type: 'https://errors.example/limit', most: 5 })
  if (kind === 'text') return reply.text('no', { status: 409 })
  if (kind === 'taken') return reply.problem(409, { type: 'https://errors.example/taken' })
  if (kind === 'away') return reply.seeOther('/plain')
  return { kind }
})
const declared = route('/declared/[kind]').get(
  {
    response: {
      200: z.object({ size: z.enum(Size), when: z.date().optional() }),
      404: z.object({ missing: z.string() }),
    },
  },
  (_request, { params: { kind } }) => {
    if (kind === 'missing') return reply.json({ missing: kind }, { status: 404 })
    if (kind === 'teapot') return reply.problem(418)
    return { size: 'large' as const, more: 1 }
  },
)
const tree = route('/tree').get((): Tree => ({ name: 'a', children: [{ name: 'b', children: [] }] }))
const json = route('/json').post({ body: z.json() }, (): { files: File } => ({ files: { name: 'a', inside: [] } }))
const category = route('/category').post({ body: Category }, (_request, { body }) => body)
const brands = route('/brands').get((): z.output<typeof Branded> & { own: Id } => ({
  ...Branded.parse({ id: 'a', plain: 'b' }),
  own: 'c' as Id,
}))
const anything = route('/anything').get(() => new Response('<a/>', { headers: { 'content-type': 'application/xml' } }))
const empty = route('/empty')
  .head(() => new Response(null, { headers: { 'x-size': '1' } }))
  .delete(() => undefined)
  .get(() => reply.json(null))
  .options(() => reply.json('options'))
  .query({ body: z.object({ ask: z.string() }) }, (_request, { body }) => body.ask)
const me = route
  .use(session)
  .prefix('/v1')('/me')
  .get((_request, { user }) => ({ user }))
const quoted = route("/it's/[a-b]").get((_request, { params }) => params['a-b'])

const app = router(
  {
    plain,
    params,
    parsed,
    inputs: { query, headers, body, form, fields, raw },
    answers: { streams, items, problems, declared, tree, json, category, brands, anything, empty },
    nested: { deeper: { me, quoted, all, maybe } },
  },
  { use: [closed], onError: () => {} },
)
export default app
