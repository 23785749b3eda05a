// Sessions in an encrypted cookie, a login with a rate limit that is never logged, and a guard. SESSION_SECRET has at least 32
// characters.
import { middleware, route, router, type AnyContext } from 'byway'
import { csrf, logger, rateLimit, requestId, secureHeaders, session, type Session } from 'byway/middleware'
import * as reply from 'byway/reply'
import { z } from 'zod'

const Data = z.object({ user: z.string() })
type Data = z.infer<typeof Data>
const passwords = new Map([['ada', 'lovelace']])

const withSession = route.use(session({ schema: Data, secrets: [process.env['SESSION_SECRET'] ?? 'demo'.repeat(8)] }))
const requireUser = middleware((_request, { session }: AnyContext & { session: Session<Data, Data> }, next) =>
  session.data ? next({ user: session.data.user }) : reply.unauthorized(),
)

const login = withSession('/login')
  .use(rateLimit({ name: 'login', limit: 5, window: 60_000, key: ({ ip }) => ip }))
  .post(
    { body: z.object({ user: z.string(), password: z.string() }), sensitive: true },
    async (_request, { body, session }) => {
      if (passwords.get(body.user) !== body.password) return reply.unauthorized()
      await session.set({ user: body.user })
      session.renew()
      return { user: body.user }
    },
  )
const logout = withSession('/logout').post((_request, { session }) => session.destroy())
const me = withSession('/me')
  .use(requireUser)
  .get((_request, { user }) => ({ user }))

export default router({ login, logout, me }, { use: [requestId(), logger(), secureHeaders(), csrf()] })
