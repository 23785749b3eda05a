import type { App } from './app.js'
import { keepAlive, noHost, type Host } from './host.js'
import { paramsOf, type Match } from './matcher.js'
import { BodyLimitError } from './inputs/source.js'
import { toFailure, tooLarge, type Phase } from './problem.js'
import { isResponse, memoryOf, onWritten, withoutBody, type Memory } from '#response'

/** The app that handles a request: a router, or a route that is called on its own. */
export interface Server {
  readonly app: App
  readonly bodyLimit: number
  readonly responseValidation: boolean
  /** Reports an error to `onError`. */
  report(error: unknown, request: Request, pattern: string | undefined, phase: Phase): void
  /** Adds to the promises that `settled()` waits for. */
  readonly track?: ((promise: Promise<unknown>) => void) | undefined
  /** Matches a request again and runs the route, for `context.app.dispatch`. */
  dispatch(request: Request, outer: Exchange): Promise<Response>
}

/** A context leads to its exchange. */
export interface Scoped {
  readonly '~exchange': Exchange
}

type Cause = NonNullable<Memory['cause']>

/** The state of one request, shared by all of its contexts. */
export class Exchange {
  declare readonly request: Request
  declare readonly server: Server
  declare readonly host: Host
  /** The exchange of the request that dispatched this one. */
  declare readonly outer: Exchange | undefined
  /** The URL that is matched, and the offsets of its pathname. */
  declare href: string
  declare start: number
  declare end: number
  /** Runs the matched operation. Set when the request is matched. */
  declare run: (request: Request, context: any) => Response | Promise<Response>
  match: Match<unknown> | undefined
  /** The inputs that were validated before the handler, by a cache for example. */
  inputs: object | undefined
  isDispatched = false
  #params: Record<string, unknown> | undefined
  #url: URL | undefined
  // The work of `after`, and what starts it.
  #work: (() => unknown)[] | undefined
  #start: (() => void) | undefined
  isFinished = false
  #settled: Response | undefined
  #passed: Response | undefined
  #promise: Promise<Response> | undefined
  #stream: Response | undefined
  streamEnd: Promise<boolean> | undefined
  // The error that no middleware has handled yet.
  #cause: Cause | undefined
  #known: Set<unknown> | undefined

  constructor(request: Request, server: Server, host: Host = noHost, outer?: Exchange) {
    const { href, start, end } = locate(request.url)
    this.request = request
    this.server = server
    this.host = host
    this.outer = outer
    this.href = href
    this.start = start + server.app.basePath.length
    this.end = end
  }

