import { AutoRouter } from 'itty-router'
import { z } from 'zod'

const Search = z.object({ q: z.string(), page: z.coerce.number().default(1), tag: z.array(z.string()).default([]) })

const app = AutoRouter()
app.get('/hello/:name', ({ params, query }) => ({ hello: params.name, ...Search.parse(query) }))

export default app.fetch
