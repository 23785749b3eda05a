import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { middleware, route, router } from '../../src/index.js'
import * as reply from '../../src/replies/index.js'
import { cookies, type Cookies, type CookiesOptions } from '../../src/middleware/index.js'

const first = 'first-secret-'.padEnd(32, '1')
const second = 'second-secret-'.padEnd(32, '2')

/** Runs `use` as the handler of a GET behind `cookies(options)`. */
async function run(use: (jar: Cookies) => unknown, cookie?: string, options?: CookiesOptions): Promise<Response> {
  const onError = vi.fn()
  const app = router(
    {
      home: route('/')
        .use(cookies(options))
        .get((_request, { cookies }) => use(cookies) as never),
    },
    { onError },
  )
  return app.fetch(new Request('http://test/', cookie === undefined ? {} : { headers: { cookie } }))
}

/** Returns the `Cookie` header that a browser would send next: all cookies that were set and not deleted. */
function sentBack(response: Response): string {
  return response.headers
    .getSetCookie()
    .filter((line) => !/max-age=0/i.test(line))
    .map((line) => line.split(';')[0])
    .join('; ')
}

async function read(use: (jar: Cookies) => unknown, cookie?: string, options?: CookiesOptions): Promise<unknown> {
  const response = await run((jar) => reply.json(use(jar) ?? null), cookie, options)
  expect(response.status).toBe(200)
  return response.json()
}

describe('cookies(): reading', () => {
  it('returns the cookies of the request', async () => {
    const all = await read(
      (jar) => [
        jar.get('a'),
        jar.get('c') ?? null,
        jar.getAll(),
        jar.getAll('b'),
        jar.getAll('c'),
        jar.has('a'),
        jar.has('c'),
      ],
      'a=1; b=%E2%82%AC',
    )
    const [a, b] = [
      { name: 'a', value: '1' },
      { name: 'b', value: '€' },
    ]
    expect(all).toEqual([a, null, [a, b], [b], [], true, false])
  })

  it('returns nothing if the request has no cookies', async () => {
    expect(await read((jar) => [jar.getAll(), jar.has('__proto__'), jar.has('toString')])).toEqual([[], false, false])
  })

  it('returns cookies that were set, but not deleted ones', async () => {
    expect(
      await read((jar) => {
        jar.set('b', 'new')
        jar.set({ name: 'c', value: 'too', path: '/x' })
        jar.delete('a')
        return jar.getAll()
      }, 'a=1; b=2'),
    ).toEqual([
      { name: 'b', value: 'new' },
      { name: 'c', value: 'too' },
    ])
  })

  it('returns no cookie that was set with a past expiry', async () => {
    expect(
      await read((jar) => {
        jar.set('a', 'x', { maxAge: 0 })
        jar.set('b', 'x', { expires: 0 })
        jar.set('c', 'x', { expires: 0, maxAge: 60 })
        return jar.getAll()
      }, 'a=1; b=2'),
    ).toEqual([{ name: 'c', value: 'x' }])
  })

  it('does not read the header if no cookie is read', async () => {
    const request = new Request('http://test/', { headers: { cookie: 'a=1' } })
    const get = vi.spyOn(request.headers, 'get')
    const home = route('/')
      .use(cookies())
      .get(() => 'ok')
    expect((await home.GET(request)).status).toBe(200)
    expect(get).not.toHaveBeenCalled()
  })
})

