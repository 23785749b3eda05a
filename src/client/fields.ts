/** A value in a URL, a header or a form: a `Date` in ISO 8601, as JSON writes it. */
export const toText = (value: unknown): string => String((value as { toJSON?(): unknown }).toJSON?.() ?? value)

/**
 * Calls `add` for each name and value in an object, without `null` and `undefined`. Items of an array share one name.
 * `join` names the members of an object inside: `address.city` in a form, `filter[color]` in a query.
 */
export function addFields(
  value: unknown,
  add: (name: string, value: {}) => void,
  join: (name: string, key: string) => string,
  name = '',
): void {
  const isPlain = (value: unknown): boolean => Object.prototype.toString.call(value) === '[object Object]'
  if (Array.isArray(value))
    value.forEach((item, index) => addFields(item, add, join, isPlain(item) ? `${name}[${index}]` : name))
  else if (isPlain(value))
    for (const [key, item] of Object.entries(value as object)) addFields(item, add, join, name ? join(name, key) : key)
  else if (value != null) add(name, value)
}
