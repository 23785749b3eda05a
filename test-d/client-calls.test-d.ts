import { type Problem, problems, route, router, text } from 'byway'
import type { Reply } from 'byway/types'
import * as reply from 'byway/reply'
import type { ServerSentEvent } from 'byway/reply'
import { createClient, retry, UnexpectedResponse, type Calls, type ClientOptions } from 'byway/client'
import { expectType } from 'tsd'
import { z } from 'zod'

const Item = z.object({ slug: z.string(), price: z.number() })
const app = router({
  root: route('/').get(() => 'root'),
  list: route('/items')
    .get({ query: z.object({ page: z.coerce.number().optional(), tag: z.array(z.string()).default([]) }) }, () => [])
    .post({ body: Item }, (request) => {
      if (request.url) return reply.problem(409, { type: 'https://errors.example/taken', by: 'Ada' })
      if (request.method) return reply.problem(409, { type: 'https://errors.example/locked', until: 5 })
      return reply.json({ ok: true }, { status: 201 })
    }),
  search: route('/search').get({ query: z.object({ q: z.string() }) }, () => []),
  item: route('/items/[slug]').get({ response: Item }, () => ({ slug: 'a', price: 1 })),
  number: route('/numbers/[id]', { params: z.object({ id: z.coerce.number() }) }).get(() => 1),
  files: route('/files/[...path]').get(() => 'x'),
  docs: route('/docs/[[...path]]').get(() => 'x'),
  hook: route('/hook').post({ body: text(z.string()) }, () => undefined),
  full: route('/full').get((request) => {
    const until = new Date()
    if (request.url)
      return reply.problem(503, {
        type: 'https://errors.example/full',
        until,
        slots: [{ at: until }] as { at?: Date }[],
      })
    if (request.body) return reply.problem(503, { type: 'https://errors.example/closed', until })
    if (request.method) return reply.json({ status: 500, at: until }, { status: 500 })
    return reply.notFound()
  }),
  counted: route('/counted').get(
    { headers: z.object({ 'x-count': z.coerce.number(), 'x-since': z.coerce.date().optional() }) },
    () => [],
  ),
  cached: route('/cached').get({ headers: z.object({ 'x-age': z.coerce.number().optional() }) }, () => []),
  moved: route('/moved').get((request) => {
    if (request.url) return reply.permanentRedirect('/items')
    if (request.method) return new Response(null, { status: 304 }) as Reply<304, undefined>
    return reply.problem(409)
  }),
  away: route('/away').get(() => reply.seeOther('https://other.example')),
  events: route('/events').get(() => reply.sse([] as ServerSentEvent<{ n: number }>[])),
})
type App = typeof app
const api = createClient<App>()

// ── problems ──

const { error, status } = await api('/items').post({ body: { slug: 'a', price: 1 } })
if (status === 409) {
  expectType<'https://errors.example/taken' | 'https://errors.example/locked'>(error.type)
  if (error.type === 'https://errors.example/taken') expectType<string>(error.by)
  else expectType<number>(error.until)
}
if (status === 400) {
  expectType<Problem<400>>(error)
  expectType<string | undefined>(error.errors?.[0]?.detail)
}
const full = await api('/full').get()
if (full.status === 503) {
  expectType<string>(full.error.until)
  expectType<string | undefined>(full.error.detail)
  if (full.error.type === 'https://errors.example/full') expectType<{ at?: string }[]>(full.error.slots)
  else expectType<'https://errors.example/closed'>(full.error.type)
  // @ts-expect-error a date arrives as a string
  full.error.until.getTime()
  // @ts-expect-error an extension of the other problem
  if (full.error.type === 'https://errors.example/closed') console.log(full.error.slots)
}
if (full.status === 500) expectType<{ status: number; at: string }>(full.error)
if (full.status === 404) expectType<Problem<404>>(full.error)

// ── redirects, which fetch follows ──

const moved = await api('/moved').get()
if (moved.status === 200) expectType<unknown>(moved.data)
if (moved.error) expectType<409>(moved.status)
const away = await api('/away').get()
expectType<undefined>(away.error)
expectType<unknown>(away.data)

// ── url ──

expectType<string>(api('/').url())
expectType<string>(api('/').url({ query: { any: 'thing', more: [1, true, null] } }))
api('/items/[slug]').url({ params: { slug: 'a' } })
api('/items/[slug]').url({ params: { slug: 'a' }, query: { size: 2 } })
api('/numbers/[id]').url({ params: { id: 5 } })
api('/files/[...path]').url({ params: { path: ['a', 'b'] } })
api('/docs/[[...path]]').url()
api('/docs/[[...path]]').url({ params: { path: ['a'] } })
api('/items').url({ query: { page: 2, tag: ['a'] } })
api('/search').url({ query: { q: 'a' } })
api('/hook').url({ query: { a: 1 } })
// @ts-expect-error params are missing
api('/items/[slug]').url()
// @ts-expect-error a param is misnamed
api('/items/[slug]').url({ params: { id: 'a' } })
// @ts-expect-error a catch-all takes an array
api('/files/[...path]').url({ params: { path: 'a' } })
// @ts-expect-error the params that the schema takes
api('/numbers/[id]').url({ params: { id: 'five' } })
// @ts-expect-error the query that GET declares
api('/items').url({ query: { page: 'two' } })
// @ts-expect-error a query that GET does not declare
api('/items').url({ query: { pages: 2 } })
// @ts-expect-error a query that GET needs
api('/search').url()

