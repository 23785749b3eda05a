import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { html, rss, type RssChannel } from '../../src/documents/index.js'
import { route } from '../../src/index.js'
import * as reply from '../../src/replies/index.js'
import { all, parseXml, textOf } from './parse-xml.js'

const channel: RssChannel = { title: 'News', link: 'https://a.example', description: 'All of it', items: [] }

// Replaces characters that XML does not allow.
const inXml = (text: string): string =>
  text.replace(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')

describe('rss()', () => {
  it('returns a feed with every property', () => {
    const feed = rss({
      ...channel,
      self: new URL('https://a.example/feed.xml?b=c&d'),
      language: 'en-GB',
      lastBuildDate: new Date('2026-03-01T12:00:00Z'),
      ttl: 60,
      items: [
        {
          title: 'A & B',
          link: 'https://a.example/ü',
          description: html`<p>${'<'}</p>`,
          pubDate: new Date('1994-11-06T08:49:37Z'),
          author: 'Robin',
          categories: ['c', 'd'],
          enclosure: { url: 'https://a.example/e.mp3', length: 5, type: 'audio/mpeg' },
        },
        { description: 'no link', guid: 'tag:1' },
      ],
    })
    expect(feed).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>
<title>News</title>
<link>https://a.example/</link>
<description>All of it</description>
<atom:link href="https://a.example/feed.xml?b=c&amp;d" rel="self" type="application/rss+xml"/>
<language>en-GB</language>
<lastBuildDate>Sun, 01 Mar 2026 12:00:00 GMT</lastBuildDate>
<ttl>60</ttl>
<item><title>A &amp; B</title><link>https://a.example/%C3%BC</link><description>&lt;p&gt;&amp;lt;&lt;/p&gt;</description><guid>https://a.example/%C3%BC</guid><pubDate>Sun, 06 Nov 1994 08:49:37 GMT</pubDate><dc:creator>Robin</dc:creator><category>c</category><category>d</category><enclosure url="https://a.example/e.mp3" length="5" type="audio/mpeg"/></item>
<item><description>no link</description><guid isPermaLink="false">tag:1</guid></item>
</channel></rss>
`)
    expect(parseXml(feed).name).toBe('rss')
  })

  it('returns text that reply.xml sends', async () => {
    const feed = route('/feed.xml').get(() =>
      reply.xml(rss(channel), { headers: { 'content-type': 'application/rss+xml' } }),
    )
    const response = await feed.GET(new Request('http://test/feed.xml'))
    expect(response.headers.get('content-type')).toBe('application/rss+xml')
    expect(textOf(all(parseXml(await response.text()), 'channel')[0]!, 'title')).toBe('News')
  })

  it('escapes any text so that an XML parser returns it unchanged', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc
        .array(
          fc.constantFrom(
            '<',
            '>',
            '&',
            '"',
            "'",
            ']]>',
            '<![CDATA[',
            '-->',
            '&amp;',
            '\r\n',
            '\t',
            '\0',
            '\ud800',
            '😀',
          ),
          { maxLength: 6 },
        )
        .map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(text, text, text, text, text, (title, description, guid, author, type) => {
        const document = rss({
          ...channel,
          title,
          description,
          language: guid,
          items: [
            {
              title,
              description,
              guid,
              author,
              categories: [author, title],
              enclosure: { url: `https://a.example/?${encodeURIComponent(inXml(title))}"<`, length: 0, type },
            },
          ],
        })
        const [found] = all(parseXml(document), 'channel')
        expect([textOf(found!, 'title'), textOf(found!, 'description'), textOf(found!, 'language')]).toEqual([
          inXml(title),
          inXml(description),
          inXml(guid),
        ])
        const [item] = all(found!, 'item')
        expect(item!.children).toHaveLength(7)
        expect(['title', 'description', 'guid', 'dc:creator'].map((name) => textOf(item!, name))).toEqual(
          [title, description, guid, author].map(inXml),
        )
        expect(all(item!, 'category').map(({ children }) => children.join(''))).toEqual([author, title].map(inXml))
        // XML parsers convert tabs and line ends in attributes to spaces, except for character references.
        expect(all(item!, 'enclosure')[0]!.attributes['type']).toBe(inXml(type).replace(/[\t\n]/g, ' '))
      }),
      { numRuns: 1_000 },
    )
  })

  it('throws for invalid URLs, dates and items, with their position in the message', () => {
    const item = { title: 'a' }
    const invalid = new Date('never')
    for (const [given, message] of [
      [{ ...channel, link: '/a' }, 'rss(): link must be an absolute http or https URL, not "/a"'],
      [{ ...channel, self: 'javascript:a' }, 'rss(): self must be an absolute http or https URL'],
      [{ ...channel, lastBuildDate: invalid }, 'rss(): lastBuildDate is an invalid Date'],
      [{ ...channel, items: [item, {}] }, 'rss(): items[1] has neither a title nor a description'],
      [{ ...channel, items: [{ ...item, link: 'a' }] }, 'rss(): items[0].link must be an absolute'],
      [{ ...channel, items: [{ ...item, pubDate: invalid }] }, 'rss(): items[0].pubDate is an invalid Date'],
      [
        { ...channel, items: [{ ...item, enclosure: { url: 'https://a', length: -1, type: 'a/b' } }] },
        'enclosure.length must be a number of bytes, not -1',
      ],
      [
        { ...channel, items: [{ ...item, enclosure: { url: 'a', length: 1, type: 'a/b' } }] },
        'items[0].enclosure.url must be an absolute',
      ],
    ] as const)
      expect(() => rss(given)).toThrow(message)
  })
})
