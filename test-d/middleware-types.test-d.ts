// What a middleware adds to the context and to the client's types, whatever it returns.
import { type AnyContext, middleware, route, router } from 'byway'
import { createClient } from 'byway/client'
import * as reply from 'byway/reply'
import { expectType } from 'tsd'
import { z } from 'zod'

interface User {
  id: string
}
declare const user: User

const session = middleware(async (request, context, next) => {
  if (!request.headers.has('authorization')) return reply.unauthorized()
  return next({ user })
})

// ── a plain Response: nothing is added, and any status is possible ──

const wrapped = middleware(async (request, context, next) => {
  const response = await next()
  return new Response(response.body, response)
})
const refused = middleware((request, context, next) =>
  request.url ? new Response('no', { status: 418 }) : next({ user }),
)
const closed = middleware(() => new Response('closed', { status: 503 }))
const none = middleware(() => {
  throw reply.notFound()
})

const first = route('/first/[id]')
  .use(wrapped)
  .get((request, { params }) => expectType<string>(params.id))
const second = route('/second')
  .use(refused)
  .get((request, { user }) => expectType<User>(user))
const third = route('/third/[id]')
  .use(closed)
  .get((request, { params }) => expectType<string>(params.id))
const fourth = route
  .use(none)('/fourth/[id]')
  .get((request, { params }) => expectType<string>(params.id))
const fifth = route
  .use(refused)('/fifth')
  .get((request, { user }) => ({ id: user.id }))
const app = router({ first, second, third, fourth, fifth })
const api = createClient<typeof app>()
const opened = await api('/fifth').get()
if (opened.status === 418) expectType<unknown>(opened.error)
if (opened.status === 503) expectType<unknown>(opened.error)
const wrapping = await api('/first/[id]').get({ params: { id: 'a' } })
if (wrapping.status === 404) expectType<unknown>(wrapping.error)
const thrown = await api('/fourth/[id]').get({ params: { id: 'a' } })
expectType<204>(thrown.status)

// The same in the router's `use`.
const around = router({ sixth: route('/sixth').get(() => ({ ok: true })) }, { use: [wrapped] })
const outer = await createClient<typeof around>()('/sixth').get()
if (outer.status === 500) expectType<unknown>(outer.error)

// ── synchronous early responses ──

const sync = middleware((request, context, next) => (request.url ? reply.forbidden() : next({ user })))
const guarded = router({
  seventh: route('/seventh')
    .use(sync)
    .get((request, { user }) => user),
})
const guardedResult = await createClient<typeof guarded>()('/seventh').get()
expectType<200 | 403>(guardedResult.status)

// ── a name that is added twice has the inner type ──

route('/a')
  .use(session)
  .use((request, context, next) => next({ user: 5 }))
  .get((request, { user }) => expectType<number>(user))
route
  .use(session)
  .use((request, context, next) => next({ user: 5 }))('/a')
  .get((request, { user }) => expectType<number>(user))
route('/a/[id]')
  .use((request, context, next) => next({ user: undefined as User | undefined }))
  .use(session)
  .get((request, { user, params }) => {
    expectType<User>(user)
    expectType<string>(params.id)
  })
route('/a/[id]')
  .use((request, context, next) => next({} as { [name: string]: string }))
  .get((request, { params }) => expectType<string>(params.id))
const either = middleware((request, context, next) => (request.url ? next({ user }) : next({ user: undefined })))
route('/a')
  .use(either)
  .get((request, { user }) => expectType<User | undefined>(user))

// ── params of a prefix ──

route
  .prefix('/orgs/[org]')
  .use((request, { params }, next) => {
    expectType<string>(params.org)
    return next({ org: params.org.length })
  })('/users/[user]')
  .get((request, { org, params }) => {
    expectType<number>(org)
    expectType<string>(params.user)
    expectType<string>(params.org)
  })
route.prefix('/orgs/[org]', { params: z.object({ org: z.coerce.number() }) }).use((request, { params }, next) => {
  expectType<number>(params.org)
  return next()
})
// @ts-expect-error a param that the prefix lacks
route.prefix('/orgs/[org]').use((request, { params }, next) => next({ user: params.user.length }))

const demanding = middleware((request, context: AnyContext & { params: { org: string } }, next) => next())
route.prefix('/orgs/[org]').use(demanding)
// @ts-expect-error no prefix has this param
route.use(demanding)

// ── the client's params below a prefix: the input of each schema ──

const Id = z.object({ id: z.coerce.number() })
const org = route.prefix('/orgs/[org]', { params: z.object({ org: z.string().transform(Number) }) })
const orgs = router({
  a: org('/a').get((request, { params }) => params.org),
  b: org('/b/[id]', { params: Id }).get((request, { params }) => params.org + params.id),
  c: org
    .prefix('/c/[c]')('/[id]', { params: Id })
    .get((request, { params }) => expectType<string>(params.c)),
  d: route
    .prefix('/d/[lang]')('/[id]', { params: Id })
    .get((request, { params }) => expectType<number>(params.id)),
})
const at = createClient<typeof orgs>()
const a = await at('/orgs/[org]/a').get({ params: { org: '5' } })
expectType<200 | 404>(a.status)
await at('/orgs/[org]/b/[id]').get({ params: { org: '5', id: 5 } })
await at('/orgs/[org]/c/[c]/[id]').get({ params: { org: '5', c: 'x', id: 5 } })
await at('/d/[lang]/[id]').get({ params: { lang: 'de', id: 5 } })
// @ts-expect-error the input of a transform
await at('/orgs/[org]/a').get({ params: { org: 5 } })
// @ts-expect-error a coerced param
await at('/orgs/[org]/b/[id]').get({ params: { org: '5', id: 'five' } })
// @ts-expect-error a param of the prefix is missing
await at('/orgs/[org]/b/[id]').get({ params: { id: 5 } })

// ── synchronous and asynchronous results ──

route('/a')
  .use((request, context, next) => (request.url ? reply.forbidden() : next({ user })))
  .get((request, { user }) => expectType<User>(user))
route('/a')
  .use((request, context, next) => (request.url ? Promise.resolve(new Response()) : next({ user })))
  .get((request, { user }) => expectType<User>(user))
