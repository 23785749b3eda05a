// A client that disconnects, resumes and stops: npx tsx examples/chat/main.ts
import app from './app.js'

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
