import { NullObject } from './null-object.js'
import { parsePattern, type Segment } from './pattern.js'

/** Routes that cannot stand in one router. The message names both. */
export class RouterError extends Error {
  override readonly name = 'RouterError'
}

/** What a pathname leads to: a value, and the names of what its pattern captures. */
export interface Match<value> {
  readonly value: value
  readonly pattern: string
  readonly captures: readonly Capture[]
  /** The same for a pathname with percent-escapes; that one has none. */
  readonly escaped?: Match<value> | undefined
}
interface Capture {
  readonly name: string
  /** The segment where it begins, counted from 0. */
  readonly index: number
  readonly rest: boolean
  /** How many characters lie between it and the capture before it, in a pathname without escapes. */
  readonly before: number
  /** How many characters follow it, if no other capture does. */
  readonly after: number | undefined
}

// One segment position in the tree of all patterns.
interface Node<value> {
  readonly id: number
  readonly statics: Map<string, Node<value>>
  param?: Node<value>
  end?: Match<value>
  optionalRest?: Match<value>
  rest?: Match<value>
}

// Everything that the segments read so far may still lead to, best first: the nodes, and then the catch-all that takes
// whatever they do not. Because a state holds all of them, no segment is ever read twice.
interface State<value> {
  readonly nodes: readonly Node<value>[]
  readonly rest: Match<value> | undefined
  /** The answer if the pathname ends here. */
  readonly end: Match<value> | undefined
  /** Where each static segment leads; not there until the state is first left. */
  statics: Map<string, State<value>> | undefined
  /** Where every other segment leads. */
  other: State<value> | undefined
  /** The static segments again, as a tree of characters. */
  texts: Text<value> | undefined
  expanded: boolean
}

// A node in the tree of the static texts that may follow a state.
interface Text<value> {
  readonly text: string
  readonly state: State<value> | undefined
  /** By the last bits of the next character's code, as many as tell them apart. */
  readonly children: readonly (Text<value> | undefined)[]
}

// States are made when first reached. Overlapping patterns can have very many; what is beyond this is forgotten and made again.
const maxStates = 50_000

/**
 * Finds the pattern that fits a pathname, by Next.js's precedence: static before `[x]` before `[...x]` before
 * `[[...x]]`, compared from left to right among the patterns that fit as a whole.
 */
export class Matcher<value> {
  #root: Node<value>
  #start: State<value>
  #states = new Map<string, State<value>>()
  #ids = 0

  /** @throws RouterError if two of the patterns fit the same pathnames with the same rank. */
  constructor(entries: Iterable<readonly [pattern: string, value: value]>) {
    this.#root = this.#node()
    for (const [pattern, value] of entries) this.#add(pattern, value)
    this.#start = this.#state([this.#root], undefined)
  }

  /** The best match for the raw pathname that stands in `url` from `start` (its `/`) to `end`; throws URIError for a malformed percent-escape. */
  find(url: string, start: number, end: number): Match<value> | undefined {
    let state = this.#start
    let index = start + 1
    // An end before the start: a URL that the app does not answer for.
    if (index >= end) return end < start ? undefined : state.end
    let isPlain = false
    for (;;) {
      if (!state.expanded) this.#expand(state)
      let next: State<value> | undefined
      let position = index
      let text = state.texts
      walk: while (text !== undefined) {
        const { text: characters, state: target, children } = text
        const { length } = characters
        if (position + length > end) break
        for (let at = 0; at < length; at++) if (characters.charCodeAt(at) !== url.charCodeAt(position + at)) break walk
        position += length
        if (target !== undefined && (position === end || url.charCodeAt(position) === 47)) {
          next = target
          break
        }
        text = children[url.charCodeAt(position) & (children.length - 1)]
      }
      if (next === undefined) {
        // Static texts hold no escape, so what was read until now had none.
        if (!isPlain) {
          const escape = url.indexOf('%', index)
          if (escape !== -1 && escape < end) return this.#findDecoded(url, start, end)
          isPlain = true
        }
        next = state.other
        if (next === undefined) return undefined
        position = endOfSegment(url, index, end)
        if (position === index) return undefined
        if (next.nodes.length === 0) return hasEmptySegment(url, position, end) ? undefined : next.rest
      }
      if (position === end) return next.end
      index = position + 1
      if (index === end) return undefined
      state = next
    }
  }

