import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import {
  createClient,
  retry,
  UnexpectedResponse,
  type ClientOptions,
  type Retry,
  type RetryOptions,
} from '../src/client/index.js'
import { toNodeHandler } from '../src/hosts/node-handler.js'
import { bytes, form, middleware, route, router, stream, text } from '../src/index.js'
import * as reply from '../src/replies/index.js'
import type { ServerSentEvent } from '../src/replies/index.js'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const Any = z.any()
const app = router({
  thing: route('/thing')
    .get(() => ({ n: 1 }))
    .put({ body: Any }, () => 'ok')
    .post({ body: Any }, () => 'ok')
    .patch({ body: Any }, () => 'ok')
    .delete(() => {})
    .options(() => {})
    .query({ body: Any }, () => 'ok'),
  form: route('/form').put({ body: form(Any) }, () => 'ok'),
  bytes: route('/bytes').put({ body: bytes(Any) }, () => 'ok'),
  text: route('/text').put({ body: text(z.string()) }, () => 'ok'),
  stream: route('/stream').put({ body: stream('*/*') }, () => 'ok'),
  events: route('/events')
    .get(() => reply.sse([] as ServerSentEvent[]))
    .post(() => reply.sse([] as ServerSentEvent[])),
})
type App = typeof app

const busy = (headers: HeadersInit = {}): Response => new Response('busy', { status: 503, headers })
const broken = (): Promise<never> => Promise.reject(new TypeError('fetch failed'))

type Answer = (request: Request) => Response | Promise<Response>
/** A client whose server sends these responses in order and repeats the last one, with the requests and their times. */
function toServer(answers: readonly Answer[], options: ClientOptions<App> = {}) {
  const requests: Request[] = []
  const times: number[] = []
  const fetch = async (request: Request): Promise<Response> => {
    requests.push(request)
    times.push(Date.now())
    return (answers[requests.length - 1] ?? answers.at(-1)!)(request)
  }
  return { api: createClient<App>({ fetch, retry: retry({ limit: 2, delay: 0 }), ...options }), requests, times }
}
const ok: Answer = () => Response.json({ n: 1 })

