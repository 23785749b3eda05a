// docs(): a route in the literal of the router that it shows.
import { middleware, route, router } from 'byway'
import * as reply from 'byway/reply'
import { createClient } from 'byway/client'
import { docs, type Docs, type DocsOptions } from 'byway/openapi'
import { expectAssignable, expectError, expectType } from 'tsd'

const info = { title: 'Items', version: '1.0.0' }
const items = route('/items').get(() => [1])
const guard = middleware((request, _context, next) =>
  request.headers.has('authorization') ? next({ user: 'ada' }) : reply.unauthorized(),
)

// No app is named, whose type would depend on itself.
const app = router({ items, docs: docs('/docs', { info }) })
expectType<Docs<'/docs'>>(app.declared.docs)
expectType<'/docs/[[...asset]]'>(app.declared.docs.pattern)
expectType<'/[[...asset]]'>(docs('/', { info }).pattern)
expectType<Promise<Response>>(app.declared.docs.GET(new Request('http://test/docs')))

// The other routes are called as without it.
const api = createClient<typeof app>({ fetch: app.fetch })
const { data } = await api('/items').get()
expectType<number[]>(data)

// By any factory.
docs('/docs', { info, route: route.use(guard) })
docs('/docs', { info, route: route.use(guard).prefix('/admin') })
docs('/docs', { info, route: route.env<{ KEY: string }>() })

expectAssignable<DocsOptions>({ info, servers: [{ url: 'https://api.example' }], tags: [{ name: 'Items' }] })
expectError(docs('/docs'))
expectError(docs('/docs', {}))
expectError(docs('docs', { info }))
expectError(docs('/docs', { info, theme: 'dark' }))
