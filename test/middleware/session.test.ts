import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { createCache } from '../../src/cache/index.js'
import { route, router } from '../../src/index.js'
import { memorySessions, session, type SessionOptions, type SessionStore } from '../../src/middleware/index.js'
import * as reply from '../../src/replies/index.js'
import { describeSessionStore } from '../contracts/session-store.js'

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

describeSessionStore('memorySessions()', () => memorySessions())

describe('memorySessions()', () => {
  it('deletes the oldest session above maxSessions', async () => {
    const store = memorySessions({ maxSessions: 2 })
    for (const id of ['a', 'b', 'c']) await store.create(id, id, Date.now() + 1_000)
    expect(await Promise.all(['a', 'b', 'c'].map((id) => store.get(id)))).toEqual([undefined, 'b', 'c'])
    expect(() => memorySessions({ maxSessions: 0 })).toThrow(RangeError)
  })
})

const User = z.object({ user: z.string(), since: z.coerce.date().optional() })
const secret = 'a'.repeat(32)
type Options = SessionOptions<typeof User>

const toApp = (options: Omit<Options, 'schema'>) => {
  const onError = vi.fn()
  const withSession = route.use(session({ schema: User, ...options }))
  const me = withSession('/').get((_request, { session }) => session.data?.user ?? null)
  const date = withSession('/date').get((_request, { session }) => session.data?.since instanceof Date)
  const login = withSession('/login/[user]').post(async (_request, { params, session }) => {
    await session.set({ user: params.user, since: new Date(0) })
    session.renew()
  })
  const change = withSession('/change/[user]').post(async (_request, { params, session }) => {
    await session.set({ user: params.user })
  })
  const logout = withSession('/logout').post((_request, { session }) => session.destroy())
  const flash = withSession('/flash')
    .post((_request, { session }) => session.flash('note', 'saved'))
    .get((_request, { session }) => session.takeFlash('note') ?? null)
  const thrown = withSession('/thrown').post(async (_request, { session }) => {
    await session.set({ user: 'thrown' })
    throw reply.seeOther('/')
  })
  const broken = withSession('/broken').post(async (_request, { session }): Promise<string> => {
    await session.set({ user: 'broken' })
    throw new Error('broken')
  })
  const wrong = withSession('/wrong').post(async (_request, { session }) => session.set({ user: 5 } as never))
  const app = router({ me, date, login, change, logout, flash, thrown, broken, wrong }, { onError })
  return { app, onError }
}

/** A browser with one cookie. */
function toBrowser(
  { app }: { app: { fetch: (request: Request) => Response | Promise<Response> } },
  name = '__Host-session',
) {
  let jar: string | undefined
  const send = async (path: string, method = 'GET', cookie = jar) => {
    const request = new Request(`https://test${path}`, {
      method,
      headers: cookie === undefined ? {} : { cookie: `${name}=${cookie}` },
    })
    const response = await app.fetch(request)
    const line = response.headers.getSetCookie().find((line) => line.startsWith(`${name}=`))
    if (line !== undefined) jar = /Max-Age=0/.test(line) ? undefined : line.slice(name.length + 1).split(';')[0]
    return response
  }
  return {
    send,
    value: async (path: string, cookie?: string) => (await send(path, 'GET', cookie ?? jar)).json(),
    jar: () => jar!,
  }
}

const kinds: [string, () => Omit<Options, 'schema'>][] = [
  ['in a cookie', () => ({ secrets: [secret] })],
  ['in a store', () => ({ store: memorySessions() })],
]

