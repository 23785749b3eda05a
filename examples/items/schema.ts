import { z } from 'zod'
import { zfd } from 'zod-form-data'
import { toSlug } from './color.js'

const name = z
  .string()
  .trim()
  .max(60)
  .refine((name) => toSlug(name) !== '', 'A name needs a letter from a to z, or a digit.')
  .meta({ examples: ['Byway Blue'] })

const hex = z
  .string()
  .regex(/^#[\da-f]{6}$/i, 'A color is written as #2f6fde.')
  .toLowerCase()
  .meta({ examples: ['#2f6fde'] })

/** What a client sends to add an item. */
export const NewItem = z.object({ name, hex })
export type NewItem = z.infer<typeof NewItem>

/** What a client sends to change an item. */
export const ItemChange = z
  .object({ name: name.optional(), hex: hex.optional() })
  .refine((change) => Object.keys(change).length > 0, 'Send a name, a hex, or both.')
export type ItemChange = z.infer<typeof ItemChange>

/** An item in a response. Its lightness and tags are computed from the hex. */
export const Item = z.object({
  slug: z.string(),
  name: z.string(),
  hex: z.string(),
  lightness: z.number(),
  tags: z.array(z.string()),
  photo: z.object({ url: z.string(), alt: z.string() }).optional(),
})
export type Item = z.infer<typeof Item>

export const Page = z.object({ items: z.array(Item), page: z.number(), pages: z.number(), total: z.number() })

export const Filter = z.object({
  q: z
    .string()
    .default('')
    .meta({ examples: ['mint'] }),
  tag: z
    .array(z.string())
    .default([])
    .meta({ examples: [['green', 'light']] }),
  page: z.coerce.number().int().min(1).max(10_000).default(1),
})
export type Filter = z.infer<typeof Filter>

export const PhotoForm = zfd.formData({
  photo: zfd.file(z.file().mime(['image/png', 'image/jpeg', 'image/webp', 'image/gif', 'image/avif'])),
  alt: zfd.text(
    z
      .string()
      .max(200)
      .meta({ examples: ['Seen from the ferry'] }),
  ),
})