describe('retry', () => {
  it.each([408, 425, 429, 502, 503, 504])('retries a call after a %d response', async (status) => {
    const { api, requests } = toServer([() => new Response('x', { status }), ok])
    expect((await api('/thing').get()).data).toEqual({ n: 1 })
    expect(requests).toHaveLength(2)
  })

  it.each([200, 400, 401, 404, 409, 500, 501])('returns a %d response without a retry', async (status) => {
    const { api, requests } = toServer([() => Response.json({ status }, { status })])
    expect((await api('/thing').get()).status).toBe(status)
    expect(requests).toHaveLength(1)
  })

  it('makes no retries by default and with retry: false', async () => {
    const { api, requests } = toServer([broken, ok], { retry: false })
    await expect(api('/thing').get()).rejects.toThrow('fetch failed')
    expect(requests).toHaveLength(1)
    const plain = vi.fn(broken)
    await expect(createClient<App>({ fetch: plain })('/thing').get()).rejects.toThrow('fetch failed')
    expect(plain).toHaveBeenCalledTimes(1)
  })

  it('retries GET, HEAD, OPTIONS, QUERY, PUT and DELETE, but not POST and PATCH', async () => {
    for (const [method, tries] of [
      ['get', 3],
      ['put', 3],
      ['delete', 3],
      ['options', 3],
      ['query', 3],
      ['post', 1],
      ['patch', 1],
    ] as const)
      for (const answer of [broken, () => busy()]) {
        const { api, requests } = toServer([answer])
        const options = /get|delete|options/.test(method) ? {} : { body: {} }
        await (api('/thing') as any)[method](options).catch(() => {})
        expect([method, requests.length]).toEqual([method, tries])
      }
    const { api, requests } = toServer([() => busy(), () => new Response(null)])
    expect((await (api('/thing') as any).head()).status).toBe(200)
    expect(requests.map(({ method }) => method)).toEqual(['HEAD', 'HEAD'])
  })

  it('returns the last response or rejects with the last error', async () => {
    let count = 0
    const answered = toServer([() => Response.json({ count: ++count }, { status: 503 })])
    expect(await answered.api('/thing').get()).toMatchObject({ status: 503, error: { count: 3 } })
    const failed = toServer([broken, () => busy(), () => Promise.reject(new TypeError('the last one'))])
    await expect(failed.api('/thing').get()).rejects.toThrow('the last one')
    expect(failed.requests).toHaveLength(3)
  })

  it('retries only a TypeError and an error of Workers with retryable: true', async () => {
    const lost = Object.assign(new Error('Network connection lost.'), { retryable: true })
    for (const [error, tries] of [
      [new TypeError('Failed to fetch'), 3],
      [lost, 3],
      [new Error('no'), 1],
      [new DOMException('x', 'NotSupportedError'), 1],
      ['text', 1],
      [undefined, 1],
      [null, 1],
    ] as const) {
      const { api, requests } = toServer([() => Promise.reject(error)])
      await expect(api('/thing').get()).rejects.toBe(error)
      expect([error, requests.length]).toEqual([error, tries])
    }
  })

  it('retries a call if its response body fails while it is read', async () => {
    const cut = (): Response =>
      new Response(new ReadableStream({ pull: (controller) => controller.error(new TypeError('terminated')) }), {
        headers: { 'content-type': 'application/json' },
      })
    const { api, requests } = toServer([cut, ok])
    expect((await api('/thing').get()).data).toEqual({ n: 1 })
    expect(requests).toHaveLength(2)
    await expect(toServer([cut]).api('/thing').get()).rejects.toThrow('terminated')
  })

  it('does not retry an unexpected response, such as truncated JSON', async () => {
    const { api, requests } = toServer([
      () => new Response('{"a":', { headers: { 'content-type': 'application/json' } }),
      ok,
    ])
    await expect(api('/thing').get()).rejects.toThrow(UnexpectedResponse)
    expect(requests).toHaveLength(1)
  })

  it('does not retry errors from callbacks or from missing params', async () => {
    const mistake = new TypeError('undefined is not a function')
    for (const options of [
      { headers: () => Promise.reject(mistake) },
      { onRequest: () => Promise.reject(mistake) },
      { onResponse: () => Promise.reject(mistake) },
    ]) {
      const { api } = toServer([ok], options)
      const hook = vi.spyOn(options as Record<string, () => unknown>, Object.keys(options)[0]!)
      const again = toServer([ok], options)
      await expect(api('/thing').get()).rejects.toBe(mistake)
      await expect(again.api('/thing').get()).rejects.toBe(mistake)
      expect(hook).toHaveBeenCalledTimes(1)
    }
    const { api, requests } = toServer([ok])
    await expect((api as any)('/items/[slug]').get()).rejects.toThrow(TypeError)
    expect(requests).toHaveLength(0)
  })

  it('cancels the body of each response that it retries', async () => {
    const cancel = vi.fn()
    const { api } = toServer([() => new Response(new ReadableStream({ cancel }), { status: 503 }), ok])
    await api('/thing').get()
    expect(cancel).toHaveBeenCalledTimes(1)
  })

  it('can be set for the client and for a call, with its own limit and statuses', async () => {
    const count = async (client: Retry | undefined, call?: Retry | false) => {
      const { api, requests } = toServer([() => new Response('x', { status: 500 })], { retry: client ?? false })
      await api('/thing')
        .get(call === undefined ? {} : { retry: call })
        .catch(() => {})
      return requests.length
    }
    const statuses = [500]
    const once = retry({ limit: 1, delay: 0, statuses })
    expect(await count(once)).toBe(2)
    expect(await count(once, retry({ limit: 3, delay: 0, statuses }))).toBe(4)
    expect(await count(once, false)).toBe(1)
    expect(await count(undefined, once)).toBe(2)
    expect(await count(undefined, retry({ limit: 1, delay: 0 }))).toBe(1)
  })

  it('can be any function that returns the milliseconds to wait, or undefined', async () => {
    const attempts: unknown[] = []
    const { api } = toServer([broken, () => busy(), () => Response.json({ status: 500 }, { status: 500 })], {
      retry: async ({ request, response, error, count }) => {
        attempts.push([request.method, response?.status, (error as Error | undefined)?.message, count])
        return count < 2 ? 0 : undefined
      },
    })
    expect((await api('/thing').get()).status).toBe(500)
    expect(attempts).toEqual([
      ['GET', undefined, 'fetch failed', 0],
      ['GET', 503, undefined, 1],
      ['GET', 500, undefined, 2],
    ])
  })

  it('throws a RangeError if the limit is not a non-negative integer', () => {
    for (const limit of [-1, 0.5, NaN, Infinity, '2', null])
      expect(() => retry({ limit: limit as number }), String(limit)).toThrow(
        new RangeError(`retry() takes a limit of 0 or more retries, not ${limit}`),
      )
  })

  it('makes two retries by default', async () => {
    vi.useFakeTimers()
    const { api, requests } = toServer([broken], { retry: retry() })
    const call = expect(api('/thing').get()).rejects.toThrow('fetch failed')
    await vi.runAllTimersAsync()
    await call
    vi.useRealTimers()
    expect(requests).toHaveLength(3)
  })
})

