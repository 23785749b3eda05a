import { defineConfig } from 'vitepress'
import llms from 'vitepress-plugin-llms'
import sidebar from './sidebar.js'

/** The path of the site on its host. */
const base = '/'

export default defineConfig({
  title: 'byway',
  description: 'Next.js Route Handlers without Next.js: a declarative, type-safe router for HTTP APIs.',
  base,
  cleanUrls: true,
  // A dead link fails the build; http://localhost:3000 is where the reader's server is.
  ignoreDeadLinks: 'localhostLinks',
  themeConfig: {
    search: { provider: 'local' },
    nav: [
      { text: 'Quick start', link: '/start/quick-start' },
      { text: 'From Next.js', link: '/migrate/next' },
      { text: 'Comparison', link: '/comparison' },
      { text: 'Reference', link: '/reference/byway' },
    ],
    sidebar,
    outline: 'deep',
  },
  vite: { plugins: [llms()] },
})
