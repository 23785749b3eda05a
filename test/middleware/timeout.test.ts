import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { errorOf, middleware, route, type RouteContext, router, type RouterOptions } from '../../src/index.js'
import * as reply from '../../src/replies/index.js'
import { timeout, type TimeoutOptions } from '../../src/middleware/index.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

const at = (init?: RequestInit): Request => new Request('http://test/a', init)
const never = () => new Promise<never>(() => {})
type Handler = (request: Request, context: RouteContext<'/[id]'>) => unknown

/** Returns an app with one route behind `timeout(5_000)`, and the calls of its `onError`. */
function toApp(handler: Handler, options?: TimeoutOptions, routerOptions?: RouterOptions) {
  const errors: unknown[][] = []
  const it = route('/[id]')
    .use(timeout(5_000, options))
    .get(handler as () => string)
  const app = router(
    { it },
    { onError: (error, { pattern, phase }) => void errors.push([error, pattern, phase]), ...routerOptions },
  )
  return { app, errors }
}

/** Sends one request and advances the time by 5 seconds. */
async function send(handler: Handler, options?: TimeoutOptions, request = at()) {
  const { app, errors } = toApp(handler, options)
  const pending = Promise.resolve(app.fetch(request))
  await vi.advanceTimersByTimeAsync(5_000)
  return { response: await pending, errors }
}

