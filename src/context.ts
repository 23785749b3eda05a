import { paramsOf, type Match } from './matcher.js'
import type { Params } from './pattern.js'
import { causeOf } from './problem.js'
import { withoutBody } from '#response'
import { streamOf } from './stream.js'

/** What every handler and middleware gets beside the Request. */
export interface BaseContext {
  /** The URL that was matched: the request's own, or what `rewrites` made of it. */
  readonly url: URL
  /** The pattern that matched, or `undefined` in a middleware of the router when none did. */
  readonly pattern: string | undefined
  /**
   * Aborted when nobody waits for the answer any more: the client is gone or the server shuts down (an `AbortError`), or
   * the time of a `timeout()` outside has passed (a `TimeoutError`). Pass it on to what takes one.
   */
  readonly signal: AbortSignal
  /** What the host bound: Workers' bindings, else `process.env`. Typed by `route.env<Env>()`. */
  readonly env: unknown
  /** The client's address, where the host tells it. */
  readonly ip: string | undefined
  /** Keeps the host alive until the promise has settled. A rejection goes to `onError`. */
  waitUntil(this: void, promise: PromiseLike<unknown>): void
  /** Runs `work` once the answer is out: on Node when it has been written, elsewhere when the host has been given it, or a stream of byway's has ended. In the order of the calls; what it throws goes to `onError`. */
  after(this: void, work: () => unknown): void
}

/** The context of a route before its inputs are validated. Types a handler that is written on its own. */
export interface RouteContext<pattern extends string, params = Params<pattern>> extends BaseContext {
  readonly params: params
  readonly pattern: pattern
}

/** Where an error came from, as `onError` is told. */
export type Phase = 'middleware' | 'input' | 'handler' | 'response' | 'stream' | 'after' | 'waitUntil' | 'cache'

/** What answers a request, as seen by its contexts: the router, or a route that is called on its own. */
export interface Server {
  /** The router as data, for a route that tells of it. */
  app?(): unknown
  readonly bodyLimit: number
  readonly responseValidation: boolean
  report(error: unknown, request: Request, pattern: string | undefined, phase: Phase): void
  track(promise: Promise<unknown>): void
}

/** What a host passes beside the request, told apart by shape. */
export interface Host {
  env?: unknown
  waitUntil?: ((promise: Promise<unknown>) => void) | undefined
  ip?: (() => string | undefined) | undefined
}

const noHost: Host = {}

/** What srvx tells of Node on its requests, and byway's own host too. */
interface NodeRequest {
  readonly runtime?: { readonly node?: { readonly res?: Outgoing } }
}
interface Outgoing {
  readonly writableFinished: boolean
  readonly destroyed: boolean
  once(event: 'finish' | 'close', listener: () => void): unknown
}

// https://vercel.com/docs/functions/functions-api-reference/vercel-functions-package#waituntil finds it there too.
const vercel: unique symbol = Symbol.for('@vercel/request-context') as never

type WaitUntil = ((promise: Promise<unknown>) => void) | undefined

const waitUntilOfVercel = (promise: Promise<unknown>): void =>
  (globalThis as { [vercel]?: { get?: () => { waitUntil?: WaitUntil } | undefined } })[vercel]
    ?.get?.()
    ?.waitUntil?.(promise)

/**
 * What Workers (`env, executionContext`), Bun (`server`), Deno (`info`) and service workers (`event`) pass.
 * Told apart by shape: hosts call with any number of arguments, in any order.
 */
export function toHost(request: Request, passed: readonly unknown[]): Host {
  const host: Host = {}
  for (const value of passed) {
    // A number is the index that `requests.map(app.fetch)` passes.
    if (typeof value !== 'object' || value === null) continue
    const known = value as { waitUntil?: unknown; requestIP?: unknown; remoteAddr?: { hostname?: unknown } }
    if (typeof known.waitUntil === 'function')
      host.waitUntil = (promise) => (known.waitUntil as (promise: unknown) => void)(promise)
    else if (typeof known.requestIP === 'function')
      host.ip = () => (known.requestIP as (request: Request) => { address?: string } | null)(request)?.address
    else if (known.remoteAddr) host.ip = () => known.remoteAddr?.hostname as string | undefined
    else host.env ??= value
  }
  return host
}

/** What all the contexts of one request share. */
export class Exchange {
  readonly request: Request
  readonly server: Server
  match: Match<unknown> | undefined
  /** The URL that was matched, and where its pathname stands in it. */
  href: string
  start: number
  end: number
  host: Host
  #params: Record<string, unknown> | undefined
  #url: URL | undefined
  #work: (() => unknown)[] | undefined
  #startWork: (() => void) | undefined
  #answered = false
  #stream: Response | undefined
  #streamed: Promise<void> | undefined

  constructor(
    request: Request,
    server: Server,
    href: string,
    start: number,
    end: number,
    match: Match<unknown> | undefined,
    host: Host = noHost,
  ) {
    this.request = request
    this.server = server
    this.href = href
    this.start = start
    this.end = end
    this.match = match
    this.host = host
  }

