// html, rss, sitemap and robots: what they take.
import * as reply from 'byway/reply'
import {
  Html,
  html,
  raw,
  viewport,
  robots,
  rss,
  sitemap,
  sitemapIndex,
  type HtmlValue,
  type Robots,
  type RssChannel,
  type SitemapUrl,
} from 'byway/documents'
import { expectAssignable, expectError, expectType } from 'tsd'

// ── html ──

declare const texts: readonly string[]
expectType<Html>(
  html`<p>${'a'} ${1} ${2n} ${null} ${undefined} ${true} ${html`<b></b>`} ${raw('<i>')} ${texts} ${[[html`a`]]}</p>`,
)
expectType<string>(String(html``))
reply.html(String(html`<p></p>`))
expectAssignable<HtmlValue>(['a', [html`b`]])
expectError(html`${{}}`)
expectError(html`${new Date()}`)
expectError(html`${() => 'a'}`)
expectError(html`${Promise.resolve('a')}`)
expectError(html('<p>'))
expectError(raw(html`<p></p>`))
// Only what `html` and `raw` give is markup.
expectError<Html>({ toString: () => '<p>' })

// ── rss ──

const channel: RssChannel = { title: 'a', link: 'https://a.example', description: 'b', items: [] }
expectType<string>(rss(channel))
rss({ ...channel, self: new URL('https://a.example'), language: 'en', lastBuildDate: new Date(), ttl: 1 })
rss({ ...channel, items: [{ title: 'a', description: html`<p></p>`, pubDate: new Date(), categories: ['a'] }] })
rss({ ...channel, items: [{ enclosure: { url: 'https://a.example', length: 1, type: 'audio/mpeg' } }] })
reply.xml(rss(channel))
expectError(rss({ title: 'a', link: 'https://a.example', items: [] }))
expectError(rss({ ...channel, items: [{ pubDate: '2026-03-01' }] }))
expectError(rss({ ...channel, items: [{ enclosure: { url: 'https://a.example' } }] }))
expectError(rss({ ...channel, items: [{ titel: 'a' }] }))

// ── sitemap ──

const page: SitemapUrl = { url: 'https://a.example', lastModified: '2026-03-01', changeFrequency: 'daily', priority: 1 }
expectType<string>(sitemap([page, 'https://a.example', new URL('https://a.example')]))
sitemap([{ url: 'https://a.example', alternates: { languages: { de: 'https://a.example/de' } }, images: [] }])
expectType<string>(sitemapIndex(['https://a.example', { url: 'https://a.example', lastModified: new Date() }]))
expectError(sitemap('https://a.example'))
expectError(sitemap([{ loc: 'https://a.example' }]))
expectError(sitemap([{ ...page, changeFrequency: 'often' }]))
expectError(sitemapIndex([{ lastModified: new Date() }]))

// ── robots ──

const rules: Robots = { rules: { allow: '/', disallow: ['/a'] } }
expectType<string>(robots(rules))
robots({
  rules: [{ userAgent: ['a', 'b'], crawlDelay: 1 }],
  sitemap: ['https://a.example', new URL('https://a.example')],
})
reply.text(robots(rules))
expectError(robots({}))
expectError(robots({ rules: { deny: '/' } }))
expectError(robots({ rules: { disallow: 1 } }))

// The viewport of a page, as Next.js's modules export it.
expectType<Html>(
  viewport({
    themeColor: [{ media: '(prefers-color-scheme: dark)', color: 'black' }],
    width: 'device-width',
    userScalable: false,
  }),
)
expectError(viewport({ themeColour: 'black' }))
expectError(viewport({ colorScheme: 'pink' }))
