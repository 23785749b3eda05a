type Check = 'object' | 'function' | 'string' | 'boolean' | ((value: unknown) => boolean)

/**
 * Checks options: unknown names and invalid values.
 *
 * @throws an error of the given class that names the option.
 */
export function checkOptions(
  call: string,
  options: object,
  checks: { readonly [name: string]: Check },
  ErrorClass: new (message: string) => Error,
): void {
  if (typeof options !== 'object' || options === null)
    throw new ErrorClass(`${call} takes an object, not ${show(options)}`)
  for (const [name, value] of Object.entries(options)) {
    const check = Object.hasOwn(checks, name) ? checks[name]! : undefined
    if (!check) throw new ErrorClass(`${call} has no option '${name}'; use ${Object.keys(checks).join(', ')}`)
    const isValid =
      value === undefined || (typeof check === 'function' ? check(value) : typeof value === check && value !== null)
    if (!isValid) throw new ErrorClass(`${call} has an invalid '${name}': ${show(value)}`)
  }
}

/** A value as a message shows it: as JSON, cut, or as its type. */
export function show(value: unknown): string {
  try {
    return (JSON.stringify(value) ?? typeof value).slice(0, 100)
  } catch {
    return typeof value
  }
}

/** Checks that a value has a method. */
export const hasMethod =
  (name: string) =>
  (value: unknown): boolean =>
    typeof (value as { readonly [name: string]: unknown } | null | undefined)?.[name] === 'function'

/** Checks a number of bytes. */
export const isLimit = (value: unknown): boolean => typeof value === 'number' && value >= 0
