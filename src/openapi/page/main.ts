import type { OpenApiDocument } from '../document.js'
import { element } from './element.js'
import { toNavigation } from './navigation.js'
import { operationView } from './operation-view.js'
import { overview } from './overview.js'
import { Spec } from './spec.js'

const main = element('main', { id: 'main' })
// The document is in the same directory as this script.
const url = new URL('openapi.json', import.meta.url).href

try {
  const response = await fetch(url)
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`)
  start(new Spec((await response.json()) as OpenApiDocument, url))
} catch (error) {
  main.append(
    element(
      'p',
      { class: 'mistake', role: 'alert' },
      `The OpenAPI document cannot be shown: ${(error as Error).message}`,
    ),
  )
  document.body.append(main)
}

function start(spec: Spec): void {
  const { info } = spec.document
  const navigation = toNavigation(spec)
  const count = `${spec.entries.length} operation${spec.entries.length === 1 ? '' : 's'}`
  const menu = element(
    'button',
    { type: 'button', class: 'menu', 'aria-expanded': 'false', 'aria-controls': 'navigation' },
    count,
  )
  const skip = element('a', { class: 'skip', href: '#title' }, 'Skip to content')
  document.body.append(
    skip,
    element(
      'header',
      { class: 'bar' },
      element('h1', {}, element('a', { href: '#' }, info.title)),
      element('span', { class: 'hint' }, info.version),
      menu,
    ),
    element('div', { class: 'columns' }, navigation.node, main),
  )

  let stop = (): void => {}
  const show = (isMove: boolean): void => {
    const id = decode(location.hash.slice(1))
    const entry = spec.entries.find((one) => one.id === id)
    stop()
    if (entry) {
      const view = operationView(spec, entry)
      stop = () => view.stop()
      main.replaceChildren(view.node)
    } else {
      stop = () => {}
      main.replaceChildren(overview(spec))
    }
    navigation.mark(entry)
    document.title = entry
      ? `${entry.operation.summary ?? `${entry.method} ${entry.path}`} · ${info.title}`
      : info.title
    toggle(false)
    if (!isMove) return
    scrollTo(0, 0)
    document.getElementById('title')!.focus({ preventScroll: true })
  }
  // On wide screens the menu button is hidden and the list is always visible.
  const toggle = (isWanted: boolean): void => {
    const isOpen = isWanted && menu.getClientRects().length > 0
    main.inert = isOpen
    menu.setAttribute('aria-expanded', String(isOpen))
    document.body.classList.toggle('choosing', isOpen)
  }
  menu.addEventListener('click', () => toggle(menu.ariaExpanded !== 'true'))
  skip.addEventListener('click', (event) => {
    event.preventDefault()
    document.getElementById('title')!.focus()
  })
  addEventListener('hashchange', () => show(true))
  addEventListener('keydown', (event) => {
    const { target, key } = event
    if (key === 'Escape' && document.body.classList.contains('choosing')) {
      toggle(false)
      menu.focus()
    }
    const isTyping = target instanceof HTMLElement && /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName)
    if (key !== '/' || isTyping || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    toggle(true)
    navigation.search()
  })
  show(false)
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
