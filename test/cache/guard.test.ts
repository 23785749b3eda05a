import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { guardStore, type SafeStore } from '../../src/cache/stores/guard.js'
import type { CacheStore, Entry, Lease } from '../../src/cache/stores/store.js'

const timeout = 500
const entry: Entry = {
  key: 'key',
  status: 200,
  headers: [['content-type', 'text/plain']],
  body: 'body',
  time: 1_700_000_000_000,
  revalidate: 60,
  expires: null,
  marks: [['t:a', '1']],
}

type Method = keyof CacheStore
/** How a method of the store behaves. */
type Mode = 'throws' | 'rejects' | 'hangs' | 'is late' | 'works'

const failing = ['throws', 'rejects', 'hangs'] as const

/** A store in a Map. Each of its methods can be made to fail. */
function fakeStore(isAsync = false) {
  const entries = new Map<string, Entry>()
  const versions = new Map<string, string>()
  const leases = new Set<string>()
  const calls: Method[] = []
  const modes: Partial<Record<Method, Mode>> = {}
  const answers: Partial<Record<Method, unknown>> = {}
  let count = 0

  const act = (method: Method, run: () => unknown): never => {
    calls.push(method)
    const mode = modes[method] ?? 'works'
    const work = (): unknown => (method in answers ? answers[method] : run())
    if (mode === 'throws') throw new Error(`${method} throws`)
    if (mode === 'rejects') return Promise.reject(new Error(`${method} rejects`)) as never
    if (mode === 'hangs') return new Promise(() => {}) as never
    if (mode === 'is late') return new Promise((resolve) => setTimeout(() => resolve(work()), timeout + 100)) as never
    return (isAsync ? Promise.resolve().then(work) : work()) as never
  }
  const store: CacheStore = {
    get: (key) => act('get', () => entries.get(key)),
    set: (key, value) => act('set', () => void entries.set(key, value)),
    delete: (key) => act('delete', () => void entries.delete(key)),
    versions: (marks) =>
      act('versions', () => marks.map((mark) => versions.get(mark) ?? (versions.set(mark, `${++count}`), `${count}`))),
    renew: (marks) => act('renew', () => marks.forEach((mark) => versions.set(mark, `${++count}`))),
    lease: (key) =>
      act('lease', () => {
        if (leases.has(key)) return undefined
        leases.add(key)
        return { release: () => act('release' as Method, () => void leases.delete(key)) }
      }),
  }
  const all = (mode: Mode): void => {
    for (const method of ['get', 'set', 'delete', 'versions', 'renew', 'lease'] as const) modes[method] = mode
  }
  return { store, entries, versions, leases, calls, modes, answers, all }
}

