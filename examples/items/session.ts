import { middleware } from 'byway'
import * as reply from 'byway/reply'

export interface User {
  readonly name: string
}

// A real app reads them from its database.
const users = new Map<string, User>([['Bearer demo', { name: 'demo' }]])

/** Adds `user` to the context, or responds with 401. The client's types have both. */
export const session = middleware(
  {
    openapi: {
      security: [{ bearer: [] }],
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'The token of the only user is `demo`.' },
      },
      responses: { 401: 'The token is missing or unknown.' },
    },
  },
  (request, _context, next) => {
    const user = users.get(request.headers.get('authorization') ?? '')
    if (!user) return reply.unauthorized({ detail: 'Send the header authorization: Bearer demo' })
    return next({ user })
  },
)
