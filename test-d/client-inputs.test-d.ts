import { route, type Jsonify, type Problem } from 'byway'
import { createClient, retry, type Calls, type Retry } from 'byway/client'
import { expectAssignable, expectType } from 'tsd'
import { z } from 'zod'
import { zfd } from 'zod-form-data'

// Operations by their types alone, as a route has them.

interface Operation<operation, result = string> {
  readonly '~types'?: { readonly operation: operation; readonly result: result; readonly layers: never }
}
interface Kind<key extends string, schema = undefined, sent = unknown> {
  readonly key: key
  readonly schema: schema
  readonly types: readonly string[]
  readonly document: 'value' | 'fields' | 'bytes'
  read(body: never): unknown
  readonly '~sent'?: sent
}
interface Post<operation> {
  readonly pattern: string
  readonly POST: Operation<operation>
}

const Item = z.object({ slug: z.string(), price: z.number() })
const Loose = z.object({ a: z.string().optional(), b: z.number().default(1) })
const Event = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('one'), at: z.coerce.date() }),
  z.object({ kind: z.literal('many'), days: z.array(z.object({ day: z.coerce.date(), note: z.string().optional() })) }),
])
const Transformed = z.object({ at: z.coerce.date(), size: z.string().transform(Number) }).transform(({ size }) => size)

interface App {
  '/json': Post<{ body: typeof Item }>
  '/loose': Post<{ body: typeof Loose }>
  '/maybe': Post<{ body: z.ZodOptional<typeof Item> }>
  '/any': Post<{ body: z.ZodAny }>
  '/event': Post<{ body: typeof Event }>
  '/date': Post<{ body: z.ZodCoercedDate }>
  '/transformed': Post<{ body: typeof Transformed }>
  '/tree': Post<{ body: ReturnType<typeof z.json> }>
  '/form': Post<{ body: Kind<'form', typeof Item> }>
  '/upload': Post<{ body: Kind<'form', ReturnType<typeof toUpload>> }>
  '/text': Post<{ body: Kind<'text'> }>
  '/text-of-schema': Post<{ body: Kind<'text', z.ZodString> }>
  '/bytes': Post<{ body: Kind<'bytes'> }>
  '/stream': Post<{ body: Kind<'stream'> }>
  '/msgpack': Post<{ body: Kind<'msgpack', typeof Event> }>
  '/dated': Post<{ body: typeof Dated }>
  '/dated-msgpack': Post<{ body: Kind<'msgpack', typeof Dated> }>
  '/dated-query': { readonly pattern: '/dated-query'; readonly GET: Operation<{ query: typeof Dated }> }
  '/csv': Post<{ body: Kind<'csv', typeof Item, readonly string[]> }>
  '/query': {
    readonly pattern: '/query'
    readonly GET: Operation<{ query: z.ZodUnion<[typeof Paged, typeof Since]> }>
  }
  '/ids/[id]': typeof ids
  '/days/[day]': typeof days
}
const Dated = z.object({ at: z.date(), either: z.union([z.string(), z.bigint()]).optional() })
const toUpload = () => zfd.formData({ photo: zfd.file(), alt: zfd.text() })
const Paged = z.object({ page: z.coerce.number() })
const Since = z.object({ since: z.coerce.date(), tag: z.array(z.string()).optional() })
const ids = route('/ids/[id]', { params: z.object({ id: z.string().transform(Number) }) }).get(() => 'a')
const days = route('/days/[day]', { params: z.object({ day: z.coerce.date() }) }).get(() => 'a')

const api = createClient<App>({ bodies: { msgpack: (value) => ({ body: JSON.stringify(value), type: 'x/y' }) } })

// ── body kinds ──

const item = { slug: 'a', price: 1 }
await api('/json').post({ body: item })
await api('/form').post({ form: item })
await api('/form').post({ form: new FormData() })
await api('/upload').post({ form: { photo: new File([], 'a'), alt: 'x' } })
await api('/text').post({ text: 'x' })
await api('/text-of-schema').post({ text: 'x' })
await api('/bytes').post({ bytes: new Uint8Array(1) })
await api('/bytes').post({ bytes: new Blob([]) })
await api('/stream').post({ stream: new Blob([]) })
await api('/stream').post({ stream: new Blob([]).stream() })
await api('/dated-msgpack').post({ msgpack: { at: new Date() } })
await api('/msgpack').post({ msgpack: { kind: 'one', at: new Date() } })
await api('/csv').post({ csv: ['a', 'b'] })
// @ts-expect-error the option has the name of the kind
await api('/form').post({ body: item })
// @ts-expect-error text is a string
await api('/text').post({ text: 5 })
// @ts-expect-error text is required
await api('/text').post()
// @ts-expect-error bytes are no string
await api('/bytes').post({ bytes: 'x' })
// @ts-expect-error the schema of another package's kind
await api('/msgpack').post({ msgpack: { kind: 'one', at: 'today' } })
// @ts-expect-error JSON has no Date, so the server would reject every request
await api('/dated').post({ body: { at: new Date() } })
// @ts-expect-error the schema accepts no string
await api('/dated').post({ body: { at: '2026-01-01' } })
// @ts-expect-error a query has no Date
await api('/dated-query').get({ query: { at: new Date() } })
// @ts-expect-error JSON has no bigint, but the other member of the union is fine
await api('/dated').post({ body: { at: new Date(), either: 1n } })
// @ts-expect-error the type that the kind says is sent
await api('/csv').post({ csv: item })
// @ts-expect-error an encoder returns a body
createClient<App>({ bodies: { msgpack: () => 5 } })

