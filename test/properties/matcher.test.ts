import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { route, router, RouterError } from '../../src/index.js'
import { runs } from './runs.js'

// A slow model of DESIGN §3: it tries every pattern and compares the ranks of the patterns that match.

type Part = 'a' | 'b' | '[x]' | '[...x]' | '[[...x]]'

const rankOf = (part: Part): number => (part === '[x]' ? 1 : part === '[...x]' ? 2 : part === '[[...x]]' ? 3 : 0)
const isOpen = (part: Part | undefined): boolean => part === '[...x]' || part === '[[...x]]'
// The param names differ by position, because names in a pattern must be unique.
const write = (parts: readonly Part[]): string => `/${parts.map((part, at) => part.replace('x', `p${at}`)).join('/')}`

function fits(parts: readonly Part[], segments: readonly string[]): Record<string, string | string[]> | undefined {
  const params: Record<string, string | string[]> = {}
  const last = parts.at(-1)
  const fixed = isOpen(last) ? parts.slice(0, -1) : parts
  if (isOpen(last) ? segments.length < fixed.length : segments.length !== fixed.length) return undefined
  if (segments.some((segment) => !segment)) return undefined
  for (const [at, part] of fixed.entries()) {
    if (part === '[x]') params[`p${at}`] = segments[at]!
    else if (part !== segments[at]) return undefined
  }
  if (isOpen(last)) {
    const rest = segments.slice(fixed.length)
    if (rest.length) params[`p${fixed.length}`] = rest
    else if (last === '[...x]') return undefined
  }
  return params
}

function best(patterns: readonly Part[][], segments: readonly string[]): readonly [string, object] | undefined {
  const fitting = patterns.filter((parts) => fits(parts, segments))
  fitting.sort((one, other) => {
    for (let at = 0; at < Math.max(one.length, other.length); at++) {
      const difference = (one[at] ? rankOf(one[at]!) : 4) - (other[at] ? rankOf(other[at]!) : 4)
      if (difference) return difference
    }
    return 0
  })
  return fitting[0] && [write(fitting[0]), fits(fitting[0], segments)!]
}

// Two patterns clash if they are equal, or if `[[...x]]` meets its own index or `[...x]` at the same position.
function clash(one: readonly Part[], other: readonly Part[]): boolean {
  const text = one.join('/')
  if (text === other.join('/')) return true
  for (const [open, closed] of [
    [one, other],
    [other, one],
  ] as const) {
    if (open.at(-1) !== '[[...x]]') continue
    const base = open.slice(0, -1)
    if (base.join('/') === closed.join('/')) return true
    if ([...base, '[...x]'].join('/') === closed.join('/')) return true
  }
  return false
}

const pattern = fc
  .tuple(
    fc.array(fc.constantFrom<Part>('a', 'b', '[x]'), { maxLength: 3 }),
    fc.option(fc.constantFrom<Part>('[...x]', '[[...x]]'), { nil: undefined, freq: 2 }),
  )
  .map(([parts, open]) => (open ? [...parts, open] : parts))
const segment = fc.constantFrom('a', 'b', 'c', 'ab', 'a', 'b')
const segments = fc.array(fc.oneof({ weight: 12, arbitrary: segment }, { weight: 1, arbitrary: fc.constant('') }), {
  maxLength: 5,
})

function toApp(patterns: readonly Part[][]) {
  const routes = Object.fromEntries(
    patterns.map((parts, index) => [
      `route${index}`,
      route(write(parts) as '/').get((_request, context) => [context.pattern, { ...(context.params as object) }]),
    ]),
  )
  return router(routes, { trailingSlash: 'strict' })
}

async function find(app: ReturnType<typeof toApp>, pathname: string): Promise<unknown> {
  const response = await app.fetch(new Request(`http://test${pathname}`))
  return response.status === 404 ? undefined : response.json()
}

