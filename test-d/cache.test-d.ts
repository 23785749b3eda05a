// createCache(), cache(), revalidateTag, wrap, get and set, and the stores.
import { createClient as createRedisClient, createCluster, createClientPool } from 'redis'
import { Cluster, Redis } from 'ioredis'
import { middleware, route, router, type AnyContext, type Middleware, type RouteContext } from 'byway'
import type { Continued } from 'byway/types'
import * as reply from 'byway/reply'
import {
  createCache,
  DynamicError,
  kvStore,
  memoryStore,
  redisStore,
  runtimeCacheStore,
  type Cache,
  type CacheOptions,
  type CacheStore,
  type CreateCacheOptions,
  type Entry,
  type IORedisClient,
  type Lease,
  type MemoryStoreOptions,
  type NodeRedisClient,
  type RedisStoreOptions,
  type SetOptions,
  type Wrapped,
  type WrapOptions,
} from 'byway/cache'
import { createClient } from 'byway/client'
import { expectAssignable, expectError, expectNotAssignable, expectType } from 'tsd'
import { z } from 'zod'

interface User {
  id: string
  name: string
}
interface Item {
  slug: string
  price: number
  added: Date
}
interface Env {
  KV: {
    get(key: string, type: 'text'): Promise<string | null>
    put(key: string, value: string, options?: { expirationTtl?: number }): Promise<void>
    delete(key: string): Promise<void>
  }
}
declare const db: {
  find(slug: string): Promise<Item | undefined>
  list(page: number): Promise<Item[]>
}

const cache = createCache()
expectType<Cache>(cache)

const session = middleware(async (request, context, next) => {
  if (!request.headers.has('authorization')) return reply.unauthorized()
  return next({ user: { id: 'a', name: 'A' } as User })
})

// ── what `tags` and `key` see: the context at this place ──

const item = route('/items/[slug]')
  .use(
    cache({
      revalidate: 60,
      tags: ({ params, pattern, env, url }) => {
        expectType<string>(params.slug)
        expectType<'/items/[slug]'>(pattern)
        expectType<unknown>(env)
        expectType<URL>(url)
        return ['items', `item:${params.slug}`]
      },
    }),
  )
  .get(async (_request, { params }) => {
    expectType<{ readonly slug: string }>(params)
    return (await db.find(params.slug)) ?? reply.notFound()
  })
  .delete((_request, { params }) => void params.slug)

expectError(route('/items/[slug]').use(cache({ revalidate: false, tags: ({ params }) => [params.nope] })))
expectError(route('/items/[slug]').use(cache({ revalidate: false, key: ({ params }) => params.nope })))
expectError(route('/items').use(cache({ revalidate: false, key: ({ params }) => params.slug })))

const parsed = route('/numbers/[id]', { params: z.object({ id: z.coerce.number() }) })
  .use(cache({ revalidate: false, key: ({ params }) => expectType<number>(params.id) }))
  .get((_request, { params }) => params.id)

const tail = route('/files/[...path]')
  .use(cache({ revalidate: false, tags: ({ params }) => params.path }))
  .get((_request, { params }) => params.path)

const mine = route('/me')
  .use(session)
  .use(
    cache({
      revalidate: false,
      key: ({ user }) => {
        expectType<User>(user)
        return user.id
      },
      tags: ({ user }) => [`user:${user.id}`],
    }),
  )
  .get((_request, { user }) => {
    expectType<User>(user)
    return user
  })

// A property that no middleware adds, or only an inner one.
expectError(route('/me').use(cache({ revalidate: false, key: ({ user }) => user.id })))
expectError(
  route('/me')
    .use(cache({ revalidate: false, key: ({ user }) => user.id }))
    .use(session),
)
expectError(route('/me').use(cache({ revalidate: false, tags: ({ user }) => [user.id] })))

const bound = route
  .env<Env>()('/bound')
  .use(cache({ revalidate: false, key: ({ env }) => expectType<Env['KV']>(env.KV) }))
  .get((_request, { env }) => env.KV.get('a', 'text'))

// ── factories ──

const cached = route.use(cache({ revalidate: 60, tags: ['all'] }))
const one = cached('/one/[id]').get((_request, { params }) => params.id)
const authed = route.use(session)
const personal = authed.use(cache({ revalidate: false, key: ({ user }) => user.id }))
const own = personal('/own/[id]').get((_request, { user, params }) => ({
  user: user.name,
  id: params.id,
}))
const tagged = route.use(cache({ revalidate: false, tags: ({ params }) => [String(params['slug'])] }))
const two = tagged('/two/[slug]').get((_request, { params }) => params.slug)
expectError(route.use(cache({ revalidate: false, key: ({ user }) => user.id })))

// ── one for many ──

const minute = cache({ revalidate: 60 })
expectAssignable<Middleware<AnyContext, Continued<{}>>>(minute)
const shared = route('/shared/[slug]')
  .use(minute)
  .get((_request, { params }) => expectType<string>(params.slug))
const numbered = route('/numbered/[id]', { params: z.object({ id: z.coerce.number() }) })
  .use(minute)
  .get((_request, { params }) => expectType<number>(params.id))
