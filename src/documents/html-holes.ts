/** The position of a value in a template. */
export type Hole = { readonly in: 'text' } | AttributeHole

interface AttributeHole {
  readonly in: 'attribute'
  readonly name: string
  /** The start of the URL before the value, if the value can be part of the URL's scheme; else `undefined`. */
  readonly urlBefore: string | undefined
}

// The scanner's state at the end of a template's string. A value is allowed in `text` and `quotes`, and in two elements.
type State =
  | { readonly in: 'text' }
  // In these elements, tags other than the end tag are text.
  | { readonly in: 'element'; readonly name: string }
  | Quotes
  | { readonly in: 'tag' | 'value without quotes' | 'comment' | 'declaration' }

interface Quotes {
  readonly in: 'quotes'
  readonly element: string
  readonly name: string
  readonly quote: string
  /** The value so far, with a NUL for each hole. */
  readonly value: string
}

// https://html.spec.whatwg.org/multipage/indices.html#attributes-3: attributes that contain one URL, and attributes that
// contain code or several URLs.
const urlAttributes = /^(?:action|background|cite|data|formaction|href|manifest|ping|poster|src|xlink:href)$/
const codeAttributes = /^(?:on.*|style|srcdoc|srcset|imagesrcset)$/

const withoutTags = /^(?:iframe|noembed|noframes|noscript|script|style|textarea|title|xmp)$/

/**
 * Returns the position of each value in a template.
 *
 * @throws TypeError if a value is in a place where escaping does not make it safe, or if the template ends inside a tag,
 * attribute, comment, declaration or element such as `<script>`.
 */
export function toHoles(strings: readonly string[]): readonly Hole[] {
  const holes: Hole[] = []
  let state: State = { in: 'text' }
  for (const [index, text] of strings.entries()) {
    state = scan(text, state)
    if (index === strings.length - 1) break
    holes.push(toHole(state, text))
    if (state.in === 'quotes') state = { ...state, value: `${state.value}\0` }
  }
  if (state.in !== 'text') throw new TypeError(`html: the template ends in ${describe(state)}; close it`)
  return holes
}

function toHole(state: State, before: string): Hole {
  const fail = (where: string, advice: string): never => {
    throw new TypeError(`html: a value is in ${where}, after ${JSON.stringify(before.slice(-30))}; ${advice}`)
  }
  // The value would become part of a tag's name.
  if (/<[/!?]?[a-z-]*$/i.test(before) && state.in !== 'quotes')
    return fail('a tag', 'put it in text or in a quoted attribute value')
  if (state.in === 'text' || (state.in === 'element' && /^(?:textarea|title)$/.test(state.name))) return { in: 'text' }
  if (state.in === 'value without quotes') return fail('an attribute', 'put quotes around it')
  if (state.in !== 'quotes') return fail(describe(state), 'put it in text or in a quoted attribute value')
  const { name, value } = state
  if (codeAttributes.test(name))
    return fail(describe(state), 'leave it out, because this attribute is code and escaping does not make code safe')
  if (!urlAttributes.test(name) || /[/?#:]/.test(value)) return { in: 'attribute', name, urlBefore: undefined }
  if (value.includes('\0')) return fail(describe(state), 'pass the URL up to its first slash as one value')
  return { in: 'attribute', name, urlBefore: value }
}

function describe(state: State): string {
  if (state.in === 'element') return `<${state.name}>`
  return state.in === 'quotes' ? `the attribute ${state.name}` : `a ${state.in}`
}

// Follows the HTML tokenizer: https://html.spec.whatwg.org/multipage/parsing.html#tokenization
function scan(text: string, state: State): State {
  let at = 0
  /** Matches the pattern at the current position and moves past the match. */
  const take = (pattern: RegExp): RegExpExecArray | null => {
    const sticky = new RegExp(pattern, 'iy')
    sticky.lastIndex = at
    const found = sticky.exec(text)
    if (found) at = sticky.lastIndex
    return found
  }
  const toEnd = (): boolean => at >= text.length

  const inText = (): State => {
    for (;;) {
      take(/[^<]+/)
      if (toEnd()) return { in: 'text' }
      // CDATA ends differently in SVG and in HTML.
      if (take(/<!\[/)) throw new TypeError('html: CDATA is parsed differently in HTML and in SVG; leave it out')
      if (take(/<!---?>/)) continue
      if (take(/<!--/)) {
        if (!take(/[^]*?--!?>/)) return { in: 'comment' }
      } else if (take(/<[!?]|<\/(?=[^a-z>])/)) {
        if (!take(/[^>]*>/)) return { in: 'declaration' }
      } else {
        const [, slash, name] = take(/<(\/?)([a-z][^\s/>]*)/) ?? []
        if (name === undefined) take(/</)
        else {
          const after = inTag(slash ? '/' : name.toLowerCase())
          if (after.in !== 'text') return after
        }
      }
    }
  }

  const inTag = (element: string): State => {
    for (;;) {
      take(/[\s/]+/)
      if (take(/>/)) return withoutTags.test(element) ? inElement(element) : { in: 'text' }
      const [name] = take(/[^\s/>][^\s/>=]*/) ?? []
      if (name === undefined || toEnd()) return { in: 'tag' }
      if (!take(/\s*=\s*/)) continue
      const [quote] = take(/["']/) ?? []
      if (quote) {
        const after = inQuotes({ in: 'quotes', element, name: name.toLowerCase(), quote, value: '' })
        if (after) return after
      } else {
        take(/[^\s>]+/)
        if (toEnd()) return { in: 'value without quotes' }
      }
    }
  }

  // Returns `undefined` if the attribute value ends and its tag continues.
  const inQuotes = (quotes: Quotes): State | undefined => {
    const [part] = take(quotes.quote === '"' ? /[^"]*/ : /[^']*/)!
    const isSplit = urlAttributes.test(quotes.name) && /^[^/?#:]*\0[^/?#:]*:/.test(quotes.value + part)
    if (isSplit)
      throw new TypeError(
        `html: a value is the URL scheme of the attribute ${quotes.name}; pass the scheme and the rest of the URL as one value`,
      )
    if (toEnd()) return { ...quotes, value: quotes.value + part }
    at++
    return undefined
  }

  const inElement = (name: string): State => {
    const [content] = take(new RegExp(`[^]*?(?=</${name}[\\s/>])`)) ?? take(/[^]*/)!
    if (name === 'script' && content!.includes('<!--'))
      throw new TypeError('html: a <script> contains <!--, which changes where the script ends; leave it out')
    if (toEnd()) return { in: 'element', name }
    take(/<\/[a-z]+/)
    return inTag('/')
  }

  const toNext = (after: State): State => (after.in === 'text' && !toEnd() ? inText() : after)
  if (state.in === 'text') return inText()
  if (state.in === 'element') return toNext(inElement(state.name))
  if (state.in === 'quotes') return inQuotes(state) ?? toNext(inTag(state.element))
  return state
}
