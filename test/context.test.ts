import { afterEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { middleware, route, router, type RouteContext, type RouterOptions } from '../src/index.js'

afterEach(() => void vi.restoreAllMocks())

const at = (path: string, init?: RequestInit): Request => new Request(`http://test${path}`, init)
type Any = RouteContext<'/[[...all]]'>

/** Answers one request with a handler, and gives what the handler gave. */
async function see<value>(look: (context: Any, request: Request) => value, host: unknown[] = [], request = at('/')) {
  let seen: value | undefined
  const it = route('/[[...all]]').get((request, context) => void (seen = look(context, request)))
  const response = await router({ it }).fetch(request, ...host)
  expect(response.status).toBe(204)
  return seen as value
}
const sleep = (milliseconds = 0) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds))

describe('the context', () => {
  it('has the params, the URL and the pattern', async () => {
    const seen = await see(
      ({ params, url, pattern }) => ({ params: { ...params }, href: url.href, pattern }),
      [],
      at('/a/b?c=d'),
    )
    expect(seen).toEqual({ params: { all: ['a', 'b'] }, href: 'http://test/a/b?c=d', pattern: '/[[...all]]' })
  })

  it('makes the URL once for everything that reads it', async () => {
    const seen: URL[] = []
    const it = route('/')
      .use((_request, { url }, next) => {
        seen.push(url)
        return next({ added: 1 })
      })
      .get((_request, { url }) => void seen.push(url))
    await router({ it }).fetch(at('/'))
    expect(seen[0]).toBeInstanceOf(URL)
    expect(seen[0]).toBe(seen[1])
  })

  it('can be destructured: nothing in it needs its this', async () => {
    const work = vi.fn()
    await see(({ params, url, pattern, signal, env, ip, waitUntil, after }) => {
      waitUntil(Promise.resolve())
      after(work)
      return [params, url, pattern, signal, env, ip]
    })
    await sleep(5)
    expect(work).toHaveBeenCalledTimes(1)
  })

  it('gives params without a prototype: no name is there that was not captured', async () => {
    const seen = await see(({ params }) => [Object.keys(params), 'toString' in params, '__proto__' in params])
    expect(seen).toEqual([[], false, false])
  })

  it("gives the request's own signal", async () => {
    const controller = new AbortController()
    const request = at('/', { signal: controller.signal })
    const signal = await see(({ signal }) => signal, [], request)
    expect(signal).toBe(request.signal)
    controller.abort('gone')
    expect([signal.aborted, signal.reason]).toEqual([true, 'gone'])
  })

  it('has declared inputs as members, and no others', async () => {
    const it = route('/').get({ query: z.object({ a: z.string() }) }, (_request, context) => Object.keys(context))
    expect(await (await router({ it }).fetch(at('/?a=b'))).json()).toEqual(['query'])
  })
})

