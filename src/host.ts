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

/** The members by which the values that hosts pass are recognized. */
interface Known {
  readonly waitUntil?: (promise: Promise<unknown>) => void
  readonly requestIP?: (request: Request) => { readonly address: string } | null
  readonly remoteAddr?: { readonly hostname?: string }
  readonly incoming?: { readonly socket: { readonly remoteAddress?: string } }
  readonly outgoing?: unknown
  readonly ip?: string
}

/**
 * Recognizes what Workers (`env, executionContext`), Bun (`server`), Deno (`info`), service workers (`event`), Netlify
 * (`context`), `@hono/node-server` (`{ incoming, outgoing }`) and Next.js (`{ params }`) pass, also through `mount()` of Hono.
 * Values are recognized by shape, because hosts pass any number of arguments in any order.
 */
export function toHost(request: Request, passed: readonly unknown[]): Host {
  const host: Host = {}
  for (const value of passed) {
    // `requests.map(app.fetch)` passes a number and an array.
    if (typeof value !== 'object' || value === null || Array.isArray(value)) continue
    const known: Known = value
    const { remoteAddr, incoming } = known
    if (typeof known.waitUntil === 'function') {
      host.waitUntil = (promise) => known.waitUntil!(promise)
      if (known.ip) host.ip = () => known.ip
    } else if (typeof known.requestIP === 'function') host.ip = () => known.requestIP!(request)?.address
    else if (remoteAddr) host.ip = () => remoteAddr.hostname
    else if (incoming && known.outgoing) host.ip = () => incoming.socket.remoteAddress
    else {
      if (String(Object.keys(value)) !== 'params') host.env ??= value
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
export function keepAlive(
  promise: Promise<unknown>,
  request: Request & { waitUntil?: WaitUntil },
  { waitUntil }: Host,
): void {
  if (waitUntil) waitUntil(promise)
  // srvx and byway's Node.js host add one to their requests.
  else if (request.waitUntil) request.waitUntil(promise)
  else
    (globalThis as { [vercel]?: { get?: () => { waitUntil?: WaitUntil } | undefined } })[vercel]
      ?.get?.()
      ?.waitUntil?.(promise)
}

declare const process: { env?: unknown } | undefined

/** The environment of a host that does not pass one. */
export const defaultEnv = (): unknown => (typeof process === 'object' && process.env) || {}
