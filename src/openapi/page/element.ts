type Attributes = { readonly [name: string]: string | number | boolean | undefined }
type Child = Node | string | false | undefined

/** Creates an element with attributes and children. Strings become text nodes, never markup. */
export function element<name extends keyof HTMLElementTagNameMap>(
  name: name,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[name] {
  const made = document.createElement(name)
  for (const [attribute, value] of Object.entries(attributes))
    if (value !== undefined && value !== false) made.setAttribute(attribute, value === true ? '' : String(value))
  made.append(...children.filter((child) => child !== undefined && child !== false))
  return made
}

/** Returns a link to a web or mail address or to a place on this page, else `other`. */
export function webLink(href: string, text: string, other: string = text): Node | string {
  // A relative URL has no scheme, such as `javascript:`.
  if (!/^(?:https?:|mailto:|[#./])/i.test(href)) return other
  return element('a', { href, rel: 'noreferrer', target: href[0] === '#' ? undefined : '_blank' }, text)
}

/** Creates a button that copies the text of a node. */
export function copyButton(node: HTMLElement): HTMLElement {
  const button = element('button', { type: 'button', class: 'quiet' }, 'Copy')
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(node.textContent ?? '')
      button.textContent = 'Copied'
    } catch {
      // Pages without HTTPS or permission cannot use the clipboard, so the text is selected instead.
      getSelection()?.selectAllChildren(node)
      button.textContent = 'Selected'
    }
    setTimeout(() => (button.textContent = 'Copy'), 2_000)
  })
  return button
}

/** Shows text in a scrollable block with a copy button. */
export function toBlock(label: string, ...nodes: readonly Child[]): HTMLElement {
  const block = element('pre', { class: 'block', tabindex: 0, role: 'region', 'aria-label': label }, ...nodes)
  return element('div', { class: 'copyable' }, block, copyButton(block))
}

/** Formats JSON with separate styles for keys, strings and other values. */
export function toJsonNodes(value: unknown): (string | Node)[] {
  const text = JSON.stringify(value, undefined, 2)
  // So many elements would block the page.
  if (text.length > 100_000) return [text]
  return text
    .split(/("(?:[^"\\]|\\.)*"(?:\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)/i)
    .map((part, index) =>
      index % 2
        ? element('span', { class: part.endsWith(':') ? 'key' : part[0] === '"' ? 'text' : 'value' }, part)
        : part,
    )
}

/** Strings that the browser stores until the tab is closed. */
export const session = {
  get(key: string): string {
    try {
      return sessionStorage.getItem(`byway:${key}`) ?? ''
    } catch {
      return ''
    }
  },
  set(key: string, value: string): void {
    try {
      if (value) sessionStorage.setItem(`byway:${key}`, value)
      else sessionStorage.removeItem(`byway:${key}`)
    } catch {
      // If the browser denies storage, the value lasts as long as its field.
    }
  },
}
