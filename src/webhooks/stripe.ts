import { fromHex, toSeconds } from './encoding.js'
import type { SignatureScheme } from './verify-signature.js'

/**
 * Stripe's scheme: `Stripe-Signature: t=…,v1=…`. Pass the secret as Stripe shows it, with the prefix `whsec_`.
 *
 * @see https://docs.stripe.com/webhooks#verify-manually
 */
export const stripe: SignatureScheme = {
  read(headers) {
    const pairs = (headers.get('stripe-signature') ?? '').split(',').map((pair) => pair.trim().split('=', 2))
    const times = pairs.filter(([name]) => name === 't').map(([, value = '']) => value)
    const [time = ''] = times
    const timestamp = toSeconds(time)
    // Other versions are other algorithms. Accepting them would allow a downgrade to a weaker one.
    const codes = pairs.flatMap(([name, value = '']) => (name === 'v1' ? (fromHex(value) ?? []) : []))
    if (timestamp === undefined || times.length > 1 || !codes.length) return undefined
    return { before: `${time}.`, codes, timestamp }
  },
}
