import type { Schema } from '../schema.js'
import { call, type AnyCallOptions } from './call.js'
import type { AppCalls, Calls } from './calls.js'
import type { ResponseSchemas } from './client-of.js'
import type { ClientSettings } from './options.js'
import { toBase, toUrl } from './url.js'

/** Calls the routes of an app by their patterns. */
export type Client<app> = AppCalls<app>['client']

export interface ClientOptions<app = unknown> extends ClientSettings {
  /**
   * Schemas for the data of successes, by pattern and method. A call whose data does not match rejects with
   * `UnexpectedResponse`.
   *
   * @example
   * createClient<typeof app>({ responses: { '/items/[slug]': { get: Item } } })
   */
  readonly responses?: ResponseSchemas<Calls<app>>
}

type AnyResponseSchemas = Readonly<Record<string, Record<string, Schema | undefined> | undefined>>

const methods = ['get', 'post', 'put', 'patch', 'delete', 'head', 'options', 'query'] as const

/**
 * A client for the routes of an app, typed from the app alone: `import type app from './app.js'`.
 *
 * A call resolves to `{ data, error, status, response }`, which `status` discriminates; `error` is set exactly if the status
 * is 400 or more. A call rejects with `UnexpectedResponse` if the route cannot send the response, and as `fetch` does if the
 * network fails or the call is aborted.
 *
 * @throws TypeError if `baseUrl` is not an http(s) URL.
 * @example
 * const api = createClient<typeof app>({ baseUrl: 'https://api.example' })
 * const { data, error, status } = await api('/items/[slug]').get({ params: { slug: 'a' } })
 */
export function createClient<app>(options: ClientOptions<app> = {}): Client<app> {
  const { baseUrl, fetch, responses }: ClientSettings & { readonly responses?: AnyResponseSchemas } = options
  const base = toBase(baseUrl ?? (globalThis.location?.origin ?? 'http://localhost') + (fetch?.basePath ?? ''))
  const client = (pattern: string): object => {
    const route: Record<string, unknown> = {
      url: ({ params, query }: AnyCallOptions = {}) => toUrl(base, pattern, params, query),
    }
    for (const method of methods)
      route[method] = (given: AnyCallOptions = {}) =>
        call(options, base, pattern, method.toUpperCase(), given, responses?.[pattern]?.[method])
    return route
  }
  // The patterns and calls are in the app's type alone.
  return client as unknown as Client<app>
}
