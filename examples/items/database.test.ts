import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { describeColor, toSlug } from './color.js'
import { openDatabase } from './database.js'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'byway-items-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

describe('openDatabase', () => {
  it('contains the catalog, and writes no file before the first change', async () => {
    const db = await openDatabase(directory)
    expect(db.find('sea-foam')?.hex).toBe('#87e0cf')
    expect(await readdir(directory)).toEqual([])
  })

  it('stores all of many concurrent changes', async () => {
    const db = await openDatabase(directory)
    const names = Array.from({ length: 20 }, (_, index) => `Many ${index}`)
    await Promise.all(names.map((name) => db.add({ name, hex: '#123456' })))
    const again = await openDatabase(directory)
    expect(names.filter((name) => !again.find(toSlug(name)))).toEqual([])
    expect(await readdir(directory)).toEqual(['items.json'])
  })

  it('accepts one of two items that are added concurrently with the same name', async () => {
    const db = await openDatabase(directory)
    const added = await Promise.all(['#111111', '#222222'].map((hex) => db.add({ name: 'One Only', hex })))
    expect(added.filter(Boolean)).toHaveLength(1)
    expect(db.find('one-only')?.hex).toBe('#111111')
  })

  it('does not contain a removed item until it is added again', async () => {
    const db = await openDatabase(directory)
    expect(await db.remove('sky')).toBe(true)
    expect((await openDatabase(directory)).find('sky')).toBe(undefined)
    await db.add({ name: 'Sky', hex: '#abcdef' })
    expect((await openDatabase(directory)).find('sky')?.hex).toBe('#abcdef')
  })

  it('does not confuse item names with properties of Object.prototype', async () => {
    const db = await openDatabase(directory)
    expect(db.find('constructor')).toBe(undefined)
    await db.add({ name: 'constructor', hex: '#123456' })
    expect((await openDatabase(directory)).find('constructor')?.hex).toBe('#123456')
    expect((await openDatabase(directory)).find('__proto__')).toBe(undefined)
  })

  it('deletes the file of a replaced photo and of a removed item', async () => {
    const db = await openDatabase(directory)
    const photo = (text: string): File => new File([text], 'a.png', { type: 'image/png' })
    await db.savePhoto('sky', photo('one'), 'One')
    await db.savePhoto('sky', photo('two'), 'Two')
    expect(await readdir(join(directory, 'photos'))).toHaveLength(1)
    expect(new TextDecoder().decode((await db.findPhoto('sky'))?.bytes)).toBe('two')
    expect(await db.savePhoto('no-such-item', photo('three'), 'Three')).toBe(undefined)
    await db.remove('sky')
    expect(await readdir(join(directory, 'photos'))).toEqual([])
  })

  it.each([
    '{ "version": 1, "changes": {',
    '{ "version": 2, "changes": {} }',
    '{ "version": 1, "changes": { "a": 1 } }',
  ])('throws for an invalid file, and does not change it: %s', async (text) => {
    const path = join(directory, 'items.json')
    await writeFile(path, text)
    await expect(openDatabase(directory)).rejects.toThrow(`${path} cannot be parsed and was not changed.`)
    expect(await readFile(path, 'utf8')).toBe(text)
  })

  it('discards a change whose write fails, and continues to work', async () => {
    const db = await openDatabase(directory)
    // A directory with the name of the file makes rename fail for every user.
    await mkdir(join(directory, 'items.json'))
    await expect(db.add({ name: 'Lost', hex: '#123456' })).rejects.toThrow()
    expect(db.find('lost')).toBe(undefined)
    await rm(join(directory, 'items.json'), { recursive: true })
    expect(await db.add({ name: 'Kept', hex: '#123456' })).toMatchObject({ slug: 'kept' })
    expect(await readdir(directory)).toEqual(['items.json'])
  })
})

describe('the catalog', () => {
  it('has a name, a unique slug and a color for each item', async () => {
    const text = await readFile(new URL('catalog.json', import.meta.url), 'utf8')
    const rows = JSON.parse(text) as [name: string, hex: string][]
    expect(rows.length).toBeGreaterThan(3000)
    expect(new Set(rows.map(([name]) => toSlug(name))).size).toBe(rows.length)
    expect(rows.filter(([name, hex]) => !/^[a-z\d-]+$/.test(toSlug(name)) || !/^#[\da-f]{6}$/.test(hex))).toEqual([])
  })
})

describe('describeColor', () => {
  // The values that Chromium computes for oklch(from … l c h).
  it.each([
    ['#000000', 0, ['grey', 'dark']],
    ['#ffffff', 100, ['grey', 'light']],
    ['#ff0000', 62.8, ['red', 'vivid']],
    ['#653700', 38.6, ['brown', 'dark']],
    ['#008080', 54.3, ['teal']],
    ['#0000ff', 45.2, ['blue', 'vivid']],
  ])('returns the lightness and tags of %s', (hex, lightness, tags) => {
    expect(describeColor(hex)).toEqual({ lightness, tags })
  })
})
