import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromEntry, toEntityTag } from '../../src/cache/responses/from-entry.js'
import type { Entry } from '../../src/cache/stores/store.js'
import { route, router } from '../../src/index.js'

const date = 'Sun, 01 Mar 2026 12:00:00 GMT'
const dayBefore = 'Sat, 28 Feb 2026 12:00:00 GMT'
const dayAfter = 'Mon, 02 Mar 2026 12:00:00 GMT'
const etag = '"a"'
const text = 'Größe: 12 €, 😀!'
const bytes = new Uint8Array([...Array(50).keys(), 0xff, 0xfe])
const size = (body: Entry['body']): number => new Blob([body]).size
const extra = [
  ['age', '3'],
  ['cache-status', 'byway; hit; ttl=57'],
] as const

const entryOf = (change: Partial<Entry> = {}): Entry => ({
  key: 'key',
  status: 200,
  headers: [
    ['cache-control', 'public, max-age=0, must-revalidate'],
    ['content-language', 'de'],
    ['content-type', 'text/plain;charset=UTF-8'],
    ['etag', etag],
    ['last-modified', date],
    ['vary', 'accept-language'],
  ],
  body: text,
  time: 0,
  revalidate: 60,
  expires: null,
  marks: [],
  ...change,
})
const binary = entryOf({
  headers: [
    ['content-type', 'image/png'],
    ['etag', etag],
    ['content-length', String(bytes.length)],
  ],
  body: bytes,
})

const request = (headers: Record<string, string> = {}, method = 'GET'): Request =>
  new Request('http://test/a', { method, headers })
const ask = (headers: Record<string, string> = {}, entry = entryOf(), method = 'GET'): Response =>
  fromEntry(entry, request(headers, method), extra)
const numbers = async (response: Response): Promise<number[]> => [...new Uint8Array(await response.arrayBuffer())]
const encode = (body: Entry['body']): Uint8Array => (typeof body === 'string' ? new TextEncoder().encode(body) : body)

