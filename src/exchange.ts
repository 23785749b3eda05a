import type { App } from './app.js'
import { keepAlive, noHost, onWritten, type Host } from './host.js'
import { paramsOf, type Match } from './matcher.js'
import { BodyLimitError, toFailure, tooLarge, type Phase } from './problem.js'
import { isResponse, memoryOf, remember, withoutBody, type Memory } from '#response'

/** The app that handles a request: a router, or a route that is called on its own. */
export interface Server extends App {
  readonly bodyLimit: number
  readonly responseValidation: boolean
  /** Reports an error to `onError`. */
  report(error: unknown, request: Request, pattern: string | undefined, phase: Phase): void
  /** Adds to the promises that `settled()` waits for. */
  track(promise: Promise<unknown>): void
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
  readonly request: Request
  readonly server: Server
  readonly host: Host
  /** The exchange of the request that dispatched this one. */
  readonly outer: Exchange | undefined
  /** The URL that is matched, and the offsets of its pathname. */
  href: string
  start: number
  end: number
  match: Match<unknown> | undefined
  /** The inputs that were validated before the handler, by a cache for example. */
  inputs: object | undefined
  /** Whether this request was dispatched again. */
  isDispatched = false
  #params: Record<string, unknown> | undefined
  #url: URL | undefined
  #work: (() => unknown)[] | undefined
  #startWork: (() => void) | undefined
  #isFinished = false
  #stream: Response | undefined
  #streamEnd: Promise<void> | undefined
  // The errors that no middleware has handled yet.
  #causes: Cause[] | undefined

  constructor(
    request: Request,
    server: Server,
    href: string,
    start: number,
    end: number,
    host: Host = noHost,
    outer?: Exchange,
  ) {
    this.request = request
    this.server = server
    this.href = href
    this.start = start
    this.end = end
    this.host = host
    this.outer = outer
    this.match = undefined
    this.inputs = undefined
  }

  /** Runs the matched operation. Set when the request is matched. */
  run!: (request: Request, context: Scoped) => Response | Promise<Response>

