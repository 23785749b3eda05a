import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Server as NetServer, type AddressInfo, type Socket } from 'node:net'
import { constants } from 'node:os'
import { toProblem } from '../problem.js'
import { cutOff, toRequest } from './node-request.js'
import { send } from './node-response.js'

/** What is served: a router, or anything else with a `fetch`. */
export interface App {
  fetch(request: Request): Response | Promise<Response>
  /** Resolves when the work that outlives the answers has ended. */
  settled?(): Promise<unknown>
}

export interface NodeHandlerOptions {
  /**
   * How many proxies stand before this server. The last of them tells the client's address, scheme and host in
   * `X-Forwarded-For`, `-Proto` and `-Host`, which anyone may send: name no more than there are. @default 0
   */
  readonly trustProxy?: number
}

export interface ServeOptions extends NodeHandlerOptions {
  /** 0 takes a free one. @default process.env.PORT, else 3000 */
  readonly port?: number
  /** The name or address to listen on. @default every address of this machine */
  readonly hostname?: string
  /**
   * How many seconds answers may take to end once the server closes. What is left then is cut off.
   * @default 10, or the 0.5 that Vercel leaves where `process.env.VERCEL` is set
   */
  readonly grace?: number
  /** Whether SIGTERM and SIGINT close the server and end the process. @default true */
  readonly signals?: boolean
}

/** A server that listens, or is about to. */
export interface Served {
  /** Where it listens, such as `http://localhost:3000`: no slash at the end. With `port: 0`, known once it is `ready`. */
  readonly url: string
  /** Resolves once it listens. Rejects if it cannot, as when the port is in use. */
  readonly ready: Promise<void>
  /**
   * Takes no more connections, waits up to `grace` seconds for the answers under way, cuts off the others (their
   * `context.signal` aborts), and waits for `app.settled()` for what is left of that time, a second at least.
   */
  close(): Promise<void>
}

/**
 * Serves an app over HTTP/1.1. Prints nothing.
 *
 * On SIGTERM or SIGINT it closes and ends the process, with code 0 unless `process.exitCode` says otherwise; a second
 * signal ends it at once. A malformed target, or a `Host` that is missing, malformed or there twice, is a 400.
 *
 * @throws RangeError for a `port`, `grace` or `trustProxy` that is none.
 * @example
 * const server = serve(app, { port: 3000 })
 * await server.ready
 * console.log(server.url)
 */
export function serve(app: App, options: ServeOptions = {}): Served {
  // https://vercel.com/docs/functions/functions-api-reference#sigterm-signal
  const { hostname, grace = process.env['VERCEL'] ? 0.5 : 10, signals = true } = options
  const port = options.port ?? Number(process.env['PORT'] || 3000)
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new RangeError(`serve() takes a port from 0 to 65535, not ${options.port ?? process.env['PORT']}`)
  if (!(grace >= 0)) throw new RangeError(`serve() takes a grace of 0 seconds or more, not ${grace}`)

  const handle = toNodeHandler(app, options)
  let closed: Promise<void> | undefined
  const server = createServer((incoming, outgoing) => {
    if (closed) outgoing.setHeader('connection', 'close')
    handle(incoming, outgoing)
  })
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })

  const ready = new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      release(served)
      reject(new Error(toListenError(cause, port, hostname), { cause }))
    })
    server.listen(port, hostname, () => {
      // Later ones are single connections that could not be taken.
      server.on('error', console.error)
      resolve()
    })
  })

  const closeIdle = (): void => {
    server.closeIdleConnections()
    // Browsers open some before they need them.
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy()
  }

  // `Server.close` of node:http would drop connections whose next request is on its way: those that are in use are
  // told `Connection: close` with their next answer instead, and the idle ones get a moment for it.
  const close = async (): Promise<void> => {
    await ready.catch(() => {})
    const deadline = Date.now() + grace * 1000
    const drained = new Promise<void>((resolve) => NetServer.prototype.close.call(server, () => resolve()))
    // Right after what has arrived was read: a connection whose request has come is no idle one.
    const sweep = setInterval(() => setImmediate(closeIdle), 100)
    await within(grace * 1000, drained)
    clearInterval(sweep)
    for (const socket of sockets) cutOff.add(socket)
    // Whose answers are cut off hears of it when the socket has closed, which is after the server has.
    await Promise.all([...sockets].map((socket) => new Promise((resolve) => socket.once('close', resolve).destroy())))
    await drained
    server.close()
    if (app.settled) await within(Math.max(deadline - Date.now(), 1000), app.settled())
    release(served)
  }

  const served: Served = {
    get url() {
      const address = server.address() as AddressInfo | null
      const name = hostname === undefined || hostname === '::' || hostname === '0.0.0.0' ? 'localhost' : hostname
      return `http://${name.includes(':') ? `[${name}]` : name}:${address?.port ?? port}`
    },
    ready,
    close: () => (closed ??= close()),
  }
  if (signals) open(served)
  return served
}

