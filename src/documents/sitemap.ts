import { checkDate, escapeXml, toAddress, toElement } from './xml.js'

/** A page, named as in Next.js's `MetadataRoute.Sitemap`. */
export interface SitemapUrl {
  readonly url: string | URL
  /** A Date, or a date such as `2026-03-01`, with or without a time. */
  readonly lastModified?: Date | string
  readonly changeFrequency?: 'always' | 'hourly' | 'daily' | 'weekly' | 'monthly' | 'yearly' | 'never'
  /** From 0 to 1, among the pages of this site. */
  readonly priority?: number
  /** The same page in other languages, by language. */
  readonly alternates?: { readonly languages?: { readonly [language: string]: string | URL } }
  /** The pictures on it. */
  readonly images?: readonly (string | URL)[]
}

/** A sitemap among several. */
export type SitemapPart = Pick<SitemapUrl, 'url' | 'lastModified'>

// https://www.sitemaps.org/protocol.html#index
const maxUrls = 50_000
const maxBytes = 50 * 1024 * 1024

const xmlns = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
const declaration = '<?xml version="1.0" encoding="UTF-8"?>'

/**
 * A sitemap as text, for `reply.xml`. Crawlers want its URLs to be of the host that it is on.
 *
 * @throws TypeError for a relative URL, a date that is none, and a priority beyond 0 to 1.
 * @throws RangeError over 50,000 URLs or 50 MB: make several, and list them with `sitemapIndex`.
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
      throw new TypeError(`${where}.priority is a number from 0 to 1, not ${String(priority)}`)
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
 * A list of sitemaps as text, for `reply.xml`.
 *
 * @throws TypeError and RangeError as `sitemap` does.
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
  const advice = 'make several, and list them with sitemapIndex()'
  if (entries.length > maxUrls)
    throw new RangeError(
      `${name}() takes ${maxUrls} URLs, which is all that crawlers read, not ${entries.length}; ${advice}`,
    )
  const lines = entries.map((entry, index) => write(entry, `${name}(): [${index}]`))
  const text = [declaration, `<${root} ${attributes}>`, ...lines, `</${root}>\n`].join('\n')
  // A character is three bytes at most.
  if (text.length * 3 > maxBytes && new TextEncoder().encode(text).length > maxBytes)
    throw new RangeError(`${name}() makes over 50 MB, which is all that crawlers read; ${advice}`)
  return text
}

const toEntry = <entry extends SitemapPart>(entry: string | URL | entry): entry | SitemapUrl =>
  typeof entry === 'string' || entry instanceof URL ? { url: entry } : entry

function toLocation(url: string | URL, where: string): string {
  const address = toAddress(url, where)
  // https://www.sitemaps.org/protocol.html#locdef
  if (address.length >= 2_048) throw new TypeError(`${where} is longer than the 2047 characters that crawlers read`)
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
    throw new TypeError(`${where}.lastModified is a Date or a date such as '2026-03-01', not ${JSON.stringify(date)}`)
  return date
}
