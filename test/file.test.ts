import { createReadStream, openAsBlob } from 'node:fs'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { serve, type Served } from '../src/hosts/node.js'
import { route, router } from '../src/index.js'
import * as reply from '../src/replies/index.js'
import type { FileBody, FileOptions } from '../src/replies/index.js'

const bytes = Uint8Array.from({ length: 100 }, (_, index) => index)
const changed = new Date('2026-03-01T12:00:00.500Z')
const date = 'Sun, 01 Mar 2026 12:00:00 GMT'
const dayBefore = 'Sat, 28 Feb 2026 12:00:00 GMT'
const dayAfter = 'Mon, 02 Mar 2026 12:00:00 GMT'

const request = (headers: Record<string, string> = {}, method = 'GET'): Request =>
  new Request('http://test/file', { method, headers })
const ask = (headers: Record<string, string>, options: FileOptions = {}, body: FileBody = bytes, method = 'GET') =>
  reply.file(request(headers, method), body, options) as Response
const numbers = async (response: Response): Promise<number[]> => [...new Uint8Array(await response.arrayBuffer())]

const sources: Record<string, () => FileBody> = {
  'a Uint8Array': () => bytes,
  'a Uint8Array within a longer buffer': () => {
    const buffer = new Uint8Array(120)
    buffer.set(bytes, 10)
    return buffer.subarray(10, 110)
  },
  'a DataView': () => new DataView(bytes.buffer),
  'an ArrayBuffer': () => bytes.slice().buffer,
  'a Blob': () => new Blob([bytes]),
  'a source of chunks': () => ({
    size: 100,
    *stream(start, end) {
      for (let at = start; at < end; at += 7) yield bytes.subarray(at, Math.min(at + 7, end))
    },
  }),
  'a source of a ReadableStream': () => ({
    size: 100,
    stream: (start, end) => new Blob([bytes.subarray(start, end)]).stream(),
  }),
}

