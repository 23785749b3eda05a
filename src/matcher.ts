import { NullObject } from './null-object.js'
import { parsePattern, type Segment } from './pattern.js'

/** Routes that contradict each other in one router. The message names them. */
export class RouterError extends Error {
  override readonly name = 'RouterError'
}

/** The value of a pattern that matched, and the places of what the pattern captures. */
export interface Match<value> {
  readonly value: value
  readonly pattern: string
  readonly captures: readonly Capture[]
}
interface Capture {
  readonly name: string
  readonly rest: boolean
  /** The number of characters between the previous capture and this one. */
  readonly before: number
  /** The number of characters after the last capture. */
  after?: number
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

// Everything that can still match after the segments read so far, the best first: the nodes, and then the catch-all that
// matches what they do not. Because a state has all of them, no segment is read twice.
interface State<value> {
  readonly nodes: readonly Node<value>[]
  readonly rest: Match<value> | undefined
  /** The match if the pathname ends here. */
  readonly end: Match<value> | undefined
  /** The next state by static segment. Made when it is first needed, as the members below. */
  statics: Map<string, State<value>> | undefined
  /** The next state after any other segment. */
  other: State<value> | undefined
  /** The static segments as a tree of characters; `null` if there are none. */
  texts: Text<value> | null | undefined
}

// A node in the tree of the static texts that can follow a state.
interface Text<value> {
  readonly text: string
  readonly state: State<value> | undefined
  /** By the last bits of the next character's code, as many as are needed to distinguish them. */
  readonly children: readonly (Text<value> | null)[]
}

// States are built lazily. Overlapping patterns can produce very many, so they are dropped at this number.
const maxStates = 50_000

/**
 * Finds the pattern that matches a pathname, with Next.js's precedence: static before `[x]` before `[...x]` before `[[...x]]`,
 * compared from left to right among the patterns that match as a whole.
 */
export class Matcher<value> {
  #root: Node<value>
  #start: State<value>
  #states = new Map<string, State<value>>()
  #ids = 0

  /** @throws RouterError if two patterns match the same pathnames with the same precedence. */
  constructor(entries: Iterable<readonly [pattern: string, value: value]>) {
    this.#root = this.#node()
    for (const [pattern, value] of entries) this.#add(pattern, value)
    this.#start = this.#state([this.#root], undefined)
  }

