import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { type AnyContext, errorOf, middleware, route, router, type RouterOptions, text } from '../src/index.js'
import type { AnyMiddleware, Continued } from '../src/types.js'
import * as reply from '../src/replies/index.js'

const at = (path: string, init?: RequestInit): Request => new Request(`http://test${path}`, init)

/** A router with a spy as `onError`. */
function watch(routes: object, options: RouterOptions = {}) {
  const onError = vi.fn()
  const app = router(routes, { onError, ...options })
  return { onError, fetch: async (path: string, init?: RequestInit) => app.fetch(at(path, init)) }
}

/** A middleware that logs its name on the way in and out. */
const trace = (log: string[], name: string) =>
  middleware(async (_request, _context, next) => {
    log.push(name)
    const response = await next()
    log.push(`/${name}`)
    return response
  })

describe('the order of middleware', () => {
  it('is router, factory, route and handler, and back in reverse', async () => {
    const log: string[] = []
    const it = route
      .use(trace(log, 'factory'))
      .prefix('/v1')
      .use(trace(log, 'inner factory'))('/a')
      .use(trace(log, 'route'))
      .get(() => void log.push('handler'))
    const { fetch } = watch({ it }, { use: [trace(log, 'router'), trace(log, 'second')] })
    await fetch('/v1/a')
    expect(log).toEqual(
      'router,second,factory,inner factory,route,handler,/route,/inner factory,/factory,/second,/router'.split(','),
    )
  })

  it('does not include middleware that .use() adds after the operation', async () => {
    const log: string[] = []
    const it = route('/')
      .get(() => {})
      .use(trace(log, 'a'))
      .post(() => {})
      .use(trace(log, 'b'))
      .delete(() => {})
    const { fetch } = watch({ it })
    for (const [method, passed] of [
      ['GET', []],
      ['POST', ['a', '/a']],
      ['DELETE', ['a', 'b', '/b', '/a']],
    ] as const) {
      log.length = 0
      await fetch('/', { method })
      expect(log).toEqual(passed)
    }
  })

  it('runs validation after all middleware, so that a 401 comes before a 400', async () => {
    const guard = middleware((request, _context, next) =>
      request.headers.has('authorization') ? next({ user: 'ada' }) : reply.unauthorized(),
    )
    const it = route('/')
      .use(guard)
      .post(
        { query: z.object({ page: z.coerce.number() }), headers: z.object({ 'x-a': z.string() }), body: z.number() },
        () => 'in',
      )
    const { fetch } = watch({ it })
    const wrong = { method: 'POST', body: '<', headers: { 'content-type': 'text/xml' } }
    expect((await fetch('/?page=x', wrong)).status).toBe(401)
    expect((await fetch('/?page=x', { ...wrong, headers: { authorization: 'x' } })).status).toBe(400)
  })

  it('returns the 400 for invalid input to middleware', async () => {
    const statuses: number[] = []
    const look = middleware(async (_request, _context, next) => {
      const response = await next()
      statuses.push(response.status)
      return response
    })
    const it = route('/')
      .use(look)
      .get({ query: z.object({ page: z.coerce.number() }) }, () => 1)
    const { fetch, onError } = watch({ it })
    await fetch('/?page=x')
    expect(statuses).toEqual([400])
    expect(onError).not.toHaveBeenCalled()
  })
})

