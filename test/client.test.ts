import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { toNodeHandler as srvx } from 'srvx/node'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { zfd } from 'zod-form-data'
import { createClient, UnexpectedResponse } from '../src/client/index.js'
import { toNodeHandler } from '../src/hosts/node-handler.js'
import { bytes, form, href, middleware, route, router, text } from '../src/index.js'
import * as reply from '../src/replies/index.js'
import { undeclared } from '../src/undeclared.js'

const Form = zfd.formData({
  title: zfd.text(),
  count: zfd.numeric(),
  agreed: zfd.checkbox(),
  declined: zfd.checkbox(),
  tags: zfd.repeatable(z.array(zfd.text())),
  address: z.object({ city: zfd.text(), since: zfd.text() }),
  lines: z.array(z.object({ text: zfd.text(), amount: zfd.numeric() })),
})
const Upload = zfd.formData({ photo: zfd.file(), alt: zfd.text(), more: zfd.repeatableOfType(zfd.file()) })

const routes = {
  root: route('/').get(() => 'root'),
  item: route('/items/[slug]')
    .get((_request, { params }) => {
      if (params.slug === 'gone') return reply.problem(410, { type: 'https://example.com/gone', detail: 'it is gone' })
      if (params.slug === 'text') return reply.text('no', { status: 409 })
      return { slug: params.slug, at: new Date(0) }
    })
    .delete(() => {})
    .put({ body: z.object({ name: z.string() }) }, (_request, { body }) => reply.json(body, { status: 201 })),
  files: route('/files/[...path]').get((_request, { params }) => params.path),
  docs: route('/docs/[[...path]]').get((_request, { params }) => params.path ?? null),
  number: route('/numbers/[id]', { params: z.object({ id: z.coerce.number() }) }).get(
    (_request, { params }) => params.id,
  ),
  list: route('/list').get(
    {
      query: z.object({
        page: z.coerce.number().optional(),
        tag: z.array(z.string()).default([]),
        since: z.coerce.date().optional(),
        flag: z.string().nullish(),
      }),
    },
    (_request, { query }) => query,
  ),
  echo: route('/echo')
    .get((request) => Object.fromEntries(request.headers))
    .post({ body: text(z.string()) }, (request, { body: text }) => ({
      text,
      type: request.headers.get('content-type'),
    }))
    .put({ body: bytes(z.instanceof(Uint8Array)) }, (request, { body: bytes }) => ({
      bytes: [...bytes],
      type: request.headers.get('content-type'),
    }))
    .patch(
      { headers: z.object({ 'x-a': z.coerce.number(), 'x-b': z.string().optional() }) },
      (_request, { headers }) => headers,
    )
    .query({ body: z.number() }, (_request, { body }) => body + 1),
  form: route('/form').post({ body: form(Form) }, (_request, { body: form }) => form),
  upload: route('/upload').post({ body: form(Upload) }, async (_request, { body: form }) => ({
    photo: [form.photo.name, form.photo.type, await form.photo.text()],
    alt: form.alt,
    more: form.more.length,
  })),
  kinds: route('/kinds/[kind]').get(({ url }, { params: { kind } }) => {
    if (kind === 'html') return reply.html('<p>')
    if (kind === 'xml') return new Response('<a/>', { headers: { 'content-type': 'application/xml' } })
    if (kind === 'binary') return new Response(new Uint8Array([1, 2]))
    if (kind === 'empty') return new Response(null, { status: 200 })
    if (kind === 'broken') return new Response('{"a":', { headers: { 'content-type': 'application/json' } })
    if (kind === 'broken-error')
      return new Response('{"a":', { status: 404, headers: { 'content-type': 'application/json' } })
    if (kind === 'page')
      return new Response('<h1>Bad Gateway</h1>', { status: 502, headers: { 'content-type': 'text/html' } })
    if (kind === 'redirect') return Response.redirect(new URL('/elsewhere', url), 302)
    if (kind === 'declared') return reply.problem(500, { detail: 'declared' })
    if (kind === 'not-modified') return new Response(null, { status: 304 })
    if (kind === 'problem') return reply.problem(422, { detail: 'x' })
    throw new Error('unexpected')
  }),
  slow: route('/slow').get(() => new Promise<string>((resolve) => setTimeout(() => resolve('late'), 5_000).unref())),
  guarded: route('/guarded')
    .use(
      middleware((request, _context, next) => (request.headers.has('authorization') ? next() : reply.unauthorized())),
    )
    .get(() => 'in'),
}
const app = router(routes, { onError: () => {} })
type App = typeof app

