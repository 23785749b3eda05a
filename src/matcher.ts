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
  /** The next best match for the same pathname. */
  readonly next?: Match<value> | undefined
  /** Whether the pathname has percent-escapes. */
  readonly isEscaped?: boolean | undefined
}
interface Capture {
  readonly name: string
  readonly rest: boolean
  /** The number of characters between the previous capture and this one. */
  readonly before: number
  /** The number of characters after the last capture. */
  after?: number
}

// One segment position in the tree of all patterns. The node behind a catch-all is its own `param`.
interface Node<value> {
  readonly id: number
  statics?: Map<string, Node<value>>
  param?: Node<value>
  rest?: Node<value>
  end?: Match<value>
}

// Everything that can still match after the segments read so far, the best first. Because a state has all of it, no
// segment is read twice.
interface State<value> {
  readonly nodes: readonly Node<value>[]
  /** The best match if the pathname ends here. */
  readonly end: Match<value> | undefined
  /** Whether only catch-alls are left, which match whatever follows. */
  readonly isRest: boolean
  /** The next state after a segment that is not static. Made when it is first needed, as `texts`. */
  other: State<value> | undefined
  /** The static segments as a tree of characters; `null` if it has no static segments. */
  texts: Text<value> | null | undefined
}

// A node in the tree of the static texts that can follow a state.
interface Text<value> {
  readonly text: string
  readonly state: State<value> | undefined
  /** By the last bits of the next character's code, as many as are needed to distinguish them. */
  readonly children: readonly (Text<value> | null)[]
}

// A static text and the state that follows it.
interface End<value> {
  readonly text: string
  readonly state: State<value>
}

// States are built lazily. Overlapping patterns can produce very many, so they are dropped at this number.
const maxStates = 50_000

/**
 * Finds the patterns that match a pathname, with Next.js's precedence: static before `[x]` before `[...x]` before `[[...x]]`,
 * compared from left to right among the patterns that match as a whole.
 */
export class Matcher<value> {
  readonly #root: Node<value>
  #start: State<value>
  readonly #states = new Map<string, State<value>>()
  #ids = 0

  /** @throws RouterError if two patterns match the same pathnames with the same precedence. */
  constructor(entries: Iterable<readonly [pattern: string, value: value, segments?: readonly Segment[]]>) {
    this.#root = this.#node()
    for (const [pattern, value, segments] of entries) this.#add(pattern, value, segments)
    this.#start = this.#state([this.#root])!
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
          if (has('%', url, index, end)) {
            const path = decodePath(url, start, end)
            const match = this.find(path, 0, path.length, true)
            return match && { ...match, isEscaped: true }
          }
          isDecoded = true
        }
        next = state.other
        if (next === undefined) return undefined
        position = indexIn('/', url, index, end)
        if (position === index) return undefined
        if (next.isRest) return url.charCodeAt(end - 1) === 47 || has('//', url, position, end) ? undefined : next.end
      }
      if (position === end) return next.end
      index = position + 1
      if (index === end) return undefined
      state = next
    }
  }

  #node(): Node<value> {
    return { id: this.#ids++ }
  }

  #add(pattern: string, value: value, segments = parsePattern(pattern)): void {
    const match = { value, pattern, captures: toCaptures(segments) }
    const endAt = (node: Node<value>): void => {
      if (node.end)
        throw new RouterError(
          `'${node.end.pattern}' and '${pattern}' match the same pathnames; ${node.end.pattern === pattern ? 'declare their methods on one route' : 'remove one of the two'}`,
        )
      node.end = match
    }
    let node = this.#root
    for (const { kind, name } of segments) {
      if (kind === 'static') {
        const text = name.replaceAll('/', slash)
        const statics: Map<string, Node<value>> = (node.statics ??= new Map())
        node = statics.get(text) ?? this.#node()
        statics.set(text, node)
      } else if (kind === 'param') node = node.param ??= this.#node()
      else {
        if (kind !== 'catch-all') endAt(node)
        node = node.rest ??= this.#node()
        node.param = node
      }
    }
    endAt(node)
  }

  // Subset construction, as in https://swtch.com/~rsc/regexp/regexp1.html: linear in the pathname, however patterns overlap.
  #state(nodes: readonly Node<value>[]): State<value> | undefined {
    const key = nodes.map(({ id }) => id).join()
    let state = this.#states.get(key)
    if (!state && key) {
      if (this.#states.size >= maxStates) {
        // A new first state leads to none of the old ones.
        this.#states.clear()
        this.#start = this.#state([this.#root])!
      }
      state = {
        nodes,
        end: nodes.reduceRight<Match<value> | undefined>((next, { end }) => (end ? { ...end, next } : next), undefined),
        isRest: nodes.every((node) => node.param === node),
        other: undefined,
        texts: undefined,
      }
      this.#states.set(key, state)
    }
    return state
  }

  // The state after one more segment, or after any segment that is not static.
  #after({ nodes }: State<value>, segment = ''): State<value> | undefined {
    const next = nodes.flatMap(({ statics, param, rest }) => [statics?.get(segment), param, rest])
    return this.#state(next.filter((node) => node !== undefined))
  }

  #expand(state: State<value>): void {
    const ends: End<value>[] = []
    const collect = (state: State<value>, prefix: string): void => {
      state.other = this.#after(state)
      for (const name of new Set(state.nodes.flatMap(({ statics }) => [...(statics?.keys() ?? [])]))) {
        const next = this.#after(state, name)!
        const { end, param, rest } = next.nodes[0]!
        // If only static segments can follow, their texts are joined to this one.
        if (next.nodes.length > 1 || end || param || rest) ends.push({ text: prefix + name, state: next })
        else collect(next, `${prefix}${name}/`)
      }
    }
    collect(state, '')
    state.texts = ends.length ? toTree(ends) : null
  }
}

