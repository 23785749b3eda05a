// How does a route know that a webhook is from who it says, and that it has not been handled before?
import { createHmac } from 'node:crypto'
import { route, router, text } from 'byway'
import { stripe, verifySignature } from 'byway/webhooks'
import { z } from 'zod'

const Event = z.object({ id: z.string(), type: z.string() })
// Two, while one replaces the other. Real ones come from the environment.
const secret = ['whsec_new', 'whsec_old']
const handled = new Set<string>()

const hook = route('/hooks/stripe').post({ body: text(z.string()) }, async (request, { body: text }) => {
  // Answers 403 by itself. The characters as they came are what was signed, so they are parsed afterwards.
  await verifySignature(request, text, { scheme: stripe, secret })
  const event = Event.parse(JSON.parse(text))
  // What was signed can be sent again, by anyone: an event counts once.
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
