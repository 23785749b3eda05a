import { formatCacheStatus, type CacheStatus } from '../headers/cache-status.js'
import {
  middleware,
  type AnyContext,
  type AnyMiddleware,
  type AroundOperation,
  type Inputs,
  type Next,
} from '../middleware.js'
import { RouteError } from '../operation.js'
import { withHeaders } from '#response'
import type { CacheOptions } from './cache-options.js'
import { checkTags, isPromise, toMarks, toPathMark, type Core, type Versioned } from './core.js'
import { encodeValue, toCanonicalHref, toCanonicalPath } from './key.js'
import { isPrerendered } from './prerendering.js'
import { runFill, type Made, type Settings } from './responses/fill.js'
import { fromEntry } from './responses/from-entry.js'
import { ageOf, mergeVary, ttlOf } from './responses/policy.js'
import { toRecordedContext, withInputs } from './responses/tracked-context.js'
import { toReads, type Reads } from './responses/watch.js'
import { toVersioned } from './runs/gain.js'
import type { Job } from './runs/job.js'
import { obtain, type Obtained } from './runs/obtain.js'
import type { SafeStore } from './stores/guard.js'
import type { Entry } from './stores/store.js'

/** The options of `cache()`, resolved. */
export interface LayerOptions {
  readonly settings: Settings
  readonly tags: NonNullable<CacheOptions<any>['tags']>
  readonly key: CacheOptions<any>['key']
  readonly cdn: number | undefined
  readonly bypass: CacheOptions<any>['bypass']
  readonly vary: readonly string[]
}

/** What the requests of one operation share. */
interface Layer {
  readonly core: Core
  readonly options: LayerOptions
  readonly operation: AroundOperation
  /** The marks of a fixed list of tags. */
  readonly marks: readonly string[] | undefined
  readonly hasParams: boolean
  /** Whether the key has more than the URL. */
  readonly hasParts: boolean
}

// `around` gets one object for all middleware of an operation.
const cached: WeakSet<AroundOperation> = new WeakSet()

/** Makes the middleware that caches the responses of the operations that it is around. */
export function toLayer(core: Core, options: LayerOptions): AnyMiddleware {
  return middleware({
    around(operation) {
      const { method, pattern, declaration } = operation
      if (cached.has(operation))
        throw new RouteError(`route '${pattern}' has two caches around .${method.toLowerCase()}(); remove one of them`)
      cached.add(operation)
      if (method !== 'GET') return (_request: Request, _context: AnyContext, next: Next) => next()
      if (options.cdn !== undefined && declaration.headers)
        throw new RouteError(
          `route '${pattern}': cache({ cdn }) cannot tell other caches which of the declared headers to compare; list them in vary`,
        )
      core.patterns.add(pattern)
      return toRun(core, options, operation) as never
    },
  })
}

type Run = (request: Request, context: AnyContext, next: Next) => Response | Promise<Response>

function toRun(core: Core, options: LayerOptions, operation: AroundOperation): Run {
  const { tags, vary, key, bypass, settings } = options
  const hasInputs = !!(operation.declaration.query || operation.declaration.headers)
  const hasParams = operation.pattern.includes('[')
  const layer: Layer = {
    core,
    options,
    operation,
    marks: typeof tags === 'function' ? undefined : toMarks(core.prefix, tags),
    hasParams,
    hasParts: hasParams || hasInputs || vary.length > 0 || !!key,
  }
  const enter = (request: Request, context: AnyContext, next: Next, inputs?: Inputs): Response | Promise<Response> => {
    const visit = new Visit(layer, request, context, next, inputs)
    if (isPrerendered(request)) return visit.build()
    const obtained = obtain(visit)
    return obtained instanceof Promise ? obtained.then((obtained) => visit.send(obtained)) : visit.send(obtained)
  }
  return (request, context, next) => {
    if (bypass && !isPrerendered(request)) {
      const isBypassed: unknown = bypass(request, context)
      if (isPromise(isBypassed))
        throw new TypeError('cache({ bypass }) returned a promise; it must return true or false')
      if (isBypassed)
        return next(undefined, { map: (response) => complete(response, settings, { fwd: 'bypass' }, true) })
    }
    if (!hasInputs) return enter(request, context, next)
    const inputs = operation.inputs(request, context)
    return isPromise(inputs)
      ? (inputs as Promise<Inputs>).then((inputs) => enter(request, context, next, inputs))
      : enter(request, context, next, inputs)
  }
}

