import { middleware } from 'byway'
import * as reply from 'byway/reply'

export interface User {
  readonly name: string
}

// An app looks them up where its accounts are.
const users = new Map<string, User>([['Bearer demo', { name: 'demo' }]])

/** Adds `user`, or answers 401 by itself: the client's types know both. */
export const session = middleware(
  {
    openapi: {
      security: [{ bearer: [] }],
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'The token of the one user is `demo`.' },
      },
      responses: { 401: 'No token, or one that is not known.' },
    },
  },
  (request, _context, next) => {
    const user = users.get(request.headers.get('authorization') ?? '')
    if (!user) return reply.unauthorized({ detail: 'Send the header authorization: Bearer demo' })
    return next({ user })
  },
)
