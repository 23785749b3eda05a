import { afterEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { middleware, rewrites, route, router, type RouteContext, type RouterOptions } from '../src/index.js'
import * as reply from '../src/replies/index.js'

afterEach(() => void vi.restoreAllMocks())

const at = (path: string, init?: RequestInit): Request => new Request(`http://test${path}`, init)
type Any = RouteContext<'/[[...all]]'>

/** Sends one request to a handler, and returns the result of `look`. */
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

  it('parses the URL once for middleware and the handler', async () => {
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

  it('can be destructured', async () => {
    const work = vi.fn()
    await see(({ params, url, pattern, signal, env, ip, waitUntil, after }) => {
      waitUntil(Promise.resolve())
      after(work)
      return [params, url, pattern, signal, env, ip]
    })
    await sleep(5)
    expect(work).toHaveBeenCalledTimes(1)
  })

  it('has params without a prototype, and without params that were not captured', async () => {
    const seen = await see(({ params }) => [Object.keys(params), 'toString' in params, '__proto__' in params])
    expect(seen).toEqual([[], false, false])
  })

  it('has the signal of the request', async () => {
    const controller = new AbortController()
    const request = at('/', { signal: controller.signal })
    const signal = await see(({ signal }) => signal, [], request)
    expect(signal).toBe(request.signal)
    controller.abort('gone')
    expect([signal.aborted, signal.reason]).toEqual([true, 'gone'])
  })

  it('has the declared inputs as its only own enumerable properties', async () => {
    const it = route('/').get({ query: z.object({ a: z.string() }) }, (_request, context) => Object.keys(context))
    expect(await (await router({ it }).fetch(at('/?a=b'))).json()).toEqual(['query'])
  })
})

describe('the arguments of a host', () => {
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

  it('are env and an execution context on Workers, in any order', async () => {
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

  it('are the server on Bun, which has the IP address', async () => {
    const server = {
      address: '10.0.0.1',
      requestIP(this: { address: string }, request: Request) {
        return request instanceof Request ? { address: this.address, family: 'IPv4', port: 1 } : null
      },
    }
    expect(await see(({ env, ip }) => [ip, env === process.env], [server])).toEqual(['10.0.0.1', true])
    expect(await see(({ ip }) => ip, [{ requestIP: () => null }])).toBe(undefined)
  })

  it('are the info on Deno', async () => {
    const info = { remoteAddr: { transport: 'tcp', hostname: '10.0.0.2', port: 1 }, completed: Promise.resolve() }
    expect(await see(({ env, ip }) => [ip, env === process.env], [info])).toEqual(['10.0.0.2', true])
  })

  it('are the event in a service worker', async () => {
    const event = Object.assign(executionContext(), { request: at('/') })
    expect(await see(({ env, after }) => (after(() => {}), env === process.env), [event])).toBe(true)
    expect(event.kept).toHaveLength(1)
  })

  it('are the messages of Node.js with @hono/node-server, also through mount() of Hono', async () => {
    const bindings = { incoming: { socket: { remoteAddress: '10.0.0.4' } }, outgoing: {} }
    for (const host of [[bindings], [bindings, undefined]])
      expect(await see(({ env, ip }) => [ip, env === process.env], host)).toEqual(['10.0.0.4', true])
  })

  it('are the context on Netlify, which has the IP address', async () => {
    const context = Object.assign(executionContext(), { ip: '10.0.0.5', params: {}, site: {}, geo: {}, next() {} })
    const seen = await see(
      ({ env, ip, waitUntil }) => (waitUntil(Promise.resolve()), [ip, env === process.env]),
      [context],
    )
    expect([seen, context.kept.length]).toEqual([['10.0.0.5', true], 1])
  })

  it('are the params of a catch-all route in Next.js, which are not used', async () => {
    for (const params of [Promise.resolve({ path: ['a'] }), { path: ['a'] }])
      expect(await see(({ env, ip }) => [ip, env === process.env], [{ params }])).toEqual([undefined, true])
  })

  it('can be an env with the property names of another host', async () => {
    for (const env of [
      { params: 1, DB: 2 },
      { incoming: 'queue' },
      { ip: '1' },
      { outgoing: {} },
      { DB: 1, waitUntil: 'text' },
    ])
      expect(await see(({ env, ip }) => [env, ip], [env, executionContext()])).toEqual([env, undefined])
  })

  it('are properties of the request with srvx', async () => {
    const kept: unknown[] = []
    const request = Object.assign(at('/'), { ip: '10.0.0.3', waitUntil: (promise: unknown) => void kept.push(promise) })
    const seen = await see(({ ip, waitUntil }) => (waitUntil(Promise.resolve()), ip), [], request)
    expect(seen).toBe('10.0.0.3')
    expect(kept).toHaveLength(1)
  })

  it('are absent on other hosts: env is process.env, and ip is undefined', async () => {
    for (const host of [[], [undefined], [null], [undefined, null]])
      expect(await see(({ env, ip }) => [env === process.env, ip], host)).toEqual([true, undefined])
  })

  it('are ignored if they are the index and array of requests.map()', async () => {
    const seen: unknown[] = []
    const app = router({ it: route('/').get((_request, { env }) => void seen.push(typeof env)) })
    await Promise.all([at('/'), at('/')].map((request, index) => app.fetch(request, index)))
    expect(seen).toEqual(['object', 'object'])
  })

  it('can have an empty env', async () => {
    const env = {}
    expect(await see(({ env }) => env, [env, executionContext()])).toBe(env)
  })
})

describe('waitUntil()', () => {
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

  it('accepts any thenable', async () => {
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

  it('does not delay the response', async () => {
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

describe('after()', () => {
  const run = async (handler: (context: Any, log: string[]) => unknown, options: RouterOptions = {}) => {
    const log: string[] = []
    const onError = vi.fn()
    const it = route('/[[...all]]').get((_request, context) => handler(context, log) as never)
    const app = router({ it }, { onError, ...options })
    const response = await app.fetch(at('/'))
    log.push('responded')
    await app.settled()
    return { log, onError, response }
  }

  it('runs work after the response, in the order of the calls, one at a time', async () => {
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
    expect(log).toEqual(['handler', 'responded', 'one', 'one ends', 'two'])
  })

  it('runs work after the response of an asynchronous handler too', async () => {
    const { log } = await run(async ({ after }, log) => {
      after(() => void log.push('after'))
      await sleep(5)
      log.push('handler')
    })
    expect(log).toEqual(['handler', 'responded', 'after'])
  })

  it('runs work that other work or waitUntil() adds later', async () => {
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
    expect(log).toEqual(['responded', 'one', 'two', 'inner', 'innermost', 'late'])
  })

  it('runs work after errors and thrown Responses', async () => {
    for (const fail of [() => Promise.reject(new Error('x')), () => Promise.reject(new Response())]) {
      const { log } = await run(({ after }, log) => {
        after(() => void log.push('after'))
        return fail()
      })
      expect(log).toEqual(['responded', 'after'])
    }
  })

  it('reports each error, and continues', async () => {
    const { log, onError } = await run(({ after }, log) => {
      after(() => {
        throw new Error('sync')
      })
      after(() => Promise.reject(new Error('async')))
      after(() => void log.push('still'))
    })
    expect(log).toEqual(['responded', 'still'])
    expect(onError.mock.calls.map(([error, info]) => [error.message, info.phase, info.pattern])).toEqual([
      ['sync', 'after', '/[[...all]]'],
      ['async', 'after', '/[[...all]]'],
    ])
  })

  it('can be called by the router’s middleware if no route matched', async () => {
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

  it('keeps the host alive by one promise for all work of a request', async () => {
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

  it("runs work of a route's own function through its waitUntil", async () => {
    const work = vi.fn()
    const kept: Promise<unknown>[] = []
    const it = route('/').get((_request, { after }) => after(work))
    await it.GET(at('/'), { waitUntil: (promise) => kept.push(promise) })
    expect(work).not.toHaveBeenCalled()
    await Promise.all(kept)
    expect(work).toHaveBeenCalledTimes(1)
  })
})

describe('settled()', () => {
  it('resolves immediately if nothing is in progress', async () => {
    await expect(router({}).settled()).resolves.toBe(undefined)
  })

  it('waits for all waitUntil() and after() of all requests, and for those that they add', async () => {
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

describe('after(promise)', () => {
  it('is awaited by settled(), and a rejection is reported to onError', async () => {
    const error = new Error('late')
    const log: string[] = []
    const it = route('/').get((_request, { after }) => {
      after(sleep(5).then(() => log.push('done')))
      after(Promise.reject(error))
    })
    const onError = vi.fn()
    const app = router({ it }, { onError })
    expect((await app.fetch(at('/'))).status).toBe(204)
    expect(log).toEqual([])
    await app.settled()
    expect(log).toEqual(['done'])
    expect(onError.mock.calls).toMatchObject([[error, { phase: 'after', pattern: '/' }]])
  })
})

describe('context.app', () => {
  it('has the routes, middleware, rewrites, basePath and problems of the router', async () => {
    const layer = middleware((_request, _context, next) => next())
    const rules = [{ source: '/old', destination: '/items/a' }] as const
    const item = route('/items/[slug]').get((_request, { app }) => ({
      routes: app.routes.map(({ route, names }) => [route.pattern, names, [...route.operations.keys()]]),
      uses: app.use.includes(layer),
      rewrites: app.rewrites,
      basePath: app.basePath,
      problems: app.problems === undefined,
    }))
    const app = router({ group: { item } }, { use: [layer], basePath: '/api', rewrites: rewrites(rules) })
    expect(await (await app.fetch(at('/api/items/a'))).json()).toEqual({
      routes: [['/items/[slug]', ['group', 'item'], ['GET']]],
      uses: true,
      rewrites: rules,
      basePath: '/api',
      problems: true,
    })
  })

  it("has the route of a route's own function", async () => {
    const item = route('/a').get((_request, { app }) => app.routes.map(({ route }) => route.pattern))
    expect(await (await item.GET(at('/a'))).json()).toEqual(['/a'])
  })
})

describe('context.app.dispatch()', () => {
  const override = middleware(async (request, { app }, next) => {
    const method = request.headers.get('x-method')
    return method ? app.dispatch(new Request(request, { method, headers: {} })) : next()
  })

  it('runs the route that another method or URL matches, without the router’s use', async () => {
    const log: string[] = []
    const outer = middleware((_request, { pattern }, next) => {
      log.push(`use ${pattern}`)
      return next()
    })
    const guard = middleware((request, { pattern }, next) => {
      log.push(`guard ${pattern}`)
      return next({ method: request.method })
    })
    const item = route
      .use(guard)('/items/[id]')
      .get(() => 'got')
      .delete((_request, { params, method, pattern }) => [method, params.id, pattern])
    const app = router({ item }, { use: [outer, override] })
    const response = await app.fetch(at('/items/7', { method: 'POST', headers: { 'x-method': 'DELETE' } }))
    expect(await response.json()).toEqual(['DELETE', '7', '/items/[id]'])
    expect(log).toEqual(['use /items/[id]', 'guard /items/[id]'])
  })

  it('runs the guards of the destination, its validation, and its 404 and 405', async () => {
    const secret = route('/secret')
      .use(middleware((request, _context, next) => (request.headers.has('x-key') ? next() : reply.unauthorized())))
      .get(() => 'secret')
    const list = route('/list').get(
      { query: z.object({ page: z.coerce.number() }) },
      (_request, { query }) => query.page,
    )
    const go = route('/go').get((request, { url, app }) =>
      app.dispatch(new Request(new URL(url.searchParams.get('to')!, url), { headers: request.headers })),
    )
    const app = router({ secret, list, go }, { basePath: '/api' })
    const get = async (to: string, headers: HeadersInit = {}) =>
      app.fetch(at(`/api/go?to=${encodeURIComponent(to)}`, { headers }))
    expect((await get('/api/secret')).status).toBe(401)
    expect(await (await get('/api/secret', { 'x-key': '1' })).json()).toBe('secret')
    expect(await (await get('/api/list?page=2')).json()).toBe(2)
    expect((await get('/api/list?page=x')).status).toBe(400)
    expect((await get('/api/nowhere')).status).toBe(404)
    expect((await get('/secret')).status).toBe(404)
    expect((await get('/api/%zz')).status).toBe(400)
  })

  it('throws if it is called twice for one request, also by the destination', async () => {
    const onError = vi.fn()
    const twice = route('/twice').get(async (_request, { app }) => {
      await app.dispatch(at('/end'))
      return app.dispatch(at('/end'))
    })
    const loop = route('/loop').get((request, { app }) => app.dispatch(request))
    const end = route('/end').get(() => 'end')
    const app = router({ twice, loop, end }, { onError })
    for (const path of ['/twice', '/loop']) {
      onError.mockClear()
      expect([path, (await app.fetch(at(path))).status]).toEqual([path, 500])
      expect(onError.mock.calls).toMatchObject([
        [new Error('context.app.dispatch() was called twice'), { pattern: path }],
      ])
    }
  })

  it('shares after() and waitUntil() with the request that it came from', async () => {
    const log: string[] = []
    const end = route('/end').get((_request, { after, waitUntil }) => {
      after(() => void log.push('after'))
      waitUntil(sleep(1).then(() => log.push('waited')))
      return 'end'
    })
    const go = route('/go').get((_request, { app }) => app.dispatch(at('/end')))
    const app = router({ end, go })
    const response = await app.fetch(at('/go'))
    log.push('responded')
    expect(await response.json()).toBe('end')
    await app.settled()
    expect(log[0]).toBe('responded')
    expect([...log].sort()).toEqual(['after', 'responded', 'waited'])
  })

  it('reports an error of the destination once', async () => {
    const error = new Error('broken')
    const onError = vi.fn()
    const broken = route('/broken').get((): string => {
      throw error
    })
    const go = route('/go').get((_request, { app }) => app.dispatch(at('/broken')))
    expect((await router({ broken, go }, { onError }).fetch(at('/go'))).status).toBe(500)
    expect(onError.mock.calls.map(([error]) => error as unknown)).toEqual([error])
  })

  it('reports the error of a stream of the destination', async () => {
    const error = new Error('half way')
    const onError = vi.fn()
    const items = route('/items').get(() =>
      reply.ndjson(
        (async function* () {
          yield 1
          throw error
        })(),
      ),
    )
    const go = route('/go').get((_request, { app }) => app.dispatch(at('/items')))
    const response = await router({ items, go }, { onError }).fetch(at('/go'))
    await expect(response.text()).rejects.toBe(error)
    expect(onError.mock.calls).toMatchObject([[error, { phase: 'stream' }]])
  })
})