describe('a middleware', () => {
  it('can return an early response, and the handler does not run', async () => {
    const handler = vi.fn()
    const own = reply.forbidden()
    for (const layer of [() => own, async () => own] as (() => typeof own)[]) {
      const { fetch } = watch({ it: route('/').use(middleware(layer)).get(handler) })
      expect(await fetch('/')).toBe(own)
    }
    expect(handler).not.toHaveBeenCalled()
  })

  it('can throw a Response', async () => {
    const own = reply.forbidden()
    const sync = middleware((): Response => {
      throw own
    })
    const late = middleware(async (_request, _context, next) => {
      await next()
      throw own
    })
    for (const layer of [sync, late] as AnyMiddleware[]) {
      const { fetch, onError } = watch({
        it: route('/')
          .use(layer)
          .get(() => 1),
      })
      expect(await fetch('/')).toBe(own)
      expect(onError).not.toHaveBeenCalled()
    }
  })

  it('sends the Response of next() as the same object', async () => {
    const response = new Response('a')
    const layers: AnyMiddleware[] = [
      middleware((_request, _context, next) => next()),
      middleware(async (_request, _context, next) => next()),
      middleware(async (_request, _context, next) => await next({ a: 1 })),
    ]
    for (const layer of layers) {
      const { fetch } = watch({
        it: route('/')
          .use(layer)
          .get(() => response),
      })
      expect(await fetch('/')).toBe(response)
    }
  })

  it('can return another Response, or change the headers of the inner one', async () => {
    const upper = middleware(async (_request, _context, next) => {
      const response = await next()
      return new Response((await response.text()).toUpperCase(), response)
    })
    const mark = middleware(async (_request, _context, next) => {
      const response = await next()
      response.headers.set('x-mark', 'yes')
      return response
    })
    const { fetch } = watch({
      it: route('/')
        .use(mark)
        .use(upper)
        .get(() => reply.text('abc')),
    })
    const response = await fetch('/')
    expect([await response.text(), response.headers.get('x-mark')]).toEqual(['ABC', 'yes'])
    expect(response.headers.get('content-type')).toBe('text/plain;charset=UTF-8')
  })

  it('causes a 500 with a helpful error if it returns undefined or another value', async () => {
    for (const [value, message] of [
      [undefined, /returned undefined instead of a Response; return next\(\)/],
      [null, /returned object instead of a Response/],
      ['text', /returned string instead of a Response/],
      [{ status: 200 }, /returned object instead of a Response/],
    ] as const)
      for (const layer of [
        () => value,
        async () => value,
        async (_r: unknown, _c: unknown, next: any) => (await next(), value),
      ]) {
        const { fetch, onError } = watch({
          it: route('/')
            .use(layer as never)
            .get(() => 1),
        })
        expect((await fetch('/')).status).toBe(500)
        expect(onError).toHaveBeenCalledTimes(1)
        expect(onError.mock.calls[0]![0].message).toMatch(message)
        expect(onError.mock.calls[0]![1].phase).toBe('middleware')
      }
  })

  it('receives a 500 Response if the handler throws', async () => {
    const error = new Error('inside')
    const seen: unknown[] = []
    const layer = middleware(async (_request, _context, next) => {
      const response = await next()
      seen.push([response.status, errorOf(response)])
      return response
    })
    const { fetch, onError } = watch({
      it: route('/')
        .use(layer)
        .get(() => {
          throw error
        }),
    })
    await fetch('/')
    expect(seen).toEqual([[500, error]])
    expect(onError).toHaveBeenCalledTimes(1)
  })

  it('receives a 500 Response if an inner middleware throws', async () => {
    const error = new Error('layer')
    const seen: unknown[] = []
    const outer = middleware(async (_request, _context, next) => {
      const response = await next()
      seen.push(errorOf(response))
      return response
    })
    for (const inner of [
      () => {
        throw error
      },
      async () => Promise.reject(error),
    ]) {
      const { fetch, onError } = watch({
        it: route('/')
          .use(outer)
          .use(inner as never)
          .get(() => 1),
      })
      await fetch('/')
      expect(onError.mock.calls).toEqual([[error, expect.objectContaining({ phase: 'middleware', pattern: '/' })]])
    }
    expect(seen).toEqual([error, error])
  })
})

describe('next()', () => {
  it('throws when it is called twice, and the handler runs once', async () => {
    const handler = vi.fn(() => 1)
    const twice = middleware(async (_request, _context, next) => {
      await next()
      return next()
    })
    const { fetch, onError } = watch({ it: route('/').use(twice).get(handler) })
    expect((await fetch('/')).status).toBe(500)
    expect(handler).toHaveBeenCalledTimes(1)
    expect(onError.mock.calls[0]![0].message).toMatch(/next\(\) was called twice/)
  })

  it('can be called once in each of many concurrent requests', async () => {
    const { fetch } = watch({
      it: route('/')
        .use((_request, _context, next) => next())
        .get(() => 1),
    })
    const responses = await Promise.all([fetch('/'), fetch('/'), fetch('/')])
    expect(responses.map(({ status }) => status)).toEqual([200, 200, 200])
  })

  it('returns a promise even if the rest of the chain is synchronous', async () => {
    let given: unknown
    const layer = middleware((_request, _context, next) => (given = next()) as ReturnType<typeof next<{}>>)
    await watch({
      it: route('/')
        .use(layer)
        .get(() => 1),
    }).fetch('/')
    expect(given).toBeInstanceOf(Promise)
  })

  it('can run in the background of an early response', async () => {
    let inner = false
    const layer = middleware((_request, _context, next) => {
      void next()
      return reply.text('early')
    })
    const { fetch } = watch({
      it: route('/')
        .use(layer)
        .get(async () => {
          await Promise.resolve()
          inner = true
          throw new Error('late')
        }),
    })
    expect(await (await fetch('/')).text()).toBe('early')
    await new Promise((resolve) => setTimeout(resolve))
    expect(inner).toBe(true)
  })
})

