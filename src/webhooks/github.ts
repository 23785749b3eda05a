import { fromHex } from './encoding.js'
import type { SignatureScheme } from './verify-signature.js'

/**
 * GitHub's: `X-Hub-Signature-256`. It has no time, and its `X-GitHub-Delivery` is not signed: a delivery that was seen
 * once can be sent again for ever.
 *
 * @see https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries
 */
export const github: SignatureScheme = {
  read(headers) {
    const [, digits = ''] = /^sha256=(.*)$/.exec(headers.get('x-hub-signature-256') ?? '') ?? []
    const code = fromHex(digits)
    return code && { before: '', codes: [code] }
  },
}
