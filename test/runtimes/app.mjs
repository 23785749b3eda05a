// One app for every host, which the test bundles.
import { bytes as bytesKind, form as formKind, route, router, stream, text } from 'byway'
import * as reply from 'byway/reply'
import { createCache } from 'byway/cache'
import { createClient, retry } from 'byway/client'
import {
  basicAuth,
  compress,
  cookies,
  etag,
  logger,
  rateLimit,
  requestId,
  secureHeaders,
  serverTiming,
  session,
} from 'byway/middleware'
import { cookies as nextCookies, fromNext, headers as nextHeaders, redirect } from 'byway/next'
import { docs } from 'byway/openapi'

const any = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } }
const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))

const hello = route('/hello/[name]').get((request, { params, url }) => ({ ...params, search: url.search }))
const headersOf = route('/headers/[value]')
  .use(async (request, { params }, next) => {
    const response = await next()
    if (params.value === 'none') return response
    response.headers.set('content-type', 'text/changed')
    response.headers.append('x-value', params.value)
    return response
  })
  .get((request, { params }) => params.value)
const echo = route('/echo').post({ body: text(any), bodyLimit: 500_000 }, (request, { body: text }) =>
  reply.text(text, { status: 201 }),
)
const lines = route('/lines').get(() => reply.ndjson([{ n: 1 }, { n: 2 }]))
const twoCookies = route('/cookies')
  .use(cookies())
  .get((request, { cookies }) => {
    cookies.set('a', '1')
    cookies.set('b', '2')
  })
const failing = route('/failing').get(() => {
  throw new Error('secret')
})
const who = route('/who').get((request, { ip, env, signal }) => ({
  ip: typeof ip,
  env: typeof env,
  aborted: signal.aborted,
}))

const upload = route('/upload').post(
  { body: stream('*/*'), bodyLimit: 4_000_000 },
  async (request, { body: stream }) => {
    let size = 0
    for await (const chunk of stream) size += chunk.byteLength
    return { size }
  },
)
const form = route('/form').post({ body: formKind(any) }, async (request, { body: { title, file } }) => ({
  title,
  ...(file && { name: file.name, type: file.type, text: await file.text() }),
}))
const guard = (request, { url }, next) => (url.pathname.startsWith('/admin') ? reply.unauthorized() : next())
const admin = route('/admin/[...path]').get(() => 'admin')
const open = route('/public/[...path]').get((request, { params, url }) => ({ ...params, pathname: url.pathname }))
const native = route('/native').get(() => new Response('native'))

// Whether the signal of each request was aborted when its work after the response ended.
const signals = []
const signal = route('/signal/[kind]').get(async (request, { params: { kind }, signal, after }) => {
  after(async () => {
    await sleep(100)
    signals.push(signal.aborted)
  })
  if (kind === 'text') return 'text'
  if (kind === 'native') return new Response('native')
  if (kind === 'slow') return sleep(500)
  const items = async function* () {
    for (let count = 0; kind === 'ticks' || count < 3; count++) {
      yield 'a'
      await sleep(10)
    }
  }
  return reply.stream(items())
})
const seen = route('/signals').get(() => signals)

const stack = [
  requestId(),
  logger({ sink() {} }),
  secureHeaders(),
  compress({ encodings: ['gzip'] }),
  serverTiming(),
  rateLimit({ limit: 1_000, window: 60_000, key: () => 'all' }),
  etag(),
  session({ schema: any, secrets: ['s'.repeat(32)], name: 'session' }),
]
const shelf = stack
  .reduce(
    (route, layer) => route.use(layer),
    route,
  )('/shelf')
  .get(async (request, { session }) => {
    const count = (session.data?.count ?? 0) + 1
    await session.set({ count })
    return { count, text: 'x'.repeat(5_000) }
  })
const basic = route('/basic')
  .use(
    basicAuth({
      verify: async ({ username, password, isSame }) => ((await isSame(password, 'secret')) ? { username } : undefined),
    }),
  )
  .get((request, { username }) => username)
const mounted = fromNext('/next/[id]', {
  async GET(request, { params }) {
    const { id } = await params
    if (id === 'redirect') redirect('/next/a')
    const jar = await nextCookies()
    jar.set('seen', id)
    return Response.json({ id, agent: (await nextHeaders()).get('x-agent'), path: request.nextUrl.pathname })
  },
})

let closed = 0
const ticks = route('/ticks').get((request, { url }) =>
  reply.sse(
    (async function* () {
      try {
        const last = Number(url.searchParams.get('to'))
        for (let tick = 1; tick <= last; tick++) {
          yield { id: String(tick), data: { tick } }
          await sleep(50)
        }
      } finally {
        closed++
      }
    })(),
  ),
)
const closings = route('/closings').get(() => closed)
const proxy = route('/proxy/[coding]').get((request, { params, url }) =>
  reply.proxy(request, `${url.searchParams.get('upstream')}/${encodeURIComponent(params.coding)}`, {}),
)
const proxied = route('/proxy').post({ bodyLimit: 4_000_000 }, (request, { url }) =>
  reply.proxy(request, url.searchParams.get('upstream'), {}),
)

