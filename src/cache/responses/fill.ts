import { Context, isAbort, type Exchange } from '../context.js'
import type { Inside } from '../middleware.js'
import { causeOf, toFailure } from '../problem.js'
import { ownTarget, textOf } from '#response'
import { runFill } from '../scope.js'
import { toEntityTag } from './answer.js'
import type { Outcome } from './flight.js'
import { expiresOf, toRefusal, toStoredHeaders, type Allowed, type Windows } from './policy.js'
import { shareBody } from './share-body.js'
import type { Entry } from './store.js'
import { toTrackedRequest, TrackedContext, Tracker, type Dynamic } from './tracked.js'

/** What the options of a cache come to. */
export interface Settings extends Allowed, Windows {
  /** Seconds, or `null` for as long as the tags hold. */
  readonly revalidate: number | null
  readonly dynamic: Dynamic
  readonly maxBytes: number
  /** What other caches are told, unless the handler tells them. */
  readonly cacheControl: string
  /** What is added to `Vary`. */
  readonly vary: string
}

/** An answer that is to be made, and stored if it may be. */
export interface Fill {
  readonly settings: Settings
  readonly inside: Inside
  readonly key: string
  /** The marks that it depends on, and their versions before it is made; `undefined` where they cannot be told. */
  readonly marks: readonly (readonly [mark: string, version: string])[] | undefined
  readonly request: Request
  readonly context: Context
  /** The validated query and headers. */
  readonly inputs: object
  /** What middleware outside has added and the key holds. */
  readonly free: ReadonlySet<PropertyKey>
  readonly signal: () => AbortSignal
}

/** What came of it. */
export interface Made {
  readonly response: Response
  /** Why it is not stored, where that is known before the answer is out. */
  readonly refusal: string | undefined
  /** Whether it shows what is one client's. */
  readonly isDynamic: boolean
  /** There when it is stored, which for a stream is after the answer is out. */
  readonly outcome: Outcome | Promise<Outcome>
}

/** Runs what is inside, and stores what it answers if it may. */
export async function makeAnswer(fill: Fill): Promise<Made> {
  const { settings, inside, context, marks } = fill
  const exchange = Context.exchange(context)
  const time = Date.now()
  const tracker = new Tracker(settings.dynamic, inside.pattern, settings.varied)
  const request = toTrackedRequest(fill.request, tracker, fill.signal)
  const tracked = TrackedContext.around(context, fill.inputs, tracker, fill.free, fill.signal)
  const collected = new Map<string, string>()
  const run = <value>(work: () => value): value => runFill(collected, context, work)
  const response = await run(() => inside.answer(request, tracked))

  if (settings.dynamic === 'error' && tracker.reads.size > 0) {
    response.body?.cancel().catch(() => {})
    return { ...refused(toFailure(tracker.toError(), 'handler'), 'failed', toDetail(tracker)), isDynamic: true }
  }
  if (causeOf(response) || (response.status >= 500 && !settings.statuses.has(response.status)))
    return { ...refused(response, 'failed', `status ${response.status}`), isDynamic: tracker.reads.size > 0 }
  if (tracker.reads.size > 0) return { ...refused(response, 'unstorable', toDetail(tracker)), isDynamic: true }
  const refusal = marks ? toRefusal(response, settings) : 'store'
  if (refusal !== undefined) return refused(response, 'unstorable', refusal)

  const toEntry = async (body: Entry['body']): Promise<Entry> => ({
    key: fill.key,
    status: response.status,
    headers: await completeHeaders(toStoredHeaders(toDeployed(response, exchange), body), body, settings),
    body,
    time,
    revalidate: settings.revalidate,
    expires: expiresOf(time, settings.revalidate, settings),
    marks: [...marks!, ...collected],
  })
  const text = textOf(response) ?? (response.body === null ? '' : undefined)
  if (text !== undefined) {
    if (isOver(text, settings.maxBytes)) return refused(response, 'unstorable', 'too large')
    const entry = await toEntry(text)
    return { response, refusal: undefined, isDynamic: false, outcome: entry }
  }
  const shared = shareBody(response, settings.maxBytes, run)
  const outcome = shared.whole.then(async (bytes): Promise<Outcome> => {
    if (bytes === undefined) return 'failed'
    // A stream reads while it is written.
    if (bytes === 'too large' || tracker.reads.size > 0) return 'unstorable'
    return toEntry(toBody(bytes, response.headers.get('content-type') ?? ''))
  })
  return { response: shared.response, refusal: undefined, isDynamic: false, outcome }
}

const refused = (response: Response, outcome: Outcome, refusal: string): Made => ({
  response,
  refusal,
  isDynamic: false,
  outcome,
})

// The router puts the basePath before the targets of byway's own redirects, and what is stored is none of these any more.
function toDeployed(response: Response, { server }: Exchange): Headers {
  const target = ownTarget(response)
  if (target === undefined) return response.headers
  const { basePath = '' } = (server.app?.() ?? {}) as { readonly basePath?: string }
  const headers = new Headers(response.headers)
  headers.set('location', basePath + target)
  return headers
}

const toDetail = ({ reads }: Tracker): string => `reads ${[...reads].join(', ')}`

async function completeHeaders(
  headers: [name: string, value: string][],
  body: Entry['body'],
  { cacheControl, vary }: Settings,
): Promise<[name: string, value: string][]> {
  const has = (name: string): boolean => headers.some(([given]) => given === name)
  if (!has('etag')) headers.push(['etag', await toEntityTag(body)])
  if (!has('cache-control')) headers.push(['cache-control', cacheControl])
  if (vary === '') return headers
  const given = headers.find(([name]) => name === 'vary')
  if (given) given[1] = toVary(given[1], vary)
  else headers.push(['vary', vary])
  return headers
}

/** A `Vary` with more names in it. */
export function toVary(given: string | null, vary: string): string {
  const names = `${given ?? ''}, ${vary}`.toLowerCase().split(/[\s,]+/)
  return [...new Set(names.filter((name) => name !== ''))].join(', ')
}

// A character has one to three bytes.
const isOver = (text: string, bytes: number): boolean =>
  text.length > bytes || (text.length * 3 > bytes && new TextEncoder().encode(text).length > bytes)

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

// Text is kept as such where its bytes are sure to come out the same.
function toBody(bytes: Uint8Array<ArrayBuffer>, type: string): Entry['body'] {
  if (!/^(?:text\/|application\/(?:json|xml|javascript)|[^;]*\+(?:json|xml)\b)/i.test(type)) return bytes
  try {
    return decoder.decode(bytes)
  } catch {
    return bytes
  }
}

/** Takes what an answer would have taken along: nobody gets it. */
export function dropAnswer(response: Response, exchange: Exchange): void {
  const cause = causeOf(response)
  if (cause && !isAbort(cause.error, exchange.request.signal)) exchange.report(cause.error, 'cache')
  if (!response.bodyUsed) response.body?.cancel().catch(() => {})
}
