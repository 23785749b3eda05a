/** Whether a browser shows what it gets, or saves it. */
export type Disposition = 'inline' | 'attachment'

/**
 * A `Content-Disposition` header. The name may come from anywhere: what a file cannot be called, or what would show
 * another name than it is (separators, control characters, turned directions), is `_` in it.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6266#section-4
 */
export function formatContentDisposition(disposition: Disposition, name = ''): string {
  const safe = name.toWellFormed().replace(/[/\\\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, '_')
  if (!safe) return disposition
  // Quotes and percents are read differently by each client: https://www.rfc-editor.org/rfc/rfc6266#appendix-D
  const ascii = safe.replace(/[^\x20-\x7e]|["%]/gu, '_')
  return `${disposition}; filename="${ascii}"${ascii === safe ? '' : `; filename*=UTF-8''${toExtended(safe)}`}`
}

// https://www.rfc-editor.org/rfc/rfc8187#section-3.2.1 leaves fewer characters as they are.
const toExtended = (text: string): string =>
  encodeURIComponent(text).replace(/['()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