  // The same for a pathname with percent-escapes: each segment is decoded once, and `%2F` stays inside its segment.
  #findDecoded(url: string, start: number, end: number): Match<value> | undefined {
    let state: State<value> | undefined = this.#start
    for (const segment of url
      .slice(start + 1, end)
      .split('/')
      .map(decodeURIComponent)) {
      if (!state || !segment) return undefined
      state = this.#branch(state).get(segment) ?? state.other
    }
    return state?.end?.escaped
  }

  /** All matches, the best first. Visits each node of the tree at most once. Throws as `find` does. */
  *findAll(url: string, start: number, end: number): Generator<Match<value>> {
    const escape = url.indexOf('%', start)
    const isEscaped = escape !== -1 && escape < end
    const segments = end - start > 1 ? url.slice(start + 1, end).split('/').map(decodeURIComponent) : []
    if (segments.includes('')) return
    const walk = function* (node: Node<value>, at: number): Generator<Match<value>> {
      const isEnd = at === segments.length
      const child = isEnd ? undefined : node.statics.get(segments[at]!)
      if (child) yield* walk(child, at + 1)
      if (!isEnd && node.param) yield* walk(node.param, at + 1)
      const match = (isEnd ? node.end : node.rest) ?? node.optionalRest
      if (match) yield isEscaped ? match.escaped! : match
    }
    yield* walk(this.#root, 0)
  }

  #node(): Node<value> {
    return { id: this.#ids++, statics: new Map() }
  }

  #add(pattern: string, value: value): void {
    const segments = parsePattern(pattern)
    let node = this.#root
    let end: 'end' | 'rest' | 'optionalRest' = 'end'
    for (const { kind, name } of segments) {
      if (kind === 'static') {
        let child = node.statics.get(name)
        if (!child) node.statics.set(name, (child = this.#node()))
        node = child
      } else if (kind === 'param') node = node.param ??= this.#node()
      else end = kind === 'catch-all' ? 'rest' : 'optionalRest'
    }
    const clash = node[end] ?? (end === 'optionalRest' ? (node.end ?? node.rest) : node.optionalRest)
    if (clash)
      throw new RouterError(
        `'${clash.pattern}' and '${pattern}' fit the same pathnames; ${clash.pattern === pattern ? 'declare their methods on one route' : 'remove one of the two'}`,
      )
    const escaped = { value, pattern, captures: toCaptures(segments), escaped: undefined }
    node[end] = { ...escaped, escaped }
  }

  // Subset construction, as in https://swtch.com/~rsc/regexp/regexp1.html: linear in the pathname whatever overlaps.
  #state(nodes: readonly Node<value>[], rest: Match<value> | undefined): State<value> {
    const key = `${nodes.map(({ id }) => id).join()}|${rest?.pattern ?? ''}`
    let state = this.#states.get(key)
    if (!state) {
      if (this.#states.size >= maxStates) this.#forget()
      let end = rest
      for (const node of nodes) if ((end = node.end ?? node.optionalRest ?? rest) !== rest) break
      this.#states.set(
        key,
        (state = { nodes, rest, end, statics: undefined, other: undefined, texts: undefined, expanded: false }),
      )
    }
    return state
  }

  #forget(): void {
    // The first state outlives the others.
    for (const state of [this.#start, ...this.#states.values()]) {
      state.expanded = false
      state.statics = state.texts = state.other = undefined
    }
    this.#states.clear()
  }

  // The state after one more segment, or after any that is not static.
  #after(state: State<value>, segment?: string): State<value> | undefined {
    const nodes: Node<value>[] = []
    let { rest } = state
    for (const node of state.nodes) {
      const child = segment === undefined ? undefined : node.statics.get(segment)
      if (child) nodes.push(child)
      if (node.param) nodes.push(node.param)
      const all = node.rest ?? node.optionalRest
      if (all) {
        rest = all
        break
      }
    }
    return nodes.length || rest ? this.#state(nodes, rest) : undefined
  }

  #branch(state: State<value>): Map<string, State<value>> {
    if (state.statics) return state.statics
    const statics = new Map<string, State<value>>()
    for (const node of state.nodes)
      for (const name of node.statics.keys()) if (!statics.has(name)) statics.set(name, this.#after(state, name)!)
    state.other = this.#after(state)
    return (state.statics = statics)
  }

  #expand(state: State<value>): void {
    const texts: [text: string, state: State<value>][] = []
    this.#collect(state, '', texts, 0)
    state.texts = toTree(texts)
    state.expanded = true
  }

  #collect(state: State<value>, prefix: string, texts: [string, State<value>][], depth: number): void {
    for (const [name, next] of this.#branch(state)) {
      // What a URL only holds escaped is found by the decoding walk.
      if (!/^[!"$&-.0->@-~]+$/.test(name)) continue
      // Where only one thing can follow, its text is joined to this one.
      const onlyStatic =
        !next.end && !next.rest && next.nodes.length === 1 && !next.nodes[0]!.param && !next.nodes[0]!.rest
      if (onlyStatic && depth < 8) this.#collect(next, `${prefix}${name}/`, texts, depth + 1)
      else texts.push([prefix + name, next])
    }
  }
}

