import { formatSetCookie, parseCookie, type CookieOptions } from '../headers/cookie.js'
import { middleware, type AnyContext, type Continued, type Middleware } from '../middleware.js'
import { errorOf, type Problem } from '../problem.js'
import { problem } from '../replies/reply.js'
import type { Reply } from '../reply.js'
import type { Input, Output, Schema } from '../schema.js'
import { withHeaders } from '#response'
import { toPrivate } from './private.js'
import { cookieKeeper, storeKeeper, type Keeper, type Kept } from './session-keepers.js'
import type { SessionStore } from './session-stores.js'

export interface SessionOptions<schema extends Schema> {
  /** The schema of the data. A stored session that does not match it, such as one of an older version, is ignored. */
  readonly schema: schema
  /**
   * Encrypts sessions that are stored in the cookie. The first secret encrypts, and all secrets decrypt: to rotate them, add a
   * new one in front and remove the old one later. Each needs at least 32 characters, such as the output of
   * `openssl rand -base64 32`. Set either `secrets` or `store`.
   */
  readonly secrets?: readonly string[]
  /**
   * Stores sessions in a server: `memorySessions()`, `redisSessions(client)` or your own. The cookie then has only a random
   * ID of 256 bits. A session in a cookie cannot be ended by the server before it expires; one in a store can.
   */
  readonly store?: SessionStore
  /** Seconds without a request after which a session ends. Sent as the `Max-Age` of the cookie. @default 604_800 (7 days) */
  readonly maxAge?: number
  /** Seconds after its creation, or its last `renew()`, after which a session ends. @default 2_592_000 (30 days) */
  readonly absoluteMaxAge?: number
  /** The name of the cookie. `__Host-` makes browsers accept it only from this host, over HTTPS. @default '__Host-session' */
  readonly name?: string
  /** The attributes of the cookie. @default { path: '/', httpOnly: true, secure: true, sameSite: 'lax' } */
  readonly cookie?: Omit<CookieOptions, 'maxAge' | 'expires'>
}

/** The session of a client. Changes are saved before the response is sent, if it is not the 500 for an unhandled error. */
export interface Session<input, output> {
  /** The data, or `undefined` if the client has no session. */
  readonly data: output | undefined
  /**
   * Replaces the data. Begins a session if the client has none. Call `renew()` too when the client logs in.
   *
   * @throws TypeError if the data does not match the schema. @throws Error after the response.
   */
  set(data: input): Promise<void>
  /** Gives the session a new ID, and ends the old one, so that an ID that someone planted before the login is worthless. */
  renew(): void
  /** Ends the session. */
  destroy(): void
  /** Stores a message for the next request that reads it. It must be JSON. Begins a session if the client has none. */
  flash(name: string, value: string): void
  /** Returns and removes the message that an earlier request stored. */
  takeFlash(name: string): string | undefined
}

/**
 * Adds `context.session`, in an encrypted cookie or in a store. If two requests change one session concurrently, the later
 * one replaces the data of the other. If the store fails, the response is a 503 problem, and the error goes to `onError`.
 *
 * @throws TypeError if `secrets` and `store` are both set or both missing, or an option is invalid.
 * @see https://cheatsheetseries.owasp.org/cheatsheets/Session_Management_Cheat_Sheet.html
 * @example
 * const withSession = route.use(session({ schema: z.object({ userId: z.string() }), secrets: [process.env.SESSION_SECRET!] }))
 * export const login = withSession('/login').post({ body: Credentials }, async (request, { body, session }) => {
 *   await session.set({ userId: await verify(body) })
 *   session.renew()
 * })
 */