// ── an option is optional exactly if its schema accepts undefined ──

await api('/maybe').post()
await api('/maybe').post({ body: undefined })
await api('/maybe').post({ body: item })
await api('/any').post()
await api('/loose').post({ body: {} })
// @ts-expect-error the body is required, although each of its members is optional
await api('/loose').post()
// @ts-expect-error the same with other options
await api('/loose').post({ timeout: 5 })
// @ts-expect-error a required body
await api('/json').post({ body: undefined })

// ── coerced inputs ──

await api('/event').post({ body: { kind: 'one', at: new Date() } })
await api('/event').post({ body: { kind: 'many', days: [{ day: new Date(), note: 'x' }, { day: new Date() }] } })
await api('/date').post({ body: new Date() })
await api('/transformed').post({ body: { at: new Date(), size: '5' } })
await api('/tree').post({ body: [1, { a: ['x', null] }] })
await api('/query').get({ query: { page: 2 } })
await api('/query').get({ query: { since: new Date() } })
// @ts-expect-error a coerced date is a Date
await api('/event').post({ body: { kind: 'one', at: 'today' } })
// @ts-expect-error deep inside
await api('/event').post({ body: { kind: 'many', days: [{ day: 5 }] } })
// @ts-expect-error a member of the other member of the union
await api('/event').post({ body: { kind: 'one', days: [] } })
// @ts-expect-error a whole body that is coerced
await api('/date').post({ body: 'today' })
// @ts-expect-error it is required
await api('/date').post()
// @ts-expect-error the input of a transform
await api('/transformed').post({ body: { at: new Date(), size: 5 } })
// @ts-expect-error a union in a query
await api('/query').get({ query: { page: 'two' } })
// @ts-expect-error a Date is no JSON
await api('/tree').post({ body: [new Date()] })

// ── params ──

await api('/ids/[id]').get({ params: { id: '5' } })
await api('/days/[day]').get({ params: { day: new Date() } })
api('/ids/[id]').url({ params: { id: '5' } })
// @ts-expect-error the input of a transform, not its output
await api('/ids/[id]').get({ params: { id: 5 } })
// @ts-expect-error a coerced param
await api('/days/[day]').get({ params: { day: 'today' } })
const parsed = await api('/ids/[id]').get({ params: { id: '5' } })
expectType<200 | 404>(parsed.status)
if (parsed.error) expectType<Problem<404>>(parsed.error)
expectType<{ id: string } | undefined>({} as Calls<App>['/ids/[id]']['~params'])

// ── retry ──

createClient<App>({ retry: retry() })
createClient<App>({ retry: retry({ limit: 3, delay: 100, maxDelay: 1_000, statuses: [503] }) })
createClient<App>({ retry: ({ count, response }) => (count < 2 && response?.status === 503 ? 100 : undefined) })
await api('/text').post({ text: '', retry: false })
expectAssignable<Retry>(async () => undefined)
// @ts-expect-error a number is no function
createClient<App>({ retry: 2 })

// ── Jsonify ──

declare const symbol: unique symbol
class Point {
  x = 1
  length(): number {
    return this.x
  }
}
expectType<(string | null)[]>({} as Jsonify<(string | undefined)[]>)
expectType<readonly [string, null, 1]>({} as Jsonify<readonly [Date, undefined, 1]>)
expectType<(string | null)[]>({} as Jsonify<(string | (() => void) | symbol)[]>)
expectType<{ a?: string }>({} as Jsonify<{ a: string | (() => void); b: symbol }>)
expectType<{ a?: number }>({} as Jsonify<{ a: number | typeof symbol }>)
expectType<never>({} as Jsonify<bigint>)
expectType<{ a: never }>({} as Jsonify<{ a: Map<string, number> }>)
expectType<{ a: never }>({} as Jsonify<{ a: Uint8Array }>)
expectType<{ a: string }>({} as Jsonify<{ a: bigint | string }>)
expectType<{ x: number }>({} as Jsonify<Point>)
expectType<{ url: string }>({} as Jsonify<{ url: URL }>)
expectType<'a' | 'b'>({} as Jsonify<'a' | 'b'>)
declare const nothing: Jsonify<undefined>
expectType<undefined>(nothing)
