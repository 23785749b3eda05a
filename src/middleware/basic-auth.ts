import { middleware, type AnyContext, type Next } from '../middleware.js'
import type { Problem } from '../problem.js'
import { unauthorized } from '../replies/reply.js'
import type { Reply } from '../reply.js'
import { formatRealm, type Authentication } from './bearer-auth.js'

export interface BasicAuthOptions<added extends object | undefined, optional extends boolean = false> {
  /**
   * Returns what the user adds to the context, such as `{ user }`, or `undefined` if name and password do not match. Compare
   * passwords with the function of your password hash, or with `isSame`, which takes the same time wherever they differ.
   */
  readonly verify: (credentials: Credentials, request: Request, context: AnyContext) => added | Promise<added>
  /** The part of the app that the password is for. Browsers show it. @default 'byway' */
  readonly realm?: string
  /** Lets requests without credentials continue, without the additions. Wrong credentials are still a 401. @default false */
  readonly optional?: optional
}

/** The decoded credentials of a request. */
export interface Credentials {
  readonly username: string
  readonly password: string
  /** Compares two strings, such as passwords, in a time that depends only on their lengths. Rejects if `expected` is empty. */
  isSame(this: void, given: string, expected: string): Promise<boolean>
}

/**
 * Requires a user name and password (`Authorization: Basic`), and adds what `verify` returns to the context. Responds with a
 * 401 problem and a challenge to a request without them, and to wrong ones.
 *
 * @throws TypeError if `verify` is not a function, or `realm` cannot be in a header.
 * @see https://www.rfc-editor.org/rfc/rfc7617
 * @example
 * const admin = route.use(basicAuth({
 *   verify: async ({ username, password, isSame }) =>
 *     (await isSame(password, process.env.ADMIN_PASSWORD!)) ? { admin: username } : undefined,
 * }))
 */
export function basicAuth<added extends object | undefined, optional extends boolean = false>({
  verify,
  realm = 'byway',
  optional,
}: BasicAuthOptions<added, optional>): Authentication<added, optional> {
  if (typeof verify !== 'function') throw new TypeError('basicAuth() takes { verify: (credentials) => additions }')
  const challenge = `${formatRealm('Basic', realm)}, charset="UTF-8"`

  const reject = (detail: string): Reply<401, Problem<401>> =>
    unauthorized({ detail }, { headers: { 'www-authenticate': challenge } })

  return middleware(
    {
      openapi: {
        security: [{ basic: [] }, ...(optional ? [{}] : [])],
        securitySchemes: { basic: { type: 'http', scheme: 'basic' } },
        responses: { 401: 'The user name or the password is missing or wrong.' },
      },
    },
    async function authenticate(request: Request, context: AnyContext, next: Next): Promise<any> {
      const header = request.headers.get('authorization')
      if (header === null) return optional ? next() : reject('The request has no user name and password.')
      const credentials = parseCredentials(header)
      const added = credentials && (await verify(credentials, request, context))
      return added ? next(added) : reject('The user name or the password is wrong.')
    },
  )
}

// https://www.rfc-editor.org/rfc/rfc7617#section-2: the name ends at the first colon; neither has control characters.
function parseCredentials(header: string): Credentials | undefined {
  const encoded = /^basic +([\w+/-]+={0,2})$/i.exec(header)?.[1]
  if (encoded === undefined) return undefined
  try {
    const bytes = Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0))
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    const colon = text.indexOf(':')
    // No control characters: https://www.rfc-editor.org/rfc/rfc7617#section-2
    // oxlint-disable-next-line no-control-regex
    if (colon === -1 || /[\0-\x1f\x7f]/.test(text)) return undefined
    return { username: text.slice(0, colon), password: text.slice(colon + 1), isSame }
  } catch {
    return undefined
  }
}

// Digests have one length, and the loop reads all of both.
async function isSame(given: string, expected: string): Promise<boolean> {
  // `TextEncoder` encodes `undefined`, such as an unset environment variable, as the empty password.
  if (typeof expected !== 'string' || expected === '')
    throw new TypeError('isSame() needs the expected password; is an environment variable unset?')
  const [one, other] = await Promise.all([given, expected].map(digest))
  return one!.reduce((difference, byte, index) => difference | (byte ^ other![index]!), 0) === 0
}

const digest = async (text: string): Promise<Uint8Array> =>
  new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
