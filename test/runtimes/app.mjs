// One app for every host: bundled by the test, and run as it is.
import { reply, route, router } from 'byway'
import { cookies } from 'byway/middleware'

const text = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } }

const hello = route('/hello/[name]').get((request, { params, url }) => ({ ...params, search: url.search }))
const echo = route('/echo').post({ text, bodyLimit: 500_000 }, (request, { text }) => reply.text(text, { status: 201 }))
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

export default router({ hello, echo, lines, twoCookies, failing, who }, { onError: () => {} })