// The results of the client's calls to this app, in its process or over the network.
const data = route('/data/[slug]')
  .get((request, { params }) => ({ ...params, at: new Date(0) }))
  .put({ body: any }, (request, { body }) => reply.json(body, { status: 201 }))
  .delete(() => {})
const bytes = route('/bytes')
  .get(() => reply.bytes(new Uint8Array(3)))
  .put({ body: bytesKind(any) }, (request, { body: bytes }) => reply.bytes(bytes.map((byte) => 255 - byte)))
const cuts = route('/cuts').get((request) => {
  const first = Number(request.headers.get('last-event-id') ?? 0) + 1
  async function* count() {
    for (let tick = first; tick <= 5; tick++) {
      if (tick === first + 2) throw new Error('cut')
      yield { id: String(tick), data: { tick } }
      // The bytes that were written before the connection closes have been sent.
      await sleep(20)
    }
  }
  return reply.sse(count(), { retry: 10 })
})
const tries = new Map()
const busy = route('/busy/[key]').get((request, { params }) => {
  const count = (tries.get(params.key) ?? 0) + 1
  tries.set(params.key, count)
  return count < 3 ? reply.problem(503, {}, { headers: { 'retry-after': '0' } }) : count
})
const slow = route('/slow').get(() => sleep(5_000))

const fail = (call) => call.catch(({ name, message }) => ({ name, message }))
async function callAll(api) {
  const put = await api('/data/[slug]').put({ params: { slug: 'a' }, body: { name: 'ü' } })
  const { data: sent } = await api('/bytes').put({ bytes: new Uint8Array([0, 1, 255]) })
  const file = new File(['one\r\n', 'two'], 'ä.txt', { type: 'text/plain' })
  const items = []
  for await (const { n } of (await api('/lines').get()).data) items.push(n)
  const events = []
  for await (const { id, data } of (await api('/cuts').get()).data) events.push([id, data.tick])
  const controller = new AbortController()
  setTimeout(() => controller.abort(new Error('enough')), 50)
  return {
    item: (await api('/data/[slug]').get({ params: { slug: 'a b/ü' } })).data,
    put: [put.status, put.data],
    empty: (await api('/data/[slug]').delete({ params: { slug: 'a' } })).status,
    head: (await api('/data/[slug]').head({ params: { slug: 'a' } })).status,
    text: (await api('/echo').post({ text: 'ä\n' })).data,
    bytes: [...new Uint8Array(await sent.arrayBuffer())],
    stream: (await api('/upload').post({ stream: new Blob([new Uint8Array(70_000)]).stream() })).data,
    fields: (await api('/form').post({ form: { title: 'a & ä' } })).data,
    file: (await api('/form').post({ form: { title: 'x', file } })).data,
    items,
    events,
    tries: (await api('/busy/[key]').get({ params: { key: crypto.randomUUID() }, retry: retry({ limit: 2 }) })).data,
    aborted: await fail(api('/slow').get({ signal: controller.signal })),
    timeout: await fail(api('/slow').get({ timeout: 50 })),
  }
}
const calls = route('/calls').get(async (request, { url }) => {
  const { origin, upstream, nobody } = Object.fromEntries(url.searchParams)
  if (!nobody) return callAll(createClient(origin ? { baseUrl: origin } : { fetch: app.fetch }))
  let refused = 0
  const twice = retry({ limit: 2, delay: 1 })
  const lost = createClient({ baseUrl: nobody, retry: twice, onRequest: () => void refused++ })
  await fail(lost('/').get())
  return {
    refused,
    cut: (await createClient({ baseUrl: upstream, retry: twice })('/cut/[key]').get({ params: { key: 'x' } })).data,
  }
})

const cache = createCache()
let made = 0
const find = cache.wrap((name) => ({ name, made: ++made }), { key: 'find', tags: ['found'] })
const cached = route('/cached/[what]')
  .use(cache({ revalidate: 60, tags: ['all'], vary: ['accept-language'] }))
  .get(async (request, { params, url }) => {
    const reads = {
      nothing: () => url.pathname,
      language: () => request.headers.get('accept-language'),
      cookie: () => request.headers.get('cookie'),
      headers: () => [...request.headers].length,
      clone: () => request.clone().headers.get('cookie'),
      query: () => url.search,
      url: () => request.url,
      found: () => find('a'),
      stream: () => ['a', 'b'],
    }
    const value = await reads[params.what]()
    return params.what === 'stream' ? reply.stream(value) : { value, made: ++made }
  })
  .delete(async (request, { params }) => void (await cache.revalidateTag(params.what)))

const app = router(
  {
    shelf,
    basic,
    mounted,
    hello,
    headersOf,
    echo,
    lines,
    twoCookies,
    failing,
    who,
    upload,
    form,
    ticks,
    closings,
    proxy,
    proxied,
    data,
    bytes,
    cuts,
    busy,
    slow,
    calls,
    cached,
    admin,
    open,
    native,
    signal,
    seen,
    docs: docs('/docs', { info: { title: 'Any host', version: '1' }, onWarning: () => {} }),
  },
  { use: [guard], onError: () => {} },
)
export default app
