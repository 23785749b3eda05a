import type { Schema } from '../schema.js'
import { bodies, type EncodeBody, type EncodedBody } from './bodies.js'
import { toText } from './fields.js'
import { race, sleep } from './race.js'
import { toResult, type AnyResult } from './result.js'
import type { Attempt, Retry } from './retry.js'
import { toUrl } from './url.js'
import type { HeadersInput } from '../reply.js'
import type { CallOptions, ClientSettings } from './options.js'

/** A call's options, whatever its operation declares. */
export interface AnyCallOptions extends Omit<CallOptions, 'headers'> {
  readonly params?: Record<string, unknown>
  readonly query?: Record<string, unknown>
  readonly headers?: HeadersInput | Record<string, unknown>
}

// A request that `onRequest` made of another keeps it: its signal follows the other's only as long as that is not collected.
const origins = new WeakMap<Request, Request>()

/** Sends a request and reads its response, as often as `retry` says. */
export async function call(
  settings: ClientSettings,
  base: string,
  pattern: string,
  method: string,
  options: AnyCallOptions,
  schema: Schema | undefined,
): Promise<AnyResult> {
  const { onRequest, onResponse, fetch = globalThis.fetch } = settings
  const { timeout = settings.timeout, retry = settings.retry } = options
  const controller = new AbortController()
  const signal = options.signal ? AbortSignal.any([options.signal, controller.signal]) : controller.signal
  const { body, type } = toBody(options as {}, { ...bodies, ...settings.bodies })
  // A POST or a PATCH could do something twice: https://www.rfc-editor.org/rfc/rfc9110#section-9.2.2
  const isRepeatable = !/^P(OST|ATCH)$/.test(method) && !(body instanceof ReadableStream)
  // The abort listener of the race keeps it, for the reason above.
  let sent: Request | undefined

  const send = async (lastEventId?: string): Promise<Omit<Attempt, 'count'>> => {
    const { headers: given } = settings
    const headers = new Headers(typeof given === 'function' ? await given() : given)
    signal.throwIfAborted()
    if (!headers.has('accept')) headers.set('accept', 'application/json, */*;q=0.5')
    // Without a type, `Request` finds the body's own; a multipart type has the boundary in it.
    headers.delete('content-type')
    if (type) headers.set('content-type', type)
    // The values that a schema accepts can be numbers and dates, and `undefined` if a header is left out.
    const own = options.headers ?? {}
    for (const [name, value] of Symbol.iterator in own ? new Headers(own as [string, string][]) : Object.entries(own))
      if (value != null) headers.set(name, toText(value))
    if (lastEventId) headers.set('last-event-id', lastEventId)
    const request = new Request(toUrl(base, pattern, options.params, options.query), {
      ...settings.init,
      ...options.init,
      method,
      headers,
      signal,
      body,
      // https://fetch.spec.whatwg.org/#dom-requestinit-duplex
      duplex: 'half',
    } as RequestInit)
    sent = (await onRequest?.(request)) ?? request
    origins.set(sent, request)
    let response: Response
    try {
      response = await fetch(sent)
    } catch (error) {
      return { request: sent, error }
    }
    return { request: sent, response: (await onResponse?.(response, sent)) ?? response }
  }
  const run = async (): Promise<AnyResult> => {
    for (let count = 0; ; count++) {
      const toWait = (attempt: Omit<Attempt, 'count'>): ReturnType<Retry> =>
        isRepeatable && retry ? retry({ ...attempt, count }) : undefined
      const attempt = await send()
      const { request, response } = attempt
      let { error } = attempt
      let wait = await toWait(attempt)
      if (wait != null) response?.body?.cancel().catch(() => {})
      else if (response)
        try {
          return await toResult(request, response, signal, schema, isRepeatable ? send : undefined)
        } catch (broken) {
          error = broken
          wait = await toWait({ request, error })
        }
      if (wait == null) throw error
      await sleep(wait, signal)
    }
  }
  // Raced, because an app that is called in process might not look at its signal.
  return race(signal, run(), timeout, () =>
    controller.abort(new DOMException(`${method} ${pattern} took over ${timeout} ms`, 'TimeoutError')),
  )
}

function toBody(
  options: Readonly<Record<string, unknown>>,
  kinds: Readonly<Record<string, EncodeBody>>,
): Partial<EncodedBody> {
  for (const key in kinds) if (options[key] !== undefined) return kinds[key]!(options[key])
  return {}
}
