import { fromHex, toSeconds } from './encoding.js'
import type { SignatureScheme } from './verify-signature.js'

/**
 * Stripe's: `Stripe-Signature: t=…,v1=…`. The secret is used as it is shown, `whsec_` and all.
 *
 * @see https://docs.stripe.com/webhooks#verify-manually
 */
export const stripe: SignatureScheme = {
  read(headers) {
    const pairs = (headers.get('stripe-signature') ?? '').split(',').map((pair) => pair.trim().split('=', 2))
    const times = pairs.filter(([name]) => name === 't').map(([, value = '']) => value)
    const [time = ''] = times
    const timestamp = toSeconds(time)
    // Any other version is another algorithm, and a way down to a weaker one.
    const codes = pairs.flatMap(([name, value = '']) => (name === 'v1' ? (fromHex(value) ?? []) : []))
    if (timestamp === undefined || times.length > 1 || !codes.length) return undefined
    return { before: `${time}.`, codes, timestamp }
  },
}
