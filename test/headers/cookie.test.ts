import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatSetCookie, parseCookie } from '../../src/headers/cookie.js'

// RFC 6265bis, section 5.8.3, in reverse: one step per line.
function naive(header: string): Map<string, string> {
  const values = new Map<string, string>()
  const trim = (text: string): string => text.replace(/^[ \t]+/, '').replace(/[ \t]+$/, '')
  for (const pair of header.split(';')) {
    const at = pair.indexOf('=')
    if (at === -1) continue
    const name = trim(pair.slice(0, at))
    if (!name || values.has(name)) continue
    let value = trim(pair.slice(at + 1))
    try {
      value = decodeURIComponent(value)
    } catch {}
    values.set(name, value)
  }
  return values
}

const headerText = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', 'b', '=', ';', ' ', '\t', '\u00a0', '\v', '%', '6', '1', '"', ',', '\\') }),
  fc
    .array(fc.tuple(fc.constantFrom('a', '__proto__', 'constructor', 'toString', '1', '', ' a'), fc.string()), {
      maxLength: 6,
    })
    .map((pairs) => pairs.map(([name, value]) => `${name}=${value}`).join(';')),
  fc.string({ unit: 'binary' }),
)

describe('parseCookie()', () => {
  it.each([
    ['a=1; b=2', { a: '1', b: '2' }],
    ['a=1; a=2', { a: '1' }],
    ['a=; a=2', { a: '' }],
    ['a=b=c', { a: 'b=c' }],
    ['%61=1', { '%61': '1' }],
    ['a=%20%E2%82%AC', { a: ' €' }],
    ['a=%zz', { a: '%zz' }],
    ['=1; a=2; lonely', { a: '2' }],
    [' \ta \t= \t1 \t; b=2', { a: '1', b: '2' }],
    ['\u00a0a=1', { '\u00a0a': '1' }],
    ['a="1 2"', { a: '"1 2"' }],
    ['a=1,b=2', { a: '1,b=2' }],
    ['', {}],
    ['=', {}],
    [';;;', {}],
  ])('parses %j', (header, values) => {
    expect(Object.fromEntries(parseCookie(header))).toEqual(values)
  })

  it('parses any header like a naive implementation of RFC 6265bis, and never throws', () => {
    fc.assert(
      fc.property(headerText, (header) => {
        const names = (values: Map<string, string>) => [...values].sort(([one], [other]) => (one < other ? -1 : 1))
        expect(names(parseCookie(header))).toEqual(names(naive(header)))
      }),
      { numRuns: 2000 },
    )
  })

  it('parses cookies named __proto__ and constructor without reading or changing Object.prototype', () => {
    const values = parseCookie('__proto__=x; constructor=y')
    expect([...values]).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ])
    expect(parseCookie('a=1').get('toString')).toBeUndefined()
    expect(({} as { x?: unknown }).x).toBeUndefined()
  })

  it('parses 100,000 invalid pairs in linear time', () => {
    const header = 'a;'.repeat(50_000) + '=;'.repeat(50_000) + 'b=1'
    expect(parseCookie(header).get('b')).toBe('1')
  })
})