// In process, over a socket with byway's own host, and over a socket with srvx.
const servers: Server[] = []
const listen = async (handle: (incoming: IncomingMessage, outgoing: ServerResponse) => void): Promise<string> => {
  const server = createServer(handle)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
let origins: readonly string[] = []
beforeAll(async () => {
  origins = await Promise.all([listen(toNodeHandler(app)), listen(srvx(app.fetch) as ReturnType<typeof toNodeHandler>)])
})
afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections()
    server.close()
  }
})
const ways: [way: string, api: () => ReturnType<typeof createClient<App>>][] = [
  ['in process', () => createClient<App>({ fetch: app.fetch })],
  ['over a socket', () => createClient<App>({ baseUrl: origins[0]! })],
  ['over a socket with srvx', () => createClient<App>({ baseUrl: origins[1]! })],
]

/** The request that a call sends. The server sends the same response each time. */
async function sent(
  call: (api: any) => Promise<unknown>,
  options: object = {},
  answer: () => Response = () => Response.json(null),
): Promise<Request> {
  let seen: Request | undefined
  await call(createClient<App>({ fetch: (request) => ((seen = request), answer()), ...options }))
  return seen!
}

describe.each(ways)('a call %s', (way, api) => {
  it('returns data and status', async () => {
    const result = await api()('/items/[slug]').get({ params: { slug: 'a b/ü' } })
    expect(result).toMatchObject({
      status: 200,
      error: undefined,
      data: { slug: 'a b/ü', at: '1970-01-01T00:00:00.000Z' },
    })
    expect(result.response.headers.get('content-type')).toBe('application/json')
    expect((await api()('/').get()).data).toBe('root')
  })

  it('returns the error document that was sent, and its status', async () => {
    const { data, error, status } = await api()('/items/[slug]').get({ params: { slug: 'gone' } })
    expect([data, status]).toEqual([undefined, 410])
    expect(error).toEqual({ title: 'Gone', type: 'https://example.com/gone', status: 410, detail: 'it is gone' })
    expect(await api()('/items/[slug]').get({ params: { slug: 'text' } })).toMatchObject({ status: 409, error: 'no' })
    expect(await api()('/guarded').get()).toMatchObject({ status: 401, error: { status: 401 } })
  })

  it("returns byway's own problems for invalid inputs", async () => {
    const { status, error } = await api()('/items/[slug]').put({ params: { slug: 'a' }, body: { name: 7 } as never })
    expect(status).toBe(400)
    expect(error).toMatchObject({ errors: [{ in: 'body', pointer: '/name' }] })
    expect((await api()('/numbers/[id]').get({ params: { id: 'x' } as never })).status).toBe(404)
  })

  it('returns undefined for a response without a body', async () => {
    expect(await api()('/items/[slug]').delete({ params: { slug: 'a' } })).toMatchObject({
      status: 204,
      data: undefined,
    })
  })

  it('sends a JSON body, also with QUERY', async () => {
    const put = await api()('/items/[slug]').put({ params: { slug: 'a' }, body: { name: 'ü' } })
    expect([put.status, put.data]).toEqual([201, { name: 'ü' }])
    // Node 20's parser does not know the method.
    if (way === 'in process') expect((await api()('/echo').query({ body: 41 })).data).toBe(42)
  })

  it('sends arrays, dates and numbers in the query, without undefined and null', async () => {
    const read = async (query: object) => (await api()('/list').get({ query: query as never })).data
    expect(await read({ page: 2, tag: ['a', 'b&c'] })).toEqual({ page: 2, tag: ['a', 'b&c'] })
    expect(await read({ tag: ['one'] })).toEqual({ tag: ['one'] })
    expect(await read({ tag: [], page: undefined, flag: null })).toEqual({ tag: [] })
    expect(await read({ since: new Date(0) })).toEqual({ tag: [], since: '1970-01-01T00:00:00.000Z' })
    expect(await read({ tag: ['a', null, undefined, 'b'] })).toEqual({ tag: ['a', 'b'] })
  })

  it('sends text and bytes unchanged', async () => {
    expect((await api()('/echo').post({ text: 'ä\n' })).data).toEqual({ text: 'ä\n', type: 'text/plain;charset=UTF-8' })
    expect((await api()('/echo').post({ text: '' })).data).toMatchObject({ text: '' })
    expect((await api()('/echo').put({ bytes: new Uint8Array([0, 255]) })).data).toEqual({
      bytes: [0, 255],
      type: 'application/octet-stream',
    })
    const blob = new Blob([new Uint8Array([1])], { type: 'image/png' })
    expect((await api()('/echo').put({ bytes: blob })).data).toEqual({ bytes: [1], type: 'image/png' })
  })

  it('sends a form with nested and repeated fields, and booleans like a checkbox', async () => {
    const form = {
      title: 'ä & b',
      count: 7,
      agreed: true,
      declined: false,
      tags: ['a', 'b'],
      address: { city: 'Köln', since: '1970' },
      lines: [
        { text: 'one', amount: 1 },
        { text: 'two', amount: 2 },
      ],
    }
    expect((await api()('/form').post({ form })).data).toEqual(form)
    const one = { ...form, tags: ['only'], lines: [] as never[] }
    expect((await api()('/form').post({ form: { ...one, lines: [form.lines[0]!] } })).data).toMatchObject({
      tags: ['only'],
    })
  })

  it('sends files, in an object or as FormData', async () => {
    const photo = new File(['png'], 'ü.png', { type: 'image/png' })
    const { data } = await api()('/upload').post({ form: { photo, alt: 'x', more: [photo, photo] } })
    expect(data).toEqual({ photo: ['ü.png', 'image/png', 'png'], alt: 'x', more: 2 })
    const form = new FormData()
    form.set('photo', photo)
    form.set('alt', 'y')
    expect((await api()('/upload').post({ form })).data).toMatchObject({ alt: 'y', more: 0 })
  })

  it('reads text and XML as a string, and other types as a Blob', async () => {
    const read = async (kind: string) => (await api()('/kinds/[kind]').get({ params: { kind } })).data as unknown
    expect(await read('html')).toBe('<p>')
    expect(await read('xml')).toBe('<a/>')
    const blob = (await read('binary')) as Blob
    expect([...new Uint8Array(await blob.arrayBuffer())]).toEqual([1, 2])
  })

  it('rejects with UnexpectedResponse for responses that no route declares', async () => {
    for (const [kind, status, body] of [
      ['broken', 200, '{"a":'],
      ['broken-error', 404, '{"a":'],
      ['page', 502, '<h1>Bad Gateway</h1>'],
      ['not-modified', 304, undefined],
    ] as const) {
      const error = await api()('/kinds/[kind]')
        .get({ params: { kind } })
        .then(
          () => undefined,
          (error: unknown) => error,
        )
      expect([kind, error]).toEqual([kind, expect.any(UnexpectedResponse)])
      expect(error).toMatchObject({ name: 'UnexpectedResponse', status, body, response: { status } })
      expect((error as Error).message).toMatch(
        new RegExp(`^GET http://.*/kinds/${kind}: unexpected response ${status}$`),
      )
    }
  })

  it('returns a 500 with details from a route as an error', async () => {
    const { status, error } = await api()('/kinds/[kind]').get({ params: { kind: 'declared' } })
    expect([status, error]).toEqual([500, { title: 'Internal Server Error', status: 500, detail: 'declared' }])
  })

  it('returns the status of a response to HEAD, which has no body', async () => {
    const head = (kind: string) => (api()('/kinds/[kind]') as any).head({ params: { kind } })
    expect(await head('html')).toMatchObject({ status: 200, data: undefined, error: undefined })
    expect(await head('problem')).toMatchObject({ status: 422, data: undefined, error: { status: 422 } })
  })

  it('rejects on a timeout or an abort', async () => {
    await expect(api()('/slow').get({ timeout: 20 })).rejects.toMatchObject({ name: 'TimeoutError' })
    const controller = new AbortController()
    const call = api()('/slow').get({ signal: controller.signal, timeout: 5_000 })
    setTimeout(() => controller.abort(new Error('mine')), 10)
    await expect(call).rejects.toThrow('mine')
    await expect(api()('/').get({ signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' })
    expect((await api()('/').get({ timeout: 5_000, signal: new AbortController().signal })).data).toBe('root')
  })
})

describe('createClient', () => {
  it('throws a TypeError if baseUrl is not an http(s) URL', () => {
    for (const baseUrl of ['', 'api', '/api', 'localhost:3000', 'ftp://a.example', 'data:,'])
      expect(() => createClient<App>({ baseUrl }), baseUrl).toThrow(TypeError)
    expect(() => createClient<App>({ baseUrl: 'localhost:3000' })).toThrow(
      "baseUrl: 'localhost:3000' is not an http(s) URL",
    )
  })

  it('uses the origin of the page by default, or http://localhost without a page', async () => {
    vi.stubGlobal('location', { origin: 'https://page.example' })
    try {
      expect((await sent((api) => api('/').get())).url).toBe('https://page.example/')
    } finally {
      vi.unstubAllGlobals()
    }
    expect((await sent((api) => api('/').get())).url).toBe('http://localhost/')
  })

  it('calls the global fetch by default', async () => {
    const fetch = vi.spyOn(globalThis, 'fetch').mockResolvedValue(Response.json('stubbed'))
    const api = createClient<App>({ baseUrl: 'https://api.example/' })
    expect((await api('/').get()).data).toBe('stubbed')
    expect((fetch.mock.calls[0]![0] as Request).url).toBe('https://api.example/')
    fetch.mockRestore()
  })

  it('rejects like fetch when the network fails', async () => {
    const broken = new TypeError('fetch failed')
    const api = createClient<App>({ fetch: () => Promise.reject(broken) })
    await expect(api('/').get()).rejects.toBe(broken)
    const nobody = createClient<App>({ baseUrl: 'http://127.0.0.1:1' })
    await expect(nobody('/').get()).rejects.toThrow(TypeError)
  })

  it('rejects with UnexpectedResponse for a redirect that was not followed', async () => {
    const api = createClient<App>({ fetch: app.fetch })
    await expect(api('/kinds/[kind]').get({ params: { kind: 'redirect' } })).rejects.toMatchObject({ status: 302 })
  })

  it("leaves no listener on the caller's signal", async () => {
    const controller = new AbortController()
    const add = vi.spyOn(controller.signal, 'addEventListener')
    const remove = vi.spyOn(controller.signal, 'removeEventListener')
    const api = createClient<App>({ fetch: app.fetch })
    for (let calls = 0; calls < 3; calls++) await api('/').get({ signal: controller.signal })
    expect(add.mock.calls.length).toBe(remove.mock.calls.length)
  })
})

describe('createClient({ bodies })', () => {
  // The client's part of a body kind, as a package would export it.
  const msgpack = (value: unknown) => ({
    body: new Blob([`packed ${JSON.stringify(value)}`]),
    type: 'application/msgpack',
  })
  const call = (options: object) => (api: any) => api('/echo').post(options)

  it('encodes the option with the name of the kind', async () => {
    const request = await sent(call({ msgpack: { a: 1 } }), { bodies: { msgpack } })
    expect([request.headers.get('content-type'), await request.text()]).toEqual([
      'application/msgpack',
      'packed {"a":1}',
    ])
  })

  it('keeps the built-in kinds', async () => {
    const request = await sent(call({ body: { a: 1 } }), { bodies: { msgpack } })
    expect([request.headers.get('content-type'), await request.text()]).toEqual(['application/json', '{"a":1}'])
  })

  it('replaces the encoder of a kind with the same name', async () => {
    const body = (value: unknown) => ({ body: JSON.stringify({ value }), type: 'application/vnd.api+json' })
    const request = await sent(call({ body: 5 }), { bodies: { body } })
    expect([request.headers.get('content-type'), await request.text()]).toEqual([
      'application/vnd.api+json',
      '{"value":5}',
    ])
  })

  it('uses the content type that fetch sets, and prefers the header of the call', async () => {
    const text = (value: string) => ({ body: value })
    const request = await sent(call({ text: 'x' }), { bodies: { text } })
    expect(request.headers.get('content-type')).toBe('text/plain;charset=UTF-8')
    const typed = await sent(call({ msgpack: 1, headers: { 'content-type': 'a/b' } }), { bodies: { msgpack } })
    expect(typed.headers.get('content-type')).toBe('a/b')
  })

  it('rejects with the error that an encoder throws', async () => {
    const fail = () => {
      throw new Error('mine')
    }
    await expect(sent(call({ msgpack: 1 }), { bodies: { msgpack: fail } })).rejects.toThrow('mine')
  })
})

describe('a response that no handler sent', () => {
  const problem = (status: number, details: object = {}) =>
    Response.json(
      { title: 'x', status, ...details },
      { status, headers: { 'content-type': 'application/problem+json' } },
    )
  const get = (response: Response) => createClient<App>({ fetch: () => response })('/').get()

  it("is unexpected: byway's own 404, 405 and 500", async () => {
    for (const status of [404, 405, 500])
      await expect(get(problem(status, { detail: undeclared }))).rejects.toMatchObject({
        name: 'UnexpectedResponse',
        status,
        body: { status, detail: undeclared },
      })
  })

  it('is distinguished from the same statuses of a handler, also without details', async () => {
    for (const status of [404, 405, 500]) {
      expect(await get(problem(status))).toMatchObject({ status, error: { title: 'x', status } })
      expect(await get(problem(status, { detail: 'mine' }))).toMatchObject({ status, error: { detail: 'mine' } })
    }
    expect(await get(Response.json({ title: 'Internal Server Error', status: 500 }, { status: 500 }))).toMatchObject({
      status: 500,
    })
  })
})

describe('createClient({ fetch }) with an app that has a basePath', () => {
  const inside = router(routes, { basePath: '/api' })
  const fetch = Object.assign((request: Request) => inside.fetch(request), { basePath: '/api' })

  it('calls the routes under the basePath', async () => {
    const api = createClient<App>({ fetch })
    expect((await api('/').get()).data).toBe('root')
    expect((await api('/numbers/[id]').get({ params: { id: 5 } })).data).toBe(5)
    expect(api('/numbers/[id]').url({ params: { id: 5 } })).toBe('http://localhost/api/numbers/5')
  })

  it('uses a baseUrl unchanged', () => {
    const api = createClient<App>({ fetch, baseUrl: 'https://a.example/v2' })
    expect(api('/').url()).toBe('https://a.example/v2')
  })
})

describe('the URL of a call', () => {
  const bases = [
    'https://api.example',
    'https://api.example/',
    'https://api.example/v1',
    'https://api.example/v1/x/',
    new URL('http://h:8/y?z#a'),
  ]

  it('stays under its pattern for any params and baseUrl, or the call rejects with a TypeError', async () => {
    const segment = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom(
        '.',
        '..',
        '%2e',
        '%2E.',
        '.%2e',
        '%2e%2E',
        '',
        '/',
        '\\',
        '//evil.example',
        '?a',
        '#a',
        '\t..',
        '@',
        ':',
        ' ',
        '\0',
        '%2F',
        '..;',
        'a/../b',
      ),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...bases),
        segment,
        fc.array(segment, { minLength: 1, maxLength: 4 }),
        async (baseUrl, slug, path) => {
          const base = new URL(baseUrl)
          const prefix = base.pathname.replace(/\/$/, '')
          for (const [pattern, params, segments] of [
            ['/items/[slug]', { slug }, ['items', slug]],
            ['/files/[...path]', { path }, ['files', ...path]],
            ['/docs/[[...path]]', { path }, ['docs', ...path]],
          ] as const) {
            const call = sent((api) => api(pattern).get({ params }), { baseUrl })
            const isRefused = segments.some((segment) => /^(?:\.|%2e){0,2}$/i.test(segment))
            const address = () => (createClient<App>({ baseUrl }) as any)(pattern).url({ params }) as string
            if (isRefused) {
              await expect(call).rejects.toThrow(TypeError)
              expect(address).toThrow(TypeError)
              continue
            }
            const url = new URL((await call).url)
            expect(new URL(address()).href).toBe(url.href)
            expect([url.origin, url.search, url.hash]).toEqual([base.origin, '', ''])
            expect(url.pathname.startsWith(`${prefix}/`)).toBe(true)
            expect(
              url.pathname
                .slice(prefix.length + 1)
                .split('/')
                .map(decodeURIComponent),
            ).toEqual(segments)
          }
        },
      ),
    )
  })

  it('starts with the path of the baseUrl, without a trailing slash', async () => {
    for (const [baseUrl, pattern, query, url] of [
      ['https://a.example/v1', '/', undefined, 'https://a.example/v1'],
      ['https://a.example/v1/', '/', undefined, 'https://a.example/v1'],
      ['https://a.example/v1', '/', { a: 1 }, 'https://a.example/v1?a=1'],
      ['https://a.example', '/', { a: 1 }, 'https://a.example/?a=1'],
      ['https://a.example//', '/items', undefined, 'https://a.example/items'],
      ['https://a.example/v1/?x#y', '/items', undefined, 'https://a.example/v1/items'],
      ['https://a.example/v1', '/docs/[[...path]]', undefined, 'https://a.example/v1/docs'],
    ] as const)
      expect((await sent((api) => api(pattern).get({ query }), { baseUrl })).url).toBe(url)
  })

  it('is the URL that href() returns', async () => {
    const request = await sent((api) => api('/items/[slug]').get({ params: { slug: 'a b:c' }, query: { q: 'ä' } }))
    expect(request.url).toBe(`http://localhost${href('/items/[slug]', { slug: 'a b:c' }, { query: { q: 'ä' } })}`)
  })

  it('causes a TypeError without a param that the pattern needs', async () => {
    for (const [pattern, params] of [
      ['/items/[slug]', undefined],
      ['/items/[slug]', {}],
      ['/items/[slug]', { slug: undefined }],
      ['/items/[slug]', { slug: null }],
      ['/items/[slug]', { slug: ['a'] }],
      ['/files/[...path]', { path: [] }],
      ['/files/[...path]', { path: 'a' }],
      ['/files/[...path]', { path: ['a', null] }],
    ] as const)
      await expect(sent((api) => api(pattern).get({ params }))).rejects.toThrow(TypeError)
  })

  it('is the URL that url() returns, also with a query', async () => {
    const api = createClient<App>({ baseUrl: 'https://a.example/v1' })
    expect(api('/').url()).toBe('https://a.example/v1')
    expect(api('/docs/[[...path]]').url()).toBe('https://a.example/v1/docs')
    expect(api('/docs/[[...path]]').url({ params: { path: ['a', 'b/c'] } })).toBe('https://a.example/v1/docs/a/b%2Fc')
    expect(api('/numbers/[id]').url({ params: { id: 5 } })).toBe('https://a.example/v1/numbers/5')
    expect(api('/items/[slug]').url({ params: { slug: 'ü' }, query: { size: [1, 2], no: null } })).toBe(
      'https://a.example/v1/items/%C3%BC?size=1&size=2',
    )
    const query = { page: 2, tag: ['a', 'b&c'], since: new Date(0), flag: undefined }
    const request = await sent((api) => api('/list').get({ query }), { baseUrl: 'https://a.example/v1' })
    expect(api('/list').url({ query: query as never })).toBe(request.url)
    for (const params of [undefined, {}, { slug: '' }, { slug: '..' }, { slug: ['a'] }, { slug: null }])
      expect(() => (api('/items/[slug]') as any).url({ params })).toThrow(TypeError)
  })

  it('names nested object properties in a query with brackets', async () => {
    const query = {
      filter: { color: 'red', size: { min: 1, max: null } },
      tags: ['a', 'b'],
      no: false,
      list: [{ a: 1 }],
    }
    const { url } = await sent((api) => api('/list').get({ query }))
    expect([...new URL(url).searchParams]).toEqual([
      ['filter[color]', 'red'],
      ['filter[size][min]', '1'],
      ['tags', 'a'],
      ['tags', 'b'],
      ['no', 'false'],
      ['list[0][a]', '1'],
    ])
  })

  it('has URLs, dates and bigints in a query as strings', async () => {
    const query = { at: new Date(0), url: new URL('https://a.example/'), big: 10n }
    const { url } = await sent((api) => api('/list').get({ query }))
    expect([...new URL(url).searchParams.values()]).toEqual(['1970-01-01T00:00:00.000Z', 'https://a.example/', '10'])
  })

  it('is rejected with the pattern, the param and the value in the message', async () => {
    const api = createClient<App>() as any
    expect(() => api('/items/[slug]').url({ params: { slug: '..' } })).toThrow(
      new TypeError(`'/items/[slug]': slug cannot be ".."`),
    )
    expect(() => api('/files/[...path]').url()).toThrow(new TypeError(`'/files/[...path]': path cannot be undefined`))
  })

  it('does not read params from Object.prototype', async () => {
    await expect(sent((api) => api('/[constructor]').get({ params: {} }))).rejects.toThrow(TypeError)
    await expect(sent((api) => api('/[toString]').get({ params: {} }))).rejects.toThrow(TypeError)
  })
})

