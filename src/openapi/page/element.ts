type Attributes = { readonly [name: string]: string | number | boolean | undefined }
type Child = Node | string | false | undefined

/** An element with attributes and children. Texts are text, never markup. */
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

/** Text in paragraphs, with `code` in it. What else CommonMark has is shown as it was written. */
export const prose = (text: string | undefined): HTMLElement | undefined =>
  text?.trim()
    ? element(
        'div',
        { class: 'prose' },
        ...text
          .trim()
          .split(/\n\s*\n/)
          .map((part) => element('p', {}, ...inline(part))),
      )
    : undefined

const inline = (text: string): (string | Node)[] =>
  text.split(/`([^`]+)`/).map((part, index) => (index % 2 ? element('code', {}, part) : part))

/** A link, if it leads to a web page. */
export const webLink = (href: string, text: string): Node | string =>
  /^https?:\/\//i.test(href) ? element('a', { href, rel: 'noreferrer', target: '_blank' }, text) : text

/** JSON as one reads it: names, texts and values can be told apart. */
export function toJsonNodes(value: unknown): (string | Node)[] {
  const text = JSON.stringify(value, undefined, 2)
  // So many elements that the page would stand still.
  if (text.length > 100_000) return [text]
  return text
    .split(/("(?:[^"\\]|\\.)*"(?:\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)/i)
    .map((part, index) =>
      index % 2
        ? element('span', { class: part.endsWith(':') ? 'key' : part[0] === '"' ? 'text' : 'value' }, part)
        : part,
    )
}

/** What this browser keeps until the tab is closed. */
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
      // Storage may be denied: then it is kept as long as the field is there.
    }
  },
}