describe('guardStore', () => {
  const report = vi.fn<(error: unknown) => void>()
  const guard = (store: CacheStore): SafeStore => guardStore(store, { timeout, report })
  const messages = (): string[] => report.mock.calls.map(([error]) => (error as Error).message)
  beforeEach(() => {
    report.mockClear()
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  /** Resolves to the result of a call after the timeout. */
  async function after<Answer>(answer: Answer, milliseconds = timeout + 1): Promise<Awaited<Answer>> {
    await vi.advanceTimersByTimeAsync(milliseconds)
    return answer as Promise<Awaited<Answer>>
  }

  const calls: readonly (readonly [Method, (safe: SafeStore) => unknown])[] = [
    ['get', (safe) => safe.get('key')],
    ['set', (safe) => safe.set('key', entry)],
    ['delete', (safe) => safe.delete('key')],
    ['versions', (safe) => safe.versions(['t:a'])],
    ['renew', (safe) => safe.renew(['t:a'])],
    ['lease', (safe) => safe.lease('key', 1_000)],
  ]

  describe('over a store that works', () => {
    it('returns a value if the store does, without a promise or a timer', () => {
      const { store } = fakeStore()
      const safe = guard(store)
      expect(safe.get('key')).toBeUndefined()
      expect(safe.set('key', entry)).toBeUndefined()
      expect(safe.get('key')).toBe(entry)
      const versions = safe.versions(['t:a', 't:b'])
      expect(versions).toEqual(['1', '2'])
      expect(safe.renew(['t:a'])).toBeUndefined()
      expect(safe.versions(['t:a', 't:b'])).toEqual(['3', '2'])
      const lease = safe.lease('key', 1_000) as Lease
      expect(safe.lease('key', 1_000)).toBe('taken')
      expect(lease.release()).toBeUndefined()
      expect(safe.lease('key', 1_000)).toHaveProperty('release')
      expect(safe.delete('key')).toBeUndefined()
      expect(safe.get('key')).toBeUndefined()
      expect(vi.getTimerCount()).toBe(0)
      expect(report).not.toHaveBeenCalled()
    })

    it('returns a promise if the store does, and leaves no timer', async () => {
      const { store } = fakeStore(true)
      const safe = guard(store)
      const set = safe.set('key', entry)
      expect(vi.getTimerCount()).toBe(1)
      await set
      expect(await safe.get('key')).toBe(entry)
      expect(await safe.versions(['t:a'])).toEqual(['1'])
      await safe.renew(['t:a'])
      expect(await safe.versions(['t:a'])).toEqual(['2'])
      const lease = (await safe.lease('key', 1_000)) as Lease
      expect(await safe.lease('key', 1_000)).toBe('taken')
      await lease.release()
      expect(await safe.lease('key', 1_000)).toHaveProperty('release')
      await safe.delete('key')
      expect(await safe.get('key')).toBeUndefined()
      expect(vi.getTimerCount()).toBe(0)
      expect(report).not.toHaveBeenCalled()
    })

    it('does not call the store for an empty list of marks', () => {
      const { store, calls: asked } = fakeStore()
      const safe = guard(store)
      expect(safe.versions([])).toEqual([])
      expect(safe.renew([])).toBeUndefined()
      expect(asked).toEqual([])
    })

    it('returns no lease if the store has no lease()', () => {
      const { lease: _, ...store } = fakeStore().store
      expect(guard(store).lease('key', 1_000)).toBeUndefined()
      expect(report).not.toHaveBeenCalled()
    })

    it('treats any thenable as a promise', async () => {
      const { store } = fakeStore()
      // oxlint-disable-next-line no-thenable
      store.get = () => ({ then: (resolve: (value: Entry) => void) => resolve(entry) }) as never
      expect(await guard(store).get('key')).toBe(entry)
    })
  })

  describe.each(failing)('over a store that %s', (mode) => {
    it.each(calls)('resolves a failed %s to nothing, and reports it once', async (method, call) => {
      const { store, all, calls: asked } = fakeStore()
      all(mode)
      const safe = guard(store)
      const answers = [call(safe), call(safe), call(safe)]
      expect(await after(Promise.all(answers))).toEqual([undefined, undefined, undefined])
      const again = call(safe)
      if (method === 'renew') {
        expect(asked).toEqual(mode === 'hangs' ? ['renew', 'renew', 'renew'] : ['renew', 'renew', 'renew', 'renew'])
        await after(again)
        expect(report).toHaveBeenCalledTimes(4)
        return
      }
      expect(again).toBeUndefined()
      expect(asked).toEqual(mode === 'throws' ? [method] : [method, method, method])
      expect(report).toHaveBeenCalledTimes(1)
      expect(messages()[0]).toBe(
        mode === 'hangs' ? 'the store of the cache did not respond within 500 ms' : `${method} ${mode}`,
      )
    })

    it('calls the store again after 1 s, 2 s, 4 s … 30 s, one call at a time', async () => {
      const { store, modes } = fakeStore()
      modes.get = mode
      const begin = performance.now()
      const times: number[] = []
      const safe = guard({
        ...store,
        get(key) {
          times.push(performance.now() - begin)
          return store.get(key)
        },
      })
      for (let elapsed = 0; elapsed < 115_000; elapsed += 50) {
        void safe.get('key')
        void safe.get('key')
        await vi.advanceTimersByTimeAsync(50)
      }
      // The first two calls reach the store, unless it fails immediately; then one call for each pause.
      const pauses = times.map((time, index) => time - (times[index - 1] ?? 0))
      const probes = pauses.filter((pause) => pause >= 1_000)
      expect(probes).toHaveLength(7)
      for (const [index, seconds] of [1, 2, 4, 8, 16, 30, 30].entries()) {
        expect(probes[index]).toBeGreaterThanOrEqual(seconds * 1_000)
        expect(probes[index]).toBeLessThan(seconds * 1_000 + timeout + 100)
      }
      expect(report).toHaveBeenCalledTimes(1)
    })

    it('uses the store again when it works, and reports the next failure', async () => {
      const { store, modes } = fakeStore()
      const safe = guard(store)
      safe.set('key', entry)
      for (const round of [1, 2]) {
        modes.get = mode
        expect(await after(safe.get('key'))).toBeUndefined()
        modes.get = 'works'
        expect(safe.get('key')).toBeUndefined()
        await vi.advanceTimersByTimeAsync(1_000)
        expect(safe.get('key')).toBe(entry)
        expect(safe.get('key')).toBe(entry)
        expect(report).toHaveBeenCalledTimes(round)
      }
    })
  })

  describe('over a store that fails in part', () => {
    it('reads from the store while writes fail', async () => {
      const { store, modes, calls: asked } = fakeStore()
      const safe = guard(store)
      safe.set('key', entry)
      modes.set = modes.lease = 'throws'
      safe.set('key', { ...entry, body: 'other' })
      asked.length = 0
      safe.set('key', { ...entry, body: 'other' })
      safe.delete('key')
      expect(safe.lease('key', 1_000)).toBeUndefined()
      expect(asked).toEqual([])
      expect(safe.get('key')).toBe(entry)
      expect(safe.versions(['t:a'])).toEqual(['1'])
      expect(report).toHaveBeenCalledTimes(1)
    })

    it('does not write to the store while reads fail', async () => {
      const { store, modes, calls: asked } = fakeStore()
      const safe = guard(store)
      modes.versions = 'throws'
      expect(safe.versions(['t:a'])).toBeUndefined()
      expect(safe.get('key')).toBeUndefined()
      safe.set('key', entry)
      safe.delete('key')
      expect(safe.lease('key', 1_000)).toBeUndefined()
      expect(asked).toEqual(['versions'])
      expect(report).toHaveBeenCalledTimes(1)
    })
  })

  it('does not call the store during a pause, even if an earlier call succeeds', async () => {
    const { store, calls: asked } = fakeStore(true)
    const ends: (() => void)[] = []
    const safe = guard({
      ...store,
      get(key) {
        asked.push('get')
        return new Promise((resolve, reject) =>
          ends.push(key === 'bad' ? () => reject(new Error('bad')) : () => resolve(entry)),
        )
      },
    })
    const answers = [safe.get('bad'), safe.get('key')]
    for (const end of ends) end()
    expect(await Promise.all(answers)).toEqual([undefined, entry])
    expect(safe.get('key')).toBeUndefined()
    expect(asked).toEqual(['get', 'get'])
  })

  describe('over a store that is slow', () => {
    it('uses results that arrive in time', async () => {
      const { store } = fakeStore()
      store.get = () => new Promise((resolve) => setTimeout(() => resolve(entry), timeout - 1))
      expect(await after(guard(store).get('key'))).toBe(entry)
      expect(report).not.toHaveBeenCalled()
    })

    it('does not treat a late result as a success', async () => {
      const { store, modes, calls: asked } = fakeStore()
      modes.get = 'is late'
      const safe = guard(store)
      expect(await after(safe.get('key'))).toBeUndefined()
      await vi.advanceTimersByTimeAsync(200)
      expect(safe.get('key')).toBeUndefined()
      expect(asked).toEqual(['get'])
    })

    it('ignores late errors', async () => {
      const onRejection = vi.fn()
      process.on('unhandledRejection', onRejection)
      const { store } = fakeStore()
      const late = (): Promise<never> => new Promise((_, reject) => setTimeout(() => reject(new Error('late')), 900))
      const broken: CacheStore = { get: late, set: late, delete: late, versions: late, renew: late, lease: late }
      await after(Promise.all(calls.map(([, call]) => call(guard({ ...store, ...broken })))))
      await vi.advanceTimersByTimeAsync(1_000)
      vi.useRealTimers()
      await new Promise((resolve) => setTimeout(resolve, 20))
      process.off('unhandledRejection', onRejection)
      expect(onRejection).not.toHaveBeenCalled()
    })

    it('does not count time in which the process was busy toward the time limit', async () => {
      vi.useRealTimers()
      const { store } = fakeStore()
      // Like a reply that waits in a socket: it arrives after the timers of this turn.
      store.get = () => new Promise((resolve) => setImmediate(() => resolve(entry)))
      const safe = guardStore(store, { timeout: 20, report })
      const answer = await new Promise((resolve) => {
        setImmediate(() => {
          resolve(safe.get('key'))
          const busy = performance.now()
          while (performance.now() - busy < 60);
        })
      })
      expect(answer).toBe(entry)
      expect(report).not.toHaveBeenCalled()
    })
  })

  describe('over a store that returns invalid data', () => {
    it.each<[string, unknown]>([
      ['a text', 'entry'],
      ['a part of an entry', { key: 'key', body: '' }],
      ['an entry with a status that no answer has', { ...entry, status: 0 }],
      ["another key's entry", { ...entry, key: 'other' }],
    ])('treats %s as a miss, reports it and continues', async (_name, value) => {
      for (const isAsync of [false, true]) {
        report.mockClear()
        const { store, answers } = fakeStore(isAsync)
        const safe = guard(store)
        await safe.set('key', entry)
        answers.get = value
        for (let round = 0; round < 5; round++) expect(await safe.get('key')).toBeUndefined()
        expect(report).toHaveBeenCalledTimes(1)
        expect(messages()[0]).toMatch(/^the store of the cache returned /)
        delete answers.get
        expect(await safe.get('key')).toBe(entry)
      }
    })

    it('treats null as a miss', () => {
      const { store, answers } = fakeStore()
      answers.get = answers.lease = null
      const safe = guard(store)
      expect(safe.get('key')).toBeUndefined()
      expect(safe.lease('key', 1_000)).toBe('taken')
      expect(report).not.toHaveBeenCalled()
    })

    it.each<[string, unknown]>([
      ['nothing', undefined],
      ['too few', ['1']],
      ['too many', ['1', '2', '3']],
      ['numbers', [1, 2]],
      ['holes', ['1', undefined]],
      ['a text', '12'],
    ])('returns no versions if the store returns %s', async (_name, value) => {
      for (const isAsync of [false, true]) {
        const { store, answers } = fakeStore(isAsync)
        answers.versions = value
        expect(await guard(store).versions(['t:a', 't:b'])).toBeUndefined()
      }
      expect(report).toHaveBeenCalledTimes(2)
    })

    it('returns no lease and reports it if the lease is invalid', () => {
      const { store, answers } = fakeStore()
      answers.lease = {}
      expect(guard(store).lease('key', 1_000)).toBeUndefined()
      expect(report).toHaveBeenCalledTimes(1)
    })

    it('never throws for any value', async () => {
      vi.useRealTimers()
      await fc.assert(
        fc.asyncProperty(fc.anything({ withNullPrototype: true }), fc.boolean(), async (value, isAsync) => {
          const { store, answers } = fakeStore(isAsync)
          const safe = guard(store)
          for (const [method, call] of calls) {
            answers[method] = value
            const answer = await call(safe)
            if (method === 'versions' && Array.isArray(value) && value.length === 1 && typeof value[0] === 'string')
              expect(answer).toEqual(value)
            else if (method === 'lease' && (value === null || value === undefined)) expect(answer).toBe('taken')
            else expect(answer).toBeUndefined()
          }
        }),
      )
    })
  })

  it('ignores an error that report() throws', async () => {
    report.mockImplementation(() => {
      throw new Error('report')
    })
    const { store, all } = fakeStore()
    all('throws')
    const safe = guard(store)
    for (const [, call] of calls) expect(await call(safe)).toBeUndefined()
    report.mockReset()
  })

  describe('a lease', () => {
    it.each(failing)('ignores a release() that %s', async (mode) => {
      const { store, modes } = fakeStore()
      const lease = guard(store).lease('key', 1_000) as Lease
      modes['release' as Method] = mode
      expect(await after(lease.release())).toBeUndefined()
      expect(report).not.toHaveBeenCalled()
    })

    it('is released if it arrives too late, so that no process waits for its end', async () => {
      const { store, modes, leases, calls: asked } = fakeStore()
      modes.lease = 'is late'
      expect(await after(guard(store).lease('key', 60_000))).toBeUndefined()
      modes.lease = 'works'
      await vi.advanceTimersByTimeAsync(100)
      expect(asked).toEqual(['lease', 'release'])
      expect(leases.size).toBe(0)
    })
  })

  describe('renew', () => {
    it('is tried immediately during a pause, and ends the pause if it succeeds', () => {
      const { store, modes, calls: asked } = fakeStore()
      const safe = guard(store)
      safe.set('key', entry)
      modes.get = 'throws'
      safe.get('key')
      modes.get = 'works'
      expect(safe.get('key')).toBeUndefined()
      asked.length = 0
      safe.renew(['t:a'])
      expect(asked).toEqual(['renew'])
      expect(safe.get('key')).toBe(entry)
    })

    it.each(failing)('leaves its marks without versions until a retry succeeds, if the store %s', async (mode) => {
      const { store, modes } = fakeStore()
      const safe = guard(store)
      const [before] = (await safe.versions(['t:a']))!
      modes.renew = mode
      expect(await after(safe.renew(['t:a', 't:b']))).toBeUndefined()
      expect(report).toHaveBeenCalledTimes(1)
      expect(safe.versions(['t:a'])).toBeUndefined()
      expect(safe.versions(['t:c', 't:b'])).toBeUndefined()
      expect(safe.versions(['t:c'])).toHaveLength(1)
      modes.renew = 'works'
      expect(safe.versions(['t:a'])).toBeUndefined()
      await vi.advanceTimersByTimeAsync(1_000)
      expect(safe.versions(['t:a'])).toEqual([expect.not.stringMatching(`^${before}$`)])
      expect(vi.getTimerCount()).toBe(0)
      expect(report).toHaveBeenCalledTimes(1)
    })

    it('prevents the storage of entries with its marks while it is pending', async () => {
      const { store, modes, entries } = fakeStore()
      const safe = guard(store)
      modes.renew = 'throws'
      safe.renew(['t:a'])
      const other: Entry = { ...entry, key: 'other', marks: [['t:b', '1']] }
      safe.set('other', other)
      expect(entries.size).toBe(0)
      await vi.advanceTimersByTimeAsync(1_100)
      safe.set('other', other)
      safe.set('key', entry)
      expect([...entries.keys()]).toEqual(['other'])
      modes.renew = 'works'
      await vi.advanceTimersByTimeAsync(2_000)
      safe.set('key', entry)
      expect([...entries.keys()]).toEqual(['other', 'key'])
    })

    it('makes a versions() call that began before it return undefined, if it fails', async () => {
      const { store, modes, versions } = fakeStore()
      versions.set('t:a', '1')
      store.versions = () => new Promise((resolve) => setTimeout(() => resolve(['1']), 300))
      modes.renew = 'rejects'
      const safe = guard(store)
      const asked = safe.versions(['t:a'])
      await safe.renew(['t:a'])
      expect(await after(asked)).toBeUndefined()
    })

    it('counts as a success if it succeeds after its time limit', async () => {
      const { store, modes } = fakeStore()
      const safe = guard(store)
      safe.versions(['t:a'])
      modes.renew = 'is late'
      await after(safe.renew(['t:a']))
      modes.renew = 'hangs'
      expect(safe.versions(['t:a'])).toBeUndefined()
      await vi.advanceTimersByTimeAsync(100)
      expect(safe.versions(['t:a'])).toEqual(['2'])
    })

    it.each([
      ['has answered', 0],
      ['has failed', 1],
    ])('waits for an earlier call that hangs, and continues when that call %s', async (_end, side) => {
      const { store } = fakeStore()
      const { renew } = store
      const safe = guard(store)
      safe.versions(['t:a', 't:b', 't:c'])
      const ends: (readonly [() => void, (error: Error) => void])[] = []
      store.renew = () => new Promise((...settle) => ends.push(settle))
      await after(safe.renew(['t:a']))
      for (const mark of ['t:b', 't:c']) expect(safe.renew([mark])).toBeUndefined()
      expect(ends).toHaveLength(1)
      expect(report).toHaveBeenCalledTimes(3)
      for (const mark of ['t:a', 't:b', 't:c']) expect(safe.versions([mark])).toBeUndefined()
      store.renew = renew
      ends[0]![side]!(new Error('It is closed.'))
      await vi.advanceTimersByTimeAsync(1)
      expect(safe.versions(['t:b', 't:c'])).toEqual(['5', '6'])
      expect(safe.versions(['t:a'])).toBeDefined()
    })

    it('waits for an earlier call that hangs, at most until the next retry', async () => {
      const { store, calls: asked, modes } = fakeStore()
      const safe = guard(store)
      modes.renew = 'hangs'
      await after(safe.renew(['t:a']))
      expect(safe.renew(['t:b'])).toBeUndefined()
      expect(asked).toEqual(['renew'])
      await vi.advanceTimersByTimeAsync(1_000)
      expect(asked).toEqual(['renew', 'renew'])
      await vi.advanceTimersByTimeAsync(timeout + 1)
      modes.renew = 'works'
      await vi.advanceTimersByTimeAsync(2_000)
      expect(safe.versions(['t:a', 't:b'])).toBeDefined()
    })

    it('is not completed by the late success of an earlier call', async () => {
      const { store } = fakeStore()
      const safe = guard(store)
      const ends: (() => void)[] = []
      store.renew = () => new Promise((resolve) => ends.push(resolve))
      const first = safe.renew(['t:a'])
      await vi.advanceTimersByTimeAsync(100)
      const second = safe.renew(['t:a'])
      await after(Promise.all([first, second]))
      ends[0]!()
      await vi.advanceTimersByTimeAsync(1)
      expect(safe.versions(['t:a'])).toBeUndefined()
      ends[1]!()
      await vi.advanceTimersByTimeAsync(1)
      expect(safe.versions(['t:a'])).toHaveLength(1)
    })

    it('is not completed by the late success of an earlier call that had timed out', async () => {
      const { store } = fakeStore()
      const safe = guard(store)
      const ends: ((error?: Error) => void)[] = []
      store.renew = () => new Promise((resolve, reject) => ends.push((error) => (error ? reject(error) : resolve())))
      const first = safe.renew(['t:a'])
      const second = safe.renew(['t:a'])
      ends[1]!(new Error('no'))
      await second
      await after(first)
      ends[0]!()
      await vi.advanceTimersByTimeAsync(1)
      expect(safe.versions(['t:a'])).toBeUndefined()
    })

    it('is retried with pauses, and then with each call, until it succeeds', async () => {
      const { store, modes, calls: asked } = fakeStore()
      const safe = guard(store)
      modes.renew = 'rejects'
      await safe.renew(['t:a'])
      asked.length = 0
      await vi.advanceTimersByTimeAsync(24 * 3_600_000)
      const retries = asked.length
      expect(retries).toBeGreaterThan(10)
      expect(retries).toBeLessThan(50)
      expect(vi.getTimerCount()).toBe(0)
      expect(report).toHaveBeenCalledTimes(1)
      for (let round = 1; round <= 3; round++) {
        expect(safe.versions(['t:a'])).toBeUndefined()
        expect(safe.versions(['t:a'])).toBeUndefined()
        await vi.advanceTimersByTimeAsync(40_000)
        expect(asked).toHaveLength(retries + round)
      }
      await safe.renew(['t:b'])
      modes.renew = 'works'
      await vi.advanceTimersByTimeAsync(1_000)
      expect(safe.versions(['t:a', 't:b'])).toHaveLength(2)
    })

    it('is tried with the next call after all retries failed', async () => {
      const { store, modes } = fakeStore()
      const safe = guard(store)
      modes.renew = 'throws'
      safe.renew(['t:a'])
      await vi.advanceTimersByTimeAsync(24 * 3_600_000)
      modes.renew = 'works'
      expect(safe.versions(['t:a'])).toBeUndefined()
      expect(safe.versions(['t:a'])).toHaveLength(1)
    })

    it('retries many marks in calls of at most 100', async () => {
      const { store, modes } = fakeStore(true)
      const sizes: number[] = []
      const safe = guard({
        ...store,
        renew(marks) {
          sizes.push(marks.length)
          return store.renew(marks)
        },
      })
      const marks = Array.from({ length: 1_234 }, (_, index) => `t:${index}`)
      const before = (await safe.versions(marks))!
      modes.renew = 'rejects'
      await safe.renew(marks)
      modes.renew = 'works'
      await vi.advanceTimersByTimeAsync(2_000)
      const now = (await safe.versions(marks))!
      expect(now.filter((version, index) => version === before[index])).toEqual([])
      expect(Math.max(...sizes.slice(1))).toBeLessThanOrEqual(100)
      expect(vi.getTimerCount()).toBe(0)
    })
  })

  it('never fails, never exceeds its time limit, and never returns a version from before a renew', async () => {
    const modes = fc.constantFrom<Mode>('works', 'works', 'works', 'throws', 'rejects', 'hangs', 'is late')
    const steps = fc.array(
      fc.record({
        call: fc.constantFrom<Method>('get', 'set', 'delete', 'versions', 'renew', 'renew', 'lease'),
        mode: modes,
        mark: fc.constantFrom('t:a', 't:b', 't:c'),
        wait: fc.constantFrom(0, 10, 700, 1_500, 40_000),
      }),
      { maxLength: 40 },
    )
    await fc.assert(
      fc.asyncProperty(fc.boolean(), steps, async (isAsync, list) => {
        const fake = fakeStore(isAsync)
        const safe = guard(fake.store)
        const outdated = new Map<string, Set<string>>()
        const seen = new Map<string, Set<string>>()
        for (const { call, mode, mark, wait } of list) {
          fake.all(mode)
          let answer: unknown
          let isDone = false
          const running = (async () => {
            if (call === 'get') answer = await safe.get('key')
            else if (call === 'set') answer = await safe.set('key', { ...entry, marks: [[mark, '1']] })
            else if (call === 'delete') answer = await safe.delete('key')
            else if (call === 'versions') answer = await safe.versions([mark])
            else if (call === 'renew') answer = await safe.renew([mark])
            else answer = await safe.lease('key', 1_000)
            isDone = true
          })()
          await vi.advanceTimersByTimeAsync(timeout + 1)
          expect(isDone).toBe(true)
          await running
          if (call === 'versions' && answer !== undefined) {
            const [version] = answer as string[]
            expect(outdated.get(mark) ?? new Set()).not.toContain(version)
            seen.set(mark, (seen.get(mark) ?? new Set()).add(version!))
          }
          // The versions that the store has returned until then are outdated.
          if (call === 'renew' && seen.has(mark)) outdated.set(mark, new Set(seen.get(mark)))
          await vi.advanceTimersByTimeAsync(wait)
        }
        fake.all('works')
        await vi.advanceTimersByTimeAsync(24 * 3_600_000)
        await safe.versions(['t:a', 't:b', 't:c'])
        await vi.advanceTimersByTimeAsync(1)
        expect(await safe.versions(['t:a', 't:b', 't:c'])).toHaveLength(3)
      }),
      { numRuns: 200 },
    )
  })
})

describe('a process that was paused', () => {
  it('does not count the pause toward the time limit of the store', async () => {
    const report = vi.fn()
    const answer = async (): Promise<Entry> => {
      await new Promise((resolve) => setTimeout(resolve, 1))
      // The reply has arrived, but other replies are read before it, each in a turn of the loop.
      await new Promise((resolve) => setTimeout(resolve, 40))
      return entry
    }
    const store = { get: answer } as unknown as CacheStore
    const asked = guardStore(store, { timeout: 60, report }).get('key')
    const end = performance.now() + 400
    while (performance.now() < end);
    expect(await asked).toBe(entry)
    expect(report).not.toHaveBeenCalled()
  })
})
