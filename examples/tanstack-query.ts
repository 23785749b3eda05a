// The client's calls in TanStack Query: npx tsx examples/tanstack-query.ts
// `useQuery` and `useMutation` of React take the same options.
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
    if (shelf.has(body.slug)) return reply.problem(409, { detail: `${body.slug} exists` })
    shelf.set(body.slug, body)
    return reply.json(body, { status: 201 })
  })
const report = route('/report').get(
  (_request, { signal }) =>
    new Promise<string>((resolve) =>
      signal.addEventListener('abort', () => {
        console.log('the report was canceled')
        resolve('')
      }),
    ),
)
const app = router({ items, report })

const api = createClient<typeof app>({ fetch: app.fetch })
const queryClient = new QueryClient()

// A call is a queryFn as it is. TanStack Query passes it a signal, so a canceled query aborts the request.
const all = { queryKey: ['/items'], queryFn: api('/items').get }
const list = new QueryObserver(queryClient, all)
const shown: string[] = []
const close = list.subscribe(({ data, isFetching }) => {
  if (data?.data && !isFetching) shown.push(data.data.map(({ slug }) => slug).join(' and '))
})
await queryClient.fetchQuery(all)

// Inputs are part of the key. This function resolves to the data alone, and rejects if the response is an error.
async function dataOf<result extends { data: unknown; error: unknown; status: unknown }>(call: Promise<result>) {
  const { data, error, status } = await call
  if (error) throw new Error(`the response has the status ${String(status)}`, { cause: error })
  return data as Extract<result, { error: undefined }>['data']
}
const upTo = (most: number) => ({
  queryKey: ['/items', { most }],
  queryFn: ({ signal }: { signal: AbortSignal }) => dataOf(api('/items').get({ query: { most }, signal })),
})
console.log('up to 3:', (await queryClient.fetchQuery(upTo(3))).length)

// A mutation's variables are the call's options. After a success, the queries whose keys begin with this key are fetched again.
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
