import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { href, PatternError, rewrites, route, router } from '../src/index.js'
import { parsePattern } from '../src/pattern.js'

// The grammar as test cases, the same as in test-d/pattern.test-d.ts.
const valid: readonly (readonly [pattern: string, segments: string])[] = [
  ['/', ''],
  ['/items', 'static items'],
  ['/items/new', 'static items, static new'],
  ['/[slug]', 'param slug'],
  ['/items/[slug]', 'static items, param slug'],
  ['/[a]/[b]', 'param a, param b'],
  ['/items/[slug]/photo', 'static items, param slug, static photo'],
  ['/files/[...path]', 'static files, catch-all path'],
  ['/[...path]', 'catch-all path'],
  ['/docs/[[...path]]', 'static docs, optional-catch-all path'],
  ['/[[...path]]', 'optional-catch-all path'],
  ['/[lang]/docs/[[...path]]', 'param lang, static docs, optional-catch-all path'],
  ['/[item-id]', 'param item-id'],
  ['/[item_id$2]', 'param item_id$2'],
  ['/[größe]', 'param größe'],
  ['/[constructor]', 'param constructor'],
  ['/v1.0/a-b_c~d', 'static v1.0, static a-b_c~d'],
  ['/a+b/@me/x=1;y,z', 'static a+b, static @me, static x=1;y,z'],
  ['/caf%C3%A9', 'static café'],
  ['/café', 'static café'],
  ['/a%20b', 'static a b'],
  ['/...', 'static ...'],
  ['/.well-known/a', 'static .well-known, static a'],
  ['/a:b/c*', 'static a:b, static c*'],
]

const invalid: readonly (readonly [pattern: string, mistake: string, caret: number])[] = [
  ['', 'a pattern must start with /', 0],
  ['items', 'a pattern must start with /', 0],
  ['[slug]', 'a pattern must start with /', 0],
  ['https://example.com/items', 'a pattern must start with /', 0],
  ['/items/', 'a pattern must not end with /', 6],
  ['/[slug]/', 'a pattern must not end with /', 7],
  ['/[...path]/', 'a pattern must not end with /', 10],
  ['//', 'a segment must not be empty', 1],
  ['//items', 'a segment must not be empty', 1],
  ['/items//new', 'a segment must not be empty', 7],
  ['/[...path]//new', 'a segment must not be empty', 11],
  ['/files/[...path]/meta', 'a catch-all segment must come last', 7],
  ['/files/[...path]/[id]', 'a catch-all segment must come last', 7],
  ['/docs/[[...path]]/edit', 'a catch-all segment must come last', 6],
  ['/[...a]/[...b]', 'a catch-all segment must come last', 1],
  ['/[]', "a param cannot be named ''; use letters, digits, - and _", 2],
  ['/items/[]', "a param cannot be named ''; use letters, digits, - and _", 8],
  ['/[...]', "a param cannot be named ''; use letters, digits, - and _", 5],
  ['/[[...]]', "a param cannot be named ''; use letters, digits, - and _", 6],
  ['/[a]/[a]', "the pattern has the param 'a' twice", 5],
  ['/[a]/b/[...a]', "the pattern has the param 'a' twice", 7],
  ['/[a b]', "a param cannot be named 'a b'; use letters, digits, - and _", 2],
  ['/[a?]', "a param cannot be named 'a?'; use letters, digits, - and _", 2],
  ['/[...a.b]', "a param cannot be named 'a.b'; use letters, digits, - and _", 5],
  ['/[__proto__]', "a param cannot be named '__proto__'; use letters, digits, - and _", 2],
  ['/items/:slug', 'write [slug] instead of :slug', 7],
  ['/:', 'write [name] instead of :', 1],
  ['/files/*', 'write [...name] instead of *', 7],
  ['/files/*path', 'write [...path] instead of *path', 7],
  ['/item-[slug]', 'a param must be a whole segment: [name], [...name] or [[...name]]', 6],
  ['/[slug].json', 'a param must be a whole segment: [name], [...name] or [[...name]]', 1],
  ['/[a][b]', 'a param must be a whole segment: [name], [...name] or [[...name]]', 1],
  ['/[slug', 'a param must be a whole segment: [name], [...name] or [[...name]]', 1],
  ['/slug]', 'a param must be a whole segment: [name], [...name] or [[...name]]', 5],
  ['/[[slug]]', 'a param must be a whole segment: [name], [...name] or [[...name]]', 1],
  ['/[[...path]', 'a param must be a whole segment: [name], [...name] or [[...name]]', 1],
  ['/[...path]]', 'a param must be a whole segment: [name], [...name] or [[...name]]', 1],
  ['/items?page=1', 'a pathname cannot contain "?"', 6],
  ['/items#top', 'a pathname cannot contain "#"', 6],
  ['/a b', 'a pathname cannot contain " "', 2],
  ['/a\\b', 'a pathname cannot contain "\\\\"', 2],
  ['/a\nb', 'a pathname cannot contain "\\n"', 2],
  ['/a/../b', 'a pathname cannot contain ".."', 3],
  ['/.', 'a pathname cannot contain "."', 1],
  ['/a/%2e%2E', 'a pathname cannot contain "%2e%2E"', 3],
  ['/a/.%2e/b', 'a pathname cannot contain ".%2e"', 3],
  ['/a%2', 'a percent-escape is malformed', 2],
  ['/100%', 'a percent-escape is malformed', 4],
  ['/a%ff', 'a percent-escape is malformed', 2],
]

