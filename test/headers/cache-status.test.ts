import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatCacheStatus, type CacheStatus } from '../../src/headers/cache-status.js'

// https://www.rfc-editor.org/rfc/rfc9651#section-4.2, for one token with parameters.
function parse(text: string): { name: string; parameters: Record<string, string | number | boolean> } {
  let rest = text
  const take = (pattern: RegExp): string => {
    const [found] = pattern.exec(rest) ?? []
    if (found === undefined) throw new Error(`no ${String(pattern)} in ${rest}`)
    rest = rest.slice(found.length)
    return found
  }
  const name = take(/^[A-Za-z*][!#$%&'*+\-.^_`|~:/\w]*/)
  const parameters: Record<string, string | number | boolean> = {}
  while (rest) {
    take(/^; */)
    const key = take(/^[a-z*][a-z\d_\-.*]*/)
    if (!rest.startsWith('=')) parameters[key] = true
    else {
      take(/^=/)
      if (rest.startsWith('"'))
        parameters[key] = take(/^"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"/)
          .slice(1, -1)
          .replace(/\\(.)/g, '$1')
      else if (/^[-\d]/.test(rest)) parameters[key] = Number(take(/^-?\d{1,15}(?![.\d])/))
      else parameters[key] = take(/^[A-Za-z*][!#$%&'*+\-.^_`|~:/\w]*/)
    }
  }
  return { name, parameters }
}

describe('formatCacheStatus()', () => {
  // https://www.rfc-editor.org/rfc/rfc9211#section-2
  it.each<[status: CacheStatus, header: string]>([
    [{}, 'byway'],
    [{ hit: true, ttl: 30 }, 'byway; hit; ttl=30'],
    [{ hit: true, ttl: -412 }, 'byway; hit; ttl=-412'],
    [{ hit: true, ttl: undefined }, 'byway; hit'],
    [{ hit: false, fwd: 'uri-miss', stored: true, ttl: 60 }, 'byway; fwd=uri-miss; ttl=60; stored'],
    [{ fwd: 'stale', collapsed: true, stored: false }, 'byway; fwd=stale; collapsed'],
    [{ fwd: 'uri-miss', detail: 'set-cookie' }, 'byway; fwd=uri-miss; detail=set-cookie'],
    [{ fwd: 'uri-miss', detail: 'status 404' }, 'byway; fwd=uri-miss; detail="status 404"'],
    [{ fwd: 'bypass', detail: 'the "raw" \\ query' }, 'byway; fwd=bypass; detail="the \\"raw\\" \\\\ query"'],
    [{ fwd: 'method', detail: '' }, 'byway; fwd=method; detail=""'],
    [{ detail: '404' }, 'byway; detail="404"'],
    [{ detail: 'Größe\r\nset-cookie: a=1' }, 'byway; detail="Gr??e??set-cookie: a=1"'],
    [{ detail: 'x'.repeat(1_000) }, `byway; detail=${'x'.repeat(128)}`],
    [{ ttl: 1.9 }, 'byway; ttl=1'],
    [{ ttl: -0.5 }, 'byway; ttl=0'],
    [{ ttl: 1e30 }, 'byway; ttl=999999999999999'],
    [{ ttl: -Infinity }, 'byway; ttl=-999999999999999'],
  ])('formats %j as %j', (status, header) => {
    expect(formatCacheStatus(status)).toBe(header)
  })

  it('formats any detail as a valid structured field', () => {
    const detail = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom(...'"\\; =a') }),
    )
    fc.assert(
      fc.property(detail, fc.integer(), fc.boolean(), (detail, ttl, hit) => {
        const { name, parameters } = parse(formatCacheStatus({ hit, ttl, detail }))
        expect(name).toBe('byway')
        expect(parameters).toEqual({
          ...(hit && { hit: true }),
          ttl,
          detail: detail.slice(0, 128).replace(/[^\x20-\x7e]/g, '?'),
        })
        expect(new Headers({ 'cache-status': formatCacheStatus({ detail }) }).get('cache-status')).toBe(
          formatCacheStatus({ detail }),
        )
      }),
      { numRuns: 1_000 },
    )
  })
})
