import type { Router } from '../router.js'
import type { Schema } from '../schema.js'

/**
 * The routes of an app by their patterns. `app` can also be an interface that names routes or calls by their patterns: then
 * a call resolves only its own route.
 */
export type Table<app> = app extends Router<infer routes, any, any> ? ByPattern<routes> : app

/** The result types of the early responses of a router's `use`. */
export type EarlyOf<app> = app extends Router<any, infer early, any> ? early : never

/** The `problems` of a router. */
export type FormatOf<app> = app extends Router<any, any, infer format> ? format : undefined

// A route is under its pattern, a group under each pattern inside it. A value stays unresolved until its pattern is looked up.
type ByPattern<routes, depth extends 0[] = []> = {
  readonly [key in keyof routes as Patterns<routes[key], depth>]: routes[key]
}

// The first test must stay first. Without it, one exported factory cost more than 1,000 routes.
// The depth is limited, because other exports of a module can be endless.
// prettier-ignore
type Patterns<value, depth extends 0[]> =
  value extends Callable | Schema ? never :
  'pattern' extends keyof value   ? value['pattern'] & string :
  depth extends [0, 0, 0, 0]      ? never :
  value extends object            ? keyof ByPattern<value, [...depth, 0]> :
  never
type Callable = ((...args: never) => unknown) | (abstract new (...args: never) => unknown)

/** The route of a pattern in a value of a table, which is the route or a group with the route inside. */
// prettier-ignore
export type RouteOf<value, pattern, otherwise> =
  'pattern' extends keyof value ? value :
  value extends otherwise       ? value :
  RouteIn<ByPattern<value>, pattern, otherwise>
type RouteIn<table, pattern, otherwise> = pattern extends keyof table
  ? RouteOf<table[pattern], pattern, otherwise>
  : never
