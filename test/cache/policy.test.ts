import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  ageOf,
  expiresOf,
  stateOf,
  toCacheControl,
  toRefusal,
  toStoredHeaders,
  ttlOf,
  type State,
} from '../../src/cache/responses/policy.js'
import type { Entry } from '../../src/cache/stores/store.js'
import { parseCacheControl } from '../../src/headers/cache-control.js'

const begun = Date.UTC(2026, 2, 1)
const entry = (change: Partial<Entry> = {}): Entry => ({
  key: 'key',
  status: 200,
  headers: [],
  body: '',
  time: begun,
  revalidate: 60,
  expires: null,
  marks: [],
  ...change,
})

describe('toRefusal', () => {
  const refusal = (
    headers: Record<string, string> = {},
    { status = 200, statuses = [200], varied = [] as string[] } = {},
  ): string | undefined =>
    toRefusal({ status, headers: new Headers(headers) }, { statuses: new Set(statuses), varied: new Set(varied) })

  it('accepts a complete 200 without restricting headers', () => {
    for (const headers of [
      {},
      { 'content-type': 'application/json', etag: '"a"', 'x-any': 'thing' },
      { 'cache-control': 'public, max-age=60, must-revalidate, x-private, ext="no-store"' },
      { 'cache-control': 'max-age=0' },
      { 'content-type': 'text/event-streams' },
      { vary: '' },
      { vary: ' , ' },
    ])
      expect([headers, refusal(headers as Record<string, string>)]).toEqual([headers, undefined])
  })

  it('accepts other statuses that are allowed', () => {
    for (const status of [201, 203, 204, 301, 404, 410, 500]) {
      expect(refusal({}, { status })).toBe(`status ${status}`)
      expect(refusal({}, { status, statuses: [200, status] })).toBe(undefined)
    }
    expect(refusal({}, { status: 200, statuses: [404] })).toBe('status 200')
  })

  it('never accepts a 206, a 304 or an interim response, even if allowed', () => {
    for (const status of [0, 100, 101, 103, 206, 304])
      expect(refusal({}, { status, statuses: [status, 200] })).toBe(`status ${status}`)
  })

  it.each<[headers: Record<string, string>, why: string]>([
    [{ 'set-cookie': 'a=1' }, 'set-cookie'],
    [{ 'set-cookie': '' }, 'set-cookie'],
    [{ 'cache-control': 'no-store' }, 'no-store'],
    [{ 'cache-control': 'public, max-age=60, No-Store' }, 'no-store'],
    [{ 'cache-control': 'must-understand, no-store' }, 'no-store'],
    [{ 'cache-control': 'private' }, 'private'],
    [{ 'cache-control': 'private="set-cookie"' }, 'private'],
    [{ 'cache-control': 'private, max-age=60' }, 'private'],
    [{ 'cache-control': 'no-cache' }, 'no-cache'],
    [{ 'cache-control': 'no-cache="age, etag"' }, 'no-cache'],
    [{ 'cache-control': 'max-age=60; private' }, 'private'],
    [{ vary: '*' }, 'vary *'],
    [{ vary: 'accept-language, *' }, 'vary *'],
    [{ vary: 'Cookie' }, 'vary cookie'],
    [{ vary: 'accept-language,accept' }, 'vary accept'],
    [{ vary: 'accept language' }, 'vary accept language'],
    [{ 'content-type': 'text/event-stream' }, 'event-stream'],
    [{ 'content-type': 'Text/Event-Stream ; charset=utf-8' }, 'event-stream'],
  ])('rejects %j', (headers, why) => {
    expect(refusal(headers, { varied: ['accept-language'] })).toBe(why)
  })

  it('accepts a Vary whose names are in the key', () => {
    const varied = ['accept-language', 'origin']
    expect(refusal({ vary: 'Accept-Language , ORIGIN,' }, { varied })).toBe(undefined)
  })

  it('rejects no-store, private and no-cache among any other directives', () => {
    const token = fc
      .string({ unit: fc.constantFrom(...'abz-=",; \\'), maxLength: 20 })
      .filter((text) => !text.includes('"'))
    fc.assert(
      fc.property(token, fc.constantFrom('no-store', 'private', 'no-cache'), token, (before, directive, after) => {
        const header = `${before},${directive},${after}`
        expect(refusal({ 'cache-control': header })).toBe(directive)
      }),
    )
  })

  it('never throws for any headers', () => {
    const value = fc.string({ unit: fc.constantFrom(...'*,;="\\ \taé\u0001Z') })
    fc.assert(
      fc.property(value, value, value, (control, vary, type) => {
        const why = refusal({ 'cache-control': control, vary, 'content-type': type })
        if (why !== undefined) expect(why).toMatch(/^vary ./)
        else expect(vary.replace(/[,\s]/g, '')).toBe('')
      }),
    )
  })
})

