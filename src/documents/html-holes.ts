/** A place in a template where a value stands. */
export type Hole = { readonly in: 'text' } | AttributeHole

interface AttributeHole {
  readonly in: 'attribute'
  readonly name: string
  /** What stands before the value in an address whose scheme the value may have a part in. */
  readonly addressBefore: string | undefined
}

// Where a template's text has left off. Values may stand in the first three.
type State =
  | { readonly in: 'text' }
  // Until its end tag, no other tag counts.
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

// https://html.spec.whatwg.org/multipage/indices.html#attributes-3: those that are addresses, and those that the browser
// reads as code, or as a list of addresses among other things.
const addresses = /^(?:action|background|cite|data|formaction|href|manifest|ping|poster|src|xlink:href)$/
const code = /^(?:on.*|style|srcdoc|srcset|imagesrcset)$/

const withoutTags = /^(?:iframe|noembed|noframes|noscript|script|style|textarea|title|xmp)$/

/**
 * What the holes of a template are in.
 *
 * @throws TypeError for a hole where escaped text would be more than text, and for a template that ends in a tag.
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
  const refuse = (where: string, advice: string): never => {
    throw new TypeError(`html: a value stands in ${where}, after ${JSON.stringify(before.slice(-30))}; ${advice}`)
  }
  // What follows would name a tag.
  if (/<[/!?]?[a-z-]*$/i.test(before) && state.in !== 'quotes')
    return refuse('a tag', 'it may stand in text and in quoted values of attributes')
  if (state.in === 'text' || (state.in === 'element' && /^(?:textarea|title)$/.test(state.name))) return { in: 'text' }
  if (state.in === 'value without quotes') return refuse('an attribute', 'put quotes around it')
  if (state.in !== 'quotes') return refuse(describe(state), 'it may stand in text and in quoted values of attributes')
  const { name, value } = state
  if (code.test(name)) return refuse(describe(state), 'what stands there is code, which escaping does not make safe')
  if (!addresses.test(name) || /[/?#:]/.test(value)) return { in: 'attribute', name, addressBefore: undefined }
  if (value.includes('\0')) return refuse(describe(state), 'make one value of the address up to its first slash')
  return { in: 'attribute', name, addressBefore: value }
}

function describe(state: State): string {
  if (state.in === 'element') return `<${state.name}>`
  return state.in === 'quotes' ? `the attribute ${state.name}` : `a ${state.in}`
}

// As the tokenizer of HTML goes on: https://html.spec.whatwg.org/multipage/parsing.html#tokenization
function scan(text: string, state: State): State {
  let at = 0
  /** What the pattern matches here, which is passed. */
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
      // In SVG it ends elsewhere than in HTML.
      if (take(/<!\[/)) throw new TypeError('html: CDATA means something else in each place; leave it out')
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

  // `undefined` where the value ends, and its tag goes on.
  const inQuotes = (quotes: Quotes): State | undefined => {
    const [part] = take(quotes.quote === '"' ? /[^"]*/ : /[^']*/)!
    const isSplit = addresses.test(quotes.name) && /^[^/?#:]*\0[^/?#:]*:/.test(quotes.value + part)
    if (isSplit)
      throw new TypeError(`html: a value is the scheme of the attribute ${quotes.name}; make it part of the value`)
    if (toEnd()) return { ...quotes, value: quotes.value + part }
    at++
    return undefined
  }

  const inElement = (name: string): State => {
    const [content] = take(new RegExp(`[^]*?(?=</${name}[\\s/>])`)) ?? take(/[^]*/)!
    if (name === 'script' && content!.includes('<!--'))
      throw new TypeError('html: a <script> with <!-- in it does not end where it seems to; leave it out')
    if (toEnd()) return { in: 'element', name }
    take(/<\/[a-z]+/)
    return inTag('/')
  }

  const goOn = (after: State): State => (after.in === 'text' && !toEnd() ? inText() : after)
  if (state.in === 'text') return inText()
  if (state.in === 'element') return goOn(inElement(state.name))
  if (state.in === 'quotes') return inQuotes(state) ?? goOn(inTag(state.element))
  return state
}