describe('timeout()', () => {
  it('returns a response in time as the same object, and clears its timer', async () => {
    const given = new Response('ok')
    const { app, errors } = toApp(() => given)
    expect(await app.fetch(at())).toBe(given)
    expect([vi.getTimerCount(), errors]).toEqual([0, []])
    const later = toApp(async () => (await new Promise((resolve) => setTimeout(resolve, 4_999)), 'in time'))
    const pending = Promise.resolve(later.app.fetch(at()))
    await vi.advanceTimersByTimeAsync(4_999)
    expect(await (await pending).json()).toBe('in time')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('returns the 500 of an error, and clears its timer', async () => {
    const { app, errors } = toApp(() => {
      throw new Error('broken')
    })
    expect((await app.fetch(at())).status).toBe(500)
    expect([vi.getTimerCount(), errors.length]).toEqual([0, 1])
  })

  it('responds with a 503 problem after the time limit, and calls onError', async () => {
    const { response, errors } = await send(never)
    expect(response.status).toBe(503)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(response.headers.has('retry-after')).toBe(false)
    expect(await response.json()).toEqual({
      status: 503,
      title: 'Service Unavailable',
      detail: 'The response took too long.',
    })
    expect(errors).toEqual([[expect.any(DOMException), '/[id]', 'middleware']])
    expect(errors[0]![0]).toMatchObject({ name: 'TimeoutError', message: 'GET /[id] took over 5000 ms' })
    expect(vi.getTimerCount()).toBe(0)
  })

  it('sends Retry-After if the option is set', async () => {
    expect((await send(never, { retryAfter: 30 })).response.headers.get('retry-after')).toBe('30')
    expect((await send(never, { retryAfter: 0 })).response.headers.get('retry-after')).toBe('0')
  })

  it('provides its TimeoutError to outer middleware with errorOf()', async () => {
    const onError = vi.fn()
    const gateway = middleware(async (_request, _context, next) => {
      const response = await next()
      return (errorOf(response) as Error | undefined)?.name === 'TimeoutError' ? reply.problem(504) : response
    })
    const app = router({ it: route('/a').get(never) }, { use: [gateway, timeout(1_000)], onError })
    const pending = Promise.resolve(app.fetch(at()))
    await vi.advanceTimersByTimeAsync(1_000)
    expect((await pending).status).toBe(504)
    expect(onError).not.toHaveBeenCalled()
  })

  it('applies to requests that match no route', async () => {
    const onError = vi.fn()
    const stuck = middleware(async (_request, _context, next) => {
      await never()
      return next()
    })
    const pending = Promise.resolve(router({}, { use: [timeout(1_000), stuck], onError }).fetch(at()))
    await vi.advanceTimersByTimeAsync(1_000)
    expect((await pending).status).toBe(503)
    expect(onError.mock.calls[0]![0].message).toBe('GET /a took over 1000 ms')
  })

  it('aborts the signal of inner middleware and the handler with its TimeoutError', async () => {
    const seen: AbortSignal[] = []
    const layer = middleware((_request, { signal }, next) => {
      seen.push(signal)
      return next({ added: 1 })
    })
    const errors: unknown[] = []
    const it = route('/a')
      .use(timeout(1_000))
      .use(layer)
      .get((_request, { signal, added }) => {
        seen.push(signal)
        return never().then(() => added)
      })
    const pending = Promise.resolve(router({ it }, { onError: (error) => void errors.push(error) }).fetch(at()))
    await vi.advanceTimersByTimeAsync(999)
    expect(seen.map(({ aborted }) => aborted)).toEqual([false, false])
    expect(seen[0]).toBe(seen[1])
    await vi.advanceTimersByTimeAsync(1)
    await pending
    expect(seen.map(({ aborted, reason }) => [aborted, reason])).toEqual([
      [true, errors[0]],
      [true, errors[0]],
    ])
  })

  it('does not abort the signal of outer middleware', async () => {
    let outside: AbortSignal | undefined
    const layer = middleware((_request, { signal }, next) => {
      outside = signal
      return next()
    })
    const app = router({ it: route('/a').get(never) }, { use: [layer, timeout(1_000)], onError: () => {} })
    const pending = Promise.resolve(app.fetch(at()))
    await vi.advanceTimersByTimeAsync(1_000)
    expect((await pending).status).toBe(503)
    expect(outside!.aborted).toBe(false)
  })

  it("aborts the inner signal with the client's reason, also if the client disconnected before", async () => {
    for (const early of [true, false]) {
      const client = new AbortController()
      if (early) client.abort('gone')
      let inside: AbortSignal | undefined
      const { app } = toApp((_request, { signal }) => {
        inside = signal
        return never()
      })
      const pending = Promise.resolve(app.fetch(at({ signal: client.signal })))
      if (!early) {
        expect(inside!.aborted).toBe(false)
        client.abort('gone')
      }
      expect([inside!.aborted, inside!.reason]).toEqual([true, 'gone'])
      await vi.advanceTimersByTimeAsync(5_000)
      expect((await pending).status).toBe(503)
      expect(inside!.reason).toBe('gone')
    }
  })

  it('aborts a signal that is first read after the time limit', async () => {
    let late: AbortSignal | undefined
    const { response } = await send(async (_request, context) => {
      await new Promise((resolve) => setTimeout(resolve, 5_000))
      late = context.signal
    })
    await vi.advanceTimersByTimeAsync(5_000)
    expect(response.status).toBe(503)
    expect([late!.aborted, (late!.reason as Error).name]).toEqual([true, 'TimeoutError'])
  })

  it('aborts after the shorter limit if it is nested', async () => {
    for (const [outer, inner] of [
      [1, 2],
      [2, 1],
    ] as const) {
      let inside: AbortSignal | undefined
      const onError = vi.fn()
      const it = route('/a')
        .use(timeout(outer * 1_000))
        .use(timeout(inner * 1_000))
        .get((_request, { signal }) => {
          inside = signal
          return never()
        })
      const pending = Promise.resolve(router({ it }, { onError }).fetch(at()))
      await vi.advanceTimersByTimeAsync(1_000)
      expect((await pending).status).toBe(503)
      expect((inside!.reason as Error).message).toBe('GET /a took over 1000 ms')
      await vi.advanceTimersByTimeAsync(1_000)
      // No client receives the inner 503. Only its error is reported to onError.
      expect(onError.mock.calls.map(([error]) => (error as Error).message)).toEqual(
        outer === 1 ? ['GET /a took over 1000 ms', 'GET /a took over 2000 ms'] : ['GET /a took over 1000 ms'],
      )
      expect(vi.getTimerCount()).toBe(0)
    }
  })

  it('reports errors of late work to onError, except for abort errors', async () => {
    const fail = (make: (signal: AbortSignal) => unknown): Handler => {
      return (_request, { signal }) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(make(signal) as Error)))
    }
    for (const make of [
      ({ reason }: AbortSignal) => reason,
      // Node.js's own timers and events throw such errors.
      ({ reason }: AbortSignal) => new Error('The operation was aborted', { cause: reason }),
    ]) {
      const { errors } = await send(fail(make))
      await vi.advanceTimersByTimeAsync(1)
      expect(errors).toHaveLength(1)
    }
    const other = new Error('the rollback failed')
    const { errors } = await send(fail(() => other))
    await vi.advanceTimersByTimeAsync(1)
    expect(errors).toHaveLength(2)
    expect(errors).toContainEqual([other, '/[id]', 'handler'])
  })

  it('discards a late Response and cancels its body', async () => {
    const canceled = vi.fn()
    const late = new Response(new ReadableStream({ cancel: canceled }))
    const { response, errors } = await send(async () => {
      await new Promise((resolve) => setTimeout(resolve, 6_000))
      return late
    })
    expect(response.status).toBe(503)
    expect(canceled).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(canceled).toHaveBeenCalledTimes(1)
    expect(errors).toHaveLength(1)
  })

  it('closes the items of a late stream, and ignores a late Response whose body is locked', async () => {
    const closed = vi.fn()
    const items = {
      [Symbol.asyncIterator]: () => ({ next: never, return: async () => (closed(), { done: true, value: 1 }) }),
    } as AsyncIterable<never>
    await send(() => new Promise((resolve) => setTimeout(() => resolve(reply.ndjson(items)), 6_000)))
    // A second more, in which the first item is awaited.
    await vi.advanceTimersByTimeAsync(2_000)
    expect(closed).toHaveBeenCalledTimes(1)
    const locked = new Response(new ReadableStream())
    locked.body!.getReader()
    const { errors } = await send(() => new Promise((resolve) => setTimeout(() => resolve(locked), 6_000)))
    await vi.advanceTimersByTimeAsync(1_000)
    expect(errors).toHaveLength(1)
  })

  it('does not limit the time to send a streamed body', async () => {
    let signal: AbortSignal | undefined
    async function* items() {
      yield 1
      await new Promise((resolve) => setTimeout(resolve, 60_000))
      yield 2
    }
    const { app, errors } = toApp((_request, context) => {
      signal = context.signal
      return reply.ndjson(items())
    })
    const response = await app.fetch(at())
    expect(vi.getTimerCount()).toBe(0)
    const text = response.text()
    await vi.advanceTimersByTimeAsync(60_000)
    expect([await text, signal!.aborted, errors]).toEqual(['1\n2\n', false, []])
  })

  it('runs after() work after the 503 is sent, even if the handler still runs', async () => {
    const work = vi.fn()
    const { app } = toApp((_request, { after }) => {
      after(work)
      return never()
    })
    const pending = Promise.resolve(app.fetch(at()))
    await vi.advanceTimersByTimeAsync(5_000)
    await pending
    expect(work).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    await app.settled()
    expect(work).toHaveBeenCalledTimes(1)
  })

  it('aborts the signal if the client disconnects while a streamed body is sent, also after the limit', async () => {
    const client = new AbortController()
    let seen: AbortSignal
    const { app } = toApp((_request, { signal }) => {
      seen = signal
      return new Response(new ReadableStream({ pull: never }))
    })
    const response = await app.fetch(at({ signal: client.signal }))
    void response.body!.getReader().read()
    await vi.advanceTimersByTimeAsync(6_000)
    expect(seen!.aborted).toBe(false)
    client.abort(new DOMException('gone', 'AbortError'))
    expect(seen!.reason).toBe(client.signal.reason)
  })

  it("applies to a route's own function", async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {})
    const it = route('/a').use(timeout(1_000)).get(never)
    const pending = it.GET(at())
    await vi.advanceTimersByTimeAsync(1_000)
    expect((await pending).status).toBe(503)
  })

  it('aborts an upstream call that received the signal, with real timers', async () => {
    vi.useRealTimers()
    const onError = vi.fn()
    const slow = route('/a')
      .use(timeout(20))
      .get((_request, { signal }) => sleep(10_000, 'late', { signal }))
    const begun = performance.now()
    expect((await router({ slow }, { onError }).fetch(at())).status).toBe(503)
    expect(performance.now() - begun).toBeLessThan(8_000)
    await sleep(5)
    expect(onError).toHaveBeenCalledTimes(1)
  })

  it.each([0, -1, Number.NaN, Infinity, 2 ** 31, 'soon', undefined])('throws for %s ms', (limit) => {
    expect(() => timeout(limit as number)).toThrow(RangeError)
  })

  it.each([-1, 0.5, Number.NaN, '5'])('throws for a retryAfter of %s', (retryAfter) => {
    expect(() => timeout(1, { retryAfter } as TimeoutOptions)).toThrow(RangeError)
  })
})
