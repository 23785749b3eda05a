import { getValidatedQuery, H3 } from 'h3'
import { z } from 'zod'

const Search = z.object({ q: z.string(), page: z.coerce.number().default(1), tag: z.array(z.string()).default([]) })

const app = new H3()
app.get('/hello/:name', async (event) => ({
  hello: event.context.params.name,
  ...(await getValidatedQuery(event, Search)),
}))

export default app.fetch
