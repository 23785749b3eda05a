import { middleware, reply, type AnyContext } from 'byway'

export interface User {
  readonly name: string
  readonly isEditor: boolean
}

// Real ones come from where the accounts are.
const users = new Map<string, User>([
  ['Bearer ada', { name: 'Ada', isEditor: true }],
  ['Bearer bo', { name: 'Bo', isEditor: false }],
])

/** Adds `user`, or answers 401. */
export const session = middleware((request, _context, next) => {
  const user = users.get(request.headers.get('authorization') ?? '')
  return user ? next({ user }) : reply.unauthorized({ detail: 'Send authorization: Bearer ada, or Bearer bo.' })
})

/** Lets editors through; needs `session` before it. */
export const editor = middleware((_request, { user }: AnyContext & { user: User }, next) =>
  user.isEditor ? next() : reply.forbidden({ detail: `${user.name} is no editor.` }),
)
