// node --expose-gc fill.mjs: prints what the heap holds after so many responses.
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { item } from './apps.mjs'

const dist = process.env.BYWAY
  ? pathToFileURL(`${resolve(process.env.BYWAY)}/`)
  : new URL('../../dist/', import.meta.url)
const { route, router } = await import(new URL('index.js', dist).href)
const { createCache, memoryStore } = await import(new URL('cache/index.js', dist).href)

const checkpoints = [0, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 750_000, 1_000_000]
const mebibyte = 2 ** 20
const cache = createCache({ store: memoryStore({ maxBytes: 64 * mebibyte }) })
const app = router({
  one: route
    .use(cache({ revalidate: 3600, tags: ({ params }) => ['items', `item:${params.id}`] }))('/items/[id]')
    .get((_request, { params }) => ({ ...item, id: params.id })),
})
const ask = async (id) =>
  (await app.fetch(new Request(`http://127.0.0.1:3000/items/${id}`))).headers.get('cache-status')

// Warms up, so that compiled code is not part of the figures.
for (let id = 0; id < 2_000; id++) await ask('same')
global.gc()
global.gc()
const base = process.memoryUsage().heapUsed

console.log('| responses | held beyond the empty store, MiB | resident set, MiB | stored |')
console.log('| ---: | ---: | ---: | ---: |')
let id = 0
for (const checkpoint of checkpoints) {
  for (; id < checkpoint; id++) await ask(id)
  global.gc()
  global.gc()
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage()
  const held = (heapUsed + arrayBuffers - base) / mebibyte
  if (held > 64) throw new Error(`after ${checkpoint} responses, ${held.toFixed(1)} MiB are held`)
  const stored = checkpoint === checkpoints.at(-1) ? await countStored() : ''
  console.log(`| ${checkpoint} | ${held.toFixed(1)} | ${(rss / mebibyte).toFixed(0)} | ${stored} |`)
}

// From the newest on, until the first miss.
async function countStored() {
  let stored = 0
  while (stored < id && (await ask(id - 1 - stored)).includes('; hit')) stored++
  return stored
}
