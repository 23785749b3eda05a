import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import { route, router } from 'byway'
import { serve, toNodeHandler, type App, type NodeHandlerOptions, type Served, type ServeOptions } from 'byway/node'
import express from 'express'
import { expectAssignable, expectError, expectType } from 'tsd'

const app = router({ hello: route('/hello').get(() => 'hello') })

// What a router is, and what else has a `fetch`.
expectAssignable<App>(app)
expectAssignable<App>({ fetch: () => new Response() })
expectAssignable<App>({ fetch: async (request: Request) => new Response(request.url) })
expectError(serve({ fetch: () => 'text' }))
expectError(serve(app.fetch))

const served = serve(app, { port: 0, hostname: '127.0.0.1', grace: 2.5, signals: false, trustProxy: 1 })
expectType<Served>(served)
expectType<string>(served.url)
expectType<Promise<void>>(served.ready)
expectType<Promise<void>>(served.close())
expectError((served.url = ''))
expectError(serve(app, { port: '3000' }))
expectError(serve(app, { prot: 3000 }))
expectAssignable<ServeOptions>({ trustProxy: 2 } satisfies NodeHandlerOptions)
// `true` would trust whatever a client sends.
expectError(serve(app, { trustProxy: true }))

const handler = toNodeHandler(app, { trustProxy: 1 })
expectType<(incoming: IncomingMessage, outgoing: ServerResponse) => void>(handler)
createServer(handler)
express().use('/api', handler)
express().all('/api/{*path}', handler)
expectError(toNodeHandler(app, { port: 3000 }))
