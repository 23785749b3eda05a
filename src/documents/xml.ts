const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' }

/**
 * Escapes text for an XML element or a quoted attribute. Characters that XML does not allow, such as most control
 * characters, become U+FFFD.
 *
 * @see https://www.w3.org/TR/xml/#charsets
 */
export function escapeXml(text: string): string {
  // XML parsers convert an unescaped CR to LF, or to a space in an attribute: https://www.w3.org/TR/xml/#sec-line-ends
  return text
    .replace(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replace(/[&<>"']/g, (character) => entities[character]!)
    .replace(/\r/g, '&#13;')
}

/** Returns an element with escaped text, or an empty string if `text` is `undefined`. */
export const toElement = (name: string, text: string | number | undefined): string =>
  text === undefined ? '' : `<${name}>${escapeXml(String(text))}</${name}>`

/** Returns an absolute URL as the URL parser serializes it. @throws TypeError if it is not an absolute http or https URL. */
export function toAddress(url: string | URL, where: string): string {
  const text = String(url)
  const parsed = URL.canParse(text) ? new URL(text) : undefined
  if (!parsed || !/^https?:$/.test(parsed.protocol))
    throw new TypeError(`${where} must be an absolute http or https URL, not ${JSON.stringify(text.slice(0, 100))}`)
  return parsed.href
}

/** Returns the Date. @throws TypeError if it is invalid. */
export function checkDate(date: Date, where: string): Date {
  if (Number.isNaN(date.getTime())) throw new TypeError(`${where} is an invalid Date`)
  return date
}
