import { checkDate, escapeXml, toAddress, toElement } from './xml.js'

/** A page of a sitemap, with the property names of Next.js's `MetadataRoute.Sitemap`. */
export interface SitemapUrl {
  /** The absolute URL of the page, of at most 2047 characters. */
  readonly url: string | URL
  /** A Date, or a string such as `2026-03-01` or `2026-03-01T12:00:00Z`. */
  readonly lastModified?: Date | string
  readonly changeFrequency?: 'always' | 'hourly' | 'daily' | 'weekly' | 'monthly' | 'yearly' | 'never'
  /** The priority relative to other pages of this website, from 0 to 1. */
  readonly priority?: number
  /** URLs of the same page in other languages, by language tag. */
  readonly alternates?: { readonly languages?: { readonly [language: string]: string | URL } }
  /** URLs of images on the page. */
  readonly images?: readonly (string | URL)[]
}

/** A sitemap in a sitemap index. */
export type SitemapPart = Pick<SitemapUrl, 'url' | 'lastModified'>

// https://www.sitemaps.org/protocol.html#index
const maxUrls = 50_000
const maxBytes = 50 * 1024 * 1024

const xmlns = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
const declaration = '<?xml version="1.0" encoding="UTF-8"?>'

/**
 * Returns the text of a sitemap, for `reply.xml`. Crawlers accept only URLs of the host that serves the sitemap.
 *
 * @throws TypeError if a URL is relative or too long, a date is invalid, or a priority is not from 0 to 1.
 * @throws RangeError if there are more than 50,000 URLs or 50 MB. Split the sitemap, and list the parts with `sitemapIndex`.
 * @see https://www.sitemaps.org/protocol.html
 * @example
 * export const map = route('/sitemap.xml').get(async () =>
 *   reply.xml(sitemap((await items()).map(({ slug, changed }) => ({ url: `https://example.com/${slug}`, lastModified: changed })))))
 */
export function sitemap(urls: readonly (string | URL | SitemapUrl)[]): string {
  const spaces =
    'xmlns:xhtml="http://www.w3.org/1999/xhtml" xmlns:image="http://www.google.com/schemas/sitemap-image/1.1"'
  return toDocument('sitemap', 'urlset', `${xmlns} ${spaces}`, urls, (entry, where) => {
    const { url, lastModified, changeFrequency, priority, alternates, images = [] } = toEntry(entry)
    if (priority !== undefined && !(priority >= 0 && priority <= 1))
      throw new TypeError(`${where}.priority must be a number from 0 to 1, not ${String(priority)}`)
    return [
      '<url>',
      toElement('loc', toLocation(url, `${where}.url`)),
      toElement('lastmod', toLastModified(lastModified, where)),
      toElement('changefreq', changeFrequency),
      toElement('priority', priority),
      ...Object.entries(alternates?.languages ?? {}).map(([language, url]) => {
        const href = toLocation(url, `${where}.alternates.languages['${language}']`)
        return `<xhtml:link rel="alternate" hreflang="${escapeXml(language)}" href="${escapeXml(href)}"/>`
      }),
      ...images.map(
        (url) => `<image:image>${toElement('image:loc', toLocation(url, `${where}.images`))}</image:image>`,
      ),
      '</url>',
    ].join('')
  })
}

/**
 * Returns the text of a sitemap index, for `reply.xml`.
 *
 * @throws TypeError if a URL is relative or too long, or a date is invalid.
 * @throws RangeError if there are more than 50,000 sitemaps or 50 MB.
 * @see https://www.sitemaps.org/protocol.html#index
 */
export function sitemapIndex(parts: readonly (string | URL | SitemapPart)[]): string {
  return toDocument('sitemapIndex', 'sitemapindex', xmlns, parts, (entry, where) => {
    const { url, lastModified } = toEntry(entry)
    const location = toElement('loc', toLocation(url, `${where}.url`))
    return `<sitemap>${location}${toElement('lastmod', toLastModified(lastModified, where))}</sitemap>`
  })
}

function toDocument<entry>(
  name: string,
  root: string,
  attributes: string,
  entries: readonly entry[],
  write: (entry: entry, where: string) => string,
): string {
  const advice = 'split it, and list the parts with sitemapIndex()'
  if (entries.length > maxUrls)
    throw new RangeError(
      `${name}() takes at most ${maxUrls} URLs, the limit of crawlers, not ${entries.length}; ${advice}`,
    )
  const lines = entries.map((entry, index) => write(entry, `${name}(): [${index}]`))
  const text = [declaration, `<${root} ${attributes}>`, ...lines, `</${root}>\n`].join('\n')
  // A UTF-16 code unit has at most three bytes in UTF-8.
  if (text.length * 3 > maxBytes && new TextEncoder().encode(text).length > maxBytes)
    throw new RangeError(`${name}() returns more than 50 MB, the limit of crawlers; ${advice}`)
  return text
}

const toEntry = <entry extends SitemapPart>(entry: string | URL | entry): entry | SitemapUrl =>
  typeof entry === 'string' || entry instanceof URL ? { url: entry } : entry

function toLocation(url: string | URL, where: string): string {
  const address = toAddress(url, where)
  // https://www.sitemaps.org/protocol.html#locdef
  if (address.length >= 2_048)
    throw new TypeError(`${where} is longer than 2047 characters, the limit of crawlers; use a shorter URL`)
  return address
}

// https://www.w3.org/TR/NOTE-datetime
function toLastModified(date: Date | string | undefined, where: string): string | undefined {
  if (date === undefined) return undefined
  if (typeof date !== 'string') return checkDate(date, `${where}.lastModified`).toISOString()
  if (
    !/^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d))?$/.test(date) ||
    Number.isNaN(Date.parse(date))
  )
    throw new TypeError(
      `${where}.lastModified must be a Date or a date such as '2026-03-01', not ${JSON.stringify(date)}`,
    )
  return date
}
