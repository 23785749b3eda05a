import { Guard, Recorder, toReads, watch, type Reads } from './watch.js'
import { TrackedURL } from './tracked-url.js'
import type { Tracker } from './tracker.js'

/**
 * The context as `key` sees it, with the validated inputs. Records what `key` reads of the values that outer middleware added,
 * in `reads`, and as `pairs` for the key.
 */
export function toRecordedContext(context: object, inputs: object, reads: Reads, pairs: unknown[]): object {
  return watch(context, new Recorder(reads, pairs), (name) => isOwn(context, name), inputs)
}

/** The context with the validated inputs, as `tags` sees it. */
export const withInputs = (context: object, inputs: object): object =>
  watch(context, new Recorder(toReads(), []), () => true, inputs)

interface ViewOptions {
  /** The context outside of the cache. */
  readonly outer: { readonly url: URL; readonly signal: AbortSignal }
  /** What `key` read. */
  readonly reads: Reads
  /** The URL without the query, in the spelling of the key. */
  readonly href: string
  readonly pattern: string
  readonly tracker: Tracker
  readonly signal: () => AbortSignal
}

/**
 * Makes the function that wraps each inner context. The context's own members and the values that inner middleware added can
 * be read. Every other name, present or absent, is a value that outer middleware added or could have added: its reads are
 * tracked.
 */
export function toView({ outer, reads, href, pattern, tracker, signal }: ViewOptions): (context: object) => object {
  const guard = new Guard(reads, tracker)
  let url: URL | undefined
  return (context) => {
    const isInner = (name: PropertyKey): boolean =>
      Object.hasOwn(context, name) &&
      !(Object.hasOwn(outer, name) && Object.is(outer[name as never], context[name as never]))
    const replaced = {
      get url() {
        return (url ??= new TrackedURL(href, outer.url, tracker))
      },
      get params() {
        // Those of other patterns are part of the key.
        return pattern.includes('[') ? (context as { params?: object }).params : {}
      },
      get signal() {
        const { signal: own } = context as ViewOptions['outer']
        // An inner middleware can have passed its own.
        return own === outer.signal ? signal() : own
      },
    }
    return watch(context, guard, (name) => isOwn(context, name) || isInner(name), replaced)
  }
}

/**
 * Whether a name is a member of every context: outer middleware cannot add it. `ip` belongs to one client. An absent symbol,
 * and `then`, are what the language and the console ask for.
 */
const isOwn = (context: object, name: PropertyKey): boolean =>
  !Object.hasOwn(context, name)
    ? typeof name === 'symbol' || name === 'then' || (name in context && name !== 'ip' && !(name in Object.prototype))
    : name === 'then'
