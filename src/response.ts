import type { Issue } from './schema.js'

/** Headers as pairs, which `new Headers` and a host's `writeHead` both take. */
export type HeaderPairs = readonly (readonly [name: string, value: string])[]

/** What byway remembers of a Response that it made. */
export interface Memory {
  /** The data of a reply, for a declared response. */
  readonly data?: unknown
  /** Whether byway made it, so that the router puts its `basePath` before a root-relative `Location`. */
  readonly isReply?: true
  /** The text of the body, until it is read. */
  readonly text?: string
  /** The error that the Response hides from the client. */
  readonly cause?: { readonly error: unknown; readonly phase: string; wasRead: boolean; isReported?: boolean }
  /** The issues behind a 400. */
  readonly issues?: readonly Issue[] | undefined
  /** The stream that writes the body. */
  readonly stream?: Watchable
}

/** A body that is written while it is read, and reports how it ends. */
export interface Watchable {
  watcher: StreamWatcher | undefined
}

/** Receives the end of a streamed body. */
export interface StreamWatcher {
  /** The items failed with this error; the client sees a broken connection. */
  failed(error: unknown): void
  /** Nothing more is sent: the items ended, they failed, or the client disconnected. */
  ended(): void
}

const memories = new WeakMap<Response, Memory>()

/** Makes a Response with a text or no body. */
export function createResponse(
  body: string | null | (() => string),
  status: number,
  headers: HeaderPairs,
  memory?: Memory,
): Response {
  const text = typeof body === 'function' ? body() : body
  const response = new Response(text, { status, headers: headers as [string, string][] })
  if (memory) memories.set(response, memory)
  return response
}

/** What byway remembers of a Response, or `undefined` if byway did not make it. */
export const memoryOf = (response: Response): Memory | undefined => memories.get(response)

/** Adds to what byway remembers of a Response. */
export function remember<response extends Response>(response: response, part: Memory): response {
  memories.set(response, { ...memories.get(response), ...part })
  return response
}

/** The text of a Response that `createResponse` made, if it is known and unread. Does not read it. */
export function textOf(response: Response): string | undefined {
  return response.bodyUsed ? undefined : memoryOf(response)?.text
}

/** Whether a value is a Response, of this realm or another. */
export function isResponse(value: unknown): value is Response {
  if (typeof value !== 'object' || value === null) return false
  try {
    return value instanceof Response || (value as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag] === 'Response'
  } catch {
    // A thrown value can throw when it is read.
    return false
  }
}

/** The same Response without its body, for HEAD. */
export function withoutBody(response: Response): Response {
  if (response.body === null) return response
  response.body.cancel().catch(() => {})
  return new Response(null, response)
}

/** The value of a header, without making `Headers` for it. */
export const headerOf = (response: Response, name: string): string | null => response.headers.get(name)

/**
 * The path of a redirect within the app, if byway made the Response. The router puts its `basePath` before it.
 */
export function ownTarget(response: Response): string | undefined {
  const location = memoryOf(response)?.isReply ? response.headers.get('location') : null
  return location !== null && /^\/(?![/\\])/.test(location) ? location : undefined
}

/**
 * Changes the headers of a Response: appends pairs, or calls a function with its `Headers`. Returns the same Response, or a
 * copy if its headers cannot be changed, as those of `fetch()` and `Response.redirect()`.
 */
export function withHeaders(response: Response, change: HeaderPairs | ((headers: Headers) => void)): Response {
  const apply = (headers: Headers): void => {
    if (typeof change === 'function') change(headers)
    else for (const [name, value] of change) headers.append(name, value)
  }
  try {
    apply(response.headers)
    return response
  } catch (error) {
    // https://fetch.spec.whatwg.org/#concept-headers-guard
    if (!(error instanceof TypeError) || !isImmutable(response.headers)) throw error
    const copy = new Response(response.body, response)
    apply(copy.headers)
    return copy
  }
}

function isImmutable(headers: Headers): boolean {
  try {
    headers.delete('byway-probe')
    return false
  } catch {
    return true
  }
}