  get params(): Record<string, unknown> {
    return (this.#params ??= this.match ? paramsOf(this.match, this.href, this.start, this.end) : {})
  }
  set params(params: Record<string, unknown>) {
    this.#params = params
  }

  /** No route has matched after all. */
  forget(): void {
    this.match = undefined
    this.#params = {}
  }

  get url(): URL {
    return (this.#url ??= new URL(this.href))
  }

  /** The part after the `?`, without it. */
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
    const { host, request } = this
    if (host.waitUntil) host.waitUntil(settled)
    // srvx puts one on its requests.
    else if ((request as { waitUntil?: WaitUntil }).waitUntil)
      (request as unknown as Required<Host>).waitUntil!(settled)
    else waitUntilOfVercel(settled)
  }

  after(work: () => unknown): void {
    if (this.#work) this.#work.push(work)
    else {
      this.#work = [work]
      this.waitUntil(new Promise<void>((resolve) => (this.#startWork = resolve)).then(() => this.#runWork()))
      if (this.#answered) this.#release()
    }
  }

  async #runWork(): Promise<void> {
    // It may grow while it runs: work may plan more work.
    for (const work of this.#work!) {
      try {
        await work()
      } catch (error) {
        this.report(error, 'after')
      }
    }
    this.#work = undefined
  }

  // After an answer that takes its time, or at the next turn.
  #release(): void {
    const start = this.#startWork!
    const outgoing = (this.request as NodeRequest).runtime?.node?.res
    if (outgoing && !outgoing.writableFinished && !outgoing.destroyed) {
      outgoing.once('finish', start)
      outgoing.once('close', start)
    } else if (this.#streamed) void this.#streamed.then(start)
    else setTimeout(start, 0)
  }

  /** Watches an answer that is written while it is read: its error is reported, and `after` waits for its end. */
  watch(response: Response): Response {
    const stream = streamOf(response)
    if (stream && !stream.watcher) {
      this.#stream = response
      this.#streamed = new Promise((ended) => {
        stream.watcher = { failed: (error) => this.report(error, 'stream'), ended }
      })
    }
    return response
  }

  /** The answer as it leaves: an error that it still has as its cause is reported, and what `after` was given runs once it is out. */
  finish(response: Response): Response {
    const cause = causeOf(response)
    if (cause && !isAbort(cause.error, this.request.signal)) this.report(cause.error, cause.phase as Phase)
    if (this.#stream && this.#stream !== response) dropUnread(this.#stream, response)
    this.watch(response)
    this.#answered = true
    if (this.#startWork) this.#release()
    return this.request.method === 'HEAD' ? withoutBody(response) : response
  }
}

/** Whether an error is only what a signal's abort made of the work under way. */
export function isAbort(error: unknown, { aborted, reason }: Pick<AbortSignal, 'aborted' | 'reason'>): boolean {
  return (
    aborted && (error === reason || (error instanceof Error && error.cause !== undefined && error.cause === reason))
  )
}

// A stream that a middleware answered something else in place of, without reading it, ends there.
function dropUnread({ body }: Response, answer: Response): void {
  if (!body!.locked && body !== answer.body) body!.cancel().catch(() => {})
}

/** Where the pathname stands in a request's URL. */
export function locate(href: string): { href: string; start: number; end: number } {
  // After `https://`; a host has at least one character.
  const start = href.indexOf('/', 8)
  if (start === -1) {
    const whole = new URL(href).href
    if (whole === href) throw new URIError(`${href} has no pathname`)
    return locate(whole)
  }
  let end = href.indexOf('#', start)
  if (end === -1) end = href.length
  const search = href.indexOf('?', start)
  if (search !== -1 && search < end) end = search
  return { href, start, end }
}

/** The name under which a middleware gives what is inside it another `signal`, made when it is read. */
export const innerSignal: unique symbol = Symbol('byway.signal') as never

/** The name under which a context gives a copy of itself. */
export const copied: unique symbol = Symbol('byway.copied') as never
interface Copied {
  [copied](): Context
}

/** The context object itself: the members of `BaseContext`, made when read, and as own properties what was added. */
export class Context {
  readonly #exchange: Exchange

  constructor(exchange: Exchange) {
    this.#exchange = exchange
  }

  /** A context with more in it, which what is outside does not see. Throws TypeError for the name of a member. */
  static with(context: Context, added: object): Context {
    try {
      // Not in the class's type, which `isolatedDeclarations` writes without computed names.
      return Object.assign((context as unknown as Copied)[copied](), added)
    } catch (error) {
      // The members are getters, which cannot be assigned to.
      const name = Object.keys(added).find((name) => name !== 'constructor' && Object.hasOwn(Context.prototype, name))
      if (!name) throw error
      throw new TypeError(`next({ ${name} }) would replace a member of the context; give it another name`)
    }
  }

  /** What all the contexts of this request share. */
  static exchange(context: Context): Exchange {
    return context.#exchange
  }

  get params(): Record<string, unknown> {
    return this.#exchange.params
  }
  get url(): URL {
    return this.#exchange.url
  }
  get pattern(): string | undefined {
    return this.#exchange.match?.pattern
  }
  get signal(): AbortSignal {
    const inner = (this as { [innerSignal]?: () => AbortSignal })[innerSignal]
    return inner ? inner() : this.#exchange.request.signal
  }
  get env(): unknown {
    return this.#exchange.host.env ?? defaultEnv()
  }
  get ip(): string | undefined {
    const { host, request } = this.#exchange
    return host.ip ? host.ip() : (request as { ip?: string }).ip
  }
  get waitUntil(): (promise: PromiseLike<unknown>) => void {
    return (promise) => this.#exchange.waitUntil(promise)
  }
  get after(): (work: () => unknown) => void {
    return (work) => this.#exchange.after(work)
  }
}

Object.defineProperty(Context.prototype, copied, {
  value(this: Context): Context {
    return Object.assign(new Context(Context.exchange(this)), this)
  },
})

declare const process: { env?: unknown } | undefined
const defaultEnv = (): unknown => (typeof process === 'object' && process.env) || {}
