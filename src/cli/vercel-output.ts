import type { App, RouteData } from '../app.js'
import { parsePattern, type Segment } from '../pattern.js'
import { deployOf, type DeployOptions } from '../vercel/deploy.js'
import { CommandError } from './command-error.js'

// The files of the Build Output API: https://vercel.com/docs/build-output-api/configuration

/** A function of the deployment, and the routes that run in it. */
export interface Deployed {
  /** Below a folder that no app has, because a function can be requested by its name. */
  readonly name: string
  readonly options: DeployOptions
  readonly patterns: string[]
}

/**
 * Returns a function for each combination of `deploy()` options. The first one has the options of the router's `use`, and handles
 * the requests that match no route.
 *
 * @throws CommandError if the methods of a route have different options.
 */
export function groupRoutes({ routes, use }: App): readonly Deployed[] {
  const shared = mergeOptions(use)
  const functions = new Map<string, Deployed>()
  const functionOf = (options: DeployOptions): Deployed => {
    const { runtime = 'nodejs', regions, maxDuration } = options
    const key = JSON.stringify([runtime, regions ?? [], maxDuration ?? 0])
    let found = functions.get(key)
    if (!found) {
      found = { name: `_byway/${functions.size ? `app-${functions.size}` : 'app'}`, options, patterns: [] }
      functions.set(key, found)
    }
    return found
  }
  functionOf(shared)
  for (const { route } of routes) functionOf({ ...shared, ...optionsOf(route) }).patterns.push(route.pattern)
  return [...functions.values()]
}

const mergeOptions = (layers: readonly unknown[]): DeployOptions => Object.assign({}, ...layers.map(deployOf))

function optionsOf({ pattern, operations, rest }: RouteData): DeployOptions {
  const [first = {}, ...others] = [...operations.values(), ...(rest ? [rest] : [])].map(({ middleware }) =>
    mergeOptions(middleware),
  )
  const toText = ({ runtime, regions, maxDuration }: DeployOptions) => JSON.stringify([runtime, regions, maxDuration])
  if (others.some((other) => toText(other) !== toText(first)))
    throw new CommandError(
      `the methods of '${pattern}' have different deploy() options, but one function handles a route; move deploy() before them`,
    )
  return first
}

/** The name of a function's module. */
export const toEntry = ({ runtime }: DeployOptions): string => (runtime === 'edge' ? 'index.js' : 'index.mjs')

/** A `.vc-config.json`. The platform does not limit the duration of edge functions. */
export const toFunctionConfig = (options: DeployOptions): object => ({
  ...(options.runtime === 'edge'
    ? { runtime: 'edge', entrypoint: toEntry(options) }
    : {
        runtime: 'nodejs22.x',
        handler: toEntry(options),
        launcherType: 'Nodejs',
        shouldAddHelpers: false,
        supportsResponseStreaming: true,
        ...(options.maxDuration !== undefined && { maxDuration: options.maxDuration }),
      }),
  ...(options.regions && { regions: options.regions }),
})

interface PlatformRoute {
  readonly src?: string
  readonly dest?: string
  readonly methods?: readonly string[]
  readonly handle?: 'filesystem'
}

/**
 * Returns the routes of `config.json`: files, then the functions. A pattern of the first function is listed only if a pattern of
 * another function matches the same pathnames.
 */
export function toRoutes(functions: readonly Deployed[], basePath: string, hasPages: boolean): PlatformRoute[] {
  const [main, ...others] = functions
  const foreign = others.flatMap(({ patterns }) => patterns.map(parsePattern))
  const listed = functions
    .flatMap(({ name, patterns }) => patterns.map((pattern) => ({ name, segments: parsePattern(pattern) })))
    .filter(({ name, segments }) => name !== main!.name || foreign.some((other) => canShare(segments, other)))
    .map(({ name, segments }) => ({ src: basePath + toSource(segments), dest: `/${name}`, rank: rankOf(segments) }))
    .sort((one, other) => (one.rank < other.rank ? -1 : one.rank > other.rank ? 1 : 0))
    .map(({ src, dest }) => ({ src: `^${src}/?$`, dest }))
  const routes = [...listed, { src: '^/.*$', dest: `/${main!.name}` }]
  // A file has no response to these methods.
  const methods = ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY']
  return [
    ...(hasPages ? routes.map((route) => ({ ...route, methods })) : []),
    { handle: 'filesystem' as const },
    ...routes,
  ]
}

const sources: { readonly [kind in Segment['kind']]: (name: string) => string } = {
  static: (name) => `/${toSpelling(name).replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}`,
  param: () => '/[^/]+',
  'catch-all': () => '/.+',
  'optional-catch-all': () => '(?:/.*)?',
}

// As a URL has it. Another spelling is left to the first function, which has every route.
const toSpelling = (name: string): string => encodeURI(name).replace(/[?#]/g, encodeURIComponent)

// Without a trailing slash; '' for the root.
const toSource = (segments: readonly Segment[]): string =>
  segments.map(({ kind, name }) => sources[kind](name)).join('')

// As strings, from left to right: static segments come before params, params before catch-alls.
const ranks = { static: '0', param: '1', 'catch-all': '2', 'optional-catch-all': '3' }
const rankOf = (segments: readonly Segment[]): string => segments.map(({ kind }) => ranks[kind]).join('')

/** Whether a pathname exists that both match. */
function canShare(one: readonly Segment[], other: readonly Segment[]): boolean {
  for (let at = 0; ; at++) {
    const left = one[at]
    const right = other[at]
    if (left?.kind.endsWith('catch-all') || right?.kind.endsWith('catch-all')) return true
    if (!left || !right) return left === right
    if (left.kind === 'static' && right.kind === 'static' && left.name !== right.name) return false
  }
}
