import { bytes, form, type Handler, type Reply, route, type RouteContext, stream, text } from 'byway'
import * as reply from 'byway/reply'
import { expectAssignable, expectType } from 'tsd'
import { z } from 'zod'
import { zfd } from 'zod-form-data'
import * as v from 'valibot'
import { type } from 'arktype'

interface Item {
  slug: string
  name: string
  price: number
}
const Item = z.object({ slug: z.string(), name: z.string(), price: z.number() })
declare const db: { find(slug: string): Promise<Item | undefined>; list(page: number, tags: string[]): Promise<Item[]> }

// ── what a handler gets ──

route('/items/[slug]').get((request, context) => {
  expectType<Request>(request)
  expectType<{ readonly slug: string }>(context.params)
  expectType<'/items/[slug]'>(context.pattern)
  expectType<URL>(context.url)
  expectType<AbortSignal>(context.signal)
  expectType<unknown>(context.env)
  expectType<string | undefined>(context.ip)
  context.waitUntil(Promise.resolve(1))
  context.after(() => {})
  return context.params.slug
})
route('/items').get(
  { query: z.object({ page: z.coerce.number().default(1), tag: z.array(z.string()).default([]) }) },
  (request, { query }) => {
    expectType<{ page: number; tag: string[] }>(query)
    return db.list(query.page, query.tag)
  },
)
route('/items').post({ body: Item, headers: z.object({ 'x-key': z.string() }) }, (request, { body, headers }) => {
  expectType<{ slug: string; name: string; price: number }>(body)
  expectType<string>(headers['x-key'])
  return reply.json(body, { status: 201 })
})
route('/photo').post(
  { body: form(zfd.formData({ photo: zfd.file(), alt: zfd.text() })), bodyLimit: 5_000_000 },
  (request, { body: form }) => {
    expectType<File>(form.photo)
    expectType<string>(form.alt)
  },
)
route('/hook').post({ body: text(z.string()) }, (request, { body: text }) => expectType<string>(text))
route('/raw').put({ body: bytes(z.instanceof(Uint8Array)) }, (request, { body: bytes }) => bytes.byteLength)
route('/valibot').post({ body: v.object({ n: v.pipe(v.string(), v.transform(Number)) }) }, (request, { body }) => {
  expectType<number>(body.n)
  return body
})
route('/arktype').post({ body: type({ n: 'number', 'tag?': 'string[]' }) }, (request, { body }) => {
  expectType<number>(body.n)
  expectType<string[] | undefined>(body.tag)
  return body.n
})
route('/by-number/[id]', { params: z.object({ id: z.coerce.number() }) }).get((request, { params }) => {
  expectType<number>(params.id)
  return params.id
})

// @ts-expect-error a param that the pattern lacks
route('/a/[b]').get((request, { params }) => params.c)
// @ts-expect-error body is not declared
route('/a').post((request, { body }) => body)
// @ts-expect-error a field that the schema lacks
route('/a').post({ body: Item }, (request, { body }) => body.nope)
// @ts-expect-error not a schema
route('/a').post({ body: { slug: 'x' } }, () => 1)
// @ts-expect-error a misspelled input
route('/a').get({ qurey: Item }, () => 1)
// @ts-expect-error a misspelled input beside a good one
route('/a').get({ query: Item, boody: Item }, () => 1)
// @ts-expect-error no handler
route('/a').get({ query: Item })
// @ts-expect-error no such method
route('/a').fetch(() => 1)
// @ts-expect-error a misspelled option
route('/a/[id]', { parms: Item })

// ── a handler that stands alone ──

const standalone = (request: Request, { params }: RouteContext<'/items/[slug]'>) => ({ slug: params.slug })
route('/items/[slug]').get(standalone)
expectAssignable<Handler<'/items/[slug]', { slug: string }>>(standalone)
// @ts-expect-error written for another pattern
route('/items/[id]').get(standalone)

// ── what a handler returns ──

