import { defineConfig } from 'vitepress'
import llms from 'vitepress-plugin-llms'
import sidebar from './sidebar.js'

/** The path of the site on its host, with a `/` at both ends. */
const base = process.env.SITE_BASE ?? '/'

export default defineConfig({
  title: 'byway',
  description: 'Next.js Route Handlers without Next.js: a declarative, type-safe router for HTTP APIs.',
  base,
  cleanUrls: true,
  head: [['link', { rel: 'icon', href: `${base}icon.svg`, type: 'image/svg+xml' }]],
  // A dead link fails the build; http://localhost:3000 is where the reader's server is.
  ignoreDeadLinks: 'localhostLinks',
  // The default themes have less contrast than WCAG demands.
  markdown: { theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' } },
  themeConfig: {
    // Without a label, the button is named by the text that is visible: "Search", and the shortcut.
    search: { provider: 'local', options: { translations: { button: { buttonAriaLabel: '' } } } },
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
