import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import { toProblem } from '../problem.js'
import { toRequest } from './node-request.js'
import { send, Streams } from './node-response.js'

/** The app to serve: a router, or any other object with a `fetch`. */
export interface App {
  fetch(request: Request): Response | Promise<Response>
  /** Resolves when the work that continues after the responses has ended. */
  settled?(): Promise<unknown>
}

export interface NodeHandlerOptions {
  /**
   * The number of proxies in front of this server. The last of them sends the client's address, scheme and host in
   * `X-Forwarded-For`, `-Proto` and `-Host`. Clients can send these headers too, so do not set a larger number than there
   * are proxies. @default 0
   */
  readonly trustProxy?: number
}

/** A request listener of `node:http`, `node:https` and `node:http2`. */
export type NodeHandler = (
  incoming: IncomingMessage | Http2ServerRequest,
  outgoing: ServerResponse | Http2ServerResponse,
) => void

/**
 * Returns the app as a request listener for `node:http`, `node:https` and `node:http2`, and for everything that accepts one:
 * Express, Connect, Vite's middlewares, and Fastify's raw messages.
 *
 * `request.url` is the whole URL, so under `app.use('/api', toNodeHandler(api))` the patterns of the routes, or the
 * `basePath` of the router, begin with `/api`. The listener responds to every request, with a 404 if no route matches, and
 * never calls `next`. Mount it before body parsers: a body that was already read is an error, unless the parser stored its
 * bytes as `req.rawBody`, or as `req.body` as `express.raw()` and `express.text()` do.
 *
 * @throws RangeError if `trustProxy` is not a non-negative integer.
 * @example
 * createServer(toNodeHandler(api)) // node:http
 * createSecureServer({ key, cert }, toNodeHandler(api)) // node:http2
 * express().use('/api', toNodeHandler(api))
 * vite.middlewares.use('/api', toNodeHandler(api))
 * // Fastify
 * fastify.register(async (scope) => {
 *   scope.removeAllContentTypeParsers()
 *   scope.addContentTypeParser('*', (request, payload, done) => done(null))
 *   scope.all('/api/*', (request, reply) => {
 *     reply.hijack()
 *     handler(request.raw, reply.raw)
 *   })
 * })
 */
export function toNodeHandler(app: App, options: NodeHandlerOptions = {}): NodeHandler {
  const handle = createHandler(app, options, new Streams())
  // The compatibility API of node:http2 has the members that are used here.
  return (incoming, outgoing) => handle(incoming as IncomingMessage, outgoing as ServerResponse, false)
}

const forbidden = new Set(['CONNECT', 'TRACE', 'TRACK'])

/**
 * Returns the function that handles one message. `waits` is whether the client waits for a 100 before it sends the body.
 * Streamed responses are added to `streams`.
 */
export function createHandler(
  app: App,
  { trustProxy = 0 }: NodeHandlerOptions,
  streams: Streams,
): (incoming: IncomingMessage, outgoing: ServerResponse, waits: boolean) => void {
  if (!Number.isInteger(trustProxy) || trustProxy < 0)
    throw new RangeError(`trustProxy is the number of proxies to trust, not ${String(trustProxy)}`)
  const respond = (
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    waits: boolean,
  ): Response | Promise<Response> => {
    // No Request can have these methods: https://fetch.spec.whatwg.org/#forbidden-method
    if (forbidden.has(incoming.method!)) return toProblem(501, 'Not Implemented')
    const request = toRequest(incoming, outgoing, trustProxy, waits)
    if (request) return app.fetch(request)
    return toProblem(400, 'Bad Request', { detail: 'The request target or the Host header is malformed.' })
  }
  return (incoming, outgoing, waits) => {
    const reply = (response: Response): void => {
      try {
        send(outgoing, response, streams)
      } catch (error) {
        fail(error)
      }
    }
    const fail = (error: unknown): void => {
      console.error(error)
      if (outgoing.headersSent) outgoing.destroy()
      else send(outgoing, toProblem(500, 'Internal Server Error'), streams)
    }
    try {
      const response = respond(incoming, outgoing, waits)
      if (response instanceof Promise) response.then(reply, fail)
      else reply(response)
    } catch (error) {
      fail(error)
    }
  }
}
