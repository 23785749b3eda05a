// A queue and a schedule in the process of the server: npx tsx examples/jobs.ts
// Jobs in memory end with the process. To keep them, replace `createQueue` with BullMQ or pg-boss: the routes stay the same.
import { route, router } from 'byway'
import * as reply from 'byway/reply'
import { serve } from 'byway/node'
import { z } from 'zod'

interface Job {
  readonly id: number
  readonly to: string
  tries: number
  state: 'waiting' | 'done' | 'failed'
}

function createQueue(work: (job: Job, signal: AbortSignal) => Promise<void>) {
  const jobs = new Map<number, Job>()
  const controller = new AbortController()
  let last = Promise.resolve()
  const run = async (job: Job): Promise<void> => {
    while (job.state === 'waiting' && !controller.signal.aborted) {
      job.tries++
      try {
        await work(job, controller.signal)
        job.state = 'done'
      } catch {
        if (job.tries === 3) job.state = 'failed'
        await new Promise((resolve) => setTimeout(resolve, 2 ** job.tries))
      }
    }
  }
  return {
    jobs,
    add(to: string): Job {
      const job: Job = { id: jobs.size + 1, to, tries: 0, state: 'waiting' }
      jobs.set(job.id, job)
      last = last.then(() => run(job))
      return job
    },
    /** Resolves when the job in progress has ended. Starts no other one. */
    close(): Promise<void> {
      controller.abort()
      return last
    },
    drained: () => last,
  }
}

let isDown = true
const mails = createQueue(async ({ to }) => {
  // The first try fails, as mail servers do.
  if (isDown) {
    isDown = false
    throw new Error('the mail server is down')
  }
  if (to === 'unknown@shop.example') throw new Error('no such address')
})

const orders = route('/orders').post({ body: z.object({ email: z.email() }) }, (_request, { body }) => {
  const { id } = mails.add(body.email)
  return reply.json({ id }, { status: 202, headers: { location: `/jobs/${id}` } })
})
const job = route('/jobs/[id]').get((_request, { params }) => mails.jobs.get(Number(params.id)) ?? reply.notFound())

const server = serve(router({ orders, job }), { port: 0 })
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
