import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sitemap, sitemapIndex } from '../../src/documents/index.js'
import { route } from '../../src/index.js'
import * as reply from '../../src/replies/index.js'
import { all, parseXml, textOf } from './parse-xml.js'

describe('sitemap()', () => {
  it('returns pages with every property', () => {
    const text = sitemap([
      'https://a.example',
      new URL('https://a.example/?b=c&d'),
      {
        url: 'https://a.example/ü',
        lastModified: new Date('2026-03-01T12:00:00Z'),
        changeFrequency: 'daily',
        priority: 0.5,
        alternates: { languages: { de: 'https://a.example/de', 'x-default': new URL('https://a.example/en') } },
        images: ['https://a.example/i.png', new URL('https://a.example/j.png')],
      },
      { url: 'https://a.example/f', lastModified: '2026-03-01', priority: 0 },
    ])
    expect(text).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:xhtml="http://www.w3.org/1999/xhtml" xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">
<url><loc>https://a.example/</loc></url>
<url><loc>https://a.example/?b=c&amp;d</loc></url>
<url><loc>https://a.example/%C3%BC</loc><lastmod>2026-03-01T12:00:00.000Z</lastmod><changefreq>daily</changefreq><priority>0.5</priority><xhtml:link rel="alternate" hreflang="de" href="https://a.example/de"/><xhtml:link rel="alternate" hreflang="x-default" href="https://a.example/en"/><image:image><image:loc>https://a.example/i.png</image:loc></image:image><image:image><image:loc>https://a.example/j.png</image:loc></image:image></url>
<url><loc>https://a.example/f</loc><lastmod>2026-03-01</lastmod><priority>0</priority></url>
</urlset>
`)
    expect(all(parseXml(text), 'url')).toHaveLength(4)
    expect(parseXml(sitemap([])).children).toEqual(['\n'])
  })

  it('returns text that reply.xml sends', async () => {
    const map = route('/sitemap.xml').get(() => reply.xml(sitemap(['https://a.example'])))
    const response = await map.GET(new Request('http://test/sitemap.xml'))
    expect(response.headers.get('content-type')).toBe('application/xml;charset=UTF-8')
    expect(parseXml(await response.text()).name).toBe('urlset')
  })

  it('escapes any URL so that an XML parser returns it unchanged', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (path, language) => {
        const url = new URL('https://a.example')
        url.pathname = url.search = url.hash = path
        const [found] = all(
          parseXml(sitemap([{ url: String(url), alternates: { languages: { [language]: url } } }])),
          'url',
        )
        expect(textOf(found!, 'loc')).toBe(url.href)
        expect(found!.children).toHaveLength(2)
        expect(all(found!, 'xhtml:link')[0]!.attributes['href']).toBe(url.href)
      }),
      { numRuns: 500 },
    )
  })

  it('throws for invalid URLs, dates and priorities, with their position in the message', () => {
    const url = 'https://a.example'
    for (const [entry, message] of [
      ['/a', 'sitemap(): [1].url must be an absolute http or https URL, not "/a"'],
      ['ftp://a', 'sitemap(): [1].url must be an absolute http or https URL'],
      [`${url}/${'a'.repeat(2_030)}`, 'sitemap(): [1].url is longer than 2047 characters'],
      [{ url, lastModified: new Date('never') }, 'sitemap(): [1].lastModified is an invalid Date'],
      [
        { url, lastModified: 'yesterday' },
        `sitemap(): [1].lastModified must be a Date or a date such as '2026-03-01', not "yesterday"`,
      ],
      [{ url, lastModified: '2026-13-01' }, 'sitemap(): [1].lastModified'],
      [{ url, priority: 1.1 }, 'sitemap(): [1].priority must be a number from 0 to 1, not 1.1'],
      [{ url, priority: Number.NaN }, 'sitemap(): [1].priority'],
      [{ url, images: ['a'] }, 'sitemap(): [1].images must be an absolute'],
      [
        { url, alternates: { languages: { de: 'a' } } },
        `sitemap(): [1].alternates.languages['de'] must be an absolute`,
      ],
    ] as const)
      expect(() => sitemap([url, entry])).toThrow(message)
  })

  it('throws a RangeError for over 50,000 URLs and for over 50 MB', () => {
    const urls = (count: number, length: number) =>
      Array.from({ length: count }, (_, index) => `https://a.example/${String(index).padStart(length, '0')}`)
    expect(all(parseXml(sitemap(urls(50_000, 5))), 'url')).toHaveLength(50_000)
    expect(() => sitemap(urls(50_001, 5))).toThrow(
      'sitemap() takes at most 50000 URLs, the limit of crawlers, not 50001; split it, and list the parts with sitemapIndex()',
    )
    expect(() => sitemap(urls(30_000, 1_800))).toThrow('sitemap() returns more than 50 MB')
    expect(sitemap(urls(25_000, 1_800)).length).toBeLessThan(50 * 1024 * 1024)
  })
})

describe('sitemapIndex()', () => {
  it('returns sitemaps, and throws for a relative URL and for over 50,000', () => {
    const text = sitemapIndex([
      'https://a.example/1.xml',
      { url: new URL('https://a.example/2.xml'), lastModified: '2026-03-01T12:00:00+01:00' },
    ])
    expect(text).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
<sitemap><loc>https://a.example/1.xml</loc></sitemap>
<sitemap><loc>https://a.example/2.xml</loc><lastmod>2026-03-01T12:00:00+01:00</lastmod></sitemap>
</sitemapindex>
`)
    expect(() => sitemapIndex(['a'])).toThrow('sitemapIndex(): [0].url must be an absolute http or https URL, not "a"')
    expect(() => sitemapIndex(Array.from({ length: 50_001 }, () => 'https://a.example'))).toThrow(RangeError)
  })
})
