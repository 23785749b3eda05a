// One app for every host: bundled by the test, and run as it is.
import { reply, route, router } from 'byway'
import { cookies } from 'byway/middleware'

const any = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } }
const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))

const hello = route('/hello/[name]').get((request, { params, url }) => ({ ...params, search: url.search }))
const echo = route('/echo').post({ text: any, bodyLimit: 500_000 }, (request, { text }) =>
  reply.text(text, { status: 201 }),
)
const lines = route('/lines').get(async function* () {
  yield { n: 1 }
  yield { n: 2 }
})
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

const upload = route('/upload').post({ stream: '*/*', bodyLimit: 4_000_000 }, async (request, { stream }) => {
  let size = 0
  for await (const chunk of stream) size += chunk.byteLength
  return { size }
})
const form = route('/form').post({ form: any }, async (request, { form: { title, file } }) => ({
  title,
  ...(file && { name: file.name, type: file.type, text: await file.text() }),
}))
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
  reply.proxy(`${url.searchParams.get('upstream')}/${encodeURIComponent(params.coding)}`, { request }),
)
const proxied = route('/proxy').post((request, { url }) => reply.proxy(url.searchParams.get('upstream'), { request }))

export default router(
  { hello, echo, lines, twoCookies, failing, who, upload, form, ticks, closings, proxy, proxied },
  { onError: () => {} },
)
