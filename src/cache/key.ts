/**
 * Encodes a value as a string that no other value has: JSON, with a name in front of values that JSON writes like others.
 *
 * @throws TypeError for values that cannot be told apart, such as functions and instances of classes.
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
      throw new TypeError(`a ${typeof value} cannot be part of a cache key`)
  }
}

function encodeObject(value: object): string {
  const prototype: unknown = Object.getPrototypeOf(value)
  const own = Reflect.ownKeys(value).length
  if (Array.isArray(value)) {
    // A hole is not `undefined`: the handler can tell them apart.
    const items = Array.from({ length: value.length }, (_, at) => (at in value ? encodeValue(value[at]) : 'empty'))
    if (own === items.filter((item) => item !== 'empty').length + 1) return `[${items.join()}]`
  } else if (isPlain(prototype)) {
    const members = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1))
    // Symbols and properties that are not enumerable would be missing.
    if (own === members.length)
      return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${encodeValue(member)}`).join()}}`
  } else if (!Object.keys(value).length && !Object.getOwnPropertySymbols(value).length) {
    if (prototype === Date.prototype) return `Date(${(value as Date).getTime()})`
    if (prototype === URL.prototype) return `URL(${JSON.stringify((value as URL).href)})`
    if (prototype === Map.prototype || prototype === Set.prototype)
      return `${value.constructor.name}${encodeObject([...(value as Set<unknown>)])}`
  }
  throw new TypeError(
    `${nameOf(value)} cannot be part of a cache key; use plain data, such as its id`,
  )
}

/** Whether a prototype is the one of plain objects, of this realm or another, or has no members. */
export const isPlain = (prototype: unknown): boolean =>
  prototype === null ||
  prototype === Object.prototype ||
  (Object.getPrototypeOf(prototype) === null &&
    (Object.hasOwn(prototype as object, 'hasOwnProperty') || Reflect.ownKeys(prototype as object).length === 0))

/** A value in words, for messages. */
export const nameOf = (value: unknown): string =>
  typeof value === 'object' && value !== null && value.constructor?.name ? `a ${value.constructor.name}` : `a ${typeof value}`

const plainPath = /^[\w\-.~/$&+,:;=@!'()*]*$/

/**
 * The one spelling of a pathname: each segment is decoded and encoded as `href` does it, so that `/caf%c3%a9` and
 * `/caf%C3%A9` are equal, and `/a%2Bb` and `/a+b`. `%2F` stays escaped.
 *
 * @throws URIError if an escape is malformed.
 */
export function toCanonicalPath(pathname: string): string {
  if (plainPath.test(pathname)) return pathname
  return pathname
    .split('/')
    .map((segment) => encodeURIComponent(decodeURIComponent(segment)))
    .join('/')
    .replace(/%(?:24|26|2B|2C|3A|3B|3D|40)/g, decodeURIComponent)
}
