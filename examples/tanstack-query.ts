// How does TanStack Query take the client's calls? `useQuery` and `useMutation` take the same options as what stands here.
import { isCancelledError, MutationObserver, QueryClient, QueryObserver } from '@tanstack/query-core'
import { route, router } from 'byway'
import * as reply from 'byway/reply'
import { createClient } from 'byway/client'
import { z } from 'zod'

const Item = z.object({ slug: z.string(), price: z.number() })
const shelf = new Map([['tea', { slug: 'tea', price: 4 }]])

const items = route('/items')
  .get({ query: z.object({ most: z.coerce.number().optional() }) }, (_request, { query }) =>
    [...shelf.values()].filter(({ price }) => price <= (query.most ?? Infinity)),
  )
  .post({ body: Item }, (_request, { body }) => {
    if (shelf.has(body.slug)) return reply.problem(409, { detail: `${body.slug} is there already` })
    shelf.set(body.slug, body)
    return reply.json(body, { status: 201 })
  })
const report = route('/report').get(
  (_request, { signal }) =>
    new Promise<string>((resolve) =>
      signal.addEventListener('abort', () => {
        console.log('the report is not wanted any more')
        resolve('')
      }),
    ),
)
const app = router({ items, report })

const api = createClient<typeof app>({ fetch: app.fetch })
const queryClient = new QueryClient()

// A call is a queryFn as it is: what TanStack Query hands to it has the signal, and so a query that is cancelled ends it.
const all = { queryKey: ['/items'], queryFn: api('/items').get }
const list = new QueryObserver(queryClient, all)
const shown: string[] = []
const close = list.subscribe(({ data, isFetching }) => {
  if (data?.data && !isFetching) shown.push(data.data.map(({ slug }) => slug).join(' and '))
})
await queryClient.fetchQuery(all)

// Inputs belong into the key. Whoever wants the data alone, and a query that fails when the answer is an error, says so once.
async function dataOf<result extends { data: unknown; error: unknown; status: unknown }>(call: Promise<result>) {
  const { data, error, status } = await call
  if (error) throw new Error(`the answer is ${String(status)}`, { cause: error })
  return data as Extract<result, { error: undefined }>['data']
}
const upTo = (most: number) => ({
  queryKey: ['/items', { most }],
  queryFn: ({ signal }: { signal: AbortSignal }) => dataOf(api('/items').get({ query: { most }, signal })),
})
console.log('up to 3:', (await queryClient.fetchQuery(upTo(3))).length)

// A mutation's variables are the call's options. After a success, what begins with the key is asked for again.
const add = new MutationObserver(queryClient, {
  mutationFn: api('/items').post,
  onSuccess: ({ error }) => (error ? undefined : queryClient.invalidateQueries({ queryKey: ['/items'] })),
})
for (const price of [2, 3]) {
  const { status, error } = await add.mutate({ body: { slug: 'mint', price } })
  console.log(status, status === 409 ? error.detail : '')
}
console.log('up to 3:', (await queryClient.fetchQuery(upTo(3)))[0]?.slug)
console.log(`shown: ${shown.join(', then ')}`)

const reading = queryClient.fetchQuery({ queryKey: ['/report'], queryFn: api('/report').get })
setTimeout(() => void queryClient.cancelQueries({ queryKey: ['/report'] }), 10)
await reading.catch((error: unknown) => console.log('cancelled:', isCancelledError(error)))

close()
queryClient.clear()
