import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CacheStore, Entry } from '../../src/cache/stores/store.js'

export interface Made {
  readonly store: CacheStore
  /** A second instance with the same data, like that of another process. */
  readonly again?: () => CacheStore | Promise<CacheStore>
  /** Loses data that the store can lose, at least the versions of these marks, like a restart or an eviction. */
  readonly lose?: (marks: readonly string[]) => unknown
  readonly close?: () => unknown
}

export interface Promises {
  /** Whether the store has leases. */
  readonly lease: boolean
  /** Whether concurrent first requests for a version all get the same one. @default true */
  readonly firstVersionsAgree?: boolean
  /** Runs of each property. @default 50 */
  readonly runs?: number
}

const fromCodes = (codes: readonly number[]): string => String.fromCharCode(...codes)

/** A text of any UTF-16, so with NUL and the halves of surrogate pairs, and sometimes a long one. */
export const anyText = (): fc.Arbitrary<string> =>
  fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.array(fc.oneof(fc.nat(0xffff), fc.integer({ min: 0xd800, max: 0xdfff })), { maxLength: 20 }).map(fromCodes),
    fc.tuple(fc.string(), fc.integer({ min: 500, max: 3_000 })).map(([text, count]) => `${text}/`.repeat(count)),
  )

const headerName = fc.string({
  unit: fc.constantFrom(..."abcdefghijklmnopqrstuvwxyz0123456789-_.!#$%&'*+^`|~"),
  minLength: 1,
  maxLength: 20,
})
const headerValue = fc
  .array(fc.oneof(fc.integer({ min: 0x20, max: 0x7e }), fc.integer({ min: 0x80, max: 0xff }), fc.constant(9)))
  .map((codes) => fromCodes(codes).replace(/^[\t ]+|[\t ]+$/g, ''))

/** Any entry that has not expired, with this key or any key. */
export const anyEntry = (key: fc.Arbitrary<string> = anyText()): fc.Arbitrary<Entry> =>
  fc.record({
    key,
    status: fc.oneof(fc.constant(200), fc.integer({ min: 200, max: 599 })),
    headers: fc.array(fc.tuple(headerName, headerValue), { maxLength: 8 }),
    body: fc.oneof(anyText(), fc.uint8Array({ maxLength: 300 })),
    time: fc.oneof(
      fc.nat(Date.now()),
      fc.nat().map((part) => Date.now() - part / 8),
    ),
    revalidate: fc.oneof(fc.constant(null), fc.nat(), fc.constant(0.5)),
    expires: fc.oneof(
      fc.constant(null),
      fc.integer({ min: 60, max: 1e9 }).map((seconds) => Date.now() + seconds * 1_000),
    ),
    marks: fc.array(fc.tuple(anyText(), fc.string({ minLength: 1 })), { maxLength: 4 }),
  })