describe('the context values of next()', () => {
  it('are in the context of inner middleware and the handler, the innermost value first', async () => {
    const seen: unknown[] = []
    const it = route('/[id]')
      .use(middleware((_request, _context, next) => next({ a: 1, b: 1 })))
      .use((_request, { a, b }, next) => {
        seen.push([a, b])
        return next({ b: 2 })
      })
      .get((_request, { a, b, params, url }) => [a, b, params.id, url.pathname])
    expect(await (await watch({ it }).fetch('/x')).json()).toEqual([1, 2, 'x', '/x'])
    expect(seen).toEqual([[1, 1]])
  })

  it('are not in the context of outer middleware or other operations', async () => {
    const outside: string[][] = []
    const look = middleware(async (_request, context, next) => {
      const response = await next()
      outside.push(Object.keys(context))
      return response
    })
    const session = middleware((_request, _context, next) => next({ user: 'ada' }))
    const base = route('/').use(look)
    const it = base
      .get((_request, context) => 'user' in context)
      .use(session)
      .post((_request, { user }) => user)
    const { fetch } = watch({ it })
    expect(await (await fetch('/', { method: 'POST' })).json()).toBe('ada')
    expect(await (await fetch('/')).json()).toBe(false)
    expect(outside).toEqual([[], []])
  })

  it('belong to one request', async () => {
    let count = 0
    const it = route('/')
      .use(middleware((_request, _context, next) => next({ count: ++count })))
      .get(async (_request, { count }) => {
        await new Promise((resolve) => setTimeout(resolve))
        return count
      })
    const { fetch } = watch({ it })
    const responses = await Promise.all([fetch('/'), fetch('/')])
    expect(await Promise.all(responses.map((response) => response.json()))).toEqual([1, 2])
  })

  it('can have any name that is not a property of the context', async () => {
    for (const name of ['with', 'constructor', 'toString', 'then', 'exchange', 'valueOf', 'get', 'user']) {
      const it = route('/')
        .use(middleware((_request, _context, next) => next({ [name]: 'first' })))
        .use(middleware((_request, _context, next) => next({ more: 'second' })))
        .get({ query: z.object({}) }, (_request, context) => [
          (context as Record<string, unknown>)[name] as string,
          context.more,
        ])
      const { fetch, onError } = watch({ it })
      expect([name, await (await fetch('/')).json()]).toEqual([name, ['first', 'second']])
      expect(onError).not.toHaveBeenCalled()
    }
  })

  it('cannot replace a property of the context, and the error names it', async () => {
    for (const name of ['params', 'url', 'pattern', 'signal', 'env', 'ip', 'app', 'waitUntil', 'after', 'report']) {
      const it = route('/')
        .use(((_request: Request, _context: object, next: any) => next({ [name]: 'mine' })) as AnyMiddleware)
        .get(() => 1)
      const { fetch, onError } = watch({ it })
      expect([name, (await fetch('/')).status]).toEqual([name, 500])
      expect(onError.mock.calls[0]![0].message).toMatch(new RegExp(`next\\(.*\\b${name}\\b`, 's'))
    }
  })

  it('satisfy the context type that an inner middleware declares', async () => {
    const greet = middleware(async (_request, context: AnyContext & { user: string }, next) =>
      next({ greeting: `hello ${context.user}` }),
    )
    const it = route
      .use(middleware((_request, _context, next) => next({ user: 'ada' })))
      .use(greet)('/')
      .get((_request, { greeting }) => greeting)
    expect(await (await watch({ it }).fetch('/')).json()).toBe('hello ada')
  })
})

describe('errorOf()', () => {
  class NoSuchRow extends Error {}

  it('lets middleware map an error, which is then not reported', async () => {
    const rows = middleware(async (_request, _context, next) => {
      const response = await next()
      return errorOf(response) instanceof NoSuchRow ? reply.notFound() : response
    })
    const it = route
      .use(rows)('/[id]')
      .get((_request, { params }) => {
        throw params.id === 'row' ? new NoSuchRow() : new TypeError('else')
      })
    const { fetch, onError } = watch({ it })
    expect((await fetch('/row')).status).toBe(404)
    expect(onError).not.toHaveBeenCalled()
    expect((await fetch('/else')).status).toBe(500)
    expect(onError).toHaveBeenCalledTimes(1)
  })

  it('returns undefined for every other Response', async () => {
    expect(errorOf(reply.problem(500))).toBe(undefined)
    expect(errorOf(new Response(null, { status: 500 }))).toBe(undefined)
  })

  it('returns the error of an invalid response, and of a validator that throws', async () => {
    const seen: unknown[] = []
    const look = middleware(async (_request, _context, next) => {
      const response = await next()
      seen.push(errorOf(response))
      return response
    })
    const boom = new Error('boom')
    const broken = z.any().transform(() => {
      throw boom
    })
    const it = route
      .use(look)('/')
      .get({ response: z.object({ a: z.string() }) }, () => ({ a: 1 }) as never)
      .post({ body: broken }, () => 1)
    const { fetch, onError } = watch({ it })
    expect((await fetch('/')).status).toBe(500)
    const posted = await fetch('/', { method: 'POST', body: '1', headers: { 'content-type': 'application/json' } })
    expect(posted.status).toBe(400)
    expect(seen[0]).toMatchObject({ name: 'ResponseError' })
    expect(seen[1]).toBe(boom)
    expect(onError.mock.calls.map(([, { phase }]) => phase)).toEqual(['response', 'input'])
  })

  it('reports an error once if each middleware throws it again', async () => {
    const again = middleware(async (_request, _context, next) => {
      const response = await next()
      const error = errorOf(response)
      if (error) throw error
      return response
    })
    const error = new Error('once')
    const it = route
      .use(again)
      .use(again)('/')
      .get(() => {
        throw error
      })
    const { fetch, onError } = watch({ it }, { use: [again] })
    await fetch('/')
    expect(onError.mock.calls.map(([error]) => error)).toEqual([error])
  })
})

