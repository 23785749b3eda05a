import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createClient } from '../../src/client/index.js'
import { serve, type Served } from '../../src/hosts/node.js'
import { route, router } from '../../src/index.js'
import * as reply from '../../src/replies/index.js'

// The behavior that test/stream.test.ts tests in process, over a connection.

const log: string[] = []
const onError = vi.fn()
let asked = 0
let broken = 0

async function* count(from: number, to = Infinity) {
  try {
    for (let tick = from; tick <= to; tick++) {
      asked++
      yield { data: { tick }, id: String(tick) }
      await sleep(2)
    }
  } finally {
    log.push('closed')
  }
}
async function* pair() {
  yield 1
  await sleep(300)
  yield 2
}
async function* events() {
  for await (const data of pair()) yield { data }
}
const big = 'x'.repeat(16_384)

const app = router(
  {
    ticks: route('/ticks').get((request, { after, signal }) => {
      after(() => void log.push('after'))
      signal.addEventListener('abort', () => log.push((signal.reason as Error).message))
      return reply.sse(count(Number(request.headers.get('last-event-id') ?? 0) + 1), { retry: 5 })
    }),
    flaky: route('/flaky').get((request) => {
      const from = Number(request.headers.get('last-event-id') ?? 0) + 1
      return reply.sse(
        (async function* () {
          yield* count(from, Math.min(from + 2, 8))
          if (from + 2 < 8) throw new Error(`broken ${++broken}`)
        })(),
        { retry: 5 },
      )
    }),
    lines: route('/lines').get(() =>
      reply.ndjson(
        (function* () {
          for (;;) {
            asked++
            yield big
          }
        })(),
      ),
    ),
    fails: route('/fails').get((_request, { after }) => {
      after(() => void log.push('after'))
      return reply.ndjson(
        (async function* () {
          yield 'begun'
          await sleep(5)
          throw new Error('half way')
        })(),
      )
    }),
    native: route('/native').get((_request, { after }) => {
      after(() => void log.push('after'))
      return new Response(
        new ReadableStream({
          async pull(controller) {
            await sleep(30)
            log.push('written')
            controller.enqueue(new TextEncoder().encode('done'))
            controller.close()
          },
        }),
      )
    }),
    cleanup: route('/cleanup/[kind]').get((_request, { params: { kind } }) => {
      const cleanUp = async (): Promise<void> => {
        log.push('cleaning')
        await sleep(300)
        log.push('cleaned')
      }
      const items = async function* () {
        try {
          for (;;) yield { data: asked++, wait: await sleep(2) }
        } finally {
          await cleanUp()
        }
      }
      if (kind === 'ndjson') return reply.ndjson(items())
      if (kind !== 'native') return reply.sse(items())
      return new Response(
        new ReadableStream({
          async pull(controller) {
            await sleep(2)
            controller.enqueue(Uint8Array.of(asked++))
          },
          cancel: cleanUp,
        }),
      )
    }),
    slow: route('/slow').get(async () => {
      asked++
      await sleep(200)
      return reply.sse(count(1))
    }),
    finite: route('/finite')
      .get(() => reply.ndjson(pair()))
      .post(() => reply.sse(events())),
    text: route('/text').get((_request, { after }) => {
      after(() => void log.push('after'))
      return 'x'.repeat(20_000_000)
    }),
  },
  { onError },
)

const local = { port: 0, hostname: '127.0.0.1', signals: false }
let served: Served
beforeEach(async () => {
  log.length = 0
  asked = 0
  broken = 0
  onError.mockReset()
  served = serve(app, { port: 0, hostname: '127.0.0.1', signals: false, grace: 200 })
  await served.ready
})
afterEach(() => served.close())

const toApi = () => createClient<typeof app>({ baseUrl: served.url })

describe('a stream over a connection', () => {
  it('ends when its client disconnects: the iterator closes, the signal aborts, then after() runs', async () => {
    const { data } = await toApi()('/ticks').get()
    for await (const { data: tick } of data) if (tick.tick === 3) break
    await vi.waitFor(() => expect(log.toSorted()).toEqual(['The client disconnected.', 'after', 'closed']))
    expect(onError).not.toHaveBeenCalled()
  })

  it('ends when the signal of the caller aborts', async () => {
    const controller = new AbortController()
    const { data } = await toApi()('/ticks').get({ signal: controller.signal })
    const reason = new Error('enough')
    await expect(
      (async () => {
        for await (const { data: tick } of data) if (tick.tick === 3) controller.abort(reason)
      })(),
    ).rejects.toBe(reason)
    await vi.waitFor(() => expect(log).toContain('closed'))
  })

  it('is resumed by the client after each failure, until it ends', async () => {
    const { data } = await toApi()('/flaky').get()
    const ticks: number[] = []
    for await (const { data: event } of data) ticks.push(event.tick)
    expect(ticks).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    expect(broken).toBe(2)
    expect(onError.mock.calls.map(([error, { phase }]) => [(error as Error).message, phase])).toEqual([
      ['broken 1', 'stream'],
      ['broken 2', 'stream'],
    ])
  })

  it('closes the connection early if the stream fails, and calls onError once', async () => {
    const print = vi.spyOn(console, 'error').mockImplementation(() => {})
    const response = await fetch(`${served.url}/fails`)
    expect(response.status).toBe(200)
    await expect(response.text()).rejects.toThrow('terminated')
    await app.settled()
    expect(onError.mock.calls.map(([error, { phase }]) => [(error as Error).message, phase])).toEqual([
      ['half way', 'stream'],
    ])
    expect(print).not.toHaveBeenCalled()
    expect(log).toEqual(['after'])
    print.mockRestore()
  })

  it('reads items from the iterator only as fast as the connection sends them', async () => {
    const socket = connect(Number(new URL(served.url).port), '127.0.0.1')
    await once(socket, 'connect')
    socket.write('GET /lines HTTP/1.1\r\nHost: a\r\n\r\n')
    await once(socket, 'data')
    socket.pause()
    let before = -1
    await vi.waitFor(
      async () => {
        before = asked
        await sleep(100)
        expect(asked).toBe(before)
      },
      { timeout: 5_000 },
    )
    // The buffers of two sockets hold less than a reading client would take in the same time.
    expect(asked).toBeLessThan(2_000)
    let more = 0
    socket.on('data', (chunk) => (more += chunk.length)).resume()
    await vi.waitFor(() => expect(asked).toBeGreaterThan(before))
    expect(more).toBeGreaterThan(0)
    socket.destroy()
  })
})

