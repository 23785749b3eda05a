import type { Rule } from '../app.js'
import type { AnyContext, Continued, Middleware } from '../middleware.js'
import { toFollow, type RuleMistakes } from '../paths/rules.js'
import { permanentRedirect, redirect } from '../replies/reply.js'

export interface Redirect extends Rule {
  /** The pattern of the old pathnames, without the router's `basePath`. */
  readonly source: string
  /**
   * The new path in this app, or a URL with an origin. In its path, query and hash, `[name]`, `[...name]` and
   * `[[...name]]` are replaced with the params of the source.
   */
  readonly destination: string
  /**
   * `true`: redirects permanently with a 308, which browsers and search engines store. `false`: redirects with a 307. Both
   * preserve method and body.
   */
  readonly permanent: boolean
}

/**
 * Redirects pathnames that match a rule's source. If several rules match, the most specific one applies, in any order. The
 * request's query is added to the destination, except for names in the destination's own query. A trailing slash is ignored.
 * In a router's `use`, it applies to every request, after `rewrites`.
 *
 * @throws PatternError if a source or destination is not a valid pattern.
 * @throws RouterError if a destination uses a param that its source does not capture, or two sources match the same pathnames.
 * @throws TypeError if `permanent` is not a boolean.
 * @see https://nextjs.org/docs/app/api-reference/config/next-config-js/redirects
 * @example
 * router({ items }, {
 *   use: [redirects([{ source: '/products/[slug]', destination: '/items/[slug]', permanent: true }])],
 * })
 */
// The pathnames that move are not routes, so the redirects are not in the types of a client's calls.
export function redirects<const rules extends readonly Redirect[]>(
  rules: rules & RuleMistakes<rules>,
): Middleware<AnyContext, Continued<{}>> {
  for (const { source, permanent } of rules as readonly Redirect[])
    if (typeof permanent !== 'boolean')
      throw new TypeError(`redirects() needs permanent: true or false for '${source}', not ${String(permanent)}`)
  const follow = toFollow<Redirect>(rules, { isRedirect: true })

  return function redirectRequest(_request, { url, app }, next) {
    const { pathname, search } = url
    const { basePath } = app
    const found = pathname.startsWith(basePath)
      ? follow(pathname + search, basePath.length, pathname.length)
      : undefined
    if (!found) return next()
    const { rule, target } = found
    return (rule.permanent ? permanentRedirect(target) : redirect(target)) as Response as Continued<{}>
  }
}