describe('retries of a call', () => {
  it('send the same body each time', async () => {
    const form = new FormData()
    form.set('file', new File(['content'], 'a.txt', { type: 'text/plain' }))
    form.set('title', 'ü')
    for (const [pattern, options, expected] of [
      ['/thing', { body: { a: ['ü'] } }, '{"a":["ü"]}'],
      ['/text', { text: 'ü' }, 'ü'],
      ['/bytes', { bytes: new Uint8Array([195, 188]) }, 'ü'],
      ['/bytes', { bytes: new Blob(['ü']) }, 'ü'],
      ['/stream', { stream: new Blob(['ü']) }, 'ü'],
      ['/form', { form: new URLSearchParams({ a: 'ü' }) }, 'a=%C3%BC'],
      ['/form', { form: { a: 'ü' } }, 'a=%C3%BC'],
      ['/form', { form }, undefined],
      ['/form', { form: { title: 'ü', file: form.get('file') } }, undefined],
    ] as const) {
      const seen: unknown[] = []
      const read: Answer = async (request) => {
        if (expected !== undefined) seen.push(await request.text())
        else {
          const sent = await request.formData()
          const file = sent.get('file') as File
          seen.push([sent.get('title'), file.name, file.type, await file.text()])
        }
        if (seen.length === 2) return broken()
        return seen.length < 3 ? busy() : Response.json('ok')
      }
      const { api } = toServer([read])
      expect((await (api as any)(pattern).put(options)).data).toBe('ok')
      expect(seen).toEqual(Array.from({ length: 3 }, () => expected ?? ['ü', 'a.txt', 'text/plain', 'content']))
    }
  })

  it('are not made for a ReadableStream body', async () => {
    for (const answer of [broken, () => busy()]) {
      const { api, requests } = toServer([answer])
      const stream = new Blob(['x']).stream()
      await api('/stream')
        .put({ stream })
        .catch(() => {})
      expect(requests).toHaveLength(1)
    }
  })

  it('call the headers function each time', async () => {
    let count = 0
    const { api, requests } = toServer([() => busy(), ok], {
      headers: async () => ({ authorization: `Bearer ${++count}` }),
    })
    await api('/thing').get({ headers: { 'x-own': 'a' } })
    expect(requests.map(({ headers }) => [headers.get('authorization'), headers.get('x-own')])).toEqual([
      ['Bearer 1', 'a'],
      ['Bearer 2', 'a'],
    ])
  })

  it('can send a new session token if 401 is in the statuses', async () => {
    let token = 'old'
    const { api, requests } = toServer(
      [({ headers }) => (headers.get('authorization') === 'new' ? Response.json('in') : reply.unauthorized())],
      {
        headers: () => ({ authorization: token }),
        retry: retry({ limit: 1, delay: 0, statuses: [401] }),
        onResponse: async ({ status }) => {
          if (status === 401) token = 'new'
        },
      },
    )
    expect((await api('/thing').get()).data).toBe('in')
    expect(requests).toHaveLength(2)
  })
})