describe.each(kinds)('session() %s', (_name, options) => {
  it('keeps its data between requests', async () => {
    const browser = toBrowser(toApp(options()))
    expect(await browser.value('/')).toBeNull()
    const login = await browser.send('/login/ann', 'POST')
    expect(login.headers.get('set-cookie')).toMatch(
      /^__Host-session=[\w-]+; Max-Age=604800; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    )
    expect(await browser.value('/')).toBe('ann')
    expect(await browser.value('/date')).toBe(true)
    expect(browser.jar()).not.toContain('ann')
  })

  it('sends no cookie if nothing changed, and none to a client without a session', async () => {
    const browser = toBrowser(toApp(options()))
    expect((await browser.send('/')).headers.has('set-cookie')).toBe(false)
    await browser.send('/login/ann', 'POST')
    expect((await browser.send('/')).headers.has('set-cookie')).toBe(false)
  })

  it('ends with destroy()', async () => {
    const browser = toBrowser(toApp(options()))
    await browser.send('/login/ann', 'POST')
    const logout = await browser.send('/logout', 'POST')
    expect(logout.headers.get('set-cookie')).toContain('Max-Age=0')
    expect(await browser.value('/')).toBeNull()
    expect((await browser.send('/logout', 'POST')).headers.has('set-cookie')).toBe(false)
  })

  it('shows a flash message once', async () => {
    const browser = toBrowser(toApp(options()))
    await browser.send('/flash', 'POST')
    expect([await browser.value('/flash'), await browser.value('/flash')]).toEqual(['saved', null])
  })

  it('saves with a thrown Response, but not with the 500 for an error', async () => {
    const setup = toApp(options())
    const browser = toBrowser(setup)
    expect((await browser.send('/broken', 'POST')).status).toBe(500)
    expect(await browser.value('/')).toBeNull()
    expect((await browser.send('/thrown', 'POST')).status).toBe(303)
    expect(await browser.value('/')).toBe('thrown')
  })

  it('rejects data that does not match the schema', async () => {
    const { app, onError } = toApp(options())
    expect((await app.fetch(new Request('https://test/wrong', { method: 'POST' }))).status).toBe(500)
    expect(String(onError.mock.calls[0]![0])).toContain('matches the schema')
  })

  it('expires after maxAge without requests, and after absoluteMaxAge in any case', async () => {
    vi.useFakeTimers({ now: 0, toFake: ['Date'] })
    const browser = toBrowser(toApp({ ...options(), maxAge: 100, absoluteMaxAge: 250 }))
    await browser.send('/login/ann', 'POST')
    vi.setSystemTime(60_000)
    expect((await browser.send('/')).headers.get('set-cookie')).toContain('Max-Age=100')
    vi.setSystemTime(150_000)
    expect((await browser.send('/')).headers.get('set-cookie')).toContain('Max-Age=100')
    vi.setSystemTime(240_000)
    expect(await browser.value('/')).toBe('ann')
    vi.setSystemTime(251_000)
    expect(await browser.value('/')).toBeNull()
    vi.setSystemTime(300_000)
    await browser.send('/login/bob', 'POST')
    const idle = browser.jar()
    vi.setSystemTime(401_000)
    expect(await browser.value('/', idle)).toBeNull()
  })

  it('ignores any cookie value that it did not create', async () => {
    const setup = toApp(options())
    const browser = toBrowser(setup)
    await browser.send('/login/ann', 'POST')
    const good = browser.jar()
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string({ unit: fc.constantFrom(...'abcXYZ019-_=%.') }),
          fc
            .tuple(fc.nat(good.length - 1), fc.constantFrom(...'abcXYZ019-_'))
            .map(([at, by]) => good.slice(0, at) + by + good.slice(at + 1)),
          fc.nat(good.length).map((length) => good.slice(0, length)),
          fc.string().map((text) => good + encodeURIComponent(text.toWellFormed())),
        ),
        async (cookie) => {
          const response = await setup.app.fetch(
            new Request('https://test/', { headers: { cookie: `__Host-session=${cookie}` } }),
          )
          expect(response.status).toBe(200)
          if (cookie !== good) expect(await response.json()).toBeNull()
        },
      ),
      { numRuns: 300 },
    )
    expect(setup.onError).not.toHaveBeenCalled()
  })

  it('never serves the session data of one client to another from a cache', async () => {
    const cache = createCache()
    const withSession = route
      .use(session({ schema: User, ...options() }))
      .use(cache({ revalidate: 60, statuses: [200] }))
    const me = withSession('/').get((_request, { session }) => session.data?.user ?? null)
    const login = route
      .use(session({ schema: User, ...options() }))('/login')
      .post(async (_request, { session }) => session.set({ user: 'ann' }))
    const app = router({ me, login })
    const browser = toBrowser({ app })
    await browser.send('/')
    await browser.send('/login', 'POST')
    const other = toBrowser({ app })
    const mine = await browser.value('/')
    expect(await other.value('/')).toBeNull()
    expect(mine === 'ann' || mine === null).toBe(true)
  })

  it('makes a public response private if it sends a cookie', async () => {
    const it = route
      .use(session({ schema: User, ...options() }))('/')
      .get(async (_request, { session }) => {
        await session.set({ user: 'a' })
        return reply.text('x', { headers: { 'cache-control': 'public, s-maxage=60' } })
      })
    const response = await router({ it }).fetch(new Request('https://test/'))
    expect(response.headers.get('cache-control')).toBe('private, max-age=0, must-revalidate')
  })
})