const thrownBy = (run: () => unknown): unknown => {
  try {
    run()
  } catch (error) {
    return error
  }
  return undefined
}

describe('a pattern', () => {
  it.each(valid)('%s parses to: %s', (pattern, segments) => {
    expect(
      parsePattern(pattern)
        .map(({ kind, name }) => `${kind} ${name}`)
        .join(', '),
    ).toBe(segments)
  })

  it.each(invalid)('%j throws a PatternError: %s', (pattern, mistake, caret) => {
    const error = thrownBy(() => route(pattern as '/')) as PatternError
    expect(error).toBeInstanceOf(PatternError)
    expect(error.name).toBe('PatternError')
    expect(error.message).toBe(`${mistake}\n\n  ${pattern}\n  ${' '.repeat(caret)}^\n`)
  })

  it('prints its mistake with a caret', () => {
    expect(String(thrownBy(() => route('/files/[...path]/meta' as '/')))).toBe(
      ['PatternError: a catch-all segment must come last', '', '  /files/[...path]/meta', '         ^', ''].join('\n'),
    )
  })

  it.each([undefined, null, 1, {}, ['/a'], /a/])('throws a TypeError if it is not a string: %j', (value) => {
    expect(() => route(value as never)).toThrow(TypeError)
  })

  it('is also checked by prefix, basePath, rewrites and href', () => {
    expect(() => route.prefix('/a/' as '/')).toThrow(PatternError)
    expect(() => router({}, { basePath: 'api' })).toThrow(PatternError)
    expect(() => rewrites([{ source: '/a//b' as '/', destination: '/' }])).toThrow(PatternError)
    expect(() => href('/:a' as '/')).toThrow(PatternError)
  })

  it('parses, or throws a PatternError with a caret inside the pattern', () => {
    const piece = fc.constantFrom(
      '/',
      '[',
      ']',
      '...',
      '[[...',
      ']]',
      'a',
      'b',
      '%',
      '%2e',
      '.',
      ':',
      '*',
      ' ',
      'é',
      '?',
      '[a]',
    )
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join('')),
        (pattern) => {
          const error = thrownBy(() => parsePattern(pattern))
          if (error === undefined) {
            expect(pattern).toMatch(/^\/(?:[^/]+(?:\/[^/]+)*)?$/)
            return
          }
          expect(error).toBeInstanceOf(PatternError)
          const [, shown, pointed] = /\n\n  (.*)\n  ( *)\^\n$/s.exec((error as Error).message)!
          expect(shown).toBe(pattern)
          expect(pointed!.length).toBeLessThanOrEqual(Math.max(0, pattern.length - 1))
        },
      ),
      { numRuns: 1_000 },
    )
  })
})

