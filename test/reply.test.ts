import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { href, middleware, route, router } from '../src/index.js'
import * as reply from '../src/replies/index.js'
import type { ServerSentEvent } from '../src/replies/index.js'

const read = async (response: Response) => ({
  status: response.status,
  headers: Object.fromEntries(response.headers),
  body: await response.text(),
})

describe('reply', () => {
  it('creates Responses with a status and a content type', async () => {
    for (const [response, status, type, body] of [
      [reply.json({ a: 1 }), 200, 'application/json', '{"a":1}'],
      [reply.json([], { status: 201 }), 201, 'application/json', '[]'],
      [reply.json(null), 200, 'application/json', 'null'],
      [reply.text('ä'), 200, 'text/plain;charset=UTF-8', 'ä'],
      [reply.text('', { status: 404 }), 404, 'text/plain;charset=UTF-8', ''],
      [reply.html('<p>'), 200, 'text/html;charset=UTF-8', '<p>'],
      [reply.xml('<a/>'), 200, 'application/xml;charset=UTF-8', '<a/>'],
      [reply.bytes(new Uint8Array([97])), 200, 'application/octet-stream', 'a'],
      [reply.bytes(new Uint8Array([97]).buffer, { status: 203 }), 203, 'application/octet-stream', 'a'],
      [reply.bytes(new Blob(['a'], { type: 'image/png' })), 200, 'application/octet-stream', 'a'],
      [reply.bytes(new Blob(['a'])), 200, 'application/octet-stream', 'a'],
      [reply.stream(['a', 'b']), 200, 'text/plain;charset=UTF-8', 'ab'],
      [reply.ndjson([{ a: 1 }, 'b']), 200, 'application/x-ndjson', '{"a":1}\n"b"\n'],
      [reply.sse([{ data: 1 }]), 200, 'text/event-stream', 'data: 1\n\n'],
    ] as const) {
      expect(response).toBeInstanceOf(Response)
      const made = await read(response)
      expect([made.status, made.headers['content-type'], made.body]).toEqual([status, type, body])
    }
  })

  it('creates a Response that can be cloned and copied', async () => {
    const response: Response = reply.json({ a: 1 }, { status: 201 })
    expect(response.ok).toBe(true)
    expect(await response.clone().json()).toEqual({ a: 1 })
    expect(new Response(response.body, response).status).toBe(201)
  })

  it('has no effect if its result is not returned or thrown', async () => {
    const app = router({
      it: route('/').get(() => {
        reply.notFound()
        return 'here'
      }),
    })
    expect((await app.fetch(new Request('http://test/'))).status).toBe(200)
  })

  it('sends the headers of init instead of its own, and each Set-Cookie', async () => {
    const headers = [
      ['Content-Type', 'application/vnd.api+json'],
      ['set-cookie', 'a=b'],
      ['set-cookie', 'c=d'],
    ] as [string, string][]
    for (const response of [
      reply.json(1, { headers }),
      reply.text('1', { headers }),
      reply.bytes(new Uint8Array([49]), { headers }),
      reply.ndjson([1], { headers }),
      reply.problem(400, {}, { headers }),
      reply.unauthorized({}, { headers }),
    ]) {
      expect(response.headers.get('content-type')).toBe('application/vnd.api+json')
      expect(response.headers.getSetCookie()).toEqual(['a=b', 'c=d'])
    }
    expect(reply.json(1, { headers: new Headers({ etag: '"a"' }) }).headers.get('etag')).toBe('"a"')
    expect(reply.json(1, { headers: { etag: '"a"' } }).headers.get('etag')).toBe('"a"')
  })

  it('sends no body and no content type with 204, 205 and 304', async () => {
    for (const status of [204, 205, 304] as const)
      for (const response of [reply.json({ a: 1 }, { status }), reply.text('a', { status })])
        expect(await read(response)).toEqual({ status, headers: {}, body: '' })
  })

  it('throws a TypeError for values that JSON cannot represent', () => {
    const cycle: Record<string, unknown> = {}
    cycle['self'] = cycle
    for (const value of [undefined, () => 1, Symbol('a'), 1n, { a: 1n }, cycle, { toJSON: () => undefined }])
      expect(() => reply.json(value)).toThrow(TypeError)
  })

  it('throws for header values with a line end', () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom('\r\n', '\n', '\r', '\0'), fc.string(), (before, end, after) => {
        expect(() => reply.json(1, { headers: { 'x-a': `a${before}${end}${after}b` } })).toThrow(TypeError)
      }),
    )
  })
})

