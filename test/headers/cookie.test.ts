import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatSetCookie, parseCookie } from '../../src/headers/cookie.js'

// RFC 6265bis §5.8.3 read backwards, one step a line.
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

describe('parseCookie', () => {
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
  ])('reads %j', (header, values) => {
    expect(Object.fromEntries(parseCookie(header))).toEqual(values)
  })

  it('agrees with a naive reading of RFC 6265bis, whatever the header, and never throws', () => {
    fc.assert(
      fc.property(headerText, (header) => {
        const names = (values: Map<string, string>) => [...values].sort(([one], [other]) => (one < other ? -1 : 1))
        expect(names(parseCookie(header))).toEqual(names(naive(header)))
      }),
      { numRuns: 2000 },
    )
  })

  it('keeps names of Object.prototype apart from it', () => {
    const values = parseCookie('__proto__=x; constructor=y')
    expect([...values]).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ])
    expect(parseCookie('a=1').get('toString')).toBeUndefined()
    expect(({} as { x?: unknown }).x).toBeUndefined()
  })

  it('takes time that grows with the length of the header only', () => {
    const header = 'a;'.repeat(50_000) + '=;'.repeat(50_000) + 'b=1'
    expect(parseCookie(header).get('b')).toBe('1')
  })
})

describe('formatSetCookie', () => {
  it('writes every attribute', () => {
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

  it.each<[string, Parameters<typeof formatSetCookie>, RegExp]>([
    ['an empty name', ['', '', {}], /a name holds letters/],
    ['a name with a separator', ['a(b)', '', {}], /a name holds letters/],
    ['a name that is no ASCII', ['é', '', {}], /a name holds letters/],
    ['a value that is no string', ['a', 1 as never, {}], /a value is a string, not number/],
    ['a value without one', ['a', undefined as never, {}], /a value is a string, not undefined/],
    ['half of a surrogate pair', ['a', '\ud800', {}], /URI malformed/],
    ['a misspelled option', ['a', '', { httponly: true } as never], /no option 'httponly'/],
    ['a flag that is a string', ['a', '', { secure: 'false' as never }], /'secure' is true or false/],
    ['a relative path', ['a', '', { path: 'x' }], /a path starts with '\/'/],
    ['an empty path', ['a', '', { path: '' }], /a path starts with '\/'/],
    ['a path with a semicolon', ['a', '', { path: '/;Domain=evil' }], /option path is invalid/],
    ['an empty domain', ['a', '', { domain: '' }], /a domain is a host name/],
    ['a domain with a path', ['a', '', { domain: 'a.example/x' }], /option domain is invalid/],
    ['a fraction of a second', ['a', '', { maxAge: 1.5 }], /maxAge is invalid/],
    ['no number of seconds', ['a', '', { maxAge: Number.NaN }], /maxAge is invalid/],
    ['a date that is none', ['a', '', { expires: new Date('x') }], /between the years 1601 and 9999/],
    ['a date that browsers cannot read', ['a', '', { expires: 8.64e15 }], /between the years 1601 and 9999/],
    ['another sameSite', ['a', '', { sameSite: 'Lax' as never }], /'sameSite' is 'strict', 'lax' or 'none'/],
    ['sameSite none without secure', ['a', '', { sameSite: 'none' }], /must have the Secure attribute/],
    ['partitioned without secure', ['a', '', { partitioned: true }], /must have the Secure attribute/],
    ['__Secure- without secure', ['__Secure-a', '', {}], /a __Secure- cookie must be secure/],
    ['the bare prefix', ['__secure-', '', {}], /a __secure- cookie must be secure/],
    ['__Host- with a path', ['__Host-a', '', { secure: true, path: '/x' }], /the path '\/' and no domain/],
    ['__Host- with a domain', ['__HOST-a', '', { secure: true, path: '/', domain: 'a.example' }], /no domain/],
    ['__Http- for scripts', ['__Http-a', '', { secure: true }], /must be httpOnly/],
    ['__Host-Http- with a path', ['__Host-Http-a', '', { secure: true, httpOnly: true, path: '/x' }], /no domain/],
    ['more than browsers keep', ['a', 'x'.repeat(4096), {}], /over 4096 bytes/],
    ['more than fits in a path', ['a', '', { path: `/${'x'.repeat(1024)}` }], /a path starts with/],
  ])('refuses %s', (_, call, message) => {
    expect(() => formatSetCookie(...call)).toThrow(TypeError)
    expect(() => formatSetCookie(...call)).toThrow(message)
  })

  it('takes a name and value that are as long as browsers keep', () => {
    expect(formatSetCookie('a', 'x'.repeat(4095), { path: '/' })).toHaveLength(4097 + '; Path=/'.length)
  })

  it('lets no name, value, path or domain add an attribute or end the header', () => {
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
