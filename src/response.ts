// byway's own Responses, and how the rest of byway handles any Response. The package imports this file as `#response`.
// Node.js gets response-node.ts instead, whose Responses create no stream for a text.

import type { Issue } from './schema.js'

/** Headers as name and value pairs, which `new Headers()` and a host's `writeHead()` both accept. */
export type HeaderPairs = readonly (readonly [name: string, value: string])[]

const types: Record<string, Headers> = {}

/**
 * The headers of a Response that has only a `Content-Type`, for `createResponse()` alone. They stay in memory, so `type` must be
 * one of byway's own. Here they are a `Headers`, which Bun copies in half the time that it needs for pairs.
 */
export const toTypeHeaders = (type: string): HeaderPairs =>
  (types[type] ??= new Headers([['content-type', type]])) as {} as HeaderPairs

/** A text, a function that writes it when the text is needed, or no body. */
export type ResponseBody = string | (() => string) | null

/** The facts that byway keeps about a Response and does not send. */
export interface Memory {
  /** Whether byway made the Response as a reply, so that `data` is its value even if that is undefined. */
  isReply?: true
  /** The value that the body was serialized from. */
  data?: unknown
  /** The body as text, for `textOf()`. */
  text?: string
  /** The error that became this Response, where it was thrown (empty until that is known), and whether middleware has read it. */
  cause?: { readonly error: unknown; phase: string; wasRead: boolean }
  /** The issues of the schema that made it a 400. */
  issues?: readonly Issue[] | undefined
  /**
   * Requests the first item of a body that is written while it is read. Resolves to `response` when the item is there, or after a
   * second. Rejects with the error of an earlier failure.
   */
  begin?: (response: Response) => Promise<Response>
  /**
   * Watches a body that is written while it is read: `failed` receives its error, and the promise resolves at its end. `track`
   * receives the work that a canceled body still does.
   */
  watch?: (failed: (error: unknown) => void, track?: (work: Promise<unknown>) => void) => Promise<boolean>
}

/**
 * Creates a Response whose body is a text or empty.
 *
 * A function as `body` is called at most once: immediately here, and when the text is needed on Node.js.
 *
 * @throws RangeError if `status` is not from 200 to 599.
 * @throws TypeError if a 204, 205 or 304 has a body.
 */
export function createResponse(body: ResponseBody, status: number, headers: HeaderPairs, memory?: Memory): Response {
  const text = typeof body === 'function' ? body() : body
  const response = new Response(text, { status, headers: headers as [string, string][] })
  // A copy, because a caller can pass one object for many Responses.
  return remember(response, text === null ? { ...memory } : { ...memory, text })
}

// A constructor that returns its argument lets a subclass add a private field to any object. Such a field costs 0.01 µs
// on Bun and Deno and 0.04 µs on Node.js; an entry of a WeakMap costs 0.1, 0.3 and 0.55 µs.
class Argument {
  constructor(object: object) {
    // oxlint-disable-next-line no-constructor-return
    return object
  }
}
class Remembered extends Argument {
  readonly #memory: Memory

  constructor(response: Response, memory: Memory) {
    super(response)
    this.#memory = memory
  }

  static of(response: Response): Memory | undefined {
    return #memory in response ? (response as unknown as Remembered).#memory : undefined
  }
}

/** The facts that byway keeps about a Response. A copy or a clone of the Response has none. */
export const memoryOf = (response: Response): Memory | undefined => Remembered.of(response)

/** Adds facts to those that byway keeps about a Response. */
export function remember<response extends Response>(response: response, facts: Memory): response {
  const memory = memoryOf(response)
  if (memory) Object.assign(memory, facts)
  else new Remembered(response, facts)
  return response
}

/** The text of a Response that `createResponse()` made, unless its body was read. Does not read the body. */
export function textOf(response: Response): string | undefined {
  return response.bodyUsed ? undefined : memoryOf(response)?.text
}

/** Whether a value is a Response, of this realm or another. */
export function isResponse(value: unknown): value is Response {
  if (typeof value !== 'object' || value === null) return false
  try {
    return value instanceof Response || (value as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag] === 'Response'
  } catch {
    // A thrown value can be any object, including a Proxy whose traps throw.
    return false
  }
}

/**
 * The Response without its body, as HEAD requires. Bun and Deno send `Content-Length: 0` for no body, so it gets an empty stream
 * unless it has a length of its own.
 */
export function withoutBody(
  response: Response,
  empty: ReadableStream | null = new ReadableStream({ pull: (controller) => controller.close() }, { highWaterMark: 0 }),
): Response {
  const { body, headers } = response
  if (!body) return response
  body.cancel().catch(() => {})
  return new Response(headers.has('content-length') ? null : empty, response)
}

/** Calls `listener` when the host has written the response. Returns `false`, because only Node.js says when that is. */
export const onWritten = (_request: Request, _listener: () => void): boolean => false

/** The value of a header. */
export const headerOf = (response: Response, name: string): string | null => response.headers.get(name)

/**
 * The target of a byway redirect that is a path of the app, so the router can put its `basePath` before it. Redirects
 * that byway did not make are sent unchanged.
 */
export const ownTarget = (response: Response): string | undefined =>
  memoryOf(response)?.isReply ? toTarget(response.headers.get('location')) : undefined

/** A root-relative path, which cannot lead to another origin. */
export const toTarget = (location: string | null): string | undefined =>
  location !== null && /^\/(?![/\\])/.test(location) ? location : undefined

/**
 * Changes the headers of a Response: appends pairs, or calls a function with its `Headers`. Returns the same Response, or a
 * copy if its headers are immutable, as those of `fetch()` and `Response.redirect()` are.
 *
 * @throws TypeError if a name or a value is invalid.
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
