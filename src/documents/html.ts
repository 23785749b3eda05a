import { toHoles, type Hole } from './html-holes.js'

/** Markup: what `html` made, or `raw` was given. Its text is `String(markup)`. */
export class Html {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  toString(): string {
    return this.#text
  }
}

/** What may stand in a template: text, markup, a list of both, or nothing. */
export type HtmlValue = string | number | bigint | boolean | null | undefined | Html | readonly HtmlValue[]

// Templates are few, and each is one object for ever: https://tc39.es/ecma262/#sec-gettemplateobject
const known = new WeakMap<TemplateStringsArray, readonly Hole[]>()

/**
 * Markup from a template. What is put into it is text: escaped, so that it ends neither an element's text nor the quoted
 * value of an attribute. Markup in it stays markup, lists are joined; `null`, `undefined` and booleans are nothing.
 *
 * A value may stand in text and in a quoted attribute. Anywhere else the template is refused: in a tag or a name, in a
 * value without quotes, a comment, `<script>`, `<style>`, and in attributes that hold code (`onclick`, `style`, `srcdoc`).
 * An address (`href`, `src`, `action` …) that would run as a script is `about:invalid`: http, https, mailto, tel and
 * relative ones are let through.
 *
 * @throws TypeError for a value in a place where escaping would not do, or of a kind that has no text.
 * @example
 * const list = (items: Item[]) => html`<ul>${items.map(({ url, name }) => html`<li><a href="${url}">${name}</a>`)}</ul>`
 * export const page = route('/').get(async () => reply.html(String(html`<!doctype html><title>Items</title>${list(await all())}`)))
 */
export function html(strings: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  let holes = known.get(strings)
  if (!holes) known.set(strings, (holes = toHoles(strings)))
  let text = strings[0]!
  for (const [index, value] of values.entries()) text += fill(value, holes[index]!) + strings[index + 1]!
  return new Html(text)
}

/** Text as markup, as it is: only what you have written or cleaned yourself. */
export const raw = (text: string): Html => new Html(text)

function fill(value: HtmlValue, hole: Hole): string {
  if (value === null || value === undefined || typeof value === 'boolean') return ''
  if (Array.isArray(value)) return value.map((one: HtmlValue) => fill(one, hole)).join('')
  if (value instanceof Html) {
    if (hole.in === 'text') return String(value)
    throw new TypeError(`html: markup stands in the attribute ${hole.name}; put text there`)
  }
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'bigint')
    throw new TypeError(
      `html takes text, numbers, markup and lists of them, not ${typeof value === 'object' ? 'an object' : `a ${typeof value}`}`,
    )
  const text = String(value)
  return escapeHtml(hole.in === 'attribute' ? toSafeAddress(text, hole.addressBefore) : text)
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character]!)

// A scheme is what stands before the first colon, unless that is in a path, a query or a hash. Browsers overlook spaces
// and control characters around it and line ends in it: https://url.spec.whatwg.org/#concept-basic-url-parser
function toSafeAddress(text: string, before: string | undefined): string {
  if (before === undefined) return text
  const [, scheme] = /^([^/?#:]*):/.exec((before + text).replace(/[\0-\x20]/g, '')) ?? []
  return scheme === undefined || /^(?:https?|mailto|tel)$/i.test(scheme) ? text : 'about:invalid'
}
