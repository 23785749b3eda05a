// Making a native Response costs Node 4 to 12 µs, nearly all of it for a stream that nobody may ask for. There, byway's
// own answers are Responses that keep the text aside until something reads them as a stream. Everywhere else: native.

/** The headers of an answer, as pairs: what `new Headers` and a host's `writeHead` both take. */
export type HeaderPairs = readonly (readonly [name: string, value: string])[]

type LazyBody = string | null

let lazy: (new (body: LazyBody, status: number, headers: HeaderPairs) => Response) | undefined

/** A Response with text or nothing as its body. */
export function createResponse(body: LazyBody, status: number, headers: HeaderPairs): Response {
  if (isNode) return new (lazy ??= defineLazyResponse())(body, status, headers)
  const response = new Response(body, { status, headers: headers as [string, string][] })
  return body === null ? response : Object.assign(response, { [kept]: body })
}

const kept: unique symbol = Symbol('byway.text') as never

/** The text of an answer that `createResponse` made, if nobody has read it yet. Leaves it unread. */
export function textOf(response: Response): string | undefined {
  if (isNode)
    return lazy && response instanceof lazy ? (response as unknown as { peek(): string | undefined }).peek() : undefined
  return response.bodyUsed ? undefined : (response as { [kept]?: string })[kept]
}

/** Whether a value is a Response, of this realm or another. */
export function isResponse(value: unknown): value is Response {
  if (typeof value !== 'object' || value === null) return false
  try {
    return value instanceof Response || (value as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag] === 'Response'
  } catch {
    // Anything may be thrown, also what throws when it is looked at.
    return false
  }
}

/** The same answer without its body, as HEAD wants it. */
export function withoutBody(response: Response): Response {
  if (isNode && lazy && response instanceof lazy)
    return (response as unknown as { withoutBody(): Response }).withoutBody()
  if (response.body === null) return response
  response.body.cancel().catch(() => {})
  return new Response(null, response)
}

/** The value of a header, without making `Headers` for it. */
export function headerOf(response: Response, name: string): string | null {
  return isNode && lazy && response instanceof lazy
    ? (response as unknown as { header(name: string): string | null }).header(name)
    : response.headers.get(name)
}

/**
 * The target of a redirect, where it is a path of the app that byway's own answer leads to: the router puts its basePath
 * before that. What came from elsewhere is passed on as it is.
 */
export function ownTarget(response: Response): string | undefined {
  const location = '~data' in response ? response.headers.get('location') : null
  return location !== null && /^\/(?![/\\])/.test(location) ? location : undefined
}

/** The response with one more header, whose value is known to be one; a copy where its headers cannot be changed. */
export function addHeader(response: Response, name: string, value: string): Response {
  if (!(isNode && lazy && response instanceof lazy))
    return withHeaders(response, (headers) => headers.append(name, value))
  ;(response as unknown as { addHeader(name: string, value: string): void }).addHeader(name, value)
  return response
}

/**
 * The response, changed by `change`, or a copy of it where its headers cannot be changed, as those of `fetch()` and
 * `Response.redirect()`. Only the copy of such a Response is another object.
 */