describe('the delay before a retry', () => {
  beforeEach(() => void vi.useFakeTimers({ now: new Date('2026-01-01T00:00:00Z') }))
  afterEach(() => {
    vi.useRealTimers()
    vi.restoreAllMocks()
  })
  const run = async (answers: readonly Answer[], options: RetryOptions, random = 1): Promise<number[]> => {
    vi.spyOn(Math, 'random').mockReturnValue(random)
    const { api, times } = toServer(answers, { retry: retry(options) })
    const call = api('/thing')
      .get()
      .catch(() => {})
    await vi.runAllTimersAsync()
    await call
    expect(vi.getTimerCount()).toBe(0)
    return times.slice(1).map((time, index) => time - times[index]!)
  }

  it('doubles from 300 ms to 30 s, with a jitter of up to a half', async () => {
    expect(await run([broken], { limit: 8 }, 1)).toEqual([300, 600, 1_200, 2_400, 4_800, 9_600, 19_200, 30_000])
    expect(await run([() => busy()], { limit: 3 }, 0)).toEqual([150, 300, 600])
    expect(await run([broken], { limit: 3, delay: 10, maxDelay: 25 }, 1)).toEqual([10, 20, 25])
  })

  it('is always between a half and the full value, for any random number', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        fc.integer({ min: 0, max: 5_000 }),
        fc.integer({ min: 0, max: 20_000 }),
        async (random, delay, maxDelay) => {
          const pauses = await run([broken], { limit: 4, delay, maxDelay }, random)
          expect(pauses).toHaveLength(4)
          for (const [count, pause] of pauses.entries()) {
            const most = Math.min(maxDelay, delay * 2 ** count)
            expect(pause).toBeGreaterThanOrEqual(Math.floor(most / 2))
            expect(pause).toBeLessThanOrEqual(Math.max(1, most))
          }
        },
      ),
      { numRuns: 50 },
    )
  })

  it('is the value of Retry-After in seconds or as a date', async () => {
    const at = (header: string): Promise<number[]> => run([() => busy({ 'retry-after': header }), ok], { limit: 1 })
    expect(await at('7')).toEqual([7_000])
    expect(await at('0')).toEqual([0])
    expect(await at(new Date(Date.now() + 5_000).toUTCString())).toEqual([5_000])
    expect(await at(new Date(Date.now() - 5_000).toUTCString())).toEqual([0])
    for (const nonsense of ['soon', '-1', '1.5', '', '0x10', '1e3'])
      expect([nonsense, (await at(nonsense))[0]]).toEqual([nonsense, expect.any(Number)])
    expect(await at('soon')).toEqual([300])
  })

  it('is skipped if Retry-After exceeds maxDelay, and the call returns that response', async () => {
    const later = [() => busy({ 'retry-after': '31' }), ok]
    const { api, requests } = toServer(later, { retry: retry() })
    await expect(api('/thing').get())
      .resolves.toMatchObject({ status: 503 })
      .catch(() => {})
    expect(requests).toHaveLength(1)
    expect(await run(later, { limit: 1, maxDelay: 31_000 })).toEqual([31_000])
    expect(await run([() => busy({ 'retry-after': '99999999999' }), ok], { limit: 1, maxDelay: Infinity })).toEqual([
      2 ** 31 - 1,
    ])
  })

  it('ends without another request when the signal aborts', async () => {
    const { api, requests } = toServer([broken], { retry: retry({ limit: 5, delay: 10_000 }) })
    const controller = new AbortController()
    const call = expect(api('/thing').get({ signal: controller.signal })).rejects.toThrow('enough')
    await vi.advanceTimersByTimeAsync(100)
    controller.abort(new Error('enough'))
    await call
    await vi.runAllTimersAsync()
    expect([requests.length, vi.getTimerCount()]).toEqual([1, 0])
  })

  it('counts toward the timeout, like each attempt', async () => {
    const { api, requests } = toServer([() => busy({ 'retry-after': '2' })], {
      retry: retry({ limit: 9 }),
      timeout: 5_000,
    })
    const begun = Date.now()
    const call = expect(api('/thing').get()).rejects.toMatchObject({
      name: 'TimeoutError',
      message: 'GET /thing took over 5000 ms',
    })
    await vi.runAllTimersAsync()
    await call
    expect([requests.length, Date.now() - begun, vi.getTimerCount()]).toEqual([3, 5_000, 0])
    const own = expect(api('/thing').get({ timeout: 1_000 })).rejects.toThrow('took over 1000 ms')
    await vi.runAllTimersAsync()
    await own
    expect(requests).toHaveLength(4)
  })

  it('is not limited by an infinite timeout', async () => {
    const { api } = toServer([() => busy({ 'retry-after': '20' }), ok], { timeout: Infinity })
    const call = api('/thing').get()
    await vi.runAllTimersAsync()
    expect((await call).data).toEqual({ n: 1 })
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('an aborted call', () => {
  it('sends no request if it is aborted before the headers are ready', async () => {
    const controller = new AbortController()
    const fetch = vi.fn(() => Response.json(null))
    const onRequest = vi.fn()
    const api = createClient<App>({
      fetch,
      onRequest,
      headers: async () => (controller.abort(new Error('enough')), {}),
    })
    await expect(api('/thing').post({ body: 1, signal: controller.signal })).rejects.toThrow('enough')
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect([fetch.mock.calls.length, onRequest.mock.calls.length]).toEqual([0, 0])
  })

  it.each(['/answer', '/lines', '/events'] as const)(
    'aborts the signal of an in-process handler for %s, also after garbage collection',
    async (pattern) => {
      const ended = vi.fn()
      const wait = ({ signal }: { signal: AbortSignal }): Promise<string> =>
        new Promise((resolve) => signal.addEventListener('abort', () => resolve(ended() as never)))
      const waiting = router({
        answer: route('/answer').get((_request, context) => wait(context)),
        lines: route('/lines').get((_request, context) =>
          reply.ndjson(
            (async function* () {
              yield await wait(context)
            })(),
          ),
        ),
        events: route('/events').get((_request, context) =>
          reply.sse(
            (async function* () {
              yield { data: await wait(context) }
            })(),
          ),
        ),
      })
      for (const onRequest of [undefined, (request: Request) => new Request(request)]) {
        const controller = new AbortController()
        const api = createClient<typeof waiting>({ fetch: waiting.fetch, ...(onRequest && { onRequest }) })
        for (const delay of [10, 20, 30]) setTimeout(collectGarbage, delay)
        setTimeout(() => controller.abort(new Error('enough')), 40)
        const reading = async () => {
          const { data } = await (api(pattern) as any).get({ signal: controller.signal })
          for await (const _ of data);
        }
        await expect(reading()).rejects.toThrow('enough')
      }
      expect(ended).toHaveBeenCalledTimes(2)
    },
  )

  it('is not retried if fetch rejects after the abort', async () => {
    const controller = new AbortController()
    const { api, requests } = toServer([() => (controller.abort(new Error('enough')), broken())])
    await expect(api('/thing').get({ signal: controller.signal })).rejects.toThrow('enough')
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(requests).toHaveLength(1)
  })
})

describe('over a socket', () => {
  let server: Server
  const listen = async (listener: RequestListener): Promise<string> => {
    server = createServer(listener)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }
  afterEach(() => {
    server.closeAllConnections()
    server.close()
  })

  it('retries a call after a connection reset, a truncated head and a truncated body', async () => {
    let count = 0
    const baseUrl = await listen((incoming, outgoing) => {
      const { socket } = incoming
      if (count++ === 0) socket.resetAndDestroy()
      else if (count === 2) socket.end('HTTP/1.1 200')
      else if (count === 3) {
        outgoing.writeHead(200, { 'content-type': 'application/json', 'content-length': 100 }).write('{"n":')
        setTimeout(() => socket.destroy(), 20)
      } else outgoing.writeHead(200, { 'content-type': 'application/json' }).end('{"n":1}')
    })
    const api = createClient<App>({ baseUrl, retry: retry({ limit: 3, delay: 1 }) })
    expect((await api('/thing').get()).data).toEqual({ n: 1 })
    expect(count).toBe(4)
    expect((await api('/thing').get({ retry: false })).status).toBe(200)
  })

  it('reconnects to a broken event stream of a GET, but not of a POST', async () => {
    const asked: string[] = []
    const baseUrl = await listen((incoming, outgoing) => {
      asked.push(`${incoming.method} ${incoming.headers['last-event-id'] ?? ''}`)
      outgoing.writeHead(200, { 'content-type': 'text/event-stream' })
      if (incoming.headers['last-event-id']) outgoing.end('id: 2\ndata: 2\n\n')
      else {
        outgoing.write('retry: 1\nid: 1\ndata: 1\n\n')
        setTimeout(() => incoming.socket.destroy(), 20)
      }
    })
    const api = createClient<App>({ baseUrl })
    const seen: unknown[] = []
    const { data } = await api('/events').post()
    await expect(
      (async () => {
        for await (const event of data) seen.push(event.data)
      })(),
    ).rejects.toThrow(TypeError)
    for await (const event of (await api('/events').get()).data) seen.push(event.data)
    expect(seen).toEqual([1, 1, 2])
    expect(asked).toEqual(['POST ', 'GET ', 'GET 1'])
  })
})

describe('onRequest and onResponse', () => {
  it('run in order for each attempt, between the headers function and the result', async () => {
    const steps: string[] = []
    const { api } = toServer(
      [() => (steps.push('fetch'), busy()), () => (steps.push('fetch'), Response.json('data'))],
      {
        headers: () => (steps.push('headers'), {}),
        onRequest: async ({ method }) => void steps.push(`onRequest ${method}`),
        onResponse: async ({ status }, { method }) => void steps.push(`onResponse ${status} ${method}`),
      },
    )
    expect((await api('/thing').get()).data).toBe('data')
    expect(steps).toEqual(
      [503, 200].flatMap((status) => ['headers', 'onRequest GET', 'fetch', `onResponse ${status} GET`]),
    )
  })

  it('can replace the Request and the Response', async () => {
    const { api, requests } = toServer([async (request) => new Response(await request.text())], {
      onRequest: (request) => new Request(request, { headers: { 'x-signed': 'yes', 'content-type': 'text/plain' } }),
      onResponse: async (response, request) =>
        Response.json({ text: await response.text(), signed: request.headers.get('x-signed') }, { status: 201 }),
    })
    const { data, status, response } = await api('/thing').post({ body: [1] })
    expect([data, status, response.status]).toEqual([{ text: '[1]', signed: 'yes' }, 201, 201])
    expect(requests[0]!.headers.get('content-type')).toBe('text/plain')
  })

  it('can cause a retry with the Response that they return', async () => {
    const { api, requests } = toServer([() => Response.json('not yet'), () => Response.json('now')], {
      onResponse: async (response) => ((await response.clone().json()) === 'not yet' ? busy() : undefined),
    })
    expect((await api('/thing').get()).data).toBe('now')
    expect(requests).toHaveLength(2)
  })

  it('reject the call with the error that they throw', async () => {
    for (const hook of ['onRequest', 'onResponse'])
      for (const fail of [
        () => {
          throw new Error('mine')
        },
        () => Promise.reject(new Error('mine')),
      ])
        await expect(
          toServer([ok], { [hook]: fail })
            .api('/thing')
            .get(),
        ).rejects.toThrow('mine')
  })

  it('can read a clone, and can replace the request with one that has another signal', async () => {
    const seen: unknown[] = []
    const { api } = toServer([ok], { onResponse: async (response) => void seen.push(await response.clone().json()) })
    expect((await api('/thing').get()).data).toEqual({ n: 1 })
    expect(seen).toEqual([{ n: 1 }])
    await expect(
      toServer([ok], { onRequest: (request) => new Request(request, { signal: AbortSignal.abort(new Error('x')) }) })
        .api('/thing')
        .get({ retry: false }),
    ).resolves.toMatchObject({ status: 200 })
  })

  it('run again when an event stream reconnects', async () => {
    const seen: (string | null)[] = []
    const cut = (text: string): Response =>
      new Response(
        new ReadableStream({
          start: (controller) => controller.enqueue(new TextEncoder().encode(text)),
          pull: (controller) => controller.error(new TypeError('terminated')),
        }),
        { headers: { 'content-type': 'text/event-stream' } },
      )
    const { api, requests } = toServer(
      [
        () => cut('retry: 1\nid: 1\ndata: 1\n\n'),
        () => new Response('', { headers: { 'content-type': 'text/event-stream' } }),
      ],
      { onRequest: ({ headers }) => void seen.push(headers.get('last-event-id')) },
    )
    for await (const _ of (await api('/events').get()).data);
    expect(seen).toEqual([null, '1'])
    expect(requests).toHaveLength(2)
  })

  it('can report the download progress of a response', async () => {
    const sizes: number[] = []
    const download = router({
      file: route('/file').get(() =>
        reply.stream(
          ['x', 'y', 'z', 'a'].map((letter) => letter.repeat(25_000)),
          { headers: { 'content-type': 'image/png' } },
        ),
      ),
    })
    const api = createClient<typeof download>({
      fetch: download.fetch,
      onResponse: (response) =>
        new Response(
          response.body!.pipeThrough(
            new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
              transform(chunk, controller) {
                sizes.push(chunk.length)
                controller.enqueue(chunk)
              },
            }),
          ),
          response,
        ),
    })
    const { data } = await api('/file').get()
    expect((data as unknown as Blob).size).toBe(100_000)
    expect(sizes.reduce((sum, size) => sum + size)).toBe(100_000)
    expect(sizes.length).toBeGreaterThan(1)
  })
})

