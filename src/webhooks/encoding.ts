/** Converts the 64 hexadecimal digits of a SHA-256 HMAC to bytes, or returns `undefined` if `text` is anything else. */
export function fromHex(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[\da-f]{64}$/i.test(text)) return undefined
  return Uint8Array.from(text.match(/../g)!, (digits) => Number.parseInt(digits, 16))
}

/** Converts base64 or base64url to bytes, or returns `undefined` if `text` is neither. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[\w+/-]+={0,2}$/.test(text)) return undefined
  try {
    return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (byte) => byte.charCodeAt(0))
  } catch {
    return undefined
  }
}

/** Parses a time in whole seconds of at most 12 digits, or returns `undefined` if `text` is invalid. */
export const toSeconds = (text: string): number | undefined => (/^\d{1,12}$/.test(text) ? Number(text) : undefined)