describe('session({ secrets })', () => {
  it('decrypts with every secret of its list, and with no other', async () => {
    const old = toBrowser(toApp({ secrets: [secret] }))
    await old.send('/login/ann', 'POST')
    const both = toBrowser(toApp({ secrets: ['b'.repeat(32), secret] }))
    expect(await both.value('/', old.jar())).toBe('ann')
    const other = toBrowser(toApp({ secrets: ['b'.repeat(32)] }))
    expect(await other.value('/', old.jar())).toBeNull()
  })

  it('does not accept the value of another cookie', async () => {
    const one = toBrowser(toApp({ secrets: [secret], name: 'one' }), 'one')
    await one.send('/login/ann', 'POST')
    const two = toBrowser(toApp({ secrets: [secret], name: 'two' }), 'two')
    expect(await two.value('/', one.jar())).toBeNull()
  })

  it('throws an error that says what to do if the data is too large for a cookie', async () => {
    const { app, onError } = toApp({ secrets: [secret] })
    const response = await app.fetch(new Request(`https://test/login/${'x'.repeat(5_000)}`, { method: 'POST' }))
    expect(response.status).toBe(503)
    expect(String(onError.mock.calls[0]![0])).toContain('use session({ store })')
  })

  it('throws without a secret of 32 characters, with both or neither of secrets and store, and for invalid options', () => {
    for (const options of [{ secrets: [] }, { secrets: ['short'] }, {}, { secrets: [secret], store: memorySessions() }])
      expect(() => session({ schema: User, ...options })).toThrow(TypeError)
    expect(() => session({ schema: User, secrets: [secret], maxAge: 0 })).toThrow(TypeError)
    expect(() => session({ schema: User, secrets: [secret], name: '__Host-x', cookie: { path: '/a' } })).toThrow(
      TypeError,
    )
  })
})

describe('session({ store })', () => {
  it('renews the ID at login, and rejects the old ID', async () => {
    const setup = toApp({ store: memorySessions() })
    const attacker = toBrowser(setup)
    await attacker.send('/flash', 'POST')
    const planted = attacker.jar()
    const victim = toBrowser(setup)
    await victim.send('/login/ann', 'POST', planted)
    expect(victim.jar()).not.toBe(planted)
    expect(await attacker.value('/', planted)).toBeNull()
    const again = victim.jar()
    await victim.send('/login/ann', 'POST')
    expect(await attacker.value('/', again)).toBeNull()
    expect(await victim.value('/')).toBe('ann')
  })

  it('renews the ID of a session without data when the session is first written', async () => {
    const setup = toApp({ store: memorySessions() })
    const attacker = toBrowser(setup)
    await attacker.send('/flash', 'POST')
    const planted = attacker.jar()
    await toBrowser(setup).send('/change/ann', 'POST', planted)
    expect(await attacker.value('/', planted)).toBeNull()
  })

  it('stores another ID than the one in the cookie, so that a stolen store ID is useless', async () => {
    const ids = new Set<string>()
    const memory = memorySessions()
    const store: SessionStore = { ...memory, create: (id, ...rest) => (ids.add(id), memory.create(id, ...rest)) }
    const browser = toBrowser(toApp({ store }))
    await browser.send('/login/ann', 'POST')
    expect(ids.size).toBe(1)
    const [stolen] = ids
    expect(stolen).not.toBe(browser.jar())
    expect(await browser.value('/', stolen)).toBeNull()
  })

  it('does not restore a session that was destroyed during the request', async () => {
    const memory = memorySessions()
    let release: (() => void) | undefined
    const store: SessionStore = {
      ...memory,
      async update(...args) {
        await new Promise<void>((resolve) => (release = resolve))
        return memory.update(...args)
      },
    }
    const setup = toApp({ store })
    const browser = toBrowser(setup)
    await browser.send('/login/ann', 'POST')
    const cookie = browser.jar()
    const change = browser.send('/change/bob', 'POST')
    await vi.waitFor(() => expect(release).toBeDefined())
    await toBrowser(setup).send('/logout', 'POST', cookie)
    release!()
    expect((await change).headers.has('set-cookie')).toBe(false)
    expect(await browser.value('/', cookie)).toBeNull()
  })

  it.each(['get', 'create'] as const)('responds with a 503 and reports if %s fails', async (method) => {
    const store: SessionStore = { ...memorySessions(), [method]: () => Promise.reject(new Error('redis is down')) }
    const { app, onError } = toApp({ store })
    const headers = { cookie: `__Host-session=${'A'.repeat(43)}` }
    const response = await app.fetch(new Request('https://test/login/ann', { method: 'POST', headers }))
    expect(response.status).toBe(503)
    expect(response.headers.has('set-cookie')).toBe(false)
    expect(await response.text()).not.toContain('redis')
    expect(onError.mock.calls[0]![0]).toMatchObject({ message: 'redis is down' })
  })

  it('throws if the session is changed after the response', async () => {
    let late: unknown
    const it = route
      .use(session({ schema: User, store: memorySessions() }))('/')
      .get((_request, { session, after }) => {
        after(() => {
          try {
            session.renew()
          } catch (error) {
            late = error
          }
        })
        return 'x'
      })
    const app = router({ it })
    await app.fetch(new Request('https://test/'))
    await app.settled()
    expect(String(late)).toContain('after the response')
  })
})
