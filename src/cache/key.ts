/**
 * A value as a text that no other value has: JSON, with a name before what JSON writes like something else.
 *
 * @throws TypeError for what cannot be told from others, such as functions and instances of classes.
 */
export function encodeValue(value: unknown): string {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return JSON.stringify(value)
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value)
    case 'bigint':
      return `${value}n`
    case 'undefined':
      return 'undefined'
    case 'object':
      return value === null ? 'null' : encodeObject(value)
    default:
      throw new TypeError(`a ${typeof value} cannot be part of a cache's key`)
  }
}

function encodeObject(value: object): string {
  if (Array.isArray(value)) return `[${Array.from(value, encodeValue).join()}]`
  if (value instanceof Date) return `Date(${value.getTime()})`
  if (value instanceof URL) return `URL(${JSON.stringify(value.href)})`
  if (value instanceof Map) return `Map${encodeObject([...value])}`
  if (value instanceof Set) return `Set${encodeObject([...value])}`
  const prototype: unknown = Object.getPrototypeOf(value)
  // Null-prototype objects and those of other realms are as good.
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null)
    throw new TypeError(
      `${value.constructor.name === '' ? 'an instance of a class' : `a ${value.constructor.name}`} cannot be part of a cache's key; give its id`,
    )
  const members = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1))
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${encodeValue(member)}`).join()}}`
}

/**
 * A pathname in its one spelling: each segment decoded and encoded again, so that `/caf%c3%a9`, `/café` and `/caf%C3%A9` are
 * the same, and `%2F` stays what it is. Throws URIError for a malformed escape.
 */
export function toCanonicalPath(pathname: string): string {
  if (/^[\w\-.~/]*$/.test(pathname)) return pathname
  return pathname
    .split('/')
    .map((segment) => encodeURIComponent(decodeURIComponent(segment)))
    .join('/')
}
