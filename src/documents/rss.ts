import type { Html } from './html.js'
import { checkDate, escapeXml, toAddress, toElement } from './xml.js'

/** An item of a feed. A title or a description is required. */
export interface RssItem {
  readonly title?: string
  /** The absolute URL of the item's page. */
  readonly link?: string | URL
  /** A summary or the full text, as markup or as a string. Feed readers parse a string as HTML. */
  readonly description?: string | Html
  /** The item's permanent identifier. @default `link` */
  readonly guid?: string
  readonly pubDate?: Date
  /** The author's name. */
  readonly author?: string
  readonly categories?: readonly string[]
  /** An attached file, such as a podcast episode; `length` is in bytes. */
  readonly enclosure?: { readonly url: string | URL; readonly length: number; readonly type: string }
}

export interface RssChannel {
  readonly title: string
  /** The absolute URL of the website. */
  readonly link: string | URL
  readonly description: string
  /** The absolute URL of the feed itself, from which feed readers update it. */
  readonly self?: string | URL
  /** A language tag such as `en-GB`. */
  readonly language?: string
  readonly lastBuildDate?: Date
  /** Minutes for which a feed reader can cache the feed. */
  readonly ttl?: number
  readonly items: readonly RssItem[]
}

/**
 * Returns the text of an RSS 2.0 feed, for `reply.xml`.
 *
 * @throws TypeError if a URL is relative, a Date is invalid, or an item has neither a title nor a description.
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
    throw new TypeError(`${where} has neither a title nor a description; add one of the two`)
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
    throw new TypeError(`${where}.length must be a number of bytes, not ${String(length)}`)
  return `<enclosure url="${escapeXml(toAddress(url, `${where}.url`))}" length="${length}" type="${escapeXml(type)}"/>`
}
