/** Whether a text is an entity tag: `"abc"`, or `W/"abc"` for one that is weak. */
export const isEntityTag = (text: string): boolean => /^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/.test(text)

/** Whether a list of entity tags, as `If-Match` and `If-None-Match` hold it, has this one in it. `*` has any. */
export function hasEntityTag(list: string, etag: string | undefined, comparison: 'strong' | 'weak'): boolean {
  if (list.trim() === '*') return true
  if (etag === undefined) return false
  // Nearly always the one tag that the client was given, which needs no parsing.
  if (comparison === 'weak' && list === etag) return true
  for (const [listed] of list.matchAll(/(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"/g))
    if (isSameEntityTag(listed, etag, comparison)) return true
  return false
}

/** Whether two entity tags are of the same bytes (`strong`), or of what may stand for one another (`weak`). */
// https://www.rfc-editor.org/rfc/rfc9110#section-8.8.3.2
export function isSameEntityTag(one: string, other: string, comparison: 'strong' | 'weak'): boolean {
  return comparison === 'strong' ? one === other && one[0] === '"' : opaque(one) === opaque(other)
}

const opaque = (etag: string): string => etag.replace(/^W\//, '')
