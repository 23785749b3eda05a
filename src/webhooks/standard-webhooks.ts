import { fromBase64, toSeconds } from './encoding.js'
import type { SignatureScheme } from './verify-signature.js'

/**
 * The scheme of Standard Webhooks (OpenAI, Clerk, Resend and others): the headers `webhook-id`, `webhook-timestamp` and
 * `webhook-signature`, or Svix's `svix-id`, `svix-timestamp` and `svix-signature`. The secret is base64, with or without
 * the prefix `whsec_`. Only symmetric signatures (`v1`) are accepted, not asymmetric ones (`v1a`).
 *
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export const standardWebhooks: SignatureScheme = {
  toKey(secret) {
    const key = fromBase64(secret.replace(/^whsec_/, ''))
    if (!key) throw new TypeError('standardWebhooks: the secret must be base64, with or without the prefix whsec_')
    return key
  },
  read(headers) {
    const prefix = headers.has('webhook-signature') ? 'webhook-' : 'svix-'
    const id = headers.get(`${prefix}id`)
    const time = headers.get(`${prefix}timestamp`) ?? ''
    const timestamp = toSeconds(time)
    const codes = (headers.get(`${prefix}signature`) ?? '').split(' ').flatMap((signature) => {
      const [version, text = ''] = signature.split(',', 2)
      return version === 'v1' ? (fromBase64(text) ?? []) : []
    })
    if (!id || timestamp === undefined || !codes.length) return undefined
    return { before: `${id}.${time}.`, codes, timestamp }
  },
}
