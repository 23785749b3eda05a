import { element } from './element.js'
import { methodMark, pathText } from './operation-view.js'
import { linkTo, toGroup } from './overview.js'
import type { Entry, Spec } from './spec.js'

/** The list of operations with a search field. */
export interface Navigation {
  readonly node: HTMLElement
  mark(current: Entry | undefined): void
  search(): void
}

const open = (section: HTMLElement): void => {
  section.querySelector('details')!.open = true
}

export function toNavigation(spec: Spec): Navigation {
  const input = element('input', {
    type: 'search',
    id: 'search',
    placeholder: 'Search',
    'aria-label': 'Search operations',
    'aria-keyshortcuts': '/',
    autocomplete: 'off',
  })
  const none = element('p', { class: 'hint', hidden: true, role: 'status' }, 'No operation matches.')
  const links = new Map<Entry, HTMLAnchorElement>()
  const sections = spec.groups.map(({ name, entries }) => {
    const items = entries.map((entry) => {
      const { operation } = entry
      const link = element(
        'a',
        {
          href: linkTo(entry),
          title: entry.mistake ?? operation.summary,
          class: entry.mistake ? 'broken' : !!operation.deprecated && 'deprecated',
        },
        methodMark(entry.method),
        pathText(entry.path),
      )
      links.set(entry, link)
      return element('li', {}, link)
    })
    return toGroup('h2', name, element('ul', {}, ...items))
  })
  const visible = (): HTMLAnchorElement[] => [...links.values()].filter((link) => link.checkVisibility())
  input.addEventListener('input', () => {
    const words = input.value.toLowerCase().split(/\s+/)
    for (const [{ method, path, id, group, operation }, link] of links) {
      const text = [method, path, id, group, operation.summary, ...(operation.tags ?? [])].join(' ').toLowerCase()
      link.parentElement!.hidden = !words.every((word) => text.includes(word))
    }
    for (const section of sections) {
      section.hidden = !section.querySelector('li:not([hidden])')
      if (input.value) open(section)
    }
    none.hidden = sections.some((section) => !section.hidden)
  })
  const node = element('nav', { 'aria-label': 'Operations', id: 'navigation' }, input, none, ...sections)
  node.addEventListener('keydown', (event) => {
    const list: HTMLElement[] = [input, ...visible()]
    const at = list.indexOf(document.activeElement as HTMLElement)
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
    if (step && at >= 0) {
      event.preventDefault()
      list[at + step]?.focus()
    } else if (event.key === 'Enter' && at === 0) visible()[0]?.click()
    else if (event.key === 'Escape' && at >= 0) {
      input.value = ''
      input.dispatchEvent(new Event('input'))
      input.focus()
    }
  })
  return {
    node,
    search: () => input.focus(),
    mark(current) {
      for (const [entry, link] of links)
        if (entry === current) {
          link.setAttribute('aria-current', 'page')
          open(link.closest('section')!)
          link.scrollIntoView({ block: 'nearest' })
        } else link.removeAttribute('aria-current')
    },
  }
}
