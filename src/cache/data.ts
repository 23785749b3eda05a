import type { Jsonify } from '../jsonify.js'
import { toJson } from '../json.js'
import { toCollected, toMarks, type Core, type Versioned } from './core.js'
import { encodeValue } from './key.js'
import { expiresOf, stateOf, type Windows } from './responses/policy.js'
import type { Outcome } from './runs/flight.js'
import type { Job } from './runs/job.js'
import { lookUp } from './runs/lookup.js'
import { reuse } from './runs/memo.js'
import { obtain } from './runs/obtain.js'
import { collect, currentContext, isCollecting } from './scopes.js'
import type { Entry } from './stores/store.js'

/** The function that `cache.wrap` returns, for annotations. */
export type Wrapped<args extends readonly unknown[], result> = (...args: args) => Promise<Jsonify<Awaited<result>>>

/** The options of a wrapped function, resolved. */
export interface WrapSettings<args extends readonly unknown[]> extends Windows {
  readonly key: string
  readonly revalidate: number | null
  readonly tagsOf: (...args: args) => readonly string[]
}

/** The result of a function as it is stored, or its error, and the marks that it depends on. */
type Result =
  | { readonly text: string; readonly marks: Versioned; readonly revalidate: number | null }
  | { readonly text: undefined; readonly error: unknown; readonly marks: Versioned; readonly revalidate: null }

interface Made {
  readonly outcome: Outcome
  readonly result: Result
}

/** Wraps a function whose results are stored. Concurrent calls share one run, and calls in one request share one lookup. */
export function wrap<args extends readonly unknown[], result>(
  core: Core,
  fn: (...args: args) => result,
  settings: WrapSettings<args>,
): Wrapped<args, result> {
  const { tagsOf, revalidate } = settings
  const prefix = `${core.prefix}w\n${encodeValue(settings.key)} `
  // A run does not abort with a request: another request can call the function too.
  let never: AbortSignal | undefined

  const find = async (key: string, args: args): Promise<Result> => {
    let known: readonly string[] | undefined
    const marks = (): readonly string[] => (known ??= toMarks(core.prefix, tagsOf(...args)))
    const job: Job<Made> = {
      core,
      store: core.storeFor(),
      key,
      windows: settings,
      waits: isCollecting(),
      marks,
      async make(versioned) {
        const time = Date.now()
        const collected = toCollected(revalidate)
        // No mark has the version ''. A result whose tags have no known version is not stored, nor is what is made of it.
        const own = versioned ?? marks().map((mark) => [mark, ''] as const)
        try {
          const text = toText(await core.run(collected, undefined, () => fn(...args)))
          const entry = toEntry(key, text, time, collected.revalidate, settings, [...own, ...collected.marks])
          return { outcome: versioned ? entry : 'unstorable', result: toResult(entry) }
        } catch (error) {
          return {
            outcome: 'failed',
            result: { text: undefined, error, marks: [...own, ...collected.marks], revalidate: null },
          }
        }
      },
      signal: () => (never ??= new AbortController().signal),
      waitUntil: core.waitUntil,
      discard() {},
    }
    const obtained = await obtain(job)
    return obtained.made ? obtained.made.result : toResult(obtained.entry)
  }

  return async (...args) => {
    const key = prefix + encodeValue(args)
    const isReusable = ({ text }: Result): boolean => text !== undefined
    // The caller can change its arguments before the function runs.
    const result = await reuse(core, currentContext(), key, isReusable, () => find(key, args.map(copy) as never))
    collect(result.marks, result.revalidate)
    if (result.text === undefined) throw result.error
    return fromText(result.text) as Jsonify<Awaited<result>>
  }
}

const toResult = ({ body, marks, revalidate }: Entry): Result => ({ text: body as string, marks, revalidate })

// Copies what `encodeValue` accepts.
function copy(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(copy)
  if (value instanceof Date) return new Date(value)
  if (value instanceof URL) return new URL(value)
  if (value instanceof Map) return new Map([...value].map(([name, member]) => [copy(name), copy(member)]))
  if (value instanceof Set) return new Set([...value].map(copy))
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, copy(member)]))
}

const noWindows: Windows = { staleWhileRevalidate: 0, staleIfError: 0 }

export async function getData(core: Core, key: string): Promise<unknown> {
  const { entry, isMarkedStale } = await lookUp({
    core,
    store: core.storeFor(),
    key: toDataKey(core, key),
    marks: () => [],
  })
  // Only the caller can make the value again, so a value that 'max' made stale is not returned.
  if (!entry || isMarkedStale || stateOf(entry, Date.now(), noWindows) !== 'fresh') return undefined
  collect(entry.marks, entry.revalidate)
  return fromText(entry.body as string)
}

export async function setData(
  core: Core,
  key: string,
  value: unknown,
  revalidate: number | null,
  tags: readonly string[],
): Promise<void> {
  const store = core.storeFor()
  const text = toText(value)
  const marks = toMarks(core.prefix, tags)
  const time = Date.now()
  const versions = await store.versions(marks)
  if (!versions) return
  const versioned = marks.map((mark, index) => [mark, versions[index]!] as const)
  const dataKey = toDataKey(core, key)
  await store.set(dataKey, toEntry(dataKey, text, time, revalidate, noWindows, versioned))
}

export async function deleteData(core: Core, key: string): Promise<void> {
  await core.storeFor().delete(toDataKey(core, key))
}

const toDataKey = ({ prefix }: Core, key: string): string => `${prefix}d\n${key}`

function toEntry(
  key: string,
  body: string,
  time: number,
  revalidate: number | null,
  windows: Windows,
  marks: Versioned,
): Entry {
  return { key, status: 200, headers: [], body, time, revalidate, expires: expiresOf(time, revalidate, windows), marks }
}

// JSON has no `undefined`, so it is the empty string.
const toText = (value: unknown): string => (value === undefined ? '' : toJson(value))
const fromText = (text: string): unknown => (text === '' ? undefined : JSON.parse(text))
