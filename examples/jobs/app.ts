// A route that adds jobs to a queue, and one that tells how they are.
import { route, router } from 'byway'
import * as reply from 'byway/reply'
import { z } from 'zod'
import { createQueue } from './queue.js'

let isDown = true
export const mails = createQueue(async ({ to }) => {
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

export default router({ orders, job })
