// middleware(), .use() and the router's use: context added, context demanded, early responses.
import { type AnyContext, errorOf, middleware, type Middleware, route, router } from 'byway'
import * as reply from 'byway/reply'
import { createClient } from 'byway/client'
import { expectAssignable, expectType } from 'tsd'
import { z } from 'zod'

interface User {
  id: string
  name: string
}
declare function findUser(token: string | null): Promise<User | undefined>

const session = middleware(async (request, context, next) => {
  const user = await findUser(request.headers.get('authorization'))
  if (!user) return reply.problem(401, { detail: 'Sign in first' })
  return next({ user })
})
const admin = middleware(async (request, context: AnyContext & { user: User }, next) => {
  if (context.user.name !== 'root') return reply.forbidden()
  return next({ admin: true as const })
})
const timing = middleware(async (request, context, next) => {
  const response = await next()
  response.headers.set('server-timing', 'a')
  return response
})
const domainErrors = middleware(async (request, context, next) => {
  const response = await next()
  expectType<unknown>(errorOf(response))
  return errorOf(response) instanceof RangeError ? reply.notFound() : response
})
expectAssignable<Middleware<any, any>>(session)

// ── added ──

const authed = route.use(session)
const me = authed('/me').get((request, { user }) => {
  expectType<User>(user)
  return user
})
const both = authed
  .use(admin)('/admin/[id]')
  .get((request, { user, admin, params }) => {
    expectType<User>(user)
    expectType<true>(admin)
    return { id: params.id }
  })
const inline = route('/inline/[id]')
  .use(async (request, { params }, next) => next({ upper: params.id.toUpperCase() }))
  .get((request, { upper }) => {
    expectType<string>(upper)
    return upper
  })
const later = route('/later')
  .get(() => 'open')
  .use(session)
  .post((request, { user }) => user.name)
const timed = route('/timed')
  .use(timing)
  .use(domainErrors)
  .get(() => 1)
route('/x')
  // @ts-expect-error `user` is missing before `.use()`
  .get((request, { user }) => user)
  .use(session)

// ── demanded ──

// @ts-expect-error no middleware adds the user that it demands
route.use(admin)
// @ts-expect-error the same here
route('/x').use(admin)
// @ts-expect-error a middleware returns a Response
route('/x').use(async (request, context, next) => 'no')
// @ts-expect-error what it returns is what next() gave, or a Response of its own
middleware(async (request, context, next) => {
  await next()
})

// ── early responses reach the client ──

const busy = middleware((request, context, next) => (request.headers.has('x-busy') ? reply.problem(503) : next()))
const app = router({ me, both, inline, later, timed }, { use: [timing, busy] })
const api = createClient<typeof app>({ fetch: app.fetch })

const mine = await api('/me').get()
expectType<200 | 401 | 503>(mine.status)
if (mine.status === 401) expectType<string | undefined>(mine.error.detail)
const administered = await api('/admin/[id]').get({ params: { id: 'a' } })
expectType<200 | 401 | 403 | 503>(administered.status)
const open = await api('/later').get()
expectType<200 | 503>(open.status)
const shut = await api('/later').post()
expectType<200 | 401 | 503>(shut.status)
const measured = await api('/timed').get()
expectType<200 | 404 | 503>(measured.status)

// ── a middleware that reads any route's params can be used on a route that parses them ──

const logged = middleware((request, { params }, next) => {
  expectType<unknown>(params['id'])
  return next()
})
route('/n/[id]', { params: z.object({ id: z.coerce.number() }) })
  .use(logged)
  .get((request, { params }) => expectType<number>(params.id))

// ── map ──

const mapped = route('/mapped')
  .use((request, context, next) =>
    next({ user: 'ada' }, { map: (response) => reply.withHeaders(response, [['a', 'b']]) }),
  )
  .use((request, context, next) => next(undefined, { map: async (response) => response.clone() }))
  .get((request, { user }) => {
    expectType<string>(user)
    return { user }
  })
expectType<Promise<Response>>(mapped.GET(new Request('http://test/mapped')) as Promise<Response>)
// @ts-expect-error map returns a Response
middleware((request, context, next) => next({}, { map: () => 'text' }))