describe('the headers of a call', () => {
  it("come from the client's object or function, and a call's own headers take precedence", async () => {
    const call = (api: any) => api('/').get({ headers: { 'X-B': 'call', 'x-c': 'call' } })
    const defaults = { 'x-a': 'client', 'x-b': 'client' }
    for (const headers of [
      defaults,
      new Headers(defaults),
      Object.entries(defaults),
      () => defaults,
      async () => defaults,
    ]) {
      const request = await sent(call, { headers })
      expect(Object.fromEntries(request.headers)).toMatchObject({ 'x-a': 'client', 'x-b': 'call', 'x-c': 'call' })
    }
  })

  it('come from the function for each call', async () => {
    let token = 0
    const seen: (string | null)[] = []
    const api = createClient<App>({
      headers: () => ({ authorization: `Bearer ${++token}` }),
      fetch: ({ headers }) => (seen.push(headers.get('authorization')), Response.json(null)),
    })
    await api('/').get()
    await api('/').get()
    expect(seen).toEqual(['Bearer 1', 'Bearer 2'])
  })

  it('reject the call if their function rejects', async () => {
    const api = createClient<App>({ fetch: app.fetch, headers: () => Promise.reject(new Error('no token')) })
    await expect(api('/').get()).rejects.toThrow('no token')
  })

  it('contain an Accept that prefers JSON by default', async () => {
    expect((await sent((api) => api('/').get())).headers.get('accept')).toMatch(/^application\/json/)
    expect((await sent((api) => api('/').get({ headers: { accept: 'text/html' } }))).headers.get('accept')).toBe(
      'text/html',
    )
  })

  it('do not override the content type of a form, and set none without a body', async () => {
    const form = { photo: new File(['x'], 'x') }
    const request = await sent((api) => api('/upload').post({ form }), {
      headers: { 'content-type': 'application/json' },
    })
    expect(request.headers.get('content-type')).toMatch(/^multipart\/form-data; boundary=/)
    const get = await sent((api) => api('/').get(), { headers: { 'content-type': 'application/json' } })
    expect(get.headers.get('content-type')).toBe(null)
  })

  it('can set the content type of the call', async () => {
    const request = await sent((api) =>
      api('/echo').post({ text: '{}', headers: { 'content-type': 'application/webhook+json' } }),
    )
    expect(request.headers.get('content-type')).toBe('application/webhook+json')
  })

  it('can be values that the schema of the operation coerces', async () => {
    const api = createClient<App>({ fetch: app.fetch })
    const { data } = await api('/echo').patch({ headers: { 'x-a': 7, 'x-b': undefined } as never })
    expect(data).toEqual({ 'x-a': 7 })
  })
})

