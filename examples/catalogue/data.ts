import { createClient } from 'byway/client'
import { cache } from './cache.js'
import { database } from './database.js'

export type Currency = 'EUR' | 'GBP' | 'USD'

const baseUrl = process.env['DATABASE_URL']
const db = createClient<typeof database>(baseUrl ? { baseUrl } : { fetch: database.fetch })

export const listSeeds = async () => (await db('/seeds').get()).data

export const findSeed = async (slug: string) => (await db('/seeds/[slug]').get({ params: { slug } })).data

export const changePrice = async (slug: string, price: number) =>
  (await db('/seeds/[slug]/price').put({ params: { slug }, body: price })).data

export const listWishes = async (name: string) => (await db('/wishes/[name]').get({ params: { name } })).data

/** The price of a euro in a currency, looked up once an hour. Responses that are made with it get its tag, `rates`. */
export const findRate = cache.wrap(
  async (currency: Currency) => {
    const { data } = await db('/rates/[currency]').get({ params: { currency } })
    if (data === undefined) throw new Error(`There is no rate for ${currency}.`)
    return data
  },
  { key: 'rate', revalidate: 3600, tags: ['rates'] },
)