describe('what a host passes', () => {
  const executionContext = () => {
    const kept: unknown[] = []
    return {
      kept,
      // Workers' own throws "Illegal invocation" when it is called without its object.
      waitUntil(this: unknown, promise: unknown) {
        if (this === undefined || !(this as { kept?: unknown }).kept) throw new TypeError('Illegal invocation')
        kept.push(promise)
      },
      passThroughOnException() {},
    }
  }

  it('is env and an execution context on Workers, in any order', async () => {
    const env = { DB: 'db' }
    for (const order of [0, 1]) {
      const context = executionContext()
      const host = order ? [env, context] : [context, env]
      const seen = await see(({ env, waitUntil, ip }) => (waitUntil(Promise.resolve()), [env, ip]), host)
      expect(seen[0]).toBe(env)
      expect(seen[1]).toBe(undefined)
      expect(context.kept).toHaveLength(1)
    }
  })

  it('is the server on Bun, which knows the address', async () => {
    const server = {
      address: '10.0.0.1',
      requestIP(this: { address: string }, request: Request) {
        return request instanceof Request ? { address: this.address, family: 'IPv4', port: 1 } : null
      },
    }
    expect(await see(({ env, ip }) => [ip, env === process.env], [server])).toEqual(['10.0.0.1', true])
    expect(await see(({ ip }) => ip, [{ requestIP: () => null }])).toBe(undefined)
  })

  it('is the info on Deno', async () => {
    const info = { remoteAddr: { transport: 'tcp', hostname: '10.0.0.2', port: 1 }, completed: Promise.resolve() }
    expect(await see(({ env, ip }) => [ip, env === process.env], [info])).toEqual(['10.0.0.2', true])
  })

  it('is the event in a service worker', async () => {
    const event = Object.assign(executionContext(), { request: at('/') })
    expect(await see(({ env, after }) => (after(() => {}), env === process.env), [event])).toBe(true)
    expect(event.kept).toHaveLength(1)
  })

  it('is on the request itself with srvx', async () => {
    const kept: unknown[] = []
    const request = Object.assign(at('/'), { ip: '10.0.0.3', waitUntil: (promise: unknown) => void kept.push(promise) })
    const seen = await see(({ ip, waitUntil }) => (waitUntil(Promise.resolve()), ip), [], request)
    expect(seen).toBe('10.0.0.3')
    expect(kept).toHaveLength(1)
  })

  it('is nothing elsewhere: env is process.env, and there is no address', async () => {
    for (const host of [[], [undefined], [null], [undefined, null]])
      expect(await see(({ env, ip }) => [env === process.env, ip], host)).toEqual([true, undefined])
  })

  it('is no env if it is a number: the index when requests are mapped', async () => {
    const seen: unknown[] = []
    const app = router({ it: route('/').get((_request, { env }) => void seen.push(typeof env)) })
    await Promise.all([at('/'), at('/')].map((request, index) => app.fetch(request, index)))
    expect(seen).toEqual(['object', 'object'])
  })

  it('may have an env that is empty', async () => {
    const env = {}
    expect(await see(({ env }) => env, [env, executionContext()])).toBe(env)
  })
})

describe('waitUntil', () => {
  it('keeps the host alive until the promise has settled, also if it rejects', async () => {
    const kept: Promise<unknown>[] = []
    const onError = vi.fn()
    const error = new Error('late')
    const it = route('/a').get((_request, { waitUntil }) => {
      waitUntil(sleep(5))
      waitUntil(Promise.reject(error))
    })
    await router({ it }, { onError }).fetch(at('/a'), { waitUntil: (promise: Promise<unknown>) => kept.push(promise) })
    await expect(Promise.all(kept)).resolves.toEqual([undefined, undefined])
    expect(onError.mock.calls).toEqual([[error, { request: expect.any(Request), pattern: '/a', phase: 'waitUntil' }]])
  })

  it('takes any thenable', async () => {
    const onError = vi.fn()
    const it = route('/').get((_request, { waitUntil }) => {
      // oxlint-disable-next-line unicorn/no-thenable
      waitUntil({ then: (_resolve: unknown, reject: (error: unknown) => void) => reject('no') } as PromiseLike<unknown>)
    })
    const app = router({ it }, { onError })
    await app.fetch(at('/'))
    await app.settled()
    expect(onError.mock.calls[0]![0]).toBe('no')
  })

  it('does not delay the answer', async () => {
    let release = () => {}
    const it = route('/').get((_request, { waitUntil }) =>
      waitUntil(new Promise<void>((resolve) => (release = resolve))),
    )
    const app = router({ it })
    expect((await app.fetch(at('/'))).status).toBe(204)
    release()
    await app.settled()
  })
})

