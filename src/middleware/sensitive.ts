import type { NamedRoute, RouteData } from '../app.js'
import type { AnyContext } from '../middleware.js'

/** Returns a function that tells whether the operation of a request is declared `sensitive`. */
export function createSensitiveLookup(): (method: string, context: AnyContext) => boolean {
  const known = new WeakMap<readonly NamedRoute[], ReadonlyMap<string, RouteData>>()
  return (method, { pattern, app: { routes } }) => {
    let sensitive = known.get(routes)
    if (!sensitive) known.set(routes, (sensitive = select(routes)))
    const route = sensitive.size > 0 && pattern !== undefined && sensitive.get(pattern)
    if (!route) return false
    const { operations, rest } = route
    const operation = [...operations.values()].find((one) => one.method === method)
    return !!(operation ?? (method === 'HEAD' ? operations.get('GET') : undefined) ?? rest)?.declaration.sensitive
  }
}

const select = (routes: readonly NamedRoute[]): ReadonlyMap<string, RouteData> =>
  new Map(
    routes.flatMap(({ route }) =>
      [...route.operations.values(), route.rest].some((one) => one?.declaration.sensitive)
        ? [[route.pattern, route] as const]
        : [],
    ),
  )
