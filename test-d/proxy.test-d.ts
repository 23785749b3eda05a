// The arguments of reply.proxy(), and the client's types.
import { href, route, router } from 'byway'
import * as reply from 'byway/reply'
import { createClient } from 'byway/client'
import { expectError, expectType } from 'tsd'

declare const request: Request
declare const signal: AbortSignal

expectType<Promise<Response>>(reply.proxy(request, 'https://a.example', {}))
expectType<Promise<Response>>(reply.proxy(request, new URL('https://a.example'), { signal }))
expectType<Promise<Response>>(reply.proxy(request, 'https://a.example'))
const options: reply.ProxyOptions = {
  signal,
  headers: { authorization: 'a' },
  forward: ['x-a'],
  cookies: true,
  timeout: 5_000,
}
expectType<Promise<Response>>(reply.proxy(request, 'https://a.example', options))

expectError(reply.proxy('https://a.example'))
expectError(reply.proxy('https://a.example', { signal }))
expectError(reply.proxy('https://a.example', request))
expectError(reply.proxy(request, 'https://a.example', { request }))
expectError(reply.proxy(request, request, {}))
expectError(reply.proxy(request, 'https://a.example', { forward: 'x-a' }))
expectError(reply.proxy(request, 'https://a.example', { timeout: '5' }))
expectError(reply.proxy(request, 'https://a.example', { redirect: 'follow' }))

const app = router({
  files: route('/files/[...path]').get((request, { params, signal }) =>
    reply.proxy(request, `https://a.example${href('/v1/[...path]', params)}`, { signal }),
  ),
})
const result = await createClient<typeof app>({ baseUrl: 'http://test' })('/files/[...path]').get({
  params: { path: ['a'] },
})
expectType<unknown>(result.data)
