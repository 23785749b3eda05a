import { fromBase64Url, toBase64Url } from '../headers/base64url.js'
import type { SessionStore } from './session-stores.js'

/** A session as it is stored. Times are milliseconds since 1970. */
export interface Kept {
  readonly created: number
  readonly expires: number
  readonly data: unknown
  readonly flash: Readonly<Record<string, string>>
}

/** Where sessions are: in the cookie, or in a store. A key is the value of the cookie. */
export interface Keeper {
  load(key: string): Promise<Kept | undefined>
  /** Stores a session, as a new one without a key. Resolves to the value of the cookie, or `undefined` if the session has ended since. */
  save(key: string | undefined, kept: Kept): Promise<string | undefined>
  delete(key: string): Promise<void>
}

export function storeKeeper(store: SessionStore): Keeper {
  return {
    async load(key) {
      const text = isId(key) ? await store.get(await hash(key)) : undefined
      return text === undefined ? undefined : parse(text)
    },
    async save(key, kept) {
      const text = format(kept)
      if (key !== undefined) return (await store.update(await hash(key), text, kept.expires)) ? key : undefined
      const id = toBase64Url(crypto.getRandomValues(new Uint8Array(32)))
      await store.create(await hash(id), text, kept.expires)
      return id
    },
    delete: async (key) => store.delete(await hash(key)),
  }
}

const isId = (key: string): boolean => /^[\w-]{43}$/.test(key)

const encoder = new TextEncoder()

const hash = async (id: string): Promise<string> =>
  toBase64Url(await crypto.subtle.digest('SHA-256', encoder.encode(id)))

/**
 * Keeps sessions in the cookie, encrypted with AES-GCM. The name of the cookie is authenticated too, so a value cannot be
 * moved to another cookie.
 *
 * @throws TypeError if a secret has fewer than 32 characters.
 * @see https://csrc.nist.gov/pubs/sp/800/38/d/final
 */
export function cookieKeeper(secrets: readonly string[], name: string): Keeper {
  if (!secrets.length || secrets.some((secret) => typeof secret !== 'string' || secret.length < 32))
    throw new TypeError(
      'session({ secrets }) takes an array of secrets of at least 32 characters; create one with `openssl rand -base64 32`',
    )
  const additionalData = encoder.encode(name)
  // Stores the keys, not their promise: on Workers, a request cannot await a promise of another request.
  let imported: readonly CryptoKey[] | undefined
  const keys = async (): Promise<readonly CryptoKey[]> => (imported ??= await Promise.all(secrets.map(toKey)))

  return {
    async load(key) {
      if (!/^[\w-]{39,}$/.test(key)) return undefined
      let bytes: Uint8Array<ArrayBuffer>
      try {
        bytes = fromBase64Url(key)
      } catch {
        return undefined
      }
      // The last character has unused bits, which must be 0, so each session has only one valid encoding.
      if (toBase64Url(bytes) !== key) return undefined
      const iv = bytes.subarray(0, ivLength)
      for (const own of await keys())
        try {
          const plain = await crypto.subtle.decrypt(
            { name: 'AES-GCM', iv, additionalData },
            own,
            bytes.subarray(ivLength),
          )
          return parse(new TextDecoder().decode(plain))
        } catch {
          // Another key, or not ours.
        }
      return undefined
    },
    async save(_key, kept) {
      const [own] = await keys()
      const iv = crypto.getRandomValues(new Uint8Array(ivLength))
      const sealed = await crypto.subtle.encrypt(
        { name: 'AES-GCM', iv, additionalData },
        own!,
        encoder.encode(format(kept)),
      )
      const bytes = new Uint8Array(ivLength + sealed.byteLength)
      bytes.set(iv)
      bytes.set(new Uint8Array(sealed), ivLength)
      return toBase64Url(bytes)
    },
    // The cookie is deleted with the response.
    async delete() {},
  }
}

const ivLength = 12

async function toKey(secret: string): Promise<CryptoKey> {
  const material = await crypto.subtle.importKey('raw', encoder.encode(secret), 'HKDF', false, ['deriveKey'])
  const derivation = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info: encoder.encode('byway session') }
  return crypto.subtle.deriveKey(derivation, material, { name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt'])
}

function format({ created, expires, data, flash }: Kept): string {
  const names = Object.keys(flash)
  return JSON.stringify([created, expires, data ?? null, ...(names.length ? [flash] : [])])
}

function parse(text: string): Kept | undefined {
  let parts: unknown
  try {
    parts = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!Array.isArray(parts) || typeof parts[0] !== 'number' || typeof parts[1] !== 'number') return undefined
  const [created, expires, data, flash = {}] = parts as [number, number, unknown, Record<string, string>?]
  return { created, expires, data: data ?? undefined, flash }
}
