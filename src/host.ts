/** What a host passes in addition to the request. */
export interface Host {
  env?: unknown
  waitUntil?: ((promise: Promise<unknown>) => void) | undefined
  ip?: (() => string | undefined) | undefined
  /** Whether a server read the request from a connection, so that `Content-Length` is the length of its body. */
  isServer?: boolean
}

/** The host of a request that came without anything else. */
export const noHost: Host = {}

/**
 * Recognizes what Workers (`env, executionContext`), Bun (`server`), Deno (`info`) and service workers (`event`) pass. Values
 * are recognized by shape, because hosts pass any number of arguments in any order.
 */
export function toHost(request: Request, passed: readonly unknown[]): Host {
  const host: Host = {}
  for (const value of passed) {
    // `requests.map(app.fetch)` passes a number and an array.
    if (typeof value !== 'object' || value === null || Array.isArray(value)) continue
    const known = value as { waitUntil?: unknown; requestIP?: unknown; remoteAddr?: { hostname?: unknown } }
    if (typeof known.waitUntil === 'function')
      host.waitUntil = (promise) => (known.waitUntil as (promise: unknown) => void)(promise)
    else if (typeof known.requestIP === 'function')
      host.ip = () => (known.requestIP as (request: Request) => { address?: string } | null)(request)?.address
    else if (known.remoteAddr) host.ip = () => known.remoteAddr?.hostname as string | undefined
    else {
      host.env ??= value
      continue
    }
    host.isServer = true
  }
  return host
}

// https://vercel.com/docs/functions/functions-api-reference/vercel-functions-package#waituntil finds it here too.
const vercel: unique symbol = Symbol.for('@vercel/request-context') as never

type WaitUntil = ((promise: Promise<unknown>) => void) | undefined

/** Keeps the host alive until the promise has settled, if the host has a way to do that. */
export function keepAlive(promise: Promise<unknown>, request: Request, { waitUntil }: Host): void {
  if (waitUntil) waitUntil(promise)
  // srvx and byway's Node.js host add one to their requests.
  else if ((request as { waitUntil?: WaitUntil }).waitUntil)
    (request as unknown as { waitUntil: NonNullable<WaitUntil> }).waitUntil(promise)
  else
    (globalThis as { [vercel]?: { get?: () => { waitUntil?: WaitUntil } | undefined } })[vercel]
      ?.get?.()
      ?.waitUntil?.(promise)
}

declare const process: { env?: unknown } | undefined

/** The environment of a host that does not pass one. */
export const defaultEnv = (): unknown => (typeof process === 'object' && process.env) || {}