  get params(): Record<string, unknown> {
    return (this.#params ??= this.match ? paramsOf(this.match, this.href, this.start, this.end) : {})
  }
  set params(params: Record<string, unknown>) {
    this.#params = params
  }

  /** Continues as if no route had matched. */
  forget(): void {
    this.match = undefined
    this.#params = {}
  }

  get url(): URL {
    return (this.#url ??= new URL(this.href))
  }

  /** `url.href`, without creating a URL. */
  get urlText(): string {
    return this.#url ? this.#url.href : this.href
  }

  /** The query without its `?`. */
  get search(): string {
    if (this.href.charCodeAt(this.end) !== 63) return ''
    const to = this.href.indexOf('#', this.end)
    return this.href.slice(this.end + 1, to === -1 ? undefined : to)
  }

  report(error: unknown, phase: Phase): void {
    this.server.report(error, this.request, this.match?.pattern, phase)
  }

  waitUntil(promise: PromiseLike<unknown>, phase: Phase = 'waitUntil'): void {
    const settled = Promise.resolve(promise).then(
      () => {},
      (error: unknown) => this.report(error, phase),
    )
    this.server.track(settled)
    keepAlive(settled, this.request, this.host)
  }

  after(work: (() => unknown) | PromiseLike<unknown>): void {
    if (this.outer) return this.outer.after(work)
    if (typeof work !== 'function') return this.waitUntil(work, 'after')
    if (this.#work) this.#work.push(work)
    else {
      this.#work = [work]
      this.waitUntil(new Promise<void>((resolve) => (this.#startWork = resolve)).then(() => this.#runWork()))
      if (this.#isFinished) this.#release()
    }
  }

  async #runWork(): Promise<void> {
    // The list can grow while it runs: work can plan more work.
    for (const work of this.#work!) {
      try {
        await work()
      } catch (error) {
        this.report(error, 'after')
      }
    }
    this.#work = undefined
  }

  // After a streamed response, or in the next turn.
  #release(): void {
    const start = this.#startWork!
    if (onWritten(this.request, start)) return
    if (this.#streamEnd) void this.#streamEnd.then(start)
    else setTimeout(start, 0)
  }

  /** Reports the error of a streamed body, and lets `after` wait for its end. */
  watch(response: Response): Response {
    const stream = memoryOf(response)?.stream
    if (stream && !stream.watcher) {
      this.#stream = response
      this.#streamEnd = new Promise((ended) => {
        stream.watcher = { failed: (error) => this.report(error, 'stream'), ended }
      })
    }
    return response
  }

  /**
   * Converts a thrown value to a response: a `Response` is sent as it is, a body above the limit is a 413, and anything else
   * becomes a 500 without details.
   */
  thrown(error: unknown, phase: Phase): Response {
    if (error instanceof BodyLimitError) return tooLarge(error.limit)
    return this.settle(isResponse(error) && !error.bodyUsed ? error : toFailure(error, phase))
  }

  /**
   * Follows the errors of a request outward through its middleware. An error that a middleware replaced is handled if the
   * same middleware read it, else it is reported.
   */
  settle(response: Response): Response {
    const own = response.status >= 400 ? memoryOf(response)?.cause : undefined
    if (!own && !this.#causes) return response
    for (const cause of this.#causes ?? []) if (cause !== own && !cause.wasRead) this.#reportCause(cause)
    this.#causes = own && [own]
    if (own) {
      own.wasRead = false
      // The client has its response, so nothing can handle this one.
      if (this.#isFinished) this.#reportCause(own)
    }
    return response
  }

  #reportCause(cause: Cause): void {
    if (cause.isReported || isAbort(cause.error, this.request.signal)) return
    cause.isReported = true
    this.report(cause.error, cause.phase as Phase)
  }

  /** The only place where a response leaves. Reports its error, and starts the work of `after`. */
  finish(response: Response): Response {
    this.settle(response)
    const [cause] = this.#causes ?? []
    if (cause) this.#reportCause(cause)
    if (this.#stream && this.#stream !== response) cancelUnread(this.#stream, response)
    this.watch(response)
    this.#isFinished = true
    if (this.#startWork) this.#release()
    return this.request.method === 'HEAD' ? withoutBody(response) : response
  }
}

/** Whether an error only reports that a signal was aborted. */
export function isAbort(error: unknown, { aborted, reason }: Pick<AbortSignal, 'aborted' | 'reason'>): boolean {
  return (
    aborted && (error === reason || (error instanceof Error && error.cause !== undefined && error.cause === reason))
  )
}

// Cancels a stream that middleware replaced without reading it.
function cancelUnread({ body }: Response, response: Response): void {
  if (!body!.locked && body !== response.body) body!.cancel().catch(() => {})
}

/**
 * The offsets of the pathname in a request's URL. The pathname is the one that the URL parser produces: Deno and workerd keep
 * dot segments in `request.url`.
 */
export function locate(href: string): { href: string; start: number; end: number } {
  // After `https://`; a host has at least one character.
  const start = href.indexOf('/', 8)
  let end = href.indexOf('#', start)
  if (end === -1) end = href.length
  const search = href.indexOf('?', start)
  if (search !== -1 && search < end) end = search
  if (start === -1 || hasDots(href, start, end)) {
    const whole = new URL(href).href
    if (whole === href) throw new URIError(`${href} has no pathname`)
    return locate(whole)
  }
  return { href, start, end }
}

function hasDots(href: string, start: number, end: number): boolean {
  for (let at = start; ; at++) {
    at = href.indexOf('/', at)
    if (at === -1 || at >= end) return false
    const code = href.charCodeAt(at + 1)
    if ((code === 46 || code === 37) && /^\/(?:\.|%2e){1,2}(?:[/?#]|$)/i.test(href.slice(at, at + 8))) return true
  }
}