  /**
   * Returns the best match for the pathname in `url` from `start`, its `/`, to `end`. A pathname with escapes is decoded first.
   *
   * @throws URIError if a percent-escape is malformed.
   */
  find(url: string, start: number, end: number, isDecoded = false): Match<value> | undefined {
    let state = this.#start
    let index = start + 1
    if (index >= end) return state.end
    for (;;) {
      if (state.texts === undefined) this.#expand(state)
      let next: State<value> | undefined
      let position = index
      let text = state.texts
      walk: while (text) {
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
        if (!isDecoded) {
          if (hasEscape(url, index, end)) {
            const path = decodePath(url, start, end)
            return this.find(path, 0, path.length, true)
          }
          isDecoded = true
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

  /** All matches, the best first. Visits each node of the tree at most once. Throws as `find` does. */
  *findAll(url: string, start: number, end: number): Generator<Match<value>> {
    const [, ...segments] = decodePath(url, start, end).split('/')
    if (segments.length === 1 && !segments[0]) segments.pop()
    if (segments.includes('')) return
    const walk = function* (node: Node<value> | undefined, at: number): Generator<Match<value>> {
      if (!node) return
      const isEnd = at === segments.length
      if (!isEnd) {
        yield* walk(node.statics.get(segments[at]!), at + 1)
        yield* walk(node.param, at + 1)
      }
      const match = (isEnd ? node.end : node.rest) ?? node.optionalRest
      if (match) yield match
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
        const text = escapeSlash(name)
        let child = node.statics.get(text)
        if (!child) node.statics.set(text, (child = this.#node()))
        node = child
      } else if (kind === 'param') node = node.param ??= this.#node()
      else end = kind === 'catch-all' ? 'rest' : 'optionalRest'
    }
    const clash = node[end] ?? (end === 'optionalRest' ? (node.end ?? node.rest) : node.optionalRest)
    if (clash)
      throw new RouterError(
        `'${clash.pattern}' and '${pattern}' match the same pathnames; ${clash.pattern === pattern ? 'declare their methods on one route' : 'remove one of the two'}`,
      )
    node[end] = { value, pattern, captures: toCaptures(segments) }
  }

  // Subset construction, as in https://swtch.com/~rsc/regexp/regexp1.html: linear in the pathname, however patterns overlap.
  #state(nodes: readonly Node<value>[], rest: Match<value> | undefined): State<value> {
    const key = `${nodes.map(({ id }) => id).join()}|${rest?.pattern ?? ''}`
    let state = this.#states.get(key)
    if (!state) {
      if (this.#states.size >= maxStates) {
        // A new first state leads to none of the old ones.
        this.#states.clear()
        this.#start = this.#state([this.#root], undefined)
      }
      const end = nodes.map((node) => node.end ?? node.optionalRest).find(Boolean) ?? rest
      state = { nodes, rest, end, statics: undefined, other: undefined, texts: undefined }
      this.#states.set(key, state)
    }
    return state
  }

  // The state after one more segment, or after any segment that is not static.
  #after(state: State<value>, segment?: string): State<value> | undefined {
    const nodes: Node<value>[] = []
    let { rest } = state
    for (const node of state.nodes) {
      const child = node.statics.get(segment!)
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
    if (!state.statics) {
      const names = new Set(state.nodes.flatMap(({ statics }) => [...statics.keys()]))
      state.statics = new Map([...names].map((name) => [name, this.#after(state, name)!]))
      state.other = this.#after(state)
    }
    return state.statics
  }

  #expand(state: State<value>): void {
    const texts: [text: string, state: State<value>][] = []
    this.#collect(state, '', texts, 0)
    state.texts = toTree(texts)
  }

  #collect(state: State<value>, prefix: string, texts: [string, State<value>][], depth: number): void {
    for (const [name, next] of this.#branch(state)) {
      // If only one thing can follow, its text is joined to this one.
      const [node, ...others] = next.nodes
      if (depth < 8 && !next.end && !next.rest && !others.length && !node!.param && !node!.rest)
        this.#collect(next, `${prefix}${name}/`, texts, depth + 1)
      else texts.push([prefix + name, next])
    }
  }
}

const hasEscape = (url: string, from: number, end: number): boolean => {
  const escape = url.indexOf('%', from)
  return escape !== -1 && escape < end
}

// A decoded slash stays inside its segment. A lone surrogate replaces it, because no escape decodes to one.
const slash = '\ud800'
const escapeSlash = (segment: string): string => segment.replaceAll('/', slash)
const decodePath = (url: string, start: number, end: number): string =>
  url
    .slice(start, end)
    .split('/')
    .map((segment) => escapeSlash(decodeURIComponent(segment)))
    .join('/')

function hasEmptySegment(url: string, from: number, end: number): boolean {
  const empty = url.indexOf('//', from)
  return url.charCodeAt(end - 1) === 47 || (empty !== -1 && empty < end)
}

function toCaptures(segments: readonly Segment[]): Capture[] {
  const captures: Capture[] = []
  let before = 1
  for (const { kind, name } of segments)
    if (kind === 'static') before += name.length + 1
    else {
      captures.push({ name, rest: kind !== 'param', before })
      before = 1
    }
  const last = captures.at(-1)
  if (last) last.after = before - 1
  return captures
}

function toTree<value>(texts: readonly (readonly [text: string, state: State<value>])[]): Text<value> | null {
  if (!texts.length) return null
  const [[first]] = texts as [[string, State<value>]]
  let common = 0
  while (common < first.length && texts.every(([text]) => text[common] === first[common])) common++
  const groups = new Map<number, [string, State<value>][]>()
  let state: State<value> | undefined
  for (const [text, target] of texts) {
    const code = text.charCodeAt(common)
    if (text.length === common) state = target
    else groups.set(code, [...(groups.get(code) ?? []), [text.slice(common), target]])
  }
  let size = 1
  while (new Set([...groups.keys()].map((code) => code & (size - 1))).size < groups.size) size *= 2
  // No holes: a hole makes each miss a look-up in the prototype chain.
  const children = Array.from<Text<value> | null>({ length: size }).fill(null)
  for (const [code, group] of groups) children[code & (size - 1)] = toTree(group)
  return { text: first.slice(0, common), state, children }
}

/** The params that a match captures in the pathname that it was found in. Each segment is decoded once. */
export function paramsOf(
  { captures }: Match<unknown>,
  url: string,
  start: number,
  end: number,
): Record<string, string | string[]> {
  const params = new NullObject() as Record<string, string | string[]>
  const isEscaped = hasEscape(url, start, end)
  if (isEscaped) {
    url = decodePath(url, start, end)
    start = 0
    end = url.length
  }
  const read = (from: number, to: number): string => {
    const text = url.slice(from, to)
    return isEscaped ? text.replaceAll(slash, '/') : text
  }
  let from = start
  for (const { name, rest, before, after } of captures) {
    from += before
    if (rest) {
      const segments: string[] = []
      while (from < end) {
        const to = endOfSegment(url, from, end)
        segments.push(read(from, to))
        from = to + 1
      }
      if (segments.length) params[name] = segments
      break
    }
    const to = after === undefined ? endOfSegment(url, from, end) : end - after
    params[name] = read(from, to)
    from = to
  }
  return params
}

function endOfSegment(url: string, from: number, end: number): number {
  const to = url.indexOf('/', from)
  return to === -1 || to > end ? end : to
}
