import type { AnyContext, Continued, Middleware } from '../middleware.js'
import { headerOf, withHeaders, type HeaderPairs } from '#response'

/** The sources of each directive: `{ 'script-src': ["'self'"], 'upgrade-insecure-requests': [] }`. */
export interface ContentSecurityPolicy {
  readonly [directive: string]: readonly string[]
}

export interface SecureHeadersOptions<nonced extends readonly string[] = readonly string[]> {
  /**
   * `Content-Security-Policy`.
   * @default { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] }, which suits data; pages need their own
   */
  readonly contentSecurityPolicy?: ContentSecurityPolicy | false
  /** The directives that get a new nonce with each response, such as `['script-src']`. Adds `context.nonce`. @default [] */
  readonly nonce?: nonced
  /** Sends the policy as `Content-Security-Policy-Report-Only`. @default false */
  readonly reportOnly?: boolean
  /**
   * `Strict-Transport-Security`, which browsers follow over HTTPS only. @default 'max-age=31536000; includeSubDomains'
   */
  readonly strictTransportSecurity?: string | false
  /** `X-Content-Type-Options`. @default 'nosniff' */
  readonly contentTypeOptions?: 'nosniff' | false
  /** `X-Frame-Options`, for browsers without `frame-ancestors`. @default 'DENY' */
  readonly frameOptions?: 'DENY' | 'SAMEORIGIN' | false
  /** `Referrer-Policy`. @default 'no-referrer' */
  readonly referrerPolicy?: string | false
  /** `Cross-Origin-Opener-Policy`. @default 'same-origin' */
  readonly crossOriginOpenerPolicy?: 'same-origin' | 'same-origin-allow-popups' | 'unsafe-none' | false
  /**
   * `Cross-Origin-Resource-Policy`. `cors()` needs no change here: this header does not apply to CORS requests.
   * @default 'same-origin'
   */
  readonly crossOriginResourcePolicy?: 'same-origin' | 'same-site' | 'cross-origin' | false
  /** `Cross-Origin-Embedder-Policy`. @default not sent */
  readonly crossOriginEmbedderPolicy?: 'require-corp' | 'credentialless' | 'unsafe-none' | false
  /** `Permissions-Policy`, such as `'camera=(), geolocation=(self)'`. @default not sent */
  readonly permissionsPolicy?: string | false
}

/**
 * Sends headers that make browsers stricter, with every response, including errors. A header that the response already has
 * is not changed, so a page can send its own policy. `false` leaves a header out.
 *
 * @throws TypeError if a policy or a value cannot be in a header.
 * @see https://www.w3.org/TR/CSP3/
 * @see https://www.rfc-editor.org/rfc/rfc6797
 * @example
 * const page = route('/')
 *   .use(secureHeaders({ contentSecurityPolicy: { 'default-src': ["'self'"] }, nonce: ['script-src'] }))
 *   .get((request, { nonce }) => reply.html(`<script nonce="${nonce}">start()</script>`))
 */
export function secureHeaders<const nonced extends readonly string[] = []>(
  options: SecureHeadersOptions<nonced> = {},
): Middleware<AnyContext, Continued<AddedBy<nonced>>> {
  const {
    contentSecurityPolicy: policy = data,
    reportOnly,
    nonce: nonced = [],
    ...given
  }: SecureHeadersOptions = options
  const policyName = `content-security-policy${reportOnly ? '-report-only' : ''}`
  const fixed = toPairs(given)
  const formatWith = (nonce?: string): HeaderPairs =>
    policy === false
      ? []
      : [[policyName, formatPolicy(nonce === undefined ? policy : withNonce(policy, nonced, nonce))]]
  const unchanging = [...fixed, ...formatWith()]
  if (nonced.length && policy === false) throw new TypeError('secureHeaders({ nonce }) needs a contentSecurityPolicy')
  formatWith(nonced.length ? 'test' : undefined)
  new Headers(unchanging as [string, string][])

  return function respondSecurely(_request, _context, next) {
    const nonce = nonced.length ? createNonce() : undefined
    const headers = nonce === undefined ? unchanging : [...fixed, ...formatWith(nonce)]
    const map = (response: Response): Response =>
      withHeaders(
        response,
        headers.filter(([name]) => headerOf(response, name) === null),
      )
    return next((nonce === undefined ? undefined : { nonce }) as AddedBy<nonced>, { map })
  }
}

/** What `secureHeaders` adds to the context. */
type AddedBy<nonced> = nonced extends readonly [] ? {} : { nonce: string }

const withNonce = (policy: ContentSecurityPolicy, nonced: readonly string[], nonce: string): ContentSecurityPolicy => ({
  ...policy,
  ...Object.fromEntries(nonced.map((name) => [name, [...(policy[name] ?? []), `'nonce-${nonce}'`]])),
})

const data: ContentSecurityPolicy = { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] }

const defaults = {
  strictTransportSecurity: ['strict-transport-security', 'max-age=31536000; includeSubDomains'],
  contentTypeOptions: ['x-content-type-options', 'nosniff'],
  frameOptions: ['x-frame-options', 'DENY'],
  referrerPolicy: ['referrer-policy', 'no-referrer'],
  crossOriginOpenerPolicy: ['cross-origin-opener-policy', 'same-origin'],
  crossOriginResourcePolicy: ['cross-origin-resource-policy', 'same-origin'],
  crossOriginEmbedderPolicy: ['cross-origin-embedder-policy', undefined],
  permissionsPolicy: ['permissions-policy', undefined],
} as const

function toPairs(
  options: Omit<SecureHeadersOptions, 'contentSecurityPolicy' | 'reportOnly' | 'nonce'>,
): (readonly [string, string])[] {
  for (const name of Object.keys(options))
    if (!Object.hasOwn(defaults, name))
      throw new TypeError(
        `secureHeaders() has no option '${name}'; use contentSecurityPolicy, nonce, reportOnly, ${Object.keys(defaults).join(', ')}`,
      )
  return Object.entries(defaults).flatMap(([option, [name, standard]]) => {
    const value = options[option as keyof typeof options] ?? standard
    return value === undefined || value === false ? [] : [[name, value] as const]
  })
}

// https://www.w3.org/TR/CSP3/#framework-directives: a value cannot contain `;` or `,`, which would begin another directive or policy.
function formatPolicy(policy: ContentSecurityPolicy): string {
  return Object.entries(policy)
    .map(([name, value]) => {
      if (!/^[a-z-]+$/.test(name))
        throw new TypeError(`secureHeaders() takes directives such as 'script-src', not ${JSON.stringify(name)}`)
      for (const source of value)
        if (!/^[!-+\--:<-~]+$/.test(source))
          throw new TypeError(
            `secureHeaders(): ${name} has an invalid source ${JSON.stringify(source)}; a source has no spaces, commas and semicolons`,
          )
      return [name, ...value].join(' ')
    })
    .join('; ')
}

// 128 bits, as https://www.w3.org/TR/CSP3/#security-nonces requires.
const createNonce = (): string => btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(16))))
