// The database of the pages: `import { db } from './db.js'`.
export interface Item {
  slug: string
  name: string
  price: number
}

const items = new Map<string, Item>([
  ['tea', { slug: 'tea', name: 'Tea', price: 4 }],
  ['mug', { slug: 'mug', name: 'Mug', price: 9 }],
])

export const db = {
  list: async (page = 1): Promise<Item[]> => [...items.values()].slice(10 * (page - 1), 10 * page),
  has: async (slug: string): Promise<boolean> => items.has(slug),
  find: async (slug: string): Promise<Item | undefined> => items.get(slug),
  add: async (item: Item): Promise<void> => void items.set(item.slug, item),
  remove: async (slug: string): Promise<boolean> => items.delete(slug),
}
