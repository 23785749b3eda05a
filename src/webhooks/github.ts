import { fromHex } from './encoding.js'
import type { SignatureScheme } from './verify-signature.js'

/**
 * GitHub's scheme: `X-Hub-Signature-256`. The signature contains no time, and `X-GitHub-Delivery` is not signed. Anyone who
 * has seen a delivery can send it again without a time limit.
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