describe('cookies(): setting', () => {
  it('sets secure attributes by default', async () => {
    const response = await run((jar) => jar.set('a', '1'))
    expect(response.status).toBe(204)
    expect(response.headers.getSetCookie()).toEqual(['a=1; Path=/; HttpOnly; Secure; SameSite=Lax'])
  })

  it('combines the options of the call with the defaults', async () => {
    const defaults = { secure: false, sameSite: 'strict', domain: 'a.example' } as const
    const response = await run(
      (jar) => {
        jar.set('a', '1', { httpOnly: false, path: '/x', maxAge: undefined })
        jar.set({ name: 'b', value: '2', secure: true, domain: undefined })
      },
      undefined,
      { defaults },
    )
    expect(response.headers.getSetCookie()).toEqual([
      'a=1; Domain=a.example; Path=/x; SameSite=Strict',
      'b=2; Domain=a.example; Path=/; HttpOnly; Secure; SameSite=Strict',
    ])
  })

  it('sends no header if nothing was set', async () => {
    const response = await run((jar) => jar.getAll(), 'a=1')
    expect(response.headers.has('set-cookie')).toBe(false)
  })

  it('sends only the last write for each name, path, domain and partition', async () => {
    const response = await run((jar) => {
      jar.set('a', '1')
      jar.set('a', '2', { path: '/x' })
      jar.set('a', '3', { domain: 'A.example' })
      jar.set('a', '4', { domain: '.a.EXAMPLE' })
      jar.set('a', '5', { partitioned: true })
      jar.set('a', '6')
    })
    expect(response.headers.getSetCookie().map((line) => line.split(';')[0])).toEqual(['a=6', 'a=2', 'a=4', 'a=5'])
  })

  it('deletes a cookie with the path and domain of the call', async () => {
    const response = await run((jar) => {
      jar.delete('a')
      jar.delete('b', { path: '/x', domain: 'a.example' })
      jar.delete({ name: '__Host-c', sameSite: 'none', partitioned: true })
    }, 'a=1')
    const lines = response.headers.getSetCookie()
    expect(lines).toEqual([
      'a=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax',
      'b=; Max-Age=0; Domain=a.example; Path=/x; HttpOnly; Secure; SameSite=Lax',
      '__Host-c=; Max-Age=0; Path=/; HttpOnly; Secure; Partitioned; SameSite=None',
    ])
  })

  it('clears the cookies of the request and those that were set', async () => {
    const response = await run((jar) => {
      jar.set('b', '2', { path: '/x' })
      jar.clear()
      return jar.getAll()
    }, 'a=1')
    expect(await response.json()).toEqual([])
    const lines = response.headers.getSetCookie()
    expect(lines.every((line) => /^(a|b)=; Max-Age=0;/.test(line))).toBe(true)
    expect(lines.some((line) => /^a=.*Path=\/;/.test(line))).toBe(true)
    expect(lines.some((line) => /^b=.*Path=\/x;/.test(line))).toBe(true)
  })

  it('throws a TypeError for a cookie that a browser would ignore', async () => {
    const thrown = await read((jar) => {
      try {
        jar.set('__Host-a', '1', { path: '/x' })
      } catch (error) {
        return [(error as Error).name, (error as Error).message, jar.has('__Host-a')]
      }
      return undefined
    })
    expect(thrown).toEqual([
      'TypeError',
      `the cookie "__Host-a" cannot be set: a __Host- cookie must have the path '/' and no domain`,
      false,
    ])
  })

  it('throws at definition for invalid defaults', () => {
    expect(() => cookies({ defaults: { sameSite: 'none', secure: false } })).toThrow(TypeError)
    expect(() => cookies({ defaults: { httponly: true } as never })).toThrow(/'httponly' is not a cookie option/)
  })

  it('throws if a cookie is set after the response', async () => {
    let late: unknown
    const home = route('/')
      .use(cookies())
      .get((_request, { cookies }) => {
        cookies.set('early', '1')
        setTimeout(() => {
          try {
            cookies.set('late', '1')
          } catch (error) {
            late = error
          }
        })
        return 'ok'
      })
    const response = await home.GET(new Request('http://test/'))
    await vi.waitFor(() => expect(late).toBeInstanceOf(Error))
    expect((late as Error).message).toContain("the cookie 'late' was set after the response")
    expect(sentBack(response)).toBe('early=1')
  })
})