/**
 * The app as a handler for `node:http`, and for what takes such handlers: Express, Connect, Vite's middlewares, and
 * Fastify's raw messages. `request.url` is the whole URL, so under `app.use('/api', toNodeHandler(api))` the routes'
 * patterns, or the router's `basePath`, begin with `/api`.
 *
 * It answers every request itself, with a 404 where no route matches, and never calls `next`. Mount it before any body
 * parser: a body that was read already is an error, unless the parser kept its bytes as `req.rawBody`.
 *
 * @throws RangeError for a `trustProxy` that is no whole number.
 * @example
 * createServer(toNodeHandler(api))                     // node:http
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
export function toNodeHandler(
  app: App,
  options: NodeHandlerOptions = {},
): (incoming: IncomingMessage, outgoing: ServerResponse) => void {
  const { trustProxy = 0 } = options
  if (!Number.isInteger(trustProxy) || trustProxy < 0)
    throw new RangeError(`trustProxy is how many proxies to trust, not ${String(trustProxy)}`)
  return (incoming, outgoing) => {
    const reply = (answer: Response): void => {
      try {
        send(outgoing, answer)
      } catch (error) {
        fail(error)
      }
    }
    const fail = (error: unknown): void => {
      console.error(error)
      if (outgoing.headersSent) outgoing.destroy()
      else send(outgoing, toProblem(500, 'Internal Server Error'))
    }
    try {
      const request = toRequest(incoming, outgoing, trustProxy)
      const answer = request
        ? app.fetch(request)
        : toProblem(400, 'Bad Request', { detail: 'The target of the request or its Host is malformed.' })
      if (answer instanceof Promise) answer.then(reply, fail)
      else reply(answer)
    } catch (error) {
      fail(error)
    }
  }
}

// Signals are the process's: it ends when all of its servers have closed.
const opened = new Set<Served>()
let signalled = 0

function open(served: Served): void {
  if (opened.size === 0) process.on('SIGTERM', onSignal).on('SIGINT', onSignal)
  opened.add(served)
}

function release(served: Served): void {
  opened.delete(served)
  if (opened.size === 0 && !signalled) process.off('SIGTERM', onSignal).off('SIGINT', onSignal)
}

function onSignal(signal: NodeJS.Signals): void {
  if (signalled) {
    // npm repeats a Ctrl+C that the terminal has sent to all of its processes.
    if (Date.now() - signalled > 100) process.exit(128 + constants.signals[signal])
    return
  }
  signalled = Date.now()
  void Promise.allSettled([...opened].map((served) => served.close())).then(() => process.exit())
}

function toListenError({ code, message }: NodeJS.ErrnoException, port: number, hostname?: string): string {
  const where = `port ${port}${hostname === undefined ? '' : ` of ${hostname}`}`
  if (code === 'EADDRINUSE') return `${where} is in use; choose another with serve(app, { port })`
  if (code === 'EACCES') return `${where} may not be opened by this user; choose one above 1023`
  return `cannot listen on ${where}: ${message}`
}

async function within(milliseconds: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<void>((resolve) => (timer = setTimeout(resolve, Math.min(milliseconds, 2 ** 31 - 1))))
  await Promise.race([work, timeout]).catch(console.error)
  clearTimeout(timer)
}
