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

/** Shows CommonMark as paragraphs with inline code. Other syntax is shown as plain text. */
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

/** Returns a link if `href` is an http or https URL, else the text. */
export const webLink = (href: string, text: string): Node | string =>
  /^https?:\/\//i.test(href) ? element('a', { href, rel: 'noreferrer', target: '_blank' }, text) : text

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
