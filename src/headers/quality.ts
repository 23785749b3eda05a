/** One alternative of a header such as `Accept-Encoding` or `Accept`. */
export interface Alternative {
  /** In lower case. */
  readonly name: string
  /** From 0, which excludes it, to 1. */
  readonly weight: number
}

/**
 * Parses a list with weights, such as `br;q=1.0, gzip;q=0.8, *;q=0`, sorted by weight. Members with a malformed weight are left
 * out, and so is what follows 1,000 characters or 50 members, which no browser sends.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-12.4.2
 */
export function parseQualities(header: string | null): Alternative[] {
  const alternatives: Alternative[] = []
  for (const member of (header ?? '').slice(0, 1_000).split(',', 50)) {
    const [, name, weight = '1'] = grammar.exec(member) ?? []
    if (name !== undefined) alternatives.push({ name: name.toLowerCase(), weight: Number(weight) })
  }
  return alternatives.sort((one, other) => other.weight - one.weight)
}

const grammar = /^[ \t]*([\w*.+/-]+)[ \t]*(?:;[ \t]*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)[ \t]*)?$/i
