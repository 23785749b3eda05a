import { type AnyContext, rewrites, route, router } from 'byway'
import type { Added, Continued, Early } from 'byway/types'
import * as reply from 'byway/reply'
import {
  cookies,
  cors,
  redirects,
  type Cookie,
  type CookieOptions,
  type CookiePlace,
  type Cookies,
  type CookiesOptions,
  type CorsOptions,
  type Redirect,
} from 'byway/middleware'
import { expectAssignable, expectError, expectNotAssignable, expectType } from 'tsd'

type ResultOf<layer> = layer extends (...rest: never) => infer result ? Awaited<result> : never

// ── cookies ──

const jar = cookies()
expectType<Cookies>({} as Added<ResultOf<typeof jar>>['cookies'])
expectType<never>({} as Early<ResultOf<typeof jar>>)

route('/[slug]')
  .use(cookies({ secrets: ['x'.repeat(32)], unsigned: ['theme'], defaults: { sameSite: 'strict' } }))
  .get((_request, { cookies, params }) => {
    expectType<{ readonly slug: string }>(params)
    expectType<Cookie | undefined>(cookies.get('a'))
    expectType<Cookie[]>(cookies.getAll())
    expectType<Cookie[]>(cookies.getAll('a'))
    expectType<boolean>(cookies.has('a'))
    expectType<void>(cookies.set('a', '1'))
    expectType<void>(cookies.set('a', '1', { maxAge: undefined, expires: new Date() }))
    expectType<void>(cookies.set({ name: 'a', value: '1', httpOnly: false }))
    expectType<void>(cookies.delete('a', { path: '/x', domain: 'a.example' }))
    expectType<void>(cookies.delete({ name: 'a', path: '/x' }))
    expectType<void>(cookies.clear())
    expectError(cookies.set('a'))
    expectError(cookies.set('a', 1))
    expectError(cookies.set('a', '1', { sameSite: 'Lax' }))
    expectError(cookies.set('a', '1', { httponly: true }))
    expectError(cookies.delete('a', { maxAge: 1 }))
    return 'ok'
  })
expectError(route('/').get((_request, { cookies }) => cookies.get('a')))
expectError(cookies({ secret: 'x' }))
expectError(cookies({ secrets: 'x' }))
expectAssignable<CookiesOptions>({ defaults: {} })
expectAssignable<CookieOptions>({ priority: 'high', partitioned: true })
expectNotAssignable<CookiePlace>({ maxAge: 1, expires: 'x' as const, path: 1 })

// ── cors ──

const open = cors({ origin: '*' })
expectType<{}>({} as Added<ResultOf<typeof open>>)
expectType<never>({} as Early<ResultOf<typeof open>>)
cors({
  origin: ['https://app.example'],
  methods: ['GET'],
  allowedHeaders: [],
  exposedHeaders: [],
  credentials: true,
  maxAge: 60,
})
cors({ origin: (origin, request) => origin === request.url })
cors({ origin: async () => true })
expectError(cors())
expectError(cors({}))
expectError(cors({ origin: 'https://app.example' }))
expectError(cors({ origin: () => 'yes' }))
expectAssignable<CorsOptions>({ origin: [] })

// ── redirects ──

const forEver = redirects([{ source: '/a/[x]', destination: '/b/[x]', permanent: true }])
expectType<never>({} as Early<ResultOf<typeof forEver>>)
expectType<{}>({} as Added<ResultOf<typeof forEver>>)
const forNow = redirects([{ source: '/a', destination: '/b', permanent: false }])
expectType<never>({} as Early<ResultOf<typeof forNow>>)
const both = redirects([
  { source: '/a', destination: '/b', permanent: false },
  { source: '/c', destination: '/d', permanent: true },
])
expectType<never>({} as Early<ResultOf<typeof both>>)

redirects([])
redirects([{ source: '/a/[x]/[y]', destination: '/b/[y]?x=[x]#[y]', permanent: true }])
redirects([{ source: '/a/[...x]', destination: '/b/[...x]', permanent: true }])
redirects([{ source: '/a/[...x]', destination: '/b/[[...x]]', permanent: true }])
redirects([{ source: '/a/[b]/[...x]', destination: '/b/[...x]?b=[b]&all=[...x]', permanent: true }])
redirects([{ source: '/a/[[...x]]', destination: '/[[...x]]', permanent: true }])
redirects([{ source: '/a/[x]', destination: 'https://new.example/[x]', permanent: true }])
redirects([{ source: '/a', destination: 'http://[::1]:3000/', permanent: true }])
redirects([{ source: '/a', destination: '/b?list[]=1', permanent: true }])
const loaded: Redirect[] = []
const unknown = redirects(loaded)
expectType<never>({} as Early<ResultOf<typeof unknown>>)

expectError(redirects([{ source: '/a/[x]', destination: '/b/[y]', permanent: true }]))
expectError(redirects([{ source: '/a', destination: '/b?x=[x]', permanent: true }]))
expectError(redirects([{ source: '/a', destination: '/b#[x]', permanent: true }]))
expectError(redirects([{ source: '/a/[x]', destination: '/b/[...x]', permanent: true }]))
expectError(redirects([{ source: '/a/[...x]', destination: '/b/[x]', permanent: true }]))
expectError(redirects([{ source: '/a/[[...x]]', destination: '/b/[...x]', permanent: true }]))
expectError(redirects([{ source: '/a', destination: 'https://new.example/[x]', permanent: true }]))
expectError(redirects([{ source: 'a', destination: '/b', permanent: true }]))
expectError(redirects([{ source: '/a/', destination: '/b', permanent: true }]))
expectError(redirects([{ source: '/a', destination: '/b' }]))
expectError(redirects([{ source: '/a', destination: '/b', permanent: 'yes' }]))
// One bad rule among good ones.
expectError(
  redirects([
    { source: '/a', destination: '/b', permanent: true },
    { source: '/c', destination: '/[d]', permanent: true },
  ]),
)

// ── rewrites ──

const home = route('/').get(() => reply.text('home'))
router({ home }, { rewrites: rewrites([{ source: '/a/[x]', destination: '/b/[x]' }]) })
expectError(router({ home }, { rewrites: rewrites([{ source: '/a/[x]', destination: '/b/[y]' }]) }))
expectError(router({ home }, { rewrites: rewrites([{ source: 'a', destination: '/b' }]) }))

// ── together ──

const inPlace = router(
  { home },
  { use: [cors({ origin: '*' }), redirects([{ source: '/a/[x]', destination: '/b/[x]', permanent: true }])] },
)
expectType<undefined>(inPlace['~early'])

const app = router({ home }, { use: [cors({ origin: '*' }), cookies(), forEver] })
expectType<undefined>(app['~early'])
expectAssignable<Continued<{}>>({} as ResultOf<typeof open>)
expectAssignable<(request: Request, context: AnyContext, next: never) => unknown>(jar)
