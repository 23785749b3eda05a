import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { errorOf, middleware, problems, route, router } from '../src/index.js'
import * as reply from '../src/replies/index.js'
import { cors, timeout } from '../src/middleware/index.js'

const at = (path: string, init?: RequestInit): Request => new Request(`http://test${path}`, init)
const ErrorBody = z.object({
  error: z.object({ code: z.number(), message: z.string() }),
  fields: z.array(z.string()).optional(),
})

const format = problems({
  schema: ErrorBody,
  statuses: { 400: 422, 418: 400 },
  toBody: ({ status, title, detail }, { issues }) => ({
    error: { code: status, message: detail ?? title ?? 'Error' },
    ...(issues && { fields: issues.map(({ path = [] }) => path.join('.')) }),
  }),
})

const routes = {
  items: route('/items')
    .get({ query: z.object({ page: z.coerce.number(), sort: z.enum(['a', 'b']).default('a') }) }, () => [])
    .post({ body: z.object({ name: z.string() }), bodyLimit: 50 }, () => 'ok')
    .put(() => reply.problem(409, { detail: 'It exists.', extra: 1 }))
    .patch(() => {
      throw reply.forbidden()
    })
    .delete(() => reply.unauthorized()),
  teapot: route('/teapot').get(() => reply.problem(418)),
  broken: route('/broken').get((): string => {
    throw new Error('secret')
  }),
  native: route('/native').get(() => Response.json({ own: true }, { status: 400 })),
  plain: route('/plain').get(() => reply.json({ own: true }, { status: 400 })),
  typed: route('/typed').get(() =>
    reply.problem(400, {}, { headers: { 'content-type': 'application/vnd.mine+json' } }),
  ),
}
const onError = vi.fn()
const app = router(routes, { problems: format, onError })
const read = async (path: string, init?: RequestInit) => {
  const response = await app.fetch(at(path, init))
  const text = await response.text()
  return { response, status: response.status, body: text === '' ? text : (JSON.parse(text) as unknown) }
}
const json = (body: string) => ({ method: 'POST', body, headers: { 'content-type': 'application/json' } })

