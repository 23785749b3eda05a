import { Context } from '../context.js'
import { formatCacheStatus, type CacheStatus } from '../headers/cache-status.js'
import { ring, toThrown, type Answer, type Inside, type Ring } from '../middleware.js'
import { RouteError } from '../operation.js'
import { isResponse, withHeaders } from '#response'
import { answerFrom } from './answer.js'
import { toMarks, type Core } from './core.js'
import { dropAnswer, makeAnswer, toVary, type Made, type Settings } from './fill.js'
import type { SafeStore } from './guard.js'
import { encodeValue, toCanonicalPath } from './key.js'
import { lookUp, type Found } from './lookup.js'
import { ageOf, stateOf, ttlOf } from './policy.js'
import { isPrerendered } from './prerendering.js'
import { backOff, gain, isBackedOff, refresh, toVersioned, type Job } from './runs.js'
import type { Entry } from './store.js'

/** What stands around one operation. */
export interface RingOptions {
  readonly settings: Settings
  readonly tags: readonly string[] | ((context: any) => readonly string[])
  readonly key: ((context: any) => unknown) | undefined
  readonly vary: readonly string[]
  readonly cdn: number | undefined
}

/** A request at a ring. */
interface Visit {
  readonly request: Request
  readonly context: Context
  readonly inputs: object
  readonly store: SafeStore
  readonly key: string
  readonly free: ReadonlySet<PropertyKey>
  readonly marks: () => readonly string[]
}

const nothing: ReadonlySet<PropertyKey> = new Set()

/** The part of a cache that stands around operations. */
export function toRing(core: Core, options: RingOptions): Ring {
  return {
    [ring](inside) {
      if (inside.method !== 'GET') return inside.answer
      if (options.cdn !== undefined && inside.readsHeaders)
        throw new RouteError(
          `route '${inside.pattern}': cache({ cdn }) cannot tell other caches which of the declared headers its answers depend on; list them in vary, and read them with request.headers.`,
        )
      return createRing(core, options, inside)
    },
  }
}

