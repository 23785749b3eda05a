import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatEntry, isEntry, parseEntry } from '../../src/cache/stores/entry-codec.js'
import type { Entry } from '../../src/cache/stores/store.js'
import { anyEntry } from '../contracts/store.js'

const entry: Entry = {
  key: 'key',
  status: 200,
  headers: [['content-type', 'text/plain']],
  body: 'Grüße 🎉',
  time: 1_000,
  revalidate: 60,
  expires: null,
  marks: [['t:a', 'v1']],
}

const overUtf8 = (text: string): string =>
  new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(new TextEncoder().encode(text))

describe('formatEntry and parseEntry', () => {
  it('return an equal entry for any entry, also after UTF-8 encoding', () => {
    fc.assert(
      fc.property(anyEntry(), (one) => {
        const text = overUtf8(formatEntry(one))
        expect(parseEntry(text)).toEqual(one)
      }),
    )
  })

  it('write a string body unchanged, after a line of metadata', () => {
    const [line, rest] = formatEntry(entry).split('\n') as [string, string]
    expect(line).toMatch(/^byway-entry 1 text \d+ 8$/)
    expect(rest.endsWith('}Grüße 🎉')).toBe(true)
  })

  it('return a Uint8Array with its own buffer, of any length', () => {
    const body = Uint8Array.from({ length: 200_000 }, (_, index) => index * 7)
    const parsed = parseEntry(formatEntry({ ...entry, body }))!
    expect(parsed.body).toEqual(body)
    expect((parsed.body as Uint8Array).buffer.byteLength).toBe(200_000)
  })

  it('write only the part of the buffer that a Uint8Array covers', () => {
    const body = new Uint8Array([1, 2, 3, 4]).subarray(1, 3)
    expect(parseEntry(formatEntry({ ...entry, body }))!.body).toEqual(new Uint8Array([2, 3]))
  })

  it('preserve lone surrogates and a byte order mark', () => {
    for (const body of ['\ud83d', 'a\udf89b', '\ufefftext', '\0'])
      expect(parseEntry(overUtf8(formatEntry({ ...entry, key: body, body })))).toEqual({ ...entry, key: body, body })
  })

  it('return undefined for every text that was cut or extended', () => {
    for (const body of ['Grüße 🎉', '', new Uint8Array([1, 2, 3, 4, 5])]) {
      const text = formatEntry({ ...entry, body })
      for (let end = 0; end < text.length; end++) expect(parseEntry(text.slice(0, end))).toBeUndefined()
      expect(parseEntry(`${text} `)).toBeUndefined()
      expect(parseEntry(` ${text}`)).toBeUndefined()
      expect(parseEntry(text + text)).toBeUndefined()
    }
  })

  it('return undefined for another version and for foreign data', () => {
    const text = formatEntry(entry)
    expect(parseEntry(text.replace('byway-entry 1', 'byway-entry 2'))).toBeUndefined()
    for (const foreign of ['', '{}', 'null', '\0\0\0\0', 'byway-entry 1 text 0 0\n', 'byway-entry 1 text 2 0\n{}'])
      expect(parseEntry(foreign)).toBeUndefined()
    for (const foreign of [undefined, null, 1, {}, [text]]) expect(parseEntry(foreign as never)).toBeUndefined()
  })

  it('return undefined for a body that is not base64', () => {
    const text = formatEntry({ ...entry, body: new Uint8Array([1, 2, 3]) })
    expect(parseEntry(text.replace(/....$/, '!!!!'))).toBeUndefined()
  })

  it('return an entry or undefined, and never throw, for damaged data', () => {
    const place = fc.tuple(fc.nat(), fc.string({ unit: 'binary', minLength: 1, maxLength: 4 }))
    fc.assert(
      fc.property(anyEntry(), fc.array(place, { minLength: 1, maxLength: 4 }), (one, places) => {
        let text = formatEntry(one)
        for (const [at, piece] of places) {
          const start = at % text.length
          text = text.slice(0, start) + piece + text.slice(start + piece.length)
        }
        const parsed = parseEntry(text)
        if (parsed) expect(() => new Headers(parsed.headers as [string, string][])).not.toThrow()
        expect(parsed === undefined || isEntry(parsed)).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  it('take time in proportion to the length', () => {
    const took = (length: number, body: string | Uint8Array<ArrayBuffer>): number => {
      const text = formatEntry({ ...entry, key: '"'.repeat(length), body })
      const start = process.cpuUsage()
      for (let run = 0; run < 3; run++) {
        expect(parseEntry(text)).toBeDefined()
        parseEntry(text.slice(0, -1))
        parseEntry('byway-entry 1 text '.repeat(length / 20))
      }
      return process.cpuUsage(start).user
    }
    for (const make of [(length: number) => 'x'.repeat(length), (length: number) => new Uint8Array(length)]) {
      took(1_000_000, make(1_000_000))
      const small = took(250_000, make(250_000))
      // Sixteen times as much would take 256 times as long, were it quadratic.
      expect(took(4_000_000, make(4_000_000))).toBeLessThan(80 * (small + 5_000))
    }
  })
})

describe('isEntry', () => {
  const wrong: Record<keyof Entry, readonly unknown[]> = {
    key: [undefined, null, 1, ['key']],
    status: [undefined, '200', 199, 600, 200.5, Number.NaN, 101],
    headers: [
      undefined,
      {},
      ['ab'],
      [['a']],
      [['a', 'b', 'c']],
      [['a', 1]],
      [['', 'b']],
      [['a b', 'c']],
      [['A', 'b']],
      [['a', 'b\nc: d']],
      [['a', 'b\0']],
      [['a', '€']],
    ],
    body: [undefined, null, 1, [1], { 0: 1 }, new ArrayBuffer(1)],
    time: [undefined, null, '1', Number.NaN, Number.POSITIVE_INFINITY],
    revalidate: [undefined, '60', false, Number.NaN, Number.POSITIVE_INFINITY],
    expires: [undefined, '60', false, Number.NaN, Number.POSITIVE_INFINITY],
    marks: [undefined, {}, ['ab'], [['a']], [['a', 1]], [['a', 'b', 'c']]],
  }

  it('is true for any entry', () => {
    fc.assert(fc.property(anyEntry(), (one) => void expect(isEntry(one)).toBe(true)))
  })

  it('is false for values that are not objects', () => {
    for (const value of [undefined, null, 1, 'entry', [], {}]) expect(isEntry(value)).toBe(false)
  })

  it.each(Object.entries(wrong))('is false if %s is invalid', (name, values) => {
    for (const value of values) {
      const one = { ...entry, [name]: value }
      expect(isEntry(one), String(value)).toBe(false)
      // JSON makes null of what is not finite, and the body does not pass through it.
      const passes = name !== 'body' && !(typeof value === 'number' && !Number.isFinite(value))
      if (passes) expect(parseEntry(formatEntry(one as Entry)), String(value)).toBeUndefined()
    }
  })
})