/** One request at a cache. */
class Visit implements Job<Made> {
  readonly core: Core
  readonly store: SafeStore
  readonly key: string
  readonly windows: Settings
  // Not `#`: to create private fields costs a hit 0.1 µs.
  private readonly layer: Layer
  private readonly request: Request
  private readonly context: AnyContext
  private readonly next: Next
  private readonly inputs: Inputs | undefined
  // The URLs that the handler sees, without the query: of the context, and of the request.
  private readonly href: string
  private readonly requestHref: string
  private app: AnyContext['app'] | undefined
  private reads: Reads | undefined
  private known: readonly string[] | undefined

  constructor(layer: Layer, request: Request, context: AnyContext, next: Next, inputs: Inputs | undefined) {
    const { core, options, operation } = layer
    this.layer = layer
    this.request = request
    this.context = context
    this.next = next
    this.inputs = inputs
    this.core = core
    this.windows = options.settings
    this.store = core.storeFor(context)
    const whole = operation.href(context)
    const href = toCanonicalHref(whole)
    this.href = href
    // They differ after a rewrite, or if an outer middleware changed one of them.
    this.requestHref = request.url === whole ? href : toRequestHref(request.url, href)
    this.app = undefined
    this.reads = undefined
    this.known = undefined
    let key = core.prefix + href
    if (this.requestHref !== href) key += `\n${this.requestHref}`
    this.key = layer.hasParts ? `${key}\n${this.toParts()}` : key
  }

  // What the handler can read, other than the URL. Each part has its place, so that two parts are never taken for each other.
  private toParts(): string {
    const { context, inputs, layer } = this
    const { vary } = layer.options
    const params = layer.hasParams ? encodeParams(context) : ''
    const query = inputs?.query === undefined ? '' : encodeQuery(inputs.query, context, this.request)
    const headers = inputs?.headers === undefined ? '' : encodeValue(inputs.headers)
    const varied = vary.length ? encodeValue(vary.map((name) => this.request.headers.get(name))) : ''
    return `${params} ${query} ${headers} ${varied} ${layer.options.key ? this.toKeyed(layer.options.key) : ''}`
  }

  private toKeyed(key: NonNullable<LayerOptions['key']>): string {
    const pairs: unknown[] = []
    this.reads = toReads()
    const returned: unknown = key(toRecordedContext(this.context, this.inputs ?? {}, this.reads, pairs))
    if (isPromise(returned)) throw new TypeError('cache({ key }) returned a promise; look the value up in a middleware')
    pairs.push(encodeValue(returned))
    return encodeValue(pairs)
  }

  marks(): readonly string[] {
    return (this.known ??= this.toMarks())
  }

  private toMarks(): readonly string[] {
    const { core, options, operation, marks } = this.layer
    const { basePath } = (this.app ??= this.context.app)
    // The path in its one spelling, as it is in the key.
    const pathname = this.href.slice(this.href.indexOf('/', 8) + toCanonicalPath(basePath).length)
    const { prefix } = core
    const tagged =
      marks ??
      toMarks(
        prefix,
        checkTags(
          'cache()',
          (options.tags as (context: object) => unknown)(
            this.inputs ? withInputs(this.context, this.inputs) : this.context,
          ),
        ),
      )
    const path = toPathMark(prefix, pathname || '/')
    return this.layer.hasParams ? [...tagged, path, toPathMark(prefix, operation.pattern)] : [...tagged, path]
  }

  make(marks: Versioned | undefined, signal: () => AbortSignal): Promise<Made> {
    return this.fill(this.windows, marks, signal)
  }

  private fill(settings: Settings, marks: Versioned | undefined, signal: () => AbortSignal): Promise<Made> {
    const { core, operation } = this.layer
    const fill = {
      core,
      settings,
      pattern: operation.pattern,
      key: this.key,
      request: this.request,
      context: this.context,
      app: (this.app ??= this.context.app),
      next: this.next,
      href: this.href,
      requestHref: this.requestHref,
      reads: this.reads ?? toReads(),
    }
    return runFill(fill, marks, signal)
  }

