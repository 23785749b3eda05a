import { signalOf } from '#signal'
import type { App } from './app.js'
import type { Exchange, Scoped } from './exchange.js'
import { defaultEnv } from './host.js'
import type { Params } from './pattern.js'

/** What every handler and middleware gets in addition to the Request. */
export interface BaseContext {
  /** The URL that was matched: the request's own, or the result of `rewrites`. */
  readonly url: URL
  /** The pattern that matched, or `undefined` in a middleware of the router if no route matched. */
  readonly pattern: string | undefined
  /**
   * Aborts when the client disconnects or the server stops (an `AbortError`), or when a `timeout()` passes (a `TimeoutError`).
   * Pass it to work that should stop then.
   */
  readonly signal: AbortSignal
  /** The bindings of the host, such as those of Workers. `process.env` on other hosts. `route.env<Env>()` types it. */
  readonly env: unknown
  /** The client's IP address, if the host provides it. */
  readonly ip: string | undefined
  /** The app that handles the request, as data. */
  readonly app: App & {
    /**
     * Matches a request again and runs the route that it matches, without the router's `use`. Use it for middleware that
     * changes the method or the URL.
     *
     * @throws Error if it is called twice for one request.
     */
    dispatch(this: void, request: Request): Promise<Response>
  }
  /** Keeps the host alive until the promise has settled. A rejection goes to `onError`. */
  waitUntil(this: void, promise: PromiseLike<unknown>): void
  /**
   * Runs `work` after the response: on Node.js when it has been written, on other hosts when the host has it, or a stream
   * has ended. Functions run in the order of the calls. An error goes to `onError`.
   */
  after(this: void, work: (() => unknown) | PromiseLike<unknown>): void
  /** Reports an error to `onError` without changing the response. */
  report(this: void, error: unknown): void
}

/** The context of a route before its inputs are validated. Types a handler that is written on its own. */
export interface RouteContext<pattern extends string, params = Params<pattern>> extends BaseContext {
  readonly params: params
  readonly pattern: pattern
}

/** What `next()` can change for the rest of the chain. */
export interface NextOptions {
  /** Another request with the same URL and method. */
  readonly request?: Request
  /** Another `context.signal`. */
  readonly signal?: AbortSignal
  /** Wraps the context that each inner middleware and the handler get, to track what they read. It is called for each of them. */
  readonly view?: (context: object) => object
  /**
   * Changes the Response of the rest of the chain, as `next().then(map)` does. If the response is there, it is called
   * immediately, so no promise is made.
   */
  readonly map?: (response: Response) => Response | Promise<Response>
}

/** The context object: the members of `BaseContext`, made when they are read, and what was added, as own properties. */
export class Context implements Scoped {
  readonly #exchange: Exchange
  readonly #options: NextOptions | undefined

  constructor(exchange: Exchange, options?: NextOptions) {
    this.#exchange = exchange
    this.#options = options
  }

  get '~exchange'(): Exchange {
    return this.#exchange
  }

  /** What a middleware or the handler gets for this context. */
  get '~seen'(): object {
    return this.#options?.view?.(this) ?? this
  }

  /** A copy with more in it, which outer middleware does not see. @throws TypeError if a name is a member of the context. */
  '~with'(added: object | undefined, options: NextOptions | undefined): Context {
    const copy: Context & { [name: string]: unknown } = new Context(
      this.#exchange,
      options ? join(this.#options, options) : this.#options,
    ) as never
    // `Object.assign` takes twice as long.
    for (const name in this) copy[name] = this[name]
    try {
      for (const name in added) copy[name] = (added as { readonly [name: string]: unknown })[name]
    } catch (cause) {
      // The members are getters, which cannot be assigned to.
      throw new TypeError(`next({ ${Object.keys(added!)} }) cannot replace a member of the context; use another name`, {
        cause,
      })
    }
    return copy
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
    return this.#options?.signal ?? signalOf(this.#exchange)
  }
  get env(): unknown {
    return this.#exchange.host.env ?? defaultEnv()
  }
  get ip(): string | undefined {
    const { host, request } = this.#exchange
    return host.ip ? host.ip() : (request as { ip?: string }).ip
  }
  get app(): BaseContext['app'] {
    const { app, dispatch } = this.#exchange.server
    // In the other order it takes seven times as long on Node.js 20.
    return { dispatch: (request) => dispatch(request, this.#exchange), ...app }
  }
  get waitUntil(): BaseContext['waitUntil'] {
    return (promise) => void this.#exchange.waitUntil(promise)
  }
  get after(): BaseContext['after'] {
    return (work) => this.#exchange.after(work)
  }
  get report(): BaseContext['report'] {
    return (error) => this.#exchange.report(error, 'middleware')
  }
}

// An outer view wraps the context first.
function join({ view: outer, ...rest }: NextOptions = {}, { view: inner, ...own }: NextOptions): NextOptions {
  const view = outer && inner ? (context: object) => inner(outer(context)) : (inner ?? outer)
  return { ...rest, ...own, ...(view && { view }) }
}