describe('fromEntry', () => {
  it('responds with the status, headers and body of the entry, and adds the given headers', async () => {
    const response = ask()
    expect(response.status).toBe(200)
    expect([...response.headers]).toEqual([...new Headers([...entryOf().headers, ...extra] as [string, string][])])
    expect(await response.text()).toBe(text)

    const image = ask({}, binary)
    expect(Object.fromEntries(image.headers)).toEqual({
      ...Object.fromEntries(extra),
      'content-length': '52',
      'content-type': 'image/png',
      etag,
    })
    expect(await numbers(image)).toEqual([...bytes])
  })

  it('does not change the entry if a response is changed', async () => {
    for (const entry of [entryOf(), binary]) {
      const before = structuredClone(entry)
      for (const headers of [{}, { range: 'bytes=1-3' }, { 'if-none-match': etag }, { 'if-match': '"b"' }] as const) {
        const response = ask(headers as Record<string, string>, entry)
        response.headers.set('x-outside', '1')
        response.headers.delete('etag')
        ;(await numbers(response)).fill(0)
        new Uint8Array(await ask(headers as Record<string, string>, entry).arrayBuffer()).fill(7)
      }
      expect(entry).toEqual(before)
      expect(await numbers(ask({}, entry))).toEqual([...encode(entry.body)])
    }
  })

  it('responds with the status of the entry, also if its body is empty', async () => {
    for (const [status, body] of [
      [204, ''],
      [204, new Uint8Array()],
      [200, ''],
      [200, new Uint8Array()],
      [404, 'no'],
      [301, ''],
    ] as const) {
      const response = ask({}, entryOf({ status, body }))
      expect([response.status, await response.text()]).toEqual([status, typeof body === 'string' ? body : ''])
    }
  })

  it('sends a 304 with Cache-Control, ETag, Last-Modified, Vary and the given headers', async () => {
    const response = ask({ 'if-none-match': etag })
    expect([response.status, response.body]).toEqual([304, null])
    expect(Object.fromEntries(response.headers)).toEqual({
      ...Object.fromEntries(extra),
      'cache-control': 'public, max-age=0, must-revalidate',
      etag,
      'last-modified': date,
      vary: 'accept-language',
    })
    expect(ask({ 'if-none-match': etag }, binary).headers.has('content-length')).toBe(false)
  })

  it('sends 412 and 416 as problems, without Age', async () => {
    for (const [headers, status, title] of [
      [{ 'if-match': '"b"' }, 412, 'Precondition Failed'],
      [{ range: 'bytes=900-' }, 416, 'Range Not Satisfiable'],
    ] as const) {
      const response = ask(headers)
      expect(await response.json()).toEqual({ title, status })
      expect(Object.fromEntries(response.headers)).toEqual({
        'content-type': 'application/problem+json',
        'x-content-type-options': 'nosniff',
        'cache-status': 'byway; hit; ttl=57',
        ...(status === 416 && { 'content-range': `bytes */${size(text)}` }),
      })
    }
  })

  it('responds with 206 to a range, and counts the bytes of a string body', async () => {
    for (const entry of [entryOf(), binary]) {
      const whole = encode(entry.body)
      for (const [range, from, to] of [
        ['bytes=0-0', 0, 1],
        ['bytes=3-6', 3, 7],
        ['bytes=5-', 5, whole.length],
        ['bytes=-4', whole.length - 4, whole.length],
        ['bytes=0-9999', 0, whole.length],
      ] as const) {
        const response = ask({ range }, entry)
        expect([range, response.status]).toEqual([range, 206])
        expect(Object.fromEntries(response.headers)).toEqual({
          ...Object.fromEntries(entry.headers),
          ...Object.fromEntries(extra),
          'content-range': `bytes ${from}-${to - 1}/${whole.length}`,
          'content-length': String(to - from),
        })
        expect(await numbers(response)).toEqual([...whole.subarray(from, to)])
      }
    }
  })

  it('responds with 206 only to GET, and only if the status of the entry is 200', async () => {
    const range = { range: 'bytes=0-1' }
    for (const status of [203, 404, 500]) {
      const response = ask(range, entryOf({ status }))
      expect([response.status, await response.text()]).toEqual([status, text])
    }
    expect(ask(range, entryOf(), 'HEAD').status).toBe(200)
    expect(ask({ range: 'bytes=900-' }, entryOf(), 'HEAD').status).toBe(200)
  })

  // https://www.rfc-editor.org/rfc/rfc9110#section-13.2.1
  it('evaluates conditions only for an entry with a 2xx status', () => {
    for (const headers of [{ 'if-none-match': '*' }, { 'if-match': '"b"' }, { 'if-modified-since': dayAfter }] as const)
      for (const status of [301, 404, 500])
        expect(ask(headers as Record<string, string>, entryOf({ status })).status).toBe(status)
    expect(ask({ 'if-none-match': '*' }, entryOf({ status: 204, body: '' })).status).toBe(304)
  })

  // https://www.rfc-editor.org/rfc/rfc9110#section-13.2.2, with the entity tag "a" and the date of 1 March.
  it.each<[headers: Record<string, string>, status: number, ofHead?: number]>([
    // 1: If-Match
    [{ 'if-match': '*' }, 200],
    [{ 'if-match': '"a"' }, 200],
    [{ 'if-match': '"b", "a"' }, 200],
    [{ 'if-match': '"b"' }, 412],
    [{ 'if-match': 'W/"a"' }, 412],
    // 2: If-Unmodified-Since, without If-Match
    [{ 'if-unmodified-since': date }, 200],
    [{ 'if-unmodified-since': dayAfter }, 200],
    [{ 'if-unmodified-since': dayBefore }, 412],
    [{ 'if-unmodified-since': 'yesterday' }, 200],
    [{ 'if-match': '"a"', 'if-unmodified-since': dayBefore }, 200],
    // 3: If-None-Match
    [{ 'if-none-match': '*' }, 304],
    [{ 'if-none-match': '"a"' }, 304],
    [{ 'if-none-match': 'W/"a"' }, 304],
    [{ 'if-none-match': '"b", W/"a"' }, 304],
    [{ 'if-none-match': '"b"' }, 200],
    [{ 'if-none-match': 'a' }, 200],
    [{ 'if-match': '"a"', 'if-none-match': '"a"' }, 304],
    [{ 'if-match': '"b"', 'if-none-match': '"a"' }, 412],
    [{ 'if-unmodified-since': dayBefore, 'if-none-match': '"a"' }, 412],
    // 4: If-Modified-Since, without If-None-Match
    [{ 'if-modified-since': date }, 304],
    [{ 'if-modified-since': dayAfter }, 304],
    [{ 'if-modified-since': dayBefore }, 200],
    [{ 'if-modified-since': 'today' }, 200],
    [{ 'if-none-match': '"b"', 'if-modified-since': dayAfter }, 200],
    // 5: Range and If-Range
    [{ range: 'bytes=0-1' }, 206, 200],
    [{ range: 'bytes=900-' }, 416, 200],
    [{ range: 'bytes=0-1,3-4' }, 200],
    [{ range: 'lines=0-1' }, 200],
    [{ range: 'bytes=0-1', 'if-range': '"a"' }, 206, 200],
    [{ range: 'bytes=0-1', 'if-range': '"b"' }, 200],
    [{ range: 'bytes=900-', 'if-range': '"b"' }, 200],
    [{ range: 'bytes=0-1', 'if-range': 'W/"a"' }, 200],
    [{ range: 'bytes=0-1', 'if-range': date }, 206, 200],
    [{ range: 'bytes=0-1', 'if-range': dayBefore }, 200],
    [{ range: 'bytes=0-1', 'if-range': dayAfter }, 200],
    [{ 'if-range': '"b"' }, 200],
    [{ range: 'bytes=0-1', 'if-none-match': '"a"' }, 304],
    [{ range: 'bytes=0-1', 'if-none-match': '"b"' }, 206, 200],
    [{ range: 'bytes=0-1', 'if-match': '"b"' }, 412],
    [{ range: 'bytes=900-', 'if-modified-since': date }, 304],
  ])('responds to %j with %i', async (headers, status, ofHead = status) => {
    expect([ask(headers).status, ask(headers, entryOf(), 'HEAD').status]).toEqual([status, ofHead])
  })

  it('matches an entry without ETag and Last-Modified only with *', () => {
    const bare = entryOf({ headers: [] })
    for (const [headers, status] of [
      [{ 'if-match': '*' }, 200],
      [{ 'if-match': '"a"' }, 412],
      [{ 'if-none-match': '*' }, 304],
      [{ 'if-none-match': '"a"' }, 200],
      [{ 'if-modified-since': dayAfter }, 200],
      [{ 'if-unmodified-since': dayBefore }, 200],
      [{ range: 'bytes=0-1' }, 206],
      [{ range: 'bytes=0-1', 'if-range': '"a"' }, 200],
      [{ range: 'bytes=0-1', 'if-range': date }, 200],
    ] as const)
      expect([headers, ask(headers as Record<string, string>, bare).status]).toEqual([headers, status])
  })

  it('matches a weak ETag in If-None-Match, but not in If-Match and If-Range', () => {
    const weak = entryOf({ headers: [['etag', 'W/"a"']] })
    expect(ask({ 'if-none-match': 'W/"a"' }, weak).status).toBe(304)
    expect(ask({ 'if-none-match': '"a"' }, weak).status).toBe(304)
    expect(ask({ 'if-match': 'W/"a"' }, weak).status).toBe(412)
    expect(ask({ range: 'bytes=0-1', 'if-range': 'W/"a"' }, weak).status).toBe(200)
  })

  it('responds to any range with the requested bytes, a 200 or a 416', async () => {
    const number = fc.oneof(fc.nat(30), fc.constant(undefined))
    const body = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.uint8Array({ maxLength: 25 }).map((array) => new Uint8Array(array)),
    )
    await fc.assert(
      fc.asyncProperty(body, number, number, async (body, first, last) => {
        const whole = [...encode(body)]
        const response = ask({ range: `bytes=${first ?? ''}-${last ?? ''}` }, entryOf({ body }))
        const isMalformed = first === undefined ? last === undefined : last !== undefined && last < first
        const part =
          first === undefined
            ? whole.slice(Math.max(0, whole.length - last!))
            : whole.slice(first, last === undefined ? undefined : last + 1)
        // The last bytes of an empty body are the whole body, so the response is a 200.
        const isWhole = isMalformed || (first === undefined && last! > 0 && whole.length === 0)
        expect(response.status).toBe(isWhole ? 200 : part.length === 0 ? 416 : 206)
        if (response.status !== 416) expect(await numbers(response)).toEqual(isWhole ? whole : part)
      }),
      { numRuns: 1_000 },
    )
  })

  it('responds with 200, 206, 304, 412 or 416 to any conditional headers', async () => {
    const odd = fc.oneof(
      fc.constantFrom('*', '"a"', 'W/"a"', date, 'bytes=0-1', 'bytes=-0', ''),
      fc.string({ unit: fc.constantFrom(...'bytes=0123456789-,"W/a* \t;é') }),
    )
    const names = [
      'if-match',
      'if-none-match',
      'if-modified-since',
      'if-unmodified-since',
      'if-range',
      'range',
    ] as const
    await fc.assert(
      fc.asyncProperty(
        fc.record(Object.fromEntries(names.map((name) => [name, odd])), { requiredKeys: [] }),
        fc.constantFrom(
          entryOf(),
          binary,
          entryOf({
            headers: [
              ['etag', 'odd'],
              ['last-modified', 'odd'],
            ],
          }),
        ),
        async (headers, entry) => {
          const response = ask(headers as Record<string, string>, entry)
          expect([200, 206, 304, 412, 416]).toContain(response.status)
          const whole = [...encode(entry.body)]
          if (response.status === 200) expect(await numbers(response)).toEqual(whole)
          if (response.status === 206) {
            const [, first, last] = /^bytes (\d+)-(\d+)\/\d+$/.exec(response.headers.get('content-range')!)!
            expect(await numbers(response)).toEqual(whole.slice(Number(first), Number(last) + 1))
          }
        },
      ),
      { numRuns: 1_000 },
    )
  })

  it('responds to HEAD as to GET, and keeps Content-Length when the router removes the body', async () => {
    for (const [entry, length] of [
      [entryOf(), String(size(text))],
      [binary, '52'],
    ] as const) {
      const app = router({ a: route('/a').get((request) => fromEntry(entry, request, extra)) })
      const head = await app.fetch(request({}, 'HEAD'))
      expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, length, ''])
      expect((await app.fetch(request({ 'if-none-match': etag }, 'HEAD'))).status).toBe(304)
    }
  })
})

describe('toEntityTag', () => {
  it('is the same for a body that is hashed synchronously and in another thread', async () => {
    for (const size of [0, 1, 65_535, 65_536, 65_537, 200_000]) {
      const bytes = new Uint8Array(size).fill(7)
      const hash = createHash('sha256').update(bytes).digest().subarray(0, 16).toString('base64url')
      expect(await toEntityTag(bytes), String(size)).toBe(`"${hash}"`)
    }
  })

  it('is 128 bits of the SHA-256 of the bytes, in quotes', async () => {
    // printf '' | openssl dgst -sha256 -binary | head -c 16 | basenc --base64url
    expect(await toEntityTag('')).toBe('"47DEQpj8HBSa-_TImW-5JA"')
    expect(await toEntityTag(text)).toBe(await toEntityTag(new TextEncoder().encode(text)))
  })

  it('is a strong tag that differs for other bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string(), fc.string(), async (one, other) => {
        const tags = [await toEntityTag(one), await toEntityTag(other)]
        for (const tag of tags) expect(tag).toMatch(/^"[\w-]{22}"$/)
        expect(tags[0] === tags[1]).toBe(one === other)
      }),
    )
  })
})