function hasEmptySegment(url: string, from: number, end: number): boolean {
  if (url.charCodeAt(end - 1) === 47) return true
  const empty = url.indexOf('//', from)
  return empty !== -1 && empty < end
}

function toCaptures(segments: readonly Segment[]): Capture[] {
  const captures: Capture[] = []
  let before = 1
  for (const [index, { kind, name }] of segments.entries())
    if (kind === 'static') before += name.length + 1
    else {
      captures.push({ name, index, rest: kind !== 'param', before, after: undefined })
      before = 1
    }
  const last = captures.pop()
  return last ? [...captures, { ...last, after: before - 1 }] : []
}

function toTree<value>(texts: readonly (readonly [text: string, state: State<value>])[]): Text<value> | undefined {
  if (!texts.length) return undefined
  const first = texts[0]![0]
  let common = first.length
  for (const [text] of texts) {
    let at = 0
    while (at < common && text[at] === first[at]) at++
    common = at
  }
  const groups = new Map<number, [string, State<value>][]>()
  let state: State<value> | undefined
  for (const [text, target] of texts) {
    const code = text.charCodeAt(common)
    const group = groups.get(code)
    if (text.length === common) state = target
    else if (group) group.push([text.slice(common), target])
    else groups.set(code, [[text.slice(common), target]])
  }
  let size = 1
  while (new Set([...groups.keys()].map((code) => code & (size - 1))).size < groups.size) size *= 2
  // No holes: a hole makes each miss a look up the prototype chain.
  const children: (Text<value> | undefined)[] = Array.from({ length: size })
  for (const [code, group] of groups) children[code & (size - 1)] = toTree(group)
  return { text: first.slice(0, common), state, children }
}

/** What a match captures in the pathname that it was found in. Each segment is decoded once. */
export function paramsOf(
  { captures, escaped }: Match<unknown>,
  url: string,
  start: number,
  end: number,
): Record<string, string | string[]> {
  const params = new NullObject() as Record<string, string | string[]>
  if (!escaped) {
    const segments = url
      .slice(start + 1, end)
      .split('/')
      .map(decodeURIComponent)
    for (const { name, index, rest } of captures)
      if (!rest) params[name] = segments[index]!
      else if (index < segments.length) params[name] = segments.slice(index)
    return params
  }
  let from = start
  for (const { name, rest, before, after } of captures) {
    from += before
    if (rest) {
      const segments: string[] = []
      while (from < end) {
        const to = endOfSegment(url, from, end)
        segments.push(url.slice(from, to))
        from = to + 1
      }
      if (segments.length) params[name] = segments
      break
    }
    const to = after === undefined ? endOfSegment(url, from, end) : end - after
    params[name] = url.slice(from, to)
    from = to
  }
  return params
}

function endOfSegment(url: string, from: number, end: number): number {
  const to = url.indexOf('/', from)
  return to === -1 || to > end ? end : to
}
