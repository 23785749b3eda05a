import { withBase } from 'vitepress'
import DefaultTheme from 'vitepress/theme'
import { h } from 'vue'
import './style.css'

// VitePress's own page for a missing path has no main landmark.
const missing = () =>
  h('main', { class: 'vp-doc missing' }, [
    h('h1', 'There is no such page'),
    h('p', [h('a', { href: withBase('/') }, 'Start page'), ', or use the search.']),
  ])

export default {
  extends: DefaultTheme,
  Layout: () => h(DefaultTheme.Layout, null, { 'not-found': missing }),
}