/** Every store of entries must pass these tests. Each test gets an empty store. */
export function describeStore(name: string, make: () => Made | Promise<Made>, promises: Promises): void {
  const { lease: hasLease, firstVersionsAgree = true, runs: numRuns = 50 } = promises

  describe(name, () => {
    let made: Made
    let store: CacheStore
    let other: CacheStore
    beforeEach(async () => {
      made = await make()
      store = made.store
      other = (await made.again?.()) ?? store
    })
    afterEach(() => made.close?.() as Promise<void>)

    const entry: Entry = {
      key: 'key',
      status: 200,
      headers: [
        ['content-type', 'text/plain;charset=utf-8'],
        ['x-twice', '1'],
        ['x-twice', '2'],
      ],
      body: 'Grüße 🎉',
      time: 1_700_000_000_000,
      revalidate: 60,
      expires: null,
      marks: [
        ['t:a', 'v1'],
        ['p:/a', 'v2'],
      ],
    }
    const version = async (from: CacheStore, mark: string): Promise<string> => (await from.versions([mark]))[0]!

    describe('entries', () => {
      it('are returned as they were set, by every instance', async () => {
        await fc.assert(
          fc.asyncProperty(anyEntry(), async (one) => {
            await store.set(one.key, one)
            expect(await store.get(one.key)).toEqual(one)
            expect(await other.get(one.key)).toEqual(one)
          }),
          { numRuns },
        )
      })

      it.each<[string, Entry['body']]>([
        ['no text', ''],
        ['text with NUL, line ends and characters of every length', '\0\r\n\ufeff aé€🎉\u2028'],
        ['text of a MiB', 'ä€🎉x'.repeat(104_000)],
        ['no bytes', new Uint8Array()],
        ['every byte', Uint8Array.from({ length: 256 }, (_, byte) => byte)],
        ['bytes of a MiB', new Uint8Array(2 ** 20).map((_, index) => index * 31)],
        ['a part of a buffer', new Uint8Array([1, 2, 3, 4, 5]).subarray(1, 4)],
      ])('can have the body: %s', async (_name, body) => {
        await store.set('key', { ...entry, body })
        const found = await other.get('key')
        // A comparison of a MiB, member by member, takes a while.
        expect(typeof found!.body === 'string').toBe(typeof body === 'string')
        expect(Buffer.from(found!.body as string).equals(Buffer.from(body as string))).toBe(true)
        expect({ ...found, body: 0 }).toEqual({ ...entry, body: 0 })
      })

      it('are missing until they are set', async () => {
        await fc.assert(
          fc.asyncProperty(anyText(), async (key) => {
            expect(await store.get(key)).toBeUndefined()
            await store.delete(key)
          }),
          { numRuns },
        )
      })

      it('are returned only for their own key', async () => {
        const long = 'k'.repeat(100_000)
        const keys = ['a', 'A', 'a ', ' a', 'a\0', '', 'á', 'a\u0301', '\ud800', '\ud801', '\ufffd', '{"a":1}', '../a']
        keys.push('__proto__', 'constructor', long, `${long}k`, 'a:b', 'a*', '.', '..', 'a/b', 'a%2fb', 'a\nb', 't:a')
        for (const key of keys) await store.set(key, { ...entry, key, body: key })
        for (const key of keys) expect(await other.get(key)).toEqual({ ...entry, key, body: key })
        await store.delete('a')
        for (const key of keys) expect((await other.get(key))?.body).toBe(key === 'a' ? undefined : key)
      })

      it('are replaced by the next one', async () => {
        await store.set('key', entry)
        await other.set('key', { ...entry, body: new Uint8Array([1]), headers: [], marks: [], revalidate: null })
        expect(await store.get('key')).toEqual({
          ...entry,
          body: new Uint8Array([1]),
          headers: [],
          marks: [],
          revalidate: null,
        })
      })

      it('are missing for all instances after they are deleted', async () => {
        await store.set('key', entry)
        await other.set('kept', { ...entry, key: 'kept' })
        await other.delete('key')
        expect(await store.get('key')).toBeUndefined()
        expect(await other.get('key')).toBeUndefined()
        expect(await store.get('kept')).toBeDefined()
      })

      it('are missing after they expired', async () => {
        const expires = Date.now() + 400
        await store.set('key', { ...entry, expires })
        await store.set('later', { ...entry, key: 'later', expires: Date.now() + 100_000 })
        const found = await other.get('key')
        if (Date.now() < expires) expect(found).toBeDefined()
        await sleep(500)
        expect(await store.get('key')).toBeUndefined()
        expect(await other.get('key')).toBeUndefined()
        expect(await other.get('later')).toBeDefined()
      })

      it('that expired before they were set are not stored, and the previous entry is deleted', async () => {
        await store.set('key', entry)
        await store.set('key', { ...entry, expires: Date.now() - 1_000 })
        expect(await store.get('key')).toBeUndefined()
        expect(await other.get('key')).toBeUndefined()
      })

      it('can expire in a fraction of a millisecond, or in a thousand years', async () => {
        for (const expires of [Date.now() + 100_000.5, Date.now() + 3e13]) {
          await store.set('key', { ...entry, expires })
          expect(await other.get('key')).toEqual({ ...entry, expires })
        }
      })

      it('are complete while other instances write and delete them', async () => {
        const bodies = Array.from({ length: 20 }, (_, index) => String(index).repeat(20_000))
        const valid = new Set<unknown>([undefined, ...bodies])
        await Promise.all(
          bodies.map(async (body, index) => {
            const one = index % 2 ? store : other
            await one.set('key', { ...entry, body })
            expect(valid).toContain((await other.get('key'))?.body)
            if (index % 5 === 0) await one.delete('key')
            expect(valid).toContain((await store.get('key'))?.body)
          }),
        )
        await store.set('key', entry)
        expect(await other.get('key')).toEqual(entry)
      })
    })

    describe('versions', () => {
      it('are stable strings, in the order of the marks', async () => {
        await fc.assert(
          fc.asyncProperty(fc.array(anyText(), { maxLength: 6 }), async (marks) => {
            const first = await store.versions(marks)
            expect(first).toEqual(marks.map(() => expect.stringMatching(/./)))
            expect(await other.versions(marks)).toEqual(first)
            expect(await store.versions(marks.toReversed())).toEqual(first.toReversed())
          }),
          { numRuns },
        )
      })

      it('are returned for no mark, for one twice, and for a thousand', async () => {
        expect(await store.versions([])).toEqual([])
        const [one, same] = await store.versions(['a', 'a'])
        expect(one).toBe(same)
        const marks = Array.from({ length: 1_000 }, (_, index) => `t:${index}`)
        const many = await store.versions(marks)
        expect(many).toHaveLength(1_000)
        expect(await other.versions(marks)).toEqual(many)
      })

      it('do not depend on entries', async () => {
        const before = await version(store, 'key')
        await store.set('key', entry)
        expect(await version(other, 'key')).toBe(before)
        await store.delete('key')
        expect(await version(other, 'key')).toBe(before)
        await store.renew(['key'])
        await store.set('key', entry)
        await store.renew(['key'])
        expect(await other.get('key')).toEqual(entry)
      })

      it('are the same for concurrent first reads', async () => {
        for (let round = 0; round < 5; round++) {
          const mark = `t:${round}`
          const answers = await Promise.all(
            Array.from({ length: 20 }, (_, index) => version(index % 2 ? store : other, mark)),
          )
          if (firstVersionsAgree) expect(new Set(answers).size).toBe(1)
          const settled = await version(store, mark)
          expect(answers).toContain(settled)
          expect(await version(other, mark)).toBe(settled)
        }
      })
    })

    describe('renew', () => {
      it('changes the versions of its marks for all instances, and no other versions', async () => {
        const lists = fc.uniqueArray(anyText(), { minLength: 1, maxLength: 6 })
        await fc.assert(
          fc.asyncProperty(lists, fc.nat(), async (marks, count) => {
            const renewed = marks.slice(0, 1 + (count % marks.length))
            const before = await store.versions(marks)
            await store.renew(renewed)
            const after = await other.versions(marks)
            marks.forEach((mark, index) => {
              if (renewed.includes(mark)) expect(after[index]).not.toBe(before[index])
              else expect(after[index]).toBe(before[index])
            })
            expect(await store.versions(marks)).toEqual(after)
          }),
          { numRuns },
        )
      })

      it('never returns to an earlier version', async () => {
        const seen = new Set<string>()
        for (let round = 0; round < 30; round++) {
          if (round % 3) seen.add(await version(round % 2 ? store : other, 'a'))
          const before = seen.size
          await (round % 2 ? other : store).renew(['a'])
          seen.add(await version(round % 2 ? store : other, 'a'))
          expect(seen.size).toBe(before + 1)
        }
      })

      it('accepts no mark, a mark twice, and marks that were never read', async () => {
        await store.renew([])
        await store.renew(['a', 'a', 'b'])
        const versions = await other.versions(['a', 'b'])
        expect(await store.versions(['a', 'b'])).toEqual(versions)
      })

      it('takes effect for all concurrent instances', async () => {
        const before = await version(store, 'a')
        await Promise.all(
          Array.from({ length: 20 }, async (_, index) => {
            const one = index % 2 ? store : other
            await one.renew(['a'])
            expect(await version(index % 3 ? store : other, 'a')).not.toBe(before)
          }),
        )
        const after = await version(store, 'a')
        expect(after).not.toBe(before)
        expect(await version(other, 'a')).toBe(after)
      })

      it('takes precedence over first versions that are created concurrently', async () => {
        for (let round = 0; round < 10; round++) {
          const mark = `t:${round}`
          const before = await version(store, mark)
          await made.lose?.([mark])
          const work: unknown[] = []
          for (let index = 0; index < 6; index++)
            work.push(index === 3 ? store.renew([mark]) : version(index % 2 ? store : other, mark))
          await Promise.all(work)
          const after = await version(other, mark)
          expect(after).not.toBe(before)
          expect(await version(store, mark)).toBe(after)
        }
      })
    })

    it('creates a new version for a mark whose version was lost', async ({ skip }) => {
      if (!made.lose) return skip('It loses nothing.')
      const seen = new Set<string>()
      for (let round = 0; round < 4; round++) {
        if (round % 2) await store.renew(['a', 'b'])
        const now = await other.versions(['a', 'b'])
        for (const one of new Set(now)) {
          expect(seen).not.toContain(one)
          seen.add(one)
        }
        await made.lose(['a', 'b'])
      }
      const last = await store.versions(['a', 'b'])
      for (const one of last) expect(seen).not.toContain(one)
      expect(await other.versions(['a', 'b'])).toEqual(last)
    })

    if (!hasLease) {
      it('has no lease()', () => expect(store.lease).toBeUndefined())
      return
    }

    describe('lease', () => {
      const take = async (from: CacheStore, key: string, milliseconds: number) => from.lease!(key, milliseconds)

      it('is granted to one of all concurrent callers', async () => {
        for (let round = 0; round < 10; round++) {
          const asked = await Promise.all(
            Array.from({ length: 20 }, (_, index) => take(index % 2 ? store : other, `key ${round}`, 10_000)),
          )
          expect(asked.filter(Boolean)).toHaveLength(1)
        }
      })

      it('is granted separately for each key, for any keys', async () => {
        await fc.assert(
          fc.asyncProperty(fc.uniqueArray(anyText(), { maxLength: 4 }), async (keys) => {
            const leases = await Promise.all(keys.map((key) => take(store, key, 10_000)))
            expect(leases).not.toContain(undefined)
            for (const key of keys) expect(await take(other, key, 10_000)).toBeUndefined()
            for (const one of leases) await one!.release()
          }),
          { numRuns },
        )
      })

      it('can be granted again after each release', async () => {
        for (let round = 0; round < 5; round++) {
          const lease = await take(round % 2 ? store : other, 'key', 10_000)
          expect(lease).toBeDefined()
          expect(await take(round % 2 ? other : store, 'key', 10_000)).toBeUndefined()
          await lease!.release()
        }
      })

      it('expires, and is then granted to one of all concurrent callers', async () => {
        expect(await take(store, 'key', 1_000)).toBeDefined()
        expect(await take(other, 'key', 1_000)).toBeUndefined()
        await sleep(1_100)
        const asked = await Promise.all(
          Array.from({ length: 20 }, (_, index) => take(index % 2 ? store : other, 'key', 10_000)),
        )
        expect(asked.filter(Boolean)).toHaveLength(1)
      })

      it('is not released by a previous owner', async () => {
        const late = await take(store, 'key', 100)
        await sleep(200)
        const current = await take(other, 'key', 10_000)
        expect(current).toBeDefined()
        await late!.release()
        expect(await take(store, 'key', 10_000)).toBeUndefined()
        await current!.release()
        await late!.release()
        await current!.release()
        const next = await take(store, 'key', 10_000)
        expect(next).toBeDefined()
        await current!.release()
        expect(await take(other, 'key', 10_000)).toBeUndefined()
      })

      it('changes neither the entry of its key nor the version of a mark with that name', async () => {
        const before = await version(store, 'key')
        await store.set('key', entry)
        const lease = await take(store, 'key', 10_000)
        expect(await other.get('key')).toEqual(entry)
        await store.delete('key')
        expect(await take(other, 'key', 10_000)).toBeUndefined()
        await lease!.release()
        expect(await version(other, 'key')).toBe(before)
      })
    })
  })
}
