import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatDate, parseDate } from '../../src/headers/date.js'

describe('parseDate()', () => {
  // https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7
  it('parses the three formats of RFC 9110', () => {
    for (const text of ['Sun, 06 Nov 1994 08:49:37 GMT', 'Sunday, 06-Nov-94 08:49:37 GMT', 'Sun Nov  6 08:49:37 1994'])
      expect([text, parseDate(text)]).toEqual([text, Date.UTC(1994, 10, 6, 8, 49, 37)])
  })

  it('expands a two-digit year to at most 50 years in the future', () => {
    const year = new Date().getUTCFullYear()
    for (const [ahead, expected] of [
      [0, year],
      [50, year + 50],
      [51, year + 51 - 100],
      [99, year - 1],
    ] as const) {
      const digits = String((year + ahead) % 100).padStart(2, '0')
      expect(new Date(parseDate(`Sunday, 06-Nov-${digits} 08:49:37 GMT`)!).getUTCFullYear()).toBe(expected)
    }
  })

  it('returns undefined for other formats and invalid dates', () => {
    for (const text of [
      '',
      '0',
      '1994',
      '1994-11-06T08:49:37Z',
      'Sun, 6 Nov 1994 08:49:37 GMT',
      'Sun, 06 Nov 1994 08:49:37',
      'Sun, 06 Nov 1994 08:49:37 CET',
      'Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT',
      'Sun, 31 Feb 1994 08:49:37 GMT',
      'Sun, 00 Nov 1994 08:49:37 GMT',
      'Sun, 06 Nov 1994 25:49:37 GMT',
      'Sun, 06 Foo 1994 08:49:37 GMT',
      'sun, 06 nov 1994 08:49:37 gmt',
    ])
      expect([text, parseDate(text)]).toEqual([text, undefined])
  })

  it('is the inverse of formatDate', () => {
    fc.assert(
      fc.property(fc.integer({ min: -30_000_000_000, max: 200_000_000_000 }), (seconds) => {
        expect(parseDate(formatDate(seconds * 1_000))).toBe(seconds * 1_000)
      }),
    )
  })

  it('returns undefined for any other string', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(parseDate(text)).toBe(undefined)
      }),
    )
  })
})