describe('formatSetCookie()', () => {
  it('formats every attribute', () => {
    const line = formatSetCookie('a', 'b c', {
      path: '/x',
      domain: 'example.com',
      maxAge: 60,
      expires: new Date(0),
      httpOnly: true,
      secure: true,
      sameSite: 'none',
      partitioned: true,
      priority: 'high',
    })
    const [pair, ...attributes] = line.split('; ')
    expect(pair).toBe('a=b%20c')
    expect(attributes.sort()).toEqual([
      'Domain=example.com',
      'Expires=Thu, 01 Jan 1970 00:00:00 GMT',
      'HttpOnly',
      'Max-Age=60',
      'Partitioned',
      'Path=/x',
      'Priority=High',
      'SameSite=None',
      'Secure',
    ])
  })

  it('replaces half of a surrogate pair, which a client can send in JSON', () => {
    expect(formatSetCookie('a', 'b\ud800', {})).toBe('a=b%EF%BF%BD')
  })

  it.each<[string, Parameters<typeof formatSetCookie>, RegExp]>([
    ['an empty name', ['', '', {}], /a name can contain only letters/],
    ['a name with a separator', ['a(b)', '', {}], /a name can contain only letters/],
    ['a name with a non-ASCII character', ['é', '', {}], /a name can contain only letters/],
    ['a number as the value', ['a', 1 as never, {}], /a value must be a string, not number/],
    ['a missing value', ['a', undefined as never, {}], /a value must be a string, not undefined/],
    ['a misspelled option', ['a', '', { httponly: true } as never], /'httponly' is not a cookie option/],
    ['a flag that is a string', ['a', '', { secure: 'false' as never }], /'secure' must be true or false, not false/],
    ['a relative path', ['a', '', { path: 'x' }], /'path' must start with '\/'/],
    ['an empty path', ['a', '', { path: '' }], /'path' must start with '\/'/],
    ['a path with a semicolon', ['a', '', { path: '/;Domain=evil' }], /option path is invalid/],
    ['an empty domain', ['a', '', { domain: '' }], /'domain' must be a host name/],
    ['a domain with a path', ['a', '', { domain: 'a.example/x' }], /option domain is invalid/],
    ['a fraction of a second', ['a', '', { maxAge: 1.5 }], /maxAge is invalid/],
    ['a NaN maxAge', ['a', '', { maxAge: Number.NaN }], /maxAge is invalid/],
    ['an invalid date', ['a', '', { expires: new Date('x') }], /in the years 1601 to 9999/],
    ['a date that browsers cannot parse', ['a', '', { expires: 8.64e15 }], /in the years 1601 to 9999/],
    ['an unknown sameSite', ['a', '', { sameSite: 'Lax' as never }], /'sameSite' must be 'strict', 'lax' or 'none'/],
    ['sameSite none without secure', ['a', '', { sameSite: 'none' }], /must have the Secure attribute/],
    ['partitioned without secure', ['a', '', { partitioned: true }], /must have the Secure attribute/],
    ['__Secure- without secure', ['__Secure-a', '', {}], /a __Secure- cookie must be secure/],
    ['__secure- in lower case without secure', ['__secure-', '', {}], /a __secure- cookie must be secure/],
    ['__Host- with a path', ['__Host-a', '', { secure: true, path: '/x' }], /the path '\/' and no domain/],
    ['__Host- with a domain', ['__HOST-a', '', { secure: true, path: '/', domain: 'a.example' }], /no domain/],
    ['__Http- without httpOnly', ['__Http-a', '', { secure: true }], /must be httpOnly/],
    ['__Host-Http- with a path', ['__Host-Http-a', '', { secure: true, httpOnly: true, path: '/x' }], /no domain/],
    ['a name and value of more than 4096 bytes', ['a', 'x'.repeat(4096), {}], /longer than 4096 bytes/],
    ['a path of more than 1024 characters', ['a', '', { path: `/${'x'.repeat(1024)}` }], /at most 1024 characters/],
  ])('throws a TypeError for %s', (_, call, message) => {
    expect(() => formatSetCookie(...call)).toThrow(TypeError)
    expect(() => formatSetCookie(...call)).toThrow(message)
  })

  it('accepts a name and value of 4096 bytes together', () => {
    expect(formatSetCookie('a', 'x'.repeat(4095), { path: '/' })).toHaveLength(4097 + '; Path=/'.length)
  })

  it('adds no attribute or line for any name, value, path and domain', () => {
    const hostile = fc.string({
      unit: fc.constantFrom('a', '/', '.', ';', '=', ' ', ',', '\r', '\n', '\0', '\t', '"', 'é', '€', '\u2028', '😀'),
    })
    fc.assert(
      fc.property(hostile, hostile, hostile, hostile, (name, value, path, domain) => {
        let line
        try {
          line = formatSetCookie(name, value, { path: `/${path}`, domain })
        } catch (error) {
          expect(error).toBeInstanceOf(TypeError)
          return
        }
        expect(line).toMatch(/^[\x20-\x7e]*$/)
        const attributes = line.split(';').slice(1)
        expect(attributes.map((attribute) => attribute.trim().split('=')[0])).toEqual(['Domain', 'Path'])
        expect(new Headers([['set-cookie', line]]).getSetCookie()).toEqual([line.trim()])
      }),
      { numRuns: 3000 },
    )
  })
})