describe('automatic OPTIONS and 405', () => {
  const seen: string[] = []
  const cors = middleware(async (request, _context, next) => {
    seen.push(request.method)
    if (request.method === 'OPTIONS' && request.headers.has('access-control-request-method'))
      return new Response(null, { status: 204, headers: { 'access-control-allow-origin': 'https://a.example' } })
    const response = await next()
    response.headers.set('access-control-allow-origin', 'https://a.example')
    return response
  })
  const guard = middleware((request, _context, next) =>
    request.headers.has('authorization') ? next() : reply.unauthorized(),
  )

  it('run after the middleware of the route, so that cors() handles its preflight', async () => {
    const { fetch } = watch({
      it: route('/')
        .use(cors)
        .put(() => 1),
    })
    seen.length = 0
    const preflight = await fetch('/', { method: 'OPTIONS', headers: { 'access-control-request-method': 'PUT' } })
    expect(seen).toEqual(['OPTIONS'])
    expect(preflight.headers.get('access-control-allow-origin')).toBe('https://a.example')
    const wrong = await fetch('/', { method: 'DELETE' })
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'PUT, OPTIONS'])
    expect(wrong.headers.get('access-control-allow-origin')).toBe('https://a.example')
  })

  it('run after a guard, so that Allow is hidden, and after an outer cors()', async () => {
    const { fetch } = watch({
      it: route
        .use(cors)
        .use(guard)('/')
        .get(() => 1),
    })
    for (const method of ['OPTIONS', 'POST']) {
      const refused = await fetch('/', { method })
      expect([refused.status, refused.headers.get('allow')]).toEqual([401, null])
      const passed = await fetch('/', { method, headers: { authorization: 'x' } })
      expect(passed.headers.get('allow')).toBe('GET, HEAD, OPTIONS')
    }
    const preflight = await fetch('/', { method: 'OPTIONS', headers: { 'access-control-request-method': 'GET' } })
    expect(preflight.status).toBe(204)
  })

  it('run only the middleware that all operations share', async () => {
    const log: string[] = []
    const it = route('/')
      .use(trace(log, 'shared'))
      .get(() => 1)
      .use(trace(log, 'late'))
      .post(() => 1)
    const { fetch } = watch({ it })
    for (const method of ['OPTIONS', 'DELETE']) {
      log.length = 0
      await fetch('/', { method })
      expect(log).toEqual(['shared', '/shared'])
    }
  })

  it('do not replace a declared OPTIONS', async () => {
    const { fetch } = watch({
      it: route('/')
        .get(() => 1)
        .options(() => reply.text('mine')),
    })
    expect(await (await fetch('/', { method: 'OPTIONS' })).text()).toBe('mine')
  })
})

