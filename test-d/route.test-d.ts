import {
  type AnyContext,
  type BodyKind,
  bytes,
  type ErrorInfo,
  form,
  type Handler,
  middleware,
  type Next,
  type Problem,
  problems,
  route,
  type RouteContext,
  router,
  type Schema,
  stream,
  text,
} from 'byway'
import type { App, Reply, RequestBody } from 'byway/types'
import * as reply from 'byway/reply'
import { expectAssignable, expectError, expectNotAssignable, expectType } from 'tsd'
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

// ── the context ──

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
  context.after(Promise.resolve(1))
  expectType<void>(context.report(new Error('x')))
  expectAssignable<App>(context.app)
  expectType<Promise<Response>>(context.app.dispatch(request))
  expectError(context.app.dispatch('/items'))
  expectError(context.after(1))
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
// @ts-expect-error a misspelled input and a good one
route('/a').get({ query: Item, boody: Item }, () => 1)
// @ts-expect-error no handler
route('/a').get({ query: Item })
// @ts-expect-error no such method
route('/a').fetch(() => 1)
// @ts-expect-error a misspelled option
route('/a/[id]', { parms: Item })

// ── a handler on its own ──

const standalone = (request: Request, { params }: RouteContext<'/items/[slug]'>) => ({ slug: params.slug })
route('/items/[slug]').get(standalone)
expectAssignable<Handler<'/items/[slug]', { slug: string }>>(standalone)
// @ts-expect-error written for another pattern
route('/items/[id]').get(standalone)

// ── the result of a handler ──

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
// @ts-expect-error JSON cannot represent Map
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
// @ts-expect-error the value does not match the declared response
route('/a').get({ response: Item }, () => ({ slug: 1, name: '', price: 1 }))
// @ts-expect-error the data does not match the response declared for its status
route('/a').get({ response: Both }, () => reply.json({ code: 1 }, { status: 404 }))
// @ts-expect-error a field of the declared response is missing
route('/a').get({ response: Kind }, async () => ({ kind: 'a' }))
// @ts-expect-error an untyped Response, although the response is declared
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

// ── body kinds ──

expectType<BodyKind<'form', typeof Item>>(form(Item))
expectType<'text'>(text().key)
expectType<'bytes'>(bytes().key)
expectType<'stream'>(stream('*/*').key)
route('/text').post({ body: text() }, (request, { body }) => expectType<string>(body))
route('/bytes').post({ body: bytes() }, (request, { body }) => {
  expectType<Uint8Array<ArrayBuffer>>(body)
})
route('/text').post({ body: text(z.string().transform(Number)) }, (request, { body }) => expectType<number>(body))
// @ts-expect-error form() needs a schema
form()
// @ts-expect-error not a schema
form({ name: 'x' })
// @ts-expect-error the old keys
route('/old').post({ form: Item }, () => 1)
// @ts-expect-error the old keys
route('/old').post({ text: Item }, () => 1)

// A kind of a package.
const msgpack = <schema extends Schema>(schema: schema): BodyKind<'msgpack', schema, Uint8Array> => ({
  key: 'msgpack',
  schema,
  types: ['application/msgpack'],
  document: 'value',
  async read(body: RequestBody) {
    expectType<Request>(body.request)
    expectType<string>(body.type)
    expectType<Uint8Array<ArrayBuffer>>(await body.bytes())
    expectType<string>(await body.text())
    expectType<ReadableStream<Uint8Array<ArrayBuffer>>>(body.stream())
    return 1
  },
})
route('/packed').post({ body: msgpack(Item) }, (request, { body }) => {
  expectType<{ slug: string; name: string; price: number }>(body)
})
expectNotAssignable<BodyKind>({ key: 'x', schema: Item, types: ['a/b'], document: 'other', read: () => 1 })
expectNotAssignable<BodyKind>({ key: 'x', schema: Item, types: 'a/b', document: 'value', read: () => 1 })
expectNotAssignable<BodyKind>({ key: 'x', schema: Item, types: ['a/b'], document: 'value' })
// @ts-expect-error a kind without read()
route('/packed').post({ body: { key: 'x', schema: Item, types: [], document: 'value' } }, () => 1)

// ── .all() ──

const mounted = route('/rpc/[...path]')
  .get(() => 'declared')
  .all({ query: z.object({ q: z.string() }) }, (request, { params, query }) => {
    expectType<string[]>(params.path)
    expectType<string>(query.q)
    return new Response()
  })
expectType<'/rpc/[...path]'>(mounted.pattern)
expectType<Promise<Response>>(mounted.GET(new Request('http://test')))
// @ts-expect-error .all() is not an operation
mounted.POST
// @ts-expect-error no handler
route('/rpc').all({})

// ── handler ──

const session = middleware((request, context, next) => next({ user: 'ada' }))
const guarded = route
  .use(session)('/items/[id]', { params: z.object({ id: z.coerce.number() }) })
  .get({ query: z.object({ page: z.coerce.number() }) }, async (request, { user, query, params }) => ({
    user,
    page: query.page,
    id: params.id,
  }))
