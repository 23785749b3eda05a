import { route, router } from 'byway'
import { z } from 'zod'

const Search = z.object({ q: z.string(), page: z.coerce.number().default(1), tag: z.array(z.string()).default([]) })

const hello = route('/hello/[name]').get({ query: Search }, (request, { params, query }) => ({
  hello: params.name,
  ...query,
}))

export default router({ hello }).fetch
