/** A document cannot be written of what was declared. The message names what contradicts what. */
export class OpenApiError extends Error {
  override readonly name = 'OpenApiError'
}

// Names are read by generators, which write them as code: letters and digits of ASCII only.
const words = (text: string): string[] => text.match(/[A-Za-z0-9]+/g) ?? []

const capitalize = (word: string): string => word[0]!.toUpperCase() + word.slice(1)

/** `'item-photo'` gives `'ItemPhoto'`. */
export const toPascal = (text: string): string => words(text).map(capitalize).join('')

/** The name of an operation: `getUsersMe` for the method GET and the names `users` and `me`. A module's `default` says nothing. */
export const toOperationId = (method: string, names: readonly string[]): string =>
  method.toLowerCase() +
  names
    .filter((name) => name !== 'default')
    .map(toPascal)
    .join('')

/** The name, with a number if it is taken. */
export function unique(name: string, isTaken: (name: string) => boolean): string {
  let free = name
  for (let number = 2; isTaken(free); number++) free = name + number
  return free
}
