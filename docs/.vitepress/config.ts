import { readdirSync, readFileSync } from 'node:fs'
import { defineConfig } from 'vitepress'
import llms from 'vitepress-plugin-llms'

/** The pages of a folder, by their titles. */
const pagesOf = (folder: string) =>
  readdirSync(new URL(`../${folder}/`, import.meta.url))
    .filter((name) => name.endsWith('.md'))
    .sort()
    .map((name) => {
      const text = readFileSync(new URL(`../${folder}/${name}`, import.meta.url), 'utf8')
      return {
        text: /^title: (.*)$/m.exec(text)![1]!,
        link: `/${folder}/${name === 'index.md' ? '' : name.slice(0, -3)}`,
      }
    })

export default defineConfig({
  title: 'byway',
  description: 'Next.js Route Handlers without Next.js: a declarative, type-safe router for HTTP APIs.',
  cleanUrls: true,
  lastUpdated: false,
  ignoreDeadLinks: 'localhostLinks',
  themeConfig: {
    search: { provider: 'local' },
    nav: [
      { text: 'Quick start', link: '/start/quick-start' },
      { text: 'From Next.js', link: '/migrate/next' },
      { text: 'Comparison', link: '/comparison' },
    ],
    sidebar: [
      { text: 'Start', items: pagesOf('start') },
      { text: 'Guide', items: pagesOf('guide') },
      { text: 'Client', items: pagesOf('client') },
      { text: 'Cache', items: pagesOf('cache') },
      { text: 'Middleware', items: pagesOf('middleware') },
      { text: 'Recipes', items: pagesOf('recipes') },
      { text: 'Hosts', items: pagesOf('hosts') },
      { text: 'Migrate', items: pagesOf('migrate') },
      { text: 'More', items: [{ text: 'Comparison', link: '/comparison' }] },
    ],
    outline: 'deep',
  },
  vite: { plugins: [llms()] },
})
