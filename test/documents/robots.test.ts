import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { robots } from '../../src/documents/index.js'
import { route } from '../../src/index.js'
import * as reply from '../../src/replies/index.js'

describe('robots()', () => {
  it('returns rules and sitemaps as text', () => {
    expect(
      robots({
        rules: [
          { allow: '/', disallow: ['/admin/', '/*.pdf$', '/ä b', '/%2F'], crawlDelay: 2.5 },
          { userAgent: ['GPTBot', 'Google-Extended', 'facebookexternalhit/1.1'], disallow: '/' },
          { userAgent: 'Bing', disallow: '' },
        ],
        sitemap: ['https://a.example/1.xml', new URL('https://a.example/2.xml')],
      }),
    ).toBe(`User-agent: *
Allow: /
Disallow: /admin/
Disallow: /*.pdf$
Disallow: /%C3%A4%20b
Disallow: /%2F
Crawl-delay: 2.5

User-agent: GPTBot
User-agent: Google-Extended
User-agent: facebookexternalhit/1.1
Disallow: /

User-agent: Bing
Disallow: 

Sitemap: https://a.example/1.xml
Sitemap: https://a.example/2.xml
`)
    expect(robots({ rules: { disallow: '/a' } })).toBe('User-agent: *\nDisallow: /a\n')
  })

  it('returns text that reply.text sends', async () => {
    const file = route('/robots.txt').get(() => reply.text(robots({ rules: {} })))
    const response = await file.GET(new Request('http://test/robots.txt'))
    expect(response.headers.get('content-type')).toBe('text/plain;charset=UTF-8')
    expect(await response.text()).toBe('User-agent: *\n')
  })

  it('encodes any path to one line of printable ASCII', () => {
    const path = fc.string({ unit: 'binary' }).map((text) => `/${text}`)
    fc.assert(
      fc.property(fc.array(path), (disallow) => {
        const lines = robots({ rules: { disallow } }).split('\n')
        expect(lines).toHaveLength(disallow.length + 2)
        expect(lines.slice(1, -1).every((line) => /^Disallow: \/[\x21\x22\x24-\x7e]*$/.test(line))).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  it('throws for invalid paths, names, delays and sitemaps, and for over 500 KiB', () => {
    for (const [rule, message] of [
      [{ disallow: 'admin' }, 'robots(): a path must start with / or *, not be "admin"'],
      [{ allow: ['/', 'http://a'] }, 'robots(): a path must start with / or *, not be "http://a"'],
      [{ userAgent: '' }, `robots(): userAgent must be a crawler's name such as 'GPTBot', or '*', not ""`],
      [{ userAgent: 'a\nDisallow: /' }, 'robots(): userAgent'],
      [{ userAgent: 'a#b' }, 'robots(): userAgent'],
      [{ crawlDelay: -1 }, 'robots(): crawlDelay must be a number of seconds of 0 or more, not -1'],
      [{ crawlDelay: Infinity }, 'robots(): crawlDelay'],
    ] as const)
      expect(() => robots({ rules: rule })).toThrow(message)
    expect(() => robots({ rules: {}, sitemap: '/sitemap.xml' })).toThrow(
      'robots(): sitemap must be an absolute http or https URL, not "/sitemap.xml"',
    )
    expect(() => robots({ rules: { disallow: Array.from({ length: 60_000 }, () => '/aaaaaaaa') } })).toThrow(RangeError)
  })
})