describe('reply.file', () => {
  describe.each(Object.entries(sources))('from %s', (_name, toBody) => {
    it('responds with the whole file', async () => {
      const response = ask({}, {}, toBody())
      expect(response.status).toBe(200)
      expect(Object.fromEntries(response.headers)).toEqual({
        'accept-ranges': 'bytes',
        'content-length': '100',
        'content-type': 'application/octet-stream',
        'x-content-type-options': 'nosniff',
      })
      expect(await numbers(response)).toEqual([...bytes])
    })

    it('responds with a part of the file to a Range header', async () => {
      for (const [range, from, to] of [
        ['bytes=0-0', 0, 1],
        ['bytes=10-19', 10, 20],
        ['bytes=90-', 90, 100],
        ['bytes=90-1000', 90, 100],
        ['bytes=-5', 95, 100],
        ['bytes=-1000', 0, 100],
        ['Bytes= 1-2 ', 1, 3],
        [`bytes=0-${'9'.repeat(400)}`, 0, 100],
      ] as const) {
        const response = ask({ range }, {}, toBody())
        expect([range, response.status, response.headers.get('content-range')]).toEqual([
          range,
          206,
          `bytes ${from}-${to - 1}/100`,
        ])
        expect(response.headers.get('content-length')).toBe(String(to - from))
        expect(await numbers(response)).toEqual([...bytes.subarray(from, to)])
      }
    })

    it('responds to HEAD with the headers of GET, and ignores Range', async () => {
      const head = ask({ range: 'bytes=0-1' }, { lastModified: changed }, toBody(), 'HEAD')
      expect(head.status).toBe(200)
      expect(head.body).toBe(null)
      expect([...head.headers]).toEqual([...ask({}, { lastModified: changed }, toBody()).headers])
    })
  })

  it('responds with 416 to a range that begins after the end', async () => {
    for (const range of ['bytes=100-', 'bytes=100-200', 'bytes=-0', `bytes=${'9'.repeat(400)}-`]) {
      const response = ask({ range })
      expect([range, response.status, response.headers.get('content-range')]).toEqual([range, 416, 'bytes */100'])
      expect(await response.json()).toEqual({ title: 'Range Not Satisfiable', status: 416 })
    }
  })

  it('ignores malformed ranges, other units and multiple ranges', async () => {
    for (const range of [
      '',
      'bytes',
      'bytes=',
      'bytes=-',
      'bytes=5-4',
      'bytes=a-b',
      'bytes=1.5-2',
      'bytes=0x1-2',
      'bytes=1 -2',
      'lines=0-1',
      'bytes=0-1,5-6',
      'bytes=0-1, 200-',
      `bytes=${'0-,'.repeat(2_000)}0-`,
    ]) {
      const response = ask({ range })
      expect([range, response.status, response.headers.get('content-length')]).toEqual([range, 200, '100'])
    }
  })

  it('ignores ranges except for GET, and conditions except for GET and HEAD', async () => {
    for (const method of ['POST', 'PUT', 'QUERY']) {
      const response = ask({ range: 'bytes=0-1', 'if-none-match': '*' }, { etag: '"a"' }, bytes, method)
      expect([method, response.status, response.headers.get('accept-ranges')]).toEqual([method, 200, null])
      expect(await numbers(response)).toEqual([...bytes])
    }
    expect(ask({ 'if-none-match': '*' }, { etag: '"a"' }, bytes, 'HEAD').status).toBe(304)
  })

  it('responds for an empty file with an empty 200, and with 416 to bytes=0-', async () => {
    for (const [headers, status] of [
      [{}, 200],
      [{ range: 'bytes=-5' }, 200],
      [{ range: 'bytes=0-' }, 416],
    ] as const) {
      const response = ask(headers, {}, new Blob([]))
      expect([headers, response.status]).toEqual([headers, status])
      if (status === 200) expect(await response.text()).toBe('')
    }
  })

  it('sends Last-Modified, never later than now, and a weak ETag', () => {
    const { headers } = ask({}, { lastModified: changed })
    expect(headers.get('last-modified')).toBe(date)
    expect(headers.get('etag')).toMatch(/^W\/"[\da-z-]+"$/)
    const tags = [
      ask({}, { lastModified: changed }, bytes.subarray(1)),
      ask({}, { lastModified: changed.getTime() + 1 }),
      ask({}, { lastModified: changed }),
    ].map((response) => response.headers.get('etag'))
    expect(new Set(tags).size).toBe(3)
    expect(tags[2]).toBe(headers.get('etag'))
    expect(ask({}, { lastModified: changed, etag: '"a"' }).headers.get('etag')).toBe('"a"')
    expect(ask({}).headers.get('etag')).toBe(null)

    const future = ask({}, { lastModified: Date.now() + 3_600_000 }).headers.get('last-modified')!
    expect(Date.parse(future)).toBeLessThanOrEqual(Date.now())
  })

  it('sends the file name, as an attachment by default', () => {
    for (const [options, header] of [
      [{ name: 'a.txt' }, 'attachment; filename="a.txt"'],
      [{ name: 'a.txt', disposition: 'inline' }, 'inline; filename="a.txt"'],
      [{ disposition: 'attachment' }, 'attachment'],
      [{}, null],
    ] as const)
      expect(ask({}, options).headers.get('content-disposition')).toBe(header)
  })

  it('does not use the type of a Blob, because a client can set it', () => {
    const upload = new File(['<script>'], 'a.html', { type: 'text/html' })
    expect(ask({}, {}, upload).headers.get('content-type')).toBe('application/octet-stream')
    expect(ask({}, { type: 'image/png' }, upload).headers.get('content-type')).toBe('image/png')
    expect(ask({ range: 'bytes=0-1' }, {}, upload).headers.get('content-type')).toBe('application/octet-stream')
  })

  it('sends the given headers, and a 304 without Content-Language and Content-Type', () => {
    const headers = {
      'cache-control': 'public, max-age=60',
      vary: 'accept',
      'content-language': 'en',
      'content-location': '/a',
      'content-security-policy': 'sandbox',
      'x-content-type-options': 'other',
    }
    const options = { headers, etag: '"a"', name: 'a', type: 'text/plain' } as const
    expect(Object.fromEntries(ask({}, options).headers)).toMatchObject(headers)
    expect(Object.fromEntries(ask({ 'if-none-match': '"a"' }, options).headers)).toEqual({
      'accept-ranges': 'bytes',
      'cache-control': 'public, max-age=60',
      'content-location': '/a',
      'content-security-policy': 'sandbox',
      etag: '"a"',
      vary: 'accept',
      'x-content-type-options': 'other',
    })
    expect(ask({ 'if-match': '"b"' }, options).headers.get('cache-control')).toBe(null)
  })

  it('throws for invalid options', () => {
    expect(() => ask({}, { etag: 'abc' })).toThrow(`takes an etag with its quotes, such as '"abc"', not "abc"`)
    expect(() => ask({}, { etag: '"a"b"' })).toThrow(TypeError)
    expect(() => ask({}, { lastModified: new Date('never') })).toThrow('takes a Date as lastModified, not Invalid Date')
    expect(() => ask({}, { type: 'text/plain\r\nset-cookie: a=1' })).toThrow(TypeError)
    expect(() => ask({}, {}, { size: -1, stream: () => [] })).toThrow('-1')
    expect(() => ask({}, {}, {} as never)).toThrow(TypeError)
  })

  // https://www.rfc-editor.org/rfc/rfc9110#section-13.2.2
  describe('conditions', () => {
    const etag = '"a"'
    it.each<[headers: Record<string, string>, options: FileOptions, status: number]>([
      [{ 'if-match': '"a"' }, { etag }, 200],
      [{ 'if-match': '"b", "a"' }, { etag }, 200],
      [{ 'if-match': '*' }, {}, 200],
      [{ 'if-match': '"b"' }, { etag }, 412],
      [{ 'if-match': 'W/"a"' }, { etag }, 412],
      [{ 'if-match': 'W/"a"' }, { etag: 'W/"a"' }, 412],
      [{ 'if-match': '"a"' }, {}, 412],
      [{ 'if-match': '"a"', 'if-unmodified-since': dayBefore }, { etag, lastModified: changed }, 200],
      [{ 'if-match': '"b"', 'if-none-match': '"b"' }, { etag }, 412],
      [{ 'if-unmodified-since': date }, { lastModified: changed }, 200],
      [{ 'if-unmodified-since': dayBefore }, { lastModified: changed }, 412],
      [{ 'if-unmodified-since': dayBefore }, {}, 200],
      [{ 'if-unmodified-since': 'yesterday' }, { lastModified: changed }, 200],
      [{ 'if-none-match': '"a"' }, { etag }, 304],
      [{ 'if-none-match': 'W/"a"' }, { etag }, 304],
      [{ 'if-none-match': '"a"' }, { etag: 'W/"a"' }, 304],
      [{ 'if-none-match': '"b",W/"c" , "a"' }, { etag }, 304],
      [{ 'if-none-match': '"x,"a","' }, { etag: '","' }, 304],
      [{ 'if-none-match': '*' }, {}, 304],
      [{ 'if-none-match': '"b"' }, { etag }, 200],
      [{ 'if-none-match': 'a' }, { etag }, 200],
      [{ 'if-none-match': '"b"', 'if-modified-since': dayAfter }, { etag, lastModified: changed }, 200],
      [{ 'if-modified-since': date }, { lastModified: changed }, 304],
      [{ 'if-modified-since': dayAfter }, { lastModified: changed }, 304],
      [{ 'if-modified-since': dayBefore }, { lastModified: changed }, 200],
      [{ 'if-modified-since': dayAfter }, {}, 200],
      [{ 'if-modified-since': 'today' }, { lastModified: changed }, 200],
      [{ 'if-none-match': '"a"', range: 'bytes=0-1' }, { etag }, 304],
      [{ 'if-match': '"a"', range: 'bytes=0-1' }, { etag }, 206],
      [{ 'if-range': '"a"', range: 'bytes=0-1' }, { etag }, 206],
      [{ 'if-range': '"b"', range: 'bytes=0-1' }, { etag }, 200],
      [{ 'if-range': '"b"', range: 'bytes=900-' }, { etag }, 200],
      [{ 'if-range': 'W/"a"', range: 'bytes=0-1' }, { etag: 'W/"a"' }, 200],
      [{ 'if-range': date, range: 'bytes=0-1' }, { lastModified: changed }, 206],
      [{ 'if-range': dayAfter, range: 'bytes=0-1' }, { lastModified: changed }, 200],
      [{ 'if-range': dayBefore, range: 'bytes=0-1' }, { lastModified: changed }, 200],
      [{ 'if-range': '"a"' }, { etag }, 200],
    ])('%j with options %j lead to the status %i', (headers, options, status) => {
      expect(ask(headers, options).status).toBe(status)
    })

    it('do not match a Last-Modified date of the current second in If-Range', () => {
      const now = Date.now()
      const ifRange = new Date(now).toUTCString()
      vi.useFakeTimers({ now: Math.floor(now / 1_000) * 1_000 + 900 })
      try {
        expect(ask({ 'if-range': ifRange, range: 'bytes=0-1' }, { lastModified: now }).status).toBe(200)
        vi.setSystemTime(Math.floor(now / 1_000) * 1_000 + 1_000)
        expect(ask({ 'if-range': ifRange, range: 'bytes=0-1' }, { lastModified: now }).status).toBe(206)
      } finally {
        vi.useRealTimers()
      }
    })

    it('lead to the same status as a simple model of RFC 9110', () => {
      const tag = fc.record({ weak: fc.boolean(), opaque: fc.constantFrom('', 'a', 'b', 'W/', ',', 'ä') })
      const write = ({ weak, opaque }: { weak: boolean; opaque: string }): string => `${weak ? 'W/' : ''}"${opaque}"`
      const tags = fc.oneof(fc.constant('*' as const), fc.array(tag, { minLength: 1, maxLength: 3 }))
      const writeTags = (list: '*' | { weak: boolean; opaque: string }[]): string =>
        list === '*' ? '*' : list.map(write).join(', ')
      const day = fc.integer({ min: 1, max: 4 })
      const toDate = (number: number): Date => new Date(Date.UTC(2026, 2, number))
      const option = <value>(arbitrary: fc.Arbitrary<value>) => fc.option(arbitrary, { nil: undefined })

      fc.assert(
        fc.property(
          fc.record({
            method: fc.constantFrom('GET', 'HEAD'),
            tag: option(tag),
            day: option(day),
            ifMatch: option(tags),
            ifUnmodifiedSince: option(day),
            ifNoneMatch: option(tags),
            ifModifiedSince: option(day),
            ifRange: option(fc.oneof(tag, day)),
            range: option(fc.tuple(fc.nat(20), fc.nat(20))),
          }),
          (given) => {
            const headers: Record<string, string> = {}
            if (given.ifMatch) headers['if-match'] = writeTags(given.ifMatch)
            if (given.ifUnmodifiedSince) headers['if-unmodified-since'] = toDate(given.ifUnmodifiedSince).toUTCString()
            if (given.ifNoneMatch) headers['if-none-match'] = writeTags(given.ifNoneMatch)
            if (given.ifModifiedSince) headers['if-modified-since'] = toDate(given.ifModifiedSince).toUTCString()
            if (given.ifRange)
              headers['if-range'] =
                typeof given.ifRange === 'number' ? toDate(given.ifRange).toUTCString() : write(given.ifRange)
            if (given.range) headers['range'] = `bytes=${given.range[0]}-${given.range[1]}`

            // A file with a date but without a tag has a unique weak tag.
            const own = given.tag ?? (given.day ? { weak: true, opaque: 'its own' } : undefined)
            const includes = (list: '*' | { weak: boolean; opaque: string }[], strongly: boolean): boolean =>
              list === '*' ||
              list.some(({ weak, opaque }) => opaque === own?.opaque && !(strongly && (weak || own.weak)))
            const expected = ((): number => {
              if (given.ifMatch && !includes(given.ifMatch, true)) return 412
              if (!given.ifMatch && given.ifUnmodifiedSince && given.day && given.day > given.ifUnmodifiedSince)
                return 412
              if (given.ifNoneMatch && includes(given.ifNoneMatch, false)) return 304
              if (!given.ifNoneMatch && given.ifModifiedSince && given.day && given.day <= given.ifModifiedSince)
                return 304
              if (given.method === 'HEAD' || !given.range) return 200
              if (typeof given.ifRange === 'number' && given.ifRange !== given.day) return 200
              if (typeof given.ifRange === 'object' && !includes([given.ifRange], true)) return 200
              const [first, last] = given.range
              if (last < first) return 200
              return first < 10 ? 206 : 416
            })()
            const response = ask(
              headers,
              {
                ...(given.tag && { etag: write(given.tag) }),
                ...(given.day && { lastModified: toDate(given.day) }),
              },
              bytes.subarray(0, 10),
              given.method,
            )
            expect(response.status).toBe(expected)
          },
        ),
        { numRuns: 3_000 },
      )
    })

    it('and ranges lead to 200, 206, 304, 412 or 416 for any header values', async () => {
      const odd = fc.oneof(
        fc.constantFrom('*', '"a"', 'W/"a"', date, 'bytes=0-1', 'bytes=-0', ''),
        fc.string({ unit: fc.constantFrom(...'bytes=0123456789-,"W/a* \t;é') }),
      )
      await fc.assert(
        fc.asyncProperty(
          fc.record({ 'if-match': odd, 'if-none-match': odd, 'if-range': odd, range: odd }, { requiredKeys: [] }),
          async (headers) => {
            const response = ask(headers, { etag: '"a"', lastModified: changed })
            expect([200, 206, 304, 412, 416]).toContain(response.status)
            if (response.status === 200) expect(await numbers(response)).toEqual([...bytes])
            if (response.status === 206) {
              const [, first, last] = /^bytes (\d+)-(\d+)\/100$/.exec(response.headers.get('content-range')!)!
              expect(await numbers(response)).toEqual([...bytes.subarray(Number(first), Number(last) + 1)])
            }
          },
        ),
        { numRuns: 2_000 },
      )
    })
  })

  describe('from a source that is not in memory', () => {
    const app = (source: FileBody, errors: unknown[] = []) =>
      router(
        { file: route('/file').get((request) => reply.file(request, source)) },
        { onError: (error) => errors.push(error) },
      )

    it('is read only when the body is read, and only the requested part', async () => {
      const asked: unknown[] = []
      const source = {
        size: 100,
        *stream(start: number, end: number) {
          asked.push([start, end])
          yield bytes.subarray(start, end)
        },
      }
      await app(source).fetch(request({}, 'HEAD'))
      await app(source).fetch(request({ range: 'bytes=200-' }))
      expect(asked).toEqual([])
      const part = await app(source).fetch(request({ range: 'bytes=20-29' }))
      expect(await numbers(part)).toEqual([...bytes.subarray(20, 30)])
      expect(asked).toEqual([[20, 30]])
    })

    it('fails and reports an error if the number of bytes differs from its size', async () => {
      for (const [chunks, message] of [
        [[50, 49], 'the file has fewer bytes than its size of 100'],
        [[50, 51], 'the file has more bytes than its size of 100'],
        [[], 'the file has fewer bytes than its size of 100'],
        [[101], 'the file has more bytes than its size of 100'],
      ] as const) {
        const errors: unknown[] = []
        const source = { size: 100, stream: () => chunks.map((length) => new Uint8Array(length)) }
        const response = await app(source, errors).fetch(request())
        // An error in the first chunk is a 500, because nothing was sent yet.
        if (chunks.length < 2) expect(response.status).toBe(500)
        else await expect(response.arrayBuffer()).rejects.toThrow(message)
        expect(errors).toEqual([new Error(message)])
      }
    })

    it('responds with the reply that stream() throws, or with 500 for an error', async () => {
      for (const [error, status] of [
        [reply.notFound(), 404],
        [new Error('ENOENT'), 500],
      ] as const) {
        const source = {
          size: 100,
          async *stream(): AsyncGenerator<Uint8Array> {
            yield await Promise.reject<Uint8Array>(error)
          },
        }
        const response = await app(source, []).fetch(request())
        expect([response.status, response.headers.get('content-type')]).toEqual([status, 'application/problem+json'])
      }
    })

    it('is closed when the client cancels the body', async () => {
      let closed = false
      const source = {
        size: 100,
        async *stream() {
          try {
            for (;;) yield new Uint8Array(1)
          } finally {
            closed = true
          }
        },
      }
      const reader = (await app(source).fetch(request())).body!.getReader()
      await reader.read()
      await reader.cancel()
      expect(closed).toBe(true)
    })
  })

  describe('over a socket', () => {
    let directory: string
    let server: Served
    const content = Uint8Array.from({ length: 300_000 }, (_, index) => (index * 7) % 251)

    beforeAll(async () => {
      directory = await mkdtemp(join(tmpdir(), 'byway-file-'))
      const path = join(directory, 'file.bin')
      await writeFile(path, content)
      const fromStream = route('/stream').get(async (request) => {
        const { size, mtime } = await stat(path)
        const stream = (start: number, end: number) => createReadStream(path, { start, end: end - 1 })
        return reply.file(request, { size, stream }, { lastModified: mtime, etag: '"v1"', name: 'Größe.bin' })
      })
      const fromBlob = route('/blob').get(async (request) =>
        reply.file(request, await openAsBlob(path), { etag: '"v1"' }),
      )
      server = serve(router({ fromStream, fromBlob }), { port: 0, hostname: '127.0.0.1', signals: false })
      await server.ready
    })
    afterAll(async () => {
      await server.close()
      await rm(directory, { recursive: true })
    })

    it.each(['/stream', '/blob'])('%s responds with the whole file, a part, 304 and 416', async (path) => {
      const whole = await fetch(server.url + path)
      expect(whole.headers.get('content-length')).toBe('300000')
      expect(Buffer.compare(new Uint8Array(await whole.arrayBuffer()), content)).toBe(0)

      // A download that is resumed after it failed.
      const parts = [
        new Uint8Array(await (await fetch(server.url + path, { headers: { range: 'bytes=0-99999' } })).arrayBuffer()),
      ]
      const rest = await fetch(server.url + path, { headers: { range: 'bytes=100000-', 'if-range': '"v1"' } })
      expect([rest.status, rest.headers.get('content-range')]).toEqual([206, 'bytes 100000-299999/300000'])
      parts.push(new Uint8Array(await rest.arrayBuffer()))
      expect(Buffer.compare(Buffer.concat(parts), content)).toBe(0)

      const same = await fetch(server.url + path, { headers: { 'if-none-match': '"v1"' }, cache: 'no-store' })
      expect([same.status, await same.text()]).toEqual([304, ''])
      const head = await fetch(server.url + path, { method: 'HEAD' })
      expect([head.status, head.headers.get('content-length')]).toEqual([200, '300000'])
      expect((await fetch(server.url + path, { headers: { range: 'bytes=300000-' } })).status).toBe(416)
    })
  })
})
