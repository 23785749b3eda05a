// reply.proxy: what it takes, and what a client reads.
import { href, reply, route, router } from 'byway'
import { createClient } from 'byway/client'
import { expectError, expectType } from 'tsd'

declare const request: Request
declare const signal: AbortSignal

expectType<Promise<Response>>(reply.proxy('https://a.example', { request }))
expectType<Promise<Response>>(reply.proxy(new URL('https://a.example'), { request, signal }))
const options: reply.ProxyOptions = {
  request,
  signal,
  headers: { authorization: 'a' },
  forward: ['x-a'],
  cookies: true,
  timeout: 5,
}
expectType<Promise<Response>>(reply.proxy('https://a.example', options))

expectError(reply.proxy('https://a.example'))
expectError(reply.proxy('https://a.example', { signal }))
expectError(reply.proxy('https://a.example', request))
expectError(reply.proxy(request, { request }))
expectError(reply.proxy('https://a.example', { request, forward: 'x-a' }))
expectError(reply.proxy('https://a.example', { request, timeout: '5' }))
expectError(reply.proxy('https://a.example', { request, redirect: 'follow' }))

const app = router({
  files: route('/files/[...path]').get((request, { params, signal }) =>
    reply.proxy(`https://a.example${href('/v1/[...path]', params)}`, { request, signal }),
  ),
})
const result = await createClient<typeof app>({ baseUrl: 'http://test' })('/files/[...path]').get({
  params: { path: ['a'] },
})
expectType<unknown>(result.data)
