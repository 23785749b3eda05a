import type { RouteOperation } from '../app.js'

/** The declarations contradict each other or the protocol, so there is no valid document. The message names the operations or schemas. */
export class OpenApiError extends Error {
  override readonly name = 'OpenApiError'
  // Not a property of the object, because a logger would print it.
  readonly #operation: RouteOperation | undefined
  constructor(message: string, operation?: RouteOperation) {
    super(message)
    this.#operation = operation
  }
  /** The operation with the mistake, if it is in one. */
  get operation(): RouteOperation | undefined {
    return this.#operation
  }
}

// Generators use names as identifiers, so names have only ASCII letters and digits.
const words = (text: string): string[] => text.match(/[A-Za-z0-9]+/g) ?? []

const capitalize = (word: string): string => word[0]!.toUpperCase() + word.slice(1)

/** Converts `'item-photo'` to `'ItemPhoto'`. */
export const toPascal = (text: string): string => words(text).map(capitalize).join('')

/** Returns the name of an operation: `getUsersMe` for GET and `['users', 'me']`. A module's `default` is left out. */
export const toOperationId = (method: string, names: readonly string[]): string =>
  method.toLowerCase() +
  names
    .filter((name) => name !== 'default')
    .map(toPascal)
    .join('')

/** Returns the name, with a number from 2 on appended if it is taken. */
export function unique(name: string, isTaken: (name: string) => boolean): string {
  let free = name
  for (let number = 2; isTaken(free); number++) free = name + number
  return free
}
