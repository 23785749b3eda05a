import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { fileStore } from '../../src/cache/stores/file-store.js'
import type { Entry } from '../../src/cache/stores/store.js'
import { describeStore } from '../contracts/store.js'

const makeDirectory = (): Promise<string> => mkdtemp(join(tmpdir(), 'byway-store-'))

describeStore(
  'fileStore',
  async () => {
    const directory = await makeDirectory()
    return {
      store: fileStore(directory),
      again: () => fileStore(directory),
      lose: () => rm(join(directory, 'marks'), { recursive: true, force: true }),
      close: () => rm(directory, { recursive: true, force: true }),
    }
  },
  { lease: true },
)

// A sweep runs in the background, so its effect is awaited.
const eventually = (check: () => Promise<void>): Promise<void> => vi.waitFor(check, { timeout: 10_000 })

const toEntry = (key: string, members: Partial<Entry> = {}): Entry => ({
  key,
  status: 200,
  headers: [['content-type', 'text/plain']],
  body: key,
  time: 0,
  revalidate: null,
  expires: null,
  marks: [],
  ...members,
})

describe('fileStore', () => {
  let directory: string
  beforeEach(async () => void (directory = await makeDirectory()))
  afterEach(async () => {
    vi.useRealTimers()
    await rm(directory, { recursive: true, force: true, maxRetries: 5 })
  })

  const files = async (kind = ''): Promise<string[]> => {
    const found = await readdir(join(directory, kind), { recursive: true, withFileTypes: true }).catch(() => [])
    return found.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name))
  }
  const sizeOf = async (): Promise<number> => {
    const stats = await Promise.all((await files()).map((file) => stat(file).catch(() => undefined)))
    return stats.reduce((sum, one) => sum + (one ? one.blocks * 512 : 0), 0)
  }

  it.each([['', 1, undefined, 'a\0b']])('throws for the directory %j', (path) => {
    expect(() => fileStore(path as string)).toThrow(TypeError)
  })

  it.each([0, 65_535, -1, Number.NaN, Number.POSITIVE_INFINITY, '1gb', null])(
    'throws for a maxBytes of %j',
    (maxBytes) => {
      const make = (): unknown => fileStore(directory, { maxBytes: maxBytes as number })
      expect(make).toThrow(RangeError)
      expect(make).toThrow(/fileStore\(\) takes a maxBytes of at least 65536, not /)
    },
  )

  it('creates its directory with the first entry, relative to the working directory at its creation', async () => {
    const before = process.cwd()
    const cwd = vi.spyOn(process, 'cwd').mockReturnValue(directory)
    const store = fileStore('new/one')
    cwd.mockRestore()
    expect(process.cwd()).toBe(before)
    expect(await readdir(directory)).toEqual([])
    await store.set('a', toEntry('a'))
    expect(await files('new/one/entries')).toHaveLength(1)
    expect((await stat(join(directory, 'new/one'))).mode & 0o777).toBe(0o700)
  })

  it('has its entries and versions after a restart', async () => {
    const one = fileStore(directory)
    await one.set('a', toEntry('a', { body: new Uint8Array([1, 2]) }))
    await one.renew(['t:a'])
    const versions = await one.versions(['t:a', 't:b'])
    const next = fileStore(directory)
    expect(await next.get('a')).toEqual(toEntry('a', { body: new Uint8Array([1, 2]) }))
    expect(await next.versions(['t:a', 't:b'])).toEqual(versions)
  })

  it('treats a damaged file as missing, and deletes it', async () => {
    const store = fileStore(directory)
    await store.set('a', toEntry('a'))
    const [file] = (await files()) as [string]
    const whole = await readFile(file)
    const damages: Buffer[] = [Buffer.alloc(0), Buffer.alloc(whole.length), Buffer.concat([whole, whole])]
    for (let end = 0; end < whole.length; end += 7) damages.push(whole.subarray(0, end))
    for (let at = 0; at < whole.length; at += 5) {
      const damaged = Buffer.from(whole)
      damaged[at]! ^= 1 << (at % 8)
      damages.push(damaged)
    }
    for (const damaged of damages) {
      await writeFile(file, damaged)
      expect(await store.get('a')).toBeUndefined()
      expect(await files()).toEqual([])
    }
    await writeFile(file, whole)
    expect(await store.get('a')).toEqual(toEntry('a'))
  })

  it('returns no entry of another key', async () => {
    const store = fileStore(directory)
    await store.set('a', toEntry('a'))
    const [ofA] = (await files()) as [string]
    await store.set('b', toEntry('b'))
    const ofB = (await files()).find((file) => file !== ofA)!
    await writeFile(ofB, await readFile(ofA))
    expect(await store.get('b')).toBeUndefined()
    expect(await store.get('a')).toEqual(toEntry('a'))
  })

  it('replaces a damaged version with a new one', async () => {
    const store = fileStore(directory)
    const seen = new Set(await store.versions(['t:a']))
    const [file] = (await files('marks')) as [string]
    for (const damaged of ['', '\0'.repeat(36), [...seen][0]!.slice(1), 'v1']) {
      await writeFile(file, damaged)
      const [version] = (await store.versions(['t:a'])) as [string]
      expect(seen).not.toContain(version)
      expect(await fileStore(directory).versions(['t:a'])).toEqual([version])
      seen.add(version)
    }
  })

  it('deletes an expired entry when it is read', async () => {
    vi.useFakeTimers({ now: Date.now(), toFake: ['Date'] })
    const store = fileStore(directory)
    await store.set('a', toEntry('a', { expires: Date.now() + 10_000 }))
    vi.advanceTimersByTime(9_999)
    expect(await store.get('a')).toBeDefined()
    vi.advanceTimersByTime(1)
    expect(await store.get('a')).toBeUndefined()
    expect(await files()).toEqual([])
  })

  it('rejects with the reason if it cannot write, and leaves no file', async () => {
    const store = fileStore(directory)
    await store.set('a', toEntry('a'))
    const [file] = (await files()) as [string]
    // A directory in the place of the file cannot be replaced by one.
    await rm(file)
    await mkdir(join(file, 'in the way'), { recursive: true })
    await expect(async () => store.set('a', toEntry('a'))).rejects.toThrow(/EISDIR|ENOTEMPTY|EEXIST|EPERM/)
    expect(await files()).toEqual([])
    await writeFile(join(directory, 'file'), '')
    await expect(async () => fileStore(join(directory, 'file')).set('a', toEntry('a'))).rejects.toThrow('ENOTDIR')
  })

  it('deletes the least recently used files to stay within maxBytes', async () => {
    const maxBytes = 4 * 2 ** 20
    const store = fileStore(directory, { maxBytes })
    const kept = toEntry('kept', { body: 'kept' })
    await store.set('kept', kept)
    const [keptFile] = (await files()) as [string]
    const [version] = await store.versions(['t:kept'])
    let highest = 0
    for (let index = 0; index < 400; index++) {
      await store.set(`${index}`, toEntry(`${index}`, { body: 'x'.repeat(index % 2 ? 60_000 : 20_000) }))
      // Reading sets the access time only on some file systems, and on some of them once a day.
      await utimes(keptFile, new Date(), 0)
      if (index % 10 === 0) highest = Math.max(highest, await sizeOf())
    }
    expect(highest).toBeLessThan(maxBytes * 1.15)
    expect(highest).toBeGreaterThan(maxBytes / 2)
    await eventually(async () => expect(await sizeOf()).toBeLessThan(maxBytes))
    expect(await store.get('0')).toBeUndefined()
    expect(await store.get('399')).toBeDefined()
    expect(await store.get('kept')).toEqual(kept)
    expect(await store.versions(['t:kept'])).toEqual([version])
  })

  it('deletes versions to stay within maxBytes', async () => {
    const maxBytes = 2 ** 20
    const store = fileStore(directory, { maxBytes })
    const [first] = await store.versions(['t:first'])
    for (let index = 0; index < 60; index++)
      await store.versions(Array.from({ length: 10 }, (_, at) => `t:${index}:${at}`))
    await eventually(async () => expect((await files('marks')).length).toBeLessThan(200))
    expect(await store.versions(['t:first'])).not.toEqual([first])
  })

  // A sweep begins after an eighth of the bound was written.
  const sweep = async (): Promise<void> => {
    const store = fileStore(directory, { maxBytes: 2 ** 20 })
    await store.set('large', toEntry('large', { body: 'x'.repeat(150_000) }))
  }

  it('deletes expired files, and temporary files of processes that ended during a write', async () => {
    const store = fileStore(directory)
    await store.set('kept', toEntry('kept', { expires: Date.now() + 100_000 }))
    await store.set('for ever', toEntry('for ever'))
    await store.set('expired', toEntry('expired', { expires: Date.now() + 100 }))
    await store.lease!('run out', 100)
    const lease = await store.lease!('held', 100_000)
    const [any] = (await files('entries')) as [string]
    await writeFile(`${any}.new.tmp`, 'being written')
    await sleep(150)
    await sweep()
    await eventually(async () => expect(await files('leases')).toHaveLength(1))
    await eventually(async () => expect(await files('entries')).toHaveLength(4))
    expect(await store.get('kept')).toBeDefined()
    expect(await store.get('for ever')).toBeDefined()
    expect(await store.lease!('held', 100)).toBeUndefined()
    await lease!.release()

    vi.useFakeTimers({ now: Date.now() + 700_000, toFake: ['Date'] })
    await sweep()
    await eventually(async () => expect((await files('entries')).filter((file) => file.endsWith('.tmp'))).toEqual([]))
  })

  it('reports a failed sweep with a later entry, and sweeps again', async () => {
    await writeFile(join(directory, 'leases'), 'not a directory')
    const store = fileStore(directory, { maxBytes: 65_536 })
    await eventually(async () => {
      await expect(async () => store.set('a', toEntry('a'))).rejects.toThrow('ENOTDIR')
    })
    expect(await store.get('a')).toBeDefined()
    await rm(join(directory, 'leases'))
    await eventually(async () => {
      for (let index = 0; index < 40; index++) await store.set(`${index}`, toEntry(`${index}`))
    })
    await eventually(async () => expect((await files('entries')).length).toBeLessThan(16))
  })
})