describe('after', () => {
  const run = async (handler: (context: Any, log: string[]) => unknown, options: RouterOptions = {}) => {
    const log: string[] = []
    const onError = vi.fn()
    const it = route('/[[...all]]').get((_request, context) => handler(context, log) as never)
    const app = router({ it }, { onError, ...options })
    const response = await app.fetch(at('/'))
    log.push('answered')
    await app.settled()
    return { log, onError, response }
  }

  it('runs once the answer was given, in the order of the calls, one at a time', async () => {
    const { log } = await run(({ after }, log) => {
      after(async () => {
        log.push('one')
        await sleep(5)
        log.push('one ends')
      })
      after(() => void log.push('two'))
      log.push('handler')
      return null
    })
    expect(log).toEqual(['handler', 'answered', 'one', 'one ends', 'two'])
  })

  it('runs once the answer was given by an asynchronous handler too', async () => {
    const { log } = await run(async ({ after }, log) => {
      after(() => void log.push('after'))
      await sleep(5)
      log.push('handler')
    })
    expect(log).toEqual(['handler', 'answered', 'after'])
  })

  it('runs what is planned by what it runs, and what is planned after the answer', async () => {
    const { log } = await run(({ after, waitUntil }, log) => {
      after(() => {
        log.push('one')
        after(() => {
          log.push('inner')
          after(() => void log.push('innermost'))
        })
      })
      after(() => void log.push('two'))
      waitUntil(sleep(20).then(() => after(() => void log.push('late'))))
    })
    expect(log).toEqual(['answered', 'one', 'two', 'inner', 'innermost', 'late'])
  })

  it('runs whatever the answer is', async () => {
    for (const fail of [() => Promise.reject(new Error('x')), () => Promise.reject(new Response())]) {
      const { log } = await run(({ after }, log) => {
        after(() => void log.push('after'))
        return fail()
      })
      expect(log).toEqual(['answered', 'after'])
    }
  })

  it('tells onError of each failure, and goes on', async () => {
    const { log, onError } = await run(({ after }, log) => {
      after(() => {
        throw new Error('sync')
      })
      after(() => Promise.reject(new Error('async')))
      after(() => void log.push('still'))
    })
    expect(log).toEqual(['answered', 'still'])
    expect(onError.mock.calls.map(([error, info]) => [error.message, info.phase, info.pattern])).toEqual([
      ['sync', 'after', '/[[...all]]'],
      ['async', 'after', '/[[...all]]'],
    ])
  })

  it('may be called by middleware, of the router too, where no route matched', async () => {
    const work = vi.fn()
    const layer = middleware((_request, { after }, next) => {
      after(work)
      return next()
    })
    const app = router({}, { use: [layer] })
    expect((await app.fetch(at('/'))).status).toBe(404)
    await app.settled()
    expect(work).toHaveBeenCalledTimes(1)
  })

  it("holds the host by one promise for all of a request's work", async () => {
    const kept: Promise<unknown>[] = []
    const log: string[] = []
    const it = route('/').get((_request, { after }) => {
      after(() => void log.push('a'))
      after(() => void log.push('b'))
    })
    await router({ it }).fetch(at('/'), {}, { waitUntil: (promise: Promise<unknown>) => kept.push(promise) })
    expect(kept).toHaveLength(1)
    await kept[0]
    expect(log).toEqual(['a', 'b'])
  })

  it("runs for a route's own function", async () => {
    const work = vi.fn()
    const kept: Promise<unknown>[] = []
    const it = route('/').get((_request, { after }) => after(work))
    await it.GET(at('/'), { waitUntil: (promise) => kept.push(promise) })
    expect(work).not.toHaveBeenCalled()
    await Promise.all(kept)
    expect(work).toHaveBeenCalledTimes(1)
  })
})

describe('settled', () => {
  it('resolves at once when nothing is under way', async () => {
    await expect(router({}).settled()).resolves.toBe(undefined)
  })

  it('waits for every waitUntil and after, of all requests, and for what they begin', async () => {
    const log: string[] = []
    const it = route('/[id]').get((_request, { params, waitUntil, after }) => {
      after(async () => {
        await sleep(5)
        log.push(`after ${params.id}`)
        waitUntil(sleep(5).then(() => log.push(`begun ${params.id}`)))
      })
      waitUntil(sleep(1).then(() => log.push(`waited ${params.id}`)))
      waitUntil(Promise.reject(new Error('ignored')))
    })
    const app = router({ it }, { onError: () => {} })
    await Promise.all([app.fetch(at('/a')), app.fetch(at('/b'))])
    await app.settled()
    expect(log.toSorted?.() ?? [...log].sort()).toEqual([
      'after a',
      'after b',
      'begun a',
      'begun b',
      'waited a',
      'waited b',
    ])
  })
})
