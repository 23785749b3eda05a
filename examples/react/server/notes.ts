// A database belongs here. In a module of its own, the notes remain when Vite loads a changed api.ts.
export interface Note {
  readonly slug: string
  readonly title: string
  readonly text: string
}

const notes = new Map<string, Note>()

export const list = (): Note[] => [...notes.values()]
export const find = (slug: string): Note | undefined => notes.get(slug)
export const remove = (slug: string): boolean => notes.delete(slug)

/** Adds a note. Returns `undefined` if there is one with this title. */
export function add({ title, text }: Omit<Note, 'slug'>): Note | undefined {
  const slug = title.toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, '-')
  if (notes.has(slug)) return
  const note = { slug, title, text }
  notes.set(slug, note)
  return note
}

add({ title: 'Tea', text: 'Three minutes.' })