describe("the router's middleware", () => {
  const seen: unknown[] = []
  const mark = middleware(async (_request, { pattern, params }, next) => {
    const response = await next()
    response.headers.set('x-mark', 'yes')
    seen.push([response.status, pattern, params])
    return response
  })

  it('wraps every response that byway creates', async () => {
    const routes = {
      it: route('/a')
        .get(() => 1)
        .post({ body: z.string() }, () => 1)
        .put(() => {
          throw new Error('x')
        }),
      number: route('/n/[id]', { params: z.object({ id: z.coerce.number() }) }).get(() => 1),
    }
    const { fetch } = watch(routes, { use: [mark] })
    seen.length = 0
    for (const [status, method, path] of [
      [200, 'GET', '/a'],
      [204, 'OPTIONS', '/a'],
      [405, 'DELETE', '/a'],
      [415, 'POST', '/a'],
      [500, 'PUT', '/a'],
      [308, 'GET', '/a/'],
      [404, 'GET', '/b'],
      [404, 'GET', '/n/x'],
      [400, 'GET', '/%zz'],
    ] as const) {
      const response = await fetch(path, { method, ...(method === 'POST' && { body: 'x' }) })
      expect([path, method, response.status, response.headers.get('x-mark')]).toEqual([path, method, status, 'yes'])
    }
    expect(seen.at(-3)).toEqual([404, undefined, {}])
  })

  it('receives the parsed params, and no route if the params do not match', async () => {
    const before: unknown[] = []
    const after: unknown[] = []
    const look = middleware(async (_request, context, next) => {
      before.push([context.pattern, { ...context.params }])
      const response = await next()
      after.push([response.status, context.pattern, { ...context.params }])
      return response
    })
    const { fetch } = watch(
      { number: route('/n/[id]', { params: z.object({ id: z.coerce.number() }) }).get(() => 1) },
      { use: [look] },
    )
    await fetch('/n/x')
    await fetch('/n/7')
    expect(before).toEqual([
      [undefined, {}],
      ['/n/[id]', { id: 7 }],
    ])
    // The params and the pattern never change during a request.
    expect(after).toEqual([
      [404, undefined, {}],
      [200, '/n/[id]', { id: 7 }],
    ])
  })

  it('wraps the 500 of a params schema that throws', async () => {
    const broken = z.object({
      id: z.string().transform((): string => {
        throw new Error('boom')
      }),
    })
    const { fetch, onError } = watch({ it: route('/n/[id]', { params: broken }).get(() => 1) }, { use: [mark] })
    const response = await fetch('/n/7')
    expect([response.status, response.headers.get('x-mark')]).toEqual([500, 'yes'])
    expect(onError.mock.calls).toMatchObject([[new Error('boom'), { phase: 'input', pattern: '/n/[id]' }]])
  })

  it('can return an early response, and add to the context of all routes', async () => {
    const handler = vi.fn((_request: Request, context: object) => (context as { user?: string }).user)
    const routes = { it: route('/').get(handler) }
    const closed = watch(routes, { use: [middleware(() => reply.problem(503))] })
    expect((await closed.fetch('/')).status).toBe(503)
    expect((await closed.fetch('/nowhere')).status).toBe(503)
    expect(handler).not.toHaveBeenCalled()
    const open = watch(routes, { use: [middleware((_request, _context, next) => next({ user: 'ada' }))] })
    expect(await (await open.fetch('/')).json()).toBe('ada')
  })
})

describe('errors and onError', () => {
  const error = new Error('broken')
  const broken = route('/').get((): string => {
    throw error
  })
  const withUse = (...use: AnyMiddleware[]) => watch({ broken }, { use })
  const read = middleware(async (_request, _context, next) => {
    const response = await next()
    errorOf(response)
    return response
  })
  const replace = middleware(async (_request, _context, next) => {
    await next()
    return reply.text('replaced')
  })
  const readAndReplace = middleware(async (_request, _context, next) =>
    errorOf(await next()) ? reply.text('replaced') : reply.text('never'),
  )

  it('reports an error that a logger has read and returned', async () => {
    const { fetch, onError } = withUse(read, read)
    expect((await fetch('/')).status).toBe(500)
    expect(onError.mock.calls).toMatchObject([[error, { pattern: '/', phase: 'handler' }]])
  })

  it('reports an error that a middleware replaced without reading it', async () => {
    const { fetch, onError } = withUse(replace)
    expect(await (await fetch('/')).text()).toBe('replaced')
    expect(onError.mock.calls).toMatchObject([[error, { phase: 'handler' }]])
  })

  it('does not report an error that one middleware read and replaced', async () => {
    const { fetch, onError } = withUse(readAndReplace)
    expect(await (await fetch('/')).text()).toBe('replaced')
    expect(onError).not.toHaveBeenCalled()
  })

  it('reports an error that one middleware read and another one replaced', async () => {
    for (const use of [
      [replace, read],
      [replace, read, read],
    ]) {
      const { fetch, onError } = withUse(...use)
      expect(await (await fetch('/')).text()).toBe('replaced')
      expect(onError.mock.calls).toMatchObject([[error, { phase: 'handler' }]])
    }
  })

  it('does not report an error that an outer logger reads after it was handled', async () => {
    const { fetch, onError } = withUse(read, readAndReplace, read)
    await fetch('/')
    expect(onError).not.toHaveBeenCalled()
  })

  it('reports the new error of a middleware that maps one error to another, and not the old one', async () => {
    const mapped = new Error('mapped')
    const map = middleware(async (_request, _context, next) => {
      const response = await next()
      if (errorOf(response) === error) throw mapped
      return response
    })
    const { fetch, onError } = withUse(map)
    expect((await fetch('/')).status).toBe(500)
    expect(onError.mock.calls.map(([error]) => error)).toEqual([mapped])
  })

  it('reports both errors if a middleware throws without reading the first error', async () => {
    const second = new Error('second')
    const fail = middleware(async (_request, _context, next): Promise<Response> => {
      await next()
      throw second
    })
    const { fetch, onError } = withUse(fail)
    await fetch('/')
    expect(onError.mock.calls.map(([error]) => error)).toEqual([error, second])
  })

  it('reports an error once if middleware copies its response', async () => {
    const copy = middleware(async (_request, _context, next) => {
      const response = await next()
      return new Response(response.body, response)
    })
    const { fetch, onError } = withUse(copy)
    expect((await fetch('/')).status).toBe(500)
    expect(onError.mock.calls.map(([error]) => error)).toEqual([error])
  })

  it('never lets one request handle the error of another request', async () => {
    const failures = new Map<string, Error>()
    const it = route('/[id]').get(async (_request, { params }): Promise<string> => {
      await Promise.resolve()
      const failure = new Error(params.id)
      failures.set(params.id, failure)
      throw failure
    })
    const map = middleware(async (_request, { params }, next) => {
      const response = await next()
      return params['id'] === 'a' && errorOf(response) ? reply.notFound() : response
    })
    const { fetch, onError } = watch({ it }, { use: [map] })
    const responses = await Promise.all([fetch('/a'), fetch('/b'), fetch('/a'), fetch('/b')])
    expect(responses.map(({ status }) => status)).toEqual([404, 500, 404, 500])
    expect(onError.mock.calls.map(([error]) => (error as Error).message)).toEqual(['b', 'b'])
  })
})

