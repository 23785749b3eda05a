import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { errorOf, middleware, reply, route, router, type RouteContext, type RouterOptions } from '../../src/index.js'
import { timeout, type TimeoutOptions } from '../../src/middleware/index.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

const at = (init?: RequestInit): Request => new Request('http://test/a', init)
const never = () => new Promise<never>(() => {})
type Handler = (request: Request, context: RouteContext<'/[id]'>) => unknown

/** An app whose one route is inside `timeout(5)`, and what its `onError` was told. */
function toApp(handler: Handler, options?: TimeoutOptions, routerOptions?: RouterOptions) {
  const errors: unknown[][] = []
  const it = route('/[id]')
    .use(timeout(5, options))
    .get(handler as () => string)
  const app = router(
    { it },
    { onError: (error, { pattern, phase }) => void errors.push([error, pattern, phase]), ...routerOptions },
  )
  return { app, errors }
}

/** Answers one request, and lets the time pass. */
async function ask(handler: Handler, options?: TimeoutOptions, request = at()) {
  const { app, errors } = toApp(handler, options)
  const answer = Promise.resolve(app.fetch(request))
  await vi.advanceTimersByTimeAsync(5_000)
  return { response: await answer, errors }
}

describe('timeout', () => {
  it('passes on what is there in time, as the same object, and leaves no timer', async () => {
    const given = new Response('ok')
    const { app, errors } = toApp(() => given)
    expect(await app.fetch(at())).toBe(given)
    expect([vi.getTimerCount(), errors]).toEqual([0, []])
    const later = toApp(async () => (await new Promise((resolve) => setTimeout(resolve, 4_999)), 'in time'))
    const answer = Promise.resolve(later.app.fetch(at()))
    await vi.advanceTimersByTimeAsync(4_999)
    expect(await (await answer).json()).toBe('in time')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('passes an error on, and leaves no timer', async () => {
    const { app, errors } = toApp(() => {
      throw new Error('broken')
    })
    expect((await app.fetch(at())).status).toBe(500)
    expect([vi.getTimerCount(), errors.length]).toEqual([0, 1])
  })

  it('answers a 503 problem when the time has passed, and tells onError', async () => {
    const { response, errors } = await ask(never)
    expect(response.status).toBe(503)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(response.headers.has('retry-after')).toBe(false)
    expect(await response.json()).toEqual({
      status: 503,
      title: 'Service Unavailable',
      detail: 'The answer took too long.',
    })
    expect(errors).toEqual([[expect.any(DOMException), '/[id]', 'middleware']])
    expect(errors[0]![0]).toMatchObject({ name: 'TimeoutError', message: 'GET /[id] took over 5 s' })
    expect(vi.getTimerCount()).toBe(0)
  })

  it('says when to ask again if it is told', async () => {
    expect((await ask(never, { retryAfter: 30 })).response.headers.get('retry-after')).toBe('30')
    expect((await ask(never, { retryAfter: 0 })).response.headers.get('retry-after')).toBe('0')
  })

  it('is the cause of its answer, for a middleware outside to answer otherwise', async () => {
    const onError = vi.fn()
    const gateway = middleware(async (_request, _context, next) => {
      const response = await next()
      return (errorOf(response) as Error | undefined)?.name === 'TimeoutError' ? reply.problem(504) : response
    })
    const app = router({ it: route('/a').get(never) }, { use: [gateway, timeout(1)], onError })
    const answer = Promise.resolve(app.fetch(at()))
    await vi.advanceTimersByTimeAsync(1_000)
    expect((await answer).status).toBe(504)
    expect(onError).not.toHaveBeenCalled()
  })

  it('covers what matches no route, by its pathname', async () => {
    const onError = vi.fn()
    const stuck = middleware(async (_request, _context, next) => {
      await never()
      return next()
    })
    const answer = Promise.resolve(router({}, { use: [timeout(1), stuck], onError }).fetch(at()))
    await vi.advanceTimersByTimeAsync(1_000)
    expect((await answer).status).toBe(503)
    expect(onError.mock.calls[0]![0].message).toBe('GET /a took over 1 s')
  })

  it("aborts the signal of everything inside with the answer's cause", async () => {
    const seen: AbortSignal[] = []
    const layer = middleware((_request, { signal }, next) => {
      seen.push(signal)
      return next({ added: 1 })
    })
    const errors: unknown[] = []
    const it = route('/a')
      .use(timeout(1))
      .use(layer)
      .get((_request, { signal, added }) => {
        seen.push(signal)
        return never().then(() => added)
      })
    const answer = Promise.resolve(router({ it }, { onError: (error) => void errors.push(error) }).fetch(at()))
    await vi.advanceTimersByTimeAsync(999)
    expect(seen.map(({ aborted }) => aborted)).toEqual([false, false])
    expect(seen[0]).toBe(seen[1])
    await vi.advanceTimersByTimeAsync(1)
    await answer
    expect(seen.map(({ aborted, reason }) => [aborted, reason])).toEqual([
      [true, errors[0]],
      [true, errors[0]],
    ])
  })

  it('leaves the signal outside of it alone', async () => {
    let outside: AbortSignal | undefined
    const layer = middleware((_request, { signal }, next) => {
      outside = signal
      return next()
    })
    const app = router({ it: route('/a').get(never) }, { use: [layer, timeout(1)], onError: () => {} })
    const answer = Promise.resolve(app.fetch(at()))
    await vi.advanceTimersByTimeAsync(1_000)
    expect((await answer).status).toBe(503)
    expect(outside!.aborted).toBe(false)
  })

  it('passes the abort of the client on, with its reason, also if it was there before', async () => {
    for (const early of [true, false]) {
      const client = new AbortController()
      if (early) client.abort('gone')
      let inside: AbortSignal | undefined
      const { app } = toApp((_request, { signal }) => {
        inside = signal
        return never()
      })
      const answer = Promise.resolve(app.fetch(at({ signal: client.signal })))
      if (!early) {
        expect(inside!.aborted).toBe(false)
        client.abort('gone')
      }
      expect([inside!.aborted, inside!.reason]).toEqual([true, 'gone'])
      await vi.advanceTimersByTimeAsync(5_000)
      expect((await answer).status).toBe(503)
      expect(inside!.reason).toBe('gone')
    }
  })

  it('is aborted for whoever reads the signal only then', async () => {
    let late: AbortSignal | undefined
    const { response } = await ask(async (_request, context) => {
      await new Promise((resolve) => setTimeout(resolve, 5_000))
      late = context.signal
    })
    await vi.advanceTimersByTimeAsync(5_000)
    expect(response.status).toBe(503)
    expect([late!.aborted, (late!.reason as Error).name]).toEqual([true, 'TimeoutError'])
  })

  it('aborts by the shorter of two, and each has the time of what is inside it', async () => {
    for (const [outer, inner] of [
      [1, 2],
      [2, 1],
    ] as const) {
      let inside: AbortSignal | undefined
      const onError = vi.fn()
      const it = route('/a')
        .use(timeout(outer))
        .use(timeout(inner))
        .get((_request, { signal }) => {
          inside = signal
          return never()
        })
      const answer = Promise.resolve(router({ it }, { onError }).fetch(at()))
      await vi.advanceTimersByTimeAsync(1_000)
      expect((await answer).status).toBe(503)
      expect((inside!.reason as Error).message).toBe('GET /a took over 1 s')
      await vi.advanceTimersByTimeAsync(1_000)
      // The inner one's own 503 comes to nobody, and is the only thing that onError hears of it.
      expect(onError.mock.calls.map(([error]) => (error as Error).message)).toEqual(
        outer === 1 ? ['GET /a took over 1 s', 'GET /a took over 2 s'] : ['GET /a took over 1 s'],
      )
      expect(vi.getTimerCount()).toBe(0)
    }
  })

  it('says nothing of work that fails by the abort, and tells of what fails otherwise', async () => {
    const fail = (make: (signal: AbortSignal) => unknown): Handler => {
      return (_request, { signal }) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(make(signal) as Error)))
    }
    for (const make of [
      ({ reason }: AbortSignal) => reason,
      // As Node's own timers and events do.
      ({ reason }: AbortSignal) => new Error('The operation was aborted', { cause: reason }),
    ]) {
      const { errors } = await ask(fail(make))
      await vi.advanceTimersByTimeAsync(1)
      expect(errors).toHaveLength(1)
    }
    const other = new Error('the rollback failed')
    const { errors } = await ask(fail(() => other))
    await vi.advanceTimersByTimeAsync(1)
    expect(errors).toHaveLength(2)
    expect(errors).toContainEqual([other, '/[id]', 'handler'])
  })

  it('throws the late Response away, and cancels its body', async () => {
    const cancelled = vi.fn()
    const late = new Response(new ReadableStream({ cancel: cancelled }))
    const { response, errors } = await ask(async () => {
      await new Promise((resolve) => setTimeout(resolve, 6_000))
      return late
    })
    expect(response.status).toBe(503)
    expect(cancelled).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(cancelled).toHaveBeenCalledTimes(1)
    expect(errors).toHaveLength(1)
  })

  it('closes the items of a late stream, and takes a late Response that is being read', async () => {
    const closed = vi.fn()
    const items = {
      [Symbol.asyncIterator]: () => ({ next: never, return: async () => (closed(), { done: true, value: 1 }) }),
    } as AsyncIterable<never>
    await ask(() => new Promise((resolve) => setTimeout(() => resolve(reply.ndjson(items)), 6_000)))
    await vi.advanceTimersByTimeAsync(1_000)
    expect(closed).toHaveBeenCalledTimes(1)
    const locked = new Response(new ReadableStream())
    locked.body!.getReader()
    const { errors } = await ask(() => new Promise((resolve) => setTimeout(() => resolve(locked), 6_000)))
    await vi.advanceTimersByTimeAsync(1_000)
    expect(errors).toHaveLength(1)
  })

  it('lets a stream go on for longer than the time until it is there', async () => {
    let signal: AbortSignal | undefined
    const { app, errors } = toApp(async function* (_request: Request, context: RouteContext<'/[id]'>) {
      signal = context.signal
      yield 1
      await new Promise((resolve) => setTimeout(resolve, 60_000))
      yield 2
    } as Handler)
    const response = await app.fetch(at())
    expect(vi.getTimerCount()).toBe(0)
    const text = response.text()
    await vi.advanceTimersByTimeAsync(60_000)
    expect([await text, signal!.aborted, errors]).toEqual(['1\n2\n', false, []])
  })

  it('runs after() when the 503 is out, whatever still runs inside', async () => {
    const work = vi.fn()
    const { app } = toApp((_request, { after }) => {
      after(work)
      return never()
    })
    const answer = Promise.resolve(app.fetch(at()))
    await vi.advanceTimersByTimeAsync(5_000)
    await answer
    expect(work).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    await app.settled()
    expect(work).toHaveBeenCalledTimes(1)
  })

  it("holds for a route's own function", async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {})
    const it = route('/a').use(timeout(1)).get(never)
    const answer = it.GET(at())
    await vi.advanceTimersByTimeAsync(1_000)
    expect((await answer).status).toBe(503)
  })

  it('ends a real wait for something that takes a signal', async () => {
    vi.useRealTimers()
    const onError = vi.fn()
    const slow = route('/a')
      .use(timeout(0.02))
      .get((_request, { signal }) => sleep(10_000, 'late', { signal }))
    const begun = performance.now()
    expect((await router({ slow }, { onError }).fetch(at())).status).toBe(503)
    expect(performance.now() - begun).toBeLessThan(8_000)
    await sleep(5)
    expect(onError).toHaveBeenCalledTimes(1)
  })

  it.each([0, -1, Number.NaN, Infinity, 2_147_484, '5', undefined])('throws for %s seconds', (seconds) => {
    expect(() => timeout(seconds as number)).toThrow(RangeError)
  })

  it.each([-1, 0.5, Number.NaN, '5'])('throws for a retryAfter of %s', (retryAfter) => {
    expect(() => timeout(1, { retryAfter } as TimeoutOptions)).toThrow(RangeError)
  })
})
