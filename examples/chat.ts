// A chat whose messages go on when the connection breaks: it streams, resumes and stops. npx tsx examples/chat.ts
import { route, router } from 'byway'
import * as reply from 'byway/reply'
import { z } from 'zod'

// A model of three lines. In an app: `streamText` from the AI SDK, as in examples/ai.ts.
async function* generate(prompt: string, signal: AbortSignal) {
  for (const word of `You asked about ${prompt}. Tea is in stock.`.split(/(?<= )/)) {
    if (signal.aborted) return
    await new Promise((resolve) => setTimeout(resolve, 5))
    yield word
  }
}

/** A message that is generated once, whoever reads it. In an app with several processes, its words are in Redis. */
class Message {
  readonly words: string[] = []
  isDone = false
  readonly #stop = new AbortController()
  readonly #changes = new EventTarget()

  constructor(prompt: string) {
    void this.#run(prompt)
  }
  async #run(prompt: string): Promise<void> {
    for await (const word of generate(prompt, this.#stop.signal)) {
      this.words.push(word)
      this.#notify()
    }
    this.isDone = true
    this.#notify()
  }
  #notify(): void {
    this.#changes.dispatchEvent(new Event('change'))
  }
  #change(): Promise<unknown> {
    return new Promise((resolve) => this.#changes.addEventListener('change', resolve, { once: true }))
  }
  /** The words from `index` on, with those that are still to come. */
  async *from(index: number) {
    for (let next = index; ; next++) {
      while (next >= this.words.length && !this.isDone) await this.#change()
      if (next >= this.words.length) return
      yield { id: String(next + 1), event: 'word', data: { text: this.words[next]! } }
    }
  }
  stop(): void {
    this.#stop.abort()
  }
}

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

const app = router({ chats, message })

const send = (path: string, init?: RequestInit) => app.fetch(new Request(`http://localhost${path}`, init))
const post = (prompt: string) =>
  send('/messages', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ prompt }),
  })
/** Reads events until `count` words have come, and then disconnects. */
async function read(path: string, count: number, after = 0): Promise<string[]> {
  const controller = new AbortController()
  const { body } = await send(path, { signal: controller.signal, headers: { 'last-event-id': String(after) } })
  const words: string[] = []
  for await (const chunk of body!.pipeThrough(new TextDecoderStream())) {
    for (const [, data] of chunk.matchAll(/^data: (.*)$/gm)) words.push((JSON.parse(data!) as { text: string }).text)
    if (words.length >= count) break
  }
  controller.abort()
  return words
}

await post('tea')
const first = await read('/messages/1', 3)
console.log('read', JSON.stringify(first.join('')))
console.log('resumed', JSON.stringify((await read('/messages/1', Infinity, first.length)).join('')))
await post('mugs')
const begun = await read('/messages/2', 2)
await send('/messages/2', { method: 'DELETE' })
const rest = await read('/messages/2', Infinity, begun.length)
console.log('stopped', begun.length + rest.length < 9)
