/** Returns whether a string is an entity tag: `"abc"`, or `W/"abc"` if it is weak. */
export const isEntityTag = (text: string): boolean => /^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/.test(text)

/** Returns whether an `If-Match` or `If-None-Match` list contains `etag`. `*` always matches. */
export function hasEntityTag(list: string, etag: string | undefined, comparison: 'strong' | 'weak'): boolean {
  if (list.trim() === '*') return true
  if (etag === undefined) return false
  // Clients nearly always send the one tag they received. It needs no parsing.
  if (comparison === 'weak' && list === etag) return true
  for (const [listed] of list.matchAll(/(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"/g))
    if (isSameEntityTag(listed, etag, comparison)) return true
  return false
}

/** Compares two entity tags. `strong`: the bytes are identical. `weak`: the representations are equivalent. */
// https://www.rfc-editor.org/rfc/rfc9110#section-8.8.3.2
export function isSameEntityTag(one: string, other: string, comparison: 'strong' | 'weak'): boolean {
  return comparison === 'strong' ? one === other && one[0] === '"' : opaque(one) === opaque(other)
}

const opaque = (etag: string): string => etag.replace(/^W\//, '')
