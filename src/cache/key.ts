/**
 * Encodes a value as a string that no other value has: JSON, with a name in front of values that JSON writes like others.
 *
 * @throws TypeError for values that cannot be distinguished, such as functions and instances of classes.
 */
export function encodeValue(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return quote(value)
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value)
    case 'bigint':
      return `${value}n`
    case 'boolean':
    case 'undefined':
      return String(value)
    case 'object':
      if (value !== null) return encodeObject(value)
      return 'null'
  }
  throw new TypeError(`a ${typeof value} cannot be part of a cache key`)
}

// Faster than JSON for most texts.
const quote = (text: string): string => (/["\\]/.test(text) ? JSON.stringify(text) : `"${text}"`)

function encodeObject(value: object): string {
  const prototype: unknown = Object.getPrototypeOf(value)
  const names = Reflect.ownKeys(value)
  const encodeMember = (name: PropertyKey): string => encodeValue(value[name as never])
  if (Array.isArray(value)) {
    // A hole is not `undefined`: the handler can tell them apart.
    const items = Array.from(value.keys(), (at) => (at in value ? encodeMember(at) : 'empty'))
    if (names.length === items.filter((item) => item !== 'empty').length + 1) return `[${items.join()}]`
  } else if (isPlain(prototype)) {
    // Symbols and properties that are not enumerable have no encoding.
    if (names.length === Object.keys(value).length) {
      if (names.length > 1) (names as string[]).sort()
      let text = ''
      for (const name of names) text += `${quote(name as string)}:${encodeMember(name)},`
      return `{${text}}`
    }
  } else if (!Object.keys(value).length && !Object.getOwnPropertySymbols(value).length) {
    if (prototype === Date.prototype) return `Date(${(value as Date).getTime()})`
    if (prototype === URL.prototype) return `URL(${quote((value as URL).href)})`
    if (prototype === Map.prototype || prototype === Set.prototype)
      return `${value.constructor.name}${encodeObject([...(value as Set<unknown>)])}`
  }
  throw new TypeError(`${nameOf(value)} cannot be part of a cache key; use plain data, such as its id`)
}

/** Whether a prototype is the one of plain objects, of this realm or another, or has no members. */
export const isPlain = (prototype: unknown): boolean =>
  prototype === null ||
  prototype === Object.prototype ||
  (Object.getPrototypeOf(prototype) === null &&
    // byway's own params have a prototype without members.
    (Object.hasOwn(prototype as object, 'hasOwnProperty') || !Reflect.ownKeys(prototype as object).length))

/** A value in words, for messages. */
export const nameOf = (value: unknown): string =>
  typeof value === 'object' && value !== null && value.constructor?.name
    ? `a ${value.constructor.name}`
    : `a ${typeof value}`

const plainPath = /^[\w\-.~/$&+,:;=@!'()*]*$/
const plainHref = /^https?:\/\/[\w.:[\]-]+\/[\w\-.~/$&+,:;=@!'()*]*$/

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

/** A URL without its query, with its path in the one spelling. */
export function toCanonicalHref(href: string): string {
  // First, because most URLs are plain and a search costs as much as this test.
  if (plainHref.test(href)) return href
  const end = href.search(/[?#]/)
  if (end !== -1) return toCanonicalHref(href.slice(0, end))
  const { origin, pathname } = new URL(href)
  return origin + toCanonicalPath(pathname)
}