describe('a stream body', () => {
  it('can report its upload progress', async () => {
    const upload = router({
      upload: route('/upload').put({ body: stream('*/*') }, async (_request, { body: stream }) => {
        let size = 0
        for await (const chunk of stream) size += chunk.length
        return size
      }),
    })
    const server = createServer(toNodeHandler(upload))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const api = createClient<typeof upload>({ baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
    const sizes: number[] = []
    const counted = new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        sizes.push(chunk.length)
        controller.enqueue(chunk)
      },
    })
    const file = new File(
      Array.from({ length: 5 }, () => new Uint8Array(100_000)),
      'a.bin',
    )
    expect((await api('/upload').put({ stream: file.stream().pipeThrough(counted) })).data).toBe(500_000)
    expect(sizes.length).toBeGreaterThan(1)
    expect(sizes.reduce((sum, size) => sum + size)).toBe(500_000)
    server.closeAllConnections()
    server.close()
  })
})

describe('the init option', () => {
  it('sets fetch options for the client, which the init of a call can replace', async () => {
    const { api, requests } = toServer([ok], { init: { credentials: 'include', cache: 'no-store' } })
    await api('/thing').get()
    await api('/thing').get({ init: { cache: 'reload', keepalive: true } })
    expect(requests.map(({ credentials, cache, keepalive }) => [credentials, cache, keepalive])).toEqual([
      ['include', 'no-store', false],
      ['include', 'reload', true],
    ])
  })

  it('cannot replace the method, headers, body or signal of a call', async () => {
    const init = { method: 'DELETE', headers: { a: 'b' }, body: 'x', signal: AbortSignal.abort() }
    const { api, requests } = toServer([ok], { init: init as object })
    await api('/thing').post({ body: 1 })
    expect([requests[0]!.method, requests[0]!.headers.get('a'), await requests[0]!.text()]).toEqual(['POST', null, '1'])
  })

  it('rejects opaque responses and unfollowed redirects with their type in the message', async () => {
    for (const type of ['opaque', 'opaqueredirect']) {
      const response = Object.defineProperties(Response.error(), { type: { value: type } })
      const { api } = toServer([() => response])
      await expect(api('/thing').get()).rejects.toThrow(`GET http://localhost/thing: unexpected response ${type}`)
    }
  })
})