describe('after()', () => {
  it('runs after the last byte of a stream that byway did not create', async () => {
    expect(await (await fetch(`${served.url}/native`)).text()).toBe('done')
    await app.settled()
    expect(log).toEqual(['written', 'after'])
  })

  it('runs when a client has received the whole response, or has disconnected', async () => {
    for (const takes of [true, false]) {
      log.length = 0
      const socket = connect(Number(new URL(served.url).port), '127.0.0.1')
      await once(socket, 'connect')
      socket.write('GET /text HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
      await once(socket, 'data')
      socket.pause()
      await sleep(100)
      expect(log).toEqual([])
      if (takes) socket.resume()
      else socket.destroy()
      await vi.waitFor(() => expect(log).toEqual(['after']), { timeout: 5_000 })
      await app.settled()
    }
  })

  it('runs for each request on one connection', async () => {
    for (const count of [1, 2, 3]) {
      await (await fetch(`${served.url}/native`)).text()
      await app.settled()
      expect(log.filter((entry) => entry === 'after')).toHaveLength(count)
    }
  })
})

describe('close()', () => {
  it.each([
    ['the finally block of an event stream', '/cleanup/sse'],
    ['the finally block of another stream, after the grace', '/cleanup/ndjson'],
    ['the cancel() of a stream that byway did not create', '/cleanup/native'],
  ])('waits for %s', async (_name, path) => {
    const response = await fetch(served.url + path)
    const reading = response.text().catch(() => {})
    await vi.waitFor(() => expect(asked).toBeGreaterThan(2))
    await served.close()
    expect(log).toEqual(['cleaning', 'cleaned'])
    await reading
  })

  it('stops waiting for a finally block after the grace, but waits at least a second', async () => {
    await served.close()
    const begins = vi.fn()
    const stuck = async function* () {
      try {
        for (;;) yield { data: await sleep(2, 1) }
      } finally {
        begins()
        await new Promise(() => {})
      }
    }
    served = serve(router({ stuck: route('/').get(() => reply.sse(stuck())) }), { ...local, grace: 200 })
    await served.ready
    const response = await fetch(served.url)
    const reading = response.text().catch(() => {})
    const begun = performance.now()
    await served.close()
    expect(performance.now() - begun).toBeGreaterThan(900)
    expect(performance.now() - begun).toBeLessThan(8_000)
    expect(begins).toHaveBeenCalledOnce()
    await reading
  })

  it('disconnects an event stream of GET immediately, and aborts its signal', async () => {
    await served.close()
    served = serve(app, { port: 0, hostname: '127.0.0.1', signals: false, grace: 5_000 })
    await served.ready
    const response = await fetch(`${served.url}/ticks`)
    const reading = response.text()
    await vi.waitFor(() => expect(asked).toBeGreaterThan(2))
    const begun = performance.now()
    await Promise.all([served.close(), expect(reading).rejects.toThrow('terminated')])
    expect(performance.now() - begun).toBeLessThan(1_500)
    await vi.waitFor(() => expect(log.toSorted()).toEqual(['The server is shutting down.', 'after', 'closed']))
    expect(onError).not.toHaveBeenCalled()
  })

  it('disconnects an event stream that begins while the server is closing', async () => {
    await served.close()
    served = serve(app, { port: 0, hostname: '127.0.0.1', signals: false, grace: 5_000 })
    await served.ready
    const slow = fetch(`${served.url}/slow`)
    await vi.waitFor(() => expect(asked).toBeGreaterThan(0))
    const begun = performance.now()
    const closing = served.close()
    await expect((await slow).text()).rejects.toThrow('terminated')
    await closing
    expect(performance.now() - begun).toBeLessThan(1_500)
  })

  it('waits for the end of other streams, and of event streams of POST', async () => {
    await served.close()
    served = serve(app, { port: 0, hostname: '127.0.0.1', signals: false, grace: 5_000 })
    await served.ready
    const responses = await Promise.all([
      fetch(`${served.url}/finite`),
      fetch(`${served.url}/finite`, { method: 'POST' }),
    ])
    const [, texts] = await Promise.all([served.close(), Promise.all(responses.map((response) => response.text()))])
    expect(texts).toEqual(['1\n2\n', 'data: 1\n\ndata: 2\n\n'])
  })

  it('aborts the signal of a stream in progress after the grace, with a reason', async () => {
    const { data } = await toApi()('/ticks').get()
    const reading = (async () => {
      for await (const _ of data);
    })()
    await vi.waitFor(() => expect(asked).toBeGreaterThan(2))
    await served.close()
    // The iterator is waiting.
    await vi.waitFor(() => expect(log.toSorted()).toEqual(['The server is shutting down.', 'after', 'closed']))
    // The client treats this as a failure and reconnects, but no server listens.
    await expect(reading).rejects.toThrow()
  })
})