const made = new Request('http://test')
expectType<Promise<{ user: string; page: number; id: number }>>(
  guarded.GET.handler(made, { user: 'test', query: { page: 1 }, params: { id: 7 } }),
)
guarded.GET.handler(made, { user: 'test', query: { page: 1 }, signal: made.signal, url: new URL('http://test') })
expectType<'a'>(
  route('/a')
    .get(() => 'a')
    .GET.handler(made, {}),
)
// @ts-expect-error the user of the middleware is missing
guarded.GET.handler(made, { query: { page: 1 } })
// @ts-expect-error the query is missing
guarded.GET.handler(made, { user: 'test' })
// @ts-expect-error the output of the schema, not its input
guarded.GET.handler(made, { user: 'test', query: { page: '1' } })
// @ts-expect-error params are the output of their schema
guarded.GET.handler(made, { user: 'test', query: { page: 1 }, params: { id: '7' } })

// ── params ──

const shop = route.prefix('/shops/[shop]', { params: z.object({ shop: z.coerce.number() }) })
shop('/items/[id]').get((request, { params }) => {
  expectType<number>(params.shop)
  expectType<string>(params.id)
})
shop('/items/[id]', { params: z.object({ id: z.coerce.date() }) }).get((request, { params }) => {
  expectType<number>(params.shop)
  expectType<Date>(params.id)
})
shop
  .prefix('/[kind]', { params: z.object({ kind: z.enum(['book', 'toy']) }) })('/[id]')
  .get((request, { params }) => {
    expectType<number>(params.shop)
    expectType<'book' | 'toy'>(params.kind)
    expectType<string>(params.id)
  })
shop
  .use((request, { params }, next) => {
    expectType<number>(params.shop)
    return next({ found: params.shop })
  })('/')
  .get((request, { found, params }) => {
    expectType<number>(found)
    expectType<number>(params.shop)
  })
// @ts-expect-error the schema lacks a param
route('/[a]/[b]', { params: z.object({ a: z.string() }) })
// @ts-expect-error the pattern does not capture a key of the schema
route('/[a]', { params: z.object({ a: z.string(), b: z.string() }) })
// @ts-expect-error not even an optional one
route('/[a]', { params: z.object({ a: z.string(), b: z.string().optional() }) })
// @ts-expect-error a route's schema has only the names of its own part
shop('/[id]', { params: z.object({ id: z.string(), shop: z.string() }) })
// @ts-expect-error the prefix has no params
route.prefix('/v1', { params: z.object({ a: z.string() }) })
// @ts-expect-error the raw param is not in the context
shop('/[id]').get((request, { params }): string => params.shop)

// ── middleware ──

const around = middleware({
  around: ({ method, pattern, declaration, inputs }) => {
    expectType<string>(pattern)
    expectAssignable<string>(method)
    expectAssignable<object>(declaration)
    return async (request, context, next: Next) => {
      const { query, headers } = await inputs(request, context)
      expectType<unknown>(query)
      expectType<unknown>(headers)
      if (!query) return reply.forbidden()
      return next({ early: 1 }, { request, signal: request.signal, view: (context) => context })
    }
  },
})
route('/a')
  .use(around)
  .get((request, { early }) => expectType<number>(early))
const demanding = middleware(async (request, context: AnyContext & { user: string }, next) =>
  next({ greeting: context.user }),
)
route
  .use(session)
  .use(demanding)('/')
  .get((request, { greeting }) => expectType<string>(greeting))
// @ts-expect-error no outer middleware adds the user
route('/').use(demanding)
// @ts-expect-error a misspelled option
middleware({ arround: () => (request: Request, context: AnyContext, next: Next) => next() })
// @ts-expect-error not a middleware
route('/').use('x')
middleware(async (request, context, next) => {
  expectError(next({}, { signal: 1 }))
  expectError(next({}, { url: 'x' }))
  expectError(next('x'))
  return next()
})

// ── problems ──

const ErrorBody = z.object({ message: z.string() })
const format = problems({
  schema: ErrorBody,
  statuses: { 400: 422 },
  toBody: (problem, { issues, headers }) => {
    expectType<Problem>(problem)
    expectType<Headers>(headers)
    expectAssignable<readonly { readonly message: string }[] | undefined>(issues)
    return { message: problem.detail ?? 'Error' }
  },
})
router({ item }, { problems: format })
router(
  { item },
  {
    onError: (error, info) => {
      expectType<unknown>(error)
      expectType<ErrorInfo>(info)
      expectType<string | undefined>(info.pattern)
    },
  },
)
// @ts-expect-error the body does not match the schema
problems({ schema: ErrorBody, toBody: () => ({ text: 'x' }) })
// @ts-expect-error not a status of an error
problems({ schema: ErrorBody, statuses: { 200: 400 }, toBody: () => ({ message: 'x' }) })
// @ts-expect-error not a status of an error
problems({ schema: ErrorBody, statuses: { 400: 200 }, toBody: () => ({ message: 'x' }) })
// @ts-expect-error no schema
problems({ toBody: () => ({ message: 'x' }) })
