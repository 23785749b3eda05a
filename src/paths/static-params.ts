import type { RouteData } from '../app.js'
import { toPath } from '../href.js'
import { checkOptions, show } from '../options.js'
import { isSchema, standardOf, validate, type Output, type Result, type Schema } from '../schema.js'
import { sharesRuns } from '../scope.js'

export interface StaticParamsOptions<schema extends Schema> {
  /** Parses the params of a request that are in the list. */
  readonly schema?: schema
  /** Whether params that are not in the list match too. If not, the request continues with the next route. @default true */
  readonly dynamicParams?: boolean
}

/** The params of one pathname, as `href` takes them. */
type Row = { readonly [name: string]: string | number | readonly (string | number)[] | undefined }

type Awaitable<value> = value | Promise<value>

/** The params that a route has before the first request: a Standard Schema that also lists them. */
export interface StaticParams<row = Row, output = unknown> extends Schema {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => Result | Promise<Result>
    readonly types?: { readonly input: row; readonly output: output } | undefined
  }
  readonly dynamicParams: boolean
  /** Generates the list. Rejects with a TypeError if an element is not what `href(pattern)` takes. */
  load(pattern: string): Promise<readonly Row[]>
}

// The row as a pathname gives it back: strings.
type RowOutput<row> = {
  readonly [name in keyof row]: row[name] extends readonly unknown[] | undefined ? string[] : string
}

/**
 * Lists the params of a route that are known before the first request: `prerender()` fills the route's cache for them. With
 * `dynamicParams: false`, other params do not match the route. `schema` parses the params of a request after they are
 * compared with the list.
 *
 * @throws TypeError if the arguments are invalid.
 * @see https://nextjs.org/docs/app/api-reference/functions/generate-static-params
 * @example
 * route('/items/[slug]', { params: generateStaticParams(() => [{ slug: 'a' }, { slug: 'b' }], { dynamicParams: false }) })
 */
export function generateStaticParams<const row extends Row>(
  generate: () => Awaitable<readonly row[]>,
  options?: StaticParamsOptions<never>,
): StaticParams<row, RowOutput<row>>
export function generateStaticParams<const row extends Row, schema extends Schema>(
  generate: () => Awaitable<readonly row[]>,
  options: StaticParamsOptions<schema> & { readonly schema: schema },
): StaticParams<row, Output<schema>>
export function generateStaticParams(
  generate: () => Awaitable<readonly Row[]>,
  options: StaticParamsOptions<Schema> = {},
): StaticParams {
  const call = 'generateStaticParams()'
  if (typeof generate !== 'function') throw new TypeError(`${call} takes a function that returns a list of params`)
  checkOptions(call, options, { schema: isSchema, dynamicParams: 'boolean' }, TypeError)
  const { schema, dynamicParams = true } = options
  let known: ReadonlySet<string> | undefined
  let loading: Promise<unknown> | undefined

  const load = async (): Promise<readonly Row[]> => {
    const rows = await generate()
    if (!Array.isArray(rows)) throw new TypeError(`${call} returned ${show(rows)}, which is not an array`)
    for (const row of rows as unknown[])
      if (typeof row !== 'object' || row === null)
        throw new TypeError(`${call} returned ${show(row)} in its list; return objects such as { slug: 'a' }`)
    known = new Set(rows.map(toKey))
    return rows
  }
  const parse = (value: unknown): Result | Promise<Result> =>
    schema ? validate(schema, value, (result) => result) : { value }
  const compare = (value: object): Result | Promise<Result> =>
    known!.has(toKey(value as Row)) ? parse(value) : { issues: [{ message: 'These params are not in the list.' }] }

  return {
    dynamicParams,
    async load(pattern) {
      const rows = await load()
      for (const row of rows)
        try {
          checkNames(row, pattern)
          toPath(pattern, row as never)
        } catch (cause) {
          const message = cause instanceof Error ? cause.message : String(cause)
          throw new TypeError(`route '${pattern}': ${call} returned ${show(row)}: ${message}`, { cause })
        }
      return rows
    },
    '~standard': {
      ...(schema && (standardOf(schema) as object)),
      version: 1,
      vendor: schema ? standardOf(schema).vendor : 'byway',
      validate(value) {
        if (dynamicParams) return parse(value)
        if (known) return compare(value as object)
        // One call of `generate` serves all requests that wait for it, except on Workers, where requests cannot share promises.
        if (!loading || !sharesRuns) loading = load().finally(() => (loading = undefined))
        return loading.then(() => compare(value as object))
      },
    },
  }
}

function checkNames(row: Row, pattern: string): void {
  for (const name of Object.keys(row))
    if (!pattern.includes(`[${name}]`) && !pattern.includes(`...${name}]`))
      throw new TypeError(`the pattern does not capture '${name}'`)
}

// The same text for the same params, whatever the order of their names. An empty optional catch-all is an absent one.
function toKey(params: Row): string {
  const values = Object.keys(params)
    .sort()
    .map((name): [string, string[]] => [name, [params[name] ?? []].flat().map(String)])
  return JSON.stringify(values.filter(([, segments]) => segments.length))
}

/** The static params of a route, if it has any. */
export const staticParamsOf = ({ params }: Pick<RouteData, 'params'>): StaticParams | undefined =>
  params.map(({ schema }) => schema as Partial<StaticParams>).find(({ load }) => typeof load === 'function') as
    | StaticParams
    | undefined
