import { errorOf } from '../../problem.js'
import { ownTarget, textOf } from '#response'
import type { App } from '../../app.js'
import type { BaseContext } from '../../context.js'
import type { Next } from '../../middleware.js'
import type { Dynamic } from '../cache-options.js'
import { toCollected, type Core, type ScopeContext, type Versioned } from '../core.js'
import type { Outcome } from '../runs/flight.js'
import type { Entry } from '../stores/store.js'
import { toEntityTag } from './from-entry.js'
import { expiresOf, mergeVary, toRefusal, toStoredHeaders, type Allowed, type Windows } from './policy.js'
import { shareBody } from './share-body.js'
import { toView } from './tracked-context.js'
import { toTrackedRequest } from './tracked-request.js'
import { type DynamicError, Tracker } from './tracker.js'
import type { Reads } from './watch.js'

/** The options of a cache, resolved. */
export interface Settings extends Allowed, Windows {
  /** Seconds, or `null`: no time limit. */
  readonly revalidate: number | null
  readonly dynamic: Dynamic
  readonly maxBytes: number
  /** The `Cache-Control` of responses that set none. */
  readonly cacheControl: string
  /** The names that are added to `Vary`. */
  readonly vary: string
}

/** A run of the rest of the chain, whose response is stored if possible. */
export interface Fill {
  readonly core: Core
  readonly settings: Settings
  readonly pattern: string
  readonly key: string
  readonly request: Request
  readonly context: ScopeContext & Pick<BaseContext, 'url' | 'signal' | 'report'>
  readonly app: App
  readonly next: Next
  /** The URLs that the handler sees, without the query: of the context, and of the request. */
  readonly href: string
  readonly requestHref: string
  /** What `key` read. */
  readonly reads: Reads
}

/** The result of a run. */
export interface Made {
  readonly response: Response
  /** The reason why the response is not stored, if it is known before the response is sent. */
  readonly refusal?: string | undefined
  /** Whether the response can belong to one client. */
  readonly isDynamic: boolean
  /** The error that replaces the response: a read that the handler caught. */
  readonly error?: DynamicError
  /** The error that became the response, if it was read here. */
  readonly cause?: unknown
  /** Resolves when the response is stored, which is after a stream is sent. */
  readonly outcome: Outcome | Promise<Outcome>
}

/** Runs the rest of the chain, and makes an entry of the response if possible. */
export async function runFill(fill: Fill, marks: Versioned | undefined, signal: () => AbortSignal): Promise<Made> {
  const { core, settings, context, href, reads, next, pattern } = fill
  const time = Date.now()
  const tracker = new Tracker(settings.dynamic, pattern, settings.varied)
  const request = toTrackedRequest(fill.request, fill.requestHref, tracker, signal)
  const view = toView({ outer: context, reads, href, pattern, tracker, signal })
  const collected = toCollected(settings.revalidate)
  const hadScopes = core.hasScopes()
  const run = <value>(work: () => value): value => core.run(collected, context, work)
  const response = await run(() => next(undefined, { request, view }))

  const isDynamic = tracker.reads.size > 0
  const refuse = (outcome: Outcome, refusal: string): Made => ({ response, outcome, refusal, isDynamic })
  const { status } = response
  const isStatus = settings.statuses.has(status)
  // Only a status that is stored on request needs this check. It marks an error as handled.
  const cause = isStatus && status >= 400 ? errorOf(response) : undefined
  if (cause !== undefined || (status >= 500 && !isStatus))
    return { ...refuse('failed', isDynamic ? tracker.toDetail() : `status ${status}`), cause }
  if (isDynamic && settings.dynamic === 'error')
    return { ...refuse('failed', tracker.toDetail()), error: tracker.toError() }
  if (isDynamic) return refuse('unstorable', tracker.toDetail())
  // The first call of `cache.get` enables scopes: the tags of what it read are missing.
  const isScoped = (): boolean => core.hasScopes() === hadScopes
  const refusal = !marks ? 'store' : isScoped() ? toRefusal(response, settings) : 'first use of data'
  if (refusal !== undefined) return refuse('unstorable', refusal)

  const sent = toSent(response, fill.app)
  if (errorOf(sent.response) !== undefined) return refuse('failed', 'error format')
  const toEntry = async (body: Entry['body']): Promise<Entry | 'failed'> => {
    try {
      return core.complete({
        key: fill.key,
        status: sent.response.status,
        headers: await completeHeaders(toStoredHeaders(sent.headers, body), body, settings),
        body,
        time,
        revalidate: collected.revalidate,
        expires: expiresOf(time, collected.revalidate, settings),
        marks: [...marks!, ...collected.marks],
      })
    } catch (error) {
      context.report(error)
      return 'failed'
    }
  }
  const text = textOf(sent.response) ?? (response.body === null ? '' : undefined)
  if (text !== undefined) {
    if (isOver(text, settings.maxBytes)) return refuse('unstorable', 'too large')
    return { response, isDynamic, outcome: await toEntry(text) }
  }
  const shared = shareBody(response, settings.maxBytes, run)
  const outcome = shared.whole.then(async (bytes): Promise<Outcome> => {
    if (bytes === undefined) return 'failed'
    // The handler can read the request while it writes the stream.
    if (bytes === 'too large' || tracker.reads.size > 0 || !isScoped()) return 'unstorable'
    return toEntry(toBody(bytes, sent.headers.get('content-type') ?? ''))
  })
  return { response: shared.response, isDynamic, outcome }
}

// The router converts byway's own problems and redirects when it sends them. An entry has them as they are sent.
function toSent(response: Response, { basePath, problems }: App): { response: Response; headers: Headers } {
  const converted = problems ? problems.convert(response) : response
  const target = basePath ? ownTarget(converted) : undefined
  if (target === undefined) return { response: converted, headers: converted.headers }
  const headers = new Headers(converted.headers)
  headers.set('location', basePath + target)
  return { response: converted, headers }
}

async function completeHeaders(
  headers: [name: string, value: string][],
  body: Entry['body'],
  { cacheControl, vary }: Settings,
): Promise<[name: string, value: string][]> {
  const find = (name: string) => headers.find(([given]) => given === name)
  if (!find('etag')) headers.push(['etag', await toEntityTag(body)])
  if (!find('cache-control')) headers.push(['cache-control', cacheControl])
  const given = find('vary')
  if (given) given[1] = mergeVary(given[1], vary)
  else if (vary) headers.push(['vary', vary])
  return headers
}

// A character has one to three bytes.
const isOver = (text: string, bytes: number): boolean =>
  text.length > bytes || (text.length * 3 > bytes && new TextEncoder().encode(text).length > bytes)

let decoder: TextDecoder | undefined

// A body is stored as a text if its bytes are certain to be the same afterwards.
function toBody(bytes: Uint8Array<ArrayBuffer>, type: string): Entry['body'] {
  if (!/^(?:text\/|application\/(?:json|xml|javascript)|[^;]*\+(?:json|xml)\b)/i.test(type)) return bytes
  decoder ??= new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  try {
    return decoder.decode(bytes)
  } catch {
    return bytes
  }
}
