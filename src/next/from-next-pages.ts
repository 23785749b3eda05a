import { route, type AnyRoute, type Route } from '../route.js'
import type { RouteContext } from '../context.js'
import type { AnyContext } from '../middleware.js'
import { problem } from '../replies/reply.js'
import { RequestCookies } from './cookies.js'
import type { RouteModule } from './from-next.js'

/** The request of a handler in `pages/api`. */
export interface NextApiRequest {
  readonly method: string
  readonly url: string
  readonly headers: { readonly [name: string]: string | undefined }
  readonly query: { readonly [name: string]: string | string[] | undefined }
  readonly cookies: { readonly [name: string]: string | undefined }
  readonly body: any
}

/** The response of a handler in `pages/api`. */
export interface NextApiResponse<Data = any> {
  statusCode: number
  status(status: number): NextApiResponse<Data>
  json(data: Data): void
  send(data: Data): void
  redirect(url: string): NextApiResponse<Data>
  redirect(status: number, url: string): NextApiResponse<Data>
  setHeader(name: string, value: number | string | readonly string[]): NextApiResponse<Data>
  getHeader(name: string): string | string[] | undefined
  removeHeader(name: string): void
  write(chunk: string | Uint8Array): boolean
  end(chunk?: string | Uint8Array): void
  readonly headersSent: boolean
}

/**
 * Mounts an API route of `pages/api`: a default export `(req, res) => …`, for all methods. `req` has what Next.js adds to
 * Node.js's request: `query` with the params, `cookies`, and the parsed `body` (up to `config.api.bodyParser.sizeLimit`). It is
 * not a stream of Node.js, so middleware that reads `req` itself does not work; use `route.ts` and `fromNext` for it.
 *
 * @throws TypeError if the module has no default export, or its size limit is malformed.
 * @see https://nextjs.org/docs/pages/building-your-application/routing/api-routes
 * @example
 * const item = fromNextPages('/api/items/[slug]', await import('./pages/api/items/[slug].js'))
 */
export function fromNextPages<pattern extends string>(
  pattern: pattern,
  module: RouteModule,
): Route<pattern, RouteContext<pattern>> {
  const handler = module['default']
  if (typeof handler !== 'function')
    throw new TypeError(`the module of '${pattern}' has no default export; export default (req, res) => res.json(…)`)
  const { api = {} } = (module['config'] ?? {}) as { api?: { bodyParser?: boolean | { sizeLimit?: string | number } } }
  const { bodyParser = true } = api
  const sizeLimit = typeof bodyParser === 'object' ? bodyParser.sizeLimit : undefined
  // The params of a pattern that is a type parameter are not known here.
  const mounted = (route as unknown as (pattern: string) => { all(operation: object, handler: unknown): AnyRoute })(
    pattern,
  ).all({ bodyLimit: toBytes(pattern, sizeLimit ?? '1mb') }, async (request: Request, context: AnyContext) => {
    const body = bodyParser === false ? undefined : await parseBody(request)
    if (body instanceof Response) return body
    const exchange = new PagesResponse()
    const req = toRequest(request, context, body)
    void Promise.resolve((handler as (req: object, res: object) => unknown)(req, exchange)).then(
      () => exchange.finish(pattern),
      (error) => exchange.fail(error),
    )
    return exchange.response
  })
  return mounted as never
}

function toBytes(pattern: string, limit: string | number): number {
  if (typeof limit === 'number') return limit
  const [, amount, unit = 'b'] = /^([\d.]+) *(b|kb|mb|gb)?$/i.exec(limit) ?? []
  if (amount === undefined)
    throw new TypeError(
      `the module of '${pattern}' has the sizeLimit ${JSON.stringify(limit)}; use '1mb', or a number of bytes`,
    )
  return Math.floor(Number(amount) * 1_024 ** ['b', 'kb', 'mb', 'gb'].indexOf(unit.toLowerCase()))
}

async function parseBody(request: Request): Promise<unknown> {
  const type = (request.headers.get('content-type') ?? 'text/plain').split(';', 1)[0]!.trim().toLowerCase()
  if (type === 'application/json' || type === 'application/ld+json') {
    const text = await request.text()
    try {
      return text === '' ? {} : JSON.parse(text)
    } catch {
      return problem(400, { detail: 'The body is not valid JSON.' })
    }
  }
  if (type === 'application/x-www-form-urlencoded') return toObject(new URLSearchParams(await request.text()))
  return type === 'text/plain' ? request.text() : new Uint8Array(await request.arrayBuffer())
}

