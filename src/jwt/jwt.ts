import {
  createRemoteJWKSet,
  errors,
  jwtVerify,
  type CryptoKey,
  type JWK,
  type JWTPayload,
  type JWTVerifyGetKey,
} from 'jose'
import { bearerAuth, type Authentication } from '../middleware/bearer-auth.js'
import { middleware, type AnyContext, type Next } from '../middleware.js'
import type { Problem } from '../problem.js'
import { problem } from '../replies/reply.js'
import type { Reply } from '../reply.js'
import type { Output, Schema, Unvalidated } from '../schema.js'

/** The algorithms of signatures. There is no `none`. */
export type JwtAlgorithm =
  | 'HS256'
  | 'HS384'
  | 'HS512'
  | 'RS256'
  | 'RS384'
  | 'RS512'
  | 'PS256'
  | 'PS384'
  | 'PS512'
  | 'ES256'
  | 'ES384'
  | 'ES512'
  | 'EdDSA'
  | 'Ed25519'

export interface JwtOptions<schema extends Schema = Unvalidated<JWTPayload>, optional extends boolean = false> {
  /**
   * The algorithms that tokens can be signed with, either all symmetric (`HS…`) or all asymmetric. The token's own header cannot
   * extend them.
   */
  readonly algorithms: readonly [JwtAlgorithm, ...JwtAlgorithm[]]
  /** The secret of the symmetric algorithms: at least 32, 48 or 64 bytes for HS256, HS384 or HS512. A string is UTF-8. */
  readonly secret?: string | Uint8Array
  /** The public key of the other algorithms. */
  readonly publicKey?: CryptoKey | JWK
  /**
   * The URL of the issuer's key set. It is fetched when it is needed, used for 10 minutes, and fetched again for an unknown
   * `kid`, at most once in 30 seconds. If it cannot be fetched, the response is a 503 problem.
   */
  readonly jwks?: string | URL
  /** The `aud` that a token must have, or one of several. `false`: any, so tokens for other services are accepted. */
  readonly audience: string | readonly string[] | false
  /** The `iss` that a token must have, or one of several. `false`: any. */
  readonly issuer: string | readonly string[] | false
  /** Validates and types the claims. A token whose claims do not match it is invalid. @default the standard claims */
  readonly schema?: schema
  /** Seconds by which the clocks of issuer and server can differ. @default 0 */
  readonly clockTolerance?: number
  /** The part of the app that the token is for, in the challenge. @default no realm */
  readonly realm?: string
  /** Lets requests without a token continue, without `claims`. An invalid token is still a 401. @default false */
  readonly optional?: optional
}

/**
 * Requires `Authorization: Bearer` with a signed JSON Web Token, and adds `context.claims`. The token must be signed with one
 * of the `algorithms`, have `exp`, and match `audience` and `issuer`; any other token is a 401 problem. Keys that the token
 * itself names (`jku`, `jwk`, `x5u`) are never used.
 *
 * @throws TypeError if the options do not name exactly one kind of key, or the key does not suit the algorithms.
 * @see https://www.rfc-editor.org/rfc/rfc7519
 * @see https://www.rfc-editor.org/rfc/rfc8725
 * @example
 * const authed = route.use(jwt({
 *   algorithms: ['RS256'],
 *   jwks: 'https://login.example/.well-known/jwks.json',
 *   issuer: 'https://login.example',
 *   audience: 'https://api.example',
 *   schema: z.object({ sub: z.string(), scope: z.string().default('') }),
 * }))
 */