  signal(): AbortSignal {
    return this.context.signal
  }

  waitUntil(promise: Promise<unknown>): void {
    this.context.waitUntil(promise)
  }

  discard({ response, outcome, error, cause }: Made, isLate: boolean): void {
    // An error that becomes a response after the request has its own is reported by then.
    const unreported = error ?? (isLate || this.signal().aborted ? undefined : cause)
    if (unreported !== undefined) this.context.report(unreported)
    if (!isEntry(outcome) && !response.bodyUsed) response.body?.cancel().catch(() => {})
  }

  send(obtained: Obtained<Made>): Response {
    return obtained.made
      ? this.sendMade(obtained.made, obtained.fwd)
      : this.sendEntry(obtained.entry, obtained.status, obtained.now)
  }

  private sendMade({ outcome, response, refusal, isDynamic, error }: Made, fwd: 'stale' | 'uri-miss'): Response {
    if (isEntry(outcome)) return this.sendEntry(outcome, { fwd, stored: true }, outcome.time)
    if (error) {
      response.body?.cancel().catch(() => {})
      throw error
    }
    // What a stream reads of the request is known when it has ended.
    const isStreamed = outcome instanceof Promise
    return complete(response, this.windows, { fwd, stored: isStreamed, detail: refusal }, isStreamed || isDynamic)
  }

  private sendEntry(entry: Entry, status: CacheStatus, now: number = Date.now()): Response {
    const { headers } = entry
    const own = ['cache-status', formatCacheStatus({ ttl: ttlOf(entry, now), ...status })] as const
    // The age at an upstream is the first header.
    const upstream = headers[0]?.[0] === 'age' ? Number(headers[0][1]) : undefined
    if (upstream === undefined && this.layer.options.cdn !== undefined) return fromEntry(entry, this.request, [own])
    const age = ['age', String((upstream ?? 0) + ageOf(entry, now))] as const
    return fromEntry(upstream === undefined ? entry : { ...entry, headers: headers.slice(1) }, this.request, [age, own])
  }

  /** Responds to `prerender()`: runs again, to the end, without anything that a request can tell. */
  async build(): Promise<Response> {
    this.core.enableScopes()
    const marks = await toVersioned(this, undefined)
    const settings = this.windows
    // With 'force-static', every client gets the response without request data.
    const dynamic = settings.dynamic === 'force-static' ? settings.dynamic : 'error'
    const made = await this.fill({ ...settings, dynamic }, marks, () => this.signal())
    let { response } = made
    if (made.outcome instanceof Promise) {
      // The fill reads the stream to its end.
      await response.body!.cancel()
      response = new Response(null, response)
    }
    const outcome = await made.outcome
    if (isEntry(outcome)) await this.store.set(this.key, outcome)
    return this.sendMade({ ...made, outcome, response }, 'uri-miss')
  }
}

const isEntry = (outcome: Made['outcome']): outcome is Entry => typeof outcome === 'object' && 'marks' in outcome

// A trailing slash counts only if the URL that was matched has one.
function toRequestHref(url: string, matched: string): string {
  const href = toCanonicalHref(new URL(url).href)
  return matched.endsWith('/') ? href : href.replace(/\/$/, '')
}

// An outer middleware, or the caller of a route on its own, can have given others than those of the URL.
function encodeParams(context: AnyContext): string {
  try {
    return encodeValue(context.params)
  } catch (error) {
    // A schema's output that has no encoding depends on the URL.
    if (context.app.routes[0]?.names.length) return ''
    throw error
  }
}

// The output of a schema that has no encoding depends on the raw query.
function encodeQuery(query: unknown, context: AnyContext, request: Request): string {
  try {
    return encodeValue(query)
  } catch {
    return `?${context.url.search}${request.url}`
  }
}

// A response that this cache does not serve from an entry.
function complete(response: Response, { vary }: Settings, status: CacheStatus, isPrivate: boolean): Response {
  return withHeaders(response, (headers) => {
    headers.append('cache-status', formatCacheStatus(status))
    if (vary !== '') headers.set('vary', mergeVary(headers.get('vary'), vary))
    if (isPrivate && !headers.has('cache-control')) headers.set('cache-control', 'private, no-cache')
  })
}
