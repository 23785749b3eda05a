const encoder = new TextEncoder()

/** The SHA-256 of a text in hexadecimal digits: a short key for a store in place of one of any length and any characters. */
export async function digest(text: string): Promise<string> {
  // As JSON, where UTF-8 would take every half of a surrogate pair for the same character.
  const bytes = new Uint8Array(await crypto.subtle.digest('SHA-256', encoder.encode(JSON.stringify(text))))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
