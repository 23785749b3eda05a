import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatCacheControl, parseCacheControl } from '../../src/headers/cache-control.js'

const parse = (header: string): Record<string, string | undefined> => Object.fromEntries(parseCacheControl(header))
const longest = 4_096

describe('parseCacheControl()', () => {
  // https://www.rfc-editor.org/rfc/rfc9111#section-5.2
  it.each<[header: string, directives: Record<string, string | undefined>]>([
    ['', {}],
    [' , ,, ', {}],
    ['no-store', { 'no-store': undefined }],
    ['public, max-age=60', { public: undefined, 'max-age': '60' }],
    ['Public ,\tMAX-AGE=60', { public: undefined, 'max-age': '60' }],
    ['max-age="60"', { 'max-age': '60' }],
    ['max-age="6\\0"', { 'max-age': '60' }],
    ['max-age=007', { 'max-age': '7' }],
    ['no-cache="Set-Cookie, age", no-store', { 'no-cache': 'Set-Cookie, age', 'no-store': undefined }],
    ['private=x', { private: 'x' }],
    ['community="U\\"C\\\\I", x-1=a!b', { community: 'U"C\\I', 'x-1': 'a!b' }],
    ['ext=""', { ext: '' }],
    [
      '__proto__=1, constructor',
      Object.fromEntries([
        ['__proto__', '1'],
        ['constructor', undefined],
      ]),
    ],
    ['public, public', { public: undefined }],
    ['max-age=1, max-age=1', { 'max-age': '1' }],
  ])('parses %j', (header, directives) => {
    expect(parse(header)).toEqual(directives)
  })

  // https://www.rfc-editor.org/rfc/rfc9111#section-4.2.1: "encouraged to consider responses … to be stale".
  it.each<[header: string]>([
    ['max-age'],
    ['max-age='],
    ['max-age=,'],
    ['max-age=-1'],
    ['max-age=+1'],
    ['max-age=1.5'],
    ['max-age=1e3'],
    ['max-age=0x10'],
    ['max-age=sixty'],
    ['max-age=٦'],
    ['max-age=60 60'],
    ['max-age=60;'],
    ['max-age = 60'],
    ['max-age =60'],
    ['max-age= 60'],
    ['max-age="60'],
    ['max-age="60"0'],
    ['max-age=" 60"'],
    ["max-age='60'"],
    ['"max-age=60'],
    ['\u0000 max-age=60'],
    ['max-age=60, max-age=61'],
    ['max-age=60, max-age=nothing'],
    ['max-age, max-age=60'],
  ])('parses the malformed lifetime in %j as 0', (header) => {
    expect(parse(header)['max-age']).toBe('0')
  })

  it('limits lifetimes to 2³¹ seconds', () => {
    for (const seconds of ['2147483648', '2147483649', '9'.repeat(400)])
      expect(parse(`max-age=${seconds}, s-maxage=${seconds}`)).toEqual({
        'max-age': '2147483648',
        's-maxage': '2147483648',
      })
  })

  it.each([
    'max-age=60; no-store',
    'max-age 60 no-store',
    '"no-store"',
    'ext="never closed, no-store',
    'ext="\u0000", no-store',
    '=, no-store',
    'é no-store',
    'no-store = 1',
    'no-store="',
    'no-store no-store',
    'NO-STORE;',
    'x'.repeat(longest + 1),
    `${','.repeat(longest)}public`,
  ])('finds no-store next to malformed directives: %j', (header) => {
    expect(parseCacheControl(header).has('no-store')).toBe(true)
  })

  it('parses a header of 4096 characters', () => {
    const header = `${','.repeat(longest - 6)}public`
    expect(parse(header)).toEqual({ public: undefined })
  })

  it('finds a directive between any malformed characters', () => {
    const malformed = fc.string({ unit: fc.constantFrom(...'="\\,; \t\u0000é()'), maxLength: 40 })
    fc.assert(
      fc.property(malformed, malformed, (before, after) => {
        // A name in a quoted string is not a directive.
        fc.pre(!before.includes('"'))
        fc.pre(!before.endsWith('='))
        expect(parseCacheControl(`${before}private${after}`).has('private')).toBe(true)
      }),
    )
  })

  it('parses any string to tokens, and a malformed lifetime to 0', () => {
    const header = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom(...'max-age=019",\\ ;='), maxLength: 200 }),
    )
    fc.assert(
      fc.property(header, (text) => {
        for (const [name, argument] of parseCacheControl(text)) {
          expect(name).toMatch(/^[!#$%&'*+\-.^_`|~\da-z]+$/)
          if (name === 'max-age') expect(text).toContain(argument === '0' ? '' : argument)
        }
      }),
      { numRuns: 2_000 },
    )
  })

  it('parses repeated fragments in linear time', () => {
    for (const part of ['a="', 'a="\\', '"', '\\"', 'a=', ' ', 'a="\u0000', 'a,', '\\\\"']) {
      const header = part.repeat(longest).slice(0, longest)
      const start = process.cpuUsage()
      for (let run = 0; run < 20; run++) parseCacheControl(header)
      expect([part, process.cpuUsage(start).user < 500_000]).toEqual([part, true])
    }
  })
})

describe('formatCacheControl()', () => {
  it('formats tokens unquoted, and field names and other strings quoted', () => {
    expect(
      formatCacheControl([
        ['public'],
        ['max-age', 60],
        ['no-cache', 'set-cookie'],
        ['private', 'a, b'],
        ['community', 'U"C\\I'],
        ['ext', ''],
      ]),
    ).toBe('public, max-age=60, no-cache="set-cookie", private="a, b", community="U\\"C\\\\I", ext=""')
  })

  it('throws a TypeError for names and arguments that a header cannot contain', () => {
    for (const name of ['', 'a b', 'a=', 'a,b', 'ä', 'a\n'])
      expect(() => formatCacheControl([[name]])).toThrow(TypeError)
    for (const argument of ['a\r\nset-cookie: b', '\u0000', '€', '\u007f'])
      expect(() => formatCacheControl([['ext', argument]])).toThrow(TypeError)
  })

  const name = fc.string({ unit: fc.constantFrom(..."abz09!#$%&'*+-.^_`|~"), minLength: 1, maxLength: 12 })
  const argument = fc.option(fc.string({ unit: fc.constantFrom(...'abz09 \t",;=\\~ÿé'), maxLength: 12 }), {
    nil: undefined,
  })

  it('is the inverse of parseCacheControl', () => {
    fc.assert(
      fc.property(fc.dictionary(name, argument, { noNullPrototype: true }), fc.nat(2 ** 31), (others, seconds) => {
        const directives = new Map([...Object.entries(others), ['max-age', String(seconds)] as const])
        expect([...parseCacheControl(formatCacheControl(directives))]).toEqual([...directives])
      }),
    )
  })

  it('formats any result of parseCacheControl', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'max-age=019",\\ ;=é\u0000') }), (header) => {
        const directives = parseCacheControl(header)
        expect([...parseCacheControl(formatCacheControl(directives))]).toEqual([...directives])
      }),
      { numRuns: 1_000 },
    )
  })
})
