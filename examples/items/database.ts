import { randomUUID } from 'node:crypto'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { href } from 'byway'
import { z } from 'zod'
import { describeColor, toSlug } from './color.js'
import type { Filter, Item, ItemChange, NewItem } from './schema.js'

// The differences from the catalog: a row for each item that was added or changed, and `null` for a removed one.
const Row = z.object({
  name: z.string(),
  hex: z.string(),
  photo: z.object({ file: z.uuid(), type: z.string(), alt: z.string() }).optional(),
})
type Row = z.infer<typeof Row>
const Changes = z.object({ version: z.literal(1), changes: z.record(z.string(), Row.nullable()) })

const pageSize = 24

/** The catalog with its changes. Only one process can use it, because the file is read once, when it opens. */
export interface Database {
  list(filter: Filter): { items: Item[]; page: number; pages: number; total: number }
  find(slug: string): Item | undefined
  /** Resolves to `undefined` if another item has this name. */
  add(item: NewItem): Promise<Item | undefined>
  /** The slug does not change with the name. Resolves to `undefined` if there is no such item. */
  update(slug: string, change: ItemChange): Promise<Item | undefined>
  /** Resolves to whether there was such an item. */
  remove(slug: string): Promise<boolean>
  findPhoto(slug: string): Promise<{ bytes: Uint8Array<ArrayBuffer>; type: string } | undefined>
  savePhoto(slug: string, photo: File, alt: string): Promise<Item | undefined>
}

/**
 * Opens the catalog with the changes in `directory`, which is created with the first change.
 *
 * @throws Error if its file cannot be parsed. The file is not changed.
 */
export async function openDatabase(directory: string): Promise<Database> {
  const path = join(directory, 'items.json')
  const catalog = new Map<string, Row>(
    (JSON.parse(await readFile(new URL('catalog.json', import.meta.url), 'utf8')) as [name: string, hex: string][]).map(
      ([name, hex]) => [toSlug(name), { name, hex }],
    ),
  )
  let changes = await readChanges(path)
  let items = toItems(catalog, changes)

  const apply = async <result>(work: (rows: Map<string, Row | null>) => result): Promise<result> => {
    const rows = new Map(changes)
    const result = work(rows)
    if (result === undefined) return result
    const content = { version: 1, changes: Object.fromEntries(rows) }
    await writeFile(path, JSON.stringify(content, null, 2))
    changes = rows
    items = toItems(catalog, changes)
    return result
  }
  // Changes run one after the other, and are in memory when they are on disk. Work that returns `undefined` changed nothing.
  let last: Promise<unknown> = Promise.resolve()
  const change = <result>(work: (rows: Map<string, Row | null>) => result): Promise<result> => {
    const done = last.then(() => apply(work))
    last = done.catch(() => {})
    return done
  }
  const current = (rows: Map<string, Row | null>, slug: string): Row | null =>
    (rows.has(slug) ? rows.get(slug) : catalog.get(slug)) ?? null
  const photoPath = (file: string): string => join(directory, 'photos', file)
  const forget = async (photo: Row['photo']): Promise<void> => {
    if (photo) await rm(photoPath(photo.file), { force: true })
  }

  return {
    list({ q, tag, page }) {
      const words = q.toLowerCase().split(/\s+/).filter(Boolean)
      const found = [...items.values()].filter(
        ({ slug, name, tags }) =>
          tag.every((one) => tags.includes(one)) &&
          words.every((word) => slug.includes(word) || name.toLowerCase().includes(word)),
      )
      const start = (page - 1) * pageSize
      return {
        items: found.slice(start, start + pageSize),
        page,
        pages: Math.ceil(found.length / pageSize),
        total: found.length,
      }
    },

    find: (slug) => items.get(slug),

    add: ({ name, hex }) =>
      change((rows) => {
        const slug = toSlug(name)
        if (current(rows, slug)) return undefined
        rows.set(slug, { name, hex })
        return toItem(slug, { name, hex })
      }),

    update: (slug, { name, hex }) =>
      change((rows) => {
        const row = current(rows, slug)
        if (!row) return undefined
        const changed = { ...row, name: name ?? row.name, hex: hex ?? row.hex }
        rows.set(slug, changed)
        return toItem(slug, changed)
      }),

    async remove(slug) {
      const row = await change((rows) => {
        const row = current(rows, slug)
        if (!row) return undefined
        if (catalog.has(slug)) rows.set(slug, null)
        else rows.delete(slug)
        return row
      })
      await forget(row?.photo)
      return row !== undefined
    },

    async findPhoto(slug) {
      const photo = current(changes, slug)?.photo
      return photo && { bytes: new Uint8Array(await readFile(photoPath(photo.file))), type: photo.type }
    },

    async savePhoto(slug, photo, alt) {
      // The server chooses the name, never the client. The file exists before a record names it.
      const file = randomUUID()
      await writeFile(photoPath(file), new Uint8Array(await photo.arrayBuffer()))
      let before: Row['photo']
      const item = await change((rows) => {
        const row = current(rows, slug)
        if (!row) return undefined
        before = row.photo
        const changed = { ...row, photo: { file, type: photo.type, alt } }
        rows.set(slug, changed)
        return toItem(slug, changed)
      })
      await forget(item ? before : { file, type: '', alt: '' })
      return item
    },
  }
}

// Added items come first.
function toItems(catalog: Map<string, Row>, changes: Map<string, Row | null>): Map<string, Item> {
  const items = new Map<string, Item>()
  for (const [slug, row] of new Map([...changes, ...catalog, ...changes])) if (row) items.set(slug, toItem(slug, row))
  return items
}

const toItem = (slug: string, { name, hex, photo }: Row): Item => ({
  slug,
  name,
  hex,
  ...describeColor(hex),
  ...(photo && { photo: { url: href('/items/[slug]/photo', { slug }), alt: photo.alt } }),
})

async function readChanges(path: string): Promise<Map<string, Row | null>> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Map()
    throw error
  }
  try {
    return new Map(Object.entries(Changes.parse(JSON.parse(text)).changes))
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : (cause as Error).message
    throw new Error(
      `${path} cannot be parsed and was not changed. Correct it, or move it away to start with the catalog alone.\n${reason}`,
      { cause },
    )
  }
}

/** Writes a file completely or not at all: a temporary file replaces it. */
async function writeFile(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(join(path, '..'), { recursive: true })
  const temporary = `${path}.${randomUUID()}.tmp`
  try {
    const file = await open(temporary, 'wx')
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}