const inner = route('/inner/[slug]')
  .use(session)
  .use(minute)
  .get((_request, { user }) => expectType<string>(user.name))

const perUser = cache({ revalidate: false, key: ({ user }: AnyContext & { user: User }) => user.id })
route('/me')
  .use(session)
  .use(perUser)
  .get((_request, { user }) => user)
expectError(route('/me').use(perUser))
const bySlug: CacheOptions<RouteContext<'/x/[slug]'>> = { revalidate: false, tags: ({ params }) => [params.slug] }
route('/x/[slug]').use(cache(bySlug))
expectError(route('/x').use(cache(bySlug)))

// ── options ──

expectError(cache())
expectError(cache({}))
expectError(cache({ tags: ['a'] }))
cache({ revalidate: 60, bypass: (request, { url }) => request.headers.has('x-draft') || url.search === '?draft' })
expectError(cache({ revalidate: 60, bypass: async () => true }))

expectAssignable<CacheOptions>({
  revalidate: false,
  staleWhileRevalidate: 10,
  staleIfError: 10,
  tags: ['a'] as const,
  vary: ['accept-language'],
  dynamic: 'force-static',
  statuses: [200, 404],
  maxBytes: 1e6,
})
cache({ revalidate: false, cdn: 60 })
expectError(cache({ revalidate: true }))
expectError(cache({ revalidate: '60' }))
expectError(cache({ revalidate: false, ttl: 60 }))
expectError(cache({ revalidate: false, tag: 'a' }))
expectError(cache({ revalidate: false, tags: 'a' }))
expectError(cache({ revalidate: false, tags: () => 'a' }))
expectError(cache({ revalidate: false, tags: async () => ['a'] }))
expectError(cache({ revalidate: false, key: 'a' }))
expectError(cache({ revalidate: false, vary: 'accept' }))
expectError(cache({ revalidate: false, dynamic: 'force-dynamic' }))
expectError(cache({ revalidate: false, statuses: 404 }))
expectError(route('/x').use(cache({ revalidate: false, ttl: 60 })))
expectError(route('/x').use(cache))
expectError(router({ item }, { use: [cache] }))

expectAssignable<CreateCacheOptions>({
  namespace: 'a',
  maxWait: 1,
  storeTimeout: 1,
  onError: console.error,
})
expectError(createCache({ maxAge: 5 }))
expectError(createCache({ namespace: 5 }))
expectError(createCache({ store: {} }))
expectError(createCache(memoryStore()))

// ── invalidation ──

expectType<Promise<void>>(cache.revalidateTag('a'))
expectType<Promise<void>>(cache.revalidateTag('a', 'max'))
expectType<Promise<void>>(cache.revalidatePath('/items/a'))
expectError(cache.revalidateTag())
expectError(cache.revalidateTag(['a']))
expectError(cache.revalidateTag('a', 'min'))
expectError(cache.revalidateTag('a', { expire: 0 }))
expectError(cache.revalidatePath('/items/a', 'page'))
// The members need no `this`.
const { revalidateTag, wrap } = cache
expectType<Promise<void>>(revalidateTag('a'))

// ── functions ──

const findItem = cache.wrap((slug: string) => db.find(slug), {
  key: 'item',
  revalidate: 60,
  tags: (slug) => {
    expectType<string>(slug)
    return [`item:${slug}`]
  },
})
expectType<(slug: string) => Promise<{ slug: string; price: number; added: string } | undefined>>(findItem)
expectAssignable<Wrapped<[slug: string], Promise<Item | undefined>>>(findItem)
expectError(findItem())
expectError(findItem(5))
expectError(findItem('a', 'b'))
// @ts-expect-error there may be none
void (await findItem('a')).price
expectType<string | undefined>((await findItem('a'))?.added)

const many = wrap(
  function list(page: number, filter: { tag?: string } = {}, ...rest: readonly boolean[]) {
    return [{ page, at: new Date(), skipped: undefined, run() {}, filter, rest }]
  },
  {
    key: 'list',
    tags: (page, filter, ...rest) => [`${page.toFixed()} ${filter?.tag} ${rest.length}`],
  },
)
many(1)
many(1, { tag: 'a' })
many(1, {}, true, false)
expectError(many('1'))
expectError(many(1, {}, 'x'))
const [row] = await many(1)
expectType<number | undefined>(row?.page)
expectType<string | undefined>(row?.at)
expectError(row?.run)

expectType<Promise<number>>(cache.wrap(() => 1, { key: 'n' })())
expectType<Promise<undefined>>(cache.wrap(() => undefined, { key: 'u' })())
expectType<Promise<Item[] extends (infer item)[] ? { slug: string; price: number; added: string }[] : never>>(
  cache.wrap(db.list, { key: 'l' })(1),
)
expectType<Promise<unknown>>(cache.wrap((): unknown => 1, { key: 'x' })())