describe('href()', () => {
  it('builds a path from a pattern and params', () => {
    expect(href('/')).toBe('/')
    expect(href('/items')).toBe('/items')
    expect(href('/items/[slug]', { slug: 'a' })).toBe('/items/a')
    expect(href('/items/[id]', { id: 42 })).toBe('/items/42')
    expect(href('/[a]/x/[b]', { a: '1', b: '2' })).toBe('/1/x/2')
    expect(href('/files/[...path]', { path: ['a', 'b', 3] })).toBe('/files/a/b/3')
    expect(href('/docs/[[...path]]', { path: ['a'] })).toBe('/docs/a')
    expect(href('/docs/[[...path]]', { path: [] })).toBe('/docs')
    expect(href('/docs/[[...path]]')).toBe('/docs')
    expect(href('/[[...path]]')).toBe('/')
  })

  it('encodes the characters that a segment cannot contain, and no others', () => {
    expect(href('/[a]', { a: 'a b/c?d#e%f\\g' })).toBe('/a%20b%2Fc%3Fd%23e%25f%5Cg')
    expect(href('/[a]', { a: "$&+,:;=@!'()*~-._" })).toBe("/$&+,:;=@!'()*~-._")
    expect(href('/[a]', { a: 'né👍' })).toBe('/n%C3%A9%F0%9F%91%8D')
    expect(href('/[a]', { a: '\r\n\0' })).toBe('/%0D%0A%00')
    expect(href('/café/[a]', { a: '1' })).toBe('/caf%C3%A9/1')
    expect(href('/caf%C3%A9')).toBe('/caf%C3%A9')
  })

  it('appends the query and the hash', () => {
    expect(href('/a', {}, { query: { page: 2, tag: ['x', 'y z'], on: true } })).toBe('/a?page=2&tag=x&tag=y+z&on=true')
    expect(href('/a', {}, { query: { a: undefined, b: null, c: ['d', undefined] } })).toBe('/a?c=d')
    expect(href('/a', {}, { query: { '&=': '#?' } })).toBe('/a?%26%3D=%23%3F')
    expect(href('/a', {}, { query: {}, hash: 'top' })).toBe('/a#top')
    expect(href('/a', {}, { hash: '#a b' })).toBe('/a#a%20b')
  })

  it.each(['', '.', '..', '%2e', '%2E', '.%2e', '%2e.', '%2e%2E'])('throws for the segment %j', (segment) => {
    expect(() => href('/items/[slug]', { slug: segment })).toThrow(
      `href('/items/[slug]') cannot use ${JSON.stringify(segment)} as the param 'slug'; a URL cannot have this segment`,
    )
    expect(() => href('/files/[...path]', { path: ['a', segment, 'b'] })).toThrow(TypeError)
    expect(() => href('/docs/[[...path]]', { path: [segment] })).toThrow(TypeError)
  })

  it('throws for a missing param or one of the wrong type, with its name', () => {
    const message = "href('/items/[slug]') needs the param 'slug' as a string or a number"
    expect(() => href('/items/[slug]', {} as never)).toThrow(new TypeError(message))
    expect(() => href('/items/[slug]', { slug: null } as never)).toThrow(new TypeError(message))
    expect(() => href('/items/[slug]', { slug: ['a'] } as never)).toThrow(new TypeError(message))
    const array = "href('/files/[...path]') needs the param 'path' as a non-empty array"
    expect(() => href('/files/[...path]', {} as never)).toThrow(new TypeError(array))
    expect(() => href('/files/[...path]', { path: [] })).toThrow(new TypeError(array))
    expect(() => href('/files/[...path]', { path: 'a/b' } as never)).toThrow(new TypeError(array))
  })

  it('does not read a param from a prototype', () => {
    expect(() => href('/[constructor]', {} as never)).toThrow(TypeError)
    expect(() => href('/[toString]', {} as never)).toThrow(TypeError)
  })

  // Without lone surrogates, which have no UTF-8 encoding.
  const segment = fc
    .oneof(
      fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }),
      fc.string({
        unit: fc.constantFrom('.', '/', '\\', '%', '2', 'e', '?', '#', ';', ':', '@', 'a', ' ', '\0', '\t', '\n'),
        minLength: 1,
      }),
      fc.constantFrom('__proto__', 'constructor', '...', 'C:', 'C|', '//evil.example', 'javascript:', '%2f..', '..%2f'),
    )
    .filter((text) => !/^(?:\.|%2e){1,2}$/i.test(text))

  it('builds a path that stays under its pattern, and that matches with the same params', async () => {
    const app = router({
      one: route('/x/[a]').get((_request, { params }) => ({ ...params })),
      two: route('/x/[a]/y/[b]').get((_request, { params }) => ({ ...params })),
      files: route('/files/[a]/[...path]').get((_request, { params }) => ({ ...params })),
      docs: route('/docs/[[...path]]').get((_request, { params }) => ({ ...params })),
    })
    await fc.assert(
      fc.asyncProperty(segment, segment, fc.array(segment, { minLength: 1, maxLength: 4 }), async (a, b, path) => {
        const cases = [
          [href('/x/[a]', { a }), { a }, 2],
          [href('/x/[a]/y/[b]', { a, b }), { a, b }, 4],
          [href('/files/[a]/[...path]', { a, path }), { a, path }, 2 + path.length],
          [href('/docs/[[...path]]', { path }), { path }, 1 + path.length],
        ] as const
        for (const [text, params, segments] of cases) {
          const url = new URL(text, 'http://test')
          expect(url.origin).toBe('http://test')
          expect(url.pathname).toBe(text)
          expect(url.pathname.slice(1).split('/')).toHaveLength(segments)
          const response = await app.fetch(new Request(url))
          expect(response.status).toBe(200)
          const got: unknown = await response.json()
          expect(got).toEqual(params)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('builds a query that parses to the same values', () => {
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.string({ unit: 'binary' }),
          fc.array(fc.string({ unit: 'binary' }), { minLength: 1, maxLength: 3 }),
        ),
        (query) => {
          const { searchParams } = new URL(href('/a', {}, { query }), 'http://test')
          expect([...new Set(searchParams.keys())].sort()).toEqual(Object.keys(query).sort())
          for (const [name, values] of Object.entries(query)) expect(searchParams.getAll(name)).toEqual(values)
        },
      ),
      { numRuns: 300 },
    )
  })

  it('throws an HrefError for a lone surrogate, and replaces it in the query and the hash', () => {
    for (const value of ['\ud800', 'a\udc00', '\udc00\ud800'])
      expect(() => href('/[a]', { a: value })).toThrow(expect.objectContaining({ name: 'HrefError' }))
    expect(href('/', {}, { query: { a: '\ud800' }, hash: '\ud800' })).toBe('/?a=%EF%BF%BD#%EF%BF%BD')
  })
})
