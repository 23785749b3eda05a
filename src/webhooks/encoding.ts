/** The bytes of an HMAC in hexadecimal digits, or `undefined` for what is none. */
export function fromHex(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[\da-f]{64}$/i.test(text)) return undefined
  return Uint8Array.from(text.match(/../g)!, (digits) => Number.parseInt(digits, 16))
}

/** The bytes of a text in base64, or `undefined` for what is none. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[\w+/-]+={0,2}$/.test(text)) return undefined
  try {
    return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (byte) => byte.charCodeAt(0))
  } catch {
    return undefined
  }
}

/** A time in whole seconds, or `undefined` for what is none. */
export const toSeconds = (text: string): number | undefined => (/^\d{1,12}$/.test(text) ? Number(text) : undefined)
