/**
 * Formats a `Content-Disposition` header that makes a browser save the file. The name can be untrusted: path separators,
 * control characters and characters that change the text direction are replaced with `_`.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6266#section-4
 */
export function formatAttachment(name: string): string {
  const safe = name.replace(/[/\\\p{Cc}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, '_')
  const ascii = safe.replace(/[^\x20-\x7e]|["%]/gu, '_')
  // RFC 8187 leaves fewer characters unencoded than encodeURIComponent.
  const extended = encodeURIComponent(safe).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16)}`,
  )
  return `attachment; filename="${ascii}"; filename*=UTF-8''${extended}`
}
