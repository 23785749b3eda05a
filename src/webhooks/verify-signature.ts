import { forbidden } from '../replies/reply.js'

/** What the headers of one delivery say. */
export interface Signature {
  /** What was signed before the body. */
  readonly before: string
  /** The HMACs, any of which may be right: senders sign with several secrets while they replace one. */
  readonly codes: readonly Uint8Array<ArrayBuffer>[]
  /** When it was sent, in seconds. It must be part of `before`, else anyone can change it. @default never too old */
  readonly timestamp?: number
}

/** How a sender signs: HMAC with SHA-256. */
export interface SignatureScheme {
  /** The key in a secret as its sender shows it. @throws TypeError for what is no secret. @default its characters */
  toKey?(secret: string): Uint8Array<ArrayBuffer>
  /** What the headers say, or `undefined` where there is no signature in them. */
  read(headers: Headers): Signature | undefined
}

export interface SignatureOptions {
  readonly scheme: SignatureScheme
  /** The secret that is shared with the sender. Several while one replaces another: any of them will do. */
  readonly secret: string | readonly string[]
  /** How many seconds the time of sending may be from now, before or after. @default 300 */
  readonly tolerance?: number
}

// A sender has two or three. Each costs an HMAC of the whole body.
const maxCodes = 8

const encoder = new TextEncoder()

/**
 * Resolves if the sender of a webhook has signed this body. Else it throws a 403 problem, which answers for itself. Take
 * the body as it came (`text` or `bytes`), and parse it afterwards: JSON that was parsed and written again has other characters.
 *
 * A valid delivery can be sent again by whoever has seen it, for as long as `tolerance` allows, and for ever where the
 * scheme has no time (GitHub's). Senders repeat deliveries too. So remember what was done, by an id in the *signed* part
 * (Stripe's `event.id`, Standard Webhooks' `webhook-id`), and do it once.
 *
 * @throws Response if it is not signed so. @throws TypeError if there is no secret, or it is none of the scheme's.
 * @example
 * route('/hooks/stripe').post({ text: z.string() }, async (request, { text, env }) => {
 *   await verifySignature(request, text, { scheme: stripe, secret: env.STRIPE_SECRET })
 *   await handle(Event.parse(JSON.parse(text)))
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
    throw forbidden({ detail: 'The time of the signature is too far from now.' })
  const signed = join(before, body)
  for (const key of keys)
    for (const code of codes.slice(0, maxCodes)) if (await crypto.subtle.verify('HMAC', key, code, signed)) return
  throw forbidden({ detail: 'The signature is not that of this body.' })
}

function toSecrets(secret: string | readonly string[]): readonly string[] {
  const secrets = typeof secret === 'string' ? [secret] : secret
  if (!Array.isArray(secrets) || !secrets.length || !secrets.every((secret) => typeof secret === 'string' && secret))
    throw new TypeError('verifySignature() takes a secret, or a list of them, none of which is empty')
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
