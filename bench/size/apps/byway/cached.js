import { route, router } from 'byway'
import { createCache } from 'byway/cache'

const cache = createCache()

const hello = route('/hello/[name]')
  .use(cache({ revalidate: 60 }))
  .get((request, { params }) => ({ hello: params.name }))

export default router({ hello }).fetch