export function session<schema extends Schema>(
  options: SessionOptions<schema>,
): Middleware<AnyContext, Continued<{ session: Session<Input<schema>, Output<schema>> }> | Reply<503, Problem<503>>> {
  const { schema, secrets, store, maxAge = 604_800, absoluteMaxAge = 2_592_000, name = '__Host-session' } = options
  if (!secrets === !store)
    throw new TypeError('session() takes { secrets } for sessions in a cookie, or { store: redisSessions(client) }')
  for (const seconds of [maxAge, absoluteMaxAge])
    if (!(Number.isInteger(seconds) && seconds > 0))
      throw new TypeError(`session() takes maxAge and absoluteMaxAge in whole seconds, not ${String(seconds)}`)
  const place: CookieOptions = { path: '/', httpOnly: true, secure: true, sameSite: 'lax', ...options.cookie }
  formatSetCookie(name, '', place)
  const keeper: Keeper = store ? storeKeeper(store) : cookieKeeper(secrets!, name)

  const load = async (request: Request): Promise<State> => {
    const value = parseCookie(request.headers.get('cookie') ?? '').get(name)
    const kept = value === undefined || value === '' ? undefined : await keeper.load(value)
    const now = Date.now()
    if (!kept || kept.expires <= now || kept.created + absoluteMaxAge * 1_000 <= now)
      return { key: undefined, hasCookie: value !== undefined }
    const data = kept.data === undefined ? undefined : await validate(schema, kept.data)
    return data === invalid ? { key: undefined, hasCookie: true } : { key: value, hasCookie: true, kept, data }
  }

  /** Saves the session, and returns the cookie to send, or `undefined`. */
  const save = async (
    current: Current<unknown, unknown>,
    { key, kept, hasCookie }: State,
  ): Promise<string | undefined> => {
    const now = Date.now()
    const isOld = kept && kept.expires - now < maxAge * 500
    if (current.isDestroyed) {
      if (key !== undefined) await keeper.delete(key)
      return hasCookie ? formatSetCookie(name, '', { ...place, maxAge: 0 }) : undefined
    }
    if (!current.isChanged && !isOld) return undefined
    const created = current.isRenewed || !kept ? now : kept.created
    const expires = Math.min(now + maxAge * 1_000, created + absoluteMaxAge * 1_000)
    const next: Kept = { created, expires, data: current.raw, flash: current.flashes }
    const saved = await keeper.save(current.isRenewed ? undefined : key, next)
    if (saved === undefined) return undefined
    if (current.isRenewed && key !== undefined) await keeper.delete(key)
    const seconds = Math.ceil((expires - now) / 1_000)
    try {
      return formatSetCookie(name, saved, { ...place, maxAge: seconds })
    } catch (cause) {
      throw new Error('the session is too large for its cookie; use session({ store })', { cause })
    }
  }

  const fail = (cause: unknown): Reply<503, Problem<503>> =>
    problem(503, { detail: 'The session is not available.' }, { cause })

  return middleware(
    { openapi: { responses: { 503: 'The session is not available.' } } },
    async function withSession(request: Request, _context: AnyContext, next): Promise<any> {
      let state: State
      try {
        state = await load(request)
      } catch (error) {
        return fail(error)
      }
      const current = new Current<Input<schema>, Output<schema>>(schema, state)
      const response = await next({ session: current as Session<Input<schema>, Output<schema>> })
      current.isClosed = true
      if (isUnhandled(response)) return response
      try {
        const cookie = await save(current, state)
        return cookie === undefined ? response : withHeaders(toPrivate(response), [['set-cookie', cookie]])
      } catch (error) {
        response.body?.cancel().catch(() => {})
        return fail(error)
      }
    },
  )
}

// The 500 for an error that no inner middleware has converted.
const isUnhandled = (response: Response): boolean => response.status >= 500 && errorOf(response) !== undefined

/** What the request brought. */
interface State {
  /** The ID or the encrypted session, if it is valid. */
  readonly key: string | undefined
  readonly hasCookie: boolean
  readonly kept?: Kept
  readonly data?: unknown
}

class Current<input, output> implements Session<input, output> {
  readonly #schema: Schema
  #data: output | undefined
  /** The data before the schema converted it. */
  raw: unknown
  flashes: Record<string, string>
  isChanged = false
  isRenewed = false
  isDestroyed = false
  isClosed = false

  constructor(schema: Schema, { kept, data }: State) {
    this.#schema = schema
    this.#data = data as output | undefined
    this.raw = kept?.data
    this.flashes = Object.assign(Object.create(null), kept?.flash)
  }

  get data(): output | undefined {
    return this.#data
  }

  async set(data: input): Promise<void> {
    this.#change()
    const output = await validate(this.#schema, data)
    if (output === invalid) throw new TypeError('session.set() takes data that matches the schema of session()')
    this.#change()
    // A session that had no data was begun before the login, perhaps by someone else.
    this.isRenewed ||= this.raw === undefined
    this.#data = output as output
    this.raw = data
  }

  renew(): void {
    this.#change()
    this.isRenewed = true
  }

  destroy(): void {
    this.#change()
    this.#data = this.raw = undefined
    this.flashes = Object.create(null) as Record<string, string>
    this.isDestroyed = true
    // What is set afterwards begins another session.
    this.isRenewed = true
  }

  flash(name: string, value: string): void {
    this.#change()
    this.flashes[name] = value
  }

  takeFlash(name: string): string | undefined {
    const value = this.flashes[name]
    if (value === undefined) return undefined
    this.#change()
    delete this.flashes[name]
    return value
  }

  #change(): void {
    if (this.isClosed)
      throw new Error('the session was changed after the response; change it before the handler returns')
    this.isChanged = true
    this.isDestroyed = false
  }
}

const invalid = Symbol('invalid')

async function validate(schema: Schema, data: unknown): Promise<unknown> {
  const result = await (schema as { '~standard': Standard })['~standard'].validate(data)
  return result.issues ? invalid : result.value
}
interface Standard {
  validate(value: unknown): Result | Promise<Result>
}
type Result = { readonly value: unknown; readonly issues?: undefined } | { readonly issues: readonly unknown[] }
