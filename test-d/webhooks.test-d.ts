// verifySignature: what it takes.
import { bytes as bytesKind, route, text } from 'byway'
import { github, standardWebhooks, stripe, verifySignature, type Signature, type SignatureScheme } from 'byway/webhooks'
import { expectAssignable, expectError, expectType } from 'tsd'
import { z } from 'zod'

declare const request: Request
declare const bytes: Uint8Array<ArrayBuffer>
const secret = 'a'

expectType<Promise<void>>(verifySignature(request, 'a', { scheme: stripe, secret }))
expectType<Promise<void>>(
  verifySignature(request, bytes, { scheme: github, secret: [secret, 'b'] as const, tolerance: 60 }),
)
expectType<Promise<void>>(
  verifySignature({ headers: new Headers() }, bytes.buffer, { scheme: standardWebhooks, secret }),
)
expectAssignable<SignatureScheme>(stripe)
const own: SignatureScheme = { read: (headers) => ({ before: headers.get('x-time') ?? '', codes: [bytes] }) }
expectType<Signature | undefined>(own.read(new Headers()))
verifySignature(request, 'a', { scheme: own, secret })

// What an environment may lack is no secret.
declare const missing: string | undefined
expectError(verifySignature(request, 'a', { scheme: stripe, secret: missing }))
expectError(verifySignature(request, 'a', { scheme: stripe }))
expectError(verifySignature(request, 'a', { secret }))
expectError(verifySignature(request, 'a', { scheme: 'stripe', secret }))
// JSON that was parsed is not what was signed.
expectError(verifySignature(request, { id: 'a' }, { scheme: stripe, secret }))
expectError(verifySignature(request, 'a', { scheme: { read: () => ({ codes: [bytes] }) }, secret }))

route('/hook').post({ body: text(z.string()) }, async (request, { body: text }) => {
  await verifySignature(request, text, { scheme: github, secret })
})
route('/hook').post({ body: bytesKind(z.instanceof(Uint8Array<ArrayBuffer>)) }, async (request, { body: bytes }) => {
  await verifySignature(request, bytes, { scheme: github, secret })
})
