// A chat whose messages stream, continue after a broken connection, and stop.
import { route, router } from 'byway'
import * as reply from 'byway/reply'
import { z } from 'zod'
import { Message } from './message.js'

const messages = new Map<string, Message>()
const chats = route('/messages').post({ body: z.object({ prompt: z.string().max(2_000) }) }, (_request, { body }) => {
  const id = String(messages.size + 1)
  messages.set(id, new Message(body.prompt))
  return reply.json({ id }, { status: 201 })
})
const message = route('/messages/[id]')
  // A browser's EventSource sends Last-Event-ID when it reconnects.
  .get((request, { params }) => {
    const found = messages.get(params.id)
    return found ? reply.sse(found.from(Number(request.headers.get('last-event-id') ?? 0))) : reply.notFound()
  })
  .delete((_request, { params }) => messages.get(params.id)?.stop())

export default router({ chats, message })