describe('the form of a call', () => {
  it('is urlencoded unless it has a file or is FormData', async () => {
    const type = async (form: unknown) =>
      (await sent((api) => api('/form').post({ form }))).headers.get('content-type')!.split(';')[0]
    expect(await type({ a: 'b' })).toBe('application/x-www-form-urlencoded')
    expect(await type(new URLSearchParams({ a: 'b' }))).toBe('application/x-www-form-urlencoded')
    expect(await type({ a: { b: [new File([], 'x')] } })).toBe('multipart/form-data')
    expect(await type(new FormData())).toBe('multipart/form-data')
  })

  it('has the field names that zod-form-data reads', async () => {
    const form = {
      a: 'x',
      none: undefined,
      nothing: null,
      no: false,
      yes: true,
      at: new Date(0),
      zero: 0,
      empty: '',
      list: ['p', 'q'],
      deep: { b: { c: 'd' } },
      lines: [{ t: 1 }, { t: 2, u: ['v', 'w'] }],
    }
    const request = await sent((api) => api('/form').post({ form }))
    expect([...new URLSearchParams(await request.text())]).toEqual([
      ['a', 'x'],
      ['yes', 'on'],
      ['at', '1970-01-01T00:00:00.000Z'],
      ['zero', '0'],
      ['empty', ''],
      ['list', 'p'],
      ['list', 'q'],
      ['deep.b.c', 'd'],
      ['lines[0].t', '1'],
      ['lines[1].t', '2'],
      ['lines[1].u', 'v'],
      ['lines[1].u', 'w'],
    ])
  })

  it('is received as it was sent, for any strings', async () => {
    const echo = router({
      form: route('/form').post(
        {
          body: form(
            zfd.formData({ a: z.string(), b: zfd.repeatable(z.array(z.string())), c: z.object({ d: z.string() }) }),
          ),
        },
        (_request, { body: form }) => form,
      ),
    })
    const api = createClient<typeof echo>({ fetch: echo.fetch })
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          a: fc.string({ unit: 'grapheme', minLength: 1 }),
          b: fc.array(fc.string({ minLength: 1 }), { minLength: 1 }),
          c: fc.record({ d: fc.string({ minLength: 1 }) }),
        }),
        async (form) => {
          expect((await api('/form').post({ form })).data).toEqual(form)
        },
      ),
    )
  })
})
