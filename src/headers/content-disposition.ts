/** `inline`: the browser displays the content. `attachment`: the browser saves it as a file. */
export type Disposition = 'inline' | 'attachment'

/**
 * Formats a `Content-Disposition` header, for a response that is not made by `file()`, such as one of a storage. The name can be
 * untrusted: path separators, control characters and characters that change the text direction are replaced with `_`. Without a
 * name, the header has no `filename`.
 *
 * @example
 * url.searchParams.set('response-content-disposition', reply.formatContentDisposition('attachment', upload.name))
 * @see https://www.rfc-editor.org/rfc/rfc6266#section-4
 */
export function formatContentDisposition(disposition: Disposition, name = ''): string {
  const safe = name.toWellFormed().replace(/[/\\\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, '_')
  if (!safe) return disposition
  // Clients parse quotes and percent signs differently: https://www.rfc-editor.org/rfc/rfc6266#appendix-D
  const ascii = safe.replace(/[^\x20-\x7e]|["%]/gu, '_')
  return `${disposition}; filename="${ascii}"${ascii === safe ? '' : `; filename*=UTF-8''${toExtended(safe)}`}`
}

// RFC 8187 leaves fewer characters unencoded than encodeURIComponent: https://www.rfc-editor.org/rfc/rfc8187#section-3.2.1
const toExtended = (text: string): string =>
  encodeURIComponent(text).replace(/['()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