describe('context.report()', () => {
  it('reports an error without an effect on the response, each time it is called', async () => {
    const error = new Error('noted')
    const it = route('/[id]').get((_request, { report }) => {
      report(error)
      report('a string')
      return 'ok'
    })
    const { fetch, onError } = watch({ it })
    expect(await (await fetch('/7')).json()).toBe('ok')
    expect(onError.mock.calls).toMatchObject([
      [error, { request: expect.any(Request), pattern: '/[id]' }],
      ['a string', { pattern: '/[id]' }],
    ])
  })

  it('has no pattern if no route matched', async () => {
    const note = middleware((_request, { report }, next) => {
      report('noted')
      return next()
    })
    const { fetch, onError } = watch({}, { use: [note] })
    expect((await fetch('/')).status).toBe(404)
    expect(onError.mock.calls).toMatchObject([['noted', { pattern: undefined }]])
  })

  it('prints in the function of a route', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {})
    await route('/')
      .get((_request, { report }) => report('noted'))
      .GET(at('/'))
    expect(log.mock.calls).toEqual([['noted']])
    log.mockRestore()
  })
})

describe('next(added, options)', () => {
  it('passes another request to the rest of the chain, and not to outer middleware', async () => {
    const seen: (string | null)[] = []
    const look = middleware(async (request, _context, next) => {
      const response = await next()
      seen.push(request.headers.get('x-user'))
      return response
    })
    const identify = middleware((request, _context, next) =>
      next({ a: 1 }, { request: new Request(request, { headers: { 'x-user': 'ada' } }) }),
    )
    const it = route
      .use(look)
      .use(identify)
      .use(look)('/')
      .post({ headers: z.object({ 'x-user': z.string() }), body: text() }, (request, { headers, body, a }) => [
        request.headers.get('x-user'),
        headers['x-user'],
        body,
        a,
      ])
    const response = await watch({ it }).fetch('/', { method: 'POST', body: 'sent' })
    expect(await response.json()).toEqual(['ada', 'ada', 'sent', 1])
    expect(seen).toEqual(['ada', null])
  })

  it('passes another signal to the rest of the chain, and not to outer middleware', async () => {
    const controller = new AbortController()
    let outside: AbortSignal | undefined
    const outer = middleware((_request, { signal }, next) => {
      outside = signal
      return next()
    })
    const inner = middleware((_request, _context, next) => next({}, { signal: controller.signal }))
    const it = route
      .use(outer)
      .use(inner)
      .use(middleware((_request, _context, next) => next({ more: 1 })))('/')
      .get((request, { signal }) => [signal === controller.signal, signal === request.signal])
    expect(await (await watch({ it }).fetch('/')).json()).toEqual([true, false])
    expect(outside).not.toBe(controller.signal)
  })

  it('wraps the finished context of each inner middleware and of the handler', async () => {
    const reads: string[] = []
    const views: object[] = []
    const track = middleware((_request, _context, next) =>
      next(
        { secret: 1 },
        {
          view: (context) => {
            views.push(context)
            return new Proxy(context, {
              get: (target, name) => {
                reads.push(String(name))
                return Reflect.get(target, name, target) as unknown
              },
            })
          },
        },
      ),
    )
    const it = route
      .use(track)
      .use((_request, { secret }, next) => next({ twice: secret * 2 }))('/[id]')
      .get({ query: z.object({ q: z.string() }) }, (_request, { params, query, twice, secret }) => [
        params.id,
        query.q,
        twice,
        secret,
      ])
    expect(await (await watch({ it }).fetch('/7?q=x')).json()).toEqual(['7', 'x', 2, 1])
    expect(reads).toEqual(['secret', 'params', 'query', 'twice', 'secret'])
    expect(views).toHaveLength(2)
  })

  it('applies the outer view before the inner view', async () => {
    const order: string[] = []
    const named = (name: string) =>
      middleware((_request, _context, next) => next({}, { view: (context) => (order.push(name), context) }))
    const it = route('/')
      .use(named('outer'))
      .use(named('inner'))
      .get(() => 1)
    await watch({ it }).fetch('/')
    // The inner middleware uses the outer view only.
    expect(order).toEqual(['outer', 'outer', 'inner'])
  })

  describe('with map', () => {
    const add = (name: string) =>
      middleware((_request, _context, next) =>
        next({ [name]: name }, { map: (response) => reply.withHeaders(response, [['x-order', name]]) }),
      )
    const sync = (): any => 'done'
    const late = (): any => Promise.resolve('done')

    it.each([
      ['a synchronous handler', sync],
      ['an asynchronous handler', late],
    ])('changes the response from the innermost to the outermost, for %s', async (_name, handler) => {
      const it = route('/').use(add('outer')).use(add('inner')).get(handler)
      const response = await watch({ it }).fetch('/')
      expect(response.headers.get('x-order')).toBe('inner, outer')
      expect(await response.json()).toBe('done')
    })

    it('is synchronous if the handler is synchronous', () => {
      const it = route('/').use(add('outer')).use(add('inner')).get(sync)
      expect(router({ it }).fetch(at('/'))).toBeInstanceOf(Response)
    })

    it('keeps the added values, and works with a signal and a view', async () => {
      const { signal } = new AbortController()
      const it = route('/')
        .use((_request, _context, next) =>
          next({ user: 'ada' }, { signal, view: (context) => context, map: async (response) => response.clone() }),
        )
        .get((_request, context) => [context.user, context.signal === signal])
      expect(await (await watch({ it }).fetch('/')).json()).toEqual(['ada', true])
    })

    it.each([
      [
        'throws',
        (): Response => {
          throw new Error('no')
        },
      ],
      ['rejects', async (): Promise<Response> => Promise.reject(new Error('no'))],
      ['returns a value that is not a Response', () => 7 as never],
      ['returns a Response whose body was read', async (response: Response) => (await response.text(), response)],
    ])('causes a 500, which outer middleware can handle, if map %s', async (_name, map) => {
      for (const handler of [sync, late]) {
        const it = route('/')
          .use((_request, _context, next) => next(undefined, { map }))
          .get(handler)
        const { fetch, onError } = watch({ it })
        expect((await fetch('/')).status).toBe(500)
        expect(onError.mock.calls).toMatchObject([[expect.any(Error), { pattern: '/', phase: 'middleware' }]])
        const handled = router({
          it: route('/')
            .use(async (_request, _context, next) => {
              const response = await next()
              return errorOf(response) ? reply.json('handled', { status: 502 }) : response
            })
            .use((_request, _context, next) => next(undefined, { map }))
            .get(handler),
        })
        expect((await handled.fetch(at('/'))).status).toBe(502)
      }
    })

    it('receives the error of the handler, and can replace its response', async () => {
      const boom = new Error('no')
      const seen: unknown[] = []
      const it = route('/')
        .use((_request, _context, next) =>
          next(undefined, { map: (response) => (seen.push(errorOf(response)), reply.text('replaced')) }),
        )
        .get((): string => {
          throw boom
        })
      const { fetch, onError } = watch({ it })
      expect(await (await fetch('/')).text()).toBe('replaced')
      expect(seen).toEqual([boom])
      expect(onError).not.toHaveBeenCalled()
    })

    it('can send a Response that map throws', async () => {
      const it = route('/')
        .use((_request, _context, next) =>
          next(undefined, {
            map: () => {
              throw reply.notFound()
            },
          }),
        )
        .get(sync)
      expect((await watch({ it }).fetch('/')).status).toBe(404)
    })
  })

  it('can be called after the middleware has returned', async () => {
    const ran = vi.fn()
    const boom = new Error('late')
    const late: Promise<Response>[] = []
    const refresh = middleware((_request, { waitUntil }, next): Response | Continued<{}> => {
      waitUntil(
        (async () => {
          await new Promise((resolve) => setTimeout(resolve, 5))
          late.push(next({ isLate: true }))
          await late[0]
        })(),
      )
      return reply.text('early')
    })
    const it = route('/[id]')
      .use(refresh)
      .get((_request, context): string => {
        ran(context.params.id, (context as { isLate?: boolean }).isLate)
        if (context.params.id === 'bad') throw boom
        return 'fresh'
      })
    const onError = vi.fn()
    const app = router({ it }, { onError })
    for (const id of ['a', 'bad']) {
      late.length = 0
      expect(await (await app.fetch(at(`/${id}`))).text()).toBe('early')
      expect(ran).not.toHaveBeenCalledWith(id, true)
      await app.settled()
      expect(ran).toHaveBeenCalledWith(id, true)
      expect((await late[0]!).status).toBe(id === 'bad' ? 500 : 200)
    }
    // No middleware can handle an error after the response.
    expect(onError.mock.calls).toMatchObject([[boom, { pattern: '/[id]', phase: 'handler' }]])
  })
})

