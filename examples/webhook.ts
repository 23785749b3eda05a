// A webhook whose signature is checked before its body is parsed, and which is handled once.
import { createHmac } from 'node:crypto'
import { route, router, text } from 'byway'
import { stripe, verifySignature } from 'byway/webhooks'
import { z } from 'zod'

const Event = z.object({ id: z.string(), type: z.string() })
// Two secrets, while one replaces the other. An app reads them from the environment.
const secret = ['whsec_new', 'whsec_old']
const handled = new Set<string>()

const hook = route('/hooks/stripe').post({ body: text(z.string()) }, async (request, { body: text }) => {
  // Throws a 403. The signature is of the exact characters, so they are parsed after the check.
  await verifySignature(request, text, { scheme: stripe, secret })
  const event = Event.parse(JSON.parse(text))
  // A signed request can be sent again by anyone, so each event counts once.
  if (handled.has(event.id)) return 'handled before'
  handled.add(event.id)
  return `handled ${event.type}`
})

const app = router({ hook })

function deliver(body: string, key: string, seconds = Math.floor(Date.now() / 1_000)) {
  const code = createHmac('sha256', key).update(`${seconds}.${body}`).digest('hex')
  const headers = { 'content-type': 'application/json', 'stripe-signature': `t=${seconds},v1=${code}` }
  return app.fetch(new Request('http://localhost/hooks/stripe', { method: 'POST', headers, body }))
}

const body = '{ "id": "evt_1", "type": "invoice.paid" }'
for (const response of [
  await deliver(body, 'whsec_old'),
  await deliver(body, 'whsec_new'),
  await deliver(body, 'whsec_guessed'),
  await deliver(body, 'whsec_new', 1_533_204_620),
])
  console.log(response.status, await response.text())
