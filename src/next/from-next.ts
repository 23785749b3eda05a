import type { Cache } from '../cache/create-cache.js'
import type { RouteContext } from '../context.js'
import { methods, type Method } from '../declaration.js'
import type { AnyContext } from '../middleware.js'
import { generateStaticParams } from '../paths/static-params.js'
import type { Params } from '../pattern.js'
import { attempt } from '../promise.js'
import { proxy } from '../replies/proxy.js'
import { enableScopes } from '../scope.js'
import { route, type AnyRoute, type OperationFunction, type Route } from '../route.js'
import { Ambient, enableAmbient, runAmbient, type Settings } from './ambient.js'
import { isDraft } from './headers.js'
import { toEnd } from './navigation.js'
import { toNextRequest } from './request.js'
import { instructionOf, type Instruction } from './response.js'
import { deploy } from '../vercel/deploy.js'
import { isCached, readSegmentConfig, type SegmentConfig } from './segment-config.js'

export interface FromNextOptions {
  /** Caches the responses of modules whose config says so, and what `unstable_cache` and the patched `fetch` store. */
  readonly cache?: Cache
  /** The value of draft mode's cookie: at least 32 characters, such as the output of `openssl rand -base64 32`. */
  readonly draftSecret?: string
  /** The maximum size of a body in bytes. Next.js has no limit for route handlers. @default the router's `bodyLimit` */
  readonly bodyLimit?: number
}

/** What a mounted handler gets in addition to the request: its params as a promise that also has their values. */
export interface NextContext<params> {
  readonly params: Promise<params> & params
}

type AnyHandler = (request: any, context: any) => unknown
/** The exports of a `route.ts`. */
export type RouteModule = { readonly [name: string]: unknown }

/** The route of a mounted module: an operation for each method that the module exports. */
export type MountedRoute<pattern extends string, module> = Route<pattern, RouteContext<pattern>> & {
  readonly [method in keyof module & Method]: OperationFunction<
    pattern,
    {},
    module[method] extends (...args: any) => infer result ? result : never,
    never
  >
}

// Fails for a module whose handler expects params that the pattern does not capture.
type Accepts<pattern extends string, module> = string extends keyof module
  ? unknown
  : {
      readonly [method in keyof module & Method]: module[method] extends (
        request: any,
        context: infer context,
      ) => unknown
        ? NextContext<Params<pattern>> extends context
          ? unknown
          : (request: any, context: NextContext<Params<pattern>>) => unknown
        : unknown
    }

/**
 * Mounts a Next.js `route.ts` as a route. Its handlers run unchanged; `headers()`, `cookies()`, `redirect()` and the other
 * functions of Next.js come from `byway/next`.
 *
 * @throws TypeError if the module exports no method, a method in lower case, or an unknown value of the segment config.
 * @see https://nextjs.org/docs/app/api-reference/file-conventions/route
 * @example
 * const item = fromNext('/items/[slug]', await import('./app/items/[slug]/route.js'), { cache })
 */
export function fromNext<pattern extends string, module extends RouteModule>(
  pattern: pattern,
  module: module & Accepts<pattern, module>,
  options: FromNextOptions = {},
): MountedRoute<pattern, module> {
  return mount(`route '${pattern}'`, pattern, module, options) as never
}

/** Mounts a module. `name` names it in messages. */
export function mount(name: string, pattern: string, module: RouteModule, options: FromNextOptions): AnyRoute {
  checkOptions(options)
  const handlers = handlersOf(name, module)
  const config = readSegmentConfig(name, { ...module, ...edgeConfigOf(module) })
  const list = module['generateStaticParams']
  if (list !== undefined && typeof list !== 'function')
    throw new TypeError(`${name} exports generateStaticParams, which is not a function`)
  enableAmbient()
  // For what a cached response gets from the cached functions that it calls.
  if (options.cache) enableScopes()

  const params =
    list || !config.dynamicParams
      ? generateStaticParams(async () => ((await list?.({ params: {} })) ?? []) as { [name: string]: string }[], {
          dynamicParams: config.dynamicParams,
        })
      : undefined
  let mounted: any = params && pattern.includes('[') ? route(pattern, { params: params as never }) : route(pattern)
  const { runtime, regions, maxDuration } = config
  if (runtime ?? regions ?? maxDuration)
    mounted = mounted.use(
      deploy({ ...(runtime && { runtime }), ...(regions && { regions }), ...(maxDuration && { maxDuration }) }),
    )
  if (handlers.GET && isCached(config, !!list)) mounted = mounted.use(toCacheLayer(name, config, options))
  const operation = options.bodyLimit === undefined ? {} : { bodyLimit: options.bodyLimit }
  for (const method of methods)
    if (handlers[method])
      mounted = mounted[method.toLowerCase()](operation, toHandler(handlers[method], config, options))
  return handlers.all ? mounted.all(operation, toHandler(handlers.all, config, options)) : mounted
}

function checkOptions({ draftSecret }: FromNextOptions): void {
  if (draftSecret !== undefined && draftSecret.length < 32)
    throw new TypeError(
      'the draftSecret of fromNext() needs at least 32 characters; create one with `openssl rand -base64 32`',
    )
}