  get params(): Record<string, unknown> {
    return (this.#params ??= this.match ? paramsOf(this.match, this.href, this.start, this.end) : {})
  }

  /** Continues with a match, or with none. `params` replaces what its pattern captures. */
  use(match?: Match<unknown>, params?: Record<string, unknown>): void {
    this.match = match
    this.#params = params
  }

  /** Removes the last character of the pathname. */
  cut(): void {
    this.href = this.href.slice(0, this.end - 1) + this.href.slice(this.end)
    this.end--
  }

  get url(): URL {
    return (this.#url ??= new URL(this.href))
  }

  /** `url.href`, without creating a URL. */
  get urlText(): string {
    return this.#url ? this.#url.href : this.href
  }

  /** The query with its `?`. */
  get search(): string {
    return this.href.slice(this.end).replace(/#.*/s, '')
  }

  report(error: unknown, phase: Phase): void {
    this.server.report(error, this.request, this.match?.pattern, phase)
  }

  waitUntil(promise: PromiseLike<unknown>, phase: Phase = 'waitUntil'): void {
    const settled = Promise.resolve(promise).then(
      () => {},
      (error: unknown) => this.report(error, phase),
    )
    this.server.track?.(settled)
    keepAlive(settled, this.request, this.host)
  }

  after(work: (() => unknown) | PromiseLike<unknown>): void {
    if (this.outer) return this.outer.after(work)
    if (typeof work !== 'function') return this.waitUntil(work, 'after')
    if (this.#work) return void this.#work.push(work)
    const all = (this.#work = [work])
    const started = new Promise<void>((start) => {
      this.#start = start
      if (this.isFinished) this.#release()
    })
    this.waitUntil(
      started.then(async () => {
        // In the order of the calls, whatever fails. Work can add work.
        for (const work of all)
          try {
            await work()
          } catch (error) {
            this.report(error, 'after')
          }
        this.#work = undefined
      }),
    )
  }

  // Starts the work when the host has written the response, when its stream has ended, or in the next turn.
  #release(): void {
    const start = this.#start
    if (!start || onWritten(this.request, start)) return
    if (this.streamEnd) void this.streamEnd.then(start)
    else setTimeout(start)
  }

  /** A promise of a response: the same one for all middleware that the response passes. */
  promiseOf(response: Response): Promise<Response> {
    if (response !== this.#passed) this.#promise = Promise.resolve((this.#passed = response))
    return this.#promise!
  }

  /**
   * Converts a thrown value to a response: a `Response` is sent as it is, a body above the limit is a 413, a value that `href`
   * rejects is a 400, and anything else becomes a 500 without details.
   */
  thrown(error: unknown, phase: Phase): Response {
    const name = peek(() => (error as Error).name)
    const limit = peek(() => {
      // `fetch` of Node.js wraps the error of a body in a TypeError.
      const own = name === 'TypeError' ? (error as Error).cause : error
      return own instanceof BodyLimitError && own.limit
    })
    if (typeof limit === 'number') return tooLarge(limit)
    if (isResponse(error) && !error.bodyUsed) return this.settle(error)
    return this.settle(
      name === 'HrefError'
        ? toFailure(error, phase, 400, 'Bad Request', {})
        : // `errorOf` returns undefined for a Response without an error.
          toFailure(error ?? new TypeError(`${error} was thrown`), phase),
    )
  }

  /**
   * Follows a response, or its error, outward through the middleware. An error that a middleware replaced is handled if the
   * same middleware read it, else it is reported. So is the error of a streamed body, for whose end `after` waits.
   */
  settle(response: Response, phase: Phase = 'middleware'): Response {
    if (response === this.#settled && !this.#cause) return response
    this.#settled = response
    const memory = memoryOf(response)
    if (memory?.watch) {
      this.#cancelStream(response)
      this.#stream = response
      this.streamEnd = memory.watch((error) => this.report(error, 'stream'), this.server.track)
      delete memory.watch
    }
    const own = memory?.cause
    const last = this.#cause
    this.#cause = own
    if (last && last !== own && !last.wasRead) this.#reportCause(last)
    if (own) {
      own.phase ||= phase
      own.wasRead = false
      // The client has its response, so nothing can handle this one.
      if (this.isFinished) this.#reportCause(own)
    }
    return response
  }

  // Reports an error once, and not if it only says that the request was aborted.
  #reportCause({ error, phase }: Cause): void {
    const { aborted, reason } = this.request.signal
    const known = (this.#known ??= new Set())
    if (aborted) known.add(reason)
    if (!known.has(error) && !known.has(peek(() => (error as Error).cause))) this.report(error, phase as Phase)
    known.add(error)
  }

  // Cancels a stream that middleware replaced without reading it.
  #cancelStream(response: Response): void {
    const body = this.#stream?.body
    if (body && !body.locked && body !== response.body) this.streamEnd = void body.cancel().catch(() => {})
  }

  /** The only place where a response leaves. Reports its error, and starts the work of `after`. */
  finish(response: Response): Response {
    this.settle(response)
    if (this.#cause) this.#reportCause(this.#cause)
    this.#cancelStream(response)
    this.isFinished = true
    this.#release()
    return this.request.method === 'HEAD' ? withoutBody(response) : response
  }
}

// Reads a member of a thrown value, which can be a Proxy whose traps throw.
function peek<value>(read: () => value): value | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

// The end of a pathname; `\`, or a segment that begins with a dot or an escape of one, which can be a dot segment.
const special = /[?#\\]|\/(?:\.|%2)/g

/**
 * The offsets of the pathname in a request's URL. The pathname is the one that the URL parser produces: Deno and workerd keep
 * dot segments and `\` in `request.url`. The URL is parsed once at most.
 */
export function locate(href: string, isParsed = false): { href: string; start: number; end: number } {
  // After `https://`; a host has at least one character.
  const start = (special.lastIndex = href.indexOf('/', 8))
  while (special.test(href)) {
    const end = special.lastIndex - 1
    if ('?#'.includes(href[end]!)) return { href, start, end }
    if (!isParsed) return locate(new URL(href).href, true)
  }
  return { href, start, end: href.length }
}
