import type { Method } from '../declaration.js'
import type { AnyContext, Continued, Middleware } from '../middleware.js'

export interface MethodOverrideOptions {
  /** The form field that names the method. `false` reads no field. @default '_method' */
  readonly field?: string | false
  /** The header that names the method. `false` reads no header. @default 'x-http-method-override' */
  readonly header?: string | false
  /** The methods that a POST can become. @default ['PUT', 'PATCH', 'DELETE'] */
  readonly methods?: readonly Method[]
}

/**
 * Runs a POST as the method that its header or its form names, for HTML forms, which can only send GET and POST. The other
 * route runs with its own middleware. A method that is not in `methods` changes nothing. Use it in the router's `use`, inside
 * `csrf()`.
 *
 * A form is read to find its field, up to the router's `bodyLimit`; the route can read it again.
 *
 * @throws TypeError if `methods` has GET, HEAD, OPTIONS or POST.
 * @example
 * router({ items }, { use: [csrf(), methodOverride()] })
 */
export function methodOverride({
  field = '_method',
  header = 'x-http-method-override',
  methods = ['PUT', 'PATCH', 'DELETE'],
}: MethodOverrideOptions = {}): Middleware<AnyContext, Continued<{}>> {
  const allowed = new Set<string>(methods)
  for (const method of ['GET', 'HEAD', 'OPTIONS', 'POST'])
    // A safe method skips `csrf()`, and its response can be cached.
    if (allowed.has(method)) throw new TypeError(`methodOverride() cannot make a POST a ${method}`)

  const named = async (request: Request): Promise<string | undefined> => {
    const inHeader = header === false ? null : request.headers.get(header)
    if (inHeader !== null || field === false) return inHeader ?? undefined
    if (!isForm(request.headers.get('content-type') ?? '')) return undefined
    try {
      const value = (await request.clone().formData()).get(field)
      return typeof value === 'string' ? value : undefined
    } catch {
      // The route responds to a malformed or large form.
      return undefined
    }
  }

  return async function overrideMethod(request, { app }, next) {
    const name = request.method === 'POST' ? (await named(request))?.toUpperCase() : undefined
    if (name === undefined || !allowed.has(name)) return next()
    return app.dispatch(toRequest(request, name)) as Promise<Continued<{}>>
  }
}

const isForm = (type: string): boolean =>
  /^(?:application\/x-www-form-urlencoded|multipart\/form-data)\s*(?:;|$)/i.test(type)

const toRequest = ({ url, headers, body, signal }: Request, method: string): Request =>
  new Request(url, { method, headers, body, signal, ...(body && { duplex: 'half' }) } as RequestInit)
