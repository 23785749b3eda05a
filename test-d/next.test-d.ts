// byway/next: mounted modules, and the functions and types of Next.js.
import { router } from 'byway'
import { createCache } from 'byway/cache'
import { createClient } from 'byway/client'
import {
  after,
  cookies,
  draftMode,
  fromNext,
  fromNextApp,
  fromNextPages,
  fromNextProxy,
  headers,
  NextRequest,
  NextResponse,
  notFound,
  redirect,
  revalidateTag,
  toNext,
  unstable_cache,
  type NextApiRequest,
  type NextApiResponse,
  type NextProxy,
  type RouteContext,
} from 'byway/next'
import { expectAssignable, expectError, expectType } from 'tsd'

// Handlers in the forms of Next.js's documentation.
const item = fromNext('/items/[slug]', {
  revalidate: 60 as const,
  GET: async (_request: NextRequest, { params }: { params: Promise<{ slug: string }> }) =>
    Response.json((await params).slug),
  POST: async (request: Request, { params }: RouteContext<'/items/[slug]'>) => {
    expectType<string>(params.slug)
    const { slug } = await params
    return NextResponse.json({ slug, body: await request.json() })
  },
  DELETE: () => new Response(null, { status: 204 }),
})
fromNext('/files/[...path]', {
  GET: async (_request: Request, { params }: { params: Promise<{ path: string[] }> }) => Response.json(await params),
})
expectError(
  fromNext('/items/[id]', {
    GET: async (_request: Request, { params }: { params: Promise<{ slug: string }> }) => Response.json(await params),
  }),
)
expectError(
  fromNext('/items', {
    GET: async (_request: Request, { params }: { params: Promise<{ slug: string }> }) => Response.json(await params),
  }),
)
expectError(fromNext('/items', { GET: () => new Response() }, { draft: 'x' }))

// Mounted routes are routes.
const app = router({ item })
const api = createClient<typeof app>()
api('/items/[slug]').get({ params: { slug: 'a' } })
expectError(api('/items/[slug]').put({ params: { slug: 'a' } }))
expectError(api('/items/[slug]').get())

const mounted = router(fromNextApp({ '/shop/[id]': { GET: () => new Response() } }, { cache: createCache() }))
createClient<typeof mounted>()('/shop/[id]').get({ params: { id: '1' } })
router({}, { use: [fromNextProxy({ proxy: () => NextResponse.next() })] })
fromNextPages('/api/x', {
  default: (req: NextApiRequest, res: NextApiResponse<{ a: number }>) =>
    res.status(200).json({ a: Number(req.query['a']) }),
})
expectAssignable<NextProxy>((request: NextRequest) => NextResponse.rewrite(new URL('/x', request.url)))

const { GET, POST } = toNext(app, { basePath: '/api' })
expectType<Promise<Response>>(GET(new Request('http://x/'), { params: Promise.resolve({ path: ['a'] }) }))
expectAssignable<Function>(POST)

// The functions of Next.js.
async function handler(request: NextRequest) {
  expectType<string>(request.nextUrl.pathname)
  expectType<string | undefined>(request.cookies.get('a')?.value)
  const jar = await cookies()
  jar.set('a', 'b', { httpOnly: true, sameSite: 'lax' })
  jar.set({ name: 'a', value: 'b' })
  expectError(jar.set('a', 5))
  expectType<string | null>((await headers()).get('a'))
  expectType<boolean>((await draftMode()).isEnabled)
  after(() => revalidateTag('a', 'max'))
  const find = unstable_cache(async (id: number) => ({ id }), ['item'], { tags: ['a'], revalidate: 60 })
  expectType<{ id: number }>(await find(1))
  expectError(unstable_cache(async () => 1))
  if (request.method === 'PUT') notFound()
  expectType<never>(redirect('/'))
}
expectAssignable<(request: NextRequest) => Promise<void>>(handler)
expectType<NextResponse<{ a: number }>>(NextResponse.json({ a: 1 }))
