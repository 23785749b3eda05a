import { form, type Jsonify, type Problem, route, router, text } from 'byway'
import * as reply from 'byway/reply'
import { createClient, UnexpectedResponse } from 'byway/client'
import { expectAssignable, expectNotAssignable, expectType } from 'tsd'
import { z } from 'zod'
import { zfd } from 'zod-form-data'
import * as pets from './pets.test-d.js'

interface Item {
  slug: string
  name: string
  price: number
}
type Json = string | number | boolean | null | Json[] | { [key: string]: Json }
type Dated = string | Date | Dated[] | { [key: string]: Dated }
interface Tree {
  at: Date
  children: Tree[]
}
const Item = z.object({ slug: z.string(), name: z.string(), price: z.number() })
declare const db: { list(page: number, tag: string[]): Promise<Item[]>; find(slug: string): Promise<Item | undefined> }

const items = route('/items')
  .get(
    { query: z.object({ page: z.coerce.number().default(1), tag: z.array(z.string()).default([]) }) },
    (request, { query }) => db.list(query.page, query.tag),
  )
  .post({ body: Item }, async (request, { body }) => {
    if (await db.find(body.slug)) return reply.problem(409, { detail: 'exists' })
    return reply.json(body, { status: 201 })
  })
const item = route('/items/[slug]')
  .get({ response: Item }, async (request, { params }) => (await db.find(params.slug)) ?? reply.notFound())
  .delete(() => undefined)
const photo = route('/items/[slug]/photo').post(
  { body: form(zfd.formData({ photo: zfd.file(), alt: zfd.text() })) },
  (request, { body: form }) => ({ size: form.photo.size }),
)
const numbered = route('/numbered/[id]', { params: z.object({ id: z.coerce.number() }) }).get(
  (request, { params }) => params.id,
)
const mixed = route('/mixed')
  .get((request) => {
    if (request.url) return reply.problem(404)
    return { ok: true }
  })
  .post((request) => {
    if (request.url) return reply.problem(422, { balance: 3 })
    return new Response('x')
  })
  .put((request) => {
    if (request.url) return reply.problem(415)
    return { url: 'https://x' }
  })
  .patch((request) => {
    if (request.method) return reply.json({ a: 1 })
    if (request.url) return reply.json({ a: 1, b: 2 }, { status: 201 })
    return undefined
  })
  .delete((request) => {
    if (request.url) return reply.problem(409)
    return { status: 5 }
  })
const typed = route('/typed').get((request) => {
  if (request.url) return reply.problem(409, { type: 'https://errors.example/taken' })
  if (request.method) return reply.problem(402, { type: 'https://errors.example/credit', balance: 3 })
  return reply.text('ok')
})
const hook = route('/hook').post(
  { body: text(z.string()), headers: z.object({ 'x-signature': z.string() }) },
  () => undefined,
)
const stored = route('/stored').get((): { json: Json } => ({ json: [null] }))
const app = router({ items, item, photo, more: { numbered, mixed, typed, hook, stored }, pets })

const api = createClient<typeof app>({ baseUrl: 'https://api.example' })

// ── responses ──

const one = await api('/items/[slug]').get({ params: { slug: 'a' } })
expectType<200 | 404>(one.status)
if (one.error) expectType<Problem<404>>(one.error)
else expectType<{ slug: string; name: string; price: number }>(one.data)
const { data, error, status } = await api('/items').post({ body: { slug: 'a', name: 'b', price: 1 } })
expectType<201 | 400 | 409 | 413 | 415>(status)
if (status === 409) {
  expectType<undefined>(data)
  expectType<409>(error.status)
}
if (status === 201) {
  expectType<number>(data.price)
  expectType<undefined>(error)
}
if (status === 400) expectType<string | undefined>(error.errors?.[0]?.pointer)
const gone = await api('/items/[slug]').delete({ params: { slug: 'a' } })
expectType<204>(gone.status)
expectType<undefined>(gone.data)
const ok = await api('/mixed').get()
if (ok.data) expectType<true>(ok.data.ok)
const raw = await api('/mixed').post()
if (raw.status === 200) expectType<unknown>(raw.data)
const url = await api('/mixed').put()
if (url.status === 200) expectType<string>(url.data.url)
const many = await api('/mixed').patch()
expectType<200 | 201 | 204>(many.status)
if (many.status === 201) expectType<number>(many.data.b)
const numberLike = await api('/mixed').delete()
if (numberLike.status === 200) expectType<number>(numberLike.data.status)
const discriminated = await api('/typed').get()
if (discriminated.status === 402) expectType<'https://errors.example/credit'>(discriminated.error.type)
if (discriminated.status === 200) expectType<string>(discriminated.data)
const anything = await api('/stored').get()
expectType<{ json: Json }>(anything.data)
// @ts-expect-error what is JSON may be no string
anything.data.json.at(0)
const pet = await api('/pets/[id]').get({ params: { id: '1' } })
if (pet.data) expectType<{ id: string; born: string; tag?: string }>(pet.data)
// @ts-expect-error the route does not send 299
if (one.status === 299) console.log()