describe('reply.problem', () => {
  it('sends an RFC 9457 document without a type', async () => {
    const { headers, body } = await read(reply.problem(409, { detail: 'a exists' }))
    expect(headers).toEqual({ 'content-type': 'application/problem+json', 'x-content-type-options': 'nosniff' })
    expect(JSON.parse(body)).toEqual({ title: 'Conflict', status: 409, detail: 'a exists' })
  })

  it('sends type, title, instance and extensions, but never another status', async () => {
    const details = { type: 'https://example.com/a', title: 'Mine', instance: '/a/1', balance: 30, accounts: ['/b'] }
    expect(await reply.problem(403, details).json()).toEqual({ ...details, status: 403 })
    expect(await reply.problem(403, { status: 200 } as object).json()).toMatchObject({ status: 403 })
  })

  it('sends the title of its status, if the status is registered', async () => {
    for (const [status, title] of [
      [400, 'Bad Request'],
      [404, 'Not Found'],
      [413, 'Content Too Large'],
      [422, 'Unprocessable Content'],
      [503, 'Service Unavailable'],
      [418, undefined],
    ] as const)
      expect((await reply.problem(status).json()).title).toBe(title)
  })

  it('has the short forms notFound(), unauthorized() and forbidden()', async () => {
    for (const [response, status] of [
      [reply.notFound({ detail: 'x' }), 404],
      [reply.unauthorized({ detail: 'x' }), 401],
      [reply.forbidden({ detail: 'x' }), 403],
    ] as const)
      expect(await response.json()).toMatchObject({ status, detail: 'x' })
  })

  it('sends a Bearer challenge with a 401 by default', () => {
    expect(reply.unauthorized().headers.get('www-authenticate')).toBe('Bearer')
    const basic = reply.unauthorized({}, { headers: { 'WWW-Authenticate': 'Basic realm="a"' } })
    expect(basic.headers.get('www-authenticate')).toBe('Basic realm="a"')
  })
})

