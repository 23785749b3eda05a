/** How the patched `fetch` caches by default. */
export type FetchCache =
  | 'auto'
  | 'default-cache'
  | 'only-cache'
  | 'force-cache'
  | 'force-no-store'
  | 'default-no-store'
  | 'only-no-store'

/** The segment config that a route module exports. */
export interface SegmentConfig {
  readonly dynamic: 'auto' | 'force-dynamic' | 'error' | 'force-static'
  readonly dynamicParams: boolean
  /** Seconds, `false` for no time limit, or `undefined` if the module does not export it. */
  readonly revalidate: number | false | undefined
  readonly fetchCache: FetchCache
  readonly maxDuration: number | undefined
  readonly runtime: 'nodejs' | 'edge' | undefined
  /** The regions of `preferredRegion`, or of `regions` in the older form; `undefined` if the platform decides. */
  readonly regions: readonly string[] | undefined
}

const values = {
  dynamic: ['auto', 'force-dynamic', 'error', 'force-static'],
  fetchCache: [
    'auto',
    'default-cache',
    'only-cache',
    'force-cache',
    'force-no-store',
    'default-no-store',
    'only-no-store',
  ],
  runtime: ['nodejs', 'edge', 'experimental-edge'],
  dynamicParams: [true, false],
} as const

/**
 * Reads the segment config of a module.
 *
 * @throws TypeError if an export has an unknown value.
 * @see https://nextjs.org/docs/app/api-reference/file-conventions/route-segment-config
 */
export function readSegmentConfig(name: string, module: { readonly [name: string]: unknown }): SegmentConfig {
  const fail = (option: string, expected: string): never => {
    throw new TypeError(`${name} exports ${option} = ${JSON.stringify(module[option])}; ${expected}`)
  }
  for (const [option, allowed] of Object.entries(values)) {
    const value = module[option]
    if (value !== undefined && !(allowed as readonly unknown[]).includes(value))
      fail(option, `use ${allowed.map((one) => JSON.stringify(one)).join(', ')}`)
  }
  const { dynamic = 'auto', dynamicParams = true, revalidate, fetchCache = 'auto', maxDuration, runtime } = module
  const regions = readRegions(module['preferredRegion'] ?? module['regions'])
  if (regions === 'invalid') fail('preferredRegion', "use 'auto', 'global', 'home', or regions such as 'fra1'")
  if (revalidate !== undefined && revalidate !== false && !(typeof revalidate === 'number' && revalidate >= 0))
    fail('revalidate', 'use false, 0 or a number of seconds')
  if (maxDuration !== undefined && !(Number.isInteger(maxDuration) && (maxDuration as number) > 0))
    fail('maxDuration', 'use a whole number of seconds')
  return {
    dynamic,
    dynamicParams,
    revalidate,
    fetchCache,
    maxDuration,
    runtime: runtime === 'experimental-edge' ? 'edge' : runtime,
    regions,
  } as SegmentConfig
}

function readRegions(value: unknown): readonly string[] | 'invalid' | undefined {
  if (value === undefined || value === 'auto' || value === 'global' || value === 'home') return undefined
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  return list.length && list.every((one) => typeof one === 'string' && /^[a-z]+\d*$/.test(one))
    ? (list as readonly string[])
    : 'invalid'
}

/** Whether the responses to GET are cached: NEXT's rules for route handlers. */
export const isCached = ({ dynamic, revalidate }: SegmentConfig, hasStaticParams: boolean): boolean =>
  dynamic !== 'force-dynamic' &&
  revalidate !== 0 &&
  (dynamic === 'force-static' || dynamic === 'error' || revalidate !== undefined || hasStaticParams)
