// A route that streams the output of a language model, and stops the model when the client disconnects.
import { once } from 'node:events'
import { pathToFileURL } from 'node:url'
import { simulateReadableStream, streamText } from 'ai'
import { MockLanguageModelV3 } from 'ai/test'
import { route, router } from 'byway'
import { serve } from 'byway/node'
import { z } from 'zod'

// The AI SDK's mock of a provider, which is offline: a word each 20 ms. In an app: `openai('gpt-…')` or another.
const usage = {
  inputTokens: { total: 3, noCache: 3, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 5, text: 5, reasoning: 0 },
}
export const model = new MockLanguageModelV3({
  doStream: async () => ({
    stream: simulateReadableStream({
      chunkDelayInMs: 20,
      chunks: [
        { type: 'text-start', id: '1' },
        ...['Byways ', 'are ', 'the ', 'quiet ', 'roads.'].map(
          (delta) => ({ type: 'text-delta', id: '1', delta }) as const,
        ),
        { type: 'text-end', id: '1' },
        { type: 'finish', finishReason: { unified: 'stop', raw: undefined }, usage },
      ],
    }),
  }),
})

// A Response is sent as it is: here the SDK's own, for its `useCompletion` in a browser. The signal aborts when the client
// disconnects, and a provider then closes its connection too, because tokens cost the same if no client reads them.
const prompted = { body: z.object({ prompt: z.string().max(2_000) }) }
const text = route('/text').post(prompted, (_request, { body, signal }) =>
  streamText({ model, prompt: body.prompt, abortSignal: signal }).toTextStreamResponse(),
)
const parts = route('/parts').post(prompted, (_request, { body, signal }) =>
  streamText({ model, prompt: body.prompt, abortSignal: signal }).toUIMessageStreamResponse(),
)

export const app = router({ text, parts })

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const server = serve(app, { port: 0, hostname: '127.0.0.1' })
  await server.ready
  const ask = (path: string, init?: RequestInit) =>
    fetch(server.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ prompt: 'What is a byway?' }),
      ...init,
    })

  for (const path of ['/text', '/parts']) {
    const response = await ask(path)
    console.log(response.headers.get('content-type'), await response.text())
  }
  // This client disconnects after the first word.
  const reader = new AbortController()
  await (await ask('/text', { signal: reader.signal })).body!.getReader().read()
  reader.abort()
  const signal = model.doStreamCalls.at(-1)!.abortSignal!
  if (!signal.aborted) await once(signal, 'abort')
  console.log('The model stops:', signal.reason.message)
  await server.close()
}
