// The order in which a reader needs the pages. A page that is not named follows in the order of its title.
import { readdirSync, readFileSync } from 'node:fs'

interface Item {
  readonly text: string
  readonly link: string
}

const folder = (path: string): URL => new URL(`../${path}/`, import.meta.url)

function itemsOf(path: string, order: readonly string[]): Item[] {
  const names = readdirSync(folder(path))
    .filter((name) => name.endsWith('.md'))
    .map((name) => name.slice(0, -3))
  const rankOf = (name: string): number => (order.includes(name) ? order.indexOf(name) : order.length)
  return names
    .map((name) => {
      const [, title] = /^title: (.*)$/m.exec(readFileSync(new URL(`${name}.md`, folder(path)), 'utf8')) ?? []
      if (!title) throw new Error(`docs/${path}/${name}.md has no title`)
      return { name, text: title, link: name === 'index' ? `/${path}` : `/${path}/${name}` }
    })
    .sort((one, other) => rankOf(one.name) - rankOf(other.name) || one.text.localeCompare(other.text))
    .map(({ text, link }) => ({ text, link }))
}

const group = (text: string, path: string, order: string): { text: string; items: Item[] } => ({
  text,
  items: itemsOf(path, order.split(' ')),
})

export default [
  group('Start', 'start', 'quick-start concepts examples'),
  group(
    'Guide',
    'guide',
    'routes inputs forms responses errors middleware router streaming background-work testing openapi',
  ),
  group('Client', 'client', 'calls retries streams other-repositories tanstack-query'),
  group('Cache', 'cache', 'overview keys tags functions stores prerender debugging'),
  group('Middleware', 'middleware', ''),
  group('Recipes', 'recipes', 'react auth database webhooks websockets proxy files uploads feeds images'),
  group('Hosts', 'hosts', 'index node bun deno workers vercel next service-worker'),
  group('Operate', 'operate', 'checklist docker redis security performance'),
  group('Migrate', 'migrate', 'next hono express fastify'),
  { text: 'Compare', items: [{ text: 'Comparison', link: '/comparison' }] },
  group(
    'Reference',
    'reference',
    'byway reply client cache middleware openapi node jwt otel static og vercel webhooks documents next types cli errors http',
  ),
  group('Contribute', 'contribute', 'architecture testing writing'),
]