const seconds = fc.oneof(fc.integer({ min: 0, max: 200 }), fc.constantFrom(0, 0.5, Infinity))
const windows = fc.record({ staleWhileRevalidate: seconds, staleIfError: seconds })
const order: readonly State[] = ['fresh', 'stale', 'error', 'expired']

describe('stateOf', () => {
  const at = (age: number, windows = { staleWhileRevalidate: 30, staleIfError: 300 }, change: Partial<Entry> = {}) =>
    stateOf(entry(change), begun + age * 1_000, windows)

  it('is fresh, then stale, then usable after errors, then expired, to the millisecond', () => {
    expect([0, 59.999, 60, 89.999, 90, 359.999, 360, 1e9].map((age) => at(age))).toEqual([
      'fresh',
      'fresh',
      'stale',
      'stale',
      'error',
      'error',
      'expired',
      'expired',
    ])
  })

  it('skips a window of length 0, and never leaves an infinite one', () => {
    expect([60, 360].map((age) => at(age, { staleWhileRevalidate: 0, staleIfError: 300 }))).toEqual([
      'error',
      'expired',
    ])
    expect([60, 90].map((age) => at(age, { staleWhileRevalidate: 30, staleIfError: 0 }))).toEqual(['stale', 'expired'])
    expect(at(60, { staleWhileRevalidate: 0, staleIfError: 0 })).toBe('expired')
    expect(at(1e9, { staleWhileRevalidate: Infinity, staleIfError: 0 })).toBe('stale')
    expect(at(1e9, { staleWhileRevalidate: 0, staleIfError: Infinity })).toBe('error')
  })

  it('is always fresh if revalidate is null, and never if it is 0', () => {
    expect(at(1e9, undefined, { revalidate: null })).toBe('fresh')
    expect(at(0, undefined, { revalidate: 0 })).toBe('stale')
  })

  it('is expired from its expires time on, also if revalidate is null', () => {
    for (const revalidate of [60, null]) {
      expect(at(9.999, undefined, { revalidate, expires: begun + 10_000 })).toBe('fresh')
      expect(at(10, undefined, { revalidate, expires: begun + 10_000 })).toBe('expired')
    }
  })

  it('is fresh for a clock that is behind by less than its lifetime, and expired for one that is far behind', () => {
    expect([-1, -59, -60, -90, -360].map((age) => at(age))).toEqual(['fresh', 'fresh', 'stale', 'error', 'expired'])
    expect(at(-1e9, undefined, { revalidate: null })).toBe('fresh')
  })

  it('never becomes fresher with time', () => {
    const revalidate = fc.oneof(fc.nat(200), fc.constant(null))
    const expires = fc.option(fc.nat(400_000).map((after) => begun + after))
    const ages = fc.array(fc.nat(500_000), { minLength: 2, maxLength: 10 })
    fc.assert(
      fc.property(windows, revalidate, expires, ages, (windows, revalidate, expires, ages) => {
        const states = ages
          .sort((one, other) => one - other)
          .map((age) => order.indexOf(stateOf(entry({ revalidate, expires }), begun + age, windows)))
        expect(states).toEqual(states.toSorted((one, other) => one - other))
      }),
    )
  })
})

describe('expiresOf', () => {
  it('returns the end of the last window', () => {
    expect(expiresOf(begun, 60, { staleWhileRevalidate: 30, staleIfError: 300 })).toBe(begun + 360_000)
    expect(expiresOf(begun, 60, { staleWhileRevalidate: 30, staleIfError: 0 })).toBe(begun + 90_000)
    expect(expiresOf(begun, 0.0001, { staleWhileRevalidate: 0, staleIfError: 0 })).toBe(begun + 1)
  })

  it('returns null if there is no end, or the time is out of range', () => {
    expect(expiresOf(begun, null, { staleWhileRevalidate: 0, staleIfError: 0 })).toBe(null)
    expect(expiresOf(begun, 60, { staleWhileRevalidate: Infinity, staleIfError: 0 })).toBe(null)
    expect(expiresOf(begun, 60, { staleWhileRevalidate: 0, staleIfError: Infinity })).toBe(null)
    expect(expiresOf(begun, 1e300, { staleWhileRevalidate: 0, staleIfError: 0 })).toBe(null)
  })

  it('returns the first millisecond in which the entry is expired', () => {
    fc.assert(
      fc.property(windows, fc.nat(1_000), (windows, revalidate) => {
        const expires = expiresOf(begun, revalidate, windows)
        const late = expires ?? begun + 1e12
        expect(stateOf(entry({ revalidate }), late - 1, windows) === 'expired').toBe(
          revalidate + Math.max(windows.staleIfError, windows.staleWhileRevalidate) === 0,
        )
        expect(stateOf(entry({ revalidate }), late, windows) === 'expired').toBe(expires !== null)
      }),
    )
  })
})