describe('cookies(): responses', () => {
  it('sends private, max-age=0 instead of a public or s-maxage directive if it sets a cookie', async () => {
    const controls = [
      'public, max-age=0',
      'max-age=60, s-maxage=600',
      'PUBLIC',
      'max-age=60',
      'private, max-age=9',
      'no-store',
    ]
    const app = router(
      {
        set: route('/[control]').get((_request, { params, cookies }: any) => {
          cookies.set('a', 'b')
          return reply.json({}, { headers: { 'cache-control': params.control } })
        }),
        read: route('/read/[control]').get((_request, { params }) =>
          reply.json({}, { headers: { 'cache-control': params.control } }),
        ),
      },
      { use: [cookies()] },
    )
    const sent = await Promise.all(
      controls.map(async (control) => {
        const { headers } = await app.fetch(new Request(`http://test/${encodeURIComponent(control)}`))
        return headers.get('cache-control')
      }),
    )
    const own = 'private, max-age=0, must-revalidate'
    expect(sent).toEqual([own, own, own, 'max-age=60', 'private, max-age=9', 'no-store'])
    const { headers } = await app.fetch(new Request('http://test/read/public'))
    expect(headers.get('cache-control')).toBe('public')
  })

  const failed = vi.fn()
  const kinds = route
    .use(cookies())('/[kind]')
    .get((_request, { params, cookies }) => {
      cookies.set('a', '1')
      switch (params.kind) {
        case 'value':
          return { fine: true }
        case 'problem':
          return reply.notFound()
        case 'thrown':
          throw reply.unauthorized()
        case 'declared-500':
          return reply.problem(500)
        case 'native':
          return Response.redirect('http://test/elsewhere', 303)
        case 'undefined':
          // oxlint-disable-next-line no-throw-literal
          throw undefined
        default:
          throw new Error('unexpected')
      }
    })
  const app = router({ kinds }, { onError: failed })
  const get = async (kind: string, method = 'GET') => app.fetch(new Request(`http://test/${kind}`, { method }))

  it.each([
    ['value', 200],
    ['problem', 404],
    ['thrown', 401],
    ['declared-500', 500],
    ['native', 303],
  ])('sends cookies with a response of the kind %s', async (kind, status) => {
    const response = await get(kind)
    expect(response.status).toBe(status)
    expect(sentBack(response)).toBe('a=1')
    expect(sentBack(await get(kind, 'HEAD'))).toBe('a=1')
  })

  it.each(['error', 'undefined'])('sends no cookies with the 500 for a thrown %s', async (kind) => {
    failed.mockClear()
    const response = await get(kind)
    expect(response.status).toBe(500)
    expect(response.headers.has('set-cookie')).toBe(false)
    expect(failed).toHaveBeenCalledOnce()
  })

  it('sends cookies with a response that inner middleware created from an error', async () => {
    const mapped = middleware(async (_request, _context, next) => {
      const response = await next()
      return response.status === 500 ? reply.problem(503) : response
    })
    const home = route('/')
      .use(cookies())
      .use(mapped)
      .get((_request, { cookies }): string => {
        cookies.set('a', '1')
        throw new Error('unexpected')
      })
    const response = await home.GET(new Request('http://test/'))
    expect([response.status, sentBack(response)]).toEqual([503, 'a=1'])
  })

  it('adds to the Set-Cookie headers of the response', async () => {
    const response = await run((jar) => {
      jar.set('a', '1')
      return new Response('ok', { headers: { 'set-cookie': 'b=2; Path=/' } })
    })
    expect(sentBack(response)).toBe('b=2; a=1')
  })

  it('sends one header per cookie', async () => {
    const response = await run((jar) => {
      jar.set('a', '1')
      jar.set('b', '2')
    })
    expect([...response.headers].filter(([name]) => name === 'set-cookie')).toHaveLength(2)
  })
})

