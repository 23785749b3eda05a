import type { Html } from './html.js'
import { checkDate, escapeXml, toAddress, toElement } from './xml.js'

/** One entry of a feed. It has a title or a description. */
export interface RssItem {
  readonly title?: string
  /** Its page. */
  readonly link?: string | URL
  /** A summary, or all of it: text, which readers take for HTML, or markup. */
  readonly description?: string | Html
  /** What it is known by, for ever. @default its link */
  readonly guid?: string
  readonly pubDate?: Date
  /** Who wrote it, by name. */
  readonly author?: string
  readonly categories?: readonly string[]
  /** A file that belongs to it, such as an episode. */
  readonly enclosure?: { readonly url: string | URL; readonly length: number; readonly type: string }
}

export interface RssChannel {
  readonly title: string
  /** The site that the feed is of. */
  readonly link: string | URL
  readonly description: string
  /** Where the feed itself is; readers ask there again. */
  readonly self?: string | URL
  /** Such as `en-GB`. */
  readonly language?: string
  readonly lastBuildDate?: Date
  /** Minutes for which a reader need not ask again. */
  readonly ttl?: number
  readonly items: readonly RssItem[]
}

/**
 * An RSS 2.0 feed as text, for `reply.xml`.
 *
 * @throws TypeError for a relative link, a Date that is none, and an item without title and description.
 * @see https://www.rssboard.org/rss-specification
 * @example
 * export const feed = route('/feed.xml').get(async () =>
 *   reply.xml(rss({ title: 'News', link: 'https://example.com', description: 'All of it', items: await items() }), {
 *     headers: { 'content-type': 'application/rss+xml' },
 *   }))
 */
export function rss({ title, link, description, self, language, lastBuildDate, ttl, items }: RssChannel): string {
  const address = self === undefined ? undefined : toAddress(self, 'rss(): self')
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>',
    toElement('title', title),
    toElement('link', toAddress(link, 'rss(): link')),
    toElement('description', description),
    address === undefined ? '' : `<atom:link href="${escapeXml(address)}" rel="self" type="application/rss+xml"/>`,
    toElement('language', language),
    toElement('lastBuildDate', lastBuildDate && checkDate(lastBuildDate, 'rss(): lastBuildDate').toUTCString()),
    toElement('ttl', ttl),
    ...items.map(toItem),
    '</channel></rss>\n',
  ]
    .filter(Boolean)
    .join('\n')
}

function toItem(item: RssItem, index: number): string {
  const where = `rss(): items[${index}]`
  const { title, description, guid, pubDate, author, categories = [], enclosure } = item
  if (title === undefined && description === undefined)
    throw new TypeError(`${where} has neither a title nor a description`)
  const link = item.link === undefined ? undefined : toAddress(item.link, `${where}.link`)
  return [
    '<item>',
    toElement('title', title),
    toElement('link', link),
    toElement('description', description === undefined ? undefined : String(description)),
    guid === undefined ? toElement('guid', link) : `<guid isPermaLink="false">${escapeXml(guid)}</guid>`,
    toElement('pubDate', pubDate && checkDate(pubDate, `${where}.pubDate`).toUTCString()),
    toElement('dc:creator', author),
    ...categories.map((category) => toElement('category', category)),
    enclosure ? toEnclosure(enclosure, `${where}.enclosure`) : '',
    '</item>',
  ].join('')
}

function toEnclosure({ url, length, type }: NonNullable<RssItem['enclosure']>, where: string): string {
  if (!Number.isSafeInteger(length) || length < 0)
    throw new TypeError(`${where}.length is a number of bytes, not ${String(length)}`)
  return `<enclosure url="${escapeXml(toAddress(url, `${where}.url`))}" length="${length}" type="${escapeXml(type)}"/>`
}