describe('ageOf and ttlOf', () => {
  it('return whole seconds', () => {
    const times = [0, 0.999, 1, 59.999, 60, 60.001, 100.5]
    expect(times.map((age) => ageOf(entry(), begun + age * 1_000))).toEqual([0, 0, 1, 59, 60, 60, 100])
    expect(times.map((age) => ttlOf(entry(), begun + age * 1_000))).toEqual([60, 59, 59, 0, 0, -1, -41])
  })

  it('treat an entry with a time in the future as new', () => {
    expect(ageOf(entry(), begun - 5_000)).toBe(0)
    expect(ttlOf(entry(), begun - 5_000)).toBe(60)
  })

  it('return undefined as the ttl of an entry whose revalidate is null', () => {
    expect(ttlOf(entry({ revalidate: null }), begun)).toBe(undefined)
  })

  it('are integers that agree with the state', () => {
    fc.assert(
      fc.property(fc.integer({ min: -100_000, max: 500_000 }), fc.nat(400), (age, revalidate) => {
        const one = entry({ revalidate })
        const ttl = ttlOf(one, begun + age)!
        expect([Number.isInteger(ttl), Number.isInteger(ageOf(one, begun + age))]).toEqual([true, true])
        expect(ageOf(one, begun + age)).toBeGreaterThanOrEqual(0)
        const state = stateOf(one, begun + Math.max(0, age), { staleWhileRevalidate: Infinity, staleIfError: 0 })
        if (ttl > 0) expect(state).toBe('fresh')
        if (ttl < 0) expect(state).toBe('stale')
      }),
    )
  })
})

describe('toCacheControl', () => {
  it('makes other caches revalidate their copy each time by default', () => {
    expect(toCacheControl(undefined, false)).toBe('public, max-age=0, must-revalidate')
    expect(toCacheControl(undefined, true)).toBe('private, max-age=0, must-revalidate')
  })

  it('lets shared caches reuse a response for the given seconds, unless it is private', () => {
    expect(toCacheControl(60, false)).toBe('public, max-age=0, s-maxage=60, must-revalidate')
    expect(toCacheControl(0.5, false)).toBe('public, max-age=0, s-maxage=0, must-revalidate')
    expect(toCacheControl(60, true)).toBe('private, max-age=0, must-revalidate')
  })

  it('can be parsed', () => {
    expect(Object.fromEntries(parseCacheControl(toCacheControl(60, false)))).toEqual({
      public: undefined,
      'max-age': '0',
      's-maxage': '60',
      'must-revalidate': undefined,
    })
  })
})

describe('toStoredHeaders', () => {
  it('removes connection headers, Set-Cookie, Cache-Status, Content-Length and Date', () => {
    const headers = new Headers({
      Connection: 'Close, X-Hop ,,',
      'X-Hop': '1',
      'Keep-Alive': 'timeout=5',
      'Proxy-Connection': 'close',
      TE: 'trailers',
      Trailer: 'x',
      'Transfer-Encoding': 'chunked',
      Upgrade: 'h2c',
      'Proxy-Authenticate': 'Basic',
      'Proxy-Authentication-Info': 'a=b',
      'Proxy-Authorization': 'Basic',
      'Set-Cookie': 'a=1',
      Age: '5',
      'Cache-Status': 'other; hit',
      'Content-Length': '99',
      Date: 'Sun, 01 Mar 2026 12:00:00 GMT',
      'Content-Type': 'text/plain',
      ETag: '"a"',
      'Last-Modified': 'Sun, 01 Mar 2026 12:00:00 GMT',
      'X-Any': 'ä',
    })
    expect(toStoredHeaders(headers, 'text')).toEqual([
      // The age at the upstream, to which the cache adds its own.
      ['age', '5'],
      ['content-type', 'text/plain'],
      ['etag', '"a"'],
      ['last-modified', 'Sun, 01 Mar 2026 12:00:00 GMT'],
      ['x-any', 'ä'],
    ])
  })

  it('has Content-Length only for bytes', () => {
    const headers = new Headers({ 'content-length': '99' })
    expect(toStoredHeaders(headers, new Uint8Array(3))).toEqual([['content-length', '3']])
    expect(toStoredHeaders(headers, new Uint8Array(0))).toEqual([])
    expect(toStoredHeaders(headers, 'äöü')).toEqual([])
  })
})
