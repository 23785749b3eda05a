const encoder = new TextEncoder()

/** The SHA-256 of a text in hexadecimal digits, as a short key for a store. */
export async function digest(text: string): Promise<string> {
  // As JSON, because UTF-8 encodes all lone surrogates as one character.
  const bytes = new Uint8Array(await crypto.subtle.digest('SHA-256', encoder.encode(JSON.stringify(text))))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