// ── inputs ──

await api('/items').get()
await api('/items').get({
  query: { page: 2, tag: ['a'] },
  signal: new AbortController().signal,
  timeout: 1_000,
  headers: { a: 'b' },
})
await api('/numbered/[id]').get({ params: { id: 5 } })
await api('/hook').post({ text: 'x', headers: { 'x-signature': 'y' } })
const sent = await api('/items/[slug]/photo').post({
  params: { slug: 'a' },
  form: { photo: new File([], 'a'), alt: 'x' },
})
if (sent.status === 200) expectType<number>(sent.data.size)
await api('/items/[slug]/photo').post({ params: { slug: 'a' }, form: new FormData() })
// @ts-expect-error a coerced query has the type of its output
await api('/items').get({ query: { page: 'two' } })
// @ts-expect-error an unknown pattern
await api('/itemz')
// @ts-expect-error an undeclared method
await api('/items/[slug]').post({ params: { slug: 'a' } })
// @ts-expect-error params are missing
await api('/items/[slug]').get()
// @ts-expect-error a param is misnamed
await api('/items/[slug]').get({ params: { id: 'a' } })
// @ts-expect-error a param that is a number
await api('/numbered/[id]').get({ params: { id: 'five' } })
// @ts-expect-error a field of the body is missing
await api('/items').post({ body: { slug: 'a', name: 'b' } })
// @ts-expect-error an unknown field of the body
await api('/items').post({ body: { slug: 'a', name: 'b', price: 1, nope: 1 } })
// @ts-expect-error body is not an input of GET
await api('/items').get({ body: {} })
// @ts-expect-error a file is a File
await api('/items/[slug]/photo').post({ params: { slug: 'a' }, form: { photo: 'x', alt: 'x' } })
// @ts-expect-error a header that is declared is missing
await api('/hook').post({ text: 'x' })

// ── an app as an interface ──

interface App {
  '/items/[slug]': typeof item
}
const written = await createClient<App>()('/items/[slug]').get({ params: { slug: 'a' } })
expectType<200 | 404>(written.status)

// ── Jsonify ──

declare const json: Jsonify<{ a: Date; b?: string; c: undefined; d: () => void; e: (Date | null)[]; f: [1, Date] }>
expectType<{ a: string; b?: string; e: (string | null)[]; f: [1, string] }>(json)
declare const flat: Jsonify<Item>
declare const optional: Jsonify<{ a: string; readonly b?: number; c: any; d?: [1, 'x'] }>
expectType<{ a: string; readonly b?: number; c: any; d?: [1, 'x'] }>(optional)
declare const within: Jsonify<{ a: Json; b: Date; c: unknown; d: { e: Json[]; f?: undefined } }>
expectType<{ a: Json; b: string; c?: unknown; d: { e: Json[] } }>(within)
declare const lists: Jsonify<{ a: Date[]; b: readonly Date[]; c: readonly [1, ...Date[]]; d: [1, Date] }>
expectType<{ a: string[]; b: readonly string[]; c: readonly [1, ...string[]]; d: [1, string] }>(lists)
declare const dated: Jsonify<Dated>
expectAssignable<Json>(dated)
expectNotAssignable<Date>(dated)
declare const tree: Jsonify<Tree>
expectType<string | undefined>(tree.children[0]?.children[0]?.at)
expectAssignable<Item>(flat)

declare const unexpected: UnexpectedResponse
expectType<number>(unexpected.status)
