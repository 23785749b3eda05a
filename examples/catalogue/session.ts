import { middleware, type AnyContext } from 'byway'
import * as reply from 'byway/reply'

export interface User {
  readonly name: string
  readonly isEditor: boolean
}

// An app looks them up.
const users = new Map<string, User>([
  ['Bearer ada', { name: 'Ada', isEditor: true }],
  ['Bearer bo', { name: 'Bo', isEditor: false }],
])

/** Adds `user`, or responds with 401. */
export const session = middleware((request, _context, next) => {
  const user = users.get(request.headers.get('authorization') ?? '')
  return user ? next({ user }) : reply.unauthorized({ detail: 'Send authorization: Bearer ada, or Bearer bo.' })
})

/** Responds with 403 if the user is not an editor. It needs `session` before it. */
export const editor = middleware((_request, { user }: AnyContext & { user: User }, next) =>
  user.isEditor ? next() : reply.forbidden({ detail: `${user.name} is not an editor.` }),
)
