import type { Jsonify } from '../jsonify.js'
import { currentScope, runFill } from '../scope.js'
import { toJson } from '../value.js'
import { toMarks, type Core } from './core.js'
import type { Outcome } from './flight.js'
import { encodeValue } from './key.js'
import { lookUp, type Found } from './lookup.js'
import { remember } from './memo.js'
import { expiresOf, stateOf, type Windows } from './policy.js'
import { backOff, gain, isBackedOff, refresh, type Job, type Versioned } from './runs.js'
import type { Entry } from './store.js'

/** What `cache.wrap` makes of a function, for where it is to be named. */
export type Wrapped<args extends readonly unknown[], result> = (...args: args) => Promise<Jsonify<Awaited<result>>>

/** What a wrapped function is kept by. */
export interface WrapSettings<args extends readonly unknown[]> extends Windows {
  readonly key: string
  readonly revalidate: number | null
  readonly tagsOf: (...args: args) => readonly string[]
}

/** What a function gave, as it is kept, or its error; and what it depends on. */
type Result =
  | { readonly text: string; readonly marks: Versioned }
  | { readonly text: undefined; readonly error: unknown; readonly marks: Versioned }

interface Made {
  readonly outcome: Outcome
  readonly result: Result
}

// Nobody tells a function that who called it has gone.
const never = new AbortController().signal

/** `fn`, whose results are kept: made once for all who want one at the same time, and asked for once in a request. */
export function wrap<args extends readonly unknown[], result>(
  core: Core,
  fn: (...args: args) => result,
  settings: WrapSettings<args>,
): Wrapped<args, result> {
  const { tagsOf, revalidate } = settings
  const prefix = `${core.prefix}w\n${encodeValue(settings.key)} `

  const ask = (key: string, args: args): Promise<Result> => {
    let known: readonly string[] | undefined
    const marks = (): readonly string[] => (known ??= toMarks(core.prefix, tagsOf(...args)))
    const make = async (versioned: Versioned | undefined): Promise<Made> => {
      const time = Date.now()
      const collected = new Map<string, string>()
      // A version that no mark has: what cannot be held against its tags is not kept, and what is made of it is not either.
      const own = versioned ?? marks().map((mark) => [mark, ''] as const)
      try {
        const text = toText(await runFill(collected, undefined, () => fn(...args)))
        const entry = toEntry(key, text, time, revalidate, settings, [...own, ...collected])
        return { outcome: versioned ? entry : 'unstorable', result: { text, marks: entry.marks } }
      } catch (error) {
        return { outcome: 'failed', result: { text: undefined, error, marks: [...own, ...collected] } }
      }
    }
    const { waitUntil } = core
    const signal = (): AbortSignal => never
    return keep({ core, store: core.storeFor(), key, windows: settings, marks, make, signal, waitUntil, drop() {} })
  }

  return async (...args) => {
    const key = prefix + encodeValue(args)
    const isKept = ({ text }: Result): boolean => text !== undefined
    // The caller may change its own before the function runs.
    const result = await remember(core, key, isKept, () => ask(key, args.map(copy) as never))
    collect(result)
    if (result.text === undefined) throw result.error
    return fromText(result.text) as Jsonify<Awaited<result>>
  }
}

async function keep(job: Job<Made>): Promise<Result> {
  const { core, store, key, marks, windows } = job
  const found: Found = await lookUp(store, core.prefix, key, marks)
  const { entry } = found
  const state = entry && stateOf(entry, Date.now(), windows)
  if (entry && (state === 'fresh' || state === 'stale')) {
    if (state === 'stale' || found.isMarkedStale) refresh(job, found)
    return toResult(entry)
  }
  const fallback = state === 'error' ? entry : undefined
  if (fallback && isBackedOff(core, key)) return toResult(fallback)
  const gained = await gain(job, found, !!fallback)
  if (gained === 'failed') return toResult(fallback!)
  if (gained.entry) return toResult(gained.entry)
  const { outcome, result } = gained.made
  if (outcome !== 'failed' || !fallback) return result
  backOff(core, key)
  return toResult(fallback)
}

const toResult = ({ body, marks }: Entry): Result => ({ text: body as string, marks })

/** What is being made with it depends on what it depends on. */
function collect({ marks }: Result): void {
  const collected = currentScope()?.marks
  if (!collected) return
  for (const [mark, version] of marks) {
    const other = collected.get(mark) ?? version
    // What is made of both an older and a newer one is not current, whichever came first.
    collected.set(mark, other === version ? version : '')
  }
}

/** A copy of what `encodeValue` takes. */
function copy(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(copy)
  if (value instanceof Date) return new Date(value)
  if (value instanceof URL) return new URL(value)
  if (value instanceof Map) return new Map([...value].map(([name, member]) => [copy(name), copy(member)]))
  if (value instanceof Set) return new Set([...value].map(copy))
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, copy(member)]))
}

export async function getData(core: Core, key: string): Promise<unknown> {
  const { entry, isMarkedStale } = await lookUp(core.storeFor(), core.prefix, toDataKey(core, key), () => [])
  // Nobody but the caller can make it anew, so that what 'max' would have served once more is gone.
  if (!entry || isMarkedStale || stateOf(entry, Date.now(), { staleWhileRevalidate: 0, staleIfError: 0 }) !== 'fresh')
    return undefined
  collect(toResult(entry))
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
  const windows = { staleWhileRevalidate: 0, staleIfError: 0 }
  const dataKey = toDataKey(core, key)
  await store.set(dataKey, toEntry(dataKey, text, time, revalidate, windows, versioned))
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

// Nothing, which JSON cannot write, is the empty text.
function toText(value: unknown): string {
  if (value === undefined) return ''
  const name = (value as { [Symbol.toStringTag]?: string } | null)?.[Symbol.toStringTag]
  if (name !== undefined && typeof value === 'object' && !('toJSON' in value!))
    throw new TypeError(`a cache keeps what JSON can carry, which a ${name} is not`)
  return toJson(value)
}

const fromText = (text: string): unknown => (text === '' ? undefined : JSON.parse(text))
