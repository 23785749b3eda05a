import { generateStaticParams, route, router } from 'byway'
import type { StaticParams } from 'byway/types'
import { createCache } from 'byway/cache'
import { fileStore, prerender, type Prerendered, type PrerenderError } from 'byway/node'
import { expectAssignable, expectError, expectType } from 'tsd'
import { z } from 'zod'

declare const db: { all(): Promise<{ slug: string }[]>; rows(): Promise<{ slug: string; price: number }[]> }

// ── rows are what href() takes ──

route('/items/[slug]', { params: generateStaticParams(() => [{ slug: 'a' }, { slug: 'b' }]) })
route('/items/[slug]', { params: generateStaticParams(() => []) })
route('/items/[slug]', { params: generateStaticParams(async () => [{ slug: 'a' }], { dynamicParams: false }) })
route('/items/[slug]', { params: generateStaticParams(() => db.all(), {}) })
route('/items/[slug]', {
  params: generateStaticParams(async () => (await db.rows()).map(({ slug }) => ({ slug }))),
})
route('/items/[slug]', { params: generateStaticParams(() => [{ slug: 'a' }] as const) })
route('/items/[id]', { params: generateStaticParams(() => [{ id: 1 }, { id: 2 }]) })
route('/[a]/[b]', { params: generateStaticParams(() => ['x', 'y'].map((a) => ({ a, b: a }))) })
route('/files/[...path]', { params: generateStaticParams(() => [{ path: ['a', 'b'] }]) })
route('/files/[[...path]]', { params: generateStaticParams(() => [{ path: ['a', 'b'] }, {}]) })
route('/[lang]/[[...path]]', { params: generateStaticParams(() => [{ lang: 'de' }, { lang: 'en', path: ['a'] }]) })
route.prefix('/orgs/[org]')('/users/[user]', { params: generateStaticParams(() => [{ org: 'a', user: 'b' }]) })

// @ts-expect-error a param of another name
route('/items/[slug]', { params: generateStaticParams(() => [{ id: 'a' }]) })
// @ts-expect-error a missing param
route('/[a]/[b]', { params: generateStaticParams(() => [{ a: 'x' }]) })
// @ts-expect-error a param that the pattern does not capture
route('/items/[slug]', { params: generateStaticParams(() => [{ slug: 'a', page: '1' }]) })
// @ts-expect-error rows with more than the params
route('/items/[slug]', { params: generateStaticParams(() => db.rows()) })
// @ts-expect-error a misspelled optional catch-all
route('/files/[[...path]]', { params: generateStaticParams(() => [{ pth: ['a'] }]) })
// @ts-expect-error strings instead of rows
generateStaticParams(() => ['a'])
// @ts-expect-error a value that no pathname has
generateStaticParams(() => [{ at: new Date() }])
// @ts-expect-error a row instead of a list
generateStaticParams(() => ({ slug: 'a' }))
// @ts-expect-error a list instead of a function
generateStaticParams([{ slug: 'a' }])
// @ts-expect-error a misspelled option
generateStaticParams(() => [], { dynamicParam: false })
// @ts-expect-error not a boolean
generateStaticParams(() => [], { dynamicParams: 'false' })
// @ts-expect-error not a schema
generateStaticParams(() => [], { schema: {} })
// @ts-expect-error the pattern has no params
route('/items', { params: generateStaticParams(() => [{ slug: 'a' }]) })

// ── the params of a handler ──

route('/items/[slug]', { params: generateStaticParams(() => [{ slug: 'a' }]) }).get((request, { params }) => {
  expectType<string>(params.slug)
})
route('/[id]/[...path]', { params: generateStaticParams(() => [{ id: 1, path: ['a'] }]) }).get(
  (request, { params }) => {
    expectType<string>(params.id)
    expectType<string[]>(params.path)
  },
)
const byNumber = generateStaticParams(() => [{ id: '1' }, { id: 'two' }], {
  schema: z.object({ id: z.coerce.number() }),
  dynamicParams: false,
})
expectType<boolean>(byNumber.dynamicParams)
expectAssignable<StaticParams>(byNumber)
const numbered = route('/n/[id]', { params: byNumber }).get((request, { params }) => {
  expectType<number>(params.id)
  return params.id
})
expectType<Promise<Response>>(numbered.GET(new Request('http://test/n/1'), { params: { id: '1' } }))

// ── prerender ──

const cache = createCache({ store: fileStore('.cache') })
const app = router({
  item: route('/items/[slug]', { params: generateStaticParams(() => [{ slug: 'a' }], { dynamicParams: false }) })
    .use(cache({ revalidate: 60 }))
    .get((request, { params }) => params),
})
expectType<Promise<Prerendered>>(prerender(app))
prerender(app, {
  baseUrl: new URL('https://api.example'),
  outDir: 'out',
  concurrency: 8,
  onProgress: ({ done, total, pathname }) => {
    expectType<number>(done + total)
    expectType<string>(pathname)
  },
})
declare const error: PrerenderError
expectAssignable<Error>(error)
expectType<string | undefined>(error.failures[0]!.pathname)
expectType<string | undefined>(error.pages[0]!.file)
expectError(prerender(app.fetch))
expectError(prerender(app, { out: 'out' }))
