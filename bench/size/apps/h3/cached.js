import { H3, handleCacheHeaders, toResponse, withCacheIsolation } from 'h3'
import { defineCachedHandler } from 'ocache'

const hello = defineCachedHandler(({ context: { params } }) => ({ hello: params.name }), {
  maxAge: 60,
  swr: true,
  toResponse,
  handleCacheHeaders,
})

const app = new H3()
app.get('/hello/:name', withCacheIsolation(hello))

export default app.fetch
