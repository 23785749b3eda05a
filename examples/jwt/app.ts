// A login that signs a token with jose, and routes that require it. JWT_SECRET has at least 32 characters.
import { middleware, route, router, type AnyContext } from 'byway'
import { jwt } from 'byway/jwt'
import * as reply from 'byway/reply'
import { SignJWT } from 'jose'
import { z } from 'zod'

const secret = process.env['JWT_SECRET'] ?? 'demo'.repeat(8)
const [issuer, audience] = ['https://login.example', 'https://api.example']
const Claims = z.object({ sub: z.string(), roles: z.array(z.string()) })

const login = route('/login').post(
  { body: z.object({ user: z.string(), password: z.string() }), sensitive: true },
  async (_request, { body }) => {
    if (body.password !== 'lovelace') return reply.unauthorized()
    const token = await new SignJWT({ roles: body.user === 'ada' ? ['admin'] : [] })
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject(body.user)
      .setIssuer(issuer)
      .setAudience(audience)
      .setExpirationTime('15m')
      .sign(new TextEncoder().encode(secret))
    return { token }
  },
)

// Middleware that demands the claims of an outer one.
const admin = middleware((_request, { claims }: AnyContext & { claims: z.infer<typeof Claims> }, next) =>
  claims.roles.includes('admin') ? next() : reply.forbidden({ detail: 'Only an admin can do this.' }),
)
const authed = route.use(jwt({ algorithms: ['HS256'], secret, issuer, audience, schema: Claims }))
const me = authed('/me').get((_request, { claims }) => ({ user: claims.sub }))
const items = authed('/items/[slug]')
  .use(admin)
  .delete(() => undefined)

export default router({ login, me, items })