export function jwt<schema extends Schema = Unvalidated<JWTPayload>, optional extends boolean = false>(
  options: JwtOptions<schema, optional>,
): (
  ...given: Parameters<Authentication<{ claims: Output<schema> }, optional>>
) => Promise<Awaited<ReturnType<Authentication<{ claims: Output<schema> }, optional>>> | Reply<503, Problem<503>>> {
  const { schema, realm, optional } = options
  const getKey = toGetKey(options)
  const checks = toChecks(options)

  const verify = async (token: string): Promise<{ claims: Output<schema> } | undefined> => {
    let payload: JWTPayload
    try {
      ;({ payload } = await jwtVerify(token, getKey, checks))
    } catch (cause) {
      if (isInvalid(cause)) return undefined
      throw problem(503, { detail: 'The keys of the issuer are not available.' }, { cause })
    }
    return validate(schema, payload) as Promise<{ claims: Output<schema> } | undefined>
  }

  const authenticate = bearerAuth({
    verify,
    ...(realm !== undefined && { realm }),
    ...(optional !== undefined && { optional }),
  }) as (request: Request, context: AnyContext, next: Next) => Promise<any>
  return middleware(
    {
      openapi: {
        security: [{ jwt: [] }, ...(optional ? [{}] : [])],
        securitySchemes: { jwt: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
        responses: {
          401: 'The token is missing or not valid.',
          ...(options.jwks && { 503: 'The keys of the issuer are not available.' }),
        },
      },
    },
    (request: Request, context: AnyContext, next: Next) => authenticate(request, context, next),
  )
}

// Errors about the token. Others are about the key set: it could not be fetched or read.
const isInvalid = (error: unknown): boolean =>
  error instanceof errors.JWTClaimValidationFailed ||
  error instanceof errors.JWTExpired ||
  error instanceof errors.JWTInvalid ||
  error instanceof errors.JWSInvalid ||
  error instanceof errors.JWSSignatureVerificationFailed ||
  error instanceof errors.JOSEAlgNotAllowed ||
  error instanceof errors.JOSENotSupported ||
  error instanceof errors.JWKSNoMatchingKey ||
  error instanceof errors.JWKSMultipleMatchingKeys

async function validate(schema: Schema | undefined, claims: JWTPayload): Promise<{ claims: unknown } | undefined> {
  if (!schema) return { claims }
  const result = await (schema['~standard'] as Standard).validate(claims)
  return result.issues ? undefined : { claims: result.value }
}
interface Standard {
  validate(value: unknown): Result | Promise<Result>
}
type Result = { readonly value: unknown; readonly issues?: undefined } | { readonly issues: readonly unknown[] }

const minimums = new Map([
  ['HS256', 32],
  ['HS384', 48],
  ['HS512', 64],
])

function toGetKey({ algorithms, secret, publicKey, jwks }: JwtOptions<any, any>): JWTVerifyGetKey {
  if ([secret, publicKey, jwks].filter((one) => one !== undefined).length !== 1)
    throw new TypeError('jwt() takes one of { secret }, { publicKey } and { jwks }')
  const known = /^(?:[HRPE]S(?:256|384|512)|EdDSA|Ed25519)$/
  const wrong = Array.isArray(algorithms) ? algorithms.find((one) => !known.test(one)) : algorithms
  if (wrong !== undefined || !algorithms?.length)
    throw new TypeError(`jwt() takes algorithms such as ['RS256'], not ${JSON.stringify(wrong ?? algorithms)}`)
  // With both, a token could be signed with the public key as its secret: https://www.rfc-editor.org/rfc/rfc8725#section-2.1
  if (algorithms.some((one: string) => one.startsWith('HS') !== (secret !== undefined)))
    throw new TypeError(
      'jwt() takes a secret for the algorithms HS256, HS384 and HS512, and a publicKey or jwks for the others',
    )
  if (secret !== undefined) {
    const bytes = typeof secret === 'string' ? new TextEncoder().encode(secret) : secret
    for (const one of algorithms as readonly string[])
      // https://www.rfc-editor.org/rfc/rfc7518#section-3.2
      if (bytes.length < minimums.get(one)!)
        throw new TypeError(`jwt() takes a secret of at least ${minimums.get(one)} bytes for ${one}`)
    return async () => bytes
  }
  if (publicKey !== undefined) return async () => publicKey as CryptoKey
  return createRemoteJWKSet(new URL(jwks!))
}

interface Checks {
  readonly algorithms: string[]
  readonly requiredClaims: string[]
  readonly clockTolerance: number
  readonly audience?: string[]
  readonly issuer?: string[]
}

function toChecks({ algorithms, audience, issuer, clockTolerance = 0 }: JwtOptions<any, any>): Checks {
  for (const [name, value] of [
    ['audience', audience],
    ['issuer', issuer],
  ] as const)
    if (value === undefined || (value !== false && value.length === 0))
      throw new TypeError(`jwt() needs { ${name} }; false accepts tokens with any, also those for other services`)
  if (!(clockTolerance >= 0))
    throw new TypeError(`jwt() takes clockTolerance in seconds, not ${String(clockTolerance)}`)
  return {
    algorithms: [...algorithms],
    requiredClaims: ['exp'],
    clockTolerance,
    ...(audience !== false && { audience: [audience].flat() as string[] }),
    ...(issuer !== false && { issuer: [issuer].flat() as string[] }),
  }
}
