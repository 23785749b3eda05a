import { toAddress } from './xml.js'

/** A rule for one or more crawlers, with the property names of Next.js's `MetadataRoute.Robots`. */
export interface RobotsRule {
  /** The names of the crawlers. @default '*', every crawler without a rule of its own */
  readonly userAgent?: string | readonly string[]
  /** Paths that crawlers can fetch. `*` matches any characters, and `$` matches the end. The longest matching path wins. */
  readonly allow?: string | readonly string[]
  /** Paths that crawlers must not fetch, in the same syntax as `allow`. */
  readonly disallow?: string | readonly string[]
  /** Seconds between two requests. It is not in RFC 9309, and only some crawlers follow it. */
  readonly crawlDelay?: number
}

export interface Robots {
  readonly rules: RobotsRule | readonly RobotsRule[]
  /** Absolute URLs of sitemaps. */
  readonly sitemap?: string | URL | readonly (string | URL)[]
}

/**
 * Returns the text of a robots.txt, for `reply.text`. Crawlers can ignore it; it protects nothing.
 *
 * @throws TypeError if a path does not start with `/` or `*`, a crawler's name is invalid, or a sitemap's URL is relative.
 * @throws RangeError if the text is longer than 500 KiB; crawlers can ignore the rest.
 * @see https://www.rfc-editor.org/rfc/rfc9309
 * @example
 * export const file = route('/robots.txt').get(() =>
 *   reply.text(robots({ rules: { disallow: '/admin/' }, sitemap: 'https://example.com/sitemap.xml' })))
 */
export function robots({ rules, sitemap = [] }: Robots): string {
  const sitemaps = toList(sitemap).map((url) => `Sitemap: ${toAddress(url, 'robots(): sitemap')}\n`)
  const text = [...toList(rules).map(toGroup), sitemaps.join('')].filter(Boolean).join('\n')
  if (text.length > 500 * 1024)
    throw new RangeError('robots() returns more than 500 KiB, and crawlers can ignore the rest; use fewer rules')
  return text
}

function toGroup({ userAgent = '*', allow = [], disallow = [], crawlDelay }: RobotsRule): string {
  if (crawlDelay !== undefined && !(crawlDelay >= 0 && crawlDelay < Infinity))
    throw new TypeError(`robots(): crawlDelay must be a number of seconds of 0 or more, not ${String(crawlDelay)}`)
  return [
    ...toList(userAgent).map((name) => `User-agent: ${checkName(name)}\n`),
    ...toList(allow).map((path) => `Allow: ${toPath(path)}\n`),
    ...toList(disallow).map((path) => `Disallow: ${toPath(path)}\n`),
    ...(crawlDelay === undefined ? [] : [`Crawl-delay: ${crawlDelay}\n`]),
  ].join('')
}

const toList = <value>(value: value | readonly value[]): readonly value[] =>
  Array.isArray(value) ? value : [value as value]

function checkName(name: string): string {
  if (!/^(?:\*|[\w.-]+(?:[ /][\w.-]+)*)$/.test(name))
    throw new TypeError(
      `robots(): userAgent must be a crawler's name such as 'GPTBot', or '*', not ${JSON.stringify(name)}`,
    )
  return name
}

// An unencoded line end or # would end the rule: https://www.rfc-editor.org/rfc/rfc9309#section-2.2.2
function toPath(path: string): string {
  if (path !== '' && !/^[/*]/.test(path))
    throw new TypeError(`robots(): a path must start with / or *, not be ${JSON.stringify(path.slice(0, 100))}`)
  return path.replace(/[^\x21\x22\x24-\x7e]+/g, (text) =>
    encodeURIComponent(text.replace(/[\ud800-\udfff]/gu, '\ufffd')),
  )
}