describe('matching, compared with a model that tries every pattern', () => {
  it('throws a RouterError if and only if two patterns clash', () => {
    fc.assert(
      fc.property(fc.array(pattern, { minLength: 2, maxLength: 4 }), (patterns) => {
        const clashes = patterns.some((one, at) => patterns.slice(0, at).some((other) => clash(one, other)))
        if (clashes) expect(() => toApp(patterns)).toThrow(RouterError)
        else expect(() => toApp(patterns)).not.toThrow()
      }),
      { numRuns: runs(2_000) },
    )
  })

  const sound = fc
    .array(pattern, { minLength: 1, maxLength: 10 })
    .map((patterns) => patterns.filter((one, at) => !patterns.slice(0, at).some((other) => clash(one, other))))

  it('finds the same pattern and the same params', async () => {
    await fc.assert(
      fc.asyncProperty(sound, fc.array(segments, { minLength: 1, maxLength: 12 }), async (patterns, paths) => {
        const app = toApp(patterns)
        for (const path of paths) {
          // `/` alone has no segments; `//` has two empty ones.
          const pathname = `/${path.join('/')}`
          const raw = pathname === '/' ? [] : pathname.slice(1).split('/')
          expect([pathname, await find(app, pathname)]).toEqual([pathname, best(patterns, raw)])
        }
      }),
      { numRuns: runs(400) },
    )
  })

  it('finds the same pattern with any escaped characters and any query', async () => {
    const spelling = fc.array(fc.nat({ max: 5 }), { minLength: 12, maxLength: 12 })
    const tail = fc.constantFrom('', '?', '?a=/b/a', '?%', '#/a', '?x#/b%')
    await fc.assert(
      fc.asyncProperty(
        sound,
        fc.array(segment, { maxLength: 4 }),
        spelling,
        tail,
        async (patterns, path, dice, tail) => {
          const app = toApp(patterns)
          let at = 0
          const escape = (text: string): string =>
            text.replace(/[^]/g, (character) => {
              const die = dice[at++ % dice.length]!
              const hex = character.charCodeAt(0).toString(16)
              return die < 2 ? `%${hex}` : die === 2 ? `%${hex.toUpperCase()}` : character
            })
          const spelled = `/${path.map(escape).join('/')}${tail}`
          expect([spelled, await find(app, spelled)]).toEqual([spelled, best(patterns, path)])
        },
      ),
      { numRuns: runs(400) },
    )
  })

  it('decodes each segment exactly once, as a param or in a catch-all', async () => {
    const app = router({
      one: route('/x/[a]/y').get((_request, { params }) => params.a),
      many: route('/z/[...a]').get((_request, { params }) => params.a),
    })
    const text = fc
      .string({ unit: 'binary', minLength: 1, maxLength: 10 })
      .filter((text) => !/^(?:\.|%2e){1,2}$/i.test(text))
    await fc.assert(
      fc.asyncProperty(text, fc.array(text, { minLength: 1, maxLength: 3 }), async (one, many) => {
        const get = async (path: string): Promise<unknown> =>
          (await app.fetch(new Request(`http://test${path}`))).json()
        expect(await get(`/x/${encodeURIComponent(one)}/y`)).toBe(one)
        expect(await get(`/z/${many.map(encodeURIComponent).join('/')}`)).toEqual(many)
      }),
      { numRuns: runs(400) },
    )
  })

  it('responds to any pathname with 200, 308, 400 or 404', async () => {
    const app = router({
      a: route('/').get(() => 1),
      b: route('/a/[x]').get((_request, { params }) => params.x),
      c: route('/b/[...x]').get((_request, { params }) => params.x),
      d: route('/c/[[...x]]').get((_request, { params }) => params.x ?? null),
    })
    const piece = fc.constantFrom(
      '/',
      '//',
      'a',
      'b',
      'c',
      '%',
      '%2',
      '%2F',
      '%2e',
      '.',
      '..',
      '\\',
      '%5c',
      ';',
      ':',
      '%00',
      '%ff',
      '%c3%a9',
      'é',
      '__proto__',
      '[x]',
      '*',
      '?',
      '#',
      ' ',
    )
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 14 }), async (pieces) => {
        const request = new Request(`http://test/${pieces.join('')}`)
        const response = await app.fetch(request)
        expect([200, 308, 400, 404]).toContain(response.status)
        const location = response.headers.get('location')
        if (response.status === 308) {
          const target = new URL(location!, request.url)
          const from = new URL(request.url)
          expect(target.origin).toBe('http://test')
          expect(`${target.pathname}/`).toBe(from.pathname)
          expect([...target.searchParams]).toEqual([...from.searchParams])
          expect((await app.fetch(new Request(target))).status).toBe(200)
        } else expect(location).toBe(null)
      }),
      { numRuns: runs(2_000) },
    )
  })
})