describe('responses', () => {
  const Thing = z.object({ n: z.number().max(5) })
  const answer = (data: unknown, status = 200): Answer[] => [() => Response.json(data, { status })]

  it('validates the data of a success with the schema of its pattern and method', async () => {
    const responses = { '/thing': { get: Thing } }
    expect(
      (
        await toServer(answer({ n: 1, more: true }), { responses })
          .api('/thing')
          .get()
      ).data,
    ).toEqual({
      n: 1,
      more: true,
    })
    const error = await toServer(answer({ n: 7 }), { responses })
      .api('/thing')
      .get()
      .catch((error: unknown) => error)
    expect(error).toBeInstanceOf(UnexpectedResponse)
    expect(error).toMatchObject({ status: 200, body: { n: 7 }, issues: [{ path: ['n'] }] })
    expect((error as Error).message).toMatch(/^GET http:\/\/localhost\/thing: unexpected response 200, \S/)
    expect(
      (
        await toServer(answer({ n: 7 }), { responses })
          .api('/thing')
          .put({ body: 1 })
      ).data,
    ).toEqual({ n: 7 })
    expect(
      (
        await toServer(answer({ n: 7 }), { responses })
          .api('/text')
          .put({ text: '' })
      ).data,
    ).toEqual({ n: 7 })
  })

  it('waits for an asynchronous schema', async () => {
    const Slow = z.unknown().refine(async (data) => {
      await new Promise((resolve) => setTimeout(resolve, 1))
      return data === 'good'
    })
    const responses = { '/thing': { get: Slow } }
    expect((await toServer(answer('good'), { responses }).api('/thing').get()).status).toBe(200)
    await expect(toServer(answer('bad'), { responses }).api('/thing').get()).rejects.toThrow(UnexpectedResponse)
  })

  it('does not validate errors, and does not retry invalid data', async () => {
    const responses = { '/thing': { get: z.never() } }
    for (const error of [{ status: 404 }, '', null, 0, false])
      expect(await toServer(answer(error, 404), { responses }).api('/thing').get()).toMatchObject({
        status: 404,
        error,
      })
    const { api, requests } = toServer(answer(1), { responses })
    await expect(api('/thing').get()).rejects.toThrow(UnexpectedResponse)
    expect(requests).toHaveLength(1)
  })

  it('rejects with the error of a validator', async () => {
    const throws = { '~standard': { version: 1, vendor: 'test', validate: () => Promise.reject(new Error('mine')) } }
    const { api } = toServer(answer(1), { responses: { '/thing': { get: throws as never } } })
    await expect(api('/thing').get()).rejects.toThrow('mine')
  })
})

describe('a response without a body and a content type', () => {
  it('has undefined data, also if a host creates an empty body', async () => {
    for (const body of [null, new Uint8Array()])
      expect(
        await toServer([() => new Response(body)])
          .api('/thing')
          .get(),
      ).toMatchObject({
        status: 200,
        data: undefined,
      })
    const typed = () => new Response(new Uint8Array(), { headers: { 'content-type': 'image/png' } })
    expect((await toServer([typed]).api('/thing').get()).data).toBeInstanceOf(Blob)
  })
})

describe('a call in process', () => {
  it('is retried like a call over the network', async () => {
    let count = 0
    const flaky = router(
      { thing: route('/thing').get(() => count) },
      {
        use: [
          middleware((_request, _context, next) => (++count < 3 ? reply.problem(503, { detail: 'soon' }) : next())),
        ],
      },
    )
    const api = createClient<typeof flaky>({ fetch: flaky.fetch, retry: retry({ limit: 2, delay: 1 }) })
    expect((await api('/thing').get()).data).toBe(3)
  })
})
