import crossws from 'crossws/adapters/node'
import { NewMessage, type Rooms } from './rooms.js'

interface App {
  fetch(request: Request): Response | Promise<Response>
}

/** The sockets of the rooms. The app accepts or rejects each of them. */
export function createSockets(app: App, rooms: Rooms) {
  const sockets = crossws({
    // A longer message closes the socket, with 1009.
    serverOptions: { maxPayload: 16_384 },
    hooks: {
      async upgrade({ url, headers }) {
        const response = await app.fetch(new Request(url, { headers }))
        if (response.status !== 200) return response
        const { user, room } = (await response.json()) as { user: string; room: string }
        return { context: { user, room }, namespace: room }
      },
      open(peer) {
        peer.subscribe('messages')
      },
      message(peer, message) {
        const { user, room } = peer.context as { user: string; room: string }
        const parsed = NewMessage.safeParse(parse(message.text()))
        if (parsed.success) rooms.add(room, { user, ...parsed.data })
        else peer.send(JSON.stringify({ error: 'Send { "text": "…" } with 1 to 1,000 characters.' }))
      },
    },
  })

  // Also those that were sent over HTTP.
  rooms.onMessage((room, message) => {
    sockets.publish('messages', JSON.stringify(message), { namespace: room })
  })
  return sockets
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
