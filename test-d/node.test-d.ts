import { createServer, type Server } from 'node:http'
import { createSecureServer } from 'node:http2'
import { route, router } from 'byway'
import {
  serve,
  toNodeHandler,
  type App,
  type NodeHandler,
  type NodeHandlerOptions,
  type Served,
  type ServeOptions,
} from 'byway/node'
import express from 'express'
import { expectAssignable, expectError, expectType } from 'tsd'

const app = router({ hello: route('/hello').get(() => 'hello') })

// A router, and any other object with a `fetch`.
expectAssignable<App>(app)
expectAssignable<App>({ fetch: () => new Response() })
expectAssignable<App>({ fetch: async (request: Request) => new Response(request.url) })
expectError(serve({ fetch: () => 'text' }))
expectError(serve(app.fetch))

const served = serve(app, { port: 0, hostname: '127.0.0.1', grace: 2_500, signals: false, trustProxy: 1 })
expectType<Served>(served)
expectType<string>(served.url)
expectType<Promise<void>>(served.ready)
expectType<Server>(served.server)
expectType<Promise<void>>(served.close())
expectError((served.url = ''))
expectError(serve(app, { port: '3000' }))
expectError(serve(app, { prot: 3000 }))
expectAssignable<ServeOptions>({ keepAliveTimeout: 1, headersTimeout: 1, requestTimeout: 1, maxHeaderSize: 1 })
expectAssignable<ServeOptions>({ trustProxy: 2 } satisfies NodeHandlerOptions)
// `true` would trust every header that a client sends.
expectError(serve(app, { trustProxy: true }))

const handler = toNodeHandler(app, { trustProxy: 1 })
expectType<NodeHandler>(handler)
createServer(handler)
createSecureServer({}, handler)
express().use('/api', handler)
express().all('/api/{*path}', handler)
expectError(toNodeHandler(app, { port: 3000 }))
