import { element, webLink } from './element.js'

/**
 * Shows CommonMark: paragraphs, headings, lists, quotes, code, emphasis and links. Other syntax, such as HTML, is shown as
 * text, and so is a link that does not lead to a web or mail address.
 */
export const prose = (text: string | undefined): HTMLElement | undefined =>
  text?.trim() ? element('div', { class: 'prose' }, ...toBlocks(text.trim().split(/\r?\n/))) : undefined

const marker = /^ ?(?:[-*+]|(\d+)[.)])\s+/
const quote = /^ {0,3}> ?/
const fence = /^ {0,3}(```|~~~)/
const heading = /^#{1,6}\s+(.*?)[\s#]*$/

const isText = (line: string): boolean =>
  !!line.trim() && ![marker, quote, fence, heading].some((start) => start.test(line))

// Takes the lines of one block after the other.
function toBlocks(lines: string[]): Node[] {
  const blocks: Node[] = []
  const take = (isNext: (line: string, index: number) => unknown): string[] => {
    const end = lines.findIndex((line, index) => index && !isNext(line, index))
    return lines.splice(0, end < 0 ? lines.length : end)
  }
  while (lines.length) {
    const line = lines[0]!
    const [, end] = fence.exec(line) ?? []
    const [, title] = heading.exec(line) ?? []
    const [isList, start] = marker.exec(line) ?? []
    if (end) {
      const [, ...code] = take((one) => !one.includes(end))
      lines.shift()
      blocks.push(element('pre', { class: 'block' }, code.join('\n')))
    } else if (quote.test(line))
      blocks.push(
        element('blockquote', {}, ...toBlocks(take((one) => quote.test(one)).map((one) => one.replace(quote, '')))),
      )
    else if (isList) {
      const items: string[][] = []
      // An item goes on in indented lines, and in lines of text without an empty line before them.
      for (const one of take(
        (one, at) => /^\s{2}|^$/.test(one) || marker.test(one) || (isText(one) && lines[at - 1]!.trim()),
      ))
        if (marker.test(one)) items.push([one.replace(marker, '')])
        else items.at(-1)!.push(one.replace(/^ {2,4}/, ''))
      blocks.push(element(start ? 'ol' : 'ul', { start }, ...items.map((item) => element('li', {}, ...toBlocks(item)))))
    } else if (title || isText(line))
      blocks.push(element(title ? 'h4' : 'p', {}, ...toInline(title ?? take(isText).join('\n'))))
    if (title || !line.trim()) lines.shift()
  }
  return blocks
}

const inline =
  /\\([!-/:-@[-`{-~])|`([^`]+)`|\*\*(\S.*?)\*\*|\*(\S.*?)\*|(?<!\w)_(\S.*?)_(?!\w)|\[([^\]]+)\]\(([^\s()]+)\)|<(https?:[^\s<>]+)>|( {2,}|\\)\n/gs

function toInline(text: string): (Node | string)[] {
  const nodes: (Node | string)[] = []
  let end = 0
  for (const match of text.matchAll(inline)) {
    const [whole, escaped, code, strong, star, underscore, label, href, url] = match
    const emphasis = star ?? underscore
    nodes.push(text.slice(end, match.index))
    end = match.index + whole.length
    if (escaped) nodes.push(escaped)
    else if (code) nodes.push(element('code', {}, code))
    else if (strong) nodes.push(element('strong', {}, ...toInline(strong)))
    else if (emphasis) nodes.push(element('em', {}, ...toInline(emphasis)))
    else if (href || url) nodes.push(webLink((href ?? url)!, (label ?? url)!, whole))
    else nodes.push(element('br'))
  }
  return [...nodes, text.slice(end)]
}
