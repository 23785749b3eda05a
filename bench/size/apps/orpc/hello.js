import { OpenAPIHandler } from '@orpc/openapi/fetch'
import { os } from '@orpc/server'
import { z } from 'zod'

const hello = os
  .route({ method: 'GET', path: '/hello/{name}' })
  .input(z.object({ name: z.string() }))
  .handler(({ input }) => ({ hello: input.name }))
const handler = new OpenAPIHandler({ hello })

export default async (request) => (await handler.handle(request)).response
