import { type AnyContext, middleware, route, router } from 'byway'
import { cookies, csrf, type Cookies } from 'byway/middleware'
import * as reply from 'byway/reply'
import { z } from 'zod'
import { NewMessage, type Rooms } from './rooms.js'

/** The HTTP API, which also decides who can open a socket. */
export function createApp(rooms: Rooms, secret: string) {
  const api = route.use(cookies({ secrets: [secret] }))

  const signedIn = middleware((_request, { cookies }: AnyContext & { cookies: Cookies }, next) => {
    const user = cookies.get('user')?.value
    return user === undefined ? reply.unauthorized() : next({ user })
  })

  // A browser sends cookies with a socket that a page of any origin opens, and CORS does not apply to it.
  const ownOrigin = middleware((request, { url }, next) => {
    const origin = request.headers.get('origin')
    return origin === null || origin === url.origin ? next() : reply.forbidden()
  })

  // An app checks a password here.
  const login = api('/login').post({ body: z.object({ name: z.string().min(1).max(50) }) }, (_request, context) => {
    context.cookies.set('user', context.body.name)
  })

  const room = api
    .use(signedIn)
    .prefix('/rooms/[room]', { params: z.object({ room: z.string().regex(/^[a-z]{1,20}$/) }) })

  const messages = room('/messages')
    .get((_request, { params }) => rooms.list(params.room))
    .post({ body: NewMessage }, (_request, { params, body, user }) => {
      rooms.add(params.room, { user, ...body })
    })

  // Responds to the request before it is upgraded: 200 with the data that the socket needs, or an error.
  const socket = room('/socket')
    .use(ownOrigin)
    .get((_request, { params, user }) => ({ user, room: params.room }))

  return router({ login, messages, socket }, { use: [csrf()] })
}