describe('router({ problems })', () => {
  it.each([
    ['a 404', '/nowhere', {}, 404, { error: { code: 404, message: 'No handler sent this response.' } }],
    ['a 405', '/teapot', { method: 'POST' }, 405, { error: { code: 405, message: 'No handler sent this response.' } }],
    ['a malformed URL', '/%zz', {}, 422, { error: { code: 400, message: 'The URL has a malformed percent-escape.' } }],
    ['invalid JSON', '/items', json('{'), 422, { error: { code: 400, message: 'The body is not valid JSON.' } }],
    [
      'a 413',
      '/items',
      json(`"${'x'.repeat(60)}"`),
      413,
      { error: { code: 413, message: 'The body is larger than 50 bytes.' } },
    ],
    [
      'a 415',
      '/items',
      { method: 'POST', body: 'x' },
      415,
      { error: { code: 415, message: 'The body must be application/json.' } },
    ],
    ['a 500', '/broken', {}, 500, { error: { code: 500, message: 'No handler sent this response.' } }],
    ['reply.problem()', '/items', { method: 'PUT' }, 409, { error: { code: 409, message: 'It exists.' } }],
    ['a thrown reply', '/items', { method: 'PATCH' }, 403, { error: { code: 403, message: 'Forbidden' } }],
    ['another status', '/teapot', {}, 400, { error: { code: 418, message: 'Error' } }],
  ] as const)('converts %s', async (_name, path, init, status, body) => {
    const { response, ...result } = await read(path, init)
    expect(result).toEqual({ status, body })
    expect(response.headers.get('content-type')).toBe('application/json')
  })

  it('passes the issues of the schema for invalid input', async () => {
    expect(await read('/items?page=x&sort=c')).toMatchObject({
      status: 422,
      body: { error: { code: 400, message: 'The input is not valid.' }, fields: ['page', 'sort'] },
    })
    expect(await read('/items', json('{"name":1}'))).toMatchObject({ status: 422, body: { fields: ['name'] } })
  })

  it('keeps the headers of a problem', async () => {
    expect((await read('/items', { method: 'DELETE' })).response.headers.get('www-authenticate')).toBe('Bearer')
    expect((await read('/teapot', { method: 'POST' })).response.headers.get('allow')).toBe('GET, HEAD, OPTIONS')
    expect((await read('/items', { method: 'DELETE' })).response.headers.get('x-content-type-options')).toBe('nosniff')
  })

  it('sends the status without a body to HEAD', async () => {
    expect(await read('/items?page=x', { method: 'HEAD' })).toMatchObject({ status: 422, body: '' })
    expect(await read('/nowhere', { method: 'HEAD' })).toMatchObject({ status: 404, body: '' })
  })

  it('does not convert responses that are not problems', async () => {
    expect(await read('/native')).toMatchObject({ status: 400, body: { own: true } })
    expect(await read('/plain')).toMatchObject({ status: 400, body: { own: true } })
    const { response, status } = await read('/typed')
    expect([status, response.headers.get('content-type')]).toEqual([400, 'application/vnd.mine+json'])
  })

  it('passes the original problem and its error to middleware and onError', async () => {
    onError.mockClear()
    const seen: unknown[] = []
    const look = middleware(async (_request, _context, next) => {
      const response = await next()
      seen.push([
        response.status,
        response.headers.get('content-type'),
        (errorOf(response) as Error | undefined)?.message,
      ])
      return response
    })
    const all = router(routes, { problems: format, use: [look], onError })
    expect((await all.fetch(at('/items?page=x'))).status).toBe(422)
    expect((await all.fetch(at('/broken'))).status).toBe(500)
    expect(seen).toEqual([
      [400, 'application/problem+json', undefined],
      [500, 'application/problem+json', 'secret'],
    ])
    expect(onError).toHaveBeenCalledTimes(1)
  })

  it('converts the problems of middleware, and keeps the headers that middleware added', async () => {
    const slow = route('/').get(() => new Promise<string>(() => {}))
    const all = router(
      { slow },
      { problems: format, use: [cors({ origin: ['https://app.example'] }), timeout(5, { retryAfter: 3 })], onError },
    )
    const response = await all.fetch(at('/', { headers: { origin: 'https://app.example' } }))
    expect([response.status, await response.json()]).toMatchObject([503, { error: { code: 503 } }])
    expect(response.headers.get('access-control-allow-origin')).toBe('https://app.example')
    expect(response.headers.get('retry-after')).toBe('3')
  })

  it('sends a 500 without details and reports an error if toBody throws or returns invalid JSON', async () => {
    for (const toBody of [
      (): unknown => {
        throw new Error('in toBody')
      },
      (): unknown => ({ error: 1n }),
    ]) {
      onError.mockClear()
      const broken = problems({ schema: z.any(), toBody: () => toBody() })
      const all = router(routes, { problems: broken, onError })
      const response = await all.fetch(at('/nowhere'))
      expect([response.status, await response.json()]).toEqual([
        500,
        { title: 'Internal Server Error', detail: 'No handler sent this response.', status: 500 },
      ])
      expect(onError.mock.calls).toMatchObject([[expect.any(Error), { phase: 'response' }]])
    }
  })

  it('does not change another app, or a route’s own function', async () => {
    expect(await (await router(routes).fetch(at('/nowhere'))).json()).toMatchObject({ title: 'Not Found', status: 404 })
    expect((await routes.items.PUT(at('/items', { method: 'PUT' }))).headers.get('content-type')).toBe(
      'application/problem+json',
    )
  })

  it('is in context.app', async () => {
    const it = route('/').get((_request, { app }) => [app.problems === format, app.problems?.statuses as object])
    expect(await (await router({ it }, { problems: format }).fetch(at('/'))).json()).toEqual([
      true,
      { 400: 422, 418: 400 },
    ])
  })
})

describe('problems()', () => {
  it.each<[object, string]>([
    [{}, 'problems() needs a schema and toBody'],
    [{ schema: z.any() }, 'problems() needs a schema and toBody'],
    [{ schema: {}, toBody: () => 1 }, "problems() has an invalid 'schema'"],
    [{ schema: z.any(), toBody: 1 }, "problems() has an invalid 'toBody'"],
    [{ schema: z.any(), toBody: () => 1, status: {} }, "problems() has no option 'status'"],
    [
      { schema: z.any(), toBody: () => 1, statuses: { 200: 400 } },
      'problems() takes statuses from 400 to 599, not { 200: 400 }',
    ],
    [
      { schema: z.any(), toBody: () => 1, statuses: { 400: 200 } },
      'problems() takes statuses from 400 to 599, not { 400: 200 }',
    ],
  ])('throws a TypeError for %j', (options, message) => {
    expect(() => problems(options as never)).toThrow(TypeError)
    expect(() => problems(options as never)).toThrow(message)
  })
})