function createRing(core: Core, options: RingOptions, inside: Inside): Answer {
  const { settings, tags, vary } = options
  const fixedMarks = typeof tags === 'function' ? undefined : toMarks(core.prefix, tags)

  const visit = (request: Request, context: Context, inputs: Context | undefined): Visit => {
    const exchange = Context.exchange(context)
    const { href, start, end } = exchange
    // As `tags` and `key` see it.
    const view = inputs && (options.key || !fixedMarks) ? Context.with(context, inputs) : context
    const free = options.key ? new Set<PropertyKey>() : nothing
    let key = core.prefix + href.slice(0, end)
    if (inputs || vary.length || options.key) {
      const extra = unpromised(options.key?.(recording(view, free as Set<PropertyKey>)))
      const varied = vary.map((name) => request.headers.get(name))
      key += `\n${encodeInputs(inputs, exchange.search)} ${encodeValue(varied)} ${encodeValue(extra)}`
    }
    // A route on its own may have been given other params than its URL has.
    if (!exchange.server.app) key += `\n${encodeValue(exchange.params)}`
    let known: readonly string[] | undefined
    const marks = (): readonly string[] =>
      (known ??= [
        ...(fixedMarks ?? toMarks(core.prefix, checkTags((tags as (context: Context) => readonly string[])(view)))),
        `${core.prefix}p:${toCanonicalPath(href.slice(start, end))}`,
      ])
    return { request, context, inputs: inputs ?? {}, free, key, marks, store: core.storeFor(context) }
  }

  const enter = (request: Request, context: Context, inputs: Context | undefined): Response | Promise<Response> => {
    try {
      const one = visit(request, context, inputs)
      if (isPrerendered(request)) return build(one)
      const found = lookUp(one.store, core.prefix, one.key, one.marks)
      if (!(found instanceof Promise)) return decide(one, found)
      return found.then((found) => decide(one, found)).catch((error: unknown) => toThrown(error, 'cache'))
    } catch (error) {
      return toThrown(error, 'cache')
    }
  }

  const decide = (one: Visit, found: Found): Response | Promise<Response> => {
    const { entry } = found
    if (!entry) return miss(one, found, undefined)
    const now = Date.now()
    const state = stateOf(entry, now, settings)
    if (state === 'fresh' && !found.isMarkedStale) return serve(one, entry, now, { hit: true })
    if (state === 'fresh' || state === 'stale') {
      refresh(toJob(one), found)
      // What a tag has made stale is so, whatever time it had left.
      return serve(one, entry, now, found.isMarkedStale ? { hit: true, ttl: 0 } : { hit: true })
    }
    if (state === 'dead') return miss(one, found, undefined)
    return isBackedOff(core, one.key)
      ? serve(one, entry, now, { hit: true, detail: 'refresh failed' })
      : miss(one, found, entry)
  }

  const serve = ({ request }: Visit, entry: Entry, now: number, status: CacheStatus): Response =>
    answerFrom(entry, request, [
      ...(options.cdn === undefined ? [['age', String(ageOf(entry, now))] as const] : []),
      ['cache-status', formatCacheStatus({ ttl: ttlOf(entry, now), ...status })],
    ])

  const toJob = (one: Visit): Job<Made> => {
    const { request, context, inputs, free, store, key, marks } = one
    const exchange = Context.exchange(context)
    return {
      core,
      store,
      key,
      windows: settings,
      marks,
      make: (marks, signal) => makeAnswer({ settings, inside, key, marks, request, context, inputs, free, signal }),
      signal: () => context.signal,
      waitUntil: (promise) => exchange.waitUntil(promise, 'cache'),
      drop: ({ response }) => dropAnswer(response, exchange),
    }
  }

  // In place of the entry that `fallback` is, which serves if the run fails.
  const miss = async (one: Visit, found: Found, fallback: Entry | undefined): Promise<Response> => {
    try {
      const fwd = fallback ? 'stale' : 'uri-miss'
      const gained = await gain(toJob(one), found, !!fallback)
      if (gained === 'failed') return serve(one, fallback!, Date.now(), { fwd, detail: 'refresh failed' })
      if (gained.entry) return serve(one, gained.entry, Date.now(), { fwd, collapsed: true })
      const { made } = gained
      // There is another answer now, which is for this one only.
      if (fallback && made.outcome === 'unstorable') await one.store.delete(one.key)
      if (made.outcome !== 'failed' || !fallback) return respond(one, made, fwd)
      if (!one.context.signal.aborted) backOff(core, one.key)
      dropAnswer(made.response, Context.exchange(one.context))
      return serve(one, fallback, Date.now(), { fwd, detail: 'refresh failed' })
    } catch (error) {
      return toThrown(error, 'cache')
    }
  }

  const respond = (
    one: Visit,
    { outcome, response, refusal, isDynamic }: Made,
    fwd: 'stale' | 'uri-miss',
  ): Response => {
    if (isStored(outcome)) return serve(one, outcome, outcome.time, { fwd, stored: true })
    const isStreamed = outcome instanceof Promise
    const status = formatCacheStatus({ fwd, stored: isStreamed, detail: refusal })
    return withHeaders(response, (headers) => {
      headers.append('cache-status', status)
      if (settings.vary !== '') headers.set('vary', toVary(headers.get('vary'), settings.vary))
      // What a stream reads of the request is known when it has ended.
      if ((isStreamed || isDynamic) && !headers.has('cache-control')) headers.set('cache-control', 'private, no-cache')
    })
  }

  /** A run of prerender(): anew, to its end, without anything that a request says. */
  const build = async (one: Visit): Promise<Response> => {
    try {
      const marks = await toVersioned(one, undefined)
      const { context } = one
      // What is shown empty to all is known ahead too.
      const dynamic = settings.dynamic === 'force-static' ? settings.dynamic : 'error'
      const strict: Settings = { ...settings, dynamic }
      const made = await makeAnswer({ ...one, settings: strict, inside, marks, signal: () => context.signal })
      // Who is left reads a streamed one to its end.
      if (made.outcome instanceof Promise) await made.response.body?.cancel()
      const outcome = await made.outcome
      if (!isStored(outcome)) return respond(one, { ...made, outcome }, 'uri-miss')
      await one.store.set(one.key, outcome)
      return serve(one, outcome, outcome.time, { fwd: 'uri-miss', stored: true })
    } catch (error) {
      return toThrown(error, 'cache')
    }
  }

  const { validate } = inside
  if (!validate) return (request, context) => enter(request, context, undefined)
  return (request, context) => {
    const inputs = new Context(Context.exchange(context))
    const refused = validate(request, inputs)
    if (!refused) return enter(request, context, inputs)
    if (isResponse(refused)) return refused
    return refused
      .then((refused) => refused ?? enter(request, context, inputs))
      .catch((error: unknown) => toThrown(error, 'input'))
  }
}

const isStored = (value: unknown): value is Entry => typeof value === 'object' && value !== null && 'marks' in value

function encodeInputs(inputs: Context | undefined, search: string): string {
  if (!inputs) return ''
  // The members that validation has put there, which are in no type of a context.
  const { query, headers } = inputs as unknown as { query?: unknown; headers?: unknown }
  const text = encodeValue(headers)
  try {
    return `${encodeValue(query)} ${text}`
  } catch {
    // What the handler sees of it is made of the whole query, if it cannot be written down.
    return `?${JSON.stringify(search)} ${text}`
  }
}

/** The context as `key` sees it: what it reads of that is in the key. */
function recording(context: Context, read: Set<PropertyKey>): Context {
  return new Proxy(context, {
    get(target, name) {
      read.add(name)
      return Reflect.get(target, name, target)
    },
  })
}

function checkTags(given: unknown): readonly string[] {
  const tags = unpromised(given)
  if (Array.isArray(tags) && tags.every((tag) => typeof tag === 'string')) return tags
  throw new TypeError('the tags of a cache() are a list of texts, or a function that gives one')
}

// What rejects is heard of here, and nowhere else.
function unpromised(value: unknown): unknown {
  if (!(value instanceof Promise)) return value
  value.catch(() => {})
  throw new TypeError(
    'tags and key of a cache() give what they give at once, not a promise; look it up in a middleware',
  )
}
