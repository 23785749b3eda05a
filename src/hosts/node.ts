import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { Server as NetServer, type AddressInfo, type Socket } from 'node:net'
import { constants } from 'node:os'
import { createHandler, type App, type NodeHandlerOptions } from './node-handler.js'
import { cutOff } from './node-request.js'
import { Streams } from './node-response.js'

export interface ServeOptions extends NodeHandlerOptions {
  /** The port to listen on. 0 selects a free one. @default process.env.PORT, or 3000 */
  readonly port?: number
  /** The name or address to listen on. @default every address of this machine */
  readonly hostname?: string
  /**
   * Milliseconds to wait for requests in progress when the server closes. After that, their connections are closed.
   * @default 10_000, or 500 if `process.env.VERCEL` is set, because Vercel ends the process then
   */
  readonly grace?: number
  /** Whether SIGTERM and SIGINT close the server and end the process. @default true */
  readonly signals?: boolean
  /**
   * Milliseconds after which an idle connection is closed. It must be longer than the idle timeout of a load balancer in
   * front of this server, usually 60 s: otherwise the load balancer sends requests on connections that are closing, and
   * its clients get a 502. @default 65_000
   */
  readonly keepAliveTimeout?: number
  /** Milliseconds within which a client must send the headers of a request. Later, it gets a 408. @default 60_000 */
  readonly headersTimeout?: number
  /** Milliseconds within which a client must send a whole request. Later, it gets a 408. @default 300_000 */
  readonly requestTimeout?: number
  /** The largest size of the headers of a request, in bytes. A larger one gets a 431. @default 16_384 */
  readonly maxHeaderSize?: number
}

/** A server that listens, or is about to. */
export interface Served {
  /** The origin, such as `http://localhost:3000`, without a trailing slash. With `port: 0`, it is known once `ready`. */
  readonly url: string
  /** Resolves when the server listens. Rejects if it cannot, for example because the port is in use. */
  readonly ready: Promise<void>
  /** The server of `node:http`, for example for WebSockets: `server.on('upgrade', …)`. */
  readonly server: Server
  /**
   * Stops accepting connections, disconnects the event streams of GET requests, because their clients reconnect, and waits
   * up to `grace` for the other requests in progress. Then it closes their connections, which aborts their
   * `context.signal`. Finally, it waits for the end of the canceled streams, such as the `finally` of a generator, and for
   * `app.settled()`, for the rest of `grace` and at least one second.
   */
  close(): Promise<void>
}

/**
 * Serves an app over HTTP/1.1. Prints nothing.
 *
 * On SIGTERM or SIGINT, closes the server and ends the process, with code 0 unless `process.exitCode` is set. A second
 * signal ends the process immediately. Responds with 400 to a malformed request target and to a missing, malformed or
 * duplicate `Host` header, and with 501 to CONNECT and TRACE.
 *
 * @throws RangeError if an option is out of range.
 * @example
 * const server = serve(app, { port: 3000 })
 * await server.ready
 * console.log(server.url)
 */
export function serve(app: App, options: ServeOptions = {}): Served {
  // https://vercel.com/docs/functions/functions-api-reference#sigterm-signal
  const { hostname, grace = process.env['VERCEL'] ? 500 : 10_000, signals = true } = options
  const port = options.port ?? Number(process.env['PORT'] || 3000)
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new RangeError(`serve() takes a port from 0 to 65535, not ${options.port ?? process.env['PORT']}`)
  if (!(grace >= 0)) throw new RangeError(`serve() takes a grace of 0 or more milliseconds, not ${grace}`)

  const streams = new Streams()
  const handle = createHandler(app, options, streams)
  let closed: Promise<void> | undefined
  const onRequest = (incoming: IncomingMessage, outgoing: ServerResponse, waits: boolean): void => {
    if (closed) outgoing.setHeader('connection', 'close')
    handle(incoming, outgoing, waits)
  }
  const server = createServer(toServerOptions(options), (incoming, outgoing) => onRequest(incoming, outgoing, false))
  // Without this listener, Node.js requests the body before the app can reject the request.
  server.on('checkContinue', (incoming, outgoing) => onRequest(incoming, outgoing, true))
  // Without this listener, Node.js closes the connection.
  server.on('connect', (_incoming, socket) =>
    socket.end('HTTP/1.1 501 Not Implemented\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'),
  )
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
      // Later errors are about single connections that could not be accepted.
      server.on('error', console.error)
      resolve()
    })
  })

  const closeIdle = (): void => {
    server.closeIdleConnections()
    // Browsers open connections before they need them.
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy()
  }

  // `Server.close` of node:http would close connections whose next request is on its way. Instead, the next response on
  // a used connection has `Connection: close`, and idle ones get a moment for a next request.
  const close = async (): Promise<void> => {
    await ready.catch(() => {})
    const deadline = Date.now() + grace
    const drained = new Promise<void>((resolve) => NetServer.prototype.close.call(server, () => resolve()))
    streams.close()
    // After the bytes that have arrived were read: a connection whose request has arrived is not idle.
    const sweep = setInterval(() => setImmediate(closeIdle), 100)
    await within(grace, drained)
    clearInterval(sweep)
    for (const socket of sockets) cutOff.add(socket)
    // The requests abort when their sockets have closed, which is after the server has.
    await Promise.all([...sockets].map((socket) => new Promise((resolve) => socket.once('close', resolve).destroy())))
    await drained
    server.close()
    const settled = Promise.all([streams.settled(), app.settled?.()])
    await within(Math.max(deadline - Date.now(), 1000), settled)
    release(served)
  }

  const served: Served = {
    get url() {
      const address = server.address() as AddressInfo | null
      const name = hostname === undefined || hostname === '::' || hostname === '0.0.0.0' ? 'localhost' : hostname
      return `http://${name.includes(':') ? `[${name}]` : name}:${address?.port ?? port}`
    },
    ready,
    server,
    close: () => (closed ??= close()),
  }
  if (signals) open(served)
  return served
}

function toServerOptions(options: ServeOptions): Record<string, number> {
  const given: Record<string, number> = { keepAliveTimeout: 65_000 }
  for (const name of ['keepAliveTimeout', 'headersTimeout', 'requestTimeout', 'maxHeaderSize'] as const) {
    const value = options[name]
    if (value === undefined) continue
    if (!Number.isInteger(value) || value < 0)
      throw new RangeError(`serve() takes a ${name} that is a non-negative integer, not ${value}`)
    given[name] = value
  }
  return given
}

// Signals belong to the process, which ends when all of its servers have closed.
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
    // npm repeats a Ctrl+C that the terminal already sent to all of its processes.
    if (Date.now() - signalled > 100) process.exit(128 + constants.signals[signal])
    return
  }
  signalled = Date.now()
  void Promise.allSettled([...opened].map((served) => served.close())).then(() => process.exit())
}

function toListenError({ code, message }: NodeJS.ErrnoException, port: number, hostname?: string): string {
  const where = `port ${port}${hostname === undefined ? '' : ` of ${hostname}`}`
  if (code === 'EADDRINUSE') return `${where} is in use; choose another with serve(app, { port })`
  if (code === 'EACCES') return `this user cannot open ${where}; choose a port above 1023`
  return `cannot listen on ${where}: ${message}`
}

async function within(milliseconds: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<void>((resolve) => (timer = setTimeout(resolve, Math.min(milliseconds, 2 ** 31 - 1))))
  await Promise.race([work, timeout]).catch(console.error)
  clearTimeout(timer)
}
