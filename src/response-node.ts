// A native Response costs Node.js 4 to 12 µs, nearly all of it for a stream that is rarely read. Here, byway's own
// Responses store their text and create a native Response only if code reads the body as a stream.
import {
  createResponse as createNativeResponse,
  headerOf as nativeHeaderOf,
  isResponse as isNativeResponse,
  memoryOf as nativeMemoryOf,
  remember as rememberNative,
  textOf as nativeTextOf,
  toTarget,
  withHeaders as withNativeHeaders,
  withoutBody as withoutNativeBody,
  type HeaderPairs,
  type Memory,
  type ResponseBody,
} from './response.js'

export type { HeaderPairs, Memory, ResponseBody } from './response.js'

declare const navigator: { userAgent?: string } | undefined

// A bundle built with the condition `node` can run on Bun, Deno or workerd, which accept native Responses only. They
// name themselves in `navigator`; Node.js has had it since version 21.
const isNode: boolean = typeof navigator === 'undefined' || navigator.userAgent?.startsWith('Node.js') === true

/**
 * Creates a Response whose body is a text or empty.
 *
 * A function as `body` is called at most once, when the text is needed.
 *
 * @throws RangeError if `status` is not from 200 to 599.
 * @throws TypeError if a 204, 205 or 304 has a body.
 */
export function createResponse(body: ResponseBody, status: number, headers: HeaderPairs, memory?: Memory): Response {
  if (!isNode) return createNativeResponse(body, status, headers, memory)
  Native ??= inheritFromNative()
  return new LazyResponse(body, status, headers, memory) as unknown as Response
}

const types: Record<string, HeaderPairs> = {}

/** The headers of a Response that has only a `Content-Type`. They stay in memory, so `type` must be one of byway's own. */
export const toTypeHeaders = (type: string): HeaderPairs => (types[type] ??= [['content-type', type]])

/** Whether a value is a Response, of this realm or another. */
export const isResponse = (value: unknown): value is Response => toLazy(value) !== undefined || isNativeResponse(value)

/** The facts that byway keeps about a Response. A copy or a clone of the Response has none. */
export const memoryOf = (response: Response): Memory | undefined => {
  const lazy = toLazy(response)
  return lazy ? lazy.memory : nativeMemoryOf(response)
}

/** Adds facts to those that byway keeps about a Response. */
export function remember<response extends Response>(response: response, facts: Memory): response {
  const lazy = toLazy(response)
  if (!lazy) return rememberNative(response, facts)
  lazy.memory = { ...lazy.memory, ...facts }
  return response
}

/** The target of a byway redirect that is a path of the app, so the router can put its `basePath` before it. */
export const ownTarget = (response: Response): string | undefined =>
  memoryOf(response)?.isReply ? toTarget(headerOf(response, 'location')) : undefined

/** The text of a Response that `createResponse()` made, unless its body was read. Does not read the body. */
export function textOf(response: Response): string | undefined {
  const lazy = toLazy(response)
  return lazy ? lazy.peek() : nativeTextOf(response)
}

/** The Response without its body, as HEAD requires. Sets `Content-Length` if the text is known. */
export function withoutBody(response: Response): Response {
  const lazy = toLazy(response)
  return lazy ? (lazy.withoutBody() as unknown as Response) : withoutNativeBody(response, null)
}

/** The value of a header. Creates no `Headers` for it. */
export function headerOf(response: Response, name: string): string | null {
  const lazy = toLazy(response)
  return lazy ? lazy.header(name) : nativeHeaderOf(response, name)
}

/**
 * Changes the headers of a Response: appends pairs, or calls a function with its `Headers`. Returns the same Response, or a
 * copy if its headers are immutable, as those of `fetch()` and `Response.redirect()` are.
 *
 * @throws TypeError if a name or a value is invalid.
 */
export function withHeaders(response: Response, change: HeaderPairs | ((headers: Headers) => void)): Response {
  const lazy = typeof change === 'function' ? undefined : toLazy(response)
  if (!lazy) return withNativeHeaders(response, change)
  lazy.append(change as HeaderPairs)
  return response
}

// Assigned by the first Response, because reading the global makes Node.js load it: 75 ms on a cold start.
let Native: typeof Response

function inheritFromNative(): typeof Response {
  Object.setPrototypeOf(LazyResponse.prototype, Response.prototype)
  Object.defineProperty(LazyResponse.prototype, 'constructor', { value: Response })
  return Response
}

const toLazy = (value: unknown): LazyResponse | undefined => (LazyResponse.is(value) ? value : undefined)

// Bytes that are decoded lose a byte order mark and lone surrogates.
const decoded = (text: string): string => (text.charCodeAt(0) === 0xfeff ? text.slice(1) : text).toWellFormed()

// What certainly is a header: https://fetch.spec.whatwg.org/#headers-class. `Headers` checks the others.
const isField = /^[\w-]+$/
const isValue = /^[!-~](?:[ -~]*[!-~])?$/

class LazyResponse {
  readonly #status: number
  #memory: Memory | undefined
  #pairs: HeaderPairs
  /** Whether other code has `#pairs` too. */
  #isShared = true
  #body: ResponseBody
  #headers: Headers | undefined
  #native: Response | undefined
  #used = false