export function withHeaders(response: Response, change: (headers: Headers) => void): Response {
  try {
    change(response.headers)
    return response
  } catch (error) {
    // https://fetch.spec.whatwg.org/#concept-headers-guard
    if (!(error instanceof TypeError) || !isImmutable(response.headers)) throw error
    const copy = new Response(response.body, response)
    change(copy.headers)
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

declare const process: { versions?: Record<string, string | undefined> } | undefined
declare const navigator: { userAgent?: string } | undefined

// Bun, Deno and workerd tell Node's version too.
const isNode: boolean =
  typeof process === 'object' &&
  !!process.versions?.['node'] &&
  !process.versions['bun'] &&
  !process.versions['deno'] &&
  (typeof navigator === 'undefined' || navigator.userAgent?.startsWith('Node.js') === true)

// A text as it reads once it has been bytes.
const decoded = (text: string): string => (text.charCodeAt(0) === 0xfeff ? text.slice(1) : text).toWellFormed()

// In a function, because naming `Response` makes Node load it: 75 ms on a cold start.
function defineLazyResponse(): NonNullable<typeof lazy> {
  const Native = Response

  class LazyResponse {
    readonly #status: number
    #pairs: HeaderPairs
    #text: LazyBody
    #headers: Headers | undefined
    #native: Response | undefined
    #used = false

    constructor(text: LazyBody, status: number, pairs: HeaderPairs) {
      // What a native one refuses: https://fetch.spec.whatwg.org/#initialize-a-response
      if (!(status >= 200 && status <= 599)) throw new RangeError(`${status} is not a status of an answer`)
      if (text !== null && (status === 204 || status === 205 || status === 304))
        throw new TypeError(`a ${status} has no body`)
      this.#text = text
      this.#status = status
      this.#pairs = pairs
    }

    // Only its body is used: the headers that were handed out are `this.headers`.
    get #response(): Response {
      if (this.#native) return this.#native
      const response = (this.#native = new Native(this.#text, { headers: this.headers }))
      if (this.#used) void response.arrayBuffer()
      return response
    }

    // The text, once. A stream that exists already must be read instead: somebody may hold it.
    #take(): string | undefined {
      if (this.#native || this.#used) return undefined
      this.#used = this.#text !== null
      return this.#text ?? ''
    }

    peek(): string | undefined {
      return this.#native || this.#used ? undefined : (this.#text ?? '')
    }

    get status(): number {
      return this.#status
    }
    get ok(): boolean {
      return this.#status >= 200 && this.#status < 300
    }
    get statusText(): string {
      return ''
    }
    get type(): ResponseType {
      return 'default'
    }
    get url(): string {
      return ''
    }
    get redirected(): boolean {
      return false
    }
    get headers(): Headers {
      return (this.#headers ??= new Headers(this.#pairs as [string, string][]))
    }
    get body(): ReadableStream<Uint8Array<ArrayBuffer>> | null {
      return this.#text === null ? null : this.#response.body
    }
    get bodyUsed(): boolean {
      return this.#used || !!this.#native?.bodyUsed
    }
    async text(): Promise<string> {
      const text = this.#take()
      return text === undefined ? this.#response.text() : decoded(text)
    }
    async json(): Promise<unknown> {
      const text = this.#take()
      return text === undefined ? this.#response.json() : JSON.parse(decoded(text))
    }
    async arrayBuffer(): Promise<ArrayBuffer> {
      return this.#response.arrayBuffer()
    }
    async bytes(): Promise<Uint8Array<ArrayBuffer>> {
      return new Uint8Array(await this.#response.arrayBuffer())
    }
    async blob(): Promise<Blob> {
      return this.#response.blob()
    }
    async formData(): Promise<FormData> {
      return this.#response.formData()
    }
    clone(): Response {
      if (this.#native || this.#used)
        return new Native(this.#response.clone().body, { status: this.#status, headers: this.headers })
      return new LazyResponse(this.#text, this.#status, [...this.headers]) as unknown as Response
    }

    header(name: string): string | null {
      if (this.#headers) return this.#headers.get(name)
      const values = this.#pairs.flatMap(([given, value]) => (given.toLowerCase() === name ? value : []))
      return values.length ? values.join(', ') : null
    }

    // Without making `Headers`, unless somebody has them already.
    addHeader(name: string, value: string): void {
      if (this.#headers) this.#headers.append(name, value)
      else this.#pairs = [...this.#pairs, [name, value]]
    }

    withoutBody(): LazyResponse {
      this.#native?.body?.cancel().catch(() => {})
      const headers = this.headers
      if (this.#text !== null && !headers.has('content-length'))
        headers.set('content-length', String(new TextEncoder().encode(this.#text).length))
      return new LazyResponse(null, this.#status, [...headers])
    }

    /** What srvx asks an answer for, to write it to the socket without a stream. */
    _toNodeResponse(): { status: number; statusText: string; headers: string[]; body: string | ReadableStream | null } {
      if (this.bodyUsed) throw new TypeError('the Response has been read already; answer with a clone')
      const native = this.#native
      const body = native ? native.body : this.#take()!
      const headers: string[] = []
      let sized = native !== undefined || this.#status === 204 || this.#status === 304
      for (const [name, value] of this.#headers ?? this.#pairs) {
        headers.push(name, value)
        sized ||= name === 'content-length'
      }
      if (!sized) headers.push('content-length', String(Buffer.byteLength(body as string)))
      return { status: this.#status, statusText: '', headers, body: body || null }
    }
  }

  Object.setPrototypeOf(LazyResponse.prototype, Native.prototype)
  Object.defineProperty(LazyResponse.prototype, 'constructor', { value: Native })
  return LazyResponse as unknown as NonNullable<typeof lazy>
}