describe('cookies(): signed', () => {
  const secrets = [first]
  const write = async (name: string, value: string, options: CookiesOptions = { secrets }): Promise<string> =>
    sentBack(await run((jar) => jar.set(name, value), undefined, options))
  const valueOf = async (name: string, cookie: string, options: CookiesOptions = { secrets }): Promise<unknown> =>
    read((jar) => jar.get(name)?.value, cookie, options)

  it('return the value that was set', async () => {
    const cookie = await write('a', 'b.c')
    expect(cookie).toMatch(/^a=b\.c\.[\w-]{43}$/)
    expect(await valueOf('a', cookie)).toBe('b.c')
  })

  it('are HMAC-SHA-256 of name=value, by the first secret', async () => {
    const { createHmac } = await import('node:crypto')
    const signature = createHmac('sha256', first).update('a=€').digest('base64url')
    expect(await write('a', '€', { secrets: [first, second] })).toBe(`a=%E2%82%AC.${signature}`)
  })

  it('are verified by every secret of the rotation, and by no other', async () => {
    const old = await write('a', '1')
    expect(await valueOf('a', old, { secrets: [second, first] })).toBe('1')
    expect(await valueOf('a', old, { secrets: [second] })).toBeNull()
  })

  it('are ignored if the signature is missing, invalid or of another name', async () => {
    const cookie = await write('a', '1')
    const signature = cookie.slice('a=1.'.length)
    for (const forged of ['1', '', '.', '1.', `2.${signature}`, `1.${'A'.repeat(43)}`, signature, `1..${signature}`])
      expect(await valueOf('a', `a=${forged}`)).toBeNull()
    expect(await valueOf('b', `b=1.${signature}`)).toBeNull()
    expect(await read((jar) => [jar.getAll(), jar.has('a')], 'a=1; c=2', { secrets })).toEqual([[], false])
  })

  it('are not signed if listed in unsigned, nor if deleted', async () => {
    const options = { secrets, unsigned: ['theme'] }
    expect(await write('theme', 'dark', options)).toBe('theme=dark')
    expect(await valueOf('theme', 'theme=light', options)).toBe('light')
    const response = await run((jar) => jar.delete('a'), undefined, options)
    expect(response.headers.getSetCookie()).toEqual(['a=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax'])
  })

  it('can have 4096 bytes including the signature', async () => {
    expect(await write('a', 'x'.repeat(4051))).toHaveLength(4097)
    const thrown = await read(
      (jar) => {
        try {
          jar.set('a', 'x'.repeat(4052))
        } catch (error) {
          return (error as Error).message
        }
        return undefined
      },
      undefined,
      { secrets },
    )
    expect(thrown).toContain('longer than 4096 bytes')
  })

  it('need secrets of at least 32 characters', () => {
    for (const secrets of [[], ['short'], [first, ''], [undefined as never]])
      expect(() => cookies({ secrets })).toThrow(/at least 32 characters/)
    expect(() => cookies({ unsigned: ['a'] })).toThrow(/needs secrets/)
  })

  it('are ignored if any character has changed', async () => {
    const cookie = await write('a', 'admin0')
    await fc.assert(
      fc.asyncProperty(fc.nat(cookie.length - 3), fc.constantFrom(...'abcXYZ019-_.%'), async (offset, character) => {
        const at = offset + 2
        const forged = cookie.slice(0, at) + character + cookie.slice(at + 1)
        fc.pre(character !== cookie[at])
        expect(await valueOf('a', forged)).toBeNull()
      }),
      { numRuns: 500 },
    )
  })
})

describe('cookies(): properties', () => {
  const name = fc
    .string({ unit: fc.constantFrom(..."abcXYZ019!#$%&'*+-.^_`|~"), minLength: 1, maxLength: 20 })
    .filter((name) => !/^__(host|secure|http)/i.test(name))
  const value = fc.string({ unit: 'grapheme', maxLength: 60 })

  it.each([[undefined], [{ secrets: [second, first] }]])('returns any value that was set, with %j', async (options) => {
    await fc.assert(
      fc.asyncProperty(name, value, async (name, value) => {
        const cookie = sentBack(await run((jar) => jar.set(name, value), undefined, options))
        expect(await read((jar) => jar.get(name), cookie, options)).toEqual({ name, value })
      }),
      { numRuns: 150 },
    )
  })

  it('responds to any Cookie header without an error', async () => {
    const bytes = fc.string({ unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)) })
    await fc.assert(
      fc.asyncProperty(bytes, fc.boolean(), async (cookie, signed) => {
        await read((jar) => jar.getAll(), cookie, signed ? { secrets: [first] } : {})
      }),
      { numRuns: 200 },
    )
  })
})
