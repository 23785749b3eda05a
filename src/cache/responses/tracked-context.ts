import { Guard, none, Recorder, toReads, watch, type IsOpen, type Reads, type Replace } from './watch.js'
import { TrackedURL } from './tracked-url.js'
import type { Tracker } from './tracker.js'

const replaceInputs =
  (inputs: object): Replace =>
  (name) =>
    Object.hasOwn(inputs, name) ? inputs[name as never] : none

/**
 * The context as `key` sees it, with the validated inputs. Records what `key` reads of the values that outer middleware added,
 * in `reads`, and as `pairs` for the key.
 */
export const toRecordedContext = (context: object, inputs: object, reads: Reads, pairs: unknown[]): object =>
  watch(context, new Recorder(reads, pairs), isOwn, replaceInputs(inputs))

/** The context with the validated inputs, as `tags` sees it. */
export const withInputs = (context: object, inputs: object): object =>
  watch(context, new Recorder(toReads(), []), () => true, replaceInputs(inputs))

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
  const isOpen: IsOpen = (name, context) =>
    isOwn(name, context) ||
    // An inner middleware added it.
    (Object.hasOwn(context, name) &&
      !(Object.hasOwn(outer, name) && Object.is(outer[name as never], context[name as never])))
  let url: URL | undefined
  const replace: Replace = (name, context) => {
    if (name === 'url') return (url ??= new TrackedURL(href, outer.url, tracker))
    // The params of other patterns are part of the key.
    if (name === 'params' && !pattern.includes('[')) return {}
    // An inner middleware can have passed its own signal.
    if (name === 'signal' && (context as ViewOptions['outer']).signal === outer.signal) return signal()
    return none
  }
  return (context) => watch(context, guard, isOpen, replace)
}

/**
 * Whether a name is a member of every context, which outer middleware cannot replace. `ip` belongs to one client. `next()` adds
 * no symbols, and the language reads absent symbols and `then`.
 */
const isOwn: IsOpen = (name, context) =>
  !Object.hasOwn(context, name)
    ? typeof name === 'symbol' || name === 'then' || (name in context && name !== 'ip' && !(name in Object.prototype))
    : name === 'then'