interface Plain {
  a: string
  b?: number
}
declare const plain: Plain
route('/ok').get(() => plain)
route('/ok').get(() => [1, { at: new Date() }])
route('/ok').get(async () => null)
route('/ok').get(async () => {})
route('/ok').get((request) => (request.url ? undefined : 'text'))
route('/ok').get(() => new Response('x'))
// @ts-expect-error JSON cannot carry a Map
route('/no').get(() => new Map())
// @ts-expect-error nor a Set, in a promise
route('/no').get(async () => new Set([1]))
// @ts-expect-error nor a bigint
route('/no').get(() => 5n)
// @ts-expect-error nor a symbol
route('/no').get(() => Symbol('x'))
// @ts-expect-error nor a function
route('/no').get(() => () => 1)
// @ts-expect-error bytes are not JSON
route('/no').get(() => new Uint8Array(1))
// @ts-expect-error nor is a Blob
route('/no').get(() => new Blob())

// ── declared responses ──

route('/a').get({ response: Item }, async (request) => (await db.find(request.url)) ?? reply.notFound())
route('/a').get({ response: Item }, () => {
  throw reply.notFound()
})
const Both = { 200: Item, 404: z.object({ code: z.string() }) }
route('/a').get({ response: Both }, () => reply.json({ code: 'x' }, { status: 404 }))
const Kind = z.object({ kind: z.enum(['a', 'b']), tags: z.array(z.enum(['x', 'y'])), at: z.string().optional() })
route('/a').get({ response: Kind }, async (request) => {
  if (request.url) return reply.notFound()
  return { kind: 'a', tags: ['x'] }
})
// @ts-expect-error the answer breaks the declared response
route('/a').get({ response: Item }, () => ({ slug: 1, name: '', price: 1 }))
// @ts-expect-error a body that breaks the response declared for its status
route('/a').get({ response: Both }, () => reply.json({ code: 1 }, { status: 404 }))
// @ts-expect-error a field of the declared response is missing
route('/a').get({ response: Kind }, async () => ({ kind: 'a' }))
// @ts-expect-error an untyped Response where the response is declared
route('/a').get({ response: Kind }, () => new Response('x'))

// ── a route is its functions ──

export const item = route('/items/[slug]')
  .get((request, { params }) => params)
  .delete(() => undefined)
export const { GET, DELETE } = item
type NextHandler = (request: Request, context: { params: Promise<{ slug: string }> }) => Response | Promise<Response>
expectAssignable<NextHandler>(GET)
expectAssignable<NextHandler>(DELETE)
expectType<Promise<Response>>(item.GET(new Request('http://test/items/a')))
item.GET(new Request('http://test/items/a'), { params: { slug: 'a' } })
item.GET(new Request('http://test/items/a'), { params: Promise.resolve({ slug: 'a' }), env: { key: 1 } })
expectType<'/items/[slug]'>(item.pattern)
// @ts-expect-error the wrong params
item.GET(new Request('http://test'), { params: { id: 'a' } })
// @ts-expect-error no POST was declared
item.POST

// ── factories ──

const v1 = route.prefix('/v1').env<{ KEY: string }>()
const me = v1('/me/[id]').get((request, { env, params }) => {
  expectType<string>(env.KEY)
  expectType<{ readonly id: string }>(params)
})
expectType<'/v1/me/[id]'>(me.pattern)
const top = v1('/').get(() => 1)
expectType<'/v1'>(top.pattern)
route
  .prefix('/orgs/[org]')('/users/[user]')
  .get((request, { params }) => {
    expectType<{ readonly org: string; readonly user: string }>(params)
  })

// ── reply ──

expectType<Reply<200, { a: number }>>(reply.json({ a: 1 }))
expectType<Reply<201, { a: number }>>(reply.json({ a: 1 }, { status: 201 }))
expectType<Reply<200, string>>(reply.text('x'))
expectType<Reply<308, undefined>>(reply.permanentRedirect('/x'))
const conflict = reply.problem(409, { type: 'https://errors.example/taken', detail: 'x', balance: 3 })
expectType<409>(conflict.status)
expectType<'https://errors.example/taken'>(conflict['~data'].type)
expectType<number>(conflict['~data'].balance)
// @ts-expect-error not an HTTP status of an error
reply.problem(299)
// @ts-expect-error not an HTTP status
reply.json(1, { status: 999 })

// ── the body as a stream ──

route('/video').put({ body: stream('video/*'), bodyLimit: Infinity }, (request, { body: stream }) => {
  expectType<ReadableStream<Uint8Array<ArrayBuffer>>>(stream)
})
// @ts-expect-error not a media range
route('/video').put({ body: stream('video') }, () => undefined)