expectError(cache.wrap(() => 1))
expectError(cache.wrap(() => 1, {}))
expectError(cache.wrap(() => 1, { key: 5 }))
expectError(cache.wrap(() => 1, { key: 'a', ttl: 5 }))
expectError(cache.wrap(() => 1, { key: 'a', tags: 'a' }))
expectError(cache.wrap(() => 1, { key: 'a', tags: async () => ['a'] }))
expectError(cache.wrap((id: number) => id, { key: 'a', tags: (id: string) => [id] }))
expectError(cache.wrap((id: number) => id, { key: 'a', tags: (id, more) => [more] }))
expectError(cache.wrap({ id: 1 }, { key: 'a' }))
expectAssignable<WrapOptions<[string]>>({
  key: 'a',
  revalidate: false,
  staleIfError: 5,
  tags: (id) => [id],
})

// ── data ──

expectType<Promise<unknown>>(cache.get('k'))
expectType<Promise<void>>(cache.set('k', { a: 1 }, { ttl: 60, tags: ['a'] }))
expectType<Promise<void>>(cache.delete('k'))
expectError(cache.get(5))
expectError(cache.set('k'))
expectError(cache.set('k', 1, { revalidate: 60 }))
expectError(cache.set('k', 1, { tags: () => ['a'] }))
expectError(cache.set('k', 1, 60))
expectAssignable<SetOptions>({})

// ── stores ──

expectType<CacheStore>(memoryStore())
expectType<CacheStore>(memoryStore({ maxBytes: 1e6 }))
expectError(memoryStore({ max: 1 }))
expectAssignable<MemoryStoreOptions>({})
expectType<Cache>(createCache({ store: memoryStore() }))
expectType<Cache>(createCache({ store: (env: Env) => kvStore(env.KV, { consistency: 'eventual' }) }))
expectError(createCache({ store: (env: Env) => env.KV }))
expectError(createCache({ store: async () => memoryStore() }))
expectError(kvStore({} as Env['KV']))
expectError(kvStore({} as Env['KV'], { consistency: 'strong' }))

expectType<CacheStore>(redisStore(createRedisClient()))
expectType<CacheStore>(redisStore(createRedisClient({ url: 'redis://a', disableOfflineQueue: true }), { prefix: 'a' }))
expectType<CacheStore>(redisStore(createCluster({ rootNodes: [] })))
expectType<CacheStore>(redisStore(createClientPool()))
expectType<CacheStore>(redisStore(new Redis()))
expectType<CacheStore>(redisStore(new Cluster([])))
expectNotAssignable<NodeRedisClient | IORedisClient>(new Map<string, string>())
expectError(redisStore('redis://a'))
expectError(redisStore(new Redis(), { ttl: 5 }))
expectAssignable<RedisStoreOptions>({ prefix: 'a' })

expectType<CacheStore>(
  runtimeCacheStore({
    get: async (_key: string) => undefined as unknown,
    set: async (_key: string, _value: unknown, _options?: { ttl?: number }) => {},
    delete: async (_key: string) => {},
    expireTag: async (_tag: string | string[]) => {},
  }),
)

// A store of an app: synchronous or asynchronous, with leases or without.
const store: CacheStore = {
  get: (key) => ({}) as Map<string, Entry>['get'] extends (key: string) => infer entry ? entry : never,
  async set(key, entry) {
    expectType<string>(key)
    expectType<Entry>(entry)
    expectType<readonly (readonly [mark: string, version: string])[]>(entry.marks)
  },
  delete() {},
  versions: (marks) => marks.map(String),
  renew: async () => {},
}
expectType<((key: string, milliseconds: number) => Lease | undefined | Promise<Lease | undefined>) | undefined>(
  store.lease,
)
expectError<CacheStore>({ get: () => undefined, set() {}, delete() {} })

expectType<string>(new DynamicError('/items', 'header cookie').read)

// ── what is inside keeps its types for the client ──

const list = route('/items')
  .use(cache({ revalidate: 60, tags: ['items'] }))
  .get({ query: z.object({ page: z.coerce.number().default(1) }) }, (_request, { query }) => db.list(query.page))
const app = router({
  item,
  parsed,
  tail,
  mine,
  bound,
  one,
  own,
  two,
  shared,
  numbered,
  inner,
  list,
})
const api = createClient<typeof app>({ baseUrl: 'https://api.example' })

const got = await api('/items/[slug]').get({ params: { slug: 'a' } })
expectType<200 | 404>(got.status)
if (got.status === 200) expectType<{ slug: string; price: number; added: string }>(got.data)
expectError(api('/items/[slug]').get())
expectError(api('/items/[slug]').get({ params: { id: 'a' } }))
expectType<204>((await api('/items/[slug]').delete({ params: { slug: 'a' } })).status)

const page = await api('/items').get({ query: { page: 2 } })
expectType<200 | 400>(page.status)
if (page.status === 200) expectType<{ slug: string; price: number; added: string }[]>(page.data)

const me = await api('/me').get()
expectType<200 | 401>(me.status)
const owned = await api('/own/[id]').get({ params: { id: 'a' } })
expectType<200 | 401>(owned.status)
if (owned.status === 200) expectType<{ user: string; id: string }>(owned.data)
