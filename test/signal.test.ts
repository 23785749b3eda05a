import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { middleware, route, router } from '../src/index.js'
import * as reply from '../src/replies/index.js'

afterEach(() => void vi.restoreAllMocks())

const at = (init?: RequestInit): Request => new Request('http://test/', init)

describe('context.signal', () => {
  it('is not created if it is not read', async () => {
    const read = vi.spyOn(Request.prototype, 'signal', 'get')
    const pass = middleware((_request, _context, next) => next({ added: 1 }))
    const plain = route('/')
      .use(pass)
      .get((_request, { added }) => added)
    expect((await router({ plain }).fetch(at())).status).toBe(200)
    expect(read).not.toHaveBeenCalled()
    const it = route('/').get((_request, { signal }) => signal.aborted)
    await router({ it }).fetch(at())
    expect(read).toHaveBeenCalledTimes(1)
  })

  it('is the same object everywhere, with the reason of the abort', async () => {
    const client = new AbortController()
    const seen: AbortSignal[] = []
    const layer = middleware((_request, { signal }, next) => {
      seen.push(signal)
      return next({ added: 1 })
    })
    const it = route('/')
      .use(layer)
      .get((_request, { signal }) => {
        seen.push(signal)
        return sleep(10, 'late')
      })
    const response = router({ it }, { use: [layer] }).fetch(at({ signal: client.signal }))
    client.abort(new DOMException('stop', 'AbortError'))
    expect(new Set(seen).size).toBe(1)
    expect(seen[0]!.reason).toBe(client.signal.reason)
    // A response after the disconnect is still returned.
    expect(await (await response).json()).toBe('late')
  })

  it('aborts after the request has been garbage-collected', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const client = new AbortController()
    const collected = vi.fn()
    const registry = new FinalizationRegistry(collected)
    let seen: AbortSignal
    const it = route('/').get((_request, { signal }) => {
      seen = signal
      return new Response('native')
    })
    const send = async (): Promise<void> => {
      const request = at({ signal: client.signal })
      registry.register({ request }, undefined)
      await router({ it }).fetch(request)
    }
    await send()
    await vi.waitFor(() => {
      collect()
      expect(collected).toHaveBeenCalled()
    })
    client.abort(new DOMException('gone', 'AbortError'))
    expect(seen!.aborted).toBe(true)
    expect(seen!.reason).toBe(client.signal.reason)
  })

  it('cannot be replaced by next(added)', async () => {
    const layer = middleware((_request, _context, next) => next({ signal: new AbortController().signal }))
    const onError = vi.fn()
    const it = route('/').get(() => 'ok')
    const response = await router({ it }, { use: [layer], onError }).fetch(at())
    expect(response.status).toBe(500)
    expect(String(onError.mock.calls[0]![0])).toContain('next({ signal }) cannot replace a member of the context')
  })
})

describe('onError', () => {
  const reportedBy = async (
    fail: (signal: AbortSignal) => unknown,
    reason: unknown = new DOMException('x', 'AbortError'),
  ) => {
    const client = new AbortController()
    const onError = vi.fn()
    const it = route('/').get(
      (_request, { signal }) =>
        new Promise<string>((_, reject) => signal.addEventListener('abort', () => reject(fail(signal) as Error))),
    )
    const response = router({ it }, { onError }).fetch(at({ signal: client.signal }))
    client.abort(reason)
    expect((await response).status).toBe(500)
    return onError.mock.calls.map(([error]) => error as unknown)
  }

  it('is not called for work that the disconnect of its client aborted', async () => {
    expect(await reportedBy(({ reason }) => reason)).toEqual([])
    expect(await reportedBy(({ reason }) => new Error('The operation was aborted', { cause: reason }))).toEqual([])
  })

  it('is called for any other error after a disconnect', async () => {
    const other = new Error('broken')
    expect(await reportedBy(() => other)).toEqual([other])
    const alike = new DOMException('x', 'AbortError')
    expect(await reportedBy(() => alike)).toEqual([alike])
    expect(await reportedBy(() => undefined)).toEqual([new TypeError('undefined was thrown')])
  })

  it('is called for an AbortError if the request was not aborted', async () => {
    const onError = vi.fn()
    const it = route('/').get(() => sleep(10_000, 'late', { signal: AbortSignal.timeout(1) }))
    expect((await router({ it }, { onError }).fetch(at())).status).toBe(500)
    expect(onError).toHaveBeenCalledTimes(1)
  })
})

describe('waitUntil()', () => {
  const vercel = Symbol.for('@vercel/request-context')
  afterEach(() => {
    delete (globalThis as { [vercel]?: unknown })[vercel]
  })
  const place = (value: unknown) => Object.assign(globalThis, { [vercel]: value })

  it("uses Vercel's waitUntil, also for after()", async () => {
    const kept: Promise<unknown>[] = []
    place({
      get: () => ({
        kept,
        waitUntil(promise: Promise<unknown>) {
          this.kept.push(promise)
        },
      }),
    })
    const log: string[] = []
    const it = route('/').get((_request, { waitUntil, after }) => {
      waitUntil(sleep(1).then(() => log.push('waited')))
      after(() => sleep(5).then(() => log.push('after')))
    })
    await router({ it }).fetch(at())
    expect(kept).toHaveLength(2)
    await Promise.all(kept)
    expect(log).toEqual(['waited', 'after'])
  })

  it("prefers the host's waitUntil to Vercel's", async () => {
    const ofVercel = vi.fn()
    const ofHost = vi.fn()
    place({ get: () => ({ waitUntil: ofVercel }) })
    const it = route('/').get((_request, { waitUntil }) => waitUntil(Promise.resolve()))
    await router({ it }).fetch(at(), {}, { waitUntil: ofHost })
    await router({ it }).fetch(Object.assign(at(), { waitUntil: ofHost }))
    expect([ofHost.mock.calls.length, ofVercel.mock.calls.length]).toEqual([2, 0])
  })

  it('works if Vercel’s is absent or incomplete', async () => {
    for (const value of [undefined, {}, { get: () => undefined }, { get: () => ({}) }]) {
      place(value)
      const it = route('/').get((_request, { waitUntil }) => waitUntil(Promise.resolve()))
      const app = router({ it })
      expect((await app.fetch(at())).status).toBe(204)
      await app.settled()
    }
  })
})

describe('after()', () => {
  it('runs work after errors, redirects and problems, in the order of the calls', async () => {
    const handlers: (() => unknown)[] = [
      () => reply.redirect('/b'),
      () => {
        throw reply.seeOther('/b')
      },
      () => {
        throw new Error('broken')
      },
      () => Promise.reject(new Error('broken')),
      () => reply.notFound(),
      () => undefined,
    ]
    for (const handler of handlers) {
      const log: string[] = []
      const it = route('/').get(((_request: Request, { after }: { after(work: () => unknown): void }) => {
        after(async () => {
          await sleep(2)
          log.push('one')
        })
        after(() => void log.push('two'))
        return handler()
      }) as () => string)
      const app = router({ it }, { onError: () => {} })
      await app.fetch(at())
      log.push('responded')
      await app.settled()
      expect(log).toEqual(['responded', 'one', 'two'])
    }
  })
})
