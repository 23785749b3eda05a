import type { Params } from '../pattern.js'
import type { NextContext } from './from-next.js'
import type { NextRequest } from './request.js'
import type { NextFetchEvent } from './server.js'

/** The function that a `proxy.ts` exports. */
export type NextProxy = (
  request: NextRequest,
  event: NextFetchEvent,
) => Response | null | undefined | void | Promise<Response | null | undefined | void>

/** What a handler in `route.ts` gets in addition to the request: `RouteContext<'/items/[slug]'>`. */
export type RouteContext<pattern extends string> = NextContext<Params<pattern>>
