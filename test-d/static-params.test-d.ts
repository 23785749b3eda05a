import { generateStaticParams, route, router, type StaticParams } from 'byway'
import { createCache } from 'byway/cache'
import { fileStore, prerender, type Prerendered, type PrerenderError } from 'byway/node'
import { expectAssignable, expectError, expectType } from 'tsd'
import { z } from 'zod'

const item = route('/items/[slug]')
declare const db: { all(): Promise<{ slug: string }[]>; rows(): Promise<{ slug: string; price: number }[]> }

// ── what the pattern captures ──

item.generateStaticParams(() => [{ slug: 'a' }, { slug: 'b' }])
item.generateStaticParams(() => [])
item.generateStaticParams(async () => [{ slug: 'a' }], { dynamicParams: false })
item.generateStaticParams(() => db.all(), {})
item.generateStaticParams(async () => (await db.rows()).map(({ slug }) => ({ slug })))
item.generateStaticParams(() => [{ slug: 'a' }] as const)
route('/[a]/[b]', { params: generateStaticParams(() => ['x', 'y'].map((a) => ({ a, b: a }))) })
route('/files/[...path]', { params: generateStaticParams(() => [{ path: ['a', 'b'] }]) })
route('/files/[[...path]]', { params: generateStaticParams(() => [{ path: ['a', 'b'] }, {}]) })
route('/[lang]/[[...path]]', { params: generateStaticParams(() => [{ lang: 'de' }, { lang: 'en', path: ['a'] }]) })
route
  .prefix('/orgs/[org]')('/users/[user]', { params: generateStaticParams(() => [{ org: 'a', user: 'b' }]) })
// What a pathname holds, not what the schema makes of it.
const byNumber = route('/n/[id]', { params: z.object({ id: z.coerce.number() }) })
byNumber
  .generateStaticParams(() => [{ id: '1' }])
  .get((request, { params }) => {
    expectType<number>(params.id)
  })
// A pattern that nobody knows yet.
route('/x' as string, { params: generateStaticParams(() => []) })

// @ts-expect-error a param of another name
item.generateStaticParams(() => [{ id: 'a' }])
// @ts-expect-error a param too few
route('/[a]/[b]', { params: generateStaticParams(() => [{ a: 'x' }]) })
// @ts-expect-error a param too many
item.generateStaticParams(() => [{ slug: 'a', page: '1' }])
// @ts-expect-error a param too many in some
item.generateStaticParams(() => [{ slug: 'a' }, { slug: 'b', page: '1' }])
// @ts-expect-error more than the params
item.generateStaticParams(() => db.rows())
// @ts-expect-error a number
item.generateStaticParams(() => [{ slug: 1 }])
// @ts-expect-error what the schema makes of it
byNumber.generateStaticParams(() => [{ id: 1 }])
// @ts-expect-error a string for a catch-all
route('/files/[...path]', { params: generateStaticParams(() => [{ path: 'a' }]) })
// @ts-expect-error nothing for a catch-all
route('/files/[...path]', { params: generateStaticParams(() => [{}]) })
// @ts-expect-error a misspelled catch-all that may be absent
route('/files/[[...path]]', { params: generateStaticParams(() => [{ pth: ['a'] }]) })
// @ts-expect-error strings
item.generateStaticParams(() => ['a'])
// @ts-expect-error one, not an array
item.generateStaticParams(() => ({ slug: 'a' }))
// @ts-expect-error no function
item.generateStaticParams([{ slug: 'a' }])
// @ts-expect-error a misspelled option
item.generateStaticParams(() => [], { dynamicParam: false })
// @ts-expect-error no boolean
item.generateStaticParams(() => [], { dynamicParams: 'false' })
// @ts-expect-error the pattern has no params
route('/items', { params: generateStaticParams(() => []) })
// @ts-expect-error the pattern has no params
route('/', { params: generateStaticParams(() => [{}]) })

// ── the route stays what it was ──

const before = item.generateStaticParams(() => [{ slug: 'a' }]).get((request, { params }) => params)
const after = item.get((request, { params }) => params, { params: generateStaticParams(() => [{ slug: 'a' }]) })
expectType<typeof after>(before)
expectType<Promise<Response>>(after.GET(new Request('http://test/items/a')))
after.post(() => 1).POST
expectType<'/items/[slug]'>(after.pattern)
expectType<StaticParams | undefined>(after.staticParams)
// @ts-expect-error no POST was declared
after.POST

// ── prerender ──

const cache = createCache({ store: fileStore('.cache') })
const app = router({
  item: route('/items/[slug]')
    .use(cache({ revalidate: 60 }), { params: generateStaticParams(() => [{ slug: 'a' }], { dynamicParams: false }) })
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
