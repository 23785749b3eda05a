// Sessions in an encrypted cookie, a rate-limited login that is never logged, and a guard: npx tsx examples/sessions.ts
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

export const login = withSession('/login')
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
export const logout = withSession('/logout').post((_request, { session }) => session.destroy())
export const me = withSession('/me')
  .use(requireUser)
  .get((_request, { user }) => ({ user }))

const app = router({ login, logout, me }, { use: [requestId(), logger(), secureHeaders(), csrf()] })
export default app

// What a browser does.
const send = (path: string, body?: object, cookie = '') =>
  app.fetch(
    new Request(`https://shop.example${path}`, {
      headers: { cookie, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { method: 'POST', body: JSON.stringify(body) }),
    }),
  )
const response = await send('/login', { user: 'ada', password: 'lovelace' })
const cookie = response.headers.getSetCookie()[0]!.split(';')[0]!
console.log(await (await send('/me', undefined, cookie)).json())
console.log((await send('/me')).status)
