import { requestOf, type Ambient } from './ambient.js'
import { RequestCookies, toCookie, toDeletion, type NextCookie, type NextResponseCookie } from './cookies.js'

/** The headers of a request, which cannot be changed. */
export type ReadonlyHeaders = Headers & {
  readonly append: never
  readonly set: never
  readonly delete: never
}

/**
 * The headers of the request.
 *
 * @throws Error outside of a request of a mounted module.
 * @see https://nextjs.org/docs/app/api-reference/functions/headers
 */
export async function headers(): Promise<ReadonlyHeaders> {
  const { request } = requestOf('headers', 'request.headers')
  return new Proxy(request.headers, readonly) as ReadonlyHeaders
}

const readonly: ProxyHandler<Headers> = {
  get(target, name) {
    if (name === 'set' || name === 'append' || name === 'delete')
      return () => {
        throw new TypeError(`the headers of a request cannot be changed: headers().${name}()`)
      }
    const value: unknown = Reflect.get(target, name, target)
    return typeof value === 'function' ? value.bind(target) : value
  },
}

/** The cookies of the request, and those that the handler sets. */
export type MutableCookies = Omit<RequestCookies, 'set' | 'delete' | 'clear' | 'get' | 'getAll'> & {
  get(...given: [name: string] | [NextCookie]): NextCookie | undefined
  getAll(...given: [name: string] | [NextCookie] | []): NextCookie[]
  /** Sets a cookie with the response. */
  set(...args: Parameters<typeof toCookie>[0]): MutableCookies
  /** Deletes a cookie in the browser. */
  delete(...args: Parameters<typeof toDeletion>[0]): MutableCookies
}

/**
 * The cookies of the request. Changes are sent with the response, and with that of `redirect()`, but not with that of
 * `notFound()` or an error. The response's own cookie of the same name takes precedence.
 *
 * @throws Error outside of a request of a mounted module.
 * @see https://nextjs.org/docs/app/api-reference/functions/cookies
 */
export async function cookies(): Promise<MutableCookies> {
  const ambient = requestOf('cookies', 'the middleware cookies()')
  return toMutable(ambient)
}

function toMutable(ambient: Ambient): MutableCookies {
  const { request, changes } = ambient
  const view = new RequestCookies(request.headers)
  // Changes of the same request, made before.
  for (const cookie of changes.all) apply(view, cookie)
  const change = (cookie: NextResponseCookie): MutableCookies => {
    if (ambient.phase === 'after')
      throw new Error('cookies().set() was called in after(), when the response has been sent; call it in the handler')
    changes.set(cookie)
    apply(view, cookie)
    return mutable
  }
  // `MutableCookies` has one signature for each function, as Next.js's types do, and `RequestCookies` has overloads.
  const mutable = Object.assign(view, {
    set: (...args: Parameters<typeof toCookie>[0]) => change(toCookie(args)),
    delete: (...args: Parameters<typeof toDeletion>[0]) => change(toDeletion(args)),
  }) as unknown as MutableCookies
  return mutable
}

function apply(view: RequestCookies, { name, value, maxAge, expires }: NextResponseCookie): void {
  const isExpired = maxAge === undefined ? expires !== undefined && Number(expires) <= Date.now() : maxAge <= 0
  if (isExpired) RequestCookies.prototype.delete.call(view, name)
  else RequestCookies.prototype.set.call(view, name, value)
}

const draftCookie = '__prerender_bypass'

/** Draft mode of one request. */
export interface DraftMode {
  readonly isEnabled: boolean
  enable(): void
  disable(): void
}

/**
 * Draft mode: while a client has its cookie, no cache is used or filled for it.
 *
 * @throws Error outside of a request of a mounted module. `enable()` throws without a `draftSecret`.
 * @see https://nextjs.org/docs/app/api-reference/functions/draft-mode
 */
export async function draftMode(): Promise<DraftMode> {
  const ambient = requestOf('draftMode', 'cache({ bypass })')
  const { changes, request, settings } = ambient
  const { draftSecret } = settings
  const place = { name: draftCookie, httpOnly: true, path: '/', sameSite: 'none', secure: true } as const
  return {
    get isEnabled() {
      const changed = changes.get(draftCookie)
      return changed ? changed.value !== '' : isDraft(request, draftSecret)
    },
    enable() {
      if (draftSecret === undefined)
        throw new Error(
          'draftMode().enable() needs a secret; pass it where the module is mounted: { draftSecret: process.env.DRAFT_SECRET }',
        )
      changes.set({ ...place, value: draftSecret })
    },
    disable() {
      changes.set({ ...place, value: '', expires: 0 })
    },
  }
}

/** Whether a request has the cookie of draft mode with the secret. Takes the same time for every cookie of the same length. */
export function isDraft(request: Request, secret: string | undefined): boolean {
  if (secret === undefined) return false
  const value = new RequestCookies(request.headers).get(draftCookie)?.value ?? ''
  let difference = value.length ^ secret.length
  for (let index = 0; index < value.length; index++)
    difference |= value.charCodeAt(index) ^ secret.charCodeAt(index % secret.length)
  return difference === 0
}
