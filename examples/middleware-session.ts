// Middleware that adds to the context, demands what another one adds, and sends early responses, all typed.
import { type AnyContext, middleware, route, router } from 'byway'
import * as reply from 'byway/reply'
import { createClient } from 'byway/client'

interface User {
  readonly name: string
  readonly role: 'reader' | 'editor'
}
const users = new Map<string, User>([
  ['Bearer r', { name: 'Robin', role: 'reader' }],
  ['Bearer e', { name: 'Eli', role: 'editor' }],
])

const session = middleware((request, _context, next) => {
  const user = users.get(request.headers.get('authorization') ?? '')
  return user ? next({ user }) : reply.unauthorized()
})

// The annotation demands the user: `.use(editor)` without a `.use(session)` before it does not compile.
const editor = middleware((_request, { user }: AnyContext & { user: User }, next) =>
  user.role === 'editor' ? next() : reply.problem(403, { detail: `${user.name} is a reader.`, role: user.role }),
)

const authed = route.use(session)
const note = authed('/notes/[id]')
  .get((_request, { params, user }) => `Note ${params.id}, read by ${user.name}`)
  .use(editor)
  .delete((_request, { params, user }) => `Note ${params.id}, removed by ${user.name}`)

const app = router({ note })
const api = createClient<typeof app>({ fetch: app.fetch })

for (const token of ['none', 'r', 'e']) {
  const headers = { authorization: `Bearer ${token}` }
  const answer = await api('/notes/[id]').delete({ params: { id: 7 }, headers })
  // The compiler knows the three statuses: the handler's, and the early response of each middleware.
  if (answer.status === 401) console.log(answer.status, answer.error.title)
  else if (answer.status === 403) console.log(answer.status, answer.error.detail, answer.error.role)
  else console.log(answer.status, answer.data)
}
