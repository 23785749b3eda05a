import { timeout } from '../middleware/timeout.js'
import type { AnyContext, Continued, Middleware } from '../middleware.js'
import type { Problem } from '../problem.js'
import type { Reply } from '../reply.js'
import { checkOptions } from '../options.js'

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
  checkOptions(
    'deploy()',
    options,
    {
      runtime: (value) => value === 'nodejs' || value === 'edge',
      regions: (value) =>
        Array.isArray(value) && value.length > 0 && value.every((region) => /^[a-z]+\d*$/.test(String(region))),
      maxDuration: (value) => Number.isInteger(value) && (value as number) > 0,
    },
    TypeError,
  )
  const layer: Middleware<AnyContext, Continued<{}> | Reply<503, Problem<503>>> =
    options.maxDuration === undefined ? (_request, _context, next) => next() : timeout(options.maxDuration * 1_000)
  return withDeploy(layer, options)
}

// The same in every copy of byway: a command has its own.
const deployed: unique symbol = Symbol.for('byway.deploy') as never

export const withDeploy = <layer extends object>(layer: layer, options: DeployOptions): layer =>
  Object.defineProperty(layer, deployed, { value: options })

/** The options of a middleware of `byway/vercel`, none for `vercel()`; `undefined` for any other middleware. */
export const deployOf = (layer: unknown): DeployOptions | undefined =>
  (layer as { [deployed]?: DeployOptions } | undefined)?.[deployed]
