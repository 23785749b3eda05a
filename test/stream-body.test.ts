import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, vi } from 'vitest'
import { createClient } from '../src/client/index.js'
import { BodyLimitError, route, RouteError, router, stream } from '../src/index.js'

const read = async (stream: ReadableStream<Uint8Array>): Promise<string> => new Response(stream as never).text()

const upload = route('/upload').post(
  { body: stream('video/*'), bodyLimit: 10 },
  async (_request, { body: stream }) => ({
    text: await read(stream),
  }),
)
const any = route('/any').put({ body: stream('*/*'), bodyLimit: 10 }, async (_request, { body: stream }) =>
  read(stream),
)
const onError = vi.fn()
const app = router({ upload, any }, { onError })

const send = (path: string, method: string, body: BodyInit | null, headers: Record<string, string> = {}) =>
  app.fetch(new Request(`http://test${path}`, { method, body, headers, duplex: 'half' } as RequestInit))

describe('a body as a stream', () => {
  it('arrives while the client sends it', async () => {
    let send!: (text: string) => void
    let end!: () => void
    const body = new ReadableStream({
      start(controller) {
        send = (text) => controller.enqueue(new TextEncoder().encode(text))
        end = () => controller.close()
      },
    })
    const seen: string[] = []
    let heard = (): void => {}
    const live = router({
      live: route('/').post({ body: stream('*/*') }, async (_request, { body: stream }) => {
        for await (const chunk of stream as unknown as AsyncIterable<Uint8Array>) {
          seen.push(new TextDecoder().decode(chunk))
          heard()
        }
      }),
    })
    const answer = live.fetch(new Request('http://test/', { method: 'POST', body, duplex: 'half' } as RequestInit))
    const first = new Promise<void>((resolve) => (heard = resolve))
    send('a')
    await first
    expect(seen).toEqual(['a'])
    send('b')
    end()
    expect((await answer).status).toBe(204)
    expect(seen).toEqual(['a', 'b'])
  })

  it('is rejected with 415 if its media type is not in the declared range', async () => {
    expect((await send('/upload', 'POST', 'abc', { 'content-type': 'video/mp4; codecs=avc1' })).status).toBe(200)
    for (const type of ['audio/mp4', 'video', 'videos/mp4', ''])
      expect([type, (await send('/upload', 'POST', 'abc', { 'content-type': type })).status]).toEqual([type, 415])
    expect((await send('/any', 'PUT', 'abc')).status).toBe(200)
    expect((await send('/any', 'PUT', 'abc', { 'content-encoding': 'gzip' })).status).toBe(415)
  })

  it('is a 413 if it grows over the limit, which is not reported as an error', async () => {
    expect(await (await send('/any', 'PUT', 'x'.repeat(10))).json()).toBe('x'.repeat(10))
    expect((await send('/any', 'PUT', 'x'.repeat(11))).status).toBe(413)
    expect((await send('/any', 'PUT', 'x', { 'content-length': '11' })).status).toBe(413)
    expect(onError).not.toHaveBeenCalled()
  })

  it('is rejected with 413 if `fetch` of Node.js wraps the error, and with 500 if the handler wraps it', async () => {
    const upstream = createServer(
      (incoming, outgoing) => void incoming.resume().on('end', () => outgoing.end()),
    ).listen(0)
    const url = `http://localhost:${(upstream.address() as AddressInfo).port}`
    const forward = (body: ReadableStream) => fetch(url, { method: 'PUT', body, duplex: 'half' } as RequestInit)
    const onError = vi.fn()
    const { fetch: handle } = router(
      {
        forward: route('/forward').put({ body: stream('*/*'), bodyLimit: 10 }, (_request, { body }) => forward(body)),
        own: route('/own').put({ body: stream('*/*'), bodyLimit: 10 }, async (_request, { body }) => {
          for await (const _chunk of body) throw new Error('the upload failed', { cause: new BodyLimitError(10) })
        }),
      },
      { onError },
    )
    const put = async (path: string, size: number) =>
      (await handle(new Request(`http://test${path}`, { method: 'PUT', body: 'x'.repeat(size) }))).status
    expect([await put('/forward', 10), await put('/forward', 11)]).toEqual([200, 413])
    expect(onError).not.toHaveBeenCalled()
    expect([await put('/own', 1), onError.mock.calls.length]).toEqual([500, 1])
    upstream.close()
  })

  it('is empty if the request has no body', async () => {
    expect(await (await send('/any', 'PUT', null)).json()).toBe('')
  })

  it('is sent by the client from a stream or a Blob, with its type', async () => {
    const api = createClient<typeof app>({ fetch: app.fetch })
    const blob = await api('/upload').post({ stream: new Blob(['abc'], { type: 'video/mp4' }) })
    expect([blob.status, blob.data]).toEqual([200, { text: 'abc' }])
    const stream = await api('/any').put({ stream: new Blob(['abc']).stream() })
    expect([stream.status, stream.data]).toEqual([200, 'abc'])
  })

  it('causes a RouteError for an invalid media range', () => {
    for (const stream of ['video', 'video/', '', 5, {}])
      expect(() => route('/a').post({ stream } as object, () => 1)).toThrow(RouteError)
    expect(() => route('/a').post({ stream: '*/*', text: {} } as object, () => 1)).toThrow(RouteError)
  })
})
