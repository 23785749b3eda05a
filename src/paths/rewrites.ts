import type { Rule } from '../app.js'
import { locate } from '../exchange.js'
import { toFollow, type RuleMistakes } from './rules.js'

/** Where a pathname is in a URL. */
interface Place {
  href: string
  start: number
  end: number
}

/** Rules that are applied before a request is matched. */
export interface Rewrites {
  readonly rules: readonly Rule[]
  /** Replaces the URL of a request if a rule matches it. */
  apply(place: Place, basePath: string): void
}

/**
 * Rewrites for `router(routes, { rewrites })`, applied once, before matching. The client does not see the new URL, and
 * middleware of the destination's route guards it. Of several rules that match, the most specific one is used.
 *
 * @throws PatternError if a source or destination is malformed; RouterError if a destination uses a param that its source does
 * not capture, or two sources match the same pathnames.
 * @example
 * router(routes, { rewrites: rewrites([{ source: '/products/[slug]', destination: '/items/[slug]' }]) })
 */
export function rewrites<const rules extends readonly Rule[]>(rules: rules & RuleMistakes<rules>): Rewrites {
  const follow = toFollow(rules as readonly Rule[])
  return {
    rules,
    apply(place, basePath) {
      const followed = follow(place.href, place.start, place.end)
      if (!followed) return
      const { href, start, end } = locate(new URL(basePath + followed.target, place.href).href)
      place.href = href
      place.start = start + basePath.length
      place.end = end
    },
  }
}
