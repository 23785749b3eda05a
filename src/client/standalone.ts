import type { ResponseSchemas } from './client-of.js'
import type { ClientSettings } from './options.js'

// The types of the client that `byway client` writes: the build bundles them into one file. `app` has the calls of an app.

export type { EncodeBody, EncodedBody } from './bodies.js'
export type { Call, ClientOf as Client, ClientRoute } from './client-of.js'
export type { CallOptions, ClientSettings, FetchOptions } from './options.js'
export type { Failure, Success } from './outcome.js'
export type { UnexpectedDetails } from './unexpected-response.js'
export type { Problem } from '../problem.js'
export type { Attempt, Retry, RetryOptions } from './retry.js'

interface ClientOptions<app> extends ClientSettings {
  /** Schemas for the data of successes, by pattern and method: `{ '/items/[slug]': { get: Item } }`. */
  readonly responses?: ResponseSchemas<app>
}
export type { ClientOptions }