/** The index of `part` in a text from `from` to `end`, or `end`. */
function indexIn(part: string, text: string, from: number, end: number): number {
  const index = text.indexOf(part, from)
  return index === -1 || index > end ? end : index
}
const has = (part: string, text: string, from: number, end: number): boolean => indexIn(part, text, from, end) < end

// A decoded slash stays inside its segment. A lone surrogate replaces it, because no escape decodes to one.
const slash = '\ud800'
const decodePath = (url: string, start: number, end: number): string =>
  decodeURIComponent(url.slice(start, end).replace(/%2f/gi, slash))

function toCaptures(segments: readonly Segment[]): Capture[] {
  const captures: Capture[] = []
  let before = 1
  for (const { kind, name } of segments)
    if (kind === 'static') before += name.length + 1
    else {
      captures.push({ name, rest: kind !== 'param', before })
      before = 1
    }
  if (captures.length) captures.at(-1)!.after = before - 1
  return captures
}

// The tree of the characters of texts that are equal before `from`.
function toTree<value>(ends: readonly End<value>[], from = 0): Text<value> {
  let shared = ends[0]!.text.slice(from)
  for (const { text } of ends) while (!text.startsWith(shared, from)) shared = shared.slice(0, -1)
  const to = from + shared.length
  let state: State<value> | undefined
  const groups = new Map<number, End<value>[]>()
  for (const end of ends) {
    const code = end.text.charCodeAt(to)
    const group = groups.get(code)
    if (to === end.text.length) state = end.state
    else if (group) group.push(end)
    else groups.set(code, [end])
  }
  let size = 1
  if (groups.size) while (new Set([...groups.keys()].map((code) => code % size)).size < groups.size) size *= 2
  // No holes: a hole makes each miss a look-up in the prototype chain.
  const children = Array.from({ length: size }, (): Text<value> | null => null)
  groups.forEach((group, code) => {
    children[code % size] = toTree(group, to)
  })
  return { text: shared, state, children }
}

/** The params that a match captures in the pathname that it was found in. Each segment is decoded once. */
export function paramsOf(
  { captures, isEscaped }: Match<unknown>,
  url: string,
  start: number,
  end: number,
): Record<string, string | string[]> {
  const params = new NullObject() as Record<string, string | string[]>
  if (isEscaped) {
    url = decodePath(url, start, end)
    start = 0
    end = url.length
  }
  const read = (from: number, to: number): string => {
    const text = url.slice(from, to)
    // The flag `u` excludes halves of a pair.
    return isEscaped ? text.replace(/\ud800/gu, '/') : text
  }
  let from = start
  for (const { name, rest, before, after } of captures) {
    from += before
    let to = rest || after === undefined ? indexIn('/', url, from, end) : end - after
    if (!rest) params[name] = read(from, to)
    else if (from < end) {
      const segments = (params[name] = [read(from, to)])
      while (to < end) {
        from = to + 1
        to = indexIn('/', url, from, end)
        segments.push(read(from, to))
      }
    }
    from = to
  }
  return params
}
