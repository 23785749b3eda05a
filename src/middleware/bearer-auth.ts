import { middleware, type AnyContext, type Continued, type Next } from '../middleware.js'
import type { Problem } from '../problem.js'
import { unauthorized } from '../replies/reply.js'
import type { Reply } from '../reply.js'

export interface BearerAuthOptions<added extends object | undefined, optional extends boolean = false> {
  /**
   * Returns what the token adds to the context, such as `{ user }`, or `undefined` for an invalid token. Look tokens up by
   * a hash, such as SHA-256: a comparison of the tokens themselves reveals by its duration how many characters are right.
   */
  readonly verify: (token: string, request: Request, context: AnyContext) => added | Promise<added>
  /** The part of the app that the token is for, in the challenge. @default no realm */
  readonly realm?: string
  /** Lets requests without credentials continue, without the additions. An invalid token is still a 401. @default false */
  readonly optional?: optional
}

/** The middleware of `bearerAuth` and `basicAuth`: what it adds can be absent if credentials are optional. */
export type Authentication<added extends object | undefined, optional extends boolean> = (
  request: Request,
  context: AnyContext,
  next: Next,
) => Promise<
  Continued<optional extends true ? Partial<NonNullable<added>> : NonNullable<added>> | Reply<401, Problem<401>>
>

/**
 * Requires `Authorization: Bearer <token>`, and adds what `verify` returns to the context. Responds with a 401 problem and a
 * challenge to a request without a token, and to an invalid one. If `verify` throws, the response is a 500.
 *
 * @throws TypeError if `verify` is not a function, or `realm` cannot be in a header.
 * @see https://www.rfc-editor.org/rfc/rfc6750
 * @example
 * const authed = route.use(bearerAuth({
 *   verify: async (token) => {
 *     const user = await db.userByTokenHash(await sha256(token))
 *     return user && { user }
 *   },
 * }))
 */
export function bearerAuth<added extends object | undefined, optional extends boolean = false>({
  verify,
  realm,
  optional,
}: BearerAuthOptions<added, optional>): Authentication<added, optional> {
  if (typeof verify !== 'function') throw new TypeError('bearerAuth() takes { verify: (token) => additions }')
  const challenge = formatRealm('Bearer', realm)

  const reject = (error?: string): Reply<401, Problem<401>> =>
    unauthorized(
      { detail: error ? 'The token is not valid.' : 'The request has no token.' },
      // https://www.rfc-editor.org/rfc/rfc6750#section-3.1: no error code if the request has no credentials.
      {
        headers: {
          'www-authenticate': error ? `${challenge}${realm === undefined ? ' ' : ', '}error="${error}"` : challenge,
        },
      },
    )

  return middleware(
    {
      openapi: {
        security: [{ bearer: [] }, ...(optional ? [{}] : [])],
        securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
        responses: { 401: 'The token is missing or not valid.' },
      },
    },
    async function authenticate(request: Request, context: AnyContext, next: Next): Promise<any> {
      const header = request.headers.get('authorization')
      if (header === null) return optional ? next() : reject()
      const token = grammar.exec(header)?.[1]
      if (token === undefined) return /^bearer(?: |$)/i.test(header) ? reject('invalid_token') : reject()
      const added = await verify(token, request, context)
      return added ? next(added) : reject('invalid_token')
    },
  )
}

// https://www.rfc-editor.org/rfc/rfc6750#section-2.1
const grammar = /^bearer +([\w.~+/-]+=*)$/i

/** A challenge, with its realm as a quoted string. @throws TypeError if the realm cannot be in one. */
export function formatRealm(scheme: string, realm: string | undefined): string {
  if (realm === undefined) return scheme
  if (!/^[ !#-[\]-~]*$/.test(realm))
    throw new TypeError(`a realm is printable ASCII without quotes and backslashes, not ${JSON.stringify(realm)}`)
  return `${scheme} realm="${realm}"`
}
