import { toHoles, type Hole } from './html-holes.js'

/** Markup: the result of `html` or `raw`. `String(markup)` returns its text. */
export class Html {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  toString(): string {
    return this.#text
  }
}

/** A value in a template: text, markup, an array of values, or nothing (`null`, `undefined`, booleans). */
export type HtmlValue = string | number | bigint | boolean | null | undefined | Html | readonly HtmlValue[]

// Each template literal in the source has one object for its strings: https://tc39.es/ecma262/#sec-gettemplateobject
const known = new WeakMap<TemplateStringsArray, readonly Hole[]>()

/**
 * Creates markup from a template. Strings and numbers are escaped. `Html` values are inserted unchanged and arrays are
 * joined. `null`, `undefined` and booleans are left out.
 *
 * A value is allowed in text and in quoted attribute values. It is rejected in a tag or a name, in an unquoted value, in a
 * comment, in `<script>` and `<style>`, and in attributes that contain code (`onclick`, `style`, `srcdoc`).
 * In URL attributes (`href`, `src`, `action` …), relative, http, https, mailto and tel URLs are allowed. A URL with any
 * other scheme becomes `about:invalid`.
 *
 * @throws TypeError if a value is in a place where escaping does not make it safe, or if it has another type.
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

/** Marks text as markup, without escaping. Pass only text that you have written or sanitized. */
export const raw = (text: string): Html => new Html(text)

function fill(value: HtmlValue, hole: Hole): string {
  if (value === null || value === undefined || typeof value === 'boolean') return ''
  if (Array.isArray(value)) return value.map((one: HtmlValue) => fill(one, hole)).join('')
  if (value instanceof Html) {
    if (hole.in === 'text') return String(value)
    throw new TypeError(`html: markup is in the attribute ${hole.name}; pass a string`)
  }
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'bigint')
    throw new TypeError(
      `html takes strings, numbers, markup and arrays of them, not ${typeof value === 'object' ? 'an object' : `a ${typeof value}`}`,
    )
  const text = String(value)
  return escapeHtml(hole.in === 'attribute' ? toSafeUrl(text, hole.urlBefore) : text)
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character]!)

// The scheme is the part before the first colon, unless that colon is in a path, a query or a hash. Browsers ignore spaces
// and control characters around a URL, and tabs and line ends in it: https://url.spec.whatwg.org/#concept-basic-url-parser
function toSafeUrl(text: string, before: string | undefined): string {
  if (before === undefined) return text
  const [, scheme] = /^([^/?#:]*):/.exec((before + text).replace(/[\0-\x20]/g, '')) ?? []
  return scheme === undefined || /^(?:https?|mailto|tel)$/i.test(scheme) ? text : 'about:invalid'
}
