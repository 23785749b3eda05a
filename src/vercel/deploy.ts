import { timeout } from '../middleware/timeout.js'
import type { AnyContext, Continued, Middleware } from '../middleware.js'
import type { Problem } from '../problem.js'
import type { Reply } from '../reply.js'

export interface DeployOptions {
  /** The runtime of the function. @default 'nodejs' */
  readonly runtime?: 'nodejs' | 'edge'
  /** The regions that it runs in, such as `['fra1']`. @default the project's */
  readonly regions?: readonly string[]
  /** Seconds that a request can take. Also the limit of a `timeout()`. @default the project's */
  readonly maxDuration?: number
}

/**
 * Says how the routes behind it are deployed: `byway build --target vercel` makes one function for each combination of options.
 * In a router's `use`, it is the default of all routes; the options of a route come before those.
 *
 * @throws TypeError if an option is unknown or invalid.
 * @see https://vercel.com/docs/build-output-api/primitives#serverless-functions
 * @example
 * const report = route('/report').use(deploy({ regions: ['fra1'], maxDuration: 60 })).get(() => createReport())
 */
export function deploy(options: DeployOptions): Middleware<AnyContext, Continued<{}> | Reply<503, Problem<503>>> {
  const { runtime, regions, maxDuration, ...unknown } = options
  const [name] = Object.keys(unknown)
  if (name !== undefined) throw new TypeError(`deploy() has no option '${name}'; use runtime, regions, maxDuration`)
  if (runtime !== undefined && runtime !== 'nodejs' && runtime !== 'edge')
    throw new TypeError(`deploy() takes 'nodejs' or 'edge' as runtime, not ${JSON.stringify(runtime)}`)
  if (regions !== undefined && !isRegions(regions))
    throw new TypeError(`deploy() takes regions as an array such as ['fra1'], not ${JSON.stringify(regions)}`)
  if (maxDuration !== undefined && !(Number.isInteger(maxDuration) && maxDuration > 0))
    throw new TypeError(`deploy() takes whole seconds, more than 0, as maxDuration, not ${JSON.stringify(maxDuration)}`)
  const layer: Middleware<AnyContext, Continued<{}> | Reply<503, Problem<503>>> =
    maxDuration === undefined ? (_request, _context, next) => next() : timeout(maxDuration * 1_000)
  return withDeploy(layer, options)
}

const isRegions = (value: unknown): boolean =>
  Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === 'string' && /^[a-z]+\d*$/.test(one))

// The same in every copy of byway: a command has its own.
const deployed: unique symbol = Symbol.for('byway.deploy') as never

export const withDeploy = <layer extends object>(layer: layer, options: DeployOptions): layer =>
  Object.defineProperty(layer, deployed, { value: options })

/** The options that `deploy()` was given, none for `vercel()`; `undefined` for any other middleware. */
export const deployOf = (layer: unknown): DeployOptions | undefined =>
  (layer as { [deployed]?: DeployOptions } | undefined)?.[deployed]