describe('middleware({ around })', () => {
  it('is built once for each operation, when it is declared', async () => {
    const build = vi.fn()
    const layer = middleware({
      around: (operation) => {
        build(operation.method, operation.pattern, operation.declaration)
        return (_request, _context, next) => next({ method: operation.method })
      },
    })
    const query = z.object({})
    const it = route('/items/[id]')
      .use(layer)
      .get({ query }, (_request, { method }) => method)
      .post((_request, { method }) => method)
    expect(build.mock.calls).toEqual([
      ['GET', '/items/[id]', { query }],
      ['POST', '/items/[id]', {}],
    ])
    const { fetch } = watch({ it })
    for (const method of ['GET', 'POST', 'GET', 'HEAD']) await fetch('/items/1', { method })
    expect(await (await fetch('/items/1', { method: 'POST' })).json()).toBe('POST')
    expect(build).toHaveBeenCalledTimes(2)
  })

  it('does not wrap automatic OPTIONS and 405', async () => {
    const run = vi.fn()
    const layer = middleware({
      around: () => (_request, _context, next) => {
        run()
        return next()
      },
    })
    const { fetch } = watch({
      it: route('/')
        .use(layer)
        .get(() => 1),
    })
    expect((await fetch('/', { method: 'OPTIONS' })).status).toBe(204)
    expect((await fetch('/', { method: 'PUT' })).status).toBe(405)
    expect(run).not.toHaveBeenCalled()
  })

  it('validates the declared query and headers with inputs(), once for each request', async () => {
    const validated: string[] = []
    const watched = (name: string, schema: z.ZodType) => schema.refine(() => validated.push(name) > 0)
    const layer = middleware({
      around:
        ({ inputs }) =>
        async (request, context, next) => {
          const first = await inputs(request, context)
          const second = await inputs(request, context)
          return next({ early: [first, first === second] })
        },
    })
    const it = route('/')
      .use(layer)
      .post(
        {
          query: watched('query', z.object({ n: z.coerce.number() })),
          headers: watched('headers', z.object({ 'x-a': z.string() })),
          body: watched('body', z.number()),
        },
        (_request, context) => (context as unknown as { early: unknown[] }).early as never,
      )
    const { fetch } = watch({ it })
    const headers = { 'x-a': 'b', 'content-type': 'application/json' }
    const response = await fetch('/?n=7', { method: 'POST', body: '1', headers })
    expect(await response.json()).toEqual([{ query: { n: 7 }, headers: { 'x-a': 'b' } }, true])
    expect(validated).toEqual(['query', 'headers', 'body'])
  })

  it('sends the 400 of inputs(), and returns {} for an operation without inputs', async () => {
    const seen: unknown[] = []
    const layer = middleware({
      around:
        ({ inputs }) =>
        async (request, context, next) => {
          seen.push(await inputs(request, context))
          return next()
        },
    })
    const handler = vi.fn(() => 1)
    const it = route('/')
      .use(layer)
      .get({ query: z.object({ n: z.coerce.number() }) }, handler)
      .post(handler)
    const { fetch, onError } = watch({ it })
    const response = await fetch('/?n=x')
    expect([response.status, await response.json()]).toMatchObject([400, { errors: [{ in: 'query', pointer: '/n' }] }])
    expect(handler).not.toHaveBeenCalled()
    expect((await fetch('/', { method: 'POST' })).status).toBe(200)
    expect(seen).toEqual([{}])
    expect(onError).not.toHaveBeenCalled()
  })

  it('throws a RouterError in router({ use }), and a TypeError for other arguments', () => {
    const layer = middleware({ around: () => (_request, _context, next) => next() })
    expect(() => router({}, { use: [layer] })).toThrow(/\{ around \}.*cannot be used in router\(\{ use \}\)/)
    const call = middleware as (...rest: unknown[]) => unknown
    for (const rest of [
      [],
      [{}],
      [{ openapi: {} }],
      [{ around: 1 }],
      [{ arround: () => {} }],
      [null],
      [{ around: () => {} }, () => {}],
    ])
      expect(() => call(...rest)).toThrow(TypeError)
  })
})
