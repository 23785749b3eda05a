import type { Jsonify } from '../jsonify.js'
import { currentScope, runFill } from '../scope.js'
import { toJson } from '../value.js'
import { toMarks, type Core } from './core.js'
import type { Outcome } from './flight.js'
import type { SafeStore } from './guard.js'
import { encodeValue } from './key.js'
import { lookUp, type Found } from './lookup.js'
import { expiresOf, stateOf, type Windows } from './policy.js'
import { backOff, gain, isBackedOff, refresh, type Job, type Versioned } from './runs.js'
import type { Entry } from './store.js'

/** A function whose results are kept. */
export type Wrapped<args extends readonly unknown[], result> = (...args: args) => Promise<Jsonify<Awaited<result>>>

/** What a wrapped function is kept by. */
export interface WrapSettings<args extends readonly unknown[]> extends Windows {
  readonly key: unknown
  readonly revalidate: number | null
  readonly tags: readonly string[] | ((...args: args) => readonly string[])
}

interface Made {
  readonly outcome: Outcome
  readonly text: string
  readonly error: unknown
}

/** A value as it is kept, and what it depends on. */
interface Kept {
  readonly text: string
  readonly marks: Versioned
}

/** `fn`, whose results are kept: made once for all who want one at the same time, and asked for once in a request. */
export function wrap<args extends readonly unknown[], result>(
  core: Core,
  fn: (...args: args) => result,
  settings: WrapSettings<args>,
): Wrapped<args, result> {
  const { key, tags, revalidate } = settings
  const prefix = `${core.prefix}w\n${encodeValue(key)} `
  return async (...args) => {
    const scope = currentScope()
    const key = prefix + encodeValue(args)
    let kept: Promise<Kept> | undefined = scope?.memo.get(key)
    if (!kept) {
      const marks = (): readonly string[] => toMarks(core.prefix, typeof tags === 'function' ? tags(...args) : tags)
      const store = core.storeFor()
      const never = new AbortController().signal
      const make = async (versioned: Versioned | undefined): Promise<Made> => {
        const time = Date.now()
        const collected = new Map<string, string>()
        try {
          const text = toText(await runFill(collected, undefined, () => fn(...args)))
          const own = versioned ?? marks().map((mark) => [mark, ''] as const)
          const entry = toEntry(key, text, time, revalidate, settings, [...own, ...collected])
          // What cannot be held against its tags is not kept, and what is made of it is not either.
          return { outcome: versioned ? entry : 'unstorable', text, error: undefined }
        } catch (error) {
          return { outcome: 'failed', text: '', error }
        }
      }
      kept = keep({
        core,
        store,
        key,
        windows: settings,
        marks,
        make,
        signal: () => never,
        waitUntil: core.waitUntil,
        drop() {},
      })
      scope?.memo.set(key, kept)
      kept.catch(() => scope?.memo.delete(key))
    }
    return fromText(collect(await kept).text) as Jsonify<Awaited<result>>
  }
}

async function keep(job: Job<Made>): Promise<Kept> {
  const { core, store, key, marks, windows } = job
  const found: Found = await lookUp(store, core.prefix, key, marks)
  const { entry } = found
  const state = entry && stateOf(entry, Date.now(), windows)
  if (entry && (state === 'fresh' || state === 'stale')) {
    if (state === 'stale' || found.isMarkedStale) refresh(job, found)
    return toKept(entry)
  }
  const fallback = state === 'error' ? entry : undefined
  if (fallback && isBackedOff(core, key)) return toKept(fallback)
  const gained = await gain(job, found, !!fallback)
  if (gained === 'failed') return toKept(fallback!)
  if (gained.entry) return toKept(gained.entry)
  const { outcome, text, error } = gained.made
  if (typeof outcome === 'object') return toKept(outcome)
  if (outcome === 'unstorable') return { text, marks: marks().map((mark) => [mark, '']) }
  if (!fallback) throw error
  backOff(core, key)
  return toKept(fallback)
}

const toKept = ({ body, marks }: Entry): Kept => ({ text: body as string, marks })

/** What is being made with it depends on what it depends on. */
function collect(kept: Kept): Kept {
  const marks = currentScope()?.marks
  if (marks) for (const [mark, version] of kept.marks) marks.set(mark, version)
  return kept
}

export async function getData(core: Core, key: string): Promise<unknown> {
  const { entry } = await lookUp(core.storeFor(), core.prefix, toDataKey(core, key), () => [])
  if (!entry || stateOf(entry, Date.now(), { staleWhileRevalidate: 0, staleIfError: 0 }) !== 'fresh') return undefined
  return fromText(collect(toKept(entry)).text)
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
