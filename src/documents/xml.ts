const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' }

/**
 * A text as it stands in XML, in an element or in a quoted attribute. What XML cannot hold at all, such as most control
 * characters, is U+FFFD in it.
 *
 * @see https://www.w3.org/TR/xml/#charsets
 */
export function escapeXml(text: string): string {
  // A line end as it is would be another one, or a space, once it is parsed: https://www.w3.org/TR/xml/#sec-line-ends
  return text
    .replace(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replace(/[&<>"']/g, (character) => entities[character]!)
    .replace(/\r/g, '&#13;')
}

/** An element with text in it, or nothing where there is none. */
export const toElement = (name: string, text: string | number | undefined): string =>
  text === undefined ? '' : `<${name}>${escapeXml(String(text))}</${name}>`

/** An absolute address as the URL parser writes it. @throws TypeError, which says where it stands, for any other. */
export function toAddress(url: string | URL, where: string): string {
  const text = String(url)
  const parsed = URL.canParse(text) ? new URL(text) : undefined
  if (!parsed || !/^https?:$/.test(parsed.protocol))
    throw new TypeError(`${where} is an absolute http or https URL, not ${JSON.stringify(text.slice(0, 100))}`)
  return parsed.href
}

/** @throws TypeError, which says where it stands, for a Date that is none. */
export function checkDate(date: Date, where: string): Date {
  if (Number.isNaN(date.getTime())) throw new TypeError(`${where} is a Date that is no time`)
  return date
}
