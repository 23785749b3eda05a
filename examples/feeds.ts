// The documents of a site that are not JSON: a page, a feed, a sitemap and robots.txt.
import { href, route, router } from 'byway'
import * as reply from 'byway/reply'
import { html, robots, rss, sitemap } from 'byway/documents'

const origin = 'https://news.example'
const posts = [
  { slug: 'r&d', title: 'R&D <explained>', by: 'https://robin.example', changed: new Date('2026-03-01T12:00:00Z') },
  { slug: 'links', title: '"Links"', by: 'javascript:alert(1)', changed: new Date('2026-03-02T12:00:00Z') },
]
const link = ({ slug }: { slug: string }) => origin + href('/posts/[slug]', { slug })

// Values are text: they end no element and no attribute, and no link runs a script.
const home = route('/').get(() =>
  reply.html(
    String(
      html`<!doctype html><title>News</title>${posts.map((post) => html`<a href="${post.by}">${post.title}</a>`)}`,
    ),
  ),
)

const feed = route('/feed.xml').get(() =>
  reply.xml(
    rss({
      title: 'News',
      link: origin,
      description: 'All of it',
      self: `${origin}/feed.xml`,
      items: posts.map((post) => ({ title: post.title, link: link(post), pubDate: post.changed })),
    }),
    { headers: { 'content-type': 'application/rss+xml' } },
  ),
)

const map = route('/sitemap.xml').get(() =>
  reply.xml(sitemap([origin, ...posts.map((post) => ({ url: link(post), lastModified: post.changed }))])),
)

const crawlers = route('/robots.txt').get(() =>
  reply.text(robots({ rules: { disallow: '/admin/' }, sitemap: `${origin}/sitemap.xml` })),
)

const app = router({ home, feed, map, crawlers })
for (const path of ['/', '/feed.xml', '/sitemap.xml', '/robots.txt'])
  console.log(await (await app.fetch(new Request(origin + path))).text())
