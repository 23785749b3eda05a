// Better Auth below /api/auth, and its session in the context: npx tsx examples/better-auth.ts
import { betterAuth } from 'better-auth'
import { memoryAdapter } from 'better-auth/adapters/memory'
import { middleware, route, router } from 'byway'
import * as reply from 'byway/reply'

const origin = 'http://localhost:3000'
export const auth = betterAuth({
  // An app passes its database.
  database: memoryAdapter({ user: [], session: [], account: [], verification: [] }),
  secret: process.env['BETTER_AUTH_SECRET'] ?? 'demo'.repeat(8),
  baseURL: origin,
  emailAndPassword: { enabled: true },
  telemetry: { enabled: false },
  logger: { disabled: true },
})

// Its handler takes a Request and returns a Response.
const handlers = route('/api/auth/[...all]').all((request) => auth.handler(request))

const requireUser = middleware(async ({ headers }, _context, next) => {
  const found = await auth.api.getSession({ headers })
  return found ? next({ user: found.user }) : reply.unauthorized()
})
const me = route('/me')
  .use(requireUser)
  .get((_request, { user }) => ({ name: user.name }))

const app = router({ handlers, me })
export default app

// The requests of a browser.
const send = (path: string, { cookie = '', body }: { cookie?: string; body?: object } = {}) =>
  app.fetch(
    new Request(origin + path, {
      headers: { cookie, origin, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { method: 'POST', body: JSON.stringify(body) }),
    }),
  )
const cookieOf = (response: Response): string =>
  response.headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ')

const account = { email: 'ada@shop.example', password: 'lovelace-1815' }
const signUp = await send('/api/auth/sign-up/email', { body: { ...account, name: 'Ada' } })
console.log('sign up', signUp.status)
const wrong = await send('/api/auth/sign-in/email', { body: { ...account, password: 'wrong-password' } })
console.log('sign in with a wrong password', wrong.status)
const signIn = await send('/api/auth/sign-in/email', { body: account })
const cookie = cookieOf(signIn)
console.log('me', await (await send('/me', { cookie })).json())
console.log('me without a cookie', (await send('/me')).status)
console.log('sign out', (await send('/api/auth/sign-out', { cookie, body: {} })).status)
console.log('me after that', (await send('/me', { cookie })).status)