function toObject(params: URLSearchParams): { [name: string]: string | string[] } {
  const result = Object.create(null) as { [name: string]: string | string[] }
  for (const name of params.keys()) {
    const all = params.getAll(name)
    result[name] = all.length > 1 ? all : all[0]!
  }
  return result
}

function toRequest(request: Request, { params, url }: AnyContext, body: unknown): NextApiRequest {
  return {
    method: request.method,
    url: url.pathname + url.search,
    headers: Object.fromEntries(request.headers),
    query: Object.assign(toObject(url.searchParams), params),
    cookies: Object.fromEntries(Array.from(new RequestCookies(request.headers), ([name, { value }]) => [name, value])),
    body,
  }
}

class PagesResponse implements NextApiResponse {
  statusCode = 200
  headersSent = false
  readonly response: Promise<Response>
  readonly #headers = new Headers()
  #settle!: (response: Response | Promise<never>) => void
  #stream: ReadableStreamDefaultController<Uint8Array> | undefined
  #isEnded = false

  constructor() {
    this.response = new Promise((resolve) => (this.#settle = resolve))
  }

  status(status: number): this {
    this.statusCode = status
    return this
  }
  json(data: unknown): void {
    if (!this.#headers.has('content-type')) this.setHeader('content-type', 'application/json; charset=utf-8')
    this.end(JSON.stringify(data))
  }
  send(data: unknown): void {
    if (data === null || data === undefined) return this.end()
    if (data instanceof Uint8Array) {
      if (!this.#headers.has('content-type')) this.setHeader('content-type', 'application/octet-stream')
      return this.end(data)
    }
    if (typeof data === 'object' || typeof data === 'number' || typeof data === 'boolean') return this.json(data)
    if (!this.#headers.has('content-type')) this.setHeader('content-type', 'text/plain; charset=utf-8')
    this.end(String(data))
  }
  redirect(...args: [url: string] | [status: number, url: string]): this {
    const [status, url] = args.length === 1 ? [307, args[0]] : args
    this.statusCode = status
    this.setHeader('location', encodeURI(url).replaceAll('%25', '%'))
    this.end()
    return this
  }
  setHeader(name: string, value: number | string | readonly string[]): this {
    this.#headers.delete(name)
    for (const one of [value].flat() as (string | number)[]) this.#headers.append(name, String(one))
    return this
  }
  getHeader(name: string): string | string[] | undefined {
    const lower = name.toLowerCase()
    if (lower === 'set-cookie') return this.#headers.getSetCookie()
    return this.#headers.get(name) ?? undefined
  }
  removeHeader(name: string): void {
    this.#headers.delete(name)
  }
  write(chunk: string | Uint8Array): boolean {
    if (this.#isEnded) throw new Error('res.write() was called after res.end()')
    if (!this.headersSent) this.#begin(new ReadableStream({ start: (controller) => void (this.#stream = controller) }))
    this.#stream!.enqueue(typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk)
    return true
  }
  end(chunk?: string | Uint8Array): void {
    if (this.#isEnded) return
    if (!this.headersSent)
      this.#begin((this.statusCode === 204 || this.statusCode === 304 ? null : (chunk ?? null)) as BodyInit | null)
    else {
      if (chunk !== undefined) this.write(chunk)
      this.#stream!.close()
    }
    this.#isEnded = true
  }

  /** Ends the response of a handler that returned without `res.end()`: it would wait without an end. */
  finish(pattern: string): void {
    if (!this.headersSent)
      this.fail(
        new Error(`the handler of '${pattern}' returned without a response; await what calls res.end() or res.json()`),
      )
  }
  fail(error: unknown): void {
    if (!this.headersSent) this.#settle(Promise.reject(error))
    else this.#stream?.error(error)
    this.#isEnded = true
  }

  #begin(body: BodyInit | null): void {
    this.headersSent = true
    this.#settle(new Response(body, { status: this.statusCode, headers: this.#headers }))
  }
}
