// Three ways to test a route without a server, with any test runner.
import assert from 'node:assert/strict'
import { route, router } from 'byway'
import * as reply from 'byway/reply'
import { createClient } from 'byway/client'
import { z } from 'zod'

const greeting = route('/greetings/[name]').get(
  { query: z.object({ loud: z.stringbool().default(false) }) },
  (_request, { params, query }) => {
    if (params.name === 'nobody') return reply.notFound()
    const text = `Hello ${params.name}`
    return { text: query.loud ? text.toUpperCase() : text }
  },
)
const app = router({ greeting })

// 1. The route's own function: its middleware, validation and handler. Params come from the URL, or from the call.
const plain = await greeting.GET(new Request('http://test/greetings/Ada?loud=yes'))
assert.deepEqual(await plain.json(), { text: 'HELLO ADA' })
const given = await greeting.GET(new Request('http://test/'), { params: { name: 'Bob' } })
assert.deepEqual(await given.json(), { text: 'Hello Bob' })

// 2. The whole app, as a host calls it: matching, 405, the router's middleware.
const refused = await app.fetch(new Request('http://test/greetings/Ada', { method: 'DELETE' }))
assert.equal(refused.status, 405)
assert.equal(refused.headers.get('allow'), 'GET, HEAD, OPTIONS')

// 3. The typed client in the same process: its calls are checked by the compiler.
const api = createClient<typeof app>({ fetch: app.fetch })
const { data } = await api('/greetings/[name]').get({ params: { name: 'Ada' }, query: { loud: 'yes' } })
assert.equal(data?.text, 'HELLO ADA')
const { status, error } = await api('/greetings/[name]').get({ params: { name: 'nobody' } })
assert.deepEqual([status, error?.title], [404, 'Not Found'])

// Resolves when the work after responses, such as `after` and `waitUntil`, has ended.
await app.settled()
console.log('5 assertions hold')