// ── responses ──

createClient<App>({
  responses: { '/items': { post: z.object({ ok: z.literal(true) }) }, '/items/[slug]': { get: Item } },
})
// @ts-expect-error an unknown pattern
createClient<App>({ responses: { '/itemz': { get: Item } } })
// @ts-expect-error an undeclared method
createClient<App>({ responses: { '/items/[slug]': { post: Item } } })
// @ts-expect-error not a schema
createClient<App>({ responses: { '/items/[slug]': { get: () => true } } })
declare const unexpected: UnexpectedResponse
expectType<string | undefined>(unexpected.issues?.[0]?.message)

// ── options ──

createClient<App>({
  init: { credentials: 'include', mode: 'cors' },
  timeout: 5_000,
  retry: retry({ limit: 2, delay: 100, maxDelay: 1_000, statuses: [503] }),
  headers: async () => ({ authorization: 'Bearer x' }),
  onRequest: (request) => new Request(request, { cache: 'no-store' }),
  onResponse: (response, request) => console.log(request.method, response.status),
})
await api('/').get({ retry: retry({ limit: 3 }), timeout: 100, init: { cache: 'reload', keepalive: true } })
// @ts-expect-error a call's method is its own
createClient<App>({ init: { method: 'POST' } })
// @ts-expect-error a body is an input
await api('/').get({ init: { body: 'x' } })
const shared: ClientOptions = { baseUrl: 'https://api.example', retry: retry() }
createClient<App>(shared)

// ── headers ──

await api('/counted').get({ headers: { 'x-count': 5, 'x-since': new Date() } })
await api('/counted').get({ headers: { 'x-count': 5, 'x-since': undefined, authorization: 'Bearer x' }, timeout: 5 })
await api('/cached').get()
await api('/cached').get({ headers: { 'x-age': 5, accept: 'text/plain' } })
await api('/cached').get({ headers: new Headers({ accept: 'text/plain' }) })
// @ts-expect-error a declared header is missing
await api('/counted').get({ headers: { 'x-since': new Date() } })
// @ts-expect-error `Headers` may lack what is declared
await api('/counted').get({ headers: new Headers({ 'x-count': '5' }) })
// @ts-expect-error the headers are missing
await api('/counted').get({ timeout: 5 })
// @ts-expect-error a coerced header is checked against what it gives
await api('/counted').get({ headers: { 'x-count': 'five' } })
// @ts-expect-error the same, where it may be left out
await api('/cached').get({ headers: { 'x-age': 'five' } })
// @ts-expect-error no header is an object
await api('/counted').get({ headers: { 'x-count': 5, authorization: { token: 'x' } } })

// ── the calls, by pattern and method ──

type Written = Calls<App>
const written = createClient<Written>({ responses: { '/items/[slug]': { get: Item } } })
expectType<string>(written('/items').url({ query: { page: 2 } }))
expectType<{ slug: string; price: number }>((await written('/items/[slug]').get({ params: { slug: 'a' } })).data)
// @ts-expect-error the query that GET declares
written('/items').url({ query: { pages: 2 } })
// @ts-expect-error params are missing
written('/items/[slug]').url()
await written('/counted').get({ headers: { 'x-count': 5, authorization: 'Bearer x' } })
// @ts-expect-error a declared header is missing
await written('/counted').get({ headers: { authorization: 'Bearer x' } })

// ── streams ──

for await (const event of (await api('/events').get()).data) expectType<number>(event.data.n)

// ── an app's own error format ──

const formatted = router(
  {
    item: route('/items/[slug]').get(() =>
      Math.random() > 0.5
        ? 'a lamp'
        : Math.random() > 0.5
          ? reply.notFound()
          : reply.json({ isBusy: true }, { status: 503 }),
    ),
    add: route('/items').post({ body: Item }, () => 1),
  },
  {
    problems: problems({
      schema: z.object({ message: z.string() }),
      statuses: { 400: 422 },
      toBody: ({ title }) => ({ message: title ?? 'Error' }),
    }),
  },
)
const asFormatted = createClient<typeof formatted>()
const item = await asFormatted('/items/[slug]').get({ params: { slug: 'lamp' } })
if (item.status === 404) expectType<{ message: string }>(item.error)
if (item.status === 503) expectType<{ isBusy: boolean }>(item.error)
const added = await asFormatted('/items').post({ body: { slug: 'a', price: 1 } })
expectType<200 | 413 | 415 | 422>(added.status)
if (added.error) expectType<{ message: string }>(added.error)
// @ts-expect-error the status that is sent in its place
if (added.status === 400) console.log(added)
