import { forbidden } from '../replies/reply.js'

/** The signature in the headers of a delivery. */
export interface Signature {
  /** The text that is signed in front of the body. */
  readonly before: string
  /** The HMACs; one valid one is enough. Senders sign with several secrets while they replace one. Only the first 8 are checked. */
  readonly codes: readonly Uint8Array<ArrayBuffer>[]
  /** The time of sending in seconds since 1970. It must be part of `before`, else anyone can change it. @default no time limit */
  readonly timestamp?: number
}

/** A sender's signature scheme, based on HMAC with SHA-256. */
export interface SignatureScheme {
  /** Converts the secret that the sender shows to key bytes. @throws TypeError if the secret is invalid. @default UTF-8 encoding */
  toKey?(secret: string): Uint8Array<ArrayBuffer>
  /** Reads the signature, or returns `undefined` if it is missing or malformed. */
  read(headers: Headers): Signature | undefined
}

export interface SignatureOptions {
  /** The sender's scheme: `stripe`, `github`, `standardWebhooks` or your own. */
  readonly scheme: SignatureScheme
  /** The secret shared with the sender. Pass an array while you replace a secret; one that matches is enough. */
  readonly secret: string | readonly string[]
  /** The maximum difference in seconds, in both directions, between the time of sending and now. @default 300 */
  readonly tolerance?: number
}

// Senders use two or three. Each one costs an HMAC of the whole body.
const maxCodes = 8

const encoder = new TextEncoder()

/**
 * Verifies the signature of a webhook's body. If it is invalid, rejects with a 403 problem, which the route sends. Pass the
 * raw body (`text` or `bytes`) and parse it afterwards: serializing parsed JSON again can change its characters.
 *
 * Anyone who has seen a valid delivery can send it again within `tolerance`, or without a time limit if the scheme has no
 * time (GitHub's). Senders also repeat deliveries. To process each one once, store an id from the *signed* part (Stripe's
 * `event.id`, Standard Webhooks' `webhook-id`).
 *
 * @throws Response if the signature is missing, malformed, too old or invalid.
 * @throws TypeError if a secret is missing, empty or invalid. @throws RangeError if `tolerance` is negative.
 * @example
 * route('/hooks/stripe').post({ body: text() }, async (request, { body }) => {
 *   await verifySignature(request, body, { scheme: stripe, secret: process.env.STRIPE_SECRET! })
 *   await handle(Event.parse(JSON.parse(body)))
 * })
 */
export async function verifySignature(
  request: { readonly headers: Headers },
  body: string | ArrayBuffer | ArrayBufferView<ArrayBuffer>,
  { scheme, secret, tolerance = 300 }: SignatureOptions,
): Promise<void> {
  if (!(tolerance >= 0))
    throw new RangeError(`verifySignature() takes a tolerance of 0 seconds or more, not ${String(tolerance)}`)
  const keys = await Promise.all(toSecrets(secret).map((secret) => toCryptoKey(scheme, secret)))
  const signature = scheme.read(request.headers)
  if (!signature) throw forbidden({ detail: 'The signature is missing or malformed.' })
  const { before, codes, timestamp } = signature
  if (timestamp !== undefined && !(Math.abs(Date.now() / 1_000 - timestamp) <= tolerance))
    throw forbidden({ detail: 'The time of the signature is too far from the current time.' })
  const signed = join(before, body)
  for (const key of keys)
    for (const code of codes.slice(0, maxCodes)) if (await crypto.subtle.verify('HMAC', key, code, signed)) return
  throw forbidden({ detail: 'The signature does not match the body.' })
}

function toSecrets(secret: string | readonly string[]): readonly string[] {
  const secrets = typeof secret === 'string' ? [secret] : secret
  if (!Array.isArray(secrets) || !secrets.length || !secrets.every((secret) => typeof secret === 'string' && secret))
    throw new TypeError(
      'verifySignature() takes a non-empty secret or an array of them; check that the environment variable is set',
    )
  return secrets
}

function toCryptoKey({ toKey }: SignatureScheme, secret: string): Promise<CryptoKey> {
  const key = toKey ? toKey(secret) : encoder.encode(secret)
  return crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify'])
}

function join(before: string, body: string | ArrayBuffer | ArrayBufferView<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (typeof body === 'string') return encoder.encode(before + body)
  const bytes = ArrayBuffer.isView(body)
    ? new Uint8Array(body.buffer, body.byteOffset, body.byteLength)
    : new Uint8Array(body)
  const start = encoder.encode(before)
  const joined = new Uint8Array(start.length + bytes.length)
  joined.set(start)
  joined.set(bytes, start.length)
  return joined
}