describe('reply.redirect', () => {
  it('sends 307, 308 or 303 with a Location, and no body', async () => {
    for (const [response, status] of [
      [reply.redirect('/a'), 307],
      [reply.permanentRedirect('/a'), 308],
      [reply.seeOther('/a'), 303],
      [reply.localRedirect('/a'), 303],
    ] as const)
      expect(await read(response)).toEqual({ status, headers: { location: '/a' }, body: '' })
  })

  it('encodes the target as the URL parser does, and keeps it relative', () => {
    for (const [to, location] of [
      ['/a b', '/a%20b'],
      ['/ä?ö#ü', '/%C3%A4?%C3%B6#%C3%BC'],
      ['/a%20b?c=%2F', '/a%20b?c=%2F'],
      ['/100%25', '/100%25'],
      ['../up', '../up'],
      ['?page=2', '?page=2'],
      ['https://Example.com', 'https://example.com/'],
      [new URL('https://example.com/ä'), 'https://example.com/%C3%A4'],
      ['/a\r\nset-cookie: b=c', '/a%0D%0Aset-cookie:%20b=c'],
    ] as const)
      expect(reply.redirect(to).headers.get('location')).toBe(location)
  })

  it('sends a Location that resolves to the target, for any string', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (path) => {
        const target = `/${path.replace(/^[/\\\t\n\r]+/, '')}`
        const { href } = new URL(reply.redirect(target).headers.get('location')!, 'http://test')
        // Tabs and line ends, which a URL parser removes, are encoded.
        if (/[\t\n\r\\^|`{}<>"[\]\0-\x20\x7f]/.test(target)) return
        expect(href).toBe(new URL(target, 'http://test').href)
      }),
    )
  })

  it('sends the headers of init, but not another Location', () => {
    const { headers } = reply.seeOther('/a', { headers: { 'set-cookie': 'a=b' } })
    expect([headers.get('location'), headers.get('set-cookie')]).toEqual(['/a', 'a=b'])
    expect(reply.redirect('/a', { headers: { location: '/b' } }).headers.get('location')).toBe('/a')
  })

  it('throws for a URL that is not http(s)', () => {
    for (const to of ['javascript:alert(1)', 'data:text/html,a', 'file:///etc/passwd', 'mailto:a@b.example'])
      for (const redirect of [reply.redirect, reply.permanentRedirect, reply.seeOther])
        expect(() => redirect(to)).toThrow(new TypeError(`a redirect takes a path or an http(s) URL, not "${to}"`))
  })
})

/** The problem that a function throws as a Response. */
async function problemOf(run: () => unknown): Promise<unknown> {
  try {
    run()
  } catch (error) {
    expect(error).toBeInstanceOf(Response)
    return (error as Response).json()
  }
  return undefined
}

describe('a param from a client that a URL cannot contain', () => {
  it.each(['', '.', '..', '%2e%2E', '\ud800', 'a\udc00'])(
    'causes a 400 in href(), and onError is called with the HrefError: %j',
    async (slug) => {
      const onError = vi.fn()
      const handler = (_request: Request, { body }: { body: { slug: string } }) =>
        reply.json(1, { status: 201, headers: { location: href('/items/[slug]', body) } })
      const body = z.object({ slug: z.string() })
      const guarded = middleware((_request, _context, next) => next())
      const app = router(
        {
          add: route('/a').post({ body }, handler),
          inside: route('/b').use(guarded).post({ body }, handler),
          early: route('/c')
            .use(() => reply.seeOther(href('/items/[slug]', { slug })))
            .post(() => 1),
        },
        { onError },
      )
      for (const path of ['/a', '/b', '/c']) {
        onError.mockReset()
        const headers = { 'content-type': 'application/json' }
        const init = { method: 'POST', headers, body: JSON.stringify({ slug }) }
        const response = await app.fetch(new Request(`http://test${path}`, init))
        expect([response.status, await response.json()]).toEqual([400, { title: 'Bad Request', status: 400 }])
        expect(onError).toHaveBeenCalledExactlyOnceWith(
          expect.objectContaining({ name: 'HrefError' }),
          expect.anything(),
        )
      }
    },
  )
})

describe('reply.localRedirect', () => {
  it('accepts a path on the same origin', () => {
    for (const to of ['/', '/a', '/a/b?c=d#e', '/a//b', '/a?next=//b', '/%2F/evil.example', '/@evil.example', '/ä'])
      expect(new URL(reply.localRedirect(to).headers.get('location')!, 'https://here.example').origin).toBe(
        'https://here.example',
      )
  })

  it('throws a 400 problem for every other target', async () => {
    const targets = [
      '',
      'a',
      '//evil.example',
      '/\\evil.example',
      '\\/evil.example',
      'https://evil.example',
      'javascript:alert(1)',
    ]
    for (const to of [
      ...targets,
      '/\t/evil.example',
      '/\n/evil.example',
      ' /a',
      '/a b',
      '/a\0',
      '///evil',
      '?a',
      '#a',
      7,
      null,
      undefined,
    ])
      expect(await problemOf(() => reply.localRedirect(to as string))).toEqual({
        title: 'Bad Request',
        detail: 'The target of the redirect must be a path on this origin.',
        status: 400,
      })
  })

  it('never redirects to another origin, for any string', () => {
    const part = fc.oneof(
      fc.constantFrom(
        '/',
        '\\',
        '.',
        '..',
        '@',
        ':',
        '//',
        'http:',
        'evil.example',
        '\t',
        '\n',
        '%2F',
        '%5C',
        '?',
        '#',
        ' ',
      ),
      fc.string(),
    )
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        let location
        try {
          location = reply.localRedirect(parts.join('')).headers.get('location')!
        } catch (error) {
          expect(error).toMatchObject({ status: 400 })
          return
        }
        expect(new URL(location, 'https://here.example/a/b').origin).toBe('https://here.example')
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('reply.sse', () => {
  it('sends each field on its own line', async () => {
    const events: ServerSentEvent[] = [{ data: { a: 'b\nc' } }, { data: 1, event: 'tick', id: '7' }]
    expect(await reply.sse(events, { retry: 500 }).text()).toBe(
      'retry: 500\ndata: {"a":"b\\nc"}\n\nevent: tick\nid: 7\ndata: 1\n\n',
    )
  })

  it('fails if a field contains a line end', async () => {
    for (const end of ['\n', '\r', '\0']) {
      await expect(reply.sse([{ data: 1, id: `a${end}data: 2` }]).text()).rejects.toThrow()
      await expect(reply.sse([{ data: 1, event: `a${end}data: 2` }]).text()).rejects.toThrow()
    }
  })
})

describe('a streamed response', () => {
  it('requests an item when the client reads, and closes the iterator when the client cancels', async () => {
    const ended = vi.fn()
    let asked = 0
    async function* items() {
      try {
        for (;;) yield ++asked
      } finally {
        ended()
      }
    }
    const reader = reply.ndjson(items()).body!.getReader()
    expect(asked).toBe(0)
    await reader.read()
    expect(asked).toBe(1)
    await reader.cancel()
    expect(ended).toHaveBeenCalledTimes(1)
  })

  it('reports the error of its items once', async () => {
    const onError = vi.fn()
    const error = new Error('half way')
    const it = route('/').get(() =>
      reply.stream(
        (async function* () {
          yield 'a'
          throw error
        })(),
      ),
    )
    const response = await router({ it }, { onError }).fetch(new Request('http://test/'))
    expect(response.status).toBe(200)
    await expect(response.text()).rejects.toThrow()
    expect(onError.mock.calls.map(([error]) => error)).toEqual([error])
  })
})
