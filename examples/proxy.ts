// A route that forwards requests to another server.
import { href, route, router } from 'byway'
import * as reply from 'byway/reply'
import { serve } from 'byway/node'

// The other server: it requires a key, and streams its responses.
const shout = route('/v1/[...path]').post((request, { params }) => {
  if (request.headers.get('authorization') !== 'Bearer key-of-the-gateway') return reply.unauthorized()
  const pieces = request.body!.pipeThrough(new TextDecoderStream()) as unknown as AsyncIterable<string>
  return reply.stream(
    (async function* () {
      yield `${params.path.join(' > ')}: `
      for await (const piece of pieces) yield piece.toUpperCase()
    })(),
  )
})
const upstream = serve(router({ shout }), { port: 0, hostname: '127.0.0.1' })
await upstream.ready

// `href` keeps the user's path below /v1. Only harmless request headers are forwarded; the key is the gateway's own.
const gateway = route('/api/[...path]').post((request, { params, url, signal }) =>
  reply.proxy(request, upstream.url + href('/v1/[...path]', params) + url.search, {
    signal,
    headers: { authorization: 'Bearer key-of-the-gateway' },
    timeout: 5_000,
  }),
)
const nowhere = route('/nowhere').get((request) => reply.proxy(request, 'http://127.0.0.1:1'))

const app = router({ gateway, nowhere }, { onError: () => {} })
const headers = { authorization: 'Bearer of-the-user', cookie: 'session=secret' }
for (const request of [
  new Request('http://localhost/api/a/b%2F..%2Fc', { method: 'POST', headers, body: 'hello' }),
  new Request('http://localhost/nowhere'),
]) {
  const response = await app.fetch(request)
  console.log(response.status, await response.text())
}
await upstream.close()
