// The queue and a schedule run in the process of the server, and end with it: npx tsx examples/jobs/main.ts
import { serve } from 'byway/node'
import app, { mails } from './app.js'
import type { Job } from './queue.js'

const server = serve(app, { port: 0 })
// Each night, with a real scheduler: `new Cron('0 3 * * *', clean)` from croner, or a route that the platform's cron requests.
const clean = (): void => mails.jobs.forEach(({ id, state }) => state === 'done' && mails.jobs.delete(id))
const timer = setInterval(clean, 86_400_000)
await server.ready

for (const email of ['ada@shop.example', 'unknown@shop.example']) {
  const response = await fetch(`${server.url}/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email }),
  })
  console.log(response.status, response.headers.get('location'))
}
await mails.drained()
for (const id of [1, 2]) {
  const { state, tries } = (await (await fetch(`${server.url}/jobs/${id}`)).json()) as Job
  console.log(`job ${id}: ${state} after ${tries} tries`)
}
clean()
console.log('after cleaning', (await fetch(`${server.url}/jobs/1`)).status)
clearInterval(timer)
await mails.close()
await server.close()