  constructor(body: ResponseBody, status: number, pairs: HeaderPairs, memory?: Memory) {
    // https://fetch.spec.whatwg.org/#initialize-a-response
    if (!(status >= 200 && status <= 599))
      throw new RangeError(`the status of a Response is from 200 to 599, not ${status}`)
    if (body !== null && (status === 204 || status === 205 || status === 304))
      throw new TypeError(`a ${status} has no body`)
    this.#body = body
    this.#status = status
    this.#pairs = pairs
    this.#memory = memory
  }

  // `instanceof` throws for a revoked Proxy, which can be a thrown value.
  static is(value: unknown): value is LazyResponse {
    return typeof value === 'object' && value !== null && #status in value
  }

  get memory(): Memory | undefined {
    return this.#memory
  }
  set memory(memory: Memory | undefined) {
    this.#memory = memory
  }

  get #text(): string | null {
    if (typeof this.#body === 'function') this.#body = this.#body()
    return this.#body
  }

  // Only its body is used: callers get `this.headers`.
  get #source(): Response {
    if (this.#native) return this.#native
    const response = (this.#native = new Native(this.#text, { headers: this.headers }))
    if (this.#used) void response.arrayBuffer()
    return response
  }

  // The text, once. If the native Response exists, its stream must be read instead, because other code can hold it.
  #take(): string | undefined {
    if (this.#native || this.#used) return undefined
    const text = this.#text
    this.#used = text !== null
    return text ?? ''
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
    return this.#body === null ? null : this.#source.body
  }
  get bodyUsed(): boolean {
    return this.#used || !!this.#native?.bodyUsed
  }
  async text(): Promise<string> {
    const text = this.#take()
    return text === undefined ? this.#source.text() : decoded(text)
  }
  async json(): Promise<unknown> {
    const text = this.#take()
    return text === undefined ? this.#source.json() : JSON.parse(decoded(text))
  }
  async arrayBuffer(): Promise<ArrayBuffer> {
    return this.#source.arrayBuffer()
  }
  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return new Uint8Array(await this.#source.arrayBuffer())
  }
  async blob(): Promise<Blob> {
    return this.#source.blob()
  }
  async formData(): Promise<FormData> {
    return this.#source.formData()
  }
  clone(): Response {
    if (this.#native || this.#used)
      return new Native(this.#source.clone().body, { status: this.#status, headers: this.headers })
    return new LazyResponse(this.#text, this.#status, [...this.headers]) as unknown as Response
  }

  header(name: string): string | null {
    if (this.#headers) return this.#headers.get(name)
    let found: string | null = null
    const pairs = this.#pairs
    for (let index = 0; index < pairs.length; index++) {
      const pair = pairs[index]!
      const given = pair[0]
      if (given === name || (given.length === name.length && given.toLowerCase() === name))
        found = found === null ? pair[1] : `${found}, ${pair[1]}`
    }
    return found
  }

  // Appends to the pairs unless other code already holds `headers`.
  append(pairs: HeaderPairs): void {
    if (this.#headers) for (const [name, value] of pairs) this.#headers.append(name, value)
    else {
      for (let index = 0; index < pairs.length; index++) {
        const pair = pairs[index]!
        if (!isField.test(pair[0]) || !isValue.test(pair[1])) new Headers([[pair[0], pair[1]]])
      }
      // Twice as fast as `concat` and as spreading.
      if (this.#isShared) this.#pairs = this.#pairs.slice()
      this.#isShared = false
      for (let index = 0; index < pairs.length; index++) (this.#pairs as HeaderPairs[number][]).push(pairs[index]!)
    }
  }

  withoutBody(): LazyResponse {
    this.#native?.body?.cancel().catch(() => {})
    const { headers } = this
    const text = this.#text
    if (text !== null && !headers.has('content-length')) headers.set('content-length', String(Buffer.byteLength(text)))
    return new LazyResponse(null, this.#status, [...headers])
  }

  /** The parts that byway's Node.js host, and srvx, write to the socket without a stream. */
  _toNodeResponse(): { status: number; statusText: string; headers: string[]; body: string | ReadableStream | null } {
    if (this.bodyUsed) throw new TypeError('the body of this Response was already read; return a clone')
    const native = this.#native
    const body = native ? native.body : this.#take()!
    const headers: string[] = []
    let sized = native !== undefined || this.#status === 204 || this.#status === 304
    const pairs = this.#headers ? [...this.#headers] : this.#pairs
    for (let index = 0; index < pairs.length; index++) {
      const pair = pairs[index]!
      headers.push(pair[0], pair[1])
      sized ||= pair[0] === 'content-length'
    }
    if (!sized) headers.push('content-length', String(Buffer.byteLength(body as string)))
    return { status: this.#status, statusText: '', headers, body: body || null }
  }
}

/** The response of Node.js's server, on requests of srvx and of byway's Node.js host. */
interface NodeRequest {
  readonly runtime?: { readonly node?: { readonly res?: Outgoing } }
}
interface Outgoing {
  readonly writableFinished: boolean
  readonly destroyed: boolean
  once(event: 'finish' | 'close', listener: () => void): unknown
}

/** Calls `listener` when the host has written the response. Returns `false` if the host does not say when that is. */
export function onWritten(request: Request, listener: () => void): boolean {
  const outgoing = (request as NodeRequest).runtime?.node?.res
  if (!outgoing || outgoing.writableFinished || outgoing.destroyed) return false
  outgoing.once('finish', listener)
  outgoing.once('close', listener)
  return true
}
