export interface Element {
  readonly name: string
  readonly attributes: Record<string, string>
  readonly children: readonly (Element | string)[]
}

const characters = /^[\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]*$/u
const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

/** Parses a document strictly by XML 1.0. Document types, CDATA and comments are errors, because byway does not write them. */
export function parseXml(document: string): Element {
  if (!characters.test(document)) throw new Error('the document has a character that XML does not allow')
  let at = 0
  const fail = (what: string): never => {
    throw new Error(`${what} at ${JSON.stringify(document.slice(at, at + 60))}`)
  }
  const take = (pattern: RegExp): RegExpExecArray | null => {
    const sticky = new RegExp(pattern, 'y')
    sticky.lastIndex = at
    const found = sticky.exec(document)
    if (found) at = sticky.lastIndex
    return found
  }
  const decode = (text: string): string =>
    text.replace(/\r\n?/g, '\n').replace(/&([^;]*);?/g, (reference, name: string) => {
      const code = /^#(?:x([\da-fA-F]+)|(\d+))$/.exec(name)
      if (!reference.endsWith(';') || (!code && !Object.hasOwn(entities, name)))
        return fail(`the reference ${reference}`)
      return code ? String.fromCodePoint(Number.parseInt(code[1] ?? code[2]!, code[1] ? 16 : 10)) : entities[name]!
    })

  const element = (): Element => {
    const [, name] = take(/<([a-z][\w:]*)/i) ?? fail('no tag')
    const attributes: Record<string, string> = {}
    for (let found; (found = take(/\s+([a-z][\w:]*)="([^"<]*)"/i));) {
      if (Object.hasOwn(attributes, found[1]!)) fail('an attribute twice')
      attributes[found[1]!] = decode(found[2]!.replace(/[\t\n\r]/g, ' '))
    }
    const children: (Element | string)[] = []
    if (take(/\s*\/>/)) return { name: name!, attributes, children }
    if (!take(/\s*>/)) fail('no end of a tag')
    for (;;) {
      const [text] = take(/[^<]+/) ?? []
      if (text?.includes(']]>')) fail(']]> in text')
      if (text !== undefined) children.push(decode(text))
      const [end, closed] = take(/<\/([\w:]+)\s*>/) ?? []
      if (!end) children.push(element())
      else return closed === name ? { name: name!, attributes, children } : fail(`the end of ${closed} in ${name}`)
    }
  }

  if (!take(/<\?xml version="1\.0" encoding="UTF-8"\?>\s*/)) fail('no declaration')
  const root = element()
  take(/\s+/)
  return at === document.length ? root : fail('more after the root')
}

/** Returns the child elements with this name. */
export const all = ({ children }: Element, name: string): Element[] =>
  children.filter((child): child is Element => typeof child !== 'string' && child.name === name)

/** Returns the text of the only child element with this name. */
export function textOf(parent: Element, name: string): string | undefined {
  const found = all(parent, name)
  if (found.length > 1) throw new Error(`${found.length} elements are called ${name}`)
  return found[0]?.children.map((child) => (typeof child === 'string' ? child : `<${child.name}>`)).join('')
}
