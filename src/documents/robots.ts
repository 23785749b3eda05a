import { toAddress } from './xml.js'

/** What some crawlers may fetch, named as in Next.js's `MetadataRoute.Robots`. */
export interface RobotsRule {
  /** @default '*', every crawler that no other rule names */
  readonly userAgent?: string | readonly string[]
  /** Paths, in which `*` stands for anything and a `$` at the end for the end. The longest that fits decides. */
  readonly allow?: string | readonly string[]
  readonly disallow?: string | readonly string[]
  /** Seconds between two requests. Some crawlers follow it; it is not in RFC 9309. */
  readonly crawlDelay?: number
}

export interface Robots {
  readonly rules: RobotsRule | readonly RobotsRule[]
  readonly sitemap?: string | URL | readonly (string | URL)[]
}

/**
 * A robots.txt as text, for `reply.text`. It asks; it guards nothing.
 *
 * @throws TypeError for a path that does not begin with `/` or `*`, a name that no crawler has, and a relative sitemap.
 * @throws RangeError over 500 KiB, which is all that crawlers must read.
 * @see https://www.rfc-editor.org/rfc/rfc9309
 * @example
 * export const file = route('/robots.txt').get(() =>
 *   reply.text(robots({ rules: { disallow: '/admin/' }, sitemap: 'https://example.com/sitemap.xml' })))
 */
export function robots({ rules, sitemap = [] }: Robots): string {
  const sitemaps = toList(sitemap).map((url) => `Sitemap: ${toAddress(url, 'robots(): sitemap')}\n`)
  const text = [...toList(rules).map(toGroup), sitemaps.join('')].filter(Boolean).join('\n')
  if (text.length > 500 * 1024)
    throw new RangeError('robots() makes over 500 KiB, which is all that crawlers must read')
  return text
}

function toGroup({ userAgent = '*', allow = [], disallow = [], crawlDelay }: RobotsRule): string {
  if (crawlDelay !== undefined && !(crawlDelay >= 0 && crawlDelay < Infinity))
    throw new TypeError(`robots(): crawlDelay is a number of seconds, not ${String(crawlDelay)}`)
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
    throw new TypeError(`robots(): userAgent is a crawler's name such as 'GPTBot', or '*', not ${JSON.stringify(name)}`)
  return name
}

// A line end or a # would end the rule. https://www.rfc-editor.org/rfc/rfc9309#section-2.2.2
function toPath(path: string): string {
  if (path !== '' && !/^[/*]/.test(path))
    throw new TypeError(`robots(): a path begins with / or *, not ${JSON.stringify(path.slice(0, 100))}`)
  return path.replace(/[^\x21\x22\x24-\x7e]+/g, (text) =>
    encodeURIComponent(text.replace(/[\ud800-\udfff]/gu, '\ufffd')),
  )
}
