import { z } from 'zod'

/** What a client sends, over HTTP or a socket. */
export const NewMessage = z.object({ text: z.string().trim().min(1).max(1_000) })

export interface Message {
  readonly user: string
  readonly text: string
}

/** The last messages of each room, and who wants to know of new ones. An app keeps them in a database. */
export class Rooms {
  readonly #messages = new Map<string, Message[]>()
  readonly #listeners = new Set<(room: string, message: Message) => void>()

  list(room: string): readonly Message[] {
    return this.#messages.get(room) ?? []
  }

  add(room: string, message: Message): void {
    this.#messages.set(room, [...this.list(room), message].slice(-100))
    for (const listener of this.#listeners) listener(room, message)
  }

  onMessage(listener: (room: string, message: Message) => void): void {
    this.#listeners.add(listener)
  }
}