type Handlers = { readonly [method in Method | 'all']?: AnyHandler }

function handlersOf(name: string, module: RouteModule): Handlers {
  const handlers: { [method in Method | 'all']?: AnyHandler } = {}
  for (const method of methods) {
    if (method !== 'QUERY' && module[method.toLowerCase()] !== undefined)
      throw new TypeError(`${name} exports '${method.toLowerCase()}'; Next.js reads '${method}'`)
    const handler = module[method]
    if (handler === undefined) continue
    if (typeof handler !== 'function') throw new TypeError(`${name} exports ${method}, which is not a function`)
    handlers[method] = handler as AnyHandler
  }
  // The older form, an Edge API route.
  if (!Object.keys(handlers).length && typeof module['default'] === 'function')
    handlers.all = module['default'] as AnyHandler
  if (!Object.keys(handlers).length)
    throw new TypeError(`${name} exports no method; export functions named ${methods.slice(0, 5).join(', ')}`)
  return handlers
}

// The older form: `export const config = { runtime, regions, maxDuration }`.
function edgeConfigOf({ config }: RouteModule): object {
  if (typeof config !== 'object' || config === null) return {}
  return Object.fromEntries(
    Object.entries(config).filter(([name]) => ['runtime', 'regions', 'maxDuration'].includes(name)),
  )
}

function toCacheLayer(name: string, { dynamic, revalidate }: SegmentConfig, { cache, draftSecret }: FromNextOptions) {
  if (!cache) throw new TypeError(`${name} exports a config that caches its responses; pass { cache: createCache() }`)
  return cache({
    revalidate: revalidate || false,
    dynamic: dynamic === 'force-static' || dynamic === 'error' ? dynamic : 'auto',
    statuses: [200, 301, 307, 308, 404],
    ...(draftSecret !== undefined && { bypass: (request: Request) => isDraft(request, draftSecret) }),
  })
}

function toHandler(handler: AnyHandler, { fetchCache }: SegmentConfig, { cache, draftSecret }: FromNextOptions) {
  const settings: Settings = { cache, draftSecret, fetchCache }

  const end = async (ambient: Ambient, error: unknown): Promise<Response> => {
    await Promise.allSettled(ambient.pending ?? [])
    const end = toEnd(error, ambient.request)
    if (!end) throw error
    return end.keepsCookies ? withCookies(end.response, ambient) : end.response
  }

  // Without async functions: with AsyncLocalStorage, each promise costs about 1 µs on Node.js 20.
  return (request: Request, context: AnyContext): Response | Promise<Response> => {
    const ambient = new Ambient(request, context, settings)
    const fail = (error: unknown): Promise<Response> => end(ambient, error)
    return runAmbient(ambient, () =>
      attempt<unknown, Response>(
        () => handler(toNextRequest(request, context), { params: toParams(context.params) }),
        (response) =>
          ambient.pending
            ? Promise.all(ambient.pending).then(() => toResponse(ambient, response), fail)
            : toResponse(ambient, response),
        fail,
      ),
    )
  }
}

/** The params as a promise that also has their values, for handlers of both times of Next.js. */
function toParams(params: object): Promise<object> {
  const promise = Promise.resolve(params) as Promise<object> & { [name: string]: unknown }
  for (const name in params) if (!(name in promise)) promise[name] = (params as { [name: string]: unknown })[name]
  return promise
}

function toResponse(ambient: Ambient, response: unknown): Response | Promise<Response> {
  const { pattern } = ambient.context
  if (!(response instanceof Response))
    throw new TypeError(
      `the handler of '${pattern}' returned ${typeof response} instead of a Response; return Response.json(…)`,
    )
  const instruction = instructionOf(response)
  if (!instruction) return withCookies(response, ambient)
  if (instruction.rewrite === undefined)
    throw new TypeError(`the handler of '${pattern}' returned NextResponse.next(), which works in a proxy.ts only`)
  return rewrite(ambient, instruction.rewrite, instruction)
}

async function rewrite(ambient: Ambient, target: string, { headers, requestHeaders }: Instruction): Promise<Response> {
  const result = await runRewrite(target, ambient.request, ambient.context, requestHeaders)
  const all = new Headers(result.headers)
  for (const [name, value] of headers) all[name === 'set-cookie' ? 'append' : 'set'](name, value)
  const { body, status, statusText } = result
  return withCookies(new Response(body, { status, statusText, headers: all }), ambient)
}

/** Runs another route of the app with its guards, or forwards the request to another origin. */
export function runRewrite(
  target: string,
  request: Request,
  context: AnyContext,
  headers: Headers = request.headers,
): Promise<Response> {
  const url = new URL(target, context.url)
  if (url.origin !== context.url.origin) return proxy(request, url, { signal: context.signal })
  const { method, body } = request
  return context.app.dispatch(
    new Request(url, { method, headers, signal: context.signal, ...(body && { body, duplex: 'half' }) } as RequestInit),
  )
}

function withCookies(response: Response, ambient: Ambient): Response {
  if (!ambient.hasChanges || !ambient.changes.all.length) return response
  const headers = new Headers(response.headers)
  ambient.changes.appendTo(headers)
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers })
}
