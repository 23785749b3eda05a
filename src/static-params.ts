import { Context } from './context.js'
import type { Answer } from './middleware.js'
import { parsePattern, toPath, type InvalidPattern, type Params } from './pattern.js'
import { toFailure } from './problem.js'
import { sharesRuns } from './scope.js'

export interface StaticParamsOptions {
  /** Whether params that were not given are answered too. Without, they lead to the next route that matches, or to a 404. @default true */
  readonly dynamicParams?: boolean
}

/** A function that gives the params of a route that are known ahead. */
// prettier-ignore
export type GenerateStaticParams<pattern extends string, params> =
  string extends pattern                ? () => Awaitable<readonly params[]> :
  pattern extends `${string}[${string}` ? () => Awaitable<readonly OnlyParams<pattern, params>[]> :
  InvalidPattern<'a pattern without params has one pathname, which is known'>
type Awaitable<value> = value | Promise<value>

// What the pattern does not capture has no type of its own: this gives it one that nothing fits.
type OnlyParams<pattern extends string, params> = params & {
  readonly [name in Exclude<keyof params, keyof Params<pattern>>]: never
}

type AnyStaticParams = Record<string, string | string[] | undefined>

/** The params of a route that are known ahead. */
export class StaticParams {
  readonly pattern: string
  /** What gives them: as a pathname holds them, decoded. */
  readonly generate: () => unknown
  /** Whether others are answered too. */
  readonly dynamicParams: boolean
  readonly #names: readonly string[]
  #known: ReadonlySet<string> | undefined
  #loading: Promise<unknown> | undefined

  constructor(pattern: string, generate: () => unknown, dynamicParams: boolean) {
    this.pattern = pattern
    this.generate = generate
    this.dynamicParams = dynamicParams
    this.#names = parsePattern(pattern).flatMap(({ kind, name }) => (kind === 'static' ? [] : name))
  }

  /** All of them, asked for anew. Rejects with a TypeError for what the pattern does not capture. */
  async load(): Promise<readonly AnyStaticParams[]> {
    const { generate, pattern } = this
    const given = (await generate()) as AnyStaticParams[]
    const fail = (value: unknown, what: string, cause?: unknown): never => {
      const text = JSON.stringify(value)?.slice(0, 200)
      throw new TypeError(`route '${pattern}': generateStaticParams gave ${text}, which is not ${what}`, { cause })
    }
    if (!Array.isArray(given)) fail(given, 'an array')
    for (const params of given)
      try {
        for (const [name, value] of Object.entries(params))
          if (
            !this.#names.includes(name) ||
            [value].flat().some((part) => part !== undefined && typeof part !== 'string')
          )
            throw new TypeError(`the pattern captures no such '${name}'`)
        toPath(pattern, params)
      } catch (error) {
        fail(params, 'what the pattern captures', error)
      }
    this.#known = new Set(given.map((params) => this.#toKey(params)))
    return given
  }

  /** Whether these are among them. */
  has(params: object): boolean | Promise<boolean> {
    const key = this.#toKey(params)
    if (this.#known) return this.#known.has(key)
    if (!this.#loading || !sharesRuns) this.#loading = this.load().finally(() => (this.#loading = undefined))
    return this.#loading.then(() => this.#known!.has(key))
  }

  #toKey(params: object): string {
    const values = this.#names.map((name) => (Object.hasOwn(params, name) ? params[name as never] : undefined) ?? [])
    return JSON.stringify(values)
  }
}

/**
 * What is inside, for the params that are known ahead; `pass` answers the others. `around` stands around the 500 for
 * params that cannot be told.
 */
export function narrow(
  known: StaticParams | undefined,
  inside: Answer,
  pass: Answer,
  around: (inside: Answer) => Answer,
): Answer {
  if (!known || known.dynamicParams) return inside
  return (request, context) => {
    const proceed = (isKnown: boolean): Response | Promise<Response> => (isKnown ? inside : pass)(request, context)
    const isKnown = known.has(Context.exchange(context).params)
    if (typeof isKnown === 'boolean') return proceed(isKnown)
    return isKnown.then(proceed, (error: unknown) => around(() => toFailure(error, 'handler'))(request, context))
  }
}
