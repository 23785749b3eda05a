import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import { kvStore, type KvNamespace } from '../../src/cache/stores/kv-store.js'
import type { Entry } from '../../src/cache/stores/store.js'
import { describeStore } from '../contracts/store.js'

/** https://developers.cloudflare.com/kv/platform/limits/ and the pages of its methods, but for one write a second for each key. */
class Namespace implements KvNamespace {
  readonly values = new Map<string, { readonly bytes: Uint8Array; readonly until: number }>()
  readonly puts: string[] = []

  async get(key: string, type: 'text'): Promise<string | null> {
    await turn()
    check(key)
    if (type !== 'text') throw new TypeError(`a type of ${String(type)}`)
    const value = this.values.get(key)
    return value && value.until > Date.now() ? new TextDecoder().decode(value.bytes) : null
  }
  async put(key: string, value: string, { expirationTtl }: { expirationTtl?: number } = {}): Promise<void> {
    await turn()
    check(key)
    const bytes = new TextEncoder().encode(value)
    if (bytes.length > 25 * 2 ** 20) throw new Error('KV PUT failed: 413 Value length exceeds limit of 26214400.')
    if (expirationTtl !== undefined && !(Number.isInteger(expirationTtl) && expirationTtl >= 60))
      throw new Error(
        `KV PUT failed: 400 Invalid expiration_ttl of ${expirationTtl}. Expiration TTL must be at least 60.`,
      )
    const until = expirationTtl ? Date.now() + expirationTtl * 1_000 : Number.POSITIVE_INFINITY
    this.puts.push(key)
    this.values.set(key, { bytes, until })
  }
  async delete(key: string): Promise<void> {
    await turn()
    check(key)
    this.values.delete(key)
  }
}

function check(key: string): void {
  if (key === '') throw new TypeError('Key name cannot be empty.')
  if (key === '.' || key === '..') throw new TypeError(`"${key}" is not allowed as a key name.`)
  const { length } = new TextEncoder().encode(key)
  if (length > 512) throw new Error(`UTF-8 encoded length of ${length} exceeds key length limit of 512.`)
}

const entry: Entry = {
  key: 'key',
  status: 200,
  headers: [],
  body: 'text',
  time: 0,
  revalidate: null,
  expires: null,
  marks: [],
}
const toStore = (namespace: KvNamespace) => kvStore(namespace, { consistency: 'eventual' })

describeStore(
  'kvStore',
  () => {
    const namespace = new Namespace()
    const lose = (): void => namespace.values.clear()
    return { store: toStore(namespace), again: () => toStore(namespace), lose }
  },
  { lease: false, firstVersionsAgree: false },
)

describe('kvStore', () => {
  it('throws without consistency: "eventual"', () => {
    const namespace = new Namespace()
    // @ts-expect-error The caller must accept eventual consistency.
    expect(() => kvStore(namespace)).toThrow("kvStore() takes { consistency: 'eventual' }")
    // @ts-expect-error There is no other consistency.
    expect(() => kvStore(namespace, { consistency: 'strong' })).toThrow(TypeError)
  })

  it.each([['', 'x'.repeat(201), 'ä', 'a b', 1 as never]])('throws for a prefix of %j', (prefix) => {
    expect(() => kvStore(new Namespace(), { consistency: 'eventual', prefix })).toThrow(
      'a prefix of 1 to 200 characters',
    )
  })

  it('separates entries and marks by prefix, and begins its keys with the prefix', async () => {
    const namespace = new Namespace()
    const [one, other] = ['one', 'x'.repeat(200)].map((prefix) =>
      kvStore(namespace, { consistency: 'eventual', prefix }),
    )
    await one!.set('key', entry)
    await one!.renew(['t:a'])
    expect(await other!.get('key')).toBeUndefined()
    expect(await other!.versions(['t:a'])).not.toEqual(await one!.versions(['t:a']))
    expect([...namespace.values.keys()].every((key) => /^(?:one|x{200})\//.test(key))).toBe(true)
  })

  it('stores entries in KV for at least a minute, and returns no expired one', async () => {
    vi.useFakeTimers({ now: 1_000_000, toFake: ['Date'] })
    try {
      const namespace = new Namespace()
      const store = toStore(namespace)
      await store.set('key', { ...entry, expires: 1_000_000 + 10_000 })
      await store.set('later', { ...entry, key: 'later', expires: 1_000_000 + 100_500 })
      expect([...namespace.values.values()].map(({ until }) => until)).toEqual([1_060_000, 1_101_000])
      vi.setSystemTime(1_009_999)
      expect(await store.get('key')).toBeDefined()
      vi.setSystemTime(1_010_000)
      expect(await store.get('key')).toBeUndefined()
      expect(await store.get('later')).toBeDefined()
      vi.setSystemTime(1_100_500)
      expect(await store.get('later')).toBeUndefined()
    } finally {
      vi.useRealTimers()
    }
  })

  it('writes to KV once for all marks that were not renewed', async () => {
    const namespace = new Namespace()
    const store = toStore(namespace)
    for (let index = 0; index < 20; index++) await store.versions([`t:${index}`, `p:/${index}`])
    expect(namespace.puts).toHaveLength(1)
    await store.renew(['t:1'])
    await store.versions(['t:1', 't:2'])
    expect(namespace.puts).toHaveLength(2)
  })

  it('treats a damaged or foreign value as missing', async () => {
    const namespace = new Namespace()
    const store = toStore(namespace)
    await store.set('key', entry)
    const [place, { bytes }] = [...namespace.values][0]!
    const text = new TextDecoder().decode(bytes)
    for (const value of ['', '{}', text.slice(1), text.slice(0, -1), `${text} `, text.replace('entry 1', 'entry 2')]) {
      await namespace.put(place, value)
      expect(await store.get('key')).toBeUndefined()
    }
    await namespace.put(place, text)
    expect(await store.get('key')).toEqual(entry)
  })

  it('rejects with the error of KV for a value that is too large', async () => {
    const store = toStore(new Namespace())
    const body = new Uint8Array(25 * 2 ** 20)
    await expect(async () => store.set('key', { ...entry, body })).rejects.toThrow('413')
  })
})
