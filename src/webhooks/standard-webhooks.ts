import { fromBase64, toSeconds } from './encoding.js'
import type { SignatureScheme } from './verify-signature.js'

/**
 * Standard Webhooks, as OpenAI, Clerk, Resend and others send them: `webhook-id`, `webhook-timestamp` and
 * `webhook-signature`, or the same with `svix-` as Svix names them. The secret is in base64, with or without `whsec_` before it.
 * Its symmetric signatures, `v1`; not `v1a`.
 *
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export const standardWebhooks: SignatureScheme = {
  toKey(secret) {
    const key = fromBase64(secret.replace(/^whsec_/, ''))
    if (!key) throw new TypeError('a secret of Standard Webhooks is whsec_ and base64')
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
