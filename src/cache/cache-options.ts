// The same in every copy of byway: a command has its own.
const options: unique symbol = Symbol.for('byway.cache') as never

/** The options of a cache that was made by `cache()`, or `undefined` for other middleware. */
export const cacheOptionsOf = (layer: unknown): { readonly key?: unknown; readonly revalidate?: number | false; readonly tags?: unknown } | undefined =>
  (layer as { [options]?: object } | undefined)?.[options]
