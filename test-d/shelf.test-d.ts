import * as reply from 'byway/reply'
// The middleware of byway/middleware, byway/jwt, byway/otel and byway/static: what they add, and their early responses.
import { route, router, type AnyContext, type Problem } from 'byway'
import { createClient } from 'byway/client'
import { jwt } from 'byway/jwt'
import {
  basicAuth,
  bearerAuth,
  compress,
  concurrencyLimit,
  csrf,
  etag,
  every,
  except,
  ipRestriction,
  language,
  logger,
  memorySessions,
  methodOverride,
  rateLimit,
  requestId,
  secureHeaders,
  serverTiming,
  session,
  some,
} from 'byway/middleware'
import { otel, traceHeaders } from 'byway/otel'
import { serveStatic } from 'byway/static'
import { expectError, expectType } from 'tsd'
import { z } from 'zod'

interface User {
  readonly id: number
}
const verify = async (token: string): Promise<{ user: User } | undefined> => (token ? { user: { id: 1 } } : undefined)

// What they add to the context.
route('/')
  .use(requestId())
  .get((_request, { requestId }) => expectType<string>(requestId))
route('/')
  .use(bearerAuth({ verify }))
  .get((_request, { user }) => expectType<User>(user))
route('/')
  .use(bearerAuth({ verify, optional: true }))
  .get((_request, { user }) => expectType<User | undefined>(user))
route('/')
  .use(
    basicAuth({
      verify: async ({ username, password, isSame }) =>
        (await isSame(password, 'x')) ? { name: username } : undefined,
    }),
  )
  .get((_request, { name }) => expectType<string>(name))
route('/')
  .use(language({ supported: ['en', 'de'] }))
  .get((_request, { language }) => expectType<'en' | 'de'>(language))
route('/')
  .use(serverTiming())
  .get((_request, { timing }) => expectType<number>(timing.time('a', () => 1)))
route('/')
  .use(secureHeaders({ nonce: ['script-src'] }))
  .get((_request, { nonce }) => expectType<string>(nonce))
expectError(
  route('/')
    .use(secureHeaders())
    .get((_request, { nonce }) => nonce),
)

const Data = z.object({ user: z.string(), since: z.coerce.date().default(new Date(0)) })
route('/')
  .use(session({ schema: Data, store: memorySessions() }))
  .get(async (_request, { session }) => {
    expectType<{ user: string; since: Date } | undefined>(session.data)
    await session.set({ user: 'ann' })
    expectError(session.set({ user: 5 }))
    return expectType<string | undefined>(session.takeFlash('note')) ?? null
  })

const token = { algorithms: ['RS256'], jwks: 'https://login.example/jwks', audience: 'api', issuer: 'login' } as const
route('/')
  .use(jwt({ ...token, schema: z.object({ sub: z.string() }) }))
  .get((_request, { claims }) => expectType<string>(claims.sub))
route('/')
  .use(jwt(token))
  .get((_request, { claims }) => expectType<string | undefined>(claims.sub) ?? null)
route('/')
  .use(jwt({ ...token, optional: true }))
  .get((_request, { claims }) => expectType<string | undefined>(claims?.sub) ?? null)

route('/')
  .use(some(bearerAuth({ verify }), basicAuth({ verify: () => ({ admin: true }) })))
  .get((_request, context) => expectType<User | boolean>('user' in context ? context.user : context.admin))
route('/')
  .use(every(requestId(), bearerAuth({ verify })))
  .get((_request, { requestId, user }) => [expectType<string>(requestId), expectType<User>(user)])
route('/')
  .use(except(['/login'], bearerAuth({ verify })))
  .get((_request, { user }) => expectType<User | undefined>(user))

// A key can use what outer middleware added.
route('/')
  .use(bearerAuth({ verify }))
  .use(rateLimit({ limit: 1, window: 1_000, key: ({ user }: AnyContext & { user: User }) => String(user.id) }))
  .get(() => 'ok')
expectError(
  route('/').use(
    rateLimit({ limit: 1, window: 1_000, key: ({ user }: AnyContext & { user: User }) => String(user.id) }),
  ),
)

// Their early responses are in the client's types.
const guarded = route
  .use(csrf())
  .use(bearerAuth({ verify }))
  .use(rateLimit({ limit: 1, window: 1_000, key: ({ ip }) => ip }))
  .use(concurrencyLimit({ limit: 1 }))('/guarded')
  .get(() => 'ok')
const app = router({ guarded })
const api = createClient<typeof app>()
const result = await api('/guarded').get()
expectType<200 | 401 | 403 | 429 | 503>(result.status)
if (result.status === 429) expectType<Problem<429>>(result.error)

// They can be used on a router.
router(
  { guarded },
  {
    use: [
      otel(),
      requestId(),
      logger({ sink: (entry) => expectType<number>(entry.status) }),
      compress(),
      etag(),
      methodOverride(),
    ],
  },
)
route('/')
  .use(ipRestriction({ deny: ['::1'] }))
  .get({ sensitive: true }, () => 'secret')
route('/assets/[...path]').get(serveStatic('dist', { immutable: true }))
route('/assets/[...path]').get(serveStatic(new URL('dist/', import.meta.url)))
expectError(serveStatic(['dist']))
createClient<typeof app>({ headers: traceHeaders })

// Wrong calls.
expectError(bearerAuth({}))
expectError(bearerAuth({ verify: () => 5 }))
expectError(rateLimit({ limit: 1, window: 1_000 }))
expectError(rateLimit({ limit: 1, window: 1_000, key: 'ip' }))
expectError(jwt({ ...token, algorithms: ['none'] }))
expectError(jwt({ ...token, algorithms: [] }))
expectError(jwt({ algorithms: ['RS256'], jwks: 'https://login.example/jwks' }))
expectError(session({ store: memorySessions() }))
expectError(language({ supported: [] }))
expectError(compress({ encodings: ['deflate'] }))
expectError(methodOverride({ methods: ['BREW'] }))
expectError(route('/').get({ sensitive: 'yes' }, () => 'ok'))
expectError(csrf({ origin: '*' }))

expectType<string>(reply.formatContentDisposition('attachment', 'a.pdf'))
expectType<string>(reply.formatContentDisposition('inline'))
expectError(reply.formatContentDisposition('download', 'a.pdf'))
