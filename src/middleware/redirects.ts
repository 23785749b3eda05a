import { Context } from '../context.js'
import type { AnyContext, Continued, Middleware } from '../middleware.js'
import * as reply from '../reply.js'
import type { Reply } from '../reply.js'
import { toFollow, type Rule, type RuleMistakes } from '../rules.js'

export interface Redirect extends Rule {
  /** The pattern of the pathnames that have moved, without the router's `basePath`. */
  readonly source: string
  /**
   * Where they have moved: a path of this app, or a URL with its origin. `[name]`, `[...name]` and `[[...name]]` stand
   * for what the source captured, in the path, the query and the hash.
   */
  readonly destination: string
  /** Whether for ever: a 308, which browsers and search engines remember, else a 307. Both keep method and body. */
  readonly permanent: boolean
}

// prettier-ignore
type RedirectReply<permanent> = permanent extends true ? Reply<308, undefined> : Reply<307, undefined>

/**
 * Redirects the pathnames that fit one of the rules; of several, the most specific one, whatever their order. The
 * request's query goes along, but for names that the destination's own query has. A slash at the pathname's end is
 * overlooked. In a router's `use` it sees every URL, as `rewrites` left it.
 *
 * @throws PatternError for a source or destination outside of the grammar; RouterError for a destination that uses what
 * its source does not capture, and for two sources that fit the same pathnames.
 * @see https://nextjs.org/docs/app/api-reference/config/next-config-js/redirects
 * @example
 * router({ items }, {
 *   use: [redirects([{ source: '/products/[slug]', destination: '/items/[slug]', permanent: true }])],
 * })
 */
export function redirects<const rules extends readonly Redirect[]>(
  rules: rules & RuleMistakes<rules>,
): Middleware<AnyContext, Continued<{}> | RedirectReply<rules[number]['permanent']>> {
  for (const { source, permanent } of rules as readonly Redirect[])
    if (typeof permanent !== 'boolean')
      throw new TypeError(`redirects() wants permanent: true or false for '${source}', not ${String(permanent)}`)
  const follow = toFollow<Redirect>(rules, { leave: true })

  return function answerRedirect(_request, context, next) {
    const { href, start, end } = Context.exchange(context as unknown as Context)
    const found = follow(href, start, end)
    if (!found) return next()
    const { rule, target } = found
    return (rule.permanent ? reply.permanentRedirect(target) : reply.redirect(target)) as RedirectReply<
      rules[number]['permanent']
    >
  }
}
